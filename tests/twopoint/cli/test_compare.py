"""The command ``compare``, as a person types it: what it prints, draws and writes."""

import json

import numpy as np
import pytest
from PIL import Image

import twopoint
import twopoint.cli
from support import cli_harness
from support.cli_harness import PNG, blobs, photograph

GRAY = photograph(blobs((20, 24)))


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photograph(blobs((60, 50), scale=4.0))).save(path)
    return path


def test_compare_images_of_different_sizes(run, tmp_path):
    labels = blobs((60, 50), scale=3.0)
    np.save(tmp_path / "a.npy", labels)
    np.save(tmp_path / "b.npy", 255 * labels[:40, :44])
    result = run("compare", "a.npy", "b.npy", "--json", "figures.json", "--spacing", "1mm", "--spacing-b", "1000um")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a-b-compare.png").read_bytes().startswith(PNG)
    measured = json.loads((tmp_path / "figures.json").read_text())
    assert measured["crop"] == [40, 44]
    assert measured["volume_fractions_b"][1] == pytest.approx(labels[:40, :44].mean())
    assert 0 < measured["radial_difference"] < 0.2
    assert f"{measured['error']:.4f}" in result.stdout


def test_compare_agrees_with_the_library(run, tmp_path):
    a, b = (twopoint.one_hot(blobs((24, 20), seed=seed), 2) for seed in (0, 1))
    np.save(tmp_path / "a.npy", a[1])
    np.save(tmp_path / "b.npy", b[1])
    measured = json.loads(run("compare", "a.npy", "b.npy", "--boundary", "periodic", "--json", "-").stdout)
    assert measured["msess"] == pytest.approx(float(twopoint.msess(b, a)), rel=1e-9)
    assert measured["excess_cess"] == pytest.approx(float(twopoint.cess(b, a, excess=True)), rel=1e-9)
    assert measured["error"] == pytest.approx(twopoint.statistics_error(b, a), rel=1e-9)
    same = json.loads(run("compare", "a.npy", "a.npy", "--out", "same.png", "--json", "-").stdout)
    assert same["error"] < 1e-12


def test_compare_photographs(run, photo, tmp_path):
    Image.fromarray(photograph(blobs((60, 50), scale=4.0, seed=3))).save(tmp_path / "other.png")
    result = run("compare", photo, "other.png", "--crop", 21)
    assert result.exit_code == 0, result.output
    assert "lags compared" in result.stdout
    assert "21 x 21" in result.stdout


def test_images_of_different_spacing_are_compared_at_the_coarser_one(run, tmp_path):
    fine = blobs((90, 80), scale=6.0)
    np.save(tmp_path / "fine.npy", fine)
    np.save(tmp_path / "coarse.npy", fine[1::2, 1::2])
    result = run("compare", "fine.npy", "coarse.npy", "--spacing", "1um", "--spacing-b", "2um", "--json", "a.json")
    assert result.exit_code == 0, result.output
    assert "note: fine.npy: sampled at the spacing of the other image, 45 x 40 px, 90 x 80 µm" in result.stderr
    measured = json.loads((tmp_path / "a.json").read_text())
    assert measured["spacing"] == {"steps": [2.0, 2.0], "unit": "µm"}
    assert measured["error"] < 1e-12
    other = json.loads(run("compare", "coarse.npy", "fine.npy", "--spacing", "2um", "--spacing-b", "1000nm", "--json", "-").stdout)
    assert other["error"] < 1e-12
    assert json.loads(run("compare", "fine.npy", "coarse.npy", "--out", "c.png", "--json", "-").stdout)["error"] > 0.1


@pytest.mark.long
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
