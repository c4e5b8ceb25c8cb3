"""Spacing: what a file says of it, and two images that differ in it."""

import json

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from support import cli_harness
from support.cli_harness import blobs, photograph
from twopoint.cli.reading.image import read
from twopoint.cli.reading.load import Reading, load, sampled
from twopoint.cli.reading.spacing import Spacing

GRAY = photograph(blobs((20, 24)))
STACK = np.stack([GRAY] * 6)


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


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


def test_a_spacing_that_is_not_taken_is_said(run, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(2, 2), metadata={"unit": "um", "spacing": 2.0})
    said = "a.tif: the file says 2 x 0.5 x 0.5 µm a pixel, which is not taken unasked; pass --spacing 2um,0.5um,0.5um"
    assert said in run("stats", "a.tif").stderr
    assert "the file says" not in run("stats", "a.tif", "--spacing", "2um,0.5um,0.5um", "--force").stderr


def test_images_of_different_spacing_are_compared_at_the_coarser_one(run, tmp_path):
    fine = blobs((90, 80), scale=6.0)
    np.save(tmp_path / "fine.npy", fine)
    np.save(tmp_path / "coarse.npy", fine[1::2, 1::2])
    result = run("compare", "fine.npy", "coarse.npy", "--spacing", "1um", "--spacing-b", "2um", "--json", "a.json")
    assert result.exit_code == 0, result.output
    assert "note: fine.npy: sampled at points as far apart as the other's, 45 x 40 px, 90 x 80 µm" in result.stderr
    measured = json.loads((tmp_path / "a.json").read_text())
    assert measured["spacing"] == {"steps": [2.0, 2.0], "unit": "µm"}
    assert measured["error"] < 1e-12
    other = json.loads(run("compare", "coarse.npy", "fine.npy", "--spacing", "2um", "--spacing-b", "1000nm", "--json", "-").stdout)
    assert other["error"] < 1e-12
    assert json.loads(run("compare", "fine.npy", "coarse.npy", "--out", "c.png", "--json", "-").stdout)["error"] > 0.1


def test_sampling_keeps_what_has_the_spacing_already(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(48).reshape(6, 8) % 3)
    given = load(str(tmp_path / "a.npy"), Reading())
    assert sampled(given, Spacing((1.0, 1.0), "mm"), Spacing((1000.0, 1000.0), "µm")) is given
    found = sampled(given, Spacing((1.0, 1.0), "mm"), Spacing((3.0, 1.0), "mm"))
    np.testing.assert_array_equal(found.found.labels, given.found.labels[1::3])


def test_windows_and_notes_of_one_file_and_names_of_two(run, tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    result = run("compare", "a.png", "a.png")
    assert result.stderr.count("by Otsu's method") == 1  # said once
    both = run("compare", "a.png", "a.png", "--window", "0:12,:", "--window-b", "8:,:", "--force", "--json", "-")
    measured = json.loads(both.stdout)
    assert (measured["a"]["shape"], measured["b"]["shape"]) == ([12, 24], [12, 24])
    assert measured["error"] > 0.01
    assert (tmp_path / "a-a-compare.png").exists()
    np.save(tmp_path / "a.npy", blobs((20, 24)))
    run("stats", "a.png")
    run("stats", "a.npy")
    assert (tmp_path / "a.png-stats.png").exists()
    assert (tmp_path / "a.npy-stats.png").exists()


def test_thresholds_of_integers_are_written_in_full(run, tmp_path):
    Image.fromarray(GRAY.astype(np.uint16) * 250).save(tmp_path / "deep.png")
    result = run("stats", "deep.png", "--json", "-")
    (level,) = json.loads(result.stdout)["segmentation"]["thresholds"]
    assert f"threshold {level:.0f}" in result.stderr
    assert level > 10_000
