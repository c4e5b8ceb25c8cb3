"""Panels hold what a command found: maps, curves, histograms, slices, and the views that keep them readable."""

from pathlib import Path

import numpy as np
import pytest

from support.cli_harness import blobs, photograph
from twopoint.cli.measures import crop_sizes, describe_phases, measure
from twopoint.cli.reading.image import Image as Read
from twopoint.cli.reading.names import Source
from twopoint.cli.reading.segmentation import segment
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.showing import panels
from twopoint.cli.showing.figures import draw
from twopoint.cli.showing.panels import Field, Histogram

PIXEL = Spacing().along(2)
MICRO = Spacing((0.5, 0.25), "µm")


def statistics(labels, spacing=PIXEL, n=2):
    crop = crop_sizes(None, labels.shape, "open")
    return measure(labels, n, boundary="open", spacing=spacing, crop=crop)


def test_reconstruction_panels():
    labels, f = np.eye(6, dtype=int), np.arange(36.0).reshape(6, 6)
    shown = panels.panels_of_reconstruction(labels, 1 - labels, (f, f + 1), 2, PIXEL)
    figure = draw(shown, title="a $title")
    images = [axes.images[0] for axes in figure.axes if axes.images]
    for image, expected in zip(images, (labels, 1 - labels, f, np.ones((6, 6))), strict=True):
        np.testing.assert_array_equal(image.get_array(), expected)
    assert figure.get_suptitle() == "a $title"
    assert images[2].get_extent() == [-3.5, 2.5, 2.5, -3.5]  # the zero lag is pixel 3
    assert images[3].get_clim() == (-1.0, 1.0)
    assert len(panels.panels_of_reconstruction(None, labels, (f, f), 2, PIXEL)) == 3


@pytest.mark.parametrize("phases", [2, 3])
def test_stats_show_image_histogram_segmentation_maps_and_averages(phases):
    labels = blobs((30, 40), phases=phases, scale=4.0)
    gray = photograph(labels, noise=2.0)
    mask = np.ones(labels.shape, dtype=bool)
    mask[:4] = False
    found = segment(Read(Source(Path("a.png")), gray, (), False), phases=phases, mask=mask)
    shown = panels.panels_of_segmentation(gray, found, "a.png", MICRO, mask)
    assert [type(panel) for panel in shown] == [Field, Histogram, Field]
    assert (shown[2].values[:4] == -1).all()  # what does not count is left out
    measured = statistics(labels, MICRO, phases)
    shown += panels.panels_of_statistics(measured, [2.0] * phases)
    maps = [panel for panel in shown if isinstance(panel, Field) and panel.over_lags]
    assert len(maps) == (1 if phases == 2 else 3)
    np.testing.assert_array_equal(maps[-1].values, measured.f[phases - 1, phases - 1])
    figure = draw(shown, title="", columns=3)
    curves = next(axes for axes in figure.axes if axes.get_ylabel() == "probability")
    assert curves.get_xlabel() == "distance, µm"
    lines = [line for line in curves.lines if line.get_label().startswith("phase")]
    r, values = measured.radial()
    for line, expected in zip(lines, values, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.stack([r, expected], axis=-1))
    histogram = next(axes for axes in figure.axes if axes.get_xlabel() == "gray value")
    assert sum(bars.get_data().values.sum() for bars in histogram.patches) == pytest.approx(1)
    assert [line.get_xdata()[0] for line in histogram.lines] == list(found.thresholds)


def test_labels_alone_need_no_histogram():
    labels = blobs((10, 12))
    found = segment(Read(Source(Path("a.npy")), labels, (), True))
    (field,) = panels.panels_of_segmentation(labels, found, "a.npy", PIXEL)
    assert field.title == "a.npy"
    assert field.n_phases == 2


