"""Parseval's theorem: the squared error by frequency is that by lag, and so is its gradient."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import soft_phases


@pytest.mark.numpy_only
@pytest.mark.parametrize("space", [(7,), (8,), (6, 5), (5, 6), (4, 3, 5), (3, 4, 6)], ids=str)
@pytest.mark.parametrize(("phases", "implied"), [(1, False), (2, False), (3, False), (2, True), (3, True)])
@pytest.mark.parametrize("pairs", ["all", [(0, 0)], "last"])
def test_parseval(space, phases, implied, pairs, rng, monkeypatch):
    pairs = [(phases - 1, 0)] if pairs == "last" else pairs
    p, t = (m[:, int(implied) :] if implied else m for m in (soft_phases(rng, phases, space, (2,)) for _ in range(2)))
    options = dict(ndim=len(space), implied_phase=implied, pairs=pairs)
    measured = tp.correlations(t, **options) + 0.01 * rng.random(tp.correlations(t, **options).shape)
    known = dict(shape=space, implied_phase=implied, pairs=pairs, n_phases=None if pairs == "all" else phases)
    makers = (lambda: t, lambda: tp.target_statistics(t, **options), lambda: tp.TargetStatistics.from_correlations(measured, **known))
    for i, make in enumerate(makers):
        given = options if i == 0 else {}
        by_frequency = tp.value_and_grad(tp.msess)(p, make(), **given)
        with monkeypatch.context() as patch:
            patch.setattr("twopoint.losses.prepare.by_parseval", lambda measure, plan: False)
            by_lag = tp.value_and_grad(tp.msess)(p, make(), **given)
        oracles.close(by_frequency[0], by_lag[0], 1e-12)
        oracles.close(by_frequency[1], by_lag[1], 1e-12)


def _energy(p, t, zero_weight, pairs):
    """Return the sum over frequencies of the weighted squared differences of the Fourier coefficients, statistics by loops."""
    space = p.shape[1:]
    axes = tuple(range(-len(space), 0))
    difference = np.fft.fftn(oracles.statistics(p)[0] - oracles.statistics(t)[0], axes=axes) / np.prod(space)
    xi = np.sqrt(sum(x**2 for x in np.meshgrid(*map(np.fft.fftfreq, space), indexing="ij")))
    xi.flat[0] = 1
    weight = xi ** -(len(space) + 1.0)
    weight.flat[0] = zero_weight
    return sum(np.sum(weight * np.abs(difference[pair]) ** 2) for pair in pairs)


@pytest.mark.matrix(keep=8)
@pytest.mark.parametrize("space", [(7,), (6,), (4, 5), (5, 4), (3, 2, 4)], ids=str)
@pytest.mark.parametrize(("phases", "implied"), [(2, False), (2, True), (3, False), (3, True)])
def test_energy(backend, space, phases, implied, rng):
    p, t = (soft_phases(rng, phases, space, ()) for _ in range(2))
    given = [backend.make(m[int(implied) :]) for m in (p, t)]
    every = list(np.ndindex(phases, phases))
    for zero_weight, pairs in ((1.0, every), (50.0, [(1, 0), (1, 1)])):
        options = dict(ndim=len(space), implied_phase=implied, pairs=pairs)
        own = dict(weight="energy", zero_weight=zero_weight)
        want = _energy(p, t, zero_weight, pairs)
        oracles.close(backend.read(tp.msess(*given, **own, **options)), want, 1e-11)
        known = tp.target_statistics(given[1], **options)
        value, gradient = tp.value_and_grad(tp.msess)(given[0], known, **own)
        oracles.close(backend.read(value), want, 1e-11)
        total = tp.msess(*given, lag_reduction="sum", **own, **options)
        oracles.close(backend.read(total), want * np.prod(space), 1e-11)
        if backend.name == "numpy":
            slopes = oracles.gradient(lambda x, own=own, options=options: tp.msess(x, given[1], **own, **options), given[0])
            oracles.close(gradient, slopes, 1e-8)


@pytest.mark.numpy_only
@pytest.mark.parametrize("space", [(6,), (4, 5), (5, 4)], ids=str)
def test_energy_of_measured_statistics(space, rng):
    """Statistics that are not even add what no prediction can change."""
    p, t = (soft_phases(rng, 2, space, ()) for _ in range(2))
    f = tp.correlations(t, ndim=len(space))
    f = f + 0.1 * rng.random(f.shape)
    axes = tuple(range(-len(space), 0))
    difference = np.fft.fftn(tp.correlations(p, ndim=len(space)) - f, axes=axes) / np.prod(space)
    xi = np.sqrt(sum(x**2 for x in np.meshgrid(*map(np.fft.fftfreq, space), indexing="ij")))
    xi.flat[0] = 1
    want = sum(np.sum(xi ** -(len(space) + 1.0) * np.abs(difference[h, h]) ** 2) for h in (0, 1))
    for implied in (False, True):
        known = tp.TargetStatistics.from_correlations(f, shape=space, implied_phase=implied)
        given = p[int(implied) :]
        assert tp.msess(given, known, pairs=[(0, 0), (1, 1)], weight="energy") == pytest.approx(want, rel=1e-11)


@pytest.mark.numpy_only
def test_energy_grows_with_the_distance():
    """The figures of two lines at a spacing of 100 of 224 points, over those at 101."""

    def lines(spacing):
        m = np.zeros((1, 224, 4))
        m[0, 0], m[0, spacing] = 1, 1
        return m

    known = tp.target_statistics(lines(100), implied_phase=True)
    values = [float(tp.msess(lines(spacing), known, weight="energy")) for spacing in range(101, 113)]
    assert (np.diff(values) > 0).all()


def test_energy_is_refused_where_it_has_no_meaning(unchecked, rng):
    p, t = (soft_phases(rng, 2, (4, 5), ()) for _ in range(2))
    mask = np.ones((4, 5), bool)
    for options in ({"boundary": "open"}, {"mask": mask}, {"crop": 3}, {"cumulative": True}):
        with pytest.raises(ValueError, match='weight="energy" needs statistics of all lags'):
            tp.msess(p, t, weight="energy", **options)
    with pytest.raises(ValueError, match='weight must be None or "energy"'):
        tp.value_and_grad(tp.msess)(p, t, weight="sobolev")
    with pytest.raises(ValueError, match=r'zero_weight=2\.0 needs weight="energy"'):
        tp.msess(p, t, zero_weight=2.0)
    with pytest.raises(ValueError, match="zero_weight must be finite and not below 0"):
        tp.msess(p, t, weight="energy", zero_weight=-1.0)
    with pytest.raises(TypeError, match="zero_weight must be a number"):
        tp.msess(p, t, weight="energy", zero_weight="1")
