"""Pairs of rows, and distributions of two modes."""

import numpy as np
import pytest

from twopoint_models.cess_vae.comparisons import LEAST, pairwise, valley

RNG = np.random.default_rng(0)


def test_pairs_count_ties_half():
    a, b, c = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 5.0]), np.array([0.0, 0.0, 0.0, 0.0])
    found = pairwise({"a": a, "b": b, "c": c})
    assert found.tolist() == [[0.5, 0.625, 0.0], [0.375, 0.5, 0.0], [1.0, 1.0, 0.5]]
    assert np.array_equal(found + found.T, np.ones((3, 3)))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
def test_a_planted_valley_is_found(share):
    number = int(500 * share)
    low, high = 10 ** RNG.normal(-4.5, 0.15, number), 10 ** RNG.normal(-2.8, 0.25, 500 - number)
    found = valley(RNG.permutation(np.concatenate([low, high])))
    assert low.max() * 0.9 < found < high.min() * 1.1


def test_one_mode_has_no_valley():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert valley(10 ** rng.normal(-3, 0.5, 500)) is None
        assert valley(np.append(10 ** rng.normal(-3, 0.3, 500), [1e-9] * 10)) is None, "a few outliers are no mode"
    assert valley(np.full(50, 1e-3)) is None
    assert valley(np.array([1e-3, 1.0])) is None
    assert valley(np.zeros(50)) is None
    assert LEAST < valley(np.append(np.zeros(50), 10 ** RNG.normal(-3, 0.3, 50))) < 1e-3, "perfect reconstructions are a mode"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pairwise({}), "values must be arrays"),
        (lambda: pairwise({"a": np.zeros(2), "b": np.zeros(3)}), "values must be arrays"),
        (lambda: pairwise({"a": np.array([0, np.nan])}), "without NaN"),
        (lambda: pairwise({"a": np.zeros(0)}), "values must be arrays"),
        (lambda: valley(np.zeros((2, 2))), "values must be finite, of the shape"),
        (lambda: valley(np.array([1.0, np.nan, 2.0])), "values must be finite"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
