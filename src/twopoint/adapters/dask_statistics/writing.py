"""Writing a dask array to disk, completely or not at all."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import dask.array as da
import zarr

from ...arrays.types import Array
from .reading import known_sizes


def save_zarr(f: Any, path: str | Path, *, overwrite: bool = False) -> Array:
    """Compute a dask array chunk by chunk into a zarr folder, which gets its name only when it is complete.

    It is written to the folder of path under a temporary name. If a task fails, or a worker is killed more often than dask retries, the
    temporary folder is removed, the error is raised, and a folder that was at path before is unchanged.

    Parameters
    ----------
    f : dask array
        Statistics, or any other. Its chunks become those on disk; uneven chunks are made even.
    path : str or Path
        A local folder that all workers can access.
    overwrite : bool
        Whether to replace what is at path.

    Returns
    -------
    dask array
        The same values, read from disk.

    Raises
    ------
    TypeError
        If f is not a dask array.
    FileExistsError
        If path exists and overwrite is False.

    References
    ----------
    POSIX rename, which is atomic.

    Examples
    --------
    >>> import dask.array as da, tempfile
    >>> from twopoint.adapters.dask_statistics import save_zarr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     int(save_zarr(da.arange(10, chunks=4), f"{folder}/numbers.zarr").sum())
    45
    """
    if not isinstance(f, da.Array):
        raise TypeError(f"f must be a dask array, got {type(f).__name__}; dask.array.from_array creates one")
    known_sizes("f", f)
    place = Path(path).resolve()
    if place.exists() and not overwrite:
        raise FileExistsError(f"path {str(place)!r} exists; overwrite=True replaces it")
    place.parent.mkdir(parents=True, exist_ok=True)
    even = tuple(max(sizes) for sizes in f.chunks)
    folder = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent))
    try:
        whole = folder / "whole"
        kept = {"write_empty_chunks": True}  # so that a missing chunk means an incomplete store
        array = zarr.create_array(store=str(whole), shape=f.shape, chunks=even, dtype=f.dtype, config=kept)
        da.store(f.rechunk(even), array, lock=False)
        _rename(whole, place, folder / "before")
    finally:
        shutil.rmtree(folder)
    return da.from_array(zarr.open_array(store=str(place), mode="r"), chunks=even)


def _rename(whole: Path, place: Path, before: Path) -> None:
    """Rename a complete folder to its final name; restore what was there before if that fails."""
    if place.exists():
        os.replace(place, before)
    try:
        os.replace(whole, place)
    except OSError:
        if before.exists():
            os.replace(before, place)
        raise
