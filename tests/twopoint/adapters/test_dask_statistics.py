"""Volumes and datasets past memory: against loops, correlations of the whole, scikit-learn; stores with holes, workers that die."""

import doctest
import importlib
import inspect
import os
import subprocess
import sys

import dask
import dask.array as da
import h5py
import numpy as np
import pytest
import zarr
from sklearn.decomposition import PCA

import twopoint as tp
from support import oracles
from support.strategies import arrays
from twopoint.adapters import _volume_plan
from twopoint.adapters import dask_statistics as ds

EXACT = 1e-14  # sums over labels are whole numbers: what is left is one division
TOLERANCE = 1e-12  # float64 rounding of transforms of some thousand points
SPACES = [((37,), 16), ((12,), 5), ((13, 8), (5, 3)), ((5, 6, 7), (4, 4, 3))]
CROPS = [1, 4, 5, (5, 2, 3)]
PAIRS = ["all", "unique", [(0, 0)], [(2, 0), (1, 1)]]


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def options_of(mode, space):
    options = dict(oracles.MODES[mode])
    if "mask" in options:
        options["mask"] = np.random.default_rng(5).random(space) > 0.3
    return options


def some_labels(space, phases=3, seed=1):
    return np.random.default_rng(seed).integers(0, phases, space).astype(np.uint8)


def cropped(crop, space):
    return crop[: len(space)] if isinstance(crop, tuple) else crop


def listed(f, pairs):
    if pairs == "all":
        return f
    pairs = [(h, k) for h in range(len(f)) for k in range(h, len(f))] if pairs == "unique" else pairs
    return np.stack([f[h, k] for h, k in pairs])


# One volume in blocks


@pytest.mark.parametrize(("space", "block"), SPACES, ids=str)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("crop", CROPS, ids=str)
def test_blocks_against_loops(space, block, mode, crop):
    crop, options, labels = cropped(crop, space), options_of(mode, space), some_labels(space)
    soft = arrays(2, 3, space, "soft")
    sharp, _ = oracles.statistics(np.arange(3).reshape(-1, *(1,) * len(space)) == labels, crop=crop, **options)
    smooth, _ = oracles.statistics(soft, crop=crop, **options)
    for pairs in PAIRS:
        got = ds.volume_correlations(labels, n_phases=3, crop=crop, pairs=pairs, block=block, **options)
        oracles.close(got.compute(), listed(sharp, pairs), EXACT, f"labels {pairs}")
        for implied in (False, True):
            got = ds.volume_correlations(soft[implied:], crop=crop, pairs=pairs, block=block, implied_phase=implied, **options)
            oracles.close(got.compute(), listed(smooth, pairs), TOLERANCE, f"probabilities {implied} {pairs}")


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_all_lags_in_any_blocks(boundary):
    space = (7, 6)
    labels, m = some_labels(space, 2), tp.two_phase(some_labels(space, 2))
    crop = space if boundary == "periodic" else (13, 11)
    want = tp.correlations(m, crop=crop, boundary=boundary)
    for block in (1, 2, (3, 6), 100, None):
        oracles.close(ds.volume_correlations(labels, n_phases=2, crop=crop, boundary=boundary, block=block), want, TOLERANCE)


@pytest.mark.parametrize("mode", oracles.MODES)
def test_sums_over_labels_do_not_depend_on_the_blocks(mode):
    """To the last bit: whole numbers divided once."""
    space = (61, 70)
    labels, options = some_labels(space), options_of(mode, space)
    results = [ds.volume_correlations(labels, n_phases=3, crop=31, block=b, **options).compute() for b in (None, 16, (61, 9))]
    assert all((results[0] == other).all() for other in results[1:])
    _, count = oracles.statistics(np.zeros((1, *space)), crop=31, **options)
    pairs = results[0] * count
    assert np.abs(pairs - np.round(pairs)).max() < 1e-12 * count.max()
    assert (results[0] == np.round(pairs) / np.maximum(count, 1)).all()


