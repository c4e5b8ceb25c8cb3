"""Files that are written completely or not at all."""

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


def into_place(path: Path, write: Callable[[Path], object], folder: Path) -> None:
    """Write a file in a folder of the same disk and rename it, so that a kill leaves no partial file."""
    part = folder / f".{path.name}.{os.getpid()}"
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())  # the content must reach the disk before the name, in case the machine stops
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a compressed file of exactly this name."""
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of a file."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:  # np.load itself would leave a damaged file open
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read; remove it, and write its images again ({error})") from error
