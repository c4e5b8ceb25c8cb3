"""The examples in their small form, as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.usefixtures("shared_data")
def test_micrographs(tmp_path):
    summary, _ = run("reconstruct_micrographs", tmp_path)
    assert len(summary) == 5
    for name, figures in summary.items():
        assert figures["median"]["error"] <= 0.15, name
        assert figures["median"]["volume_fractions"] <= 0.002, name
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
