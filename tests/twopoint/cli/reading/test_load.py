"""Loading: masks, and sampling at a coarser spacing."""

import json

import numpy as np
import tifffile
from PIL import Image

from support.cli_harness import blobs, refused, typed
from twopoint.cli.reading.load import ReadingOptions, load, resample
from twopoint.cli.reading.spacing import Spacing


def test_a_mask_of_ones_is_no_mask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", blobs((12, 12)))
    Image.new("L", (12, 12), 255).save("ones.png")
    assert load("a.npy", ReadingOptions(), "ones.png").mask is None
    half = np.zeros((12, 12, 3), np.uint8)
    half[:6] = 255
    Image.fromarray(half).save("half.png")
    found = load("a.npy", ReadingOptions(window="2:10,0:12"), "half.png")
    assert found.mask.sum() == 4 * 12
    assert found.summary()["points"] == 48


def test_sampling_keeps_what_has_the_spacing_already(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(48).reshape(6, 8) % 3)
    given = load(str(tmp_path / "a.npy"), ReadingOptions())
    assert resample(given, Spacing((1.0, 1.0), "mm"), Spacing((1000.0, 1000.0), "µm")) is given
    found = resample(given, Spacing((1.0, 1.0), "mm"), Spacing((3.0, 1.0), "mm"))
    np.testing.assert_array_equal(found.segmentation.labels, given.segmentation.labels[1::3])


def test_spacing_file_takes_what_the_file_says(tmp_path, monkeypatch):
    run = typed(tmp_path, monkeypatch)
    metadata = {"PhysicalSizeX": 650, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.7, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite("a.ome.tif", blobs((24, 20)), photometric="minisblack", metadata=metadata)
    result = run("stats", "a.ome.tif", "--spacing", "file", "--json", "-")
    assert json.loads(result.stdout)["spacing"] == {"steps": [700.0, 650.0], "unit": "nm"}
    assert "--spacing" not in result.stderr
    assert "pass --spacing 700nm,650nm" in run("stats", "a.ome.tif", "--json", "-", "--force").stderr
    words = ("reconstruct", "a.ome.tif", "--spacing", "file", "--window", 16, "--labels", "found.npy")
    assert "--spacing 700nm,650nm" in run(*words).stdout
    np.save("a.npy", blobs((24, 20)))
    refused(run("stats", "a.npy", "--spacing", "file"), "--spacing file: a.npy has no spacing of its pixels; pass a length")
