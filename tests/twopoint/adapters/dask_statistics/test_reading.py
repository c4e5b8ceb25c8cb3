"""Arrays on disk: read window by window, and refused if a chunk is missing."""

import h5py
import numpy as np
import pytest
import zarr

import twopoint as tp
from support import oracles
from support.strategies import arrays
from support.volumes import EXACT, KINDS, TOLERANCE, options_of, some_labels, stored
from twopoint.adapters import dask_statistics as ds


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
        with pytest.raises(ValueError, match=r"dataset must be one of the datasets of .*, which are chunked, plain; got"):
            ds.open_array(tmp_path / "a.h5", dataset=name)


def test_open_array_refuses_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ds.open_array(tmp_path / "none.zarr")
    with pytest.raises(ValueError, match="missing must be one of 'error', 'fill', got 'ignore'"):
        ds.open_array(tmp_path, missing="ignore")
