"""The direct sums of the self-test, against loops and finite differences."""

import numpy as np
import pytest

from support import oracles
from twopoint.cli import known_answers

RNG = np.random.default_rng(5)
M, TARGET = (RNG.dirichlet(np.ones(3), size=(4, 5)).transpose(2, 0, 1).copy() for _ in range(2))
MASK = RNG.random((4, 5)) < 0.6


@pytest.mark.parametrize("mode", ["periodic", "open", "masked", "masked_open"])
def test_the_known_answers_are_those_of_the_loops(mode):
    options = oracles.MODES[mode]
    mask = MASK if "mask" in options else None
    boundary = options.get("boundary", "periodic")
    f, _ = oracles.statistics(M, boundary=boundary, mask=mask)
    oracles.close(known_answers.direct(M, boundary, mask), f, 1e-14)


def test_the_known_gradient_is_that_of_differences():
    t, step = known_answers.direct(TARGET, "periodic"), 1e-5
    gradient = known_answers.direct_gradient(M, t)
    for at in ((0, 1, 2), (2, 3, 4)):
        moved = np.zeros(M.shape)
        moved[at] = step
        quotient = (known_answers.direct_excess(M + moved, t) - known_answers.direct_excess(M - moved, t)) / (2 * step)
        assert gradient[at] == pytest.approx(quotient, rel=1e-6)
