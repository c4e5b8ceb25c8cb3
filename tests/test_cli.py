"""The command line, as a person types it."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import twopoint
from twopoint.cli import app as entry
from twopoint.cli import commands, figures, files
from twopoint.synthetic import circles

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in an empty folder; whatever fails must say so in one sentence, without a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words):
        result = CliRunner().invoke(commands.app, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "discs.npy"
    np.save(path, 255 * circles((24, 20), n_circles=2, radius=4.0, rng=np.random.default_rng(0)))
    return path


def test_demo_twice(run, tmp_path):
    for size in (32, 16):
        result = run("demo", "--size", size, "--starts", 1)
        assert result.exit_code == 0, result.output
        assert "relative error of the statistics" in result.stdout
        assert "volume fraction of phase 1" in result.stdout
    picture = tmp_path / "twopoint-demo.png"
    assert picture.read_bytes().startswith(PNG)


def test_demo_keeps_files_of_others(run, tmp_path):
    (tmp_path / "mine.png").write_text("mine")
    result = run("demo", "--out", "mine.png", "--size", 16)
    assert result.exit_code == 2
    assert "mine.png exists; --force overwrites it" in result.stderr
    assert (tmp_path / "mine.png").read_text() == "mine"


def test_reconstruct_writes_picture_and_figures(run, image, tmp_path):
    result = run("reconstruct", image, "--json", "figures.json", "--seed", 3, "--loss", "msess", "--starts", 2)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "discs-reconstruction.png").read_bytes().startswith(PNG)
    measured = json.loads((tmp_path / "figures.json").read_text())
    assert measured["loss"] == "msess"
    assert measured["seed"] == 3
    assert 0 <= measured["error_thresholded"] < 0.5
    assert measured["volume_fractions_got"] == pytest.approx(measured["volume_fractions_wanted"], abs=1e-12)
    assert f"{measured['error_thresholded']:.4f}" in result.stdout
    assert run("reconstruct", image).exit_code == 2  # the picture is there
    assert run("reconstruct", image, "--out", "b.png", "--json", "figures.json").exit_code == 2
    assert run("reconstruct", image, "--json", "figures.json", "--force").exit_code == 0


def test_json_to_the_terminal_is_json(run, image):
    measured = json.loads(run("reconstruct", image, "--window", 16, "--json", "-").stdout)
    assert len(measured["volume_fractions_wanted"]) == 2


def test_three_phases(run, tmp_path):
    np.save(tmp_path / "three.npy", np.arange(256).reshape(16, 16) // 4 % 4 % 3 * 0.5)
    result = run("reconstruct", "three.npy", "--out", "out.png")
    assert result.exit_code == 0, result.output
    assert "volume fraction of phase 2" in result.stdout


def test_the_alloy_comes_back(run, shared_data):
    file = shared_data / "data/micrographs/mcrpy_alloy_256.npy"
    result = run("reconstruct", file, "--window", 128, "--out", "alloy.png", "--json", "-")
    measured = json.loads(result.stdout)
    assert measured["error_thresholded"] <= 0.15  # the bar is 0.4; measured 0.11
    assert measured["volume_fractions_got"] == pytest.approx(measured["volume_fractions_wanted"], abs=1e-12)


def test_version(run):
    assert run("--version").stdout.strip() == f"twopoint {twopoint.__version__}"


def spoiled(array):
    array = array.astype(float)
    array[0, 0] = np.nan
    return array


GOOD = np.eye(8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"no array at all", "cannot be read"),
        (PNG, "cannot be read"),
        (None, "cannot be read: No such file"),
        (np.zeros((0, 5)), "is empty"),
        (np.ones((8, 8)), "holds the value 1.0 only"),
        (np.arange(64).reshape(8, 8), "64 distinct values; up to 8"),
        (np.arange(4) % 2, "must hold an image with 2 axes"),
        (np.zeros((3, 3, 3)), "must hold an image with 2 axes"),
        (spoiled(GOOD), "holds NaN or infinite values, 1 of 64"),
        (GOOD / np.inf + np.inf, "holds NaN or infinite values"),
        (GOOD.astype(str), "must hold numbers"),
        (GOOD.astype(complex), "must hold numbers"),
        (GOOD.astype(object), "cannot be read"),
    ],
)
def test_bad_files_are_refused_by_one_sentence(run, tmp_path, content, message):
    path = tmp_path / "bad.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    result = run("reconstruct", "bad.npy")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: bad.npy")
    assert message in " ".join(result.stderr.split())


def test_a_truncated_file_is_refused(run, image):
    image.write_bytes(image.read_bytes()[:-7])
    result = run("reconstruct", image)
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "nowhere/a.png"), "nowhere is no directory"),
        (("--out", "."), "is a directory"),
        (("--window", "30"), "does not lie inside"),
        (("--window", "0:8"), "--window must be one number"),
        (("--window", "0:8,0:8,0:8"), "--window must be one number"),
        (("--window", "8:8,0:8"), "does not lie inside"),
        (("--window", "a"), "--window must be as"),
        (("--window", "1"), "holds one phase only"),
        (("--starts", "0"), "--starts"),
        (("--seed", "-1"), "--seed"),
        (("--loss", "mse"), "--loss"),
    ],
)
def test_bad_options_are_refused_by_name(run, image, words, message):
    result = run("reconstruct", image, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_other_file_types_say_what_is_read(run, tmp_path):
    (tmp_path / "a.txt").write_text("0 1")
    assert "is no .npy file" in run("reconstruct", "a.txt").stderr


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused_before_any_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(files.InputError, match="permission denied"):
        files.check_output(tmp_path / "a.png", force=False)


def test_windows():
    labels = np.arange(12).reshape(3, 4) % 5
    np.testing.assert_array_equal(files.cut_window(labels, "2"), [[0, 1], [2, 0]])  # labels 0, 1, 4 numbered anew
    np.testing.assert_array_equal(files.cut_window(labels, "0:1,1:4"), [[0, 1, 2]])
    assert files.cut_window(labels, None) is labels


def test_figures_show_what_they_are_given():
    labels, f = np.eye(6, dtype=int), np.arange(36.0).reshape(6, 6)
    figure = figures.reconstruction_panels(labels, 1 - labels, f, f + 1, title="a title")
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    for image, expected in zip(shown, (labels, 1 - labels, f, np.ones((6, 6))), strict=True):
        np.testing.assert_array_equal(image, expected)
    assert figure.get_suptitle() == "a title"
    assert figure.axes[2].images[0].get_extent() == [-3.5, 2.5, 2.5, -3.5]  # the zero lag is pixel 3


def test_the_entry_point_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"pip install 'twopoint\[cli\]'"):
        entry.main()


def test_the_entry_point_runs(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["twopoint", "--version"])
    with pytest.raises(SystemExit) as left:
        entry.main()
    assert left.value.code == 0
    assert twopoint.__version__ in capsys.readouterr().out


def test_labels_are_written(run, image, tmp_path):
    result = run("reconstruct", image, "--labels", "found.npy")
    assert result.exit_code == 0, result.output
    found = np.load(tmp_path / "found.npy")
    assert found.shape == (24, 20)
    assert found.mean() == np.mean(np.load(image) > 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "same.png", "--json", "same.png"), "same.png is named twice"),
        (("--out", "a.png", "--json", "discs.npy", "--force"), "discs.npy is named twice"),
        (("--labels", "discs.npy", "--force"), "discs.npy is named twice"),
        (("--out", "picture.jpg"), "picture.jpg must end in .png"),
        (("--labels", "found.txt"), "found.txt must end in .npy"),
    ],
)
def test_no_output_destroys_another_file(run, image, words, message):
    before = image.read_bytes()
    result = run("reconstruct", image, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert image.read_bytes() == before


def test_python_m_twopoint():
    result = subprocess.run([sys.executable, "-m", "twopoint", "--version"], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == f"twopoint {twopoint.__version__}"
