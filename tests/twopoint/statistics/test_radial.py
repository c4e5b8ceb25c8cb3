"""radial_average against lag by lag."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles


@pytest.mark.parametrize("shape", [(8,), (7,), (6, 9), (5, 4), (4, 5, 6)], ids=str)
@pytest.mark.parametrize("centered", [False, True])
def test_radial_average(backend, shape, centered, rng):
    f, count = rng.normal(size=(2, *shape)), rng.integers(0, 4, size=shape).astype(float)
    ndim = len(shape)
    for spacing in (1.0, 0.5, tuple(0.5 + 0.75 * i for i in range(ndim))):
        for weight in (None, count):
            extra = {} if weight is None else {"count": backend.make(weight)}
            r, values = tp.radial_average(backend.make(f), ndim=ndim, centered=centered, spacing=spacing, **extra)
            for i in range(2):
                want_r, want = oracles.radial_average(f[i], centered=centered, spacing=spacing, count=weight)
                oracles.close(backend.read(r), want_r, 1e-12)
                oracles.close(backend.read(values)[i], want, 1e-12)


def test_radial_average_of_a_disc_of_lags_and_dtype(backend):
    f = np.full((4, 9, 9), 0.25, np.float32)
    r, values = tp.radial_average(backend.make(f))
    assert backend.read(r).tolist() == [0, 1, 2, 3, 4]
    assert backend.read(values).dtype == np.float32
    assert (backend.read(values) == 0.25).all()


def test_lags_that_no_pair_spans_drop_out(backend):
    mask = np.zeros((9, 9))
    mask[0, :4] = 1
    x = backend.make(np.ones((9, 9)))
    f = tp.autocorrelation(x, mask=backend.make(mask), boundary="open")
    count = tp.pair_counts(backend.make(mask), boundary="open")
    _, values = tp.radial_average(f, count=count)
    oracles.close(backend.read(values)[:4], [1, 1, 1, 1], 1e-12)
    assert not backend.read(values)[4:].any()


@pytest.mark.numpy_only
def test_numbers_come_as_arrays_too(unchecked):
    f = np.random.default_rng(0).normal(size=(6, 5))
    assert (tp.radial_average(f, spacing=np.array(0.5))[0] == tp.radial_average(f, spacing=0.5)[0]).all()
    m = np.ones((1, 6, 5))
    assert tp.correlations(m, crop=np.array(3)).shape == (1, 1, 3, 3)
