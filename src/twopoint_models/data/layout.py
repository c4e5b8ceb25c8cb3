"""The layout of MICRO2D's HDF5 files: a group a class, in it the images under the class's name, and tables of properties."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

COMPLETE = "COMPLETE"  # an attribute of files that MICRO2DWriter began: 0 until the last image is in
INSTRUCTIONS = "INSTRUCTIONS"  # an attribute of a table of properties: what each of its indices is


@dataclass(frozen=True)
class Column:
    """One property in the files' tables."""

    table: str
    position: int
    contrast: int | None
    name: str


def open_file(path: Path) -> h5py.File:
    """Open a file for reading; refuse what is truncated, of another kind, or not written to its end."""
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} cannot be opened as HDF5; is it truncated, or of another kind? ({error})") from error
    if not file.attrs.get(COMPLETE, 1):
        file.close()
        raise ValueError(f"{path} is incomplete: whoever wrote it was interrupted before the last image; resume it, or write it anew")
    return file


def class_sizes(file: h5py.File, path: Path) -> dict[str, int]:
    """Return the number of images of each class, sorted by name; refuse what has no class."""
    found = {}
    for name in sorted(file):
        images = file[name].get(name) if isinstance(file[name], h5py.Group) else None
        if isinstance(images, h5py.Dataset) and images.ndim == 3:
            found[name] = int(images.shape[0])
    if not found:
        raise ValueError(f"{path} is not in MICRO2D's layout: no group holds a dataset (n, H, W) of its own name")
    return found


def choose_classes(wanted: Iterable[str] | None, found: dict[str, int], path: Path) -> tuple[str, ...]:
    """Return the classes to read; refuse those that the file lacks."""
    if wanted is None:
        return tuple(found)
    if isinstance(wanted, str):
        raise TypeError(f"classes must be a list of names, got the one string {wanted!r}; write [{wanted!r}]")
    names = tuple(wanted)
    for name in names:
        if name not in found:
            raise ValueError(f"{path} has no class {name!r}{near(name, found)}; it has {', '.join(found)}")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"classes must be one or more, each once, got {list(names)}")
    return names


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
        and table.dtype.kind in "fiu"
    }


def column_names(table: h5py.Dataset) -> tuple[str, ...]:
    """Return the names of a table's last axis, as its INSTRUCTIONS list them in brackets; else the table's own with an index."""
    k, text = table.shape[-1], table.attrs.get(INSTRUCTIONS, "")
    text = text.decode() if isinstance(text, bytes) else str(text)
    for pattern in (r"\(([^()]*)\)", r"\[([^\[\]]*)\]", r"\{([^{}]*)\}"):
        for inner in re.findall(pattern, text):
            names = tuple(part.strip(" '\"") for part in inner.split(","))
            if len(names) == k == len(set(names)) and all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in names):
                return names
    own = str(table.name).rsplit("/", 1)[-1]
    return tuple(f"{own}[{i}]" for i in range(k))


def choose_columns(file: h5py.File, classes: tuple[str, ...], wanted: Iterable[str] | None, contrast: int | None) -> tuple[Column, ...]:
    """Return the columns to read; refuse those that a class lacks, and a contrast that is wanting or beyond."""
    if wanted is None:
        return ()
    if isinstance(wanted, str):
        raise TypeError(f"properties must be a list of names, got the one string {wanted!r}; write [{wanted!r}]")
    known = tables(file, classes[0])
    places = {name: (table, i) for table, data in known.items() for i, name in enumerate(column_names(data))}
    columns: list[Column] = []
    for name in wanted:
        if name not in places and name not in known:
            raise ValueError(f"{classes[0]} has no property {name!r}{near(name, [*places, *known])}; it has {', '.join(places) or 'none'}")
        for single in column_names(known[name]) if name in known else (name,):
            table, position = places[single]
            columns.append(Column(table, position, _contrast(known[table], contrast), single))
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
        position = column_names(table).index(column.name)
        found[:, i] = table[:, position] if column.contrast is None else table[:, column.contrast, position]
    return found


def near(name: Any, known: Iterable[str]) -> str:
    """Return what may have been meant."""
    close = difflib.get_close_matches(str(name), list(known), 1, 0.6) or [k for k in known if k.lower() == str(name).lower()]
    return f"; did you mean {close[0]!r}?" if close else ""


def _contrast(table: h5py.Dataset, contrast: int | None) -> int | None:
    """Return the index of a table's contrast, None where it has no such axis."""
    if table.ndim == 2:
        return None
    n = table.shape[1]
    if contrast is None:
        if n == 1:
            return 0
        raise ValueError(f"contrast must be an index 0..{n - 1} (or -1 for the last): {table.name} has {n} contrasts of the phases")
    if not -n <= contrast < n:
        raise ValueError(f"contrast must be an index 0..{n - 1} (or -1 for the last), got {contrast}")
    return contrast % n
