"""Reading files: each format by its reader, colours to gray, and what was done on the way said in a remark."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .colours import to_gray
from .errors import InputError, reading
from .images import TIFF, open_picture, open_tiff
from .sources import HDF5, Source, parse_source
from .spacings import of_hdf5
from .stored import Stored, take
from .units import Spacing

_MOST_NAMES = 8  # of datasets in an error
ARRAYS = (".npy", *HDF5)
STATISTICS = ".npz"


@dataclass(frozen=True)
class Image:
    """What was read.

    Attributes
    ----------
    source : Source
        Where from.
    values : array (H, W) or (D, H, W)
        Numbers or booleans, in the machine's byte order.
    remarks : tuple of str
        What was done on the way.
    array : bool
        Whether it comes from a file of arrays, where a dozen integers are rather labels than gray values.
    spacing : Spacing or None
        What the file says of it.
    """

    source: Source
    values: np.ndarray
    remarks: tuple[str, ...]
    array: bool
    spacing: Spacing | None = None


def read(text: str, window: str | None = None, option: str = "--window") -> Image:
    """Read an image or a volume.

    Parameters
    ----------
    text : str
        A file, ``stack.tif[3]``, ``file.h5:path[index]``.
    window : str or None
        The part that is read, ``"128"`` or ``"0:128,64:192"``.
    option : str
        What the window is called in errors.

    Returns
    -------
    Image

    Raises
    ------
    InputError
        If the file cannot be read, or its content is no image and no volume.
    """
    source = parse_source(text)
    suffix = source.path.suffix.lower()
    if suffix == STATISTICS:
        raise InputError(f"{source} holds statistics, not an image; twopoint reconstruct takes it")
    with reading(source), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the readers; what matters is checked here
        with _OPENERS.get(suffix, open_picture)(source) as stored:
            values, coloured = take(stored, source, window, option)
        values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    values, remarks = to_gray(values) if coloured else (values, ())
    spacing = None if stored.spacing is None else stored.spacing.last(values.ndim)
    return Image(source, values, tuple(f"{source}: {remark}" for remark in remarks), suffix in ARRAYS, spacing)


@contextmanager
def _open_npy(source: Source) -> Iterator[Stored]:
    """Open a .npy file without reading it."""
    array = np.lib.format.open_memmap(source.path, mode="r")
    yield Stored(array.shape, array.dtype, lambda part: np.array(array[part]))


@contextmanager
def _open_hdf5(source: Source) -> Iterator[Stored]:
    """Open a dataset of an HDF5 file; where the file holds a single one, it needs no name."""
    import h5py

    with h5py.File(source.path, "r") as file:
        found = file.get(source.dataset) if source.dataset else _only(file, source)
        if not isinstance(found, h5py.Dataset):
            raise InputError(f"{source} names no dataset; {source.path} holds {_listed(_datasets(file))}")
        if found.shape is None:
            raise InputError(f"{source} is empty: it has no shape")
        yield Stored(found.shape, found.dtype, lambda part: np.asarray(found[part]), spacing=of_hdf5(found.attrs))


def _datasets(file: Any) -> dict[str, Any]:
    """Return the datasets with two axes and more, by path."""
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None and len(item.shape) >= 2:
            found[name] = item

    file.visititems(visit)
    return found


def _only(file: Any, source: Source) -> Any:
    """Return the one dataset of a file."""
    found = _datasets(file)
    if len(found) != 1:
        raise InputError(f"{source} must be named with a dataset, '{source.path}:PATH'; it holds {_listed(found)}")
    return next(iter(found.values()))


def _listed(found: dict[str, Any]) -> str:
    """Name datasets and their shapes."""
    names = [f"{name} {item.shape}" for name, item in list(found.items())[:_MOST_NAMES]]
    more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    return (", ".join(names) or "none with two axes") + more


_Opener = Callable[[Source], AbstractContextManager[Stored]]
_OPENERS: dict[str, _Opener] = {".npy": _open_npy, **dict.fromkeys(HDF5, _open_hdf5), **dict.fromkeys(TIFF, open_tiff)}
