"""Arrays on disk, in zarr, HDF5 or .npy, read in parts by any process, with a check that no chunk is missing."""

import math
import mmap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask.array as da
import h5py
import numpy as np
import zarr
from zarr.abc.store import Store
from zarr.core.sync import sync

from ...arrays import checks
from ...arrays.namespace import namespace, result_dtype
from ...arrays.stored import missing_chunks, missing_filter, unwritten

_HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
_MISSING = ("error", "fill")
_MOST_NAMES = 8  # of datasets in an error message


class StoredArray:
    """An array on disk, as :func:`open_array` returns it. Indexing reads the part; it can be pickled and sent to other processes.

    Attributes
    ----------
    name : str
        Its path.
    shape : tuple of int
    dtype : numpy.dtype
    chunks : tuple of int, or None
        The chunks in which it is stored.
    """

    def __init__(self, name: str, like: Any, read: Callable[[Any], Any]) -> None:
        self.name, self._read = name, read
        self.shape, self.dtype = tuple(int(n) for n in like.shape), np.dtype(like.dtype)
        self.chunks = getattr(like, "chunks", None)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, part: Any) -> np.ndarray:
        return np.asarray(self._read(part))

    def _dropping(self, axes: tuple[int, ...]) -> "StoredArray":
        """Return the array without some axes of one point."""
        like = SimpleNamespace(shape=_without(self.shape, axes), dtype=self.dtype)
        if self.chunks is not None:
            like.chunks = _without(self.chunks, axes)
        return StoredArray(self.name, like, partial(_read_dropping, self._read, axes, self.ndim))

    def __repr__(self) -> str:
        return f"StoredArray({self.name}, shape={self.shape}, dtype={self.dtype}, chunks={self.chunks})"


def open_array(path: str | Path | Store, *, dataset: str | None = None, missing: str = "error") -> StoredArray:
    """Open an array on disk without reading it, and check that no chunk is missing.

    Parameters
    ----------
    path : str, Path or zarr store
        A folder or URL of zarr, an HDF5 file (.h5, .hdf5, .hdf, .he5), or a .npy file; or a store of zarr, as
        ``tifffile.imread(path, aszarr=True)`` returns for a TIFF.
    dataset : str, optional
        The array inside an HDF5 file, where it is required, or inside a zarr group. By default it is the full resolution of a group with
        the multiscales of OME-NGFF.
    missing : "error" or "fill"
        What to do about chunks that were never written. zarr and HDF5 silently read them as the fill value. By default that is an error;
        "fill" accepts it, which stores written without their empty chunks (the default of zarr) need.

    Returns
    -------
    StoredArray

    Raises
    ------
    FileNotFoundError
        If the path does not exist.
    ValueError
        If a chunk is missing, or the file of a part of a virtual dataset; the message names it. If an HDF5 file or a zarr group has no such
        dataset, or several and none is named. If an HDF5 filter is not installed. If the file is of another format.

    References
    ----------
    zarr-python and h5py, on fill values of chunks that do not exist.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from twopoint.adapters import dask_statistics as ds
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/volume.npy", np.zeros((8, 8), np.uint8))
    ...     ds.open_array(f"{folder}/volume.npy").shape
    (8, 8)
    """
    checks.choice("missing", missing, _MISSING)
    if isinstance(path, Store):
        return _of_zarr(_array_of("path", zarr.open(store=path, mode="r"), dataset), missing)
    local = "://" not in str(path)
    if local and not Path(path).exists():
        raise FileNotFoundError(f"path {str(path)!r} does not exist")
    place = str(Path(path).resolve()) if local else str(path)  # a worker may have another working directory
    suffix = Path(path).suffix.lower()
    if suffix == ".npy":
        return StoredArray(place, np.load(place, mmap_mode="r"), partial(_read_npy, place))
    if suffix in _HDF5:
        with h5py.File(place, "r") as file:
            return _of_hdf5(_dataset(file, dataset), missing)
    if local and Path(place).is_file() and suffix != ".zip":
        hint = "; tifffile.imread(path, aszarr=True) opens a TIFF" if suffix in (".tif", ".tiff") else ""
        raise ValueError(f"path must be a folder of zarr, an HDF5 file ({', '.join(_HDF5)}) or a .npy file, got {str(path)!r}{hint}")
    try:
        node = zarr.open(store=place, mode="r")
    except FileNotFoundError as error:
        raise ValueError(f"path {str(path)!r} holds neither an array nor a group of zarr") from error
    return _of_zarr(_array_of("path", node, dataset), missing)


