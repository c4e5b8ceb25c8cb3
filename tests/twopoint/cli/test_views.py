"""Pictures that stay readable: views of maps, units, scales, slices."""

import numpy as np
import pytest

from support.cli_harness import blobs
from twopoint.cli.measures import crop_sizes, measure, numbers_of
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.showing import panels
from twopoint.cli.showing.figures import draw
from twopoint.cli.showing.panels import Curve, Curves, Field

PIXEL = Spacing().along(2)


def statistics(labels, spacing=PIXEL):
    return measure(labels, 2, boundary="open", spacing=spacing, crop=crop_sizes(None, labels.shape, "open"))


def maps(shown):
    return [panel for panel in shown if isinstance(panel, Field)]


def test_maps_reach_to_ten_correlation_lengths_and_say_so():
    measured = statistics(blobs((200, 180)), Spacing((2.0,), "nm").along(2))
    length = numbers_of(measured)[1]["correlation_length"]
    (field,) = maps(panels.of_statistics(measured, [length, length]))
    assert field.reach == 10 * length
    assert field.title.endswith(f"\nlags to {10 * length:.3g} of 200 nm shown")
    np.testing.assert_array_equal(field.values, measured.f[1, 1])
    axes = draw([field], title="").axes[0]
    assert axes.get_xlim() == pytest.approx((-10 * length, 10 * length))
    assert axes.get_ylim() == pytest.approx((10 * length, -10 * length))  # rows go down
    assert maps(panels.of_comparison(measured, measured, ("a", "b")))[0].reach == pytest.approx(10 * length)


def test_maps_of_a_small_image_or_without_a_length_are_whole():
    measured = statistics(blobs((40, 40)))
    for lengths in ([4.0, 4.0], [None, 1.0]):
        (field,) = maps(panels.of_statistics(measured, lengths))
        assert field.reach is None
        assert "shown" not in field.title


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


def test_a_reconstructed_volume_is_shown_across_each_axis():
    volume = blobs((5, 6, 7))
    f = np.zeros((5, 6, 7))
    shown = panels.of_reconstruction(volume, 1 - volume, (f, f), 2, Spacing((3.0, 2.0, 1.0), "nm"))
    assert [field.slice.shape for field in shown[:3]] == [(6, 7), (5, 7), (5, 6)]
    assert [field.steps for field in shown[:3]] == [(2.0, 1.0), (3.0, 1.0), (3.0, 2.0)]
    np.testing.assert_array_equal(shown[4].slice, (1 - volume)[:, 3])
    assert len(shown) == 8


def test_wide_shells_are_said():
    measured = statistics(blobs((40, 40)), Spacing((3.0, 1.0), "nm"))
    assert "in shells 3 nm wide, the largest step" in panels.of_statistics(measured, [None, None])[-1].remark
    assert "shells" not in panels.of_statistics(statistics(blobs((40, 40))), [None, None])[-1].remark
