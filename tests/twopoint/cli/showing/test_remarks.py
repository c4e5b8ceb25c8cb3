"""Remarks on a reconstruction: its cost, seams, and whether it is the original."""

import numpy as np
import pytest

from support import cli_harness
from support.cli_harness import blobs
from twopoint.cli.showing import remarks


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.mark.long
def test_the_work_ahead_is_said_before_it_begins(run, tmp_path):
    np.save(tmp_path / "a.npy", blobs((24, 20)))
    result = run("reconstruct", "a.npy", "--starts", 2, "--boundary", "open")
    said = "reconstructing 2 phases of 24 x 20 px, open boundary, 24 x 20 lags, 2 starts: about 6 s; --window 10 takes a part"
    assert said in result.stderr
    assert "3 s" in remarks.cost((8, 8), 2, "periodic", (8, 8), 1)
    assert "--window" not in remarks.cost((8, 8), 2, "periodic", (8, 8), 1)
    assert "about 4 min" in remarks.cost((1024, 1024), 2, "periodic", (1024, 1024), 1)


def test_a_seam_is_said_of_images_whose_edges_do_not_match():
    assert "seam" in remarks.seam(blobs((90, 90), scale=4.0)[9:80, 9:80])
    for periodic in (blobs((60, 60), scale=4.0), np.tile(np.repeat([0, 1], 8), (12, 3)), np.random.default_rng(0).integers(0, 2, (60, 60))):
        assert remarks.seam(periodic) is None


def test_the_seam_of_micrographs(shared_data):
    for name in ("carbonate", "composite"):
        image = np.load(shared_data / f"data/micrographs/mcrpy_{name}_256.npy")
        assert "seam" in remarks.seam(image[:128, :128])


def test_an_original_is_recognised():
    labels = blobs((14, 18), phases=3, scale=2.0)
    turned = labels[::-1, ::-1]
    for boundary in ("open", "periodic"):
        assert remarks.original(labels, labels, boundary, 1e-15) == "error 0: this is the original itself"
        assert remarks.original(turned, labels, boundary, 0.0) == "error 0: this is the original, up to a turn by 180 degrees"
        assert remarks.original(labels, labels, boundary, 1e-3) is None
    shifted = np.roll(labels, (3, 5), (0, 1))
    assert remarks.original(shifted, labels, "periodic", 0.0) == "error 0: this is the original, up to a shift"
    assert remarks.original(np.roll(turned, 2, 0), labels, "periodic", 0.0).endswith("up to a shift and a turn by 180 degrees")
    assert "another image" in remarks.original(shifted, labels, "open", 0.0)
    assert "another image" in remarks.original(1 - blobs((14, 18)), blobs((14, 18), seed=4), "periodic", 0.0)
    assert "most likely" in remarks.original(labels, None, "open", 0.0)
