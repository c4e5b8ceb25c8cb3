"""The examples in their small form, as a user runs them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, out):
    command = [sys.executable, EXAMPLES / f"{name}.py", "--out", out, "--small"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert printed.returncode == 0, printed.stderr
    return json.loads((out / "summary.json").read_text()), printed.stdout


def test_every_example_has_a_test_its_command_and_80_lines():
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text()
        assert f"python examples/{path.name}" in text.split('"""')[1]
        assert len(text.splitlines()) <= 80
        assert f'"{path.stem}"' in Path(__file__).read_text(), f"{path.name} is not run here"


def test_circles(tmp_path):
    summary, printed = run("reconstruct_circles", tmp_path)
    assert set(summary) == {"MSESS", "MSESS + clamp", "CESS", "CESS + clamp"}
    assert summary["CESS + clamp"][0]["share"] == 1.0
    assert "CESS + clamp   found by 1.00 of the starts" in printed
    assert (tmp_path / "circles.png").stat().st_size > 10_000


def test_dataset(tmp_path):
    from twopoint_models.data import CLASSES, MICRO2D, generate, source

    summary, printed = run("make_dataset", tmp_path)
    assert summary["images"] == 3 * len(CLASSES)
    assert "30 images of 32 x 32" in printed
    dataset = MICRO2D(tmp_path / "generated.h5", size=None, properties=["generated"], missing="keep")
    assert dataset.property_names[:3] == ("volume_fraction", "length", "width")
    for i in (0, 7, 29):
        made = generate(dataset[i]["name"], 32, rng=source(dataset[i]["name"], dataset[i]["index"]))
        assert (dataset[i]["image"][0] == made.image).all()
        assert dataset[i]["properties"][:2] == pytest.approx([made.parameters["volume_fraction"], made.parameters["length"]], rel=1e-6)
    with h5py.File(tmp_path / "generated.h5") as file:
        assert file.attrs["SEED"] == 0
        assert json.loads(file["NBSA"]["NBSA - labels"][2])["period"] == pytest.approx(8.6 / 8)


def test_a_dataset_goes_on_after_a_kill(tmp_path):
    """Killed between two blocks: what is there is kept, another seed is refused, and the whole is as if it had never stopped."""
    arguments = [sys.executable, EXAMPLES / "make_dataset.py", "--count", "600", "--size", "32", "--classes", "VoidSmall", "--workers", "1"]
    killed = subprocess.Popen([*arguments, "--out", tmp_path / "a"], stdout=subprocess.PIPE)
    while len(list((tmp_path / "a/generated.h5.part").glob("*.npz"))) < 1 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "a/generated.h5").exists()
    other = subprocess.run([*arguments, "--out", tmp_path / "a", "--seed", "1"], capture_output=True, text=True, timeout=100)
    assert other.returncode != 0
    assert "pieces of another dataset" in other.stderr
    subprocess.run([*arguments, "--out", tmp_path / "a"], check=True, timeout=100, capture_output=True)
    assert json.loads((tmp_path / "a/summary.json").read_text())["images"] < 600
    subprocess.run([*arguments, "--out", tmp_path / "b"], check=True, timeout=100, capture_output=True)
    with h5py.File(tmp_path / "a/generated.h5") as a, h5py.File(tmp_path / "b/generated.h5") as b:
        assert (a["VoidSmall"]["VoidSmall"][:] == b["VoidSmall"]["VoidSmall"][:]).all()
        assert (a["VoidSmall"]["VoidSmall - labels"][:] == b["VoidSmall"]["VoidSmall - labels"][:]).all()


@pytest.mark.usefixtures("shared_data")
def test_gallery(tmp_path):
    summary, printed = run("gallery_micro2d", tmp_path)
    assert len(summary) == 3
    for row in summary.values():
        assert len(row) == 10
        assert max(row.values()) < 4, "ten images of 64 x 64; the bar of 2 is for 256 x 256 and all"
    assert "VoronoiMediumSpaced" in printed
    assert all((tmp_path / f"{name}.png").stat().st_size > 20_000 for name in ("gallery", "distributions"))


@pytest.mark.usefixtures("shared_data")
def test_classifier(tmp_path):
    """Small: 20 images a class, 64 x 64; by chance .1 would be right."""
    summary, printed = run("classify_micro2d", tmp_path)
    assert summary["generated"]["accuracy"] > 0.35
    assert np.sum(summary["generated"]["confusion"]) == np.sum(summary["real"]["confusion"]) == 200
    assert "trained on generated images" in printed
    assert (tmp_path / "confusion.png").stat().st_size > 10_000


@pytest.mark.usefixtures("shared_data")
def test_micrographs(tmp_path):
    summary, _ = run("reconstruct_micrographs", tmp_path)
    assert len(summary) == 5
    for name, figures in summary.items():
        assert figures["median"]["error"] <= 0.15, name
        assert figures["median"]["volume_fractions"] <= 0.002, name
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
