"""The layout of MICRO2D's HDF5 files: a group for each class with the images, under the name of the class, and tables of properties."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from twopoint.backend import missing_filter

from ..checks import names as names_of

PIECES = ".part"  # suffix of the folder in which a file is prepared
COMPLETE = "COMPLETE"  # an attribute of files that MICRO2DWriter writes: 0 until the last image is written
COLUMN = r"[A-Za-z_]\w*"  # pattern of the name of a column
INSTRUCTIONS = "INSTRUCTIONS"  # an attribute of a table of properties that names its indices


@dataclass(frozen=True)
class Column:
    """One property in the files' tables."""

    table: str
    position: int
    contrast: int | None
    name: str


def open_file(path: Path) -> h5py.File:
    """Open a file for reading; refuse files that are truncated, of another kind or incomplete."""
    if not path.exists():
        begun = path.with_name(path.name + PIECES)
        raise FileNotFoundError(
            f"no file {path}" + (f" yet: {begun} holds the images that have been written; write the others first" if begun.is_dir() else "")
        )
    if path.is_dir():
        raise ValueError(f"{path} is a folder, where an HDF5 file is expected")
    try:
        file = h5py.File(path, "r")
    except PermissionError as error:
        raise PermissionError(f"no permission to read {path}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be opened as HDF5; is it truncated, or of another kind? ({error})") from error
    if not file.attrs.get(COMPLETE, 1):
        file.close()
        raise ValueError(f"{path} is incomplete: it was not written to the last image; resume the writer, or write it again")
    return file


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turn a failure of HDF5 into an error that names what could not be read."""
    try:
        yield
    except (OSError, KeyError, RuntimeError) as error:
        raise ValueError(f"{what} cannot be read; is the file truncated? ({error})") from error


def class_shapes(file: h5py.File, path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape (n, H, W) of the images of each class, sorted by name; refuse files without a class of numbers."""
    found = {}
    for name in sorted(file):
        group = file.get(name)
        if group is None:
            raise ValueError(f"{name!r} in {path} is a link without a target")
        images = group.get(name) if isinstance(group, h5py.Group) else None
        if isinstance(images, h5py.Dataset) and images.ndim == 3:
            if images.dtype.kind not in "biuf" or not all(images.shape[1:]):
                raise ValueError(f"images of {name} in {path} must be numbers (n, H, W), got {images.dtype} {images.shape}")
            refuse_filter(images, f"images of {name} in {path}")
            found[name] = tuple(int(n) for n in images.shape)
    if not found:
        raise ValueError(f"{path} is not in MICRO2D's layout: no group holds a dataset (n, H, W) of its own name")
    return found


def refuse_filter(dataset: h5py.Dataset, what: str) -> None:
    """Refuse a dataset that was compressed by a filter that is not installed."""
    if (lacking := missing_filter(dataset)) is not None:
        raise ValueError(f"{what} cannot be read without {lacking}")


def choose_classes(requested: Iterable[str] | None, found: dict[str, tuple[int, ...]], path: Path) -> tuple[str, ...]:
    """Return the classes to read; refuse those that the file lacks."""
    if requested is None:
        return tuple(found)
    names = names_of("classes", requested)
    for name in names:
        if name not in found:
            raise ValueError(f"{path} has no class {name!r}{near(name, found)}; it has {', '.join(found)}")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"classes must be one or more, each once, got {list(names)}")
    return names


