"""The command ``stats``, as a person types it: what it prints, draws and writes."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from support import cli_harness
from support.cli_harness import PNG, blobs, photograph

GRAY = photograph(blobs((20, 24)))
STACK = np.stack([GRAY] * 6)


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photograph(blobs((60, 50), scale=4.0))).save(path)
    return path


def test_stats_of_a_photograph(run, photo, tmp_path):
    result = run("stats", photo, "--spacing", "0.5um", "--json", "figures.json")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "photo-stats.png").read_bytes().startswith(PNG)
    assert "2 phases by Otsu's method, threshold" in result.stderr
    assert "60 x 50 px, 30 x 25 µm" in result.stdout
    assert "open" in result.stdout
    measured = json.loads((tmp_path / "figures.json").read_text())
    assert measured["shape"] == [60, 50]
    assert measured["boundary"] == "open"
    assert measured["spacing"] == {"steps": [0.5, 0.5], "unit": "µm"}
    assert measured["phases"][1]["volume_fraction"] == pytest.approx(0.5, abs=0.03)
    assert measured["segmentation"]["values"] == []
    assert 90 < measured["segmentation"]["thresholds"][0] < 140
    assert len(measured["radial"]["r"]) == len(measured["radial"]["autocorrelations"][0])
    assert measured["radial"]["r"][1] == 0.5
    assert f"{measured['phases'][0]['correlation_length']:.4g}" in result.stdout


def test_one_verdict_for_the_field_and_equal_numbers_for_two_phases(run, photo, tmp_path):
    whole = run("stats", photo, "--json", "a.json")
    measured = json.loads((tmp_path / "a.json").read_text())
    first, second = measured["phases"]
    assert first["correlation_length"] == pytest.approx(second["correlation_length"])
    assert first["tail"] == pytest.approx(second["tail"])
    assert "large_enough" not in first
    assert measured["field_of_view"]["large_enough"] in (True, False)
    assert measured["field_of_view"]["reason"] in whole.stdout
    np.testing.assert_allclose(*measured["radial"]["autocovariances"], atol=1e-12)
    cropped = run("stats", photo, "--crop", 11, "--force").stdout
    assert "–: it needs lags up to 24 px, half of the image, and --crop keeps 5 px" in cropped


def test_stats_says_what_is_noise(run, tmp_path):
    gray = photograph(blobs((60, 50), scale=4.0), noise=45.0)
    Image.fromarray(gray).save(tmp_path / "noisy.png")
    assert "% of the pixels differ from all their neighbours" in run("stats", "noisy.png").stderr


def test_stats_of_labels_in_a_volume(run, tmp_path):
    np.save(tmp_path / "volume.npy", blobs((12, 14, 16), phases=3))
    result = run("stats", "volume.npy", "--boundary", "periodic", "--spacing", "1um,500nm,500nm", "--json", "-")
    measured = json.loads(result.stdout)
    assert measured["spacing"]["steps"] == [1.0, 0.5, 0.5]
    assert measured["crop"] == [12, 14, 16]
    assert [row["phase"] for row in measured["phases"]] == [0, 1, 2]
    (note,) = result.stderr.splitlines()  # labels need no remark on a segmentation
    assert "volume.npy: phases 0, 1, 2, or the gaps in between, are on average" in note


def test_stats_under_a_mask(run, photo, tmp_path):
    mask = np.zeros((60, 50), np.uint8)
    mask[:, 10:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    result = run("stats", photo, "--mask", "mask.png", "--json", "-")
    assert json.loads(result.stdout)["points"] == 60 * 40
    gray = np.array(Image.open(photo)).astype(float)
    gray[:, :10] = np.nan  # what lies outside does not matter
    np.save(tmp_path / "gray.npy", gray)
    again = json.loads(run("stats", "gray.npy", "--mask", "mask.png", "--json", "-").stdout)
    first = json.loads(result.stdout)
    assert again["phases"][1]["volume_fraction"] == pytest.approx(first["phases"][1]["volume_fraction"], abs=0.02)
    assert "points inside the mask" in run("stats", photo, "--mask", "mask.png", "--force").stdout


@pytest.mark.long
def test_real_files_of_each_layout(run, shared_data):
    micrographs = shared_data / "data/micrographs"
    for source, shape, phases in (
        (micrographs / "mcrpy_composite_256.npy", [256, 256], 3),
        (f"{shared_data / 'data/micro2d_500.h5'}:GRF/GRF[3]", [256, 256], 2),
        (f"{micrographs / 'leopard_sandstone_100.npy'}[50]", [100, 100], 2),
    ):
        measured = json.loads(run("stats", source, "--json", "-", "--out", "o.png", "--force").stdout)
        assert measured["shape"] == shape
        assert len(measured["phases"]) == phases


def test_a_spacing_that_is_not_taken_is_said(run, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(2, 2), metadata={"unit": "um", "spacing": 2.0})
    said = "a.tif: the file says 2 x 0.5 x 0.5 µm per pixel, which is not used by default; pass --spacing 2um,0.5um,0.5um"
    assert said in run("stats", "a.tif").stderr
    assert "the file says" not in run("stats", "a.tif", "--spacing", "2um,0.5um,0.5um", "--force").stderr


def test_thresholds_of_integers_are_written_in_full(run, tmp_path):
    Image.fromarray(GRAY.astype(np.uint16) * 250).save(tmp_path / "deep.png")
    result = run("stats", "deep.png", "--json", "-")
    (level,) = json.loads(result.stdout)["segmentation"]["thresholds"]
    assert f"threshold {level:.0f}" in result.stderr
    assert level > 10_000
