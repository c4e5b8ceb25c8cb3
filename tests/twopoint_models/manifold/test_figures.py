"""Figures of the manifold's tasks by what they hold; tables by what they say."""

import numpy as np
import pytest
from matplotlib.offsetbox import AnnotationBbox

import twopoint as tp
from twopoint.cli.showing.figures import save
from twopoint_models.manifold import Classification, Descriptor, angle_task, three_parameter_task
from twopoint_models.manifold.figures import angles, curves, spaces, views
from twopoint_models.manifold.pictures import spectra, syntheses, textures, thumbnail_map
from twopoint_models.manifold.reports import report
from twopoint_models.manifold.tables import table_of_angles

RNG = np.random.default_rng(0)
IMAGES = RNG.random((6, 12, 16))
POINTS = RNG.standard_normal((20, 4))
THETA = np.arange(8) * np.pi / 8
RING = np.stack([np.cos(2 * THETA), np.sin(2 * THETA)], axis=1)
METHODS = {"a": Descriptor("spectrum"), "b": Descriptor("two_point")}


def shown(at):
    """What an image shows."""
    return np.asarray(at.images[0].get_array())


def test_textures_stand_in_their_grid():
    figure = textures(IMAGES.reshape(2, 3, 12, 16), ["r", "s"], ["x", "y", "z"], title="t")
    for at, image in zip(figure.axes, IMAGES, strict=True):
        assert np.array_equal(shown(at), image)
    assert [at.get_title() for at in figure.axes[:3]] == ["x", "y", "z"]
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == ["r", "s"]


def test_spectra_are_zoomed_and_equally_dark():
    x = np.arange(16)
    waves = np.stack([np.tile(np.cos(2 * np.pi * k * x / 16), (16, 1)) for k in (2, 3)])
    waves[1] += 0.5 * waves[1].T  # weaker once it is rescaled
    figure = spectra(waves, ["k = 2", "k = 3"], reach=4)
    for j, k in enumerate((2, 3)):
        at = figure.axes[2 + j]
        assert at.images[0].get_extent() == [-4.5, 4.5, 4.5, -4.5]
        drawn = shown(at)
        assert drawn.shape == (9, 9)
        assert drawn[4, 4 + k] == drawn[4, 4 - k] == pytest.approx(1), "the largest is as dark, and lies at its wave"
    by_hand = [tp.power_spectrum(2 * (w - w.min()) / np.ptp(w) - 1)[0, k] for w, k in zip(waves, (2, 3), strict=True)]
    assert [at.get_xlabel() for at in figure.axes[2:]] == ["x 1", f"x {by_hand[0] / by_hand[1]:.3g}"]


def test_the_mean_of_an_image_does_not_hide_its_waves():
    image = np.full((16, 16), 0.9)
    image[8, 8] = 0.0
    assert shown(spectra(image[None], ["one hole"]).axes[1])[0, 0] == pytest.approx(1)


def test_angles_are_drawn_as_arrows_and_against_the_true_ones():
    off = THETA + 0.1
    figure = angles(THETA, {"CNN": {"A = 1": RING}, "PS": {"A = 1": 2 * RING}}, {"CNN": {"A = 1": THETA}, "PS": {"A = 1": off}})
    first, second, below = figure.axes
    arrows = first.collections[0]
    assert np.stack([arrows.U, arrows.V], axis=1) == pytest.approx(RING), "2 theta"
    assert np.array_equal(second.lines[0].get_xydata(), 2 * RING)
    assert [at.get_ylabel() for at in figure.axes] == ["CNN", "PS", "reconstructed"]
    _, cnn, ps = below.lines
    assert np.array_equal(cnn.get_xydata(), np.stack([THETA, THETA], axis=1))
    assert np.array_equal(ps.get_ydata(), off)
    assert (cnn.get_color(), ps.get_color()) == (first.lines[0].get_color(), second.lines[0].get_color())


def test_curves_are_means_and_the_middle_of_the_trials(tmp_path):
    trials = np.arange(33.0).reshape(3, 11) + 1
    figure = curves(np.array([2, 3, 50]), {"m": {"N = 1": trials, "": trials[:, 0]}}, x_label="D*", y_label="y", log=True, log_x=True)
    (at,) = figure.axes
    mean, single = at.lines
    assert mean.get_ydata() == pytest.approx(trials.mean(axis=1))
    assert (mean.get_label(), single.get_label()) == ("m, N = 1", "m")
    (band,) = at.collections
    corners = band.get_paths()[0].vertices
    assert {corners[:, 1].min(), corners[:, 1].max()} == {2.0, 32.0}, "percentiles 10 and 90 of 1...11 and of 23...33"
    save(figure, tmp_path / "curves.png")
    assert [text.get_text() for text in at.get_xticklabels()] == ["2", "3", "50"]
    low, high = at.get_ylim()
    assert low < 1 < 33 < high * 1.1
    assert curves(np.arange(2), {"m": {"": np.arange(2)}}, x_label="", y_label="").axes[0].get_ylim()[0] == 0


