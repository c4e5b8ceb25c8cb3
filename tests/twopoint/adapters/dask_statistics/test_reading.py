"""Arrays on disk: read window by window, and refused if a chunk is missing."""

from contextlib import closing

import dask.array as da
import h5py
import numpy as np
import pytest
import tifffile
import zarr

import twopoint as tp
from support import oracles
from support.strategies import arrays
from support.volumes import EXACT, KINDS, TOLERANCE, options_of, some_labels, stored, write_filtered
from twopoint.adapters import dask_statistics as ds
from twopoint.adapters.dask_statistics.reading import drop_axes


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


def multiscales(path, values, form, levels=("0", "1"), images=1):
    """Write an image (t, c, z, y, x) as OME-NGFF, with a second level of half the points."""
    group = zarr.open_group(str(path), mode="w", zarr_format=form)
    for step, name in enumerate(levels, start=1):
        level = values[..., ::step, ::step]
        group.create_array(name, shape=level.shape, chunks=(1, 1, 3, 5, 5), dtype="uint8", config={"write_empty_chunks": True})[...] = level
    axes = [{"name": name, "type": "space"} for name in "tczyx"]
    described = [{"axes": axes, "datasets": [{"path": name} for name in levels]}] * images
    group.attrs.update({"multiscales": described} if form == 2 else {"ome": {"version": "0.5", "multiscales": described}})
    return group


@pytest.mark.parametrize("form", [2, 3])
def test_a_group_of_ome_ngff_is_its_full_resolution(tmp_path, form):
    labels = some_labels((4, 9, 10))
    group = multiscales(tmp_path / "a.zarr", labels[None, None], form, levels=("full", "half"))
    want = tp.correlations(tp.one_hot(labels, 3, ndim=3), ndim=3, crop=3)
    for source in (group, group.store, ds.open_array(tmp_path / "a.zarr"), ds.open_array(tmp_path / "a.zarr", dataset="full")):
        oracles.close(ds.volume_correlations(source, n_phases=3, crop=3, block=5), want, EXACT)
    assert ds.open_array(tmp_path / "a.zarr", dataset="half").shape == (1, 1, 4, 5, 5)
    with pytest.raises(ValueError, match=r"path .*a.zarr must be an array of zarr.*got 'quarter'; .*dataset=.*which are full, half"):
        ds.open_array(tmp_path / "a.zarr", dataset="quarter")
    with pytest.raises(ValueError, match="got 'full'"):
        ds.open_array(tmp_path / "a.zarr" / "full", dataset="full")


@pytest.mark.parametrize("images", [0, 2])
def test_a_group_of_no_or_of_several_images_is_refused(tmp_path, images):
    group = multiscales(tmp_path / "a.zarr", some_labels((1, 1, 4, 9, 10)), 3, images=images)
    for attempt, name in (
        (lambda: ds.volume_correlations(group, n_phases=3, crop=3), "volume"),
        (lambda: ds.open_array(group.store), "path"),
    ):
        with pytest.raises(ValueError, match=rf"{name} .* or a group with the multiscales of one image, got a group.*which are 0, 1"):
            attempt()


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16), "compression": "zlib"}], ids=["strips", "tiles"])
def test_the_store_of_a_tiff(tmp_path, options):
    labels = some_labels((3, 20, 24))
    tifffile.imwrite(tmp_path / "a.tif", labels, photometric="minisblack", **options)
    want = tp.correlations(tp.one_hot(labels, 3, ndim=3), ndim=3, crop=3)
    with closing(tifffile.imread(tmp_path / "a.tif", aszarr=True)) as store:
        for source in (store, zarr.open(store, mode="r"), ds.open_array(store)):
            oracles.close(ds.volume_correlations(source, n_phases=3, crop=3, block=(3, 11, 24)), want, EXACT)


