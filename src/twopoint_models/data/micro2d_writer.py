"""The writer of files in MICRO2D's layout. It can be resumed, and no partial file is taken for a complete one."""

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from ..checks import names as names_of
from ..checks import positive
from .layout import COLUMN, COMPLETE, INSTRUCTIONS, PIECES, labels_of
from .pieces import into_place, load_arrays, save_arrays


class MICRO2DWriter:
    """Write images by class, in any order and several sessions, to a file that :class:`MICRO2D` reads.

    Until all images are written, they are kept in the folder ``<path>.part``, each piece in its own file that is renamed into place. So a
    kill loses no finished piece and leaves no partial one. Leaving the ``with`` block joins the pieces to the file. A writer with the same
    arguments resumes from the pieces that exist. Several processes may each have a writer; one of them joins the pieces when all are
    written.

    Parameters
    ----------
    path : str or path
        The file to write, which must not exist.
    counts : dict of str to int
        The number of images of each class.
    size : int
        Images are (size, size) pixels.
    properties : dict of str to list of str, optional
        Columns of the tables of properties, by table, e.g. ``{"homogenized_thermal": ["kx", "ky"]}``. Names consist of letters, digits and
        _.
    contrasts : int
        Number of contrasts of the phases in each table.
    attributes : dict, optional
        Further attributes of the file, text and numbers by name, such as a source or a seed.

    Raises
    ------
    FileExistsError
        If the file exists at the start or at the end.
    TypeError, ValueError
        If counts, size or properties are invalid, the folder belongs to another dataset, an image is not of 0 and 1 or has another size, a
        piece is written twice, exceeds its class or is damaged, or the block is left before all images are written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from twopoint_models.data import MICRO2DWriter
    >>> path = tempfile.mkdtemp() + "/own.h5"
    >>> with MICRO2DWriter(path, {"discs": 2}, size=16, properties={"measured": ["k"]}) as writer:
    ...     for name, start, stop in writer.missing(block=1):
    ...         writer.write(name, np.zeros((1, 16, 16), np.uint8), start=start, properties={"measured": [[1.5]]})
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        counts: Mapping[str, int],
        *,
        size: int,
        properties: Mapping[str, Iterable[str]] | None = None,
        contrasts: int = 1,
        attributes: Mapping[str, str | int | float] | None = None,
    ) -> None:
        self.path, self.size, self.contrasts = Path(path), positive("size", size), positive("contrasts", contrasts)
        self.folder = self.path.with_name(self.path.name + PIECES)
        if self.path.exists():
            raise FileExistsError(f"{self.path} exists; remove it, or choose another path")
        if not isinstance(counts, Mapping):
            raise TypeError(f"counts must give each class a number of images, got {counts!r}")
        if not counts or not all(map(_usable, counts)):
            raise ValueError(f"counts must give each class a number of images, names without '/', got {counts!r}")
        self.counts = {name: positive(f"counts[{name!r}]", counts[name]) for name in sorted(counts)}  # pieces are numbered in this order
        self.properties = self._announced({} if properties is None else properties)
        self.attributes = _told({} if attributes is None else attributes)
        about = {"counts": self.counts, "size": self.size, "properties": self.properties, "contrasts": self.contrasts}
        about |= {"attributes": self.attributes} if self.attributes else {}
        self._begin(json.dumps(about, sort_keys=True))

    def _announced(self, properties: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """Return the columns of each table; refuse names that cannot be written or are ambiguous."""
        if not isinstance(properties, Mapping):
            raise TypeError(f"properties must give each table the names of its columns, got {properties!r}")
        taken = {*self.counts, *map(labels_of, self.counts)}
        found = {table: list(names_of(f"properties[{table!r}]", names)) for table, names in properties.items()}
        columns = [name for names in found.values() for name in names]
        if not all(_usable(table) and table not in taken and names for table, names in found.items()):
            raise ValueError(f"properties must be tables of one column or more, other than the classes and their labels, got {found}")
        if len(set(columns)) < len(columns) or not all(re.fullmatch(COLUMN, name) for name in columns):
            raise ValueError(f"properties must have columns of one name each, of letters, digits and _, got {columns}")
        return found

    def _begin(self, about: str) -> None:
        """Create the folder, or check that an existing one is of the same dataset."""
        note = self.folder / "dataset.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not note.exists():
            into_place(note, lambda part: part.write_text(about), self.folder)
        if (begun := note.read_text()) != about:
            old, new = json.loads(begun), json.loads(about)
            other = "; ".join(
                f"{key} {old.get(key)} there, {new.get(key)} here" for key in sorted({*old, *new}) if old.get(key) != new.get(key)
            )
            raise ValueError(f"{self.folder} holds the pieces of another dataset ({other}); remove it, or choose another path")

    def _pieces(self) -> dict[str, list[tuple[int, int]]]:
        """Return the existing pieces of all processes as (start, stop) by class."""
        found: dict[str, list[tuple[int, int]]] = {name: [] for name in self.counts}
        for piece in self.folder.glob("[0-9]*-*-*.npz"):
            number, start, stop = map(int, piece.stem.split("-"))
            found[list(self.counts)[number]].append((start, stop))
        return {name: sorted(pieces) for name, pieces in found.items()}

    def missing(self, block: int = 64) -> list[tuple[str, int, int]]:
        """Return the images that no process has written yet as (class, start, stop), at most ``block`` images each."""
        positive("block", block)
        wanting, pieces = [], self._pieces()
        for name, number in self.counts.items():
            at = 0
            for start, stop in [*pieces[name], (number, number)]:
                wanting += [(name, i, min(i + block, start)) for i in range(at, start, block)]
                at = max(at, stop)
        return wanting

    def write(
        self,
        name: str,
        images: np.ndarray,
        *,
        start: int | None = None,
        labels: Iterable[str] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Write images (n, size, size) of 0 and 1 from index ``start`` on, by default the first missing one.

        Each image may have a label. Properties are (n, k) or (n, contrasts, k) by table; missing tables hold NaN.
        """
        if name not in self.counts:
            raise ValueError(f"name must be one of {', '.join(self.counts)}, got {name!r}")
        images = np.asarray(images)
        if images.ndim != 3 or images.shape[1:] != (self.size, self.size) or not len(images):
            raise ValueError(f"images must have the shape (n, {self.size}, {self.size}), got {images.shape}")
        if not ((images == 0) | (images == 1)).all():
            raise ValueError(f"images of {name} must hold 0 and 1 only, got other values, in {images.dtype}")
        if start is None:
            start = next((first for other, first, _ in self.missing() if other == name), self.counts[name])
        start = positive("start", start, zero=True)
        stop = start + len(images)
        if stop > self.counts[name] or any(a < stop and start < b for a, b in self._pieces()[name]):
            raise ValueError(f"images {start} to {stop - 1} of {name} exceed its {self.counts[name]} images, or have been written")
        kept = {"images": np.packbits(images.astype(bool), axis=None)} | self._tables(properties or {}, len(images))
        if labels is not None and (isinstance(labels, str) or not hasattr(labels, "__iter__")):
            raise TypeError(f"labels must be a list, one per image, got {labels!r}")
        written = [""] * len(images) if labels is None else [str(label) for label in labels]
        if len(written) != len(images):
            raise ValueError(f"labels must be one per image, {len(images)}, got {len(written)}")
        kept["labels"] = np.array(written)
        into_place(self._piece(name, start, stop), lambda part: save_arrays(part, kept), self.folder)

    def _piece(self, name: str, start: int, stop: int) -> Path:
        """Return the file of a piece."""
        return self.folder / f"{list(self.counts).index(name)}-{start}-{stop}.npz"

    def _tables(self, given: Mapping[str, Any], number: int) -> dict[str, np.ndarray]:
        """Return the properties by table in the form of a piece."""
        if not isinstance(given, Mapping):
            raise TypeError(f"properties must be given by table, got {given!r}")
        unknown = set(given) - set(self.properties)
        if unknown:
            tables = ", ".join(self.properties) or "none"
            raise ValueError(f"properties must be of the tables of the writer, {tables}, got {', '.join(map(repr, sorted(unknown)))}")
        kept = {}
        for table, names in self.properties.items():
            shape = (number, self.contrasts, len(names))
            try:
                values = np.full(shape, np.nan) if table not in given else np.asarray(given[table], dtype=float)
            except (TypeError, ValueError) as error:
                raise ValueError(f"properties of {table!r} must be numbers of the shape {shape} ({error})") from error
            values = values[:, None] if values.ndim == 2 and self.contrasts == 1 else values
            if values.shape != shape:
                raise ValueError(f"properties of {table!r} must have the shape {shape}, got {values.shape}")
            kept[f"table {table}"] = values
        return kept

    def __enter__(self) -> "MICRO2DWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            return
        if self.path.exists():
            raise FileExistsError(f"{self.path} exists: another process has finished it, or has written another file")
        wanting = sum(stop - start for _, start, stop in self.missing())
        if wanting:
            raise ValueError(f"{wanting} of {sum(self.counts.values())} images are missing; the written ones are in {self.folder}")
        into_place(self.path, self._join, self.folder)
        shutil.rmtree(self.folder)

    def _join(self, part: Path) -> None:
        """Write the pieces to one file."""
        with h5py.File(part, "w") as file:
            file.attrs[COMPLETE] = 0
            file.attrs.update(self.attributes)
            for name, pieces in self._pieces().items():
                number = self.counts[name]
                group, shape = file.create_group(name), (number, self.size, self.size)
                images = group.create_dataset(
                    name, shape=shape, dtype=np.uint8, chunks=(1, *shape[1:]), compression="gzip", compression_opts=1
                )
                labels = group.create_dataset(labels_of(name), shape=(number,), dtype=h5py.string_dtype())
                tables = {}
                for table, names in self.properties.items():
                    tables[table] = group.create_dataset(table, shape=(number, self.contrasts, len(names)), dtype=np.float64)
                    tables[table].attrs[INSTRUCTIONS] = f"[n, contrast, ({', '.join(names)})]"
                if any(stop > start for (_, stop), (start, _) in pairwise(pieces)):
                    raise ValueError(f"pieces of {name} overlap, two processes wrote the same images; remove one of {pieces}")
                for start, stop in pieces:
                    piece = load_arrays(self._piece(name, start, stop))
                    bits = np.unpackbits(piece["images"], count=(stop - start) * self.size**2)
                    images[start:stop] = bits.reshape(-1, self.size, self.size)
                    labels[start:stop] = piece["labels"].astype(object)
                    for table, data in tables.items():
                        data[start:stop] = piece[f"table {table}"]
            file.attrs[COMPLETE] = 1


def _told(attributes: Any) -> dict[str, str | int | float]:
    """Return the attributes of a file; refuse names and values that cannot be stored as such."""
    if not isinstance(attributes, Mapping) or not all(isinstance(value, (str, int, float)) for value in attributes.values()):
        raise TypeError(f"attributes must be text and numbers by name, got {attributes!r}")
    if not all(map(_usable, attributes)) or COMPLETE in attributes:
        raise ValueError(f"attributes must have names other than {COMPLETE}, got {list(attributes)}")
    return dict(attributes)


def _usable(name: Any) -> bool:
    """Tell whether HDF5 takes a name."""
    return isinstance(name, str) and name not in ("", ".") and not {"/", "\0"} & set(name)
