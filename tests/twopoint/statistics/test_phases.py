"""one_hot, two_phase and volume_fractions."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays

DTYPES = [np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64, bool]  # torch lacks a minimum of wide unsigned ones


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_hot(backend, dtype):
    labels = np.array([[0, 1, 1], [1, 0, 0]]).astype(dtype)
    for n in (2, 3):
        got = backend.read(tp.one_hot(backend.make(labels), n))
        assert got.shape == (n, 2, 3)
        assert (got == (np.arange(n)[:, None, None] == labels)).all()
    batch = backend.read(tp.one_hot(backend.make(np.stack([labels, ~labels if dtype is bool else 1 - labels])), 2, ndim=2))
    assert batch.shape == (2, 2, 2, 3)
    assert (batch[0, 1] == labels).all()
    assert backend.read(tp.one_hot(backend.make(labels), 2, ndim=1)).shape == (2, 2, 3)


def test_one_hot_dtypes(backend):
    labels = backend.make(np.array([[2, 0]]))
    default = backend.xp.asarray(0.0).dtype
    assert tp.one_hot(labels, 3).dtype == default
    assert tp.one_hot(labels, 3, dtype=backend.xp.float32).dtype == backend.xp.float32
    for dtype in (np.int8, np.uint16, np.uint32, np.uint64):
        many = tp.one_hot(backend.make(np.array([[120, 3]], dtype)), 200)
        assert backend.read(many)[120, 0, 0] == 1
        assert backend.read(many).sum() == 2


def test_two_phase(backend):
    x = np.array([[0.25, 1.0]], np.float32)
    got = backend.read(tp.two_phase(backend.make(x)))
    assert got.dtype == np.float32
    assert got.tolist() == [[[0.75, 0.0]], [[0.25, 1.0]]]
    batch = backend.read(tp.two_phase(backend.make(np.stack([x, x, x]))))
    assert batch.shape == (3, 2, 1, 2)
    for image in (np.array([[0, 1]]).astype(dtype) for dtype in DTYPES):
        got = tp.two_phase(backend.make(image))
        assert got.dtype == backend.xp.asarray(0.0).dtype
        assert backend.read(got).tolist() == [[[1, 0]], [[0, 1]]]
        assert tp.two_phase(backend.make(image), dtype=backend.xp.float64).dtype == backend.xp.float64
    assert backend.read(tp.two_phase(backend.make(x[0]), ndim=1)).shape == (2, 2)
    if backend.name != "strict":
        assert backend.read(tp.two_phase(backend.make(x.astype(np.float16)))).dtype == np.float32


def test_two_phase_refuses_gray_values_of_integers(backend, unchecked):
    wide = (np.array([[0, 65535]], np.uint16), np.array([[2, 2**32 - 1]], np.uint32), np.array([[1, 2**63]], np.uint64))
    for image in (np.array([[0, 255]], np.uint8), np.array([[-1, 0]]), np.array([[0, 2]]), *wide):
        with pytest.raises(ValueError, match=rf"x of integers must hold 0 and 1 only, got {image.min()}\.\.{image.max()}"):
            tp.two_phase(backend.make(image))


def test_volume_fractions(backend):
    m = np.stack([arrays(i, 3, (4, 5), "soft") for i in range(2)])
    mask = np.random.default_rng(2).random((2, 4, 5)) > 0.5
    oracles.close(backend.read(tp.volume_fractions(backend.make(m))), m.mean((-2, -1)), 1e-14)
    got = backend.read(tp.volume_fractions(backend.make(m), mask=backend.make(mask)))
    oracles.close(got, np.stack([m[i][:, mask[i]].mean(-1) for i in range(2)]), 1e-14)
    got = backend.read(tp.volume_fractions(backend.make(m), mask=backend.make(mask[0].astype(np.float32))))
    oracles.close(got, m[:, :, mask[0]].mean(-1), 1e-14)
    assert not backend.read(tp.volume_fractions(backend.make(m), mask=backend.make(np.zeros((4, 5), bool)))).any()
    assert backend.read(tp.volume_fractions(backend.make(m[0] > 0.5), ndim=1)).shape == (3, 4)
