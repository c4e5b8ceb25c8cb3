"""Output files: checked before any work, and written."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ..terminal import InputError, OutputError

JSON = (".json",)
PRINTED = Path("-")  # instead of a .json file: print
LABELS = (".npy", ".png", ".tif", ".tiff")


@dataclass(frozen=True)
class OutputFile:
    """A file to write, and the endings that it may have."""

    path: Path | None
    endings: tuple[str, ...]
    overwrite: bool = False  # without --force


def check(outputs: list[OutputFile], sources: list[Path], *, force: bool) -> None:
    """Raise an error for files that cannot be written, before any work is done.

    Parameters
    ----------
    outputs : list of OutputFile
        Those without a path, and numbers that are printed, are skipped.
    sources : list of Path
        Files that are read; they are never overwritten.
    force : bool
        Whether existing files may be overwritten.

    Raises
    ------
    InputError
        If a file is named twice, has a wrong ending, exists already, or cannot be written.
    """
    files = [output for output in outputs if output.path is not None and not (output.path == PRINTED and output.endings == JSON)]
    paths = [output.path for output in files if output.path is not None]
    resolved = [path.resolve() for path in paths]
    for path in resolved:
        if resolved.count(path) > 1 or path in [source.resolve() for source in sources]:
            raise InputError(f"{path.name} is named twice among the inputs and outputs; give each file a name of its own")
    for output, path in zip(files, paths, strict=True):
        _check_path(path, force=force or output.overwrite)
        if path.suffix.lower() not in output.endings:
            raise InputError(f"{path} must end in {' or '.join(output.endings)}")


def _check_path(path: Path, *, force: bool) -> None:
    """Raise an error for a file that exists, unless forced, and one that cannot be written."""
    if "\0" in str(path):
        raise InputError("an output's name must not hold a null character")
    if path.is_dir():
        raise InputError(f"{path} is a directory; name a file in it")
    if path.exists() and not force:
        raise InputError(f"{path} exists; --force overwrites it")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a directory, so {path.name} cannot be written to it")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: permission denied")


def write_json(path: Path, form: str, measured: dict[str, Any]) -> None:
    """Write numbers to a .json file, or print them; form names the keys and their version, as the schema has them."""
    text = json_text(form, measured)
    if path == PRINTED:
        print(text, end="")
    else:
        path.write_text(text, encoding="utf-8")


def json_text(form: str, measured: dict[str, Any]) -> str:
    """Return numbers as text for a .json file, with the version of this package and the form of the keys."""
    return json.dumps({"twopoint": __version__, "format": form} | measured, indent=2, allow_nan=False) + "\n"


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file under another name, and give it its own when it is complete, so that a file of this name is never half written.

    Parameters
    ----------
    path : Path
        The file.
    write : callable
        Writes to the path that it is given.

    Raises
    ------
    OutputError
        If the file cannot be written, as on a full disk.
    """
    part = path.with_name(f".{path.name[-100:]}.{os.getpid()}.part")
    try:
        write(part)
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def write_labels(path: Path, labels: np.ndarray, n_phases: int) -> None:
    """Write labels: unchanged to .npy and .tif, spread over gray 0..255 to .png, which can be viewed and reads back as the same labels."""
    ending = path.suffix.lower()
    if ending == ".npy":
        with path.open("wb") as file:
            np.save(file, labels)
    elif ending == ".png":
        from PIL import Image

        Image.fromarray(np.round(labels * gray_step(path, n_phases)).astype(np.uint8)).save(path, format="PNG")
    else:
        import tifffile

        tifffile.imwrite(path, labels.astype(np.uint8), photometric="minisblack", compression="zlib")


def gray_step(path: Path, n_phases: int) -> float:
    """Return the difference of consecutive labels in a file."""
    return 255 / (n_phases - 1) if path.suffix.lower() == ".png" else 1.0


def check_labels(path: Path | None, space: tuple[int, ...]) -> None:
    """Raise an error for .png as the file for labels of a volume."""
    if path is not None and path.suffix.lower() == ".png" and len(space) > 2:
        raise InputError(f"{path} can hold one image, not a volume of shape {space}; use .npy or .tif")