def refuse_holes(file: h5py.File, classes: tuple[str, ...], path: Path) -> None:
    """Refuse images that have a place in the file but were never written; HDF5 would return zeros for them."""
    for name in classes:
        images = file[name][name]
        if images.is_virtual or images.external or not images.size:
            continue
        if images.chunks is None:
            written, announced = int(images.id.get_storage_size() > 0), 1
        else:
            written = images.id.get_num_chunks()
            announced = math.prod(-(-n // chunk) for n, chunk in zip(images.shape, images.chunks, strict=True))
        if written < announced:
            raise ValueError(f"{path} is incomplete: of the images of {name}, {written} of {announced} chunks were written")


def read_image(images: h5py.Dataset, index: int) -> np.ndarray:
    """Return an image (H, W) as it is stored."""
    image = np.asarray(images[index])
    if images.chunks and not image.any():
        # If a file is truncated in its table of chunks, HDF5 returns zeros for missing chunks; reading the chunk itself raises an error.
        images.id.read_direct_chunk((index - index % images.chunks[0], 0, 0))
    return image


def labels_of(name: str) -> str:
    """Return the name of the dataset of labels of a class."""
    return f"{name} - labels"


def tables(file: h5py.File, name: str) -> dict[str, h5py.Dataset]:
    """Return the tables of properties of a class: numbers (n, k) or (n, contrasts, k)."""
    images = file[name][name].shape[0]
    return {
        key: table
        for key, table in file[name].items()
        if key != name
        and isinstance(table, h5py.Dataset)
        and table.ndim in (2, 3)
        and table.shape[0] == images
        and all(table.shape[1:])
        and table.dtype.kind in "fiu"
    }


def column_names(table: h5py.Dataset) -> tuple[str, ...]:
    """Return the names of a table's last axis: those in brackets in its INSTRUCTIONS, else the name of the table with an index."""
    k, text = table.shape[-1], table.attrs.get(INSTRUCTIONS, "")
    text = text.decode() if isinstance(text, bytes) else str(text)
    for pattern in (r"\(([^()]*)\)", r"\[([^\[\]]*)\]", r"\{([^{}]*)\}"):
        for inner in re.findall(pattern, text):
            names = tuple(part.strip(" '\"") for part in inner.split(","))
            if len(names) == k == len(set(names)) and all(re.fullmatch(COLUMN, name) for name in names):
                return names
    own = str(table.name).rsplit("/", 1)[-1]
    return tuple(f"{own}[{i}]" for i in range(k))


def choose_columns(file: h5py.File, classes: tuple[str, ...], requested: Iterable[str] | None, contrast: int | None) -> tuple[Column, ...]:
    """Return the columns to read; refuse columns that a class lacks, and a contrast that is missing or out of range."""
    if requested is None:
        if contrast is not None:
            raise ValueError(f"contrast must be left out without properties; got contrast={contrast!r}")
        return ()
    known = tables(file, classes[0])
    places = [(single, table, i) for table, data in known.items() for i, single in enumerate(column_names(data))]
    columns: list[Column] = []
    for name in names_of("properties", requested):
        chosen = [place for place in places if name == place[1]] or [place for place in places if name == place[0]]
        if not chosen:
            raise ValueError(_lacking(file, classes[0], name, [place[0] for place in places], known))
        if name not in known and len(chosen) > 1:
            raise ValueError(f"property {name!r} is in several tables; name one of {', '.join(p[1] for p in chosen)} instead")
        columns += [Column(table, position, _contrast(known[table], contrast), single) for single, table, position in chosen]
    if len(set(columns)) < len(columns):
        raise ValueError(f"properties must be different, got {[column.name for column in columns]}")
    for other in classes[1:]:
        for column in columns:
            theirs = tables(file, other).get(column.table)
            if theirs is None or column.name not in column_names(theirs):
                raise ValueError(f"class {other} has no property {column.name!r}, which {classes[0]} has")
    return tuple(columns)


def read_columns(file: h5py.File, name: str, columns: tuple[Column, ...]) -> np.ndarray:
    """Return the properties of a class, (n, k)."""
    found = np.empty((file[name][name].shape[0], len(columns)))
    for i, column in enumerate(columns):
        table = file[name][column.table]
        refuse_filter(table, f"{column.table!r} of {name} in {file.filename}")
        position = column_names(table).index(column.name)
        found[:, i] = table[:, position] if column.contrast is None else table[:, column.contrast, position]
    return found


def near(name: Any, known: Iterable[str]) -> str:
    """Return a suggestion for a misspelt name."""
    close = difflib.get_close_matches(str(name), list(known), 1, 0.6) or [k for k in known if k.lower() == str(name).lower()]
    return f"; did you mean {close[0]!r}?" if close else ""


def _lacking(file: h5py.File, of: str, name: str, known: list[str], by_table: Iterable[str]) -> str:
    """Return the message for a property that a class lacks, or that is not a table."""
    odd = file[of].get(name)
    if isinstance(odd, h5py.Dataset):
        n, kind = file[of][of].shape[0], f"{odd.dtype} {odd.shape}"
        return f"{name!r} of {of} is no table of properties: numbers ({n}, k) or ({n}, contrasts, k) are expected, it holds {kind}"
    return f"{of} has no property {name!r}{near(name, [*known, *by_table])}; it has {', '.join(known) or 'none'}"


def _contrast(table: h5py.Dataset, contrast: int | None) -> int | None:
    """Return the index of a table's contrast, None if it has no such axis."""
    if table.ndim == 2:
        return None
    n = table.shape[1]
    if contrast is None:
        if n == 1:
            return 0
        raise ValueError(f"contrast must be an index 0..{n - 1} (or -1 for the last): {table.name} has {n} contrasts of the phases")
    if isinstance(contrast, bool) or not hasattr(contrast, "__index__") or not -n <= contrast < n:
        raise ValueError(f"contrast must be an index 0..{n - 1} (or -1 for the last), got {contrast!r}")
    return contrast % n