def test_comparison_shows_the_phase_that_differs_most():
    a, b = blobs((20, 24), phases=3), blobs((20, 24), phases=3, seed=1)
    of_a, of_b = statistics(a, n=3), statistics(b, n=3)
    difference, curves = panels.panels_of_comparison(of_a, of_b, ("a.png", "b.png"))
    reach = [np.abs(of_a.f[h, h] - of_b.f[h, h]).max() for h in range(3)]
    assert np.abs(difference.values).max() == max(reach)
    assert [line.dashed for line in curves.lines] == [False] * 3 + [True] * 3
    assert curves.remark == "solid A: a.png\ndashed B: b.png"
    assert [line.name for line in curves.lines] == ["phase 0", "phase 1", "phase 2", "", "", ""]
    two = panels.panels_of_comparison(statistics(blobs((20, 24))), statistics(blobs((20, 24), seed=1)), ("a", "b"))[1]
    assert [line.name for line in two.lines] == ["phase 1, A", "phase 1, B"]


def test_long_names_are_cut_in_front():
    assert panels.short("x" * 60 + ".png").endswith("xxx.png")
    assert len(panels.short("x" * 60)) == 42


def maps(shown):
    return [panel for panel in shown if isinstance(panel, Field)]


def test_maps_reach_to_ten_correlation_lengths_and_say_so():
    measured = statistics(blobs((200, 180)), Spacing((2.0,), "nm").along(2))
    length = describe_phases(measured)[1]["correlation_length"]
    (field,) = maps(panels.panels_of_statistics(measured, [length, length]))
    assert field.reach == 10 * length
    assert field.title.endswith(f"\nlags to {10 * length:.3g} of 200 nm shown")
    np.testing.assert_array_equal(field.values, measured.f[1, 1])
    axes = draw([field], title="").axes[0]
    assert axes.get_xlim() == pytest.approx((-10 * length, 10 * length))
    assert axes.get_ylim() == pytest.approx((10 * length, -10 * length))  # rows go down
    assert maps(panels.panels_of_comparison(measured, measured, ("a", "b")))[0].reach == pytest.approx(10 * length)


def test_maps_of_a_small_image_or_without_a_length_are_whole():
    measured = statistics(blobs((40, 40)))
    for lengths in ([4.0, 4.0], [None, 1.0]):
        (field,) = maps(panels.panels_of_statistics(measured, lengths))
        assert field.reach is None
        assert "shown" not in field.title


def test_a_reconstructed_volume_is_shown_across_each_axis():
    volume = blobs((5, 6, 7))
    f = np.zeros((5, 6, 7))
    shown = panels.panels_of_reconstruction(volume, 1 - volume, (f, f), 2, Spacing((3.0, 2.0, 1.0), "nm"))
    assert [field.slice.shape for field in shown[:3]] == [(6, 7), (5, 7), (5, 6)]
    assert [field.steps for field in shown[:3]] == [(2.0, 1.0), (3.0, 1.0), (3.0, 2.0)]
    np.testing.assert_array_equal(shown[4].slice, (1 - volume)[:, 3])
    assert len(shown) == 8


def test_wide_shells_are_said():
    measured = statistics(blobs((40, 40)), Spacing((3.0, 1.0), "nm"))
    assert "in shells 3 nm wide, the largest step" in panels.panels_of_statistics(measured, [None, None])[-1].remark
    assert "shells" not in panels.panels_of_statistics(statistics(blobs((40, 40))), [None, None])[-1].remark


def test_an_outlier_does_not_fill_the_picture():
    gray = photograph(blobs((30, 40))).astype(float)
    gray[3, 4] = 1e30
    found = segment(Read(Source(Path("a.png")), gray, (), False))
    image, histogram, phases = panels.panels_of_segmentation(gray, found, "a.png", PIXEL)
    for values in (image.values, histogram.values):
        assert (values.min(), values.max()) == found.gray_range
    assert np.ptp(image.values) < 256
    assert phases.values[3, 4] == 1
    assert gray[3, 4] == 1e30
