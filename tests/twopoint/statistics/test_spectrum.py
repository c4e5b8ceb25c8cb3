"""power_spectrum against the sum of exponentials, and as the transform of the autocorrelation."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles


@pytest.mark.parametrize("space", [(1,), (6,), (7,), (4, 5), (5, 4), (5, 1), (3, 4, 6), (2, 3, 5)], ids=str)
def test_power_spectrum(backend, space, rng):
    x = rng.normal(size=(2, *space))
    got = backend.read(tp.power_spectrum(backend.make(x), ndim=len(space)))
    for i in range(2):
        oracles.close(got[i], oracles.power_spectrum(x[i]), 1e-12)
    f = tp.autocorrelation(backend.make(x), ndim=len(space))
    oracles.close(got, np.fft.fftn(backend.read(f), axes=tuple(range(1, 1 + len(space)))).real, 1e-12, "Wiener-Khinchin")


def test_dtypes(backend, rng):
    x = rng.normal(size=(6, 5)).astype(np.float32)
    assert backend.read(tp.power_spectrum(backend.make(x))).dtype == np.float32
    oracles.close(backend.read(tp.power_spectrum(backend.make(x > 0))), oracles.power_spectrum((x > 0).astype(float)), 1e-6)