def test_spaces_have_a_column_each_and_held_values_below():
    a = np.repeat(np.arange(4.0), 5)
    figure = spaces(POINTS[:, :3], {"a": a, "angle": np.arange(20.0) / 10}, periods={"angle": np.pi}, held=2)
    boxes = [at for at in figure.axes if at.name == "3d"]
    assert len(boxes) == 4
    assert [at.get_title() for at in boxes] == ["a", "", "angle", ""]
    above, below, angle, _ = (at.collections[0] for at in boxes)
    assert np.array_equal(above.get_array(), a)
    assert sorted(set(below.get_array())) == [0, 3], "the least and the largest value"
    assert np.array_equal(np.stack(below._offsets3d, axis=1)[:5], POINTS[:5, :3])
    assert (angle.get_clim(), angle.get_cmap().name) == ((0, np.pi), "hsv")
    assert (below.get_clim(), below.get_cmap().name) == ((0, 3), "viridis"), "one scale for both rows"


def test_views_show_pairs_of_axes():
    figure = views(POINTS, {"a": POINTS[:, 0], "b": POINTS[:, 1]}, axes=[(0, 1), (3, 2)], labels=list("wxyz"))
    panels = [at for at in figure.axes if at.collections and at.get_title()]
    assert [(at.get_title(), at.get_xlabel(), at.get_ylabel()) for at in panels] == [
        ("a", "w", "x"),
        ("a", "z", "y"),
        ("b", "w", "x"),
        ("b", "z", "y"),
    ]
    assert np.array_equal(panels[3].collections[0].get_offsets(), POINTS[:, [3, 2]])
    assert np.array_equal(panels[3].collections[0].get_array(), POINTS[:, 1])


def boxes_of(figure):
    return [child for child in figure.axes[0].get_children() if isinstance(child, AnnotationBbox)]


def test_thumbnails_lie_at_their_points_without_overlap():
    points = np.array([[0.0, 0.0], [10.0, 0.0], [0.01, 0.0], [5.0, 8.0]])
    figure = thumbnail_map(points, list(IMAGES[:4]), names=["A", "B", "A", "B"], phases=True)
    boxes = boxes_of(figure)
    assert [tuple(box.xy) for box in boxes] == [(0, 0), (10, 0), (5, 8)], "the third has no room beside the first, and is a dot"
    assert len(figure.axes[0].collections[0].get_offsets()) == 4
    assert np.array_equal(boxes[1].offsetbox.get_data(), IMAGES[1])
    frames = [box.patch.get_edgecolor() for box in boxes]
    assert frames[1] == frames[2] != frames[0]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["A", "B"]
    assert len(boxes_of(thumbnail_map(points, list(IMAGES[:4]), most=1))) == 1
    assert len(boxes_of(thumbnail_map(np.zeros((2, 2)), [np.eye(400)] * 2))) == 1, "all at one place"


def test_syntheses_have_both_autocovariances_on_one_scale():
    phases = np.stack([IMAGES[0] < 0.3, (IMAGES[0] >= 0.3) & (IMAGES[0] < 0.6), IMAGES[0] >= 0.6]).astype(float)
    losses = np.array([100.0, 1.0, 0.1])
    figure = syntheses({"gray": (IMAGES[0], IMAGES[1], losses), "phases": (phases, phases[:, :8], losses)})
    gray, of_phases = figure.axes[:5], figure.axes[5:10]
    assert np.array_equal(shown(gray[1]), IMAGES[1])
    assert np.allclose(shown(gray[2]), tp.autocorrelation(IMAGES[0], centered=True) - IMAGES[0].mean() ** 2)
    assert gray[2].images[0].get_clim() == gray[3].images[0].get_clim()
    assert np.array_equal(gray[4].lines[0].get_ydata(), losses)
    assert np.array_equal(shown(of_phases[0]), (phases.argmax(axis=0) / 2))
    assert shown(of_phases[1]).shape == (8, 16)


@pytest.fixture(scope="module")
def tasks():
    how = {"size": 24, "seed": 1}
    return angle_task(METHODS, counts=[6, 7], noises=[1.0, 2.0], trials=2, **how), three_parameter_task(
        METHODS, per_axis=3, dimensions=[2, 3, 4, 6], **how
    )


def test_a_report_of_angles(tasks):
    told = report(tasks[0])
    found = dict(told.figures)
    assert list(found) == ["spectra", "angles", "rmse", "rmse_by_count", "stress", "stress_by_count"]
    assert np.array_equal(found["angles"].axes[0].lines[0].get_xydata(), tasks[0].points["a"][7, 1.0])
    lines = {line.get_label(): line.get_ydata() for line in found["rmse_by_count"].axes[0].lines[:4]}
    assert lines["b, A = 2"] == pytest.approx([np.mean(tasks[0].summary["methods"]["b"]["rmse"][i][1]) for i in (0, 1)])
    assert len(told.table.splitlines()) == 2 * 6 + 1
    assert f"{tasks[0].summary['methods']['a']['mean_stress'][1][0]:.3g}" in told.table


