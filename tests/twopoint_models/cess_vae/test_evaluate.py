"""Scores and tables against numbers worked out by hand, pairs and modes on planted samples."""

import csv
import json

import numpy as np
import pytest

from twopoint_models.cess_vae import score_rows, summarise
from twopoint_models.cess_vae.comparisons import LEAST, pairwise, valley
from twopoint_models.cess_vae.evaluate import ALL, CROP, CUT, SHARP, SOFT, Scores, join, score
from twopoint_models.cess_vae.tables import markdown, overview, per_image
from twopoint_models.evaluation.measures import specific_interface_length
from twopoint_models.evaluation.reconstructions import excess_cess, thresholded_at_fraction
from twopoint_models.evaluation.trivial import TRIVIAL, blurred

RNG = np.random.default_rng(0)
IMAGES = (blurred(RNG.random((4, 1, 32, 32)), 2.0) > 0.5).astype(np.float32)
SOFTER = 0.9 * blurred(IMAGES, 1.5)


def planted(**excess):
    """Scores of two images whose numbers are given by row, soft over all lags; those of other tables are ten times as large."""
    found = {}
    for row, x in excess.items():
        x = np.asarray(x, float)
        by = {SOFT: {ALL: x, CROP: 10 * x}, SHARP: {ALL: 10 * x, CROP: 10 * x}}
        found[row] = Scores(by, {SOFT: x, SHARP: 2 * x}, {SHARP: np.append(x[:-1], np.nan)})
    return found


def test_scores_are_those_of_their_parts():
    found = score(SOFTER, IMAGES)
    assert {output: list(by) for output, by in found.excess.items()} == {output: [ALL, CROP] for output in (SOFT, SHARP, CUT)}
    sharp, cut = (SOFTER >= 0.5).astype(float), thresholded_at_fraction(SOFTER)
    for output, x in ((SOFT, SOFTER), (SHARP, sharp), (CUT, cut)):
        for lags, crop in ((ALL, None), (CROP, 7)):
            assert np.array_equal(found.excess[output][lags], excess_cess(x, IMAGES.astype(x.dtype), crop))
        assert found.fraction_error[output] == pytest.approx(np.abs(x.mean((1, 2, 3)) - IMAGES.mean((1, 2, 3))), abs=1e-6)
    length = specific_interface_length(IMAGES[:, 0])
    assert set(found.interface_ratio) == {SHARP, CUT}
    assert found.interface_ratio[SHARP] == pytest.approx(specific_interface_length(sharp[:, 0]) / length)
    assert found.interface_ratio[CUT] == pytest.approx(specific_interface_length(cut[:, 0]) / length)
    assert found.fraction_error[SOFT].min() > 0.01
    assert found.interface_ratio[SHARP].max() < 1


def test_two_channels_say_what_one_says():
    one = score(SOFTER, IMAGES)
    two = score(np.concatenate([1 - SOFTER, SOFTER], axis=1), np.concatenate([1 - IMAGES, IMAGES], axis=1))
    assert set(two.excess) == {SOFT, SHARP}, "a cut at a fraction is for two phases by one channel"
    for output in (SOFT, SHARP):
        assert two.excess[output][ALL] == pytest.approx(one.excess[output][ALL], rel=1e-4)
        assert two.fraction_error[output] == pytest.approx(one.fraction_error[output], abs=1e-6)
    assert two.interface_ratio[SHARP] == pytest.approx(one.interface_ratio[SHARP])


def test_an_image_without_an_interface_has_no_ratio():
    found = score(np.ones((1, 1, 16, 16)), np.zeros((1, 1, 16, 16)))
    assert np.isnan(found.interface_ratio[SHARP]).all()
    assert found.fraction_error[SOFT].tolist() == [1.0]


def test_rows_in_blocks_are_those_of_one():
    items = [{"image": image, "name": f"number {i}"} for i, image in enumerate(IMAGES)]
    done = []
    scores, told = score_rows(TRIVIAL | {"itself": lambda x: x}, iter(items), block=3, progress=done.append)
    assert done == [3, 4]
    assert told == [{"name": f"number {i}"} for i in range(4)]
    assert list(scores) == [*TRIVIAL, "itself"]
    for row, reconstruct in TRIVIAL.items():
        whole = score(reconstruct(IMAGES), IMAGES)
        for output in (SOFT, SHARP, CUT):
            for lags in (ALL, CROP):
                assert scores[row].excess[output][lags] == pytest.approx(whole.excess[output][lags], rel=1e-6, abs=1e-12)
            assert scores[row].fraction_error[output] == pytest.approx(whole.fraction_error[output], abs=1e-7)
        assert scores[row].interface_ratio[CUT] == pytest.approx(whole.interface_ratio[CUT])
    assert max(np.abs(x).max() for by in scores["itself"].excess.values() for x in by.values()) < 1e-12


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


