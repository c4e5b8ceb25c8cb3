"""L-BFGS as a generator, against problems whose minimum is known."""

import numpy as np
import pytest
import scipy.optimize

from twopoint.reconstruction.descent import lbfgs


def drive(function, x, xp, iterations=200):
    """Evaluate what the search asks for; return the point, the evaluations and the values after each iteration."""
    values, trail = [], []
    search = lbfgs(x, iterations=iterations, after=lambda: trail.append(values[-1]), xp=xp)
    wanted = next(search)
    while True:
        value, gradient = function(wanted)
        values.append(float(value))
        try:
            wanted = search.send((float(value), gradient))
        except StopIteration as stop:
            return stop.value, len(values), trail


def rosenbrock(x):
    return scipy.optimize.rosen(x), scipy.optimize.rosen_der(x)


def test_rosenbrocks_valley_is_followed_to_its_end():
    start = np.array([-1.2, 1.0, -1.2, 1.0])
    x, evaluations, trail = drive(rosenbrock, start, np)
    np.testing.assert_allclose(x, 1.0, atol=1e-3)
    assert trail == sorted(trail, reverse=True)
    scipys = scipy.optimize.minimize(scipy.optimize.rosen, start, jac=scipy.optimize.rosen_der, method="L-BFGS-B")
    assert evaluations < 2 * scipys.nfev


def test_a_quadratic_on_every_library(backend):
    xp, scales = backend.xp, np.geomspace(1, 1e3, 20)
    scale = backend.make(scales)

    def function(x):
        return xp.sum(scale * (x - 1.0) ** 2), 2 * scale * (x - 1.0)

    x, evaluations, _ = drive(function, backend.make(np.zeros(20)), xp)
    np.testing.assert_allclose(backend.read(x), 1.0, atol=1e-3)
    plain = scipy.optimize.minimize(
        lambda x: (np.sum(scales * (x - 1) ** 2), 2 * scales * (x - 1)), np.zeros(20), jac=True, method="L-BFGS-B", options={"ftol": 1e-9}
    )
    assert evaluations < 2 * plain.nfev


def test_the_least_point_and_too_few_iterations_end_the_search():
    x, evaluations, trail = drive(rosenbrock, np.ones(4), np)
    assert (x == 1).all()
    assert evaluations == 1
    assert trail == []
    assert len(drive(rosenbrock, np.zeros(4), np, iterations=3)[2]) == 3


@pytest.mark.parametrize("slope", [1.0, np.nan], ids=["a gradient that lies", "no number"])
def test_where_no_step_helps_the_start_is_returned(slope):
    x, evaluations, trail = drive(lambda x: (1.0 if (x == 0).all() else 2.0, np.full(3, slope)), np.zeros(3), np)
    assert (x == 0).all()
    assert trail == []
    assert evaluations <= 21
