"""The command ``doctor``: what is installed, what is missing, and a self-test that can fail."""

import json
import sys

import numpy as np
import pytest
import scipy.fft

from support import cli_harness
from twopoint.cli import doctor, known_answers


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def found():
    return doctor.look()


@pytest.mark.long
def test_each_library_is_found_and_passes_within_a_second_of_work(found):
    assert found["passed"]
    for name in ("numpy", "torch", "jax"):
        library = found["libraries"][name]
        assert library["installed"]
        assert library["passed"], library
        assert library["devices"]
        for test in library["tests"].values():
            assert set(test["errors"]) == {"open, masked statistics", "excess CESS", "its gradient"}
    assert found["libraries"]["numpy"]["tests"]["cpu"]["seconds"] < 1
    assert found["libraries"]["jax"]["settings"]["x64"] in (True, False)
    assert found["packages"]["cli"]["typer"]


def test_the_threads_of_transforms_are_those_in_use(found, monkeypatch):
    assert found["threads"]["scipy.fft workers"] == found["cores"]
    assert found["threads"]["scipy.fft workers, small"] == 1
    with scipy.fft.set_workers(3):
        assert doctor._transform_threads(10**7) == doctor._transform_threads(1) == 3


def test_what_it_prints(run, found, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "look", lambda: found)
    result = run("doctor", "--json", "found.json")
    assert result.exit_code == 0, result.output
    for words in ("python", "memory available", "torch runs on", "x64", "passed", f"numpy {np.__version__}"):
        assert words in result.stdout
    assert json.loads((tmp_path / "found.json").read_text())["libraries"] == found["libraries"]
    assert json.loads(run("doctor", "--json", "-").stdout)["passed"] is True
    cli_harness.refused(run("doctor", "--json", "found.json"), "found.json exists; --force overwrites it")


def test_a_wrong_answer_fails_the_self_test(run, found, monkeypatch):
    right = known_answers.correlations
    monkeypatch.setattr(known_answers, "correlations", lambda *words, **options: right(*words, **options) * (1 + 1e-9))
    spoiled = doctor.examine("numpy")
    assert not spoiled["passed"]
    assert spoiled["tests"]["cpu"]["errors"]["excess CESS"] < 1e-12
    monkeypatch.setattr(known_answers, "correlations", lambda *words, **options: right(*words, **options) * np.nan)
    assert not doctor.examine("numpy")["passed"]
    broken = found | {"passed": False, "libraries": found["libraries"] | {"numpy": {"installed": True} | spoiled}}
    monkeypatch.setattr(doctor, "look", lambda: broken)
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAILED" in result.stdout


def test_what_is_not_installed_is_no_failure_and_the_command_is_given(run, found, monkeypatch):
    packages = found["packages"] | {"jax": {"jax": None, "jaxlib": None}}
    libraries = found["libraries"] | {"jax": {"installed": False}}
    monkeypatch.setattr(doctor, "look", lambda: found | {"packages": packages, "libraries": libraries})
    result = run("doctor")
    assert result.exit_code == 0
    assert "not installed" in result.stdout
    assert "jax, jaxlib missing: pip install '.[jax]' in a checkout" in result.stdout


def test_a_missing_library_is_seen(monkeypatch):
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    assert doctor._examine_all(("torch", "jax")) == [{"installed": False}, {"installed": False}]
    assert doctor._version("no-such-package") is None


def test_a_library_that_is_broken_is_said_and_fails(run, found, monkeypatch, tmp_path):
    (tmp_path / "jax.py").write_text("raise RuntimeError('built for another processor')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(path for path in sys.path if path)}")
    (broken,) = doctor._examine_all(("jax",))
    assert broken == {"installed": True, "passed": False, "error": "RuntimeError: built for another processor"}
    monkeypatch.setattr(doctor, "look", lambda: found | {"passed": False, "libraries": found["libraries"] | {"jax": broken}})
    result = run("doctor")
    assert result.exit_code == 1
    assert "built for another processor" in result.stdout


def test_a_library_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(doctor, "_PATIENCE", 0.01)
    (hanging,) = doctor._examine_all(("numpy",))
    assert hanging == {"installed": True, "passed": False, "error": "no answer within 0.01 s"}