def test_a_report_of_three_parameters(tasks):
    told = report(tasks[1])
    names = [f"{method}/{name}" for method in "ab" for name in ("spaces", "views", "cylinder", "plane")]
    found = dict(told.figures)
    assert list(found) == ["textures", "stress_by_dimension", *names]
    made = tasks[1].marbles
    assert np.array_equal(shown(found["textures"].axes[0]), made.images[0])
    (corner,) = np.flatnonzero((made.angle == made.angle.max()) & (made.k == made.k.max()) & (made.noise == made.noise.max()))
    assert np.array_equal(shown(found["textures"].axes[17]), made.images[corner])
    height = found["a/cylinder"].axes[0].collections[0]._offsets3d[2]
    assert np.corrcoef(height, made.noise)[0, 1] > 0, "A is upright"
    assert "0.908" in told.table
    assert f"{tasks[1].summary['methods']['b']['r2_k'][2]:.3g}" in told.table
    assert set(told.embeddings) == {f"{method}, {d}" for method in "ab" for d in (2, 3, 4, 6)}


def test_a_report_of_classes():
    row = {"accuracy": 0.5, "accuracy_of_other_indices": None, "accuracy_of_distances": 1.0, "stress": 0.1, "confusion": [[1, 1], [2, 0]]}
    summary = {"classes": ["A", "B"], "images": 4, "left_out": [], "dimensions": 2, "methods": {"m": row}}
    told = report(Classification(summary, IMAGES[:4], ["A", "A", "B", "B"], {"m": POINTS[:4, :2]}))
    found = dict(told.figures)
    assert list(found) == ["confusion", "m/thumbnails"]
    assert found["confusion"].axes[0].get_title() == "m: 0.500"
    assert "left out, as they are constant: none." in told.table


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: textures(IMAGES, ["a"], ["b"]), r"images must have the shape \(r, c, H, W\)"),
        (lambda: textures(IMAGES.reshape(2, 3, 12, 16), ["a", "a"], list("xyz")), "of different names"),
        (lambda: spectra(IMAGES, ["a"]), r"got \(6, 12, 16\) and 1 names"),
        (lambda: spectra(np.ones((1, 4, 4)), ["a"]), "images must be finite and none constant"),
        (lambda: syntheses({}), "rows must be one or more"),
        (lambda: syntheses({"x": (IMAGES[0], IMAGES[0] * np.nan, np.ones(2))}), r"rows\['x'\] must hold finite images"),
        (lambda: syntheses({"x": (IMAGES[0], IMAGES[0], np.ones(0))}), r"rows\['x'\] must hold finite losses"),
        (lambda: angles(THETA, {}, {}), "same methods and columns"),
        (lambda: angles(THETA, {"a": {"x": RING}}, {"a": {"y": THETA}}), "same methods and columns"),
        (lambda: angles(THETA, {"a": {"x": RING[:7]}}, {"a": {"x": THETA}}), r"\(n, 2\), \(n,\) and \(n,\), got \(7, 2\)"),
        (lambda: curves(np.arange(3), {}, x_label="", y_label=""), "values one line or more"),
        (lambda: curves(np.arange(3), {"a": {"b": np.ones(4)}}, x_label="", y_label=""), r"values\['a'\]\['b'\] must be finite, one row"),
        (lambda: curves(np.arange(1), {"a": {"b": np.array([np.nan])}}, x_label="", y_label=""), "must be finite"),
        (lambda: spaces(POINTS, {"a": POINTS[:, 0]}), r"points must have the shape \(n, 3\), got \(20, 4\)"),
        (lambda: spaces(POINTS[:, :3], {}), "parameters must be finite, one or more"),
        (lambda: views(POINTS, {"a": POINTS[:5, 0]}), r"parameters must be finite, one or more of the shape \(20,\)"),
        (lambda: views(POINTS * np.nan, {"a": POINTS[:, 0]}), "points must be finite"),
        (lambda: views(POINTS, {"a": POINTS[:, 0]}, axes=[(0, 4)]), "axes must be pairs of numbers from 0 to 3"),
        (lambda: views(POINTS, {"a": POINTS[:, 0]}, labels=["x"]), "labels must be 4"),
        (lambda: thumbnail_map(POINTS, list(IMAGES)), r"points must be finite, of the shape \(n, 2\)"),
        (lambda: thumbnail_map(POINTS[:6, :2], list(IMAGES), names=["A"]), "one entry for each of the 6 points, got 6 and 1"),
        (lambda: thumbnail_map(POINTS[:5, :2], list(IMAGES)), "one entry for each of the 5 points"),
        (lambda: table_of_angles({}, measure="error"), "measure must be 'rmse' or 'stress'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
