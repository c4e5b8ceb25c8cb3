"""The command ``demo``, as a person types it."""

import pytest

from support import cli_harness
from support.cli_harness import PNG


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


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
