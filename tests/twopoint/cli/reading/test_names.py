"""Names of files, datasets and indices, and windows."""

from pathlib import Path

import pytest

from twopoint.cli.reading.names import Source, parse_source, parse_window
from twopoint.cli.terminal import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sources(tmp_path):
    for name in ("photo[1].png", "a.h5", "stack.tif"):
        (tmp_path / name).write_bytes(b"x")
    assert parse_source("photo[1].png") == Source(Path("photo[1].png"))
    assert str(parse_source("a.h5:b:c/d[1,-2]")) == "a.h5:b:c/d[1,-2]"
    assert parse_source("a.h5:b:c/d[1,-2]").label == "a-d-1--2"
    assert parse_source("stack.tif[ 7 ]").index == (7,)
    for wrong in ("stack.tif[1:2]", "stack.tif[]", "stack.tif[x]"):
        with pytest.raises(InputError, match="integers between its brackets"):
            parse_source(wrong)


def test_windows():
    assert parse_window("2", (3, 4)) == (slice(0, 2), slice(0, 2))
    assert parse_window("0:1, 1:4", (3, 4)) == (slice(0, 1), slice(1, 4))
    assert parse_window(":2,:", (3, 4)) == parse_window(":2", (3, 4)) == parse_window("0:2 0:4", (3, 4)) == (slice(0, 2), slice(0, 4))
    assert parse_window("1:,2:", (3, 4)) == (slice(1, 3), slice(2, 4))
    assert parse_window(":", (3, 4)) == (slice(0, 3), slice(0, 4))
    assert parse_window(None, (3, 4)) == (slice(0, 3), slice(0, 4))
    assert parse_window("2,3:4,5", (3, 4, 5)) == (slice(0, 2), slice(3, 4), slice(0, 5))
