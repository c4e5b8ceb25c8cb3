"""The application: versions, help, the entry point, and how an error or an interrupt ends a command."""

import doctest
import importlib.util
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import twopoint
import twopoint.cli
from support import cli_harness
from support.cli_harness import blobs
from twopoint.cli import app as entry
from twopoint.cli import commands
from twopoint.synthetic import circles


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "discs.npy"
    np.save(path, 255 * circles((24, 20), n_circles=2, radius=4.0, rng=np.random.default_rng(0)))
    return path


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
