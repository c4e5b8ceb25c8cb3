"""Parseval's theorem: the squared error by frequency is that by lag, and so is its gradient."""

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