def test_a_summary_by_hand():
    summary = summarise(planted(good=[1e-4, 4e-4], bad=[1e-2, 1e-4]), ["A", "B"])
    found = summary["excess"][SOFT][ALL]["good"]
    assert found["median"] == found["mean"] == pytest.approx(2.5e-4)
    assert found["log_mean"] == pytest.approx(2e-4)
    assert found["quartiles"] == pytest.approx([1.75e-4, 3.25e-4])
    assert found["valley"] is None
    assert "classes" not in found
    assert summary["excess"][SHARP][CROP]["bad"]["median"] == pytest.approx(10 * 5.05e-3)
    assert summary["pairwise"][SOFT][ALL] == {"good": {"good": 0.5, "bad": 0.5}, "bad": {"good": 0.5, "bad": 0.5}}
    assert summary["fraction_error"] == {
        SOFT: {"good": 2.5e-4, "bad": pytest.approx(5.05e-3)},
        SHARP: pytest.approx({"good": 5e-4, "bad": 0.0101}),
    }
    assert summary["interface_ratio"] == {SHARP: {"good": 1e-4, "bad": 1e-2}}, "NaN is left out"
    assert summary["images"] == 2
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_classes_of_the_low_mode_are_told():
    low, high = 10 ** RNG.normal(-5, 0.2, 30), 10 ** RNG.normal(-2, 0.2, 90)
    names = ["easy"] * 25 + ["mixed"] * 15 + ["hard"] * 80
    summary = summarise(planted(row=np.concatenate([low, high])), names)
    found = summary["excess"][SOFT][ALL]["row"]
    assert low.max() < found["valley"] < high.min()
    assert found["below"] == 0.25
    assert found["classes"] == {"easy": 1.0, "mixed": pytest.approx(1 / 3), "hard": 0.0}
    page = markdown(summary)
    assert "share of each class below the valley" in page
    (line,) = {line for line in page.splitlines() if line.startswith("| row | 1.00 ")}
    assert [cell.strip() for cell in line.split("|")[2:-1]] == ["1.00", "0.33", "0.00"]


def test_tables_hold_their_numbers():
    page = markdown(summarise(planted(**{"a|b": [1e-4, 3e-4], "bad": [1e-2, 2e-3]}), ["A", "B"]), title="Here")
    lines = page.splitlines()
    assert page.count("\n## ") == 4, "two outputs, two choices of lags"
    rows = [line for line in lines if line.startswith("| a\\|b ")]
    cells = [cell.strip() for cell in rows[0].replace("\\|", "").split("|")[1:-1]]
    assert cells == ["ab", "0.0002", "0.002", "0.002", "0.002"]
    assert any("1.000" in row for row in rows), "it wins every time"
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2 + 4 * 2
    assert all(len({len(line) for line in table}) == 1 for table in tables), "columns stand one below the other"
    assert page.startswith("# Here\n\n2 images.")


def test_the_overview_has_medians_errors_and_ratios():
    table, others = overview(summarise(planted(row=[1e-4, 3e-4]), ["A", "B"])).split("\n\n")
    heads, _, line = ([cell.strip() for cell in each.split("|")[1:-1]] for each in table.splitlines())
    assert heads == ["", f"{SOFT}, {ALL}", f"{SOFT}, {CROP}", f"{SHARP}, {ALL}", f"{SHARP}, {CROP}"]
    assert line == ["row", "0.0002", "0.002", "0.002", "0.002"]
    heads, _, line = ([cell.strip() for cell in each.split("|")[1:-1]] for each in others.splitlines())
    assert heads == ["", f"v error, {SOFT}", f"v error, {SHARP}", f"interface, {SHARP}"]
    assert line == ["row", "0.0002", "0.0004", "0.0001"]


def test_each_image_has_a_line():
    text = per_image(planted(a=[1e-4, 3e-4], b=[1 / 3, 2e-3]), ["A, of two", "B"], [7, 0])
    heads, first, second = csv.reader(text.splitlines())
    assert heads[:4] == ["class", "index", f"a, {SOFT}, {ALL}", f"a, {SOFT}, {CROP}"]
    assert len(heads) == len(first) == 2 + 2 * 4
    assert first[:3] == ["A, of two", "7", "0.0001"]
    assert float(first[6]) == 1 / 3
    assert second[:3] == ["B", "0", "0.0003"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score(IMAGES, IMAGES / 2), "images must be of 0 and 1"),
        (lambda: score(IMAGES[:1], IMAGES), "must have one shape"),
        (lambda: score(IMAGES, IMAGES[0]), "images must have the shape"),
        (lambda: join([]), "parts must be one or more"),
        (lambda: score_rows({}, [{"image": IMAGES[0]}]), "rows and items must be one or more"),
        (lambda: score_rows(TRIVIAL, []), "rows and items must be one or more"),
        (lambda: score_rows(TRIVIAL, [], block=0), "block must be an integer above 0"),
        (lambda: pairwise({}), "values must be arrays"),
        (lambda: pairwise({"a": np.zeros(2), "b": np.zeros(3)}), "values must be arrays"),
        (lambda: pairwise({"a": np.array([0, np.nan])}), "without NaN"),
        (lambda: pairwise({"a": np.zeros(0)}), "values must be arrays"),
        (lambda: valley(np.zeros((2, 2))), "values must be finite, of the shape"),
        (lambda: valley(np.array([1.0, np.nan, 2.0])), "values must be finite"),
        (lambda: summarise({}, ["A"]), "scores must be of one row or more"),
        (lambda: summarise(planted(a=[1.0, 1.0]), ["A"]), "each of 1 images"),
        (lambda: summarise(planted(a=[1.0, 1.0], b=[1.0]), ["A", "B"]), "each of 2 images"),
        (lambda: per_image(planted(a=[1.0, 1.0]), ["A"], [0]), "scores must be of 1 images"),
        (lambda: per_image(planted(a=[1.0, 1.0]), ["A", "B"], [0]), "shorter"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
