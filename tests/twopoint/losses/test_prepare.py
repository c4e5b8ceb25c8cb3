"""A prepared loss: which targets are compared by frequency, and that a target is prepared once for each way to use it."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import soft_phases
from twopoint.losses.measures import SquaredError
from twopoint.losses.prepare import by_parseval
from twopoint.statistics.plan import Options, plan_of


@pytest.mark.numpy_only
def test_what_parseval_serves(rng):
    m = soft_phases(rng, 2, (6, 5))
    for options, served in [({}, True), ({"crop": 3}, False), ({"boundary": "open"}, False), ({"mask": np.ones((6, 5))}, False)]:
        assert by_parseval(SquaredError(), plan_of(m, Options(**options), np)[0]) is served


@pytest.mark.numpy_only
def test_a_prepared_target_is_kept_for_each_way_to_use_it(rng):
    p, t = soft_phases(rng, 2, (6, 5)), soft_phases(rng, 2, (6, 5))
    known = tp.target_statistics(t)
    for _ in range(2):
        for options in ({}, {"crop": 3}, {"lag_reduction": "sum"}, {"floor": 0.01}, {"excess": True}):
            oracles.close(tp.cess(p, known, **options), tp.cess(p, t, **options), 1e-12)
        oracles.close(tp.cess(p.astype(np.float32), known), tp.cess(p, t), 1e-5)
    assert len(known._prepared) == 6
    assert not known[0]._prepared
    assert not known.__getstate__()["_prepared"]
