"""Mean, variance and principal components of a dataset, against long doubles and scikit-learn."""

import dask
import dask.array as da
import numpy as np
import pytest
from sklearn.decomposition import PCA

from support import oracles
from twopoint.adapters import dask_statistics as ds


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
        with pytest.raises(TypeError, match=r"f must be a dask array.*got ndarray; dask.array.from_array creates one"):
            function(np.ones((6, 2)))
    with pytest.raises(ValueError, match="f must hold more than ddof=6"):
        ds.mean_and_variance(f, ddof=6)
    with pytest.raises(ValueError, match=r"no empty axis, got \(0, 2\)"):
        ds.mean_and_variance(da.ones((0, 2)))
    with pytest.raises(ValueError, match=r"n_components must be at most 4 for f of shape \(6, 2, 2\).*got 5"):
        ds.principal_components(f, 5)
    with pytest.raises(ValueError, match=r"f must have the shape \(n, 2, 2\), got \(6, 4\)"):
        ds.principal_components(f, 1).transform(f.reshape(6, 4))
