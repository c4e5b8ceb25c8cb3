"""The benchmark of descriptors in a small form: the figures that it writes, and PoreSpy's conventions. No time is asserted."""

import sys

import numpy as np
import pytest

import twopoint as tp
from support import ROOT

sys.path.insert(0, str(ROOT))  # benchmarks is no part of the distribution

from benchmarks import descriptors


@pytest.mark.usefixtures("unchecked")
def test_clusters_are_timed_and_judged():
    found = descriptors.clusters("10^4 clusters", 2, size=64)
    assert 10 < found["clusters"] < 200
    for boundary in ("periodic", "open"):
        assert [bar["limit"] for bar in found[boundary]["bars"]] == ["<= 5", "<= 0.01"]
        assert found[boundary]["ratios"][descriptors.EXACT]["median"] > 0
        assert 0 < found[boundary]["rms"] < 0.5
    told = descriptors.lines({"clusters": {"10^4 clusters": found}, "porespy": None})
    assert len(told) == 4
    assert "exact / one autocorrelation" in told[0]


@pytest.mark.usefixtures("unchecked")
def test_lineal_paths_are_timed_beside_cess():
    found = descriptors.paths(2, batch=2, size=40)
    assert found["images"] == [2, 1, 40, 40]
    assert found["lengths"] == [1, 2, 4, 8, 16, 32]
    for library in ("numpy", "torch"):
        assert [bar["what"] for bar in found[library]["bars"]] == ["lineal path / cess"]
        assert found[library]["ratios"][descriptors.BOTH]["median"] > 0
    assert len(descriptors.lines({"clusters": {}, "paths": found})) == 2


@pytest.mark.usefixtures("unchecked")
def test_the_libraries_do_the_same_job():
    """numpy and torch have one value and gradient, which is that of the lineal paths of all images."""
    job = descriptors.Job(descriptors.CESS, 2, 2, (20, 18))
    found = descriptors.path_contenders(job, [1, 2, 4])
    p, t = descriptors.inputs(job)
    for name, m, target in ((descriptors.PATH, p, t), (descriptors.BOTH, *(np.concatenate([1 - x, x], axis=1) for x in (p, t)))):
        (value, gradient), (torch_value, torch_gradient) = (found[library][name].call() for library in ("numpy", "torch"))
        want = np.mean((tp.lineal_path(m, lengths=[1, 2, 4]) - tp.lineal_path(target, lengths=[1, 2, 4])) ** 2)
        assert abs(value / want - 1) < 1e-4
        assert abs(float(torch_value) / want - 1) < 1e-4
        assert np.abs(gradient - torch_gradient.numpy()).max() < 1e-5 * np.abs(gradient).max()


@pytest.mark.usefixtures("unchecked")
def test_chords_on_the_lines_of_porespy():
    """Every second line without the first and the last, or every line without these."""
    x = np.random.default_rng(0).random((2, 12, 12)) < 0.6
    jobs = descriptors.jobs(x)
    for job, step in (("chords", 2), ("all chords", 1)):
        counts = jobs[job]["twopoint, lines of PoreSpy"]()
        lines = np.arange(step, 12 - step, step)
        assert (counts[:, 0] == tp.chord_lengths(x[:, None][..., lines], boundary="open")[:, 0, 0]).all()
        assert (counts[:, 1] == tp.chord_lengths(x[:, None][:, :, lines], boundary="open")[:, 0, 1]).all()
        assert jobs[job]["twopoint"]().sum() > counts.sum()
    assert jobs["lineal path"]["twopoint"]().shape == (2, 2, 12)
