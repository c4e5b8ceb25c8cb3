"""The walk of pixel exchange: what it keeps, that it gets better, and that it leaves local minima."""

import numpy as np
import pytest
import scipy.ndimage

import twopoint as tp
from twopoint.reconstruction.exchange import exchange

pytestmark = pytest.mark.numpy_only


def texture(size=24, n=2):
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((size, size)), 1.5, mode="wrap")
    return np.digitize(noise, np.quantile(noise, np.arange(1, n) / n))


def walked(labels, statistics, most, seed=0, **options):
    return exchange(labels, statistics, most=most, rng=np.random.default_rng(seed), **options)


def shuffled(labels, seed=1):
    return np.random.default_rng(seed).permutation(labels.ravel()).reshape(labels.shape)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("options", [{}, {"boundary": "open"}, {"crop": 7}, {"mask": np.indices((24, 24)).sum(0) % 11 > 1}])
def test_the_error_falls_and_the_phases_keep_their_points(n, options):
    labels = texture(n=n)
    statistics = tp.target_statistics(tp.one_hot(labels, n), **options)
    start = shuffled(labels)
    if "mask" in options:
        start = np.where(options["mask"], start, labels)
    found = walked(start, statistics, 150)
    assert tp.statistics_error(found, statistics) < 0.7 * tp.statistics_error(start, statistics)
    assert (np.bincount(found.ravel()) == np.bincount(start.ravel())).all()
    if "mask" in options:
        assert (found == start)[~options["mask"]].all()


def test_two_points_out_of_place_are_put_back():
    labels = texture()
    rough = labels.copy()
    a, b = np.argwhere(labels == 0)[7], np.argwhere(labels == 1)[11]
    rough[tuple(a)], rough[tuple(b)] = 1, 0
    steps = []
    found = walked(rough, tp.target_statistics(tp.two_phase(labels)), 500, report=lambda *report: steps.append(report))
    assert tp.statistics_error(found, tp.two_phase(labels)) < 1e-12
    assert steps[-1][0] == 500  # the last report says that nothing is left to do
    assert len(steps) < 100


def test_the_walk_leaves_the_first_local_minimum():
    labels = texture()
    statistics = tp.target_statistics(tp.two_phase(labels))
    start, errors = shuffled(labels), []
    found = walked(start, statistics, 400, report=lambda _, error: errors.append(error))
    assert errors == sorted(errors, reverse=True)  # the least so far
    stands = np.flatnonzero(np.diff(errors) == 0)
    assert len(stands) > 5  # it went uphill ...
    assert errors[-1] < errors[stands[0]]  # ... and came lower than where it first did
    assert tp.statistics_error(found, statistics) == pytest.approx(errors[-1], rel=1e-9)


def test_seeds_decide_and_the_labels_given_are_left_alone():
    labels = texture()
    statistics = tp.target_statistics(tp.two_phase(labels))
    start = shuffled(labels)
    kept = start.copy()
    first, again, other = (walked(start, statistics, 250, seed=seed) for seed in (0, 0, 5))
    assert (first == again).all()
    assert (first != other).any()
    assert (start == kept).all()
    assert walked(start, statistics, 0) is start


@pytest.mark.parametrize("labels", [np.zeros((6, 6), dtype=int), np.eye(2, dtype=int)], ids=["one phase", "four points"])
def test_where_nothing_can_be_exchanged_nothing_is(labels):
    target = tp.one_hot(np.roll(labels, 1, axis=0), 2)
    assert np.bincount(walked(labels, tp.target_statistics(target), 30).ravel()).tolist() == np.bincount(labels.ravel()).tolist()
