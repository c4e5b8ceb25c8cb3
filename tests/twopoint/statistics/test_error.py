"""The relative error of statistics, against its definition."""

import numpy as np
import pytest

import twopoint as tp
from twopoint.synthetic import circles


def discs(size):
    return tp.two_phase(circles((size, size), n_circles=3, radius=size / 8, rng=np.random.default_rng(3)))


def by_definition(labels, target):
    f, wanted = (tp.correlations(m) for m in (tp.one_hot(labels, len(target)), target))
    return np.linalg.norm(f - wanted) / np.linalg.norm(wanted - wanted.mean(axis=(-2, -1), keepdims=True))


def test_it_is_its_definition():
    target = discs(20)
    labels = np.random.default_rng(0).permutation(target[1].astype(int).ravel()).reshape(20, 20)
    wanted = by_definition(labels, target)
    assert wanted > 0.1
    assert tp.statistics_error(labels, target) == pytest.approx(wanted, rel=1e-12)
    assert tp.statistics_error(labels, tp.target_statistics(target[1:], implied_phase=True)) == pytest.approx(wanted, rel=1e-9)
    assert tp.statistics_error(target, target) == 0


def test_every_library_gives_the_same_number(backend):
    target = discs(12)
    labels = np.random.default_rng(0).permutation(target[1].astype(int).ravel()).reshape(12, 12)
    got = tp.statistics_error(backend.make(tp.one_hot(labels, 2)), backend.make(target))
    assert got == pytest.approx(by_definition(labels, target), rel=1e-6)
    assert type(got) is float


def test_chosen_pairs_are_compared_alone():
    target, other = discs(12), discs(12)[:, ::-1]
    known = tp.target_statistics(target, pairs=[(1, 1)])
    f, wanted = (tp.autocorrelation(m[1]) for m in (np.roll(other, 3, axis=1), target))
    expected = np.linalg.norm(f - wanted) / np.linalg.norm(wanted - wanted.mean())
    assert tp.statistics_error(other, known) == pytest.approx(expected, rel=1e-9)


@pytest.mark.usefixtures("unchecked")
def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"m must be of floats of shape \(2, 8, 8\)"):
        tp.statistics_error(discs(9), discs(8))
    for m, came in (
        (discs(8).astype(bool), r"bool of shape \(2, 8, 8\)"),
        (discs(8).astype(int), r"int64 of shape \(2, 8, 8\)"),
        (discs(8)[1], r"float64 of shape \(8, 8\)"),
    ):
        with pytest.raises(ValueError, match=r"m must be of floats of shape \(2, 8, 8\), or labels of shape \(8, 8\), got " + came):
            tp.statistics_error(m, discs(8))
    with pytest.raises(ValueError, match="target must have statistics that change with the lag"):
        tp.statistics_error(discs(8), tp.two_phase(np.ones((8, 8))))
    with pytest.raises(ValueError, match=r"target must have no batch, got batch shape \(1,\)"):
        tp.statistics_error(discs(8), discs(8)[None])
