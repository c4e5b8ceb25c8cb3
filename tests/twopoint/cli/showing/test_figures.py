"""Figures show what the panels hold: axes, units, scales."""

import numpy as np
import pytest

from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.showing import figures
from twopoint.cli.showing.figures import draw
from twopoint.cli.showing.panels import Curve, Curves, Field, Histogram

PIXEL = Spacing().along(2)
MICRO = Spacing((0.5, 0.25), "µm")


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


def test_gray_values_of_every_kind_have_a_histogram():
    for values in (
        np.arange(300, dtype=np.uint16),
        np.array([-5, 7] * 9, np.int32),
        np.linspace(0, 1e-9, 50),
        np.arange(2**40, 2**40 + 99),
    ):
        axes = draw([Histogram(values, (float(values.mean()),), "")], title="").axes[0]
        assert sum(bars.get_data().values.sum() for bars in axes.patches) == pytest.approx(1)


def test_a_curve_of_one_point():
    line = Curve(np.array([0.3]), "phase 0", 0, limit=0.09, mark=None)
    assert draw([Curves(np.array([0.0]), (line,), "", "px")], title="").axes[0].get_xlim() == (0, 1)


def test_letters_that_the_font_lacks_are_saved_without_a_warning(tmp_path):
    figures.save(draw([Field(np.eye(3), "微结构 $x_{", "gray", PIXEL)], title="微"), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_large_numbers_change_their_unit():
    spacing = Spacing((50.0, 50.0), "nm")
    figure = draw([Field(np.zeros((40, 80)), "", "gray", spacing), Field(np.zeros((10, 10)), "", "gray", spacing)], title="")
    large, small = (axes for axes in figure.axes if axes.images)
    assert (large.get_xlabel(), small.get_xlabel()) == ("µm", "nm")
    assert large.images[0].get_extent() == pytest.approx([0.0, 4.0, 2.0, 0.0])
    line = Curve(np.array([0.4, 0.2]), "phase 0", 0, mark=1000.0)
    axes = draw([Curves(np.array([0.0, 2000.0]), (line,), "", "nm")], title="").axes[0]
    assert axes.get_xlabel() == "distance, µm"
    assert axes.lines[0].get_xdata().tolist() == [0.0, 2.0]
    assert axes.lines[1].get_xdata().tolist() == [1.0]
    assert axes.lines[1].get_ydata() == pytest.approx([0.3])


def test_no_difference_has_a_scale_that_says_so():
    figure = draw([Field(np.full((4, 4), 1e-17), "", "difference", PIXEL), Field(np.full((4, 4), 1e-3), "", "difference", PIXEL)], title="")
    equal, different = (axes.images[0] for axes in figure.axes if axes.images)
    assert equal.get_clim() == (-1, 1)
    assert [tick.get_text() for tick in equal.colorbar.ax.get_yticklabels()] == ["0: equal"]
    assert different.get_clim() == (-1e-3, 1e-3)
