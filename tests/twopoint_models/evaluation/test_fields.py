"""Figures of properties and fields by what they hold."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from twopoint.cli.showing.figures import save
from twopoint_models.evaluation.fields import field_maps, parity

NUMBERS = np.array([1e3, 2e4, 3e5])


def test_parity_shows_each_pair_and_the_line(tmp_path):
    figure = parity({"k_x": (NUMBERS, 2 * NUMBERS), "k_y": (NUMBERS, NUMBERS)}, names=("published", "computed"), log=True)
    assert isinstance(figure, Figure)
    assert [at.get_title() for at in figure.axes] == ["k_x", "k_y"]
    for at, factor in zip(figure.axes, (2, 1), strict=True):
        assert np.array_equal(at.collections[0].get_offsets(), np.stack([NUMBERS, factor * NUMBERS], axis=1))
        assert np.array_equal(*at.lines[0].get_data())
        assert list(at.lines[0].get_xdata()) == [NUMBERS[0], factor * NUMBERS[-1]]
        assert (at.get_xscale(), at.get_xlabel(), at.get_ylabel()) == ("log", "published", "computed")
    save(figure, tmp_path / "parity.png")
    assert {"1000", "2000", "5000"} < {text.get_text() for text in figure.axes[1].get_xticklabels()}, "no TeX that nobody sets"


def test_parity_takes_shapes_and_negative_numbers():
    values = np.arange(6.0).reshape(2, 3) - 3
    at = parity({"nu": (values, values + 1)}).axes[0]
    assert at.collections[0].get_offsets().shape == (6, 2)
    assert at.get_xscale() == "linear"


@pytest.mark.parametrize(
    ("pairs", "log"),
    [
        ({"a": (NUMBERS, NUMBERS[:2])}, False),
        ({"a": (NUMBERS[:0], NUMBERS[:0])}, False),
        ({"a": (NUMBERS, NUMBERS * np.nan)}, False),
        ({"a": (NUMBERS, -NUMBERS)}, True),
    ],
)
def test_parity_refuses(pairs, log):
    with pytest.raises(ValueError, match=r"pairs\['a'\] must be two arrays of one shape"):
        parity(pairs, log=log)
    with pytest.raises(ValueError, match="one property or more"):
        parity({})


def test_maps_show_fields_with_scales_and_images_without():
    field, image = np.arange(200.0).reshape(10, 20), np.eye(10)
    field[3, 4] = 1e6  # a peak at a corner
    figure = field_maps({"phase 1": image, "strain": field, "stress": -field, "more": field}, columns=3, title="a load", cut=1)
    shown = [at for at in figure.axes if at.images]
    assert [at.get_title() for at in shown] == ["phase 1", "strain", "stress", "more"]
    assert len(figure.axes) == 4 + 3, "a scale for each field, none for the image; empty places are gone"
    assert [at.images[0].cmap.name for at in shown[:2]] == ["gray_r", "viridis"]
    assert np.array_equal(shown[1].images[0].get_array(), field)
    assert shown[1].images[0].get_clim() == tuple(np.percentile(field, [1, 99]))
    assert shown[1].images[0].get_clim()[1] < 1e4
    assert (shown[0].get_ylabel(), shown[0].get_xlabel()) == ("x", "y")


@pytest.mark.parametrize("maps", [{}, {"a": np.zeros(3)}, {"a": np.full((2, 2), np.nan)}, {"a": np.eye(2), "b": np.zeros((1, 2, 2))}])
def test_maps_refuse(maps):
    with pytest.raises(ValueError, match="maps must be one or more finite arrays"):
        field_maps(maps)