@pytest.mark.parametrize("mode", oracles.MODES)
def test_blocks_of_a_larger_volume_against_the_whole(mode):
    """More than a slab of transforms, blocks of unequal size, a halo through several blocks."""
    space = (61, 70, 83)
    labels, options = some_labels(space, 2), options_of(mode, space)
    want = tp.correlations(tp.one_hot(labels, 2, ndim=3), ndim=3, crop=(20, 15, 9), **options)
    for block in (8, (40, 33, 83)) if mode == "open" else ((40, 33, 83),):
        got = ds.volume_correlations(labels, n_phases=2, crop=(20, 15, 9), block=block, **options).compute()
        oracles.close(got, want, TOLERANCE)


@pytest.mark.parametrize("phases", [1, 2, 4])
def test_any_number_of_phases(phases):
    labels = some_labels((9, 8), phases)
    want = tp.correlations(tp.one_hot(labels, phases), crop=5, boundary="open")
    oracles.close(ds.volume_correlations(labels, n_phases=phases, crop=5, boundary="open", block=4), want, TOLERANCE)
    if phases > 1:
        soft = arrays(3, phases, (9, 8), "soft")
        got = ds.volume_correlations(soft[1:], crop=5, implied_phase=True, block=4)
        oracles.close(got, tp.correlations(soft, crop=5), TOLERANCE)


def test_probabilities_that_do_not_sum_to_one_are_left_so():
    m = 0.7 * arrays(4, 2, (9, 8), "soft")
    for boundary in ("periodic", "open"):
        want = tp.correlations(m, crop=5, boundary=boundary)
        oracles.close(ds.volume_correlations(m, crop=5, boundary=boundary, block=4), want, TOLERANCE)


def test_dtype_is_that_of_correlations():
    soft = arrays(5, 2, (9, 8), "soft")
    for dtype in (np.float64, np.float32, np.float16, bool):
        m = (soft > 0.5) if dtype is bool else soft.astype(dtype)
        want = tp.correlations(m, crop=3, boundary="open")
        f = ds.volume_correlations(m, crop=3, boundary="open", block=4)
        assert f.dtype == f.compute().dtype == want.dtype
        oracles.close(f, want, 3e-7 if want.dtype == np.float32 else TOLERANCE)
    for dtype in (bool, np.int64, np.uint16):
        assert ds.volume_correlations(some_labels((9, 8), 2).astype(dtype), n_phases=2, crop=3).compute().dtype == np.float64


def test_points_that_do_not_count_may_hold_anything():
    space = (11, 9)
    labels, mask, soft = some_labels(space), options_of("masked", space)["mask"], arrays(6, 3, space, "soft")
    want = tp.correlations(tp.one_hot(labels, 3), mask=mask, crop=5)
    spoilt = np.where(mask, labels, 255).astype(np.uint8)
    oracles.close(ds.volume_correlations(spoilt, n_phases=3, mask=mask.astype(float), crop=5, block=4), want, EXACT)
    want = tp.correlations(soft, mask=mask, crop=5)
    for implied in (False, True):
        spoilt = np.where(mask, soft, np.nan)[implied:]
        oracles.close(ds.volume_correlations(spoilt, mask=mask, crop=5, block=4, implied_phase=implied), want, TOLERANCE)
    empty = ds.volume_correlations(labels, n_phases=3, mask=np.zeros(space, bool), crop=5, block=4).compute()
    assert not empty.any()


def test_the_input_is_left_alone():
    m, mask = arrays(7, 2, (9, 8), "soft"), np.ones((9, 8), np.uint8)
    before = m.copy()
    ds.volume_correlations(m, mask=mask, crop=3, block=4).compute()
    assert (m == before).all()
    assert (mask == 1).all()


def test_it_makes_target_statistics():
    labels = some_labels((16, 16), 2)
    for boundary in ("periodic", "open"):
        f = ds.volume_correlations(labels, n_phases=2, crop=7, boundary=boundary, block=5).compute()
        target = tp.TargetStatistics.from_correlations(f, shape=(16, 16), crop=7, boundary=boundary)
        assert abs(float(tp.msess(tp.two_phase(labels), target))) < 1e-28


# Where volumes come from


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


