"""File formats: a file is opened by its content, only by its header, so that its size can be checked first and a part of it can be read."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ...arrays.stored import missing_filter, unwritten
from .. import memory
from ..terminal import InputError, decoding
from .foreign import refuse_foreign
from .matrices import open_matrix
from .names import HDF5, Source
from .opened import OpenArray
from .pictures import open_picture
from .recorded import spacing_of_hdf5
from .tiff import open_tiff

TIFF = (".tif", ".tiff")
_MOST_NAMES = 8  # of datasets that an error lists
_STATISTICS = {"format", "correlations"}  # names in a file of ``stats --save``
_ZIP_SIGN = b"PK\x03\x04"
_HDF5_SIGN = b"\x89HDF\r\n\x1a\n"
_TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".asc")
_TIFF_SIGNS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_statistics(source: Source) -> bool:
    """Return whether a file holds statistics of ``stats --save``, or is a damaged .npz file, not an image."""
    with source.path.open("rb") as file:
        if file.read(4) != _ZIP_SIGN:
            return source.path.suffix.lower() == ".npz" and _by_content(source) is _open_npz
    with decoding(source), zipfile.ZipFile(source.path) as stored:
        names = {name.removesuffix(".npy") for name in stored.namelist()}
    return source.dataset is None and (names >= _STATISTICS or len(names) != 1)


@contextmanager
def _open_npy(source: Source) -> Iterator[OpenArray]:
    """Open a .npy file without reading it."""
    array = np.lib.format.open_memmap(source.path, mode="r")
    yield OpenArray(array.shape, array.dtype, lambda part: np.array(array[part]), array=True)


@contextmanager
def _open_npz(source: Source) -> Iterator[OpenArray]:
    """Open an array of a .npz file; the only array of a file needs no name."""
    if not zipfile.is_zipfile(source.path):
        raise InputError(f"{source} cannot be read: it is damaged, or not a .npz file")
    with source.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        names = list(file.files)
        if set(names) >= _STATISTICS and source.dataset is None:
            raise InputError(f"{source} holds statistics, not an image; twopoint reconstruct takes it")
        if (source.dataset is None and len(names) != 1) or source.dataset not in (None, *names):
            listed = ", ".join(f"'{source.path}:{name}'" for name in names[:_MOST_NAMES]) or "none"
            raise InputError(f"{source} needs the name of an array, '{source.path}:NAME'; its arrays are {listed}")
        name = source.dataset or names[0]
        entry = file.zip.getinfo(name if name in file.zip.namelist() else f"{name}.npy")
        memory.require(2 * entry.file_size, f"reading {source}")
        array = file[name]
        if not isinstance(array, np.ndarray):
            raise InputError(f"{source} cannot be read: it is a zip file without arrays of numpy")
        yield OpenArray(array.shape, array.dtype, lambda part: array[part], array=True)


@contextmanager
def _open_hdf5(source: Source) -> Iterator[OpenArray]:
    """Open a dataset of an HDF5 file; the only dataset of a file needs no name."""
    import h5py

    with h5py.File(source.path, "r") as file:
        dataset = file.get(source.dataset) if source.dataset else _only_dataset(file, source)
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{source} is not a dataset; {source.path} holds {_listed(_datasets(file))}")
        if dataset.shape is None:
            raise InputError(f"{source} is empty: it has no shape")
        if (lacking := missing_filter(dataset)) is not None:
            raise InputError(f"{source} cannot be read without {lacking}")
        found = unwritten(dataset)
        remarks = () if found is None else (f"it {found}; HDF5 reads its fill value, {dataset.fillvalue}, there",)
        if "MATLAB_class" in dataset.attrs and len(dataset.shape) > 1:
            yield replace(_of_matlab(dataset), remarks=remarks)
            return
        spacing = spacing_of_hdf5(dataset.attrs)
        yield OpenArray(dataset.shape, dataset.dtype, lambda part: np.asarray(dataset[part]), spacing=spacing, array=True, remarks=remarks)


def _of_matlab(dataset: Any) -> OpenArray:
    """Return an array of MATLAB, which stores columns first: colours go last, and slices stay first."""
    n = len(dataset.shape)
    coloured = n == 3 and dataset.shape[0] == 3 and dataset.dtype in (np.uint8, np.uint16)
    order = tuple(range(n))[::-1] if coloured else (*range(n - 2), n - 1, n - 2)
    shape = tuple(dataset.shape[axis] for axis in order)

    def take(part: tuple[slice, ...]) -> np.ndarray:
        return np.transpose(np.asarray(dataset[tuple(part[order.index(axis)] for axis in range(n))]), order)

    return OpenArray(shape, dataset.dtype, take, channels=coloured, array=True)


def _datasets(file: Any) -> dict[str, Any]:
    """Return the datasets with at least two axes, by path."""
    import h5py

    datasets: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if name[0] != "#" and isinstance(item, h5py.Dataset) and item.shape is not None and len(item.shape) >= 2:  # "#refs#" is MATLAB's
            datasets[name] = item

    file.visititems(visit)
    return datasets


def _only_dataset(file: Any, source: Source) -> Any:
    """Return the dataset of a file that holds one only."""
    datasets = _datasets(file)
    if len(datasets) != 1:
        raise InputError(f"{source} needs the name of a dataset, '{source.path}:PATH'; it holds {_listed(datasets)}")
    return next(iter(datasets.values()))


def _listed(datasets: dict[str, Any]) -> str:
    """List datasets with their shapes."""
    names = [f"{name} {item.shape}" for name, item in list(datasets.items())[:_MOST_NAMES]]
    more = f" and {len(datasets) - _MOST_NAMES} more" if len(datasets) > _MOST_NAMES else ""
    return (", ".join(names) or "none with two axes") + more


@contextmanager
def _open_other(source: Source) -> Iterator[OpenArray]:
    """Open a file that no sign identifies, a matrix in text or a picture; raise an error for a known format that is not taken."""
    if source.path.suffix.lower() in _TEXT_ENDINGS:
        with open_matrix(source) as stored:
            yield stored
        return
    refuse_foreign(source)
    with open_picture(source) as stored:
        yield stored


_Opener = Callable[[Source], AbstractContextManager[OpenArray]]
_BY_ENDING: dict[str, _Opener] = {
    ".npy": _open_npy,
    ".npz": _open_npz,
    **dict.fromkeys(HDF5, _open_hdf5),
    **dict.fromkeys(TIFF, open_tiff),
}


def open_array(source: Source) -> AbstractContextManager[OpenArray]:
    """Open a file with the reader of its format, chosen by its content, or by its ending if the content has no sign of a format."""
    opener = _by_content(source)
    if source.dataset is not None and opener not in (_open_hdf5, _open_npz, open_tiff):
        raise InputError(f"{source} cannot be read: {source.path} is a single image, so leave out ':{source.dataset}'")
    return opener(source)


def _by_content(source: Source) -> _Opener:
    """Return the reader of a format by the sign at the beginning of a file."""
    with source.path.open("rb") as file:
        head, size = file.read(16), source.path.stat().st_size
        at = 512  # HDF5 may begin with a block of the user's, as MATLAB's files do
        while at < min(size, 2**20) and not head.startswith(_HDF5_SIGN):
            file.seek(at)
            head = sign if (sign := file.read(8)) == _HDF5_SIGN else head
            at *= 2
    if head.startswith(_HDF5_SIGN):
        return _open_hdf5
    if head.startswith(b"\x93NUMPY"):
        return _open_npy
    if head.startswith(_TIFF_SIGNS):
        return open_tiff
    if head.startswith(_ZIP_SIGN):
        return _open_npz
    ending = source.path.suffix.lower()
    is_picture = head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"))
    is_picture |= head[:1] == b"P" and head[1:2] in b"1234567fF" and head[2:3].isspace()
    return open_picture if is_picture else _BY_ENDING.get(ending, _open_other)
