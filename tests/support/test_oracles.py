"""The oracles themselves: by hand, and shown to notice planted errors."""

import itertools

import numpy as np
import pytest

from support import oracles


def test_close_notices_each_kind_of_error():
    oracles.close([1.0, 2.0], [1.0, 2.0], 0.0)
    for got, want in (([1.0, 2.1], [1.0, 2.0]), ([1.0], [1.0, 2.0]), ([np.nan, 2.0], [np.nan, 2.0]), ([1e-3], [0.0])):
        with pytest.raises(AssertionError):
            oracles.close(got, want, 1e-2)


def test_statistics_by_hand():
    m = np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    f, count = oracles.statistics(m)
    assert count.tolist() == [3, 3, 3]
    assert f[1, 1].tolist() == [2 / 3, 1 / 3, 1 / 3]
    assert f[1, 0].tolist() == [0, 1 / 3, 1 / 3]
    f, count = oracles.statistics(m, boundary="open")
    assert count.tolist() == [3, 2, 1, 1, 2]
    assert f[1, 0].tolist() == [0, 1 / 2, 1, 0, 0]
    f, count = oracles.statistics(m, boundary="open", mask=np.array([True, False, True]), crop=4)
    assert count.tolist() == [1, 0, 2, 0]
    assert f[1, 0].tolist() == [0, 0, 0, 0]
    assert f[0, 1].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("space", [(5,), (4, 3), (2, 3, 4)], ids=str)
def test_sums_of_all_pairs_and_lags_are_those_of_one(space, boundary):
    fields = np.random.default_rng(0).random((3, *space))
    lags = list(itertools.product(*oracles.lag_vectors(space, boundary)))
    want = [[[oracles.pair_sum(a, b, r, boundary) for r in lags] for b in fields] for a in fields]
    oracles.close(oracles.pair_sums(fields, lags, boundary), want, 1e-14)


def test_means_over_boxes_by_hand():
    means, pairs = oracles.box_means(np.array([[6.0, 2.0, 3.0, 1.0]]), np.array([4.0, 2.0, 1.0, 3.0]), [[0, 1, -2, -1]])
    assert pairs.tolist() == [4, 6, 8, 7]
    assert means.tolist() == [[6, 28 / 6, 30 / 8, 27 / 7]]


def test_losses_by_hand():
    p, t = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert oracles.loss("msess", p, t) == pytest.approx((4 * 0.25**2) * 2 / 2)
    assert oracles.loss("cess", p, t) == pytest.approx(np.log(4))
    assert oracles.loss("cess", p, t, excess=True) == pytest.approx(np.log(2))
    assert oracles.loss("mse_cess", p, t, alpha=2.0) == pytest.approx(np.log(4) + 0.5)
    assert oracles.clamp(t, 0.05) == pytest.approx(-2 * np.log(1 + np.exp(-10)))
    assert oracles.style_loss([np.array([[2.0, 0.0]])], [np.array([[1.0, 1.0]])]) == pytest.approx(0.25)


def test_gradient_of_a_polynomial():
    oracles.close(oracles.gradient(lambda x: np.sum(x**4), np.array([1.0, -2.0])), [4.0, -32.0], 1e-9)


def test_power_spectrum_and_radial_average_by_hand():
    oracles.close(oracles.power_spectrum(np.array([1.0, 0.0, 1.0, 0.0])), [1, 0, 1, 0], 1e-12)
    r, values = oracles.radial_average(np.arange(9.0).reshape(3, 3), centered=True)
    assert r.tolist() == [0, 1]
    assert values.tolist() == [4.0, 4.0]