KINDS = ["dask", "npy", "memmap", "zarr", "zarr path", "zarr 2", "hdf5", "hdf5 contiguous", "h5py"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_source(kind, tmp_path):
    """Stored chunks of 4 are smaller than the crop, and than the blocks."""
    space = (13, 18)
    labels, soft, mask = some_labels(space), arrays(8, 3, space, "soft"), options_of("masked", space)["mask"]
    for name in "lsm":
        (tmp_path / name).mkdir()
    a, b, c = (stored(kind, x, tmp_path / n, (4,) * x.ndim) for x, n in ((labels, "l"), (soft, "s"), (mask, "m")))
    for options in ({}, {"boundary": "open", "mask": c}):
        plain = options | ({"mask": mask} if options else {})
        want = tp.correlations(tp.one_hot(labels, 3), crop=9, **plain)
        oracles.close(ds.volume_correlations(a, n_phases=3, crop=9, block=7, **options), want, EXACT)
        want = tp.correlations(soft, crop=9, **plain)
        oracles.close(ds.volume_correlations(b, crop=9, block=7, **options), want, TOLERANCE)


def test_a_task_reads_its_window_and_nothing_else(tmp_path):
    source = stored("npy", some_labels((40, 40)), tmp_path, None)
    read, seen = source._read, []
    source._read = lambda part: seen.append(read(part).shape) or read(part)
    ds.volume_correlations(source, n_phases=3, crop=5, boundary="open", block=10).compute()
    assert len(seen) == 16
    assert max(seen) == (14, 14)
    assert min(seen) == (12, 12)


def test_a_view_of_a_memmap_is_read_as_it_is(tmp_path):
    whole = stored("memmap", some_labels((12, 10)), tmp_path, None)
    view = whole[3:, ::2]
    want = tp.correlations(tp.one_hot(np.array(view), 3), crop=3)
    oracles.close(ds.volume_correlations(view, n_phases=3, crop=3, block=4), want, EXACT)


def test_memory_is_predicted_and_kept():
    plan = ds.volume_plan((1024,) * 3, 2, _volume_plan.Options(3, "periodic", None, 64))
    shape = ds.block_shape(None, plan, 1, 2**30)
    assert shape == (256, 256, 256)
    assert plan.memory(shape, 1) == 8 * 3 * 320**3 + 320**3
    assert plan.transformed == ((1, 1),)  # two phases need one product
    for memory in (2**24, 2**26, 2**28):
        shape = ds.block_shape(None, plan, 1, memory)
        assert memory / 4 < plan.memory(shape, 1) <= memory
    small = ds.volume_plan((30, 30), 3, _volume_plan.Options(2, "open", None, 5))
    assert ds.block_shape(None, small, 1, 2**30) == (30, 30)
    labels = some_labels((64, 64))
    f = ds.volume_correlations(labels, n_phases=3, crop=5, memory="20 kB")
    assert len([key for key in f.dask if "_sum_block" in str(key)]) > 9
    oracles.close(f, tp.correlations(tp.one_hot(labels, 3), crop=5), EXACT)


def test_the_graph_grows_with_the_blocks_only():
    def tasks(block):
        return len(ds.volume_correlations(labels, n_phases=2, crop=7, block=block).dask)

    labels = some_labels((64, 64, 8), 2)
    assert 64 <= tasks((8, 8, 8)) < 100
    assert tasks((4, 4, 8)) < 400


# What is refused

ZEROS = np.zeros((8, 8), np.uint8)
SOFT = np.zeros((2, 8, 8))
REFUSED = [
    (ZEROS.tolist(), dict(n_phases=2, crop=3), TypeError, "volume must be an array of numpy, dask"),
    ("a.zarr", dict(n_phases=2, crop=3), TypeError, r"got str; open_array\(path\) opens"),
    (np.ma.array(ZEROS), dict(n_phases=2, crop=3), TypeError, "volume is a numpy MaskedArray"),
    (ZEROS, dict(crop=3), TypeError, "volume of uint8 holds labels; give n_phases"),
    (SOFT, dict(n_phases=2, crop=3), TypeError, "volume must be labels"),
    (SOFT + 0j, dict(crop=3), TypeError, "volume must be of a real floating dtype, got complex128"),
    (ZEROS, dict(n_phases=2, crop=None), ValueError, "crop must be an integer or one an axis, got None"),
    (ZEROS, dict(n_phases=2, crop=9), ValueError, r"crop must not exceed the number of lags \(8, 8\), got 9"),
    (ZEROS, dict(n_phases=2, crop=(3,)), ValueError, "crop must be one integer or 2"),
    (ZEROS, dict(n_phases=2, crop=3, boundary="closed"), ValueError, "boundary must be one of 'periodic', 'open', got 'closed'"),
    (ZEROS, dict(n_phases=2, crop=3, pairs=[(0, 2)]), ValueError, "pairs must name phases 0..1"),
    (ZEROS, dict(n_phases=0, crop=3), ValueError, "n_phases must be at least 1, got 0"),
    (ZEROS, dict(n_phases=2, crop=3, implied_phase=True), ValueError, "implied_phase=True is for probabilities"),
    (ZEROS, dict(n_phases=2, crop=3, mask=np.ones((8, 7))), ValueError, r"mask must have shape \(8, 8\), got \(8, 7\)"),
    (ZEROS, dict(n_phases=2, crop=3, mask=np.ones((8, 8), complex)), TypeError, "mask must be boolean or real"),
    (ZEROS, dict(n_phases=2, crop=3, block=0), ValueError, "block must be at least 1, got 0"),
    (ZEROS, dict(n_phases=2, crop=3, block=(4, 4, 4)), ValueError, "block must be one integer or 2"),
    (ZEROS, dict(n_phases=2, crop=3, memory=100), ValueError, "memory must be at least .* bytes for crop=\\(3, 3\\).*, got 100"),
    (ZEROS, dict(n_phases=2, crop=3, memory=0), ValueError, "memory must be a positive number of bytes, or .* got 0"),
    (ZEROS[:0], dict(n_phases=2, crop=3), ValueError, "volume must have the shape"),
    (np.zeros(3), dict(crop=1), ValueError, "volume must have the shape"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("volume", "options", "error", "message"), REFUSED)
def test_refused_volumes(volume, options, error, message):
    with pytest.raises(error, match=message):
        ds.volume_correlations(volume, **options)


@pytest.mark.parametrize("label", [3, 255, -1])
def test_labels_that_name_no_phase_are_refused_when_they_are_read(label):
    labels = some_labels((9, 8)).astype(np.int16)
    labels[6, 7] = label
    for kind in (labels, da.from_array(labels, chunks=5)):
        f = ds.volume_correlations(kind, n_phases=3, crop=3, block=4)
        with pytest.raises(ValueError, match=r"labels must lie in 0..2 for n_phases=3, got .* in the block \(\(4, 8\), \(4, 8\)\)"):
            f.compute()


@pytest.mark.parametrize("form", [2, 3])
def test_a_zarr_store_that_lacks_a_chunk_is_refused(tmp_path, form):
    kept = {"write_empty_chunks": True}
    array = zarr.create_array(str(tmp_path / "a.zarr"), shape=(10, 10), chunks=(4, 4), dtype="uint8", config=kept, zarr_format=form)
    array[...] = 1
    assert ds.open_array(tmp_path / "a.zarr").chunks == (4, 4)
    chunk = tmp_path / "a.zarr" / ("c/1/2" if form == 3 else "1.2")
    chunk.unlink()
    message = r"lacks 1 of 9 chunks, the first at \(1, 2\), points \[4:8, 8:12\].*missing='fill'"
    for attempt in (
        lambda: ds.open_array(tmp_path / "a.zarr"),
        lambda: ds.volume_correlations(array, n_phases=2, crop=3),
        lambda: ds.dataset_correlations(array, n_phases=2, ndim=1),
    ):
        with pytest.raises(ValueError, match=message):
            attempt()
    filled = ds.open_array(tmp_path / "a.zarr", missing="fill")
    want = np.ones((10, 10), np.uint8)
    want[4:8, 8:] = 0
    assert (filled[...] == want).all()
    oracles.close(ds.volume_correlations(filled, n_phases=2, crop=3), tp.correlations(tp.two_phase(want), crop=3), EXACT)


def test_a_shard_is_one_chunk_of_the_store(tmp_path):
    kept = {"write_empty_chunks": True}
    array = zarr.create_array(str(tmp_path / "a.zarr"), shape=(12, 12), chunks=(4, 4), shards=(8, 8), dtype="uint8", config=kept)
    array[...] = 1
    assert ds.open_array(tmp_path / "a.zarr").shape == (12, 12)
    (tmp_path / "a.zarr" / "c" / "0" / "1").unlink()
    with pytest.raises(ValueError, match=r"lacks 1 of 4 chunks, the first at \(0, 1\), points \[0:8, 8:16\]"):
        ds.open_array(tmp_path / "a.zarr")


def test_an_array_within_a_group_and_one_in_memory():
    array = zarr.create_array(zarr.storage.MemoryStore(), shape=(6,), chunks=(2,), dtype="uint8", config={"write_empty_chunks": True})
    with pytest.raises(ValueError, match="lacks 3 of 3 chunks"):
        ds.volume_correlations(array, n_phases=2, crop=3)
    array[...] = 1
    assert ds.volume_correlations(array, n_phases=2, crop=3).compute()[1, 1, 0] == 1


def test_a_zarr_array_in_a_group(tmp_path):
    group = zarr.open_group(str(tmp_path / "g.zarr"), mode="w")
    for name, value in (("a", 1), ("ab", 2)):
        group.create_array(name, shape=(4,), chunks=(2,), dtype="uint8", config={"write_empty_chunks": True})[...] = value
    (tmp_path / "g.zarr" / "ab" / "c" / "1").unlink()
    assert ds.open_array(tmp_path / "g.zarr", dataset="a")[...].tolist() == [1] * 4
    with pytest.raises(ValueError, match="lacks 1 of 2 chunks"):
        ds.open_array(tmp_path / "g.zarr", dataset="ab")


def test_hdf5_datasets_that_were_never_written_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        chunked = file.create_dataset("chunked", (10, 10), "uint8", chunks=(4, 4))
        chunked[:, :8] = 1
        chunked[:4, 8:] = 1
        file.create_dataset("plain", (10,), "uint8")
    with pytest.raises(ValueError, match=r"a.h5:/chunked lacks 2 of 9 chunks, the first at \(1, 2\), points \[4:8, 8:12\]"):
        ds.open_array(tmp_path / "a.h5", dataset="chunked")
    with pytest.raises(ValueError, match=r"a.h5:/plain was never written"):
        ds.open_array(tmp_path / "a.h5", dataset="plain")
    assert not ds.open_array(tmp_path / "a.h5", dataset="plain", missing="fill")[...].any()
    for name in (None, "absent"):
        with pytest.raises(ValueError, match=r"dataset must name one of the datasets of .*, which are chunked, plain; got"):
            ds.open_array(tmp_path / "a.h5", dataset=name)


def test_open_array_refuses_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ds.open_array(tmp_path / "none.zarr")
    with pytest.raises(ValueError, match="missing must be one of 'error', 'fill', got 'ignore'"):
        ds.open_array(tmp_path, missing="ignore")


# Datasets of images


@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("space", [(9,), (6, 5), (4, 3, 5)], ids=str)
def test_datasets_against_correlations(mode, space):
    n, ndim, options = 7, len(space), options_of(mode, space)
    labels = some_labels((n, *space))
    soft = np.stack([arrays(i, 3, space, "soft") for i in range(n)])
    for more in ({}, {"crop": 3}, {"centered": True, "pairs": "unique"}, {"pairs": [(2, 0)]}):
        want = tp.correlations(tp.one_hot(labels, 3, ndim=ndim), ndim=ndim, **options, **more)
        got = ds.dataset_correlations(da.from_array(labels, chunks=3), n_phases=3, ndim=ndim, **options, **more)
        assert got.chunks[0] == (3, 3, 1)
        assert got.shape == want.shape
        oracles.close(got, want, TOLERANCE)
        for implied in (False, True):
            want = tp.correlations(soft[:, implied:], ndim=ndim, implied_phase=implied, **options, **more)
            got = ds.dataset_correlations(soft[:, implied:], ndim=ndim, implied_phase=implied, **options, **more)
            oracles.close(got, want, TOLERANCE)


def test_a_mask_of_each_image():
    soft = np.stack([arrays(i, 2, (6, 5), "soft") for i in range(7)])
    masks = np.random.default_rng(1).random((7, 6, 5)) > 0.4
    want = tp.correlations(soft, mask=masks, crop=3)
    images = da.from_array(soft, chunks=(3, 1, 4, 5))
    for mask in (masks, da.from_array(masks, chunks=(2, 3, 5))):
        oracles.close(ds.dataset_correlations(images, mask=mask, crop=3), want, TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_source_of_images(kind, tmp_path):
    labels = some_labels((11, 6, 5), 2)
    source = stored(kind, labels, tmp_path, (4, 3, 5))
    f = ds.dataset_correlations(source, n_phases=2, boundary="open", memory="20 kB")
    assert len(f.chunks[0]) >= 3
    oracles.close(f, tp.correlations(tp.two_phase(labels), boundary="open"), TOLERANCE)


def test_dtypes_of_datasets():
    soft = np.stack([arrays(i, 2, (6, 5), "soft") for i in range(3)])
    for dtype, want in ((np.float32, np.float32), (np.float16, np.float32), (bool, np.float64)):
        f = ds.dataset_correlations(soft.astype(dtype))
        assert f.dtype == f.compute().dtype == want
    assert ds.dataset_correlations(soft[:, 0] > 1, n_phases=1).compute().dtype == np.float64


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("images", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "images must be an array of numpy, dask"),
        (ZEROS[None], dict(ndim=1), TypeError, "images of uint8 holds labels; give n_phases"),
        (SOFT, {}, ValueError, r"images must have the shape \(n, phases, \*space\).*got \(2, 8, 8\)"),
        (ZEROS, dict(n_phases=2), ValueError, r"images must have the shape \(n, \*space\) of labels"),
        (SOFT[:0], dict(ndim=1), ValueError, "no empty one"),
        (SOFT, dict(ndim=1, crop=9), ValueError, "crop must not exceed"),
        (SOFT, dict(ndim=4), ValueError, "ndim must be 1, 2 or 3, got 4"),
        (ZEROS, dict(n_phases=2, ndim=1, implied_phase=True), ValueError, "implied_phase=True is for"),
        (SOFT, dict(ndim=1, mask=np.ones(7)), ValueError, r"mask must have shape \(8,\) or \(2, 8\), got \(7,\)"),
    ],
)
def test_refused_datasets(images, options, error, message):
    with pytest.raises(error, match=message):
        ds.dataset_correlations(images, **options)


# Mean, variance, principal components


def test_mean_and_variance_keep_their_digits():
    """Far from zero, where the mean of squares less the square of the mean would be off by its own size."""
    x = 1e8 + np.random.default_rng(0).normal(size=(1000, 3)).astype(np.longdouble)
    mean, variance = dask.compute(*ds.mean_and_variance(da.from_array(x.astype(float), chunks=(7, 2)), ddof=1))
    oracles.close(mean, x.astype(float).astype(np.longdouble).mean(0), 1e-15)
    oracles.close(variance, x.astype(float).astype(np.longdouble).var(0, ddof=1), 1e-7)  # of numbers rounded to 1e-8


def test_mean_and_variance_of_float32_are_summed_in_float64():
    x = da.ones((100000, 2), chunks=999, dtype=np.float32) * np.float32(0.1)
    mean, variance = dask.compute(*ds.mean_and_variance(x))
    assert mean.dtype == variance.dtype == np.float64
    assert (mean == np.float64(np.float32(0.1))).all() or np.abs(mean / np.float64(np.float32(0.1)) - 1).max() < 1e-12
    assert variance.max() < 1e-24


def test_mean_and_variance_pass_once_over_the_data():
    passes = []

    def count(block):
        passes.append(len(block))
        return block

    x = da.from_array(np.arange(40.0), chunks=8).map_blocks(count, dtype=float, meta=np.empty(0))
    dask.compute(*ds.mean_and_variance(x))
    assert passes == [8] * 5


def test_principal_components_pass_as_often_as_they_say():
    passes = []
    x = np.random.default_rng(0).normal(size=(40, 5))
    f = da.from_array(x, chunks=(8, 5)).map_blocks(lambda block: passes.append(len(block)) or block, meta=np.empty((0, 0)))
    for iterations in (0, 2):
        passes.clear()
        ds.principal_components(f, 2, iterations=iterations)
        assert sum(passes) == 40 * (2 * iterations + 3)


@pytest.mark.parametrize("n", [60, 25])
def test_principal_components_against_scikit_learn(n):
    images = np.random.default_rng(1).random((n, 6, 7)) < np.linspace(0.2, 0.6, n)[:, None, None]
    f = ds.dataset_correlations(da.from_array(images, chunks=(7, 6, 7)), n_phases=2, crop=(5, 4))
    found = ds.principal_components(f, 3, seed=4)
    flat = f.compute().reshape(n, -1)
    want = PCA(3, svd_solver="full").fit(flat)
    sign = np.sign(np.sum(want.components_ * found.components.reshape(3, -1), axis=1))
    oracles.close(found.components.reshape(3, -1), sign[:, None] * want.components_, 1e-9)
    oracles.close(found.explained_variance, want.explained_variance_, 1e-10)
    oracles.close(found.explained_variance_ratio, want.explained_variance_ratio_, 1e-10)
    oracles.close(found.scores, sign * want.transform(flat), 1e-9)
    oracles.close(found.mean.ravel(), want.mean_, 1e-12)
    assert found.components.shape == (3, 2, 2, 5, 4)
    largest = found.components.reshape(3, -1)
    assert (largest[range(3), np.abs(largest).argmax(1)] > 0).all()
    again = ds.principal_components(f, 3, seed=4)
    assert (again.components == found.components).all()
    oracles.close(found.transform(f), found.scores, 1e-9)
    oracles.close(found.transform(f.compute()[:5]), found.scores[:5], 1e-9)


def test_principal_components_of_what_does_not_vary():
    found = ds.principal_components(da.ones((30, 4), chunks=7), 2)
    assert not found.explained_variance_ratio.any()
    assert np.isfinite(found.components).all()


@pytest.mark.usefixtures("unchecked")
def test_refused_statistics_of_datasets(tmp_path):
    f = da.ones((6, 2, 2), chunks=2)
    for function in (ds.mean_and_variance, lambda x: ds.principal_components(x, 1), lambda x: ds.save_zarr(x, tmp_path / "a.zarr")):
        with pytest.raises(TypeError, match=r"f must be a dask array.*got ndarray; dask.array.from_array makes one"):
            function(np.ones((6, 2)))
    with pytest.raises(ValueError, match="f must hold more than ddof=6"):
        ds.mean_and_variance(f, ddof=6)
    with pytest.raises(ValueError, match=r"no empty axis, got \(0, 2\)"):
        ds.mean_and_variance(da.ones((0, 2)))
    with pytest.raises(ValueError, match=r"n_components must be at most 4 for f of shape \(6, 2, 2\).*got 5"):
        ds.principal_components(f, 5)
    with pytest.raises(ValueError, match=r"f must have the shape \(n, 2, 2\), got \(6, 4\)"):
        ds.principal_components(f, 1).transform(f.reshape(6, 4))


# Written whole, or not at all


def test_saved_as_a_whole(tmp_path):
    x = np.random.default_rng(2).normal(size=(10, 3))
    x[:4] = 0  # a chunk of zeros is written too
    f = da.from_array(x, chunks=((4, 3, 3), 2))
    back = ds.save_zarr(f, tmp_path / "f.zarr")
    assert (back.compute() == x).all()
    assert ds.open_array(tmp_path / "f.zarr").chunks == (4, 2)
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        ds.save_zarr(f, tmp_path / "f.zarr")
    assert (ds.save_zarr(f + 1, tmp_path / "f.zarr", overwrite=True).compute() == x + 1).all()
    assert os.listdir(tmp_path) == ["f.zarr"]


def test_what_cannot_get_its_name_leaves_the_old_one(tmp_path, monkeypatch):
    f = da.ones(4, chunks=2)
    ds.save_zarr(f, tmp_path / "new" / "f.zarr")
    rename = os.replace

    def refuse(source, target):
        if source.name == "whole":
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        ds.save_zarr(2 * f, tmp_path / "new" / "f.zarr", overwrite=True)
    assert ds.open_array(tmp_path / "new" / "f.zarr")[...].tolist() == [1] * 4
    assert os.listdir(tmp_path / "new") == ["f.zarr"]


def test_a_task_that_fails_leaves_nothing_behind(tmp_path):
    labels = some_labels((6, 8, 8))
    labels[5, 0, 0] = 9
    f = ds.dataset_correlations(da.from_array(labels, chunks=2), n_phases=3)
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"labels must lie in 0..2 for n_phases=3, got 0..9"):
            ds.save_zarr(f, tmp_path / "f.zarr", overwrite=overwrite)
        assert os.listdir(tmp_path) == (["f.zarr"] if overwrite else [])
        if not overwrite:
            ds.save_zarr(f[:2], tmp_path / "f.zarr")
    assert (ds.open_array(tmp_path / "f.zarr")[...] == f[:2].compute()).all()


