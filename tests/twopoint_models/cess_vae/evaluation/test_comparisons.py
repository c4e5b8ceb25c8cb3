"""Pairs of rows, several seeds with their intervals, and distributions of two modes."""

import json

import numpy as np
import pytest

from twopoint_models.cess_vae.evaluation.comparisons import LEAST, compare_seeds, pairwise, valley
from twopoint_models.cess_vae.evaluation.evaluate import ALL, CUMULATIVE, SHARP, SOFT, Scores
from twopoint_models.cess_vae.evaluation.tables import seeds_table

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


def planted(*seeds):
    """Scores whose soft excess over all lags is given by seed; the others are ten and a hundred times as large."""
    found = []
    for x in (np.asarray(x, float) for x in seeds):
        by = {SOFT: {ALL: x, CUMULATIVE: 10 * x}, SHARP: {ALL: 10 * x, CUMULATIVE: 100 * x}}
        found.append(Scores(by, {SOFT: x, SHARP: 2 * x}, {SHARP: np.append(x[:-1], np.nan)}))
    return found


def test_numbers_by_hand():
    found = compare_seeds({"a": planted([1, 2, 3], [4, 5, 6]), "b": planted([2, 2, 2], [5, 4, 7]), "c": planted([1, 1, 9])}, draws=50)
    assert found["images"] == 3
    assert [row["seeds"] for row in found["rows"].values()] == [2, 2, 1]
    a = found["rows"]["a"]
    assert (a["excess"][SOFT][ALL]["value"], a["excess"][SOFT][ALL]["by_seed"]) == (3.5, [2, 5])
    assert a["excess"][SHARP][CUMULATIVE]["value"] == 350
    assert a["interface_ratio"][SHARP]["value"] == 3, "of 1, 2, 4 and 5: the last image has no interface"
    assert a["fraction_error"][SHARP]["value"] == 7
    share = found["lower"][SOFT][ALL]["a"]["b"]
    assert share["value"] == pytest.approx((1 + 0.5 + 0 + 1 + 0 + 1) / 6)
    assert found["lower"][SOFT][ALL]["b"]["a"]["value"] == pytest.approx(1 - share["value"])
    assert set(found["lower"][SHARP][CUMULATIVE]) == {"a", "b"}, "one seed is no comparison over seeds"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_table_has_a_line_for_each_row():
    images = compare_seeds({"a|b": planted([1, 1, 1], [1, 1, 1]), "blank": planted([2, 2, 2])}, draws=10)
    heads, _, first, second = (
        [cell.strip() for cell in line.replace("\\|", "").split("|")[1:-1]] for line in seeds_table(images).splitlines()
    )
    assert heads == [
        "",
        "seeds",
        "soft, all lags",
        "soft, cumulative",
        "thresholded, all lags",
        "thresholded, cumulative",
        "interface, thresholded",
    ]
    assert first == ["ab", "2", "1 (1 to 1)", "10 (10 to 10)", "10 (10 to 10)", "100 (100 to 100)", "1 (1 to 1)"]
    assert second[:3] == ["blank", "1", "2 (2 to 2)"]


def test_images_without_an_interface_have_no_ratio():
    found = compare_seeds({"a": planted([1.0])}, draws=10)
    assert found["rows"]["a"]["interface_ratio"][SHARP]["value"] is None
    assert seeds_table(found).splitlines()[2].split("|")[-2].strip() == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pairwise({}), "values must be arrays"),
        (lambda: pairwise({"a": np.zeros(2), "b": np.zeros(3)}), "values must be arrays"),
        (lambda: pairwise({"a": np.array([0, np.nan])}), "without NaN"),
        (lambda: pairwise({"a": np.zeros(0)}), "values must be arrays"),
        (lambda: valley(np.zeros((2, 2))), "values must be finite, of the shape"),
        (lambda: valley(np.array([1.0, np.nan, 2.0])), "values must be finite"),
        (lambda: compare_seeds({}), "scores must have at least one row"),
        (lambda: compare_seeds({"a": []}), "at least one seed each"),
        (lambda: compare_seeds({"a": planted([1.0, 2.0], [1.0])}), r"on the same images, got images \[1, 2\]"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
