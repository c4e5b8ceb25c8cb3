"""Tables of scores."""

import csv
import json

import numpy as np
import pytest

from twopoint_models.cess_vae import summarise
from twopoint_models.cess_vae.evaluation.comparisons import pairwise, pairwise_intervals
from twopoint_models.cess_vae.evaluation.evaluate import ALL, CROP, SHARP, SOFT, Scores
from twopoint_models.cess_vae.evaluation.tables import markdown, overview, per_image

RNG = np.random.default_rng(0)


def planted(**excess):
    """Scores of two images whose numbers are given by row, soft over all lags; those of other tables are ten times as large."""
    found = {}
    for row, x in excess.items():
        x = np.asarray(x, float)
        by = {SOFT: {ALL: x, CROP: 10 * x}, SHARP: {ALL: 10 * x, CROP: 10 * x}}
        found[row] = Scores(by, {SOFT: x, SHARP: 2 * x}, {SHARP: np.append(x[:-1], np.nan)})
    return found


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
    assert [cell.split(" (")[0] for cell in cells(rows[0].replace("\\|", ""))] == ["ab", "0.0002", "0.002", "0.0002"]
    assert any("1 (1 to 1)" in row for row in rows), "it wins every time"
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2 + 4 * 2, "by output, then two of each choice of lags"
    assert all(len({len(line) for line in table}) == 1 for table in tables), "columns stand one below the other"
    assert page.startswith("# Here\n\n2 images.")


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_overview_has_medians_errors_and_ratios_with_intervals():
    soft, sharp = overview(summarise(planted(row=[1e-4, 3e-4]), ["A", "B"])).split("\n\n")
    heads, _, line = map(cells, soft.splitlines())
    assert heads == [SOFT, f"excess, {ALL}", f"excess, {CROP}", "volume fraction off"]
    assert line == ["row", "0.0002 (0.0001 to 0.0003)", "0.002 (0.001 to 0.003)", "0.0002 (0.0001 to 0.0003)"]
    heads, _, line = map(cells, sharp.splitlines())
    assert heads == [SHARP, f"excess, {ALL}", f"excess, {CROP}", "volume fraction off", "interface"]
    assert line[1:] == ["0.002 (0.001 to 0.003)"] * 2 + ["0.0004 (0.0002 to 0.0006)", "0.0001 (0.0001 to 0.0001)"]


def test_intervals_of_shares_hold_the_share_and_narrow_with_the_number():
    rng = np.random.default_rng(0)
    widths = []
    for n in (100, 1600):
        a, b = rng.random((2, n))
        found, ends = pairwise({"a": a, "b": b}), pairwise_intervals({"a": a, "b": b})
        low, high = ends[0, 1]
        assert low < found[0, 1] < high
        np.testing.assert_allclose(ends[1, 0], [1 - high, 1 - low], atol=0.02)
        assert ends[0, 0].tolist() == [0.5, 0.5]
        widths.append(high - low)
        assert high - low == pytest.approx(2 * 1.96 * 0.5 / n**0.5, rel=0.1), "that of a share of a half"
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.1)


def test_interfaces_are_told_by_class():
    scores = planted(row=[1.0, 2.0, 3.0, 4.0])
    summary = summarise(scores, ["A", "A", "B", "B"])
    assert summary["interface_by_class"] == {SHARP: {"row": {"A": 1.5, "B": 3.0}}}, "the last has no interface"


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
        (lambda: summarise({}, ["A"]), "scores must have at least one row"),
        (lambda: summarise(planted(a=[1.0, 1.0]), ["A"]), "as many as names, 1, got"),
        (lambda: summarise(planted(a=[1.0, 1.0], b=[1.0]), ["A", "B"]), "as many as names, 2, got"),
        (lambda: per_image(planted(a=[1.0, 1.0]), ["A"], [0]), "scores must have as many images as names and indices, 1,"),
        (lambda: per_image(planted(a=[1.0, 1.0]), ["A", "B"], [0]), "shorter"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