# The module


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["dask_statistics", "_dataset", "_principal", "_stored", "_writing"])
def test_examples_run(name):
    module = importlib.import_module(f"twopoint.adapters.{name}")
    assert doctest.testmod(module).failed == 0
    assert module.__doc__


@pytest.mark.parametrize("name", [n for n in ds.__all__ if n[0].islower()])
def test_docstrings_say_all(name):
    text = inspect.getdoc(getattr(ds, name))
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n{section}\n---" in text, f"{name} has no section {section}"
    for parameter in inspect.signature(getattr(ds, name)).parameters.values():
        assert parameter.name in text
        assert parameter.default is parameter.empty or parameter.kind is parameter.KEYWORD_ONLY


def test_twopoint_alone_loads_no_dask():
    script = "import sys, twopoint, twopoint.adapters; print([n for n in ('dask', 'zarr', 'h5py') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# Workers in processes of their own


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1, "distributed.comm.timeouts.connect": "60s"}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit="1GiB") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def dies(times, folder):
    """Return a function of chunks whose process ends so many times, and then does nothing."""

    def die(chunk):
        for i in range(times):
            try:
                (folder / str(i)).touch(exist_ok=False)
            except FileExistsError:
                continue
            os._exit(1)
        return chunk

    return die


def test_workers_read_for_themselves(client, tmp_path):
    labels = some_labels((20, 24))
    for kind in ("zarr", "hdf5", "memmap", "npy"):
        (tmp_path / kind).mkdir()
        f = ds.volume_correlations(stored(kind, labels, tmp_path / kind, (8, 8)), n_phases=3, crop=7, block=9)
        oracles.close(client.compute(f, retries=2).result(), tp.correlations(tp.one_hot(labels, 3), crop=7), EXACT)


