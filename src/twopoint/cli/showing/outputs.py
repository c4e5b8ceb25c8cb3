"""What the command line writes, and where it may."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ..terminal import InputError

FIGURES = (".json",)
PRINTED = Path("-")  # as a file of figures: print them
LABELS = (".npy", ".png", ".tif", ".tiff")


@dataclass(frozen=True)
class Output:
    """A file to be written, and the endings that it may have."""

    path: Path | None
    endings: tuple[str, ...]
    own: bool = False  # a name of the command's own choice, which it may overwrite


def check(outputs: list[Output], sources: list[Path], *, force: bool) -> None:
    """Refuse what cannot be written, before any work is done.

    Parameters
    ----------
    outputs : list of Output
        Those without a path, and figures that are printed, are left out.
    sources : list of Path
        Files that are read: none may be written, even by force.
    force : bool
        Whether files may be overwritten.

    Raises
    ------
    InputError
        If a file is named twice, has a wrong ending, exists, or cannot be written.
    """
    written = [output for output in outputs if output.path is not None and not (output.path == PRINTED and output.endings == FIGURES)]
    paths = [output.path for output in written if output.path is not None]
    known = [path.resolve() for path in paths]
    for path in known:
        if known.count(path) > 1 or path in [source.resolve() for source in sources]:
            raise InputError(f"{path.name} is named twice among the input and the outputs; give each file a name of its own")
    for output, path in zip(written, paths, strict=True):
        _check_path(path, force=force or output.own)
        if path.suffix.lower() not in output.endings:
            raise InputError(f"{path} must end in {' or '.join(output.endings)}")


def _check_path(path: Path, *, force: bool) -> None:
    """Refuse a file that would be overwritten, unless forced, and one that cannot be written."""
    if "\0" in str(path):
        raise InputError("an output's name must not hold a null character")
    if path.is_dir():
        raise InputError(f"{path} is a directory; name a file in it")
    if path.exists() and not force:
        raise InputError(f"{path} exists; --force overwrites it")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no directory to write {path.name} to")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: permission denied")


def write_json(path: Path, measured: dict[str, Any]) -> None:
    """Write figures to a file, or print them."""
    text = json.dumps({"twopoint": __version__} | measured, indent=2, allow_nan=False) + "\n"
    if path == PRINTED:
        print(text, end="")
    else:
        path.write_text(text, encoding="utf-8")


def write_labels(path: Path, labels: np.ndarray, n_phases: int) -> None:
    """Write labels: as they are to .npy and .tif, over gray 0..255 to .png, which is for looking at and reads back as the same labels."""
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
    """Return how far neighbouring labels are apart in a file of labels."""
    return 255 / (n_phases - 1) if path.suffix.lower() == ".png" else 1.0


def check_labels(path: Path | None, space: tuple[int, ...]) -> None:
    """Refuse a picture as the file of a volume's labels."""
    if path is not None and path.suffix.lower() == ".png" and len(space) > 2:
        raise InputError(f"{path} can hold one image, not a volume of shape {space}; use .npy or .tif")
