"""Histograms of scores."""

import numpy as np
import pytest

from twopoint.cli.showing.figures import save
from twopoint_models.evaluation.histograms import histograms


def drawn(at):
    """Heights, edges and lines of a histogram."""
    heights = [bar.get_height() for bar in at.patches]
    return heights, [at.patches[0].get_x(), at.patches[-1].get_x() + at.patches[-1].get_width()], [line.get_xdata()[0] for line in at.lines]


def test_histograms_cut_the_largest_fifth_of_a_column():
    values = {"soft": {"a": np.arange(1.0, 51.0), "b": np.arange(51.0, 101.0)}, "sharp": {"a": np.ones(5), "b": np.ones(5)}}
    figure = histograms(values, title="t")
    soft = [figure.axes[i] for i in (0, 2)]
    assert [at.get_ylabel() for at in figure.axes] == ["a", "", "b", ""]
    assert [at.get_title() for at in figure.axes[:2]] == ["soft", "sharp"]
    (low, edges, lines), (high, same, others) = map(drawn, soft)
    cut = np.percentile(np.arange(1, 101), 80)
    assert edges == same == pytest.approx([0, cut])
    assert (sum(low), sum(high)) == (50, 30)
    assert lines == [25.5, 25.5]
    assert others == [75.5, 75.5]
    assert [line.get_linestyle() for line in soft[0].lines] == ["-", "--"]
    assert [at.texts[0].get_text() for at in soft] == ["median 25.5\nmean 25.5", "median 75.5\nmean 75.5\n40% beyond"]


def test_histograms_leave_lines_out_that_lie_beyond():
    far = {"x": {"a": np.concatenate([np.ones(90), np.full(10, 1e3)])}}
    assert [line.get_linestyle() for line in histograms(far).axes[0].lines] == ["-"], "the mean is 100.9, the cut is at 1"


def test_logarithmic_histograms_show_all_and_the_valley(tmp_path):
    values = {"soft": {"a": np.array([0.0, 1e-6, 1e-3, 10.0]), "b": np.array([1e-4] * 4)}}
    figure = histograms(values, log=True, valleys={"soft": {"a": 1e-5, "b": None}})
    (heights, edges, lines), (others, _, two) = map(drawn, figure.axes)
    assert sum(heights) == sum(others) == 4, "a perfect one too, at the left end"
    assert edges == pytest.approx([1e-9, 10])
    assert lines[2] == 1e-5
    assert len(two) == 2
    assert figure.axes[0].get_xscale() == "log"
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"median", "mean", "between two modes"}
    save(figure, tmp_path / "log.png")
    labels = {text.get_text() for text in figure.axes[1].get_xticklabels()}
    assert "0.001" in labels, "no TeX that nobody sets"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: histograms({}), "one column or more"),
        (lambda: histograms({"x": {"a": np.ones(2)}, "y": {"b": np.ones(2)}}), "the same rows"),
        (lambda: histograms({"x": {"a": np.ones(0)}}), "finite, at least one"),
        (lambda: histograms({"x": {"a": np.array([np.nan])}}), "finite, at least one"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