def test_a_worker_that_dies_is_replaced(client, tmp_path):
    labels = some_labels((20, 24))
    dying = da.from_array(labels, chunks=8).map_blocks(dies(1, tmp_path), dtype=np.uint8, meta=np.empty((0, 0), np.uint8))
    f = client.compute(ds.volume_correlations(dying, n_phases=3, crop=7, block=9)).result()
    oracles.close(f, tp.correlations(tp.one_hot(labels, 3), crop=7), EXACT)
    assert len(os.listdir(tmp_path)) == 1


def test_workers_that_keep_dying_are_an_error_and_nothing_is_written(client, tmp_path):
    from distributed.scheduler import KilledWorker

    (tmp_path / "deaths").mkdir()
    images = da.from_array(some_labels((8, 6, 6)), chunks=2)
    dying = images.map_blocks(dies(100, tmp_path / "deaths"), dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8))
    with dask.config.set(scheduler="distributed"), pytest.raises(KilledWorker):
        ds.save_zarr(ds.dataset_correlations(dying, n_phases=3), tmp_path / "f.zarr")
    assert os.listdir(tmp_path) == ["deaths"]


def test_tasks_transform_without_threads_of_their_own(monkeypatch):
    """Dask's threads are as many as there are cores; scipy's beside them would only wait for each other."""
    import scipy.fft

    from twopoint import _namespace

    asked, rfftn = [], scipy.fft.rfftn

    def spied(*args, workers, **options):
        asked.append(workers)
        return rfftn(*args, workers=workers, **options)

    monkeypatch.setattr(scipy.fft, "rfftn", spied)
    monkeypatch.setattr(_namespace, "_CORES", 7)
    images = np.zeros((4, 200, 200), int)
    ds.dataset_correlations(images, n_phases=2).compute(scheduler="threads")
    assert set(asked) == {1}
    asked.clear()
    tp.correlations(tp.one_hot(images, 2))
    assert set(asked) == {7}


@pytest.mark.parametrize("memory", [0, -5, "much"])
def test_memory_that_is_none_is_refused(memory):
    labels = np.zeros((3, 8, 8), dtype=int)
    for call in (
        lambda: ds.dataset_correlations(labels, n_phases=1, memory=memory),
        lambda: ds.volume_correlations(labels, n_phases=1, crop=3, memory=memory),
    ):
        with pytest.raises(ValueError, match="memory must be a positive number of bytes"):
            call()
