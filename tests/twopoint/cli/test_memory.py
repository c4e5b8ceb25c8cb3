"""The memory that is predicted, against the memory that is taken."""

import tracemalloc

import numpy as np
import pytest

import twopoint
from support.cli_harness import blobs
from twopoint.cli import memory
from twopoint.cli.measures import crop_sizes, measure
from twopoint.cli.reading.spacing import Spacing

PIXEL = Spacing()


def measured(labels, boundary="open", spacing=PIXEL, crop=None, mask=None):
    n = int(labels.max()) + 1
    return measure(labels, n, boundary=boundary, spacing=spacing, crop=crop_sizes(crop, labels.shape, boundary), mask=mask)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize(("space", "phases"), [((160, 150), 2), ((110, 120), 5), ((32, 30, 34), 3)])
def test_statistics_take_the_memory_that_was_told(space, phases, boundary, unchecked):
    labels = blobs(space, phases=phases)
    mask = np.ones(space, dtype=bool)
    mask[:3] = False
    told = memory.for_statistics(space, phases, boundary, space)
    for counting in (None, mask):
        measured(labels, boundary, mask=counting)
        tracemalloc.start()
        measured(labels, boundary, mask=counting)
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert taken < 1.1 * told
        assert told < 2.5 * taken


@pytest.mark.slow
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_a_reconstruction_takes_the_memory_that_was_told(boundary, unchecked):
    labels = blobs((256, 250))
    crop = None if boundary == "periodic" else labels.shape
    statistics = twopoint.target_statistics(twopoint.one_hot(labels, 2), boundary=boundary, crop=crop)
    told = memory.for_reconstruction(labels.shape, 2, boundary, labels.shape, starts=1)
    twopoint.reconstruct(statistics, iterations=1, pulls=(), polish=1)
    tracemalloc.start()
    twopoint.reconstruct(statistics, iterations=12, pulls=(0.1,), polish=20)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.4 * told < taken < 1.1 * told


def test_available_memory(monkeypatch, tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:   7 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", meminfo)
    monkeypatch.setattr(memory, "_CONTAINERS", ())
    assert memory.available() == 7168
    for name, text in (("max", "5000"), ("current", "1000")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "_CONTAINERS", ((str(tmp_path / "max"), str(tmp_path / "current")),))
    assert memory.available() == 4000
    (tmp_path / "max").write_text("max")
    assert memory.available() == 7168
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "nothing")
    assert memory.available() is None or memory.available() > 10**6
    memory.require(10**5, "this")
    assert memory.size(1.5e12) == "1.5 TB"
    assert memory.size(2000) == "2 kB"
