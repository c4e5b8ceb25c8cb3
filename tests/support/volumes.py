"""Volumes and datasets, in memory and on disk, for the tests of the statistics on dask."""

import dask.array as da
import h5py
import numpy as np
import zarr

from support import oracles
from twopoint.adapters import dask_statistics as ds

EXACT = 1e-14  # sums over labels are whole numbers: what is left is one division
TOLERANCE = 1e-12  # float64 rounding of transforms of some thousand points
KINDS = ["dask", "npy", "memmap", "zarr", "zarr path", "zarr 2", "hdf5", "hdf5 contiguous", "h5py"]
ZEROS = np.zeros((8, 8), np.uint8)
SOFT = np.zeros((2, 8, 8))


def options_of(mode, space):
    options = dict(oracles.MODES[mode])
    if "mask" in options:
        options["mask"] = np.random.default_rng(5).random(space) > 0.3
    return options


def some_labels(space, phases=3, seed=1):
    return np.random.default_rng(seed).integers(0, phases, space).astype(np.uint8)


def stored(kind, array, folder, chunks):
    chunks = chunks and tuple(min(n, size) for n, size in zip(chunks, array.shape, strict=True))
    if kind == "dask":
        return da.from_array(array, chunks=chunks)
    if kind == "npy":
        np.save(folder / "a.npy", array)
        return ds.open_array(folder / "a.npy")
    if kind == "memmap":
        whole = np.memmap(folder / "a.raw", array.dtype, "w+", offset=64, shape=array.shape)
        whole[:] = array
        whole.flush()
        return whole
    if kind in ("zarr", "zarr path", "zarr 2"):
        form = {"zarr_format": 2} if kind == "zarr 2" else {}
        keep = dict(config={"write_empty_chunks": True}, **form)
        kept = zarr.create_array(str(folder / "a.zarr"), shape=array.shape, chunks=chunks, dtype=array.dtype, **keep)
        kept[...] = array
        return ds.open_array(folder / "a.zarr") if kind == "zarr path" else kept
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("group/a", data=array, chunks=None if kind == "hdf5 contiguous" else chunks)
    if kind == "h5py":
        return h5py.File(folder / "a.h5", "r")["group/a"]
    return ds.open_array(folder / "a.h5", dataset="group/a")


def write_filtered(path, name, shape=(8, 6)):
    """Write a dataset with a filter that is not installed, 32015, zstd."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(shape)
    properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
    with h5py.File(path, "w") as file:
        links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        links.set_create_intermediate_group(True)
        h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(shape), properties, links)
        file[name][...] = 1
