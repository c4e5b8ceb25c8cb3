"""Statistics of each image of a dataset, against correlations of all at once."""

import dask.array as da
import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays
from support.volumes import KINDS, SOFT, TOLERANCE, ZEROS, options_of, some_labels, stored
from twopoint.adapters import dask_statistics as ds


@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("space", [(9,), (6, 5), (4, 3, 5)], ids=str)
def test_datasets_against_correlations(mode, space):
    n, ndim, options = 7, len(space), options_of(mode, space)
    labels = some_labels((n, *space))
    soft = np.stack([arrays(i, 3, space, "soft") for i in range(n)])
    for more in ({}, {"crop": 3}, {"centered": True, "pairs": "unique"}, {"pairs": [(2, 0)]}, {"cumulative": True}):
        want = tp.correlations(tp.one_hot(labels, 3, ndim=ndim), ndim=ndim, **options, **more)
        got = ds.dataset_correlations(da.from_array(labels, chunks=3), n_phases=3, ndim=ndim, **options, **more)
        assert got.chunks[0] == (3, 3, 1)
        assert got.shape == want.shape
        oracles.close(got, want, TOLERANCE)
        for implied in (False, True):
            want = tp.correlations(soft[:, implied:], ndim=ndim, implied_phase=implied, **options, **more)
            got = ds.dataset_correlations(soft[:, implied:], ndim=ndim, implied_phase=implied, **options, **more)
            oracles.close(got, want, TOLERANCE)


def test_confidences():
    labels, masks = some_labels((7, 6, 5)), np.random.default_rng(1).random((7, 6, 5))
    for mask in (masks, masks[0], da.from_array(masks, chunks=(2, 3, 5))):
        want = tp.correlations(tp.one_hot(labels, 3), mask=np.asarray(mask), crop=3)
        oracles.close(ds.dataset_correlations(da.from_array(labels, chunks=3), n_phases=3, mask=mask, crop=3), want, TOLERANCE)
    with pytest.raises(ValueError, match="mask must hold booleans"):
        ds.dataset_correlations(labels, n_phases=3, mask=2 * masks).compute()


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


def test_tasks_transform_without_threads_of_their_own(monkeypatch):
    """Dask's threads are as many as there are cores; scipy's beside them would only wait for each other."""
    import scipy.fft

    from twopoint.arrays import fft

    asked, rfftn = [], scipy.fft.rfftn

    def spied(*args, workers, **options):
        asked.append(workers)
        return rfftn(*args, workers=workers, **options)

    monkeypatch.setattr(scipy.fft, "rfftn", spied)
    monkeypatch.setattr(fft, "CORES", 7)
    images = np.zeros((4, 200, 200), int)
    ds.dataset_correlations(images, n_phases=2).compute(scheduler="threads")
    assert set(asked) == {1}
    with fft.one_thread():
        tp.correlations(tp.one_hot(images, 2))  # nor are chunks evaluated in other threads, which do not know of this one's limit
    assert set(asked) == {1}
    asked.clear()
    tp.correlations(tp.one_hot(images[:1], 2))
    assert set(asked) == {7}
    asked.clear()
    tp.correlations(tp.one_hot(images, 2))  # chunks in threads beside each other, each alone with its transform
    assert set(asked) == {1}