def test_the_store_of_a_pyramid_and_of_a_tiff_that_lacks_a_tile(tmp_path):
    labels = some_labels((32, 48))
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as file:
        file.write(labels, subifds=1, tile=(16, 16))
        file.write(labels[::2, ::2], subfiletype=1, tile=(16, 16))
    with closing(tifffile.imread(tmp_path / "pyramid.tif", aszarr=True)) as store:
        oracles.close(ds.volume_correlations(store, n_phases=3, crop=3), tp.correlations(tp.one_hot(labels, 3), crop=3), EXACT)
    tiles = (labels[y : y + 16, x : x + 16] if (y, x) != (16, 16) else None for y in (0, 16) for x in (0, 16, 32))
    tifffile.imwrite(tmp_path / "sparse.tif", tiles, shape=(32, 48), dtype="uint8", tile=(16, 16), photometric="minisblack")
    message = r"lacks 1 of 6 chunks, the first at \(1, 1\), points \[16:32, 16:32\]"
    with closing(tifffile.imread(tmp_path / "sparse.tif", aszarr=True)) as store, pytest.raises(ValueError, match=message):
        ds.volume_correlations(store, n_phases=3, crop=3)


@pytest.mark.parametrize("kind", ["dask", "npy", "zarr", "h5py", "numpy"])
def test_axes_of_one_point_beyond_those_of_space_are_dropped(kind, tmp_path):
    def source(array):
        (folder := tmp_path / str(len(list(tmp_path.iterdir())))).mkdir()
        return array if kind == "numpy" else stored(kind, array, folder, (4,) * array.ndim)

    labels, soft = some_labels((9, 10)), arrays(8, 3, (4, 9, 10), "soft")
    mask = options_of("masked", (9, 10))["mask"]
    want = tp.correlations(tp.one_hot(labels, 3), crop=3, mask=mask)
    for shape in ((1, 1, 9, 10), (1, 1, 1, 9, 10), (1, 9, 1, 10)):
        f = ds.volume_correlations(source(labels.reshape(shape)), n_phases=3, crop=3, block=4, mask=source(mask[None, None]))
        oracles.close(f, want, EXACT)
    oracles.close(ds.volume_correlations(source(soft[None]), crop=3), tp.correlations(soft, ndim=3, crop=3), TOLERANCE)
    images = some_labels((5, 9, 10))
    want = tp.correlations(tp.one_hot(images, 3), crop=3, mask=mask)
    for shape in ((5, 1, 9, 10), (1, 5, 1, 9, 10)):
        oracles.close(
            ds.dataset_correlations(source(images.reshape(shape)), n_phases=3, crop=3, mask=source(mask[None, None])), want, EXACT
        )
    with pytest.raises(ValueError, match=r"volume must have the shape .*got \(2, 2, 9, 10\)"):
        ds.volume_correlations(np.zeros((2, 2, 9, 10), int), n_phases=3, crop=3)


def test_a_stored_array_without_some_axes_is_read_in_parts():
    whole = np.arange(24).reshape(1, 4, 1, 6)
    short = drop_axes(ds.StoredArray("a", whole, whole.__getitem__), (0, 2))
    assert (short.shape, short.ndim) == ((4, 6), 2)
    for part in (..., slice(1, 3), (slice(1, 3), slice(2, 4)), (..., slice(2, 4)), (slice(1, 3), ...), (2, 3)):
        assert np.array_equal(short[part], whole[0, :, 0][part])


def test_dask_arrays_of_unknown_chunk_sizes_are_refused(tmp_path):
    labels = some_labels((12, 10))
    unknown = da.from_array(labels, chunks=5)
    unknown = unknown[unknown[:, 0] >= 0]
    for name, call in (
        ("volume", lambda x: ds.volume_correlations(x, n_phases=3, crop=3)),
        ("mask", lambda x: ds.volume_correlations(labels, n_phases=3, crop=3, mask=x)),
        ("images", lambda x: ds.dataset_correlations(x, n_phases=3, ndim=1)),
        ("f", ds.mean_and_variance),
        ("f", lambda x: ds.principal_components(x, 1)),
        ("f", lambda x: ds.save_zarr(x, tmp_path / "a.zarr")),
    ):
        with pytest.raises(
            ValueError, match=rf"{name} has chunks of unknown sizes, shape \(nan, 10\); call {name}.compute_chunk_sizes\(\)"
        ):
            call(unknown)
    want = tp.correlations(tp.one_hot(labels, 3), crop=3)
    oracles.close(ds.volume_correlations(unknown.compute_chunk_sizes(), n_phases=3, crop=3), want, EXACT)


