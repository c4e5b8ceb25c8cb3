"""Random files and command lines end in a result or in one sentence; the benchmark runs the same for minutes."""

import importlib.util
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import ROOT

BENCHMARK = ROOT / "benchmarks" / "fuzz_command_line.py"
_spec = importlib.util.spec_from_file_location("fuzz_command_line", BENCHMARK)
fuzz = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz)

EXAMPLES = settings().max_examples if settings().max_examples > 50 else 20  # files and pictures are slow


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**40))
def test_no_traceback(seed):
    with tempfile.TemporaryDirectory() as folder:
        words, status, wrong = fuzz.one_case(seed, Path(folder))
    assert not wrong, (words, wrong)
    assert status in (0, 1, 2)


def test_a_planted_traceback_and_a_silent_refusal_are_found(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")

    def fail(request):
        raise KeyError("planted")

    monkeypatch.setattr("twopoint.cli.stats.run", fail)
    assert "KeyError: 'planted'" in fuzz.run_case(["stats", "a.png"])[1]

    def leave(request):
        raise SystemExit(2)

    monkeypatch.setattr("twopoint.cli.stats.run", leave)
    assert fuzz.run_case(["stats", "a.png"])[1] == "refused silently"


def test_every_format_is_made_and_damaged(tmp_path):
    for ending in fuzz.FORMATS:
        for seed in range(12):
            path = tmp_path / f"a.{ending}"
            fuzz.write(path, fuzz.Random(seed))
            data = path.read_bytes()
            assert data
            path.unlink()
    random = fuzz.Random(0)
    assert len({fuzz.damage(data, b"other" * 20, random) for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("change", "value", "name", "message"),
    [("PATIENCE", 0.05, "hangs", "took more than"), (None, None, "deaths", "ended the process with")],
)
def test_a_hang_and_a_death_are_found(monkeypatch, tmp_path, change, value, name, message):
    if change:
        monkeypatch.setattr(fuzz, change, value)
    else:
        monkeypatch.setattr(fuzz.sys, "executable", "/bin/false")
    counts = Counter()
    (finding,) = fuzz.watch(7, tmp_path, time.monotonic() + 60, counts)
    assert message in finding
    assert counts[name] == 1
