"""The numbers of docs/from_other_tools.md: those that PyMKS and PoreSpy gave, and for GooseEYE and MCRpy counts of pairs.

The page's blocks assert the numbers that it states; ``tests/test_docs.py`` runs them.
"""

import json
import sys

import numpy as np
import pytest

import twopoint as tp
from support import ROOT

sys.path.insert(0, str(ROOT))  # benchmarks is no part of the distribution

from benchmarks import peer_values

FOUND = json.loads((ROOT / "benchmarks/results/peer_values.json").read_text())
JOBS = [(tool, job) for tool, jobs in peer_values.JOBS.items() for job in jobs]


@pytest.mark.parametrize(("tool", "job"), JOBS)
def test_numbers_are_those_of_the_tool(tool, job):
    theirs = np.array(FOUND[tool]["values"][job])
    ours = peer_values.ours(peer_values.image())[job]
    assert ours.shape == theirs.shape
    assert theirs.max() > 0.3
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7 if tool == "pymks" else 1e-14)  # PyMKS was given float32


def test_other_numbers_are_noticed():
    ours = peer_values.ours(1 - peer_values.image())
    assert all(np.abs(ours[job] - FOUND[tool]["values"][job]).max() > 0.05 for tool, job in JOBS)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("masked", [False, True])
def test_gooseeye_by_counts_of_pairs(boundary, masked):
    """S2 is the mean of f(x) f(x + r) over the pairs of points that are not left out, in an odd region with lag 0 in the middle."""
    x = peer_values.image()[:9, :8]
    left_out = np.zeros_like(x)
    left_out[2:4, 3:7] = masked
    found = tp.autocorrelation(x, boundary=boundary, mask=1 - left_out, crop=(5, 3))
    for i, j in np.ndindex(5, 3):
        products = []
        for a, b in np.ndindex(*x.shape):
            at = (a + i - 2, b + j - 1)
            inside = all(0 <= n < size for n, size in zip(at, x.shape, strict=True))
            other = tuple(n % size for n, size in zip(at, x.shape, strict=True))
            if (inside or boundary == "periodic") and not left_out[a, b] and not left_out[other]:
                products.append(x[a, b] * x[other])
        assert found[i, j] == pytest.approx(np.mean(products), abs=1e-14)


def test_mcrpy_by_its_definition():
    """FFTCorrelations of one phase: the inverse transform of |F|^2 over the number of points; MSE is the mean of squared differences."""
    x = peer_values.image()
    p = 0.8 * x + 0.1
    theirs = [np.fft.ifft2(np.abs(np.fft.fft2(each)) ** 2).real / each.size for each in (p, x)]
    lags = np.arange(-5, 6)  # limit_to=6
    error = ((theirs[0] - theirs[1])[np.ix_(lags, lags)] ** 2).mean()
    assert tp.msess(p[None], x[None], implied_phase=True, pairs=[(1, 1)], crop=11) == pytest.approx(error, rel=1e-12)
