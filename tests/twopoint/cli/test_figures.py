"""Pictures show what they are given."""

from pathlib import Path

import numpy as np
import pytest

from support.cli_harness import blobs, photograph
from twopoint.cli.measures import crop_sizes, measure
from twopoint.cli.reading.image import Image as Read
from twopoint.cli.reading.names import Source
from twopoint.cli.reading.segmentation import segment
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.showing import figures, panels
from twopoint.cli.showing.figures import draw
from twopoint.cli.showing.panels import Curve, Curves, Field, Histogram

PIXEL = Spacing().along(2)
MICRO = Spacing((0.5, 0.25), "µm")


def statistics(labels, spacing=PIXEL, n=2):
    crop = crop_sizes(None, labels.shape, "open")
    return measure(labels, n, boundary="open", spacing=spacing, crop=crop)


def test_reconstruction_panels():
    labels, f = np.eye(6, dtype=int), np.arange(36.0).reshape(6, 6)
    shown = panels.of_reconstruction(labels, 1 - labels, (f, f + 1), 2, PIXEL)
    figure = draw(shown, title="a $title")
    images = [axes.images[0] for axes in figure.axes if axes.images]
    for image, expected in zip(images, (labels, 1 - labels, f, np.ones((6, 6))), strict=True):
        np.testing.assert_array_equal(image.get_array(), expected)
    assert figure.get_suptitle() == "a $title"
    assert images[2].get_extent() == [-3.5, 2.5, 2.5, -3.5]  # the zero lag is pixel 3
    assert images[3].get_clim() == (-1.0, 1.0)
    assert len(panels.of_reconstruction(None, labels, (f, f), 2, PIXEL)) == 3


def test_axes_are_in_the_unit_of_spacing():
    figure = draw([Field(np.zeros((4, 8)), "a", "gray", MICRO), Field(np.zeros((4, 8)), "b", "statistic", MICRO)], title="")
    space, lags = (axes for axes in figure.axes if axes.images)
    assert space.images[0].get_extent() == [0.0, 2.0, 2.0, 0.0]
    assert space.get_xlabel() == "µm"
    assert lags.images[0].get_extent() == [-1.125, 0.875, 0.75, -1.25]
    assert lags.get_xlabel() == "lag, µm"


def test_a_volume_is_shown_by_its_middle():
    volume = np.arange(60.0).reshape(5, 3, 4)
    field = Field(volume, "", "statistic", Spacing((9.0, 2.0, 1.0), "nm"))
    np.testing.assert_array_equal(field.slice, volume[2])
    image = draw([field], title="").axes[0].images[0]
    assert image.get_extent() == [-2.5, 1.5, 3.0, -3.0]


def test_large_images_are_thinned_but_keep_their_extent():
    image = draw([Field(np.zeros((3000, 100)), "", "gray", PIXEL)], title="").axes[0].images[0]
    assert image.get_array().shape == (1000, 34)
    assert image.get_extent() == [0.0, 100.0, 3000.0, 0.0]


@pytest.mark.parametrize("phases", [2, 3])
def test_stats_show_image_histogram_segmentation_maps_and_averages(phases):
    labels = blobs((30, 40), phases=phases, scale=4.0)
    gray = photograph(labels, noise=2.0)
    mask = np.ones(labels.shape, dtype=bool)
    mask[:4] = False
    found = segment(Read(Source(Path("a.png")), gray, (), False), phases=phases, mask=mask)
    shown = panels.of_segmentation(gray, found, "a.png", MICRO, mask)
    assert [type(panel) for panel in shown] == [Field, Histogram, Field]
    assert (shown[2].values[:4] == -1).all()  # what does not count is left out
    measured = statistics(labels, MICRO, phases)
    shown += panels.of_statistics(measured, [2.0] * phases)
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
    assert sum(bar.get_height() for bar in histogram.patches) == pytest.approx(1)
    assert [line.get_xdata()[0] for line in histogram.lines] == list(found.thresholds)


def test_labels_alone_need_no_histogram():
    labels = blobs((10, 12))
    found = segment(Read(Source(Path("a.npy")), labels, (), True))
    (field,) = panels.of_segmentation(labels, found, "a.npy", PIXEL)
    assert field.title == "a.npy"
    assert field.n_phases == 2


def test_comparison_shows_the_phase_that_differs_most():
    a, b = blobs((20, 24), phases=3), blobs((20, 24), phases=3, seed=1)
    of_a, of_b = statistics(a, n=3), statistics(b, n=3)
    difference, curves = panels.of_comparison(of_a, of_b, ("a.png", "b.png"))
    reach = [np.abs(of_a.f[h, h] - of_b.f[h, h]).max() for h in range(3)]
    assert np.abs(difference.values).max() == max(reach)
    assert [line.dashed for line in curves.lines] == [False] * 3 + [True] * 3
    assert curves.remark == "solid A: a.png\ndashed B: b.png"
    assert [line.name for line in curves.lines] == ["phase 0", "phase 1", "phase 2", "", "", ""]
    two = panels.of_comparison(statistics(blobs((20, 24))), statistics(blobs((20, 24), seed=1)), ("a", "b"))[1]
    assert [line.name for line in two.lines] == ["phase 1, A", "phase 1, B"]


def test_gray_values_of_every_kind_have_a_histogram():
    for values in (
        np.arange(300, dtype=np.uint16),
        np.array([-5, 7] * 9, np.int32),
        np.linspace(0, 1e-9, 50),
        np.arange(2**40, 2**40 + 99),
    ):
        axes = draw([Histogram(values, (float(values.mean()),), "")], title="").axes[0]
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)


def test_a_curve_of_one_point():
    line = Curve(np.array([0.3]), "phase 0", 0, level=0.09, mark=None)
    assert draw([Curves(np.array([0.0]), (line,), "", "px")], title="").axes[0].get_xlim() == (0, 1)


def test_long_names_are_cut_in_front():
    assert panels.short("x" * 60 + ".png").endswith("xxx.png")
    assert len(panels.short("x" * 60)) == 42


def test_letters_that_the_font_lacks_are_saved_without_a_warning(tmp_path):
    figures.save(draw([Field(np.eye(3), "微结构 $x_{", "gray", PIXEL)], title="微"), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
