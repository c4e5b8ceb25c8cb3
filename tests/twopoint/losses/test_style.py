"""gram and style_loss against loops."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from twopoint.losses.style import gram_gradient


def layers(rng, batch=(), dtype=np.float64):
    shapes = [(3, 4, 5), (2, 6, 6)]
    return [rng.normal(size=(*batch, *shape)).astype(dtype) for shape in shapes]


def test_gram(backend, rng):
    for ndim, shape in ((1, (2, 3, 7)), (2, (2, 3, 4, 5)), (3, (2, 3, 2, 3, 4))):
        f = rng.normal(size=shape)
        got = backend.read(tp.gram(backend.make(f), ndim=ndim))
        oracles.close(got, np.stack([oracles.gram(a) for a in f]), 1e-13)
    default = backend.read(tp.gram(backend.make(rng.normal(size=(3, 4, 5)))))
    assert default.shape == (3, 3)
    assert backend.read(tp.gram(backend.make(np.ones((2, 3, 3), np.float32)))).dtype == np.float32


@pytest.mark.parametrize("weights", [None, [0.5, 2.0], (1, 0)], ids=str)
def test_style_loss(backend, weights, rng):
    p, t = layers(rng, (3,)), layers(rng, (3,))
    want = np.array([oracles.style_loss([x[i] for x in p], [x[i] for x in t], weights) for i in range(3)])
    a, b = ([backend.make(x) for x in maps] for maps in (p, t))
    for reduction, value in (("none", want), ("sum", want.sum()), ("mean", want.mean())):
        oracles.close(backend.read(tp.style_loss(a, b, weights=weights, reduction=reduction)), value, 1e-12)
    oracles.close(backend.read(tp.style_loss(tuple(a), b, weights=weights)), want.mean(), 1e-12)


def test_style_loss_of_one_line(backend, rng):
    p, t = rng.normal(size=(2, 3, 7))
    got = backend.read(tp.style_loss([backend.make(p)], [backend.make(t)], ndim=1))
    oracles.close(got, oracles.style_loss([p], [t]), 1e-12)
    low = backend.read(tp.style_loss([backend.make(p.astype(np.float32))], [backend.make(t.astype(np.float32))], ndim=1))
    assert low.dtype == np.float32


@pytest.mark.numpy_only
def test_gradient_of_gram():
    f, g = np.random.default_rng(1).normal(size=(2, 3, 7))
    want = oracles.gradient(lambda x: np.sum((x @ x.T - g @ g.T) ** 2), f)
    oracles.close(gram_gradient(f @ f.T - g @ g.T, f, np), want, 1e-9)