def source_of(name: str, x: Any) -> Any:
    """Return a numpy array, a dask array or a StoredArray; raise for everything else."""
    if isinstance(x, Store):
        x = zarr.open(store=x, mode="r")
    if isinstance(x, zarr.Group):
        x = _array_of(name, x, None)
    if isinstance(x, zarr.Array):
        return _of_zarr(x, "error")
    if isinstance(x, h5py.Dataset):
        return _of_hdf5(x, "error")
    if isinstance(x, np.memmap) and isinstance(x.base, mmap.mmap):  # a worker opens it again; a view of one is an ordinary array
        return StoredArray(str(x.filename), x, partial(_read_memmap, _form(x)))
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} is a numpy MaskedArray; pass {name}.filled(0) and mask=~{name}.mask instead")
    if not isinstance(x, (np.ndarray, da.Array, StoredArray)):
        hint = "; open_array(path) opens a file" if isinstance(x, (str, Path)) else ""
        raise TypeError(f"{name} must be an array of numpy, dask, zarr, HDF5 or what open_array returns, got {type(x).__name__}{hint}")
    if isinstance(x, da.Array):
        known_sizes(name, x)
    return x


def known_sizes(name: str, x: da.Array) -> None:
    """Raise if dask does not know the sizes of all chunks."""
    if any(math.isnan(size) for size in x.shape):
        raise ValueError(f"{name} has chunks of unknown sizes, shape {x.shape}; call {name}.compute_chunk_sizes() first")


def drop_axes(source: Any, axes: tuple[int, ...]) -> Any:
    """Return a source without some axes of one point; nothing is read."""
    if not axes:
        return source
    if isinstance(source, StoredArray):
        return source._dropping(axes)
    return source[tuple(0 if axis in axes else slice(None) for axis in range(source.ndim))]


