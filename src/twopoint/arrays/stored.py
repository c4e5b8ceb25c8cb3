"""Arrays in HDF5 and zarr: the filter that is not installed, and the points that were never written and would be read as the fill value."""

import math
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any


def missing_filter(dataset: Any) -> str | None:
    """Return the filter that a dataset of h5py needs and that is not installed, with a remedy; None if all are installed."""
    import h5py

    properties = dataset.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            called = f"{code} ({name.decode(errors='replace')})" if name else str(code)
            return f"the HDF5 filter {called}; decompress the file, h5repack -f NONE {Path(dataset.file.filename).name} new.h5"
    found = (missing_filter(part) for _, part in _parts(dataset) if part is not None)
    return next((lacking for lacking in found if lacking is not None), None)


def unwritten(dataset: Any) -> str | None:
    """Return the parts of a dataset of h5py that were never written or are missing; None if there are none. HDF5 reads the fill value."""
    if dataset.is_virtual:
        return _missing_parts(dataset)
    if dataset.external is not None or not dataset.size:
        return None
    if dataset.chunks is None:
        return None if dataset.id.get_storage_size() else "was never written"
    stored = dataset.id.get_num_chunks()
    if stored >= math.prod(_grid(dataset.shape, dataset.chunks)):
        return None
    starts = {dataset.id.get_chunk_info(i).chunk_offset for i in range(stored)}
    return missing_chunks(dataset.shape, dataset.chunks, lambda at: _start(at, dataset.chunks) in starts)


def missing_chunks(shape: tuple[int, ...], chunks: tuple[int, ...], has: Callable[[tuple[int, ...]], bool]) -> str | None:
    """Return how many chunks of an array a store lacks, and the first of them; None if it has all."""
    grid = _grid(shape, chunks)
    lacking = [at for at in product(*map(range, grid)) if not has(at)]
    if not lacking:
        return None
    points = ", ".join(f"{start}:{start + n}" for start, n in zip(_start(lacking[0], chunks), chunks, strict=True))
    return f"lacks {len(lacking)} of {math.prod(grid)} chunks, the first at {lacking[0]}, points [{points}]"


def _missing_parts(dataset: Any) -> str | None:
    """Return the missing parts of a virtual dataset; parts that are found by a pattern of names are not known."""
    if sum(part.vspace.get_select_npoints() for part in dataset.virtual_sources()) < dataset.size:
        return "has points that no file holds"
    for name, part in _parts(dataset):
        if part is None:
            return f"lacks its part {name}"
        if (found := unwritten(part)) is not None:
            return f"has a part {name} that {found}"
    return None


def _parts(dataset: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the dataset of each part of a virtual dataset; None for a part that is missing."""
    import h5py

    for part in dataset.virtual_sources() if dataset.is_virtual else ():
        name = part.file_name
        if name == ".":
            yield part.dset_name, dataset.file.get(part.dset_name)
        elif "%" not in name:
            places = [place for place in (Path(dataset.file.filename).parent / name, Path(name)) if place.exists()]
            if not places:
                yield name, None
                continue
            with h5py.File(places[0], "r") as file:
                yield name, file.get(part.dset_name)


def _grid(shape: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
    """Return the number of chunks along each axis."""
    return tuple(-(-size // n) for size, n in zip(shape, chunks, strict=True))


def _start(at: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
    """Return the first point of a chunk."""
    return tuple(i * n for i, n in zip(at, chunks, strict=True))
