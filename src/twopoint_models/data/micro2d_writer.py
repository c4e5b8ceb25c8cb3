"""Files in MICRO2D's layout from one's own images: resumable, and never taken for whole before they are."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from .._check import positive
from .layout import COMPLETE, INSTRUCTIONS


class MICRO2DWriter:
    """Write images by class, in any order and in several goes, to a file that :class:`MICRO2D` reads.

    Until all are there they stand in the folder ``<path>.part``, each piece in a file of its own that is renamed into place: what was
    written before a kill is there afterwards, and nothing half written is. Leaving the ``with`` block joins them to the file. A writer with
    the same arguments goes on with what it finds.

    Parameters
    ----------
    path : str or path
        The file to write; refused if it is there.
    counts : dict of str to int
        The number of images of each class.
    size : int
        Images are (size, size) pixels.
    properties : dict of str to list of str, optional
        Tables of properties, by name, and what their columns are, e.g. ``{"homogenized_thermal": ["kx", "ky"]}``.
    contrasts : int
        Contrasts of the phases in each table.

    Raises
    ------
    FileExistsError
        If the file is there.
    TypeError, ValueError
        If counts or size mean nothing, the folder belongs to another dataset, an image is not of 0 and 1 or of another size, a piece is
        written twice or beyond its class, or the block is left before all is there.

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
    ) -> None:
        self.path, self.size = Path(path), size
        self.folder = self.path.with_name(self.path.name + ".part")
        if self.path.exists():
            raise FileExistsError(f"{self.path} is there already; remove it, or choose another path")
        if not counts or any("/" in name or not name for name in counts):
            raise ValueError(f"counts must give each class a number of images, names without '/', got {dict(counts)}")
        for what, number in {"size": size, "contrasts": contrasts, **{f"counts[{name!r}]": n for name, n in counts.items()}}.items():
            positive(what, number)
        self.counts, self.contrasts = dict(counts), contrasts
        self.properties = {table: list(names) for table, names in (properties or {}).items()}
        about = {"counts": self.counts, "size": size, "properties": self.properties, "contrasts": contrasts}
        self._begin(json.dumps(about, sort_keys=True))

    def _begin(self, about: str) -> None:
        """Make the folder, or find it with the pieces of an earlier go."""
        note = self.folder / "dataset.json"
        if note.exists() and note.read_text() != about:
            raise ValueError(f"{self.folder} holds the pieces of another dataset; remove it, or choose another path")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not note.exists():
            _into_place(note, lambda part: part.write_text(about))
        self._pieces = {name: sorted(self._found(i)) for i, name in enumerate(self.counts)}  # (start, stop) by class

    def _found(self, number: int) -> list[tuple[int, int]]:
        """Return the pieces of a class that are there."""
        stems = [piece.stem.split("-") for piece in self.folder.glob(f"{number}-*-*.npz")]
        return [(int(start), int(stop)) for _, start, stop in stems]

    def missing(self, block: int = 64) -> list[tuple[str, int, int]]:
        """Return what is to be written yet as (class, start, stop), at most block images each."""
        wanting = []
        for name, number in self.counts.items():
            at = 0
            for start, stop in [*self._pieces[name], (number, number)]:
                wanting += [(name, i, min(i + block, start)) for i in range(at, start, block)]
                at = stop
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
        """Write images (n, size, size) of 0 and 1 from an index on, by default the first that is missing.

        With a label each, and by table properties (n, k) or (n, contrasts, k); tables that are not given hold NaN.
        """
        if name not in self.counts:
            raise ValueError(f"no class {name!r} was announced, only {', '.join(self.counts)}")
        images = np.asarray(images)
        if images.ndim != 3 or images.shape[1:] != (self.size, self.size) or not len(images):
            raise ValueError(f"images must have the shape (n, {self.size}, {self.size}), got {images.shape}")
        if not ((images == 0) | (images == 1)).all():
            raise ValueError(f"images of {name} must be of 0 and 1")
        if start is None:
            start = next((first for other, first, _ in self.missing() if other == name), self.counts[name])
        stop = start + len(images)
        if start < 0 or stop > self.counts[name] or any(a < stop and start < b for a, b in self._pieces[name]):
            raise ValueError(f"images {start} to {stop - 1} of {name} are beyond its {self.counts[name]}, or written already")
        kept = {"images": np.packbits(images.astype(bool), axis=None)} | self._tables(properties or {}, len(images))
        written = [""] * len(images) if labels is None else [str(label) for label in labels]
        if len(written) != len(images):
            raise ValueError(f"labels must be one an image, {len(images)}, got {len(written)}")
        kept["labels"] = np.array(written)
        piece = self.folder / f"{list(self.counts).index(name)}-{start}-{stop}.npz"
        _into_place(piece, lambda part: _save(part, kept))
        self._pieces[name] = sorted([*self._pieces[name], (start, stop)])

    def _tables(self, given: Mapping[str, Any], number: int) -> dict[str, np.ndarray]:
        """Return the properties by table as they are kept."""
        unknown = set(given) - set(self.properties)
        if unknown:
            raise ValueError(f"no table {', '.join(map(repr, sorted(unknown)))} was announced, only {', '.join(self.properties) or 'none'}")
        kept = {}
        for table, names in self.properties.items():
            shape = (number, self.contrasts, len(names))
            values = np.full(shape, np.nan) if table not in given else np.asarray(given[table], dtype=float)
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
        wanting = sum(stop - start for _, start, stop in self.missing())
        if wanting:
            raise ValueError(f"{wanting} of {sum(self.counts.values())} images are missing; what is there stands in {self.folder}")
        _into_place(self.path, self._join)
        shutil.rmtree(self.folder)

    def _join(self, part: Path) -> None:
        """Write the pieces to one file."""
        with h5py.File(part, "w") as file:
            file.attrs[COMPLETE] = 0
            for i, (name, number) in enumerate(self.counts.items()):
                group, shape = file.create_group(name), (number, self.size, self.size)
                images = group.create_dataset(
                    name, shape=shape, dtype=np.uint8, chunks=(1, *shape[1:]), compression="gzip", compression_opts=1
                )
                labels = group.create_dataset(f"{name} - labels", shape=(number,), dtype=h5py.string_dtype())
                tables = {}
                for table, names in self.properties.items():
                    tables[table] = group.create_dataset(table, shape=(number, self.contrasts, len(names)), dtype=np.float64)
                    tables[table].attrs[INSTRUCTIONS] = f"[n, contrast, ({', '.join(names)})]"
                for start, stop in self._pieces[name]:
                    with np.load(self.folder / f"{i}-{start}-{stop}.npz") as piece:
                        bits = np.unpackbits(piece["images"], count=(stop - start) * self.size**2)
                        images[start:stop] = bits.reshape(-1, self.size, self.size)
                        labels[start:stop] = piece["labels"].astype(object)
                        for table, data in tables.items():
                            data[start:stop] = piece[f"table {table}"]
            file.attrs[COMPLETE] = 1


def _save(part: Path, arrays: dict[str, Any]) -> None:
    """Write arrays to a compressed file of exactly this name."""
    with part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _into_place(path: Path, write: Any) -> None:
    """Write a file beside its place and rename it, so that it is there whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
