"""Spacing: as it is typed, and as files hold it."""

import h5py
import numpy as np
import pytest
import tifffile

from support.cli_harness import blobs, photograph
from twopoint.cli.reading.image import read
from twopoint.cli.reading.spacing import Spacing, parse_spacing
from twopoint.cli.terminal import InputError

GRAY = photograph(blobs((20, 24)))
STACK = np.stack([GRAY] * 6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"imagej": True, "resolution": (2.0, 4.0), "metadata": {"unit": "um", "spacing": 2.0}}, Spacing((2.0, 0.25, 0.5), "µm")),
        ({"imagej": True, "resolution": (2.0, 2.0), "metadata": {"unit": "\\u00B5m"}}, Spacing((0.5, 0.5), "µm")),
        ({"imagej": True, "resolution": (2.0, 2.0), "metadata": {"unit": "pixel"}}, None),
        ({"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}, Spacing((0.5, 0.5), "µm")),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ({"resolution": (28, 28), "resolutionunit": "CENTIMETER"}, Spacing((357.143, 357.143), "µm")),
        ({}, None),
    ],
)
def test_what_a_tiff_says(tmp_path, options, said):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="minisblack", **options)
    found = read(f"{tmp_path}/a.tif[0]").spacing
    assert found == (None if said is None else said.last(2))
    whole = read(f"{tmp_path}/a.tif").spacing
    assert whole == (said if said is not None and len(said.steps) == 3 else None)


def test_what_ome_and_hdf5_say(tmp_path):
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.65, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.7, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, photometric="minisblack", metadata=metadata)
    assert read(f"{tmp_path}/a.ome.tif").spacing == Spacing((2.0, 0.7, 0.65), "µm")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = STACK, STACK
        file["x"].attrs["element_size_um"] = [2.0, 0.65, 0.65]
        file["y"].attrs["element_size_um"] = "none"
    assert read(f"{tmp_path}/a.h5:x").spacing == Spacing((2.0, 0.65, 0.65), "µm")
    assert read(f"{tmp_path}/a.h5:x[2]").spacing == Spacing((0.65, 0.65), "µm")
    assert read(f"{tmp_path}/a.h5:y").spacing is None


def test_spacings():
    assert parse_spacing(None) == Spacing((1.0,), "px")
    for text in ("0.65um", "0.65 µm", "0.65\u03bcm", ".65um", "6.5e-1um"):
        assert parse_spacing(text) == Spacing((0.65,), "µm")
    assert parse_spacing("2Å,0.3nm") == Spacing((2.0, 3.0), "Å")
    assert parse_spacing("1mm").along(3) == Spacing((1.0, 1.0, 1.0), "mm")
    assert parse_spacing("650nm").metres == pytest.approx(parse_spacing("0.65um").metres)
    for wrong in ("", "um", "1", "1 parsec", "1.2.3um", "1um,", "-1um", "1e400m", "0nm"):
        with pytest.raises(InputError, match="--spacing"):
            parse_spacing(wrong)