def test_a_missing_filter_of_hdf5_is_named(tmp_path):
    write_filtered(tmp_path / "a.h5", "a")
    message = r"a.h5:/a cannot be read without the HDF5 filter 32015.*; decompress the file, h5repack -f NONE a.h5"
    for missing in ("error", "fill"):
        with pytest.raises(ValueError, match=message):
            ds.open_array(tmp_path / "a.h5", dataset="a", missing=missing)
    with h5py.File(tmp_path / "a.h5") as file, pytest.raises(ValueError, match=message):
        ds.volume_correlations(file["a"], n_phases=2, crop=3)


def test_a_virtual_dataset_whose_parts_are_not_all_there_is_refused(tmp_path):
    """HDF5 reads the points of a missing file, and those that none holds, as the fill value."""
    labels = some_labels((8, 6))
    layout, short = h5py.VirtualLayout((8, 6), "uint8"), h5py.VirtualLayout((8, 6), "uint8")
    for i, half in enumerate((labels[:4], labels[4:])):
        with h5py.File(tmp_path / f"part{i}.h5", "w") as file:
            file["x"] = half
        layout[4 * i : 4 * i + 4] = h5py.VirtualSource(f"part{i}.h5", "x", half.shape)
    short[:4] = h5py.VirtualSource("part0.h5", "x", (4, 6))
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
        file.create_virtual_dataset("short", short)
        file.create_dataset("none", data=h5py.Empty("uint8"))
    source = ds.open_array(tmp_path / "whole.h5", dataset="v")
    oracles.close(ds.volume_correlations(source, n_phases=3, crop=3), tp.correlations(tp.one_hot(labels, 3), crop=3), EXACT)
    with pytest.raises(ValueError, match=r"whole.h5:/short has points that no file holds"):
        ds.open_array(tmp_path / "whole.h5", dataset="short")
    with pytest.raises(ValueError, match=r"whole.h5:/none is empty"):
        ds.open_array(tmp_path / "whole.h5", dataset="none")
    with h5py.File(tmp_path / "part1.h5", "w") as file:
        file.create_dataset("x", (4, 6), "uint8", chunks=(2, 6))[:2] = labels[4:6]
    with pytest.raises(ValueError, match=r"whole.h5:/v has a part part1.h5 that lacks 1 of 2 chunks, the first at \(1, 0\)"):
        ds.open_array(tmp_path / "whole.h5", dataset="v")
    (tmp_path / "part1.h5").unlink()
    with pytest.raises(ValueError, match=r"whole.h5:/v lacks its part part1.h5"):
        ds.open_array(tmp_path / "whole.h5", dataset="v")
    assert not ds.open_array(tmp_path / "whole.h5", dataset="v", missing="fill")[4:].any()
    write_filtered(tmp_path / "part1.h5", "x")
    with pytest.raises(ValueError, match=r"whole.h5:/v cannot be read without the HDF5 filter 32015.*h5repack -f NONE part1.h5"):
        ds.open_array(tmp_path / "whole.h5", dataset="v")


def test_open_array_refuses_what_is_not_there(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*")
    with pytest.raises(ValueError, match=r"path must be a folder of zarr.*got .*a.tif'; tifffile.imread\(path, aszarr=True\) opens a TIFF"):
        ds.open_array(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"path .* holds neither an array nor a group of zarr"):
        ds.open_array(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ds.open_array(tmp_path / "none.zarr")
    with pytest.raises(ValueError, match="missing must be one of 'error', 'fill', got 'ignore'"):
        ds.open_array(tmp_path, missing="ignore")
