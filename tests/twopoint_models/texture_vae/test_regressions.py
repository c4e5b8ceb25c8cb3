"""Regressions of properties, and their splits."""

import numpy as np
import pytest

from support.textures import LIGHTNING
from twopoint_models.texture_vae import (
    leave_one_out,
    predict,
)
from twopoint_models.texture_vae.regressions import random_share

pytestmark = LIGHTNING


def test_regressions():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    line, curve, out = 5 + x @ [1.0, 2.0], 5 + np.sin(2 * x[:, 0]), random_share(200, seed=1)
    assert out.sum() == 40
    found = predict(x, line, out, "linear")
    np.testing.assert_allclose(found.predicted, line[out])
    assert (found.at == np.flatnonzero(out)).all()
    assert (found.r2, found.mape) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    assert predict(x, curve, out, "svr").r2 > 0.9 > predict(x, curve, out, "linear").r2
    mean = predict(x, np.where(x[:, 0] > 1, 2.0, 4.0), out, "mean")
    assert set(mean.predicted) == {3.0}  # of the properties, each once
    assert mean.mape == pytest.approx(100 * np.mean(np.where(mean.target == 2, 1 / 2, 1 / 4)))
    assert np.isnan(predict(x, np.full(200, 2.0), out, "mean").r2)


def test_leave_one_out_has_seen_nothing_of_the_one():
    samples = ["a"] * 5 + ["b"] * 5 + ["c"] * 5
    values = np.repeat([1.0, 2.0, 9.0], 5)
    found = leave_one_out(np.zeros((15, 1)), values, samples, "mean")
    assert {name: set(each.predicted) for name, each in found.items()} == {"a": {5.5}, "b": {5.0}, "c": {1.5}}
    assert set(found["c"].at) == set(range(10, 15))
    with pytest.raises(ValueError, match=r"samples must be two or more to leave one out, got \['a'\]"):
        leave_one_out(np.zeros((5, 1)), values[:5], samples[:5], "mean")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(kind="forest"), "kind must be one of"),
        (dict(values=np.zeros(3)), r"\(n,\) and boolean"),
        (dict(values=np.zeros(4)), "no value 0"),
        (dict(features=np.full((4, 2), np.nan)), "finite"),
        (dict(left_out=np.ones(4, bool)), "on both sides, got 4 of 4"),
    ],
)
def test_regressions_that_cannot_be(changes, message):
    options = dict(features=np.zeros((4, 2)), values=np.ones(4), left_out=np.array([True, False, False, False]), kind="linear")
    with pytest.raises(ValueError, match=message):
        predict(**(options | changes))
