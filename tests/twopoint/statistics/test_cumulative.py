"""Cumulative statistics against loops over boxes of lags, and their transpose by dot products."""

import itertools

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays
from twopoint.statistics import correlation, cumulative
from twopoint.statistics.plan import Options, plan_of

SPACES = [(7,), (6,), (4, 5), (5, 6), (4, 4), (3, 4, 2), (2, 3, 5)]


def masks(space):
    """Return points and confidences."""
    rng = np.random.default_rng(4)
    return {"masked": rng.random(space) > 0.5, "weighed": np.where(rng.random(space) > 0.4, rng.random(space), 0.0)}


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("mask", [None, "masked", "weighed"], ids=str)
def test_means_over_boxes(backend, space, boundary, mask):
    m, ndim = arrays(1, 3, space, "soft"), len(space)
    points = None if mask is None else masks(space)[mask]
    theirs = {} if points is None else {"mask": backend.make(points)}
    for crop in (None, 1, 2, space, tuple(max(1, n - 1) for n in space)):
        want, _ = oracles.statistics(m, boundary=boundary, mask=points, crop=crop, cumulative=True)
        options = dict(ndim=ndim, boundary=boundary, crop=crop, cumulative=True, **theirs)
        oracles.close(backend.read(tp.correlations(backend.make(m), **options)), want, 1e-12, f"{crop}")
        oracles.close(backend.read(tp.correlations(backend.make(m), pairs=[(2, 1), (0, 0)], **options)), want[[2, 0], [1, 0]], 1e-12)
        got = tp.correlations(backend.make(m[1:]), implied_phase=True, **options)
        oracles.close(backend.read(got), want, 1e-12, "implied")


@pytest.mark.numpy_only
def test_layouts():
    """Without a crop the order is that of numpy.fft, or centred; two phases that fill a periodic space are one transform."""
    m = arrays(2, 2, (6, 5), "indicator")
    for boundary in ("periodic", "open"):
        options = {"boundary": boundary, "cumulative": True}
        f = tp.correlations(m, **options)
        assert np.array_equal(tp.correlations(m, centered=True, **options), np.fft.fftshift(f, axes=(-2, -1)))
        oracles.close(tp.correlations(m[1:], implied_phase=True, **options), f, 1e-13)
        oracles.close(f.sum(axis=(0, 1)), np.ones(f.shape[2:]), 1e-13)  # again probabilities of pairs of phases
        assert np.array_equal(f[..., 0, 0], tp.correlations(m, boundary=boundary)[..., 0, 0])  # the box of lag zero is lag zero


@pytest.mark.numpy_only
def test_a_batch_in_chunks_is_a_loop(monkeypatch):
    m = np.stack([arrays(i, 3, (6, 5), "soft") for i in range(4)])
    mask = np.random.default_rng(1).random((4, 6, 5)) > 0.3
    monkeypatch.setattr("twopoint.statistics.chunks._CACHED", 60)
    got = tp.correlations(m, mask=mask, cumulative=True)
    oracles.close(got, np.stack([tp.correlations(a, mask=b, cumulative=True) for a, b in zip(m, mask, strict=True)]), 1e-14)


@pytest.mark.numpy_only
@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_transpose(space, boundary, rng):
    """<C f, u> = <f, C' u> in sums over half the lags, whose rows weigh 1/2 where they contain their own opposites."""
    m = rng.random((2, *space))
    for crop, mask in itertools.product((None, 2, 3 if min(space) > 2 else 1), (None, masks(space)["weighed"])):
        plan, _, points = plan_of(m, Options(len(space), boundary, mask, crop, cumulative=True), np)
        boxes = cumulative.boxes_of(correlation.pair_count(points, m, plan, np), m, plan, np)
        f = rng.normal(size=(2, 3, plan.lags.rows, *plan.lags.stored[1:]))
        u = rng.normal(size=(2, 3, plan.seen.rows, *plan.seen.stored[1:]))
        forward = np.sum(plan.seen.total(cumulative.cumulate(f, boxes, plan, np) * u, np))
        backward = np.sum(plan.lags.total(f * cumulative.transpose_cumulate(u, boxes, plan, np), np))
        assert forward == pytest.approx(backward, rel=1e-11, abs=1e-12)


@pytest.mark.numpy_only
def test_an_empty_mask_has_none():
    assert not tp.correlations(arrays(1, 2, (4, 5), "soft"), mask=np.zeros((4, 5), bool), cumulative=True).any()


def test_what_is_not_true_or_false_is_refused(unchecked):
    with pytest.raises(TypeError, match="cumulative must be True or False, got 1"):
        tp.correlations(np.eye(4)[None], cumulative=1)
    with pytest.raises(TypeError, match="cumulative"):
        tp.target_statistics(np.eye(4)[None], cumulative=True)  # it serves both
