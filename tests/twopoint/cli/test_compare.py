"""The command ``compare``, as a person types it: what it prints, draws and writes."""

import json

import numpy as np
import pytest
import tifffile
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
    assert measured["cumulative"] is False
    boxes = json.loads(run("compare", "a.npy", "b.npy", "--boundary", "periodic", "--out", "c.png", "--cumulative", "--json", "-").stdout)
    assert boxes["msess"] == pytest.approx(float(twopoint.msess(b, a, cumulative=True)), rel=1e-9)
    assert boxes["excess_cess"] == pytest.approx(float(twopoint.cess(b, a, excess=True, cumulative=True)), rel=1e-9)
    assert boxes["error"] == measured["error"]
    assert "cumulative excess CESS, nats" in run("compare", "a.npy", "b.npy", "--out", "d.png", "--cumulative").stdout
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


def test_spacing_file_takes_what_each_file_says(run, tmp_path):
    """A states 0.5 and B 1000 nm, in its own unit; C states nothing."""
    fine = blobs((90, 80), scale=6.0)
    for name, labels, step, unit in (("a", fine, 0.5, "µm"), ("b", fine[1::2, 1::2], 1000, "nm")):
        metadata = {f"PhysicalSize{axis}{what}": value for axis in "XY" for what, value in (("", step), ("Unit", unit))}
        tifffile.imwrite(f"{name}.ome.tif", labels, photometric="minisblack", metadata=metadata)
    np.save("c.npy", fine)
    files = ("a.ome.tif", "b.ome.tif")
    for more in ((), ("--spacing-b", "file"), ("--spacing-b", "1um")):
        result = run("compare", *files, "--spacing", "file", *more, "--json", "-", "--force")
        measured = json.loads(result.stdout)
        assert measured["spacing"] == {"steps": [1.0, 1.0], "unit": "µm"}
        assert measured["error"] < 1e-12
        assert "pass --spacing" not in result.stderr
        assert "note: a.ome.tif: sampled at the spacing of the other image, 45 x 40 px" in result.stderr
    measured = json.loads(run("compare", *files[::-1], "--spacing", "1um", "--spacing-b", "file", "--json", "-", "--force").stdout)
    assert measured["error"] < 1e-12
    words = ("compare", "a.ome.tif", "c.npy", "--spacing", "file")
    cli_harness.refused(run(*words), "c.npy has no spacing of its pixels; pass a length, such as --spacing-b 0.65um")
    assert json.loads(run(*words, "--spacing-b", "500nm", "--json", "-").stdout)["error"] < 1e-12
    message = "--spacing file: c.npy has no spacing of its pixels; pass a length, such as --spacing 0.65um"
    cli_harness.refused(run("compare", "c.npy", "a.ome.tif", "--spacing", "file"), message)
    cli_harness.refused(run("compare", *files, "--spacing-b", "file", "--force"), "--spacing-b file needs --spacing, the spacing of A, too")


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


LABELS = blobs((40, 36), phases=3)


def pairing(run, tmp_path, a, b, *words):
    """Return how compare pairs the phases of two files of values, and the error; the names end in .npy, or in .png for bytes."""
    names = []
    for name, values in (("a", a), ("b", b)):
        names.append(f"{name}.png" if values.dtype == np.uint8 else f"{name}.npy")
        Image.fromarray(values).save(tmp_path / names[-1]) if values.dtype == np.uint8 else np.save(tmp_path / names[-1], values)
    result = run("compare", *names, "--force", *words, "--json", "figures.json")
    if result.exit_code:
        return result
    measured = json.loads((tmp_path / "figures.json").read_text())
    assert measured["pairing"] in result.stdout
    return measured["pairing"], measured["error"] < 1e-9


@pytest.mark.matrix(keep=6)
@pytest.mark.parametrize(
    ("a", "b"), [((0, 1), (0, 2)), ((0, 2), (0, 1)), ((0, 1), (1, 2)), ((0, 1), (0, 7)), ((3, 9), (3, 8)), ((0, 128), (0, 255))]
)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32])
def test_integers_are_paired_by_value(run, tmp_path, a, b, dtype):
    labels = blobs()
    result = pairing(run, tmp_path, np.array(a, dtype)[labels], np.array(b, dtype)[labels])
    name = "png" if dtype == np.uint8 else "npy"
    message = f"a.{name} holds the values {a[0]}, {a[1]} and b.{name} {b[0]}, {b[1]}, and integers are paired by value; give both images"
    cli_harness.refused(result, message)
    words = ("--threshold", f"{sum(a) / 2}", "--threshold-b", f"{sum(b) / 2}")
    said, equal = pairing(run, tmp_path, np.array(a, dtype)[labels], np.array(b, dtype)[labels], *words)
    assert (said, equal) == ("from dark to bright: A and B segmented from gray values", True)


def test_integers_of_three_phases_are_paired_by_value(run, tmp_path):
    first, second = np.array([0, 1, 2])[LABELS], np.array([0, 1, 3])[LABELS]
    cli_harness.refused(
        pairing(run, tmp_path, first, second), "a.npy holds the values 0, 1, 2 and b.npy 0, 1, 3, and integers are paired by"
    )
    assert pairing(run, tmp_path, second, second.astype(float)) == ("by value: 0, 1, 3", True)
    said, equal = pairing(run, tmp_path, first, np.array([2, 1, 0])[LABELS])
    assert (said, equal) == ("by value: 0, 1, 2", False)


def test_labels_spread_from_black_to_white_are_numbers(run, tmp_path):
    said = "as spread evenly from black to white: 0, 1 of A with 0, 255 of B"
    assert pairing(run, tmp_path, blobs().astype(int), 255 * blobs()) == (said, True)
    assert pairing(run, tmp_path, blobs() > 0, 255 * blobs()) == (said, True)
    for gray in ((0, 127, 255), (0, 128, 255)):
        assert pairing(run, tmp_path, LABELS.astype(int), np.array(gray, np.uint8)[LABELS])[1]
    assert pairing(run, tmp_path, 65_535 * blobs().astype(int), 255 * blobs())[1]


def test_other_phases_are_paired_from_dark_to_bright(run, tmp_path):
    labels = blobs()
    said = "from dark to bright: 0.2, 0.7 of A with 0.2, 0.8 of B"
    assert pairing(run, tmp_path, np.array([0.2, 0.7])[labels], np.array([0.2, 0.8])[labels]) == (said, True)
    assert pairing(run, tmp_path, np.array([0.2, 0.7])[labels], np.array([0.2, 0.7 + 1e-16])[labels]) == ("by value: 0.2, 0.7", True)
    gray = photograph(labels)
    assert pairing(run, tmp_path, gray, labels.astype(int))[0] == "from dark to bright: A segmented from gray values"
    assert pairing(run, tmp_path, gray, gray) == ("from dark to bright: A and B segmented from gray values", True)
    Image.fromarray(255 * labels).save(tmp_path / "a.jpg", quality=99)
    np.save(tmp_path / "b.npy", 2 * labels.astype(int))
    assert "from dark to bright: A segmented from gray values" in run("compare", "a.jpg", "b.npy").stdout
    Image.fromarray(np.array([[0, 0, 120], [255, 230, 0]], np.uint8)[labels]).save(tmp_path / "colour.png")
    assert "from dark to bright: colours have no values" in run("compare", "colour.png", "b.npy").stdout
