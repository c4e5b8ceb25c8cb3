"""Figures of reconstructions and of scores by what they hold."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.cess_vae import line_sensitivity, score_rows
from twopoint_models.cess_vae.evaluation.evaluate import ALL, SHARP, SOFT
from twopoint_models.cess_vae.evaluation.figures import figures, line_sensitivity_chart, outliers, pairwise_chart, reconstructions
from twopoint_models.evaluation.trivial import TRIVIAL

RNG = np.random.default_rng(0)


IMAGES = (RNG.random((4, 1, 32, 32)) < np.array([0.1, 0.2, 0.3, 0.4]).reshape(4, 1, 1, 1)).astype(np.float32)


def shown(at):
    """What an image shows."""
    return np.asarray(at.images[0].get_array())


def test_outliers_pair_originals_and_reconstructions():
    figure = outliers(IMAGES[:3], IMAGES[1:, 0], ["1", "2", "3"], names=["A", "B", "A"], title="worst")
    assert [at.get_title() for at in figure.axes[:3]] == ["A", "B", "A"]
    assert [at.get_xlabel() for at in figure.axes[3:]] == ["1", "2", "3"]
    for j in range(3):
        assert np.array_equal(shown(figure.axes[j]), IMAGES[j, 0])
        assert np.array_equal(shown(figure.axes[3 + j]), IMAGES[j + 1, 0])
    assert figure.axes[3].images[0].get_clim() == (0, 1)
    assert figure.axes[3].images[0].cmap.name == "gray_r", "phase 1 is dark"


def test_lines_are_drawn_and_their_curves():
    curves = {"sharp": line_sensitivity(32, 10), "blurred": line_sensitivity(32, 10, sigma=2.0)}
    figure = line_sensitivity_chart(curves, size=32, spacing=10, shown=(11, 20))
    assert [at.get_title() for at in figure.axes[:3]] == ["reconstructed: 10 px", "11 px", "20 px"]
    for at, distance in zip(figure.axes, (10, 11, 20), strict=False):
        heights = [segment[0, 1] for segment in at.collections[0].get_segments()]
        assert np.diff(heights) == distance
        assert sum(heights) == 32
    drawn = {line.get_label(): line.get_xydata() for line in figure.axes[3].lines}
    for name, curve in curves.items():
        assert np.array_equal(drawn[name], np.stack(curve, axis=1))
    assert [text.get_text() for text in figure.axes[3].get_legend().get_texts()] == ["sharp", "blurred"]


def drawn(at):
    """Heights, edges and lines of a histogram."""
    heights = [bar.get_height() for bar in at.patches]
    return heights, [at.patches[0].get_x(), at.patches[-1].get_x() + at.patches[-1].get_width()], [line.get_xdata()[0] for line in at.lines]


def test_pairs_are_written_into_their_cells():
    matrix = np.array([[0.5, 0.9], [0.1, 0.5]])
    figure = pairwise_chart({"soft": matrix, "sharp": matrix.T, "cut": matrix}, ["A", "B"], columns=2)
    assert [at.get_title() for at in figure.axes] == ["soft", "sharp", "cut"], "the fourth place is gone"
    for at, (up, down) in zip(figure.axes, [("0.90", "0.10"), ("0.10", "0.90"), ("0.90", "0.10")], strict=True):
        assert {text.get_position(): text.get_text() for text in at.texts} == {(1, 0): up, (0, 1): down}
        assert [text.get_text() for text in at.get_yticklabels()] == ["A", "B"]
    assert np.isnan(np.ma.filled(shown(figure.axes[0]), np.nan)[0, 0])
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_reconstructions_with_their_statistics():
    image, found = IMAGES[2, 0], {"a": IMAGES[3], "b": IMAGES[2] / 2, "itself": IMAGES[2, 0]}
    figure = reconstructions(image, found, notes={"a": "0.1"}, title="t")
    rows = [figure.axes[:4], figure.axes[4:8], figure.axes[8:]]
    assert [len(row) for row in rows] == [4, 4, 3], "the original differs from itself nowhere"
    assert [at.get_title() for at in rows[0]] == ["original", "a", "b", "itself"]
    assert [at.get_xlabel() for at in rows[0]] == ["", "0.1", "", ""]
    wanted = tp.autocorrelation(image.astype(float), centered=True)
    assert np.allclose(shown(rows[1][0]), wanted)
    assert shown(rows[1][0])[16, 16] == pytest.approx(image.mean())
    assert shown(rows[2][1]) == pytest.approx(np.log(0.25)), "half the membership, a quarter of the autocorrelation"
    assert np.abs(shown(rows[2][2])).max() == 0
    difference = np.log(tp.autocorrelation(IMAGES[3, 0].astype(float), centered=True)) - np.log(wanted)
    assert np.allclose(shown(rows[2][0]), difference)
    middle = sorted([np.percentile(np.abs(difference), 95), np.log(4), 0])[1]
    for at in rows[2]:
        assert at.images[0].get_clim() == pytest.approx((-middle, middle))
    for at in rows[1]:
        assert at.images[0].get_clim() == pytest.approx((0, image.mean()))


def test_an_empty_reconstruction_has_finite_logarithms():
    figure = reconstructions(IMAGES[0], {"nothing": np.zeros((32, 32))})
    at = figure.axes[-1]
    assert np.isfinite(shown(at)).all()
    assert shown(at)[16, 16] == pytest.approx(np.log(1e-6 / IMAGES[0].mean()), rel=1e-6)


@pytest.fixture(scope="module")
def evaluated():
    names = ["A", "A", "B", "B"]
    rows = {"half": lambda x: x / 2, **TRIVIAL}
    scores, _ = score_rows(rows, [{"image": image} for image in IMAGES])
    return scores, rows, names, dict(figures(scores, rows, lambda i: IMAGES[i], names, trivial=TRIVIAL, worst=2, seed=1))


def test_an_evaluation_draws_all_figures(evaluated):
    scores, rows, _, found = evaluated
    per_class = [f"reconstructions/{name}_{output}" for name in "AB" for output in ("soft", "thresholded")]
    assert list(found) == ["histograms", "log_histograms", "pairwise", "line_sensitivity", "outliers/half", *per_class]
    assert len(found["histograms"].axes) == 2, "the model alone"
    assert len(found["log_histograms"].axes) == 2 * len(rows)
    assert len(found["pairwise"].axes) == 9
    worst = np.argsort(-scores["half"].excess[SOFT][ALL])[:2]
    for at, i in zip(found["outliers/half"].axes, worst, strict=False):
        assert np.array_equal(shown(at), IMAGES[i, 0])
    assert found["outliers/half"].axes[2].get_xlabel() == f"{scores['half'].excess[SOFT][ALL][worst[0]]:.3g}"


def test_a_sample_stands_with_its_own_score(evaluated):
    scores, _, names, found = evaluated
    for name in "AB":
        at = found[f"reconstructions/{name}_soft"].axes
        (i,) = (i for i, image in enumerate(IMAGES) if np.array_equal(shown(at[0]), image[0]))
        assert names[i] == name
        assert np.array_equal(shown(at[1]), IMAGES[i, 0] / 2)
        assert at[1].get_xlabel() == f"{scores['half'].excess[SOFT][ALL][i]:.3g}"
        sharp = found[f"reconstructions/{name}_thresholded"].axes
        assert np.array_equal(shown(sharp[1]), IMAGES[i, 0]), "half is phase 1"
        assert sharp[2].get_xlabel() == f"{scores['constant gray'].excess[SHARP][ALL][i]:.3g}"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: outliers(IMAGES, IMAGES, ["1"]), "equal numbers, got 4, 4, 1 and 0"),
        (lambda: outliers(IMAGES, IMAGES[:2], ["1"] * 4), "equal numbers"),
        (lambda: outliers(IMAGES[:0], IMAGES[:0], []), "images must be finite images"),
        (lambda: outliers(IMAGES, IMAGES * np.nan, ["1"] * 4), "reconstructions must be finite images"),
        (lambda: line_sensitivity_chart({}), "curves must be one or more"),
        (lambda: line_sensitivity_chart({"a": (np.arange(3), np.arange(4.0))}), r"curves\['a'\]"),
        (lambda: line_sensitivity_chart({"a": (np.arange(2), np.array([1.0, np.nan]))}), r"curves\['a'\]"),
        (lambda: pairwise_chart({}, ["A"]), "one or more of the shape"),
        (lambda: pairwise_chart({"x": np.eye(3)}, ["A", "B"]), r"shape \(2, 2\)"),
        (lambda: reconstructions(IMAGES[0], {}), "one or more of the image's shape"),
        (lambda: reconstructions(IMAGES[0], {"a": np.eye(8)}), "one or more of the image's shape"),
        (lambda: reconstructions(IMAGES[0, 0, 0], {"a": np.eye(8)}), "image must be finite images"),
        (lambda: next(figures({}, {}, lambda i: IMAGES[i], ["A"])), "scores, rows and names must fit"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
