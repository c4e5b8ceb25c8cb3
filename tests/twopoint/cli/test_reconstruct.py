"""The command ``reconstruct``, as a person types it: what it prints, draws and writes."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from support import cli_harness
from support.cli_harness import PNG, blobs, photograph
from twopoint.cli.reading.load import ReadingOptions
from twopoint.cli.showing import remarks
from twopoint.synthetic import circles


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "discs.npy"
    np.save(path, 255 * circles((24, 20), n_circles=2, radius=4.0, rng=np.random.default_rng(0)))
    return path


def test_reconstruct_writes_picture_and_figures(run, image, tmp_path):
    result = run("reconstruct", image, "--json", "figures.json", "--seed", 3, "--loss", "msess", "--starts", 2)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "discs-reconstruction.png").read_bytes().startswith(PNG)
    measured = json.loads((tmp_path / "figures.json").read_text())
    assert measured["loss"] == "msess"
    assert measured["seed"] == 3
    assert measured["boundary"] == "periodic"
    assert measured["spacing"] == {"steps": [1.0, 1.0], "unit": "px"}
    assert 0 <= measured["error_thresholded"] < 0.5
    assert measured["volume_fractions_got"] == pytest.approx(measured["volume_fractions_wanted"], abs=1e-12)
    assert f"{measured['error_thresholded']:.4f}" in result.stdout
    cli_harness.refused(run("reconstruct", image), "discs-reconstruction.png exists")
    cli_harness.refused(run("reconstruct", image, "--out", "b.png", "--json", "figures.json"), "figures.json exists")
    assert run("reconstruct", image, "--json", "figures.json", "--force").exit_code == 0


def test_reconstruct_by_a_cumulative_loss(run, image):
    result = run("reconstruct", image, "--window", 16, "--cumulative", "--json", "found.json")
    assert result.exit_code == 0, result.output
    assert "loss: cumulative excess CESS in nats" in result.stdout
    result = run("reconstruct", image, "--window", 16, "--cumulative", "--json", "-", "--out", "b.png")
    assert json.loads(result.stdout)["cumulative"] is True


def test_json_to_the_terminal_is_json(run, image):
    measured = json.loads(run("reconstruct", image, "--window", 16, "--json", "-").stdout)
    assert measured["shape"] == [16, 16]
    assert len(measured["volume_fractions_wanted"]) == 2


def test_reconstruct_three_phases_openly(run, tmp_path):
    np.save(tmp_path / "three.npy", np.arange(256).reshape(16, 16) // 4 % 4 % 3 * 0.5)
    result = run("reconstruct", "three.npy", "--out", "out.png", "--boundary", "open", "--spacing", "2nm")
    assert result.exit_code == 0, result.output
    assert "volume fraction of phase 2" in result.stdout


@pytest.mark.parametrize("name", ["found.npy", "found.png", "found.TIF"])
def test_labels_are_written_and_read_again(run, image, tmp_path, name):
    result = run("reconstruct", image, "--labels", name)
    assert result.exit_code == 0, result.output
    again = json.loads(run("stats", name, "--json", "-").stdout)
    assert again["shape"] == [24, 20]
    assert again["phases"][1]["volume_fraction"] == pytest.approx(np.mean(np.load(image) > 0))
    assert again["segmentation"]["values"] == {"png": [0, 255]}.get(name[-3:], [0, 1])


@pytest.mark.long
def test_a_volume_is_reconstructed(run, tmp_path):
    np.save(tmp_path / "volume.npy", blobs((5, 6, 7)))
    result = run("reconstruct", "volume.npy", "--labels", "found.tif", "--json", "-")
    assert result.exit_code == 0, result.output
    assert json.loads(run("stats", "found.tif", "--json", "-").stdout)["shape"] == [5, 6, 7]
    cli_harness.refused(run("reconstruct", "volume.npy", "--labels", "found.png", "--out", "b.png"), "can hold one image, not a volume")


@pytest.mark.long
def test_the_alloy_comes_back(tmp_path, shared_data):
    file = shared_data / "data/micrographs/mcrpy_alloy_256.npy"
    command = [sys.executable, "-m", "twopoint", "reconstruct", str(file), "--window", "128", "--json", "-"]
    measured = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    assert (tmp_path / "mcrpy_alloy_256-reconstruction.png").read_bytes().startswith(PNG)
    assert measured["error_thresholded"] <= 0.15  # the bar is 0.4; measured 0.11
    assert measured["volume_fractions_got"] == pytest.approx(measured["volume_fractions_wanted"], abs=1e-12)


@pytest.mark.long
def test_reconstruct_says_the_seam_and_an_open_boundary_has_none(run, tmp_path):
    np.save(tmp_path / "a.npy", blobs((60, 60), scale=4.0)[5:35, 5:33])
    assert "opposite edges do not match" in run("reconstruct", "a.npy").stderr
    assert "opposite edges do not match" not in run("reconstruct", "a.npy", "--boundary", "open", "--crop", 11, "--force").stderr


def test_open_statistics_of_all_lags_find_the_original_and_it_is_said(run, tmp_path):
    labels = blobs((14, 14), scale=2.0)
    np.save(tmp_path / "a.npy", labels)
    result = run("reconstruct", "a.npy", "--boundary", "open", "--crop", 27, "--labels", "found.npy", "--json", "a.json")
    assert "error 0: this is the original itself" in result.stdout
    assert json.loads((tmp_path / "a.json").read_text())["original"] == "error 0: this is the original itself"
    np.testing.assert_array_equal(np.load("found.npy"), labels)


@pytest.mark.matrix(keep=1)
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


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(("values", "name"), [((3, 8), "found.npy"), ((3, 8), "found.png"), ((0, 1), "found.png"), ((0, 255), "found.tif")])
def test_the_command_that_checks_labels_pairs_their_values(run, tmp_path, values, name):
    np.save(tmp_path / "a.npy", np.array(values)[blobs((16, 16))])
    result = run("reconstruct", "a.npy", "--labels", name)
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("check: ")]
    assert ("--threshold 5.5" in line) == (values == (3, 8))
    again = run(*shlex.split(line.removeprefix("check: "))[1:])
    assert again.exit_code == 0, again.output


@pytest.mark.long
def test_without_labels_the_command_says_which_to_write(run, tmp_path):
    np.save(tmp_path / "a.npy", blobs((16, 16)))
    assert "check: twopoint compare a.npy found.npy --boundary periodic (with --labels found.npy)" in run("reconstruct", "a.npy").stdout
    assert remarks.compare_command("a.npy", ReadingOptions(), "open", 9, None, None, 2).endswith("--boundary open --crop 9")


def test_an_npz_of_one_array_is_an_image_and_statistics_are_found_by_content(tmp_path, monkeypatch):
    run = cli_harness.typed(tmp_path, monkeypatch)
    np.savez(tmp_path / "one.npz", a=blobs((16, 16)))
    np.savez(tmp_path / "two.npz", a=blobs((16, 16)), b=np.eye(9))
    assert run("reconstruct", "one.npz", "--starts", 1).exit_code == 0
    assert run("reconstruct", "two.npz:a", "--starts", 1).exit_code == 0
    cli_harness.refused(run("reconstruct", "two.npz"), "does not hold statistics of twopoint stats --save")
    assert run("stats", "one.npz", "--save", "s.npz", "--boundary", "periodic").exit_code == 0
    (tmp_path / "s.npz").rename(tmp_path / "s.dat")
    cli_harness.refused(run("stats", "s.dat", "--force"), "s.dat holds statistics, not an image; twopoint reconstruct takes it")
    assert run("reconstruct", "s.dat", "--starts", 1).exit_code == 0
