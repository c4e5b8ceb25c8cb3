"""What all commands share: errors of one sentence, the network of RUN, and the folder that one process writes."""

import hashlib
import importlib.util
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twopoint.cli.many.folder import RunFolder
from twopoint.cli.reading.collect import RUN_FILE
from twopoint.cli.terminal import InputError, clear_errors, say

from ..nets.names import WEIGHTS
from ..pretrained.loading import folder_of, kind_of, names
from ..pretrained.loading import load as load_network

TITLES = {"CESSVAE": "CESS VAE", "ResNetVAE": "statistics VAE", "TextureVAE": "texture VAE", "PropertyMLP": "predictor"}
VAES = ("CESSVAE", "ResNetVAE", "TextureVAE")
_LOCK, PARTS = ".twopoint-lock", ".parts"
_NEEDED = {"torch": "torch", "safetensors": "safetensors", "pytorch_lightning": "pytorch-lightning", "pooch": "pooch"}


@contextmanager
def model_errors(*, heavy: bool = True) -> Iterator[None]:
    """Print any refusal as one sentence and exit with status 2, also where packages are missing."""
    with clear_errors():
        missing = [name for module, name in _NEEDED.items() if heavy and importlib.util.find_spec(module) is None]
        if missing:
            raise InputError(f"twopoint model needs {', '.join(missing)}: pip install '.[cli,models]' in a checkout")
        try:
            with _warnings_as_notes():
                yield
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            raise error if isinstance(error, InputError) else InputError(" ".join(str(error).split()) or type(error).__name__) from error


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Print warnings as notes, without the file and the line of the program where they were raised."""

    def note(message: Warning | str, category: type[Warning], filename: str, lineno: int, *place: Any, **more: Any) -> None:
        say("note:", " ".join(str(message).split()))

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)  # never an exception
        warnings.showwarning = note
        yield


def load_run(run: str, kinds: tuple[str, ...], vgg: str = "") -> Any:
    """Return the network of RUN; refuse one of another kind, and say first if weights of VGG-19 are needed and not there."""
    if run not in names() and not Path(run).is_dir():
        raise InputError(f"RUN must be a folder of a trained network, or one of {', '.join(names())}, got {run!r}")
    kind = kind_of(run)
    if kind not in kinds:
        takes = " or ".join(dict.fromkeys(TITLES[each] for each in kinds))
        raise InputError(f"{run} is a {TITLES.get(kind, kind)}, this command takes a {takes}{_advice(kind, kinds)}")
    if kind == "TextureVAE":
        announce_vgg(vgg)
    return load_network(run, vgg=vgg)


def _advice(kind: str, kinds: tuple[str, ...]) -> str:
    """Return what helps a user whose network is of another kind."""
    if kinds == ("PropertyMLP",) and kind == "CESSVAE":
        return "; 'twopoint model train predictor IMAGES' trains one, and 'twopoint model homogenise' needs no network"
    return ""


def announce_vgg(vgg: str) -> None:
    """Say that VGG-19's weights will be fetched, if they are neither given nor in the cache."""
    from ..weights import VGG19_NORMALISED, cache_folder

    if not vgg and not (cache_folder() / VGG19_NORMALISED.file).is_file():
        say(f"note: the weights of VGG-19 (80 MB) are fetched into {cache_folder()} and checked by their hash; --vgg takes a file instead")


def digest(run: str) -> str:
    """Return the hash of the weights of RUN, by which a folder of results knows its network."""
    return hashlib.sha256((folder_of(run) / WEIGHTS).read_bytes()).hexdigest()[:16]


@contextmanager
def results_in(path: Path, settings: dict[str, Any], finished: str, *, force: bool) -> Iterator[RunFolder]:
    """Open a folder of results for this process alone.

    Parameters
    ----------
    path : Path
    settings : dict
        The command and all options on which the results depend.
    finished : str
        File whose presence says that an earlier call has finished.
    force : bool
        Whether results of an earlier call are replaced.

    Raises
    ------
    InputError
        If another process writes to the folder, it holds other results, or finished ones without force.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; --out takes a folder")
    new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be created: {error.strerror or error}") from error
    with _emptied(path, new), _alone(path):
        if (path / finished).exists() and not force:
            raise InputError(f"{path / finished} exists; --force replaces it, --out names another folder")
        folder = RunFolder(path, settings)
        lock = path / _LOCK
        others = [each for each in path.iterdir() if each != lock]
        folder.open(force=force or new or not others)
        try:
            yield folder
        except BaseException:
            parts = path / PARTS
            if parts.is_dir() and not any(parts.iterdir()):
                parts.rmdir()
            if new and {each.name for each in path.iterdir()} <= {RUN_FILE, _LOCK}:  # nothing was done, so nothing stays
                (path / RUN_FILE).unlink(missing_ok=True)
            raise


@contextmanager
def _emptied(path: Path, new: bool) -> Iterator[None]:
    """Remove a new folder in which nothing was written."""
    try:
        yield
    finally:
        if new and path.is_dir() and not any(path.iterdir()):
            path.rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which the system releases when this process ends, however it ends."""
    path = folder / _LOCK
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror or error}") from error
    try:
        if not _locked(file) or not path.exists() or os.stat(path).st_ino != os.fstat(file).st_ino:
            raise InputError(f"another process writes to {folder}; wait for it, or --out names another folder")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    """Take the lock of an open file, and tell whether it was free."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