def single_axes(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Return the first axes of one point, as many as an array has axes beyond the most that it may have."""
    return tuple(axis for axis, size in enumerate(shape) if size == 1)[: max(len(shape) - most, 0)]


def volume_dtype(name: str, source: Any, n_phases: int | None) -> np.dtype:
    """Return the dtype of the statistics; raise unless these are labels with n_phases, or probabilities."""
    like = np.empty(0, source.dtype)
    xp = namespace(m=like)
    if n_phases is not None:
        if not xp.isdtype(source.dtype, ("integral", "bool")):
            raise TypeError(f"{name} must hold labels, integers or booleans, if n_phases is given, got {source.dtype}")
        return np.dtype(np.float64)
    if xp.isdtype(source.dtype, "integral"):
        raise TypeError(f"{name} of {source.dtype} holds labels; give n_phases, or floats for probabilities of phases")
    checks.real(name, like, xp, booleans=True)
    return np.dtype(result_dtype(like, xp))


def _read_npy(path: str, part: Any) -> np.ndarray:
    """Read a part of a .npy file."""
    return np.array(np.load(path, mmap_mode="r")[part])


def _form(x: np.memmap) -> dict[str, Any]:
    """Return the arguments that open a memmap again."""
    order = "C" if x.flags.c_contiguous else "F"
    return dict(filename=str(x.filename), dtype=x.dtype, offset=x.offset, shape=x.shape, order=order)


def _read_memmap(form: dict[str, Any], part: Any) -> np.ndarray:
    """Read a part of a raw file."""
    return np.array(np.memmap(mode="r", **form)[part])


def _read_hdf5(path: str, dataset: str, part: Any) -> np.ndarray:
    """Read a part of a dataset."""
    with h5py.File(path, "r") as file:
        return file[dataset][part]


def _without(sizes: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of the other axes."""
    return tuple(size for axis, size in enumerate(sizes) if axis not in axes)


def _read_dropping(read: Callable[[Any], Any], axes: tuple[int, ...], ndim: int, part: Any) -> Any:
    """Read a part of an array of ndim axes without some axes of one point."""
    parts = part if isinstance(part, tuple) else (part,)
    dots = next((i for i, one in enumerate(parts) if one is Ellipsis), len(parts))
    before, after = parts[:dots], parts[dots + 1 :]
    whole = [*before, *[slice(None)] * (ndim - len(axes) - len(before) - len(after)), *after]
    for axis in axes:
        whole.insert(axis, 0)
    return read(tuple(whole))


def _read_zarr(array: zarr.Array, part: Any) -> Any:
    """Read a part of a zarr array."""
    return array[part]


def _dataset(file: h5py.File, dataset: str | None) -> h5py.Dataset:
    """Return a dataset of an HDF5 file by its path."""
    item = None if dataset is None else file.get(dataset)
    if not isinstance(item, h5py.Dataset):
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        listed = ", ".join(names[:_MOST_NAMES]) or "none"
        raise ValueError(f"dataset must be one of the datasets of {file.filename}, which are {listed}; got {dataset!r}")
    return item


def _of_hdf5(dataset: h5py.Dataset, missing: str) -> StoredArray:
    """Return an HDF5 dataset as a StoredArray."""
    path, name = str(Path(dataset.file.filename).resolve()), dataset.name
    if dataset.shape is None:
        raise ValueError(f"{path}:{name} is empty: it has no shape")
    if (lacking_filter := missing_filter(dataset)) is not None:
        raise ValueError(f"{path}:{name} cannot be read without {lacking_filter}")
    if missing == "error":
        _refuse_missing(f"{path}:{name}", unwritten(dataset))
    return StoredArray(f"{path}:{name}", dataset, partial(_read_hdf5, path, name))


def _array_of(name: str, node: zarr.Array | zarr.Group, dataset: str | None) -> zarr.Array:
    """Return an array of zarr: the node, one in a group by its path, or the full resolution of multiscales."""
    if isinstance(node, zarr.Array) and dataset is None:
        return node
    if isinstance(node, zarr.Group):
        images = _full_resolutions(node)
        found = node.get(dataset if dataset is not None else images[0] if len(images) == 1 else "")
        if isinstance(found, zarr.Array):
            return found
    names = sorted(node.array_keys()) if isinstance(node, zarr.Group) else []
    listed = ", ".join([*names[:_MOST_NAMES], *("..." for _ in names[_MOST_NAMES:][:1])]) or "none"
    got = "a group" if dataset is None else f"{dataset!r}"
    raise ValueError(
        f"{name} {node.store_path} must be an array of zarr, or a group with the multiscales of one image, got {got}; open_array(path, "
        f"dataset=...) opens one of its arrays, which are {listed}"
    )


def _full_resolutions(group: zarr.Group) -> list[str]:
    """Return the path of the full resolution of each image in the multiscales of a group, of OME-NGFF or of tifffile."""
    attributes = dict(group.attrs)
    images = (attributes.get("ome") or attributes).get("multiscales") or []
    return [image["datasets"][0]["path"] for image in images]


def _of_zarr(array: zarr.Array, missing: str) -> StoredArray:
    """Return a zarr array as a StoredArray."""
    name = str(array.store_path)
    if missing == "error":
        if not array.store.supports_listing:
            raise ValueError(f"{name} is in a store that cannot list its chunks; missing='fill' skips the check")
        chunks = getattr(array, "shards", None) or array.chunks  # the unit of storage
        key, keys, first = array.metadata.encode_chunk_key, sync(_keys(array)), (0,) * array.ndim
        unlisted = key(first) not in keys and sync(_exists(array, first))  # chunks that a store makes on demand, as that of tifffile
        _refuse_missing(name, missing_chunks(array.shape, chunks, lambda at: key(at) in keys or (unlisted and sync(_exists(array, at)))))
    return StoredArray(name, array, partial(_read_zarr, array))


async def _keys(array: zarr.Array) -> set[str]:
    """List the keys of a zarr array in its store, relative to its own folder."""
    folder = array.store_path.path
    prefix = f"{folder}/" if folder else ""
    return {key.removeprefix(prefix) async for key in array.store.list_prefix(prefix)}


async def _exists(array: zarr.Array, at: tuple[int, ...]) -> bool:
    """Return whether the store of a zarr array has a chunk."""
    return bool(await (array.store_path / array.metadata.encode_chunk_key(at)).exists())


def _refuse_missing(name: str, found: str | None) -> None:
    """Raise if something of an array is not in its store."""
    if found is not None:
        raise ValueError(
            f"{name} {found}; what is missing would be read as the fill value. Use open_array(path, missing='fill') for a store written "
            "without empty chunks"
        )
