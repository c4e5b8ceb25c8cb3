"""The spacing that files hold: each axis in its own unit, and of electron microscopes."""

import numpy as np
import pytest
import tifffile

from support.cli_harness import blobs, photograph
from twopoint.cli.reading.image import read
from twopoint.cli.reading.recorded import recorded
from twopoint.cli.reading.spacing import Spacing

GRAY = photograph(blobs((20, 24)))
STACK = np.stack([GRAY] * 6)
BOTH = {"PhysicalSizeX": 650, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.7, "PhysicalSizeYUnit": "µm"}


def close(found, steps, unit):
    assert found is not None
    assert found.unit == unit
    assert found.steps == pytest.approx(steps)
    return True


@pytest.mark.parametrize(
    ("metadata", "steps", "unit"),
    [
        (BOTH, (700, 650), "nm"),
        (BOTH | {"PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": "µm"}, (2000, 700, 650), "nm"),
        (BOTH | {"PhysicalSizeZ": 2.0}, (2000, 700, 650), "nm"),  # without a unit it is µm
        ({"PhysicalSizeX": 0.65, "PhysicalSizeY": 700, "PhysicalSizeYUnit": "nm"}, (0.7, 0.65), "µm"),
        ({"PhysicalSizeX": 1, "PhysicalSizeXUnit": "Å", "PhysicalSizeY": 0.1, "PhysicalSizeYUnit": "nm"}, (1, 1), "Å"),
        (BOTH | {"PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": "pixel"}, (700, 650), "nm"),
    ],
)
def test_ome_sizes_have_a_unit_each(tmp_path, metadata, steps, unit):
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, photometric="minisblack", metadata={"axes": "ZYX"} | metadata)
    assert close(read(f"{tmp_path}/a.ome.tif[0]").spacing, steps[-2:], unit)
    whole = read(f"{tmp_path}/a.ome.tif").spacing
    assert close(whole, steps, unit) if len(steps) == 3 else whole is None


@pytest.mark.parametrize("unit", ["pixel", "reference frame", "parsec", ""])
def test_ome_units_that_are_no_lengths_are_ignored(tmp_path, unit):
    metadata = {"axes": "ZYX"} | BOTH | {"PhysicalSizeYUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, photometric="minisblack", metadata=metadata)
    assert read(f"{tmp_path}/a.ome.tif[0]").spacing is None


def test_each_image_of_an_ome_file_has_its_own_spacing(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        file.write(STACK, photometric="minisblack", metadata={"axes": "ZYX"} | BOTH)
        file.write(GRAY, photometric="minisblack", metadata={"PhysicalSizeX": 3.0, "PhysicalSizeY": 3.0})
    assert close(read(f"{tmp_path}/a.ome.tif:0[1]").spacing, (700, 650), "nm")
    assert close(read(f"{tmp_path}/a.ome.tif:1").spacing, (3, 3), "µm")


@pytest.mark.parametrize(
    ("metadata", "per_unit", "steps", "unit"),
    [
        ({"unit": "um", "yunit": "nm", "zunit": "nm", "spacing": 2000.0}, (2.0, 0.004), (2, 0.25, 0.5), "µm"),
        ({"unit": "nm", "zunit": "um", "spacing": 0.2}, (2.0, 4.0), (200, 0.25, 0.5), "nm"),
        ({"unit": "nm", "zunit": "micron", "spacing": 0.002}, (2.0, 4.0), (2, 0.25, 0.5), "nm"),
        ({"unit": "nm", "yunit": "\\u00B5m", "spacing": 2.0}, (2.0, 400.0), (2, 2.5, 0.5), "nm"),
        ({"unit": "nm", "zunit": "pixel", "spacing": 2.0}, (2.0, 4.0), (0.25, 0.5), "nm"),
        ({"unit": "nm", "yunit": "pixel", "spacing": 2.0}, (2.0, 4.0), None, None),
    ],
)
def test_imagej_units_differ_by_axis(tmp_path, metadata, per_unit, steps, unit):
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=per_unit, metadata={"axes": "ZYX"} | metadata)
    plane, whole = read(f"{tmp_path}/a.tif[0]").spacing, read(f"{tmp_path}/a.tif").spacing
    if steps is None:
        assert plane is whole is None
        return
    assert close(plane, steps[-2:], unit)
    assert close(whole, steps, unit) if len(steps) == 3 else whole is None


FEI = "[User]\r\nDate=01/01/2020\r\n\r\n[Scan]\r\nPixelWidth={0}\r\nPixelHeight={1}\r\nHorFieldsize=1e-05\r\n"
ZEISS = "\r\n".join(["0", "0", "0", "1.1e-08", "AP_MAG", "Mag = 10.00 K X", "{0}", "{1} = {2}", "AP_WD", "WD =  4.9 mm", ""])


@pytest.mark.parametrize("tag", [34680, 34682])
@pytest.mark.parametrize(("width", "height", "steps"), [("2.5e-09", "2.5e-09", (2.5, 2.5)), ("1e-06", "2e-06", (2000, 1000))])
def test_fei_and_thermo_fisher(tmp_path, tag, width, height, steps):
    text = FEI.format(width, height).encode()
    tifffile.imwrite(tmp_path / "a.tif", GRAY, extratags=[(tag, 2, len(text), text, True)], metadata=None)
    assert close(read(f"{tmp_path}/a.tif").spacing, steps, "nm")


@pytest.mark.parametrize(
    "broken", ["", "[Scan]\r\nPixelWidth=\r\n", "[Scan]\r\nPixelWidth=0\r\n", "[Scan]\r\nPixelWidth=abc\r\nPixelHeight=1\r\n"]
)
def test_an_fei_tag_without_a_size_gives_none(tmp_path, broken):
    text = ("[User]\r\nDate=1\r\n" + broken).encode()
    tifffile.imwrite(tmp_path / "a.tif", GRAY, extratags=[(34682, 2, len(text), text, True)], metadata=None)
    assert read(f"{tmp_path}/a.tif").spacing is None


@pytest.mark.parametrize(
    ("key", "name", "value", "steps", "unit"),
    [
        ("AP_PIXEL_SIZE", "Pixel Size", "11.16 nm", (11.16, 11.16), "nm"),
        ("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size", "1.5 µm", (1.5, 1.5), "µm"),
        ("AP_PIXEL_SIZE", "Pixel Size", "560 pm", (560, 560), "pm"),
    ],
)
def test_zeiss(tmp_path, key, name, value, steps, unit):
    text = ZEISS.format(key, name, value).encode("cp1252")
    tifffile.imwrite(tmp_path / "a.tif", GRAY, extratags=[(34118, 2, len(text), text, True)], metadata=None)
    assert close(read(f"{tmp_path}/a.tif").spacing, steps, unit)


def test_recorded_lengths():
    assert recorded([(2.0, "micron"), (650.0, "nm"), (650.0, "nm")]) == Spacing((2000.0, 650.0, 650.0), "nm")
    assert recorded([(1.0, "Nanometre"), (1.0, "NM")]) is None  # the unit of a length is spelled as in SI
    for lengths in ([], [(0.0, "nm"), (1.0, "nm")], [(np.nan, "nm")], [(np.inf, "nm")], [(1.0, "inch")], [(-1.0, "nm")], [(1.0, "m")]):
        assert recorded(lengths) is None
