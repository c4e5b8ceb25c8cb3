"""autocorrelation, cross_correlation, pair_counts and power_spectrum against the definition by loops and sums of exponentials."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles

MASK = np.random.default_rng(1).random((4, 5)) > 0.4


def options_of(mode, backend):
    options = dict(oracles.MODES[mode])
    return options | ({"mask": backend.make(MASK)} if "mask" in options else {})


@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("extra", [{}, {"centered": True}, {"crop": 4}, {"crop": (3, 2)}], ids=str)
def test_fields_of_any_values(backend, mode, extra, rng):
    x, y = rng.normal(size=(2, 4, 5))
    crop = extra.get("crop", tuple(2 * s - 1 if "open" in mode else s for s in (4, 5)) if extra.get("centered") else None)
    known = {name: MASK if name == "mask" else value for name, value in oracles.MODES[mode].items()}
    want, _ = oracles.statistics(np.stack([x, y]), crop=crop, **known)
    a, b = backend.make(x), backend.make(y)
    oracles.close(backend.read(tp.autocorrelation(a, **extra, **options_of(mode, backend))), want[0, 0], 1e-12)
    oracles.close(backend.read(tp.cross_correlation(a, b, **extra, **options_of(mode, backend))), want[0, 1], 1e-12)


def test_batches_dimensions_and_dtypes(backend, rng):
    x = rng.normal(size=(3, 2, 6)).astype(np.float32)
    got = backend.read(tp.autocorrelation(backend.make(x), ndim=1))
    assert got.shape == (3, 2, 6)
    assert got.dtype == np.float32
    oracles.close(got[2, 1], oracles.statistics(x[2, 1:2])[0][0, 0], 1e-6)
    masks = rng.random((3, 2, 6)) > 0.4
    got = backend.read(tp.cross_correlation(backend.make(x), backend.make(2 * x), ndim=1, mask=backend.make(masks), boundary="open"))
    oracles.close(got[0, 1], 2 * oracles.statistics(x[0, 1:2], mask=masks[0, 1], boundary="open")[0][0, 0], 1e-6)
    booleans = backend.read(tp.autocorrelation(backend.make(x > 0), ndim=1))
    oracles.close(booleans[1, 0], oracles.statistics(x[1, :1] > 0)[0][0, 0], 1e-6)


def test_cross_correlation_of_unlike_dtypes(backend, rng):
    x, y = rng.normal(size=(2, 4, 5))
    got = backend.read(tp.cross_correlation(backend.make(x > 0), backend.make(y)))
    oracles.close(got, oracles.statistics(np.stack([x > 0, y]))[0][0, 1], 1e-12)
    got = backend.read(tp.cross_correlation(backend.make(x.astype(np.float32)), backend.make(y)))
    assert got.dtype == np.float64


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_pair_counts(backend, boundary):
    for mask in (MASK, np.ones((4, 5)), np.zeros((4, 5), np.uint8)):
        for extra, crop in (({}, None), ({"crop": (2, 3)}, (2, 3)), ({"centered": True}, (7, 9) if boundary == "open" else (4, 5))):
            _, want = oracles.statistics(np.ones((1, 4, 5)), boundary=boundary, mask=mask, crop=crop)
            got = backend.read(tp.pair_counts(backend.make(mask), boundary=boundary, **extra))
            assert got.tolist() == want.tolist()
            both = backend.read(tp.pair_counts(backend.make(np.stack([mask, mask])), boundary=boundary, **extra))
            assert both[1].tolist() == want.tolist()


@pytest.mark.numpy_only
def test_pair_counts_of_a_large_mask_are_whole():
    mask = np.random.default_rng(0).random((300, 257)) > 0.5
    got = tp.pair_counts(mask, boundary="open")
    assert (got == np.round(got)).all()
    assert got[0, 0] == mask.sum()
    assert got[3, -2] == (mask[:-3, 2:] & mask[3:, :-2]).sum()


@pytest.mark.parametrize("space", [(1,), (6,), (7,), (4, 5), (5, 4), (5, 1), (3, 4, 6), (2, 3, 5)], ids=str)
def test_power_spectrum(backend, space, rng):
    x = rng.normal(size=(2, *space))
    got = backend.read(tp.power_spectrum(backend.make(x), ndim=len(space)))
    for i in range(2):
        oracles.close(got[i], oracles.power_spectrum(x[i]), 1e-12)
    f = tp.autocorrelation(backend.make(x), ndim=len(space))
    oracles.close(got, np.fft.fftn(backend.read(f), axes=tuple(range(1, 1 + len(space)))).real, 1e-12, "Wiener-Khinchin")


def test_power_spectrum_of_booleans(backend, rng):
    x = rng.normal(size=(6, 5)).astype(np.float32)
    assert backend.read(tp.power_spectrum(backend.make(x))).dtype == np.float32
    oracles.close(backend.read(tp.power_spectrum(backend.make(x > 0))), oracles.power_spectrum((x > 0).astype(float)), 1e-6)
