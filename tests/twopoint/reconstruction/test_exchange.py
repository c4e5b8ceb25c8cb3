"""Pixel exchange: statistics that are kept up to date, against statistics computed anew, and the walk that uses them."""

import itertools

import numpy as np
import pytest
import scipy.ndimage

import twopoint as tp
from twopoint.reconstruction.compiled_increments import CompiledIncrements, increments
from twopoint.reconstruction.exchange import exchange
from twopoint.reconstruction.increments import Increments

pytestmark = pytest.mark.numpy_only


def texture(size=24, n=2):
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((size, size)), 1.5, mode="wrap")
    return np.digitize(noise, np.quantile(noise, np.arange(1, n) / n))


def walked(labels, statistics, most, seed=0, **options):
    return exchange(labels, statistics, most=most, rng=np.random.default_rng(seed), **options)


def shuffled(labels, seed=1):
    return np.random.default_rng(seed).permutation(labels.ravel()).reshape(labels.shape)


@pytest.mark.matrix(keep=1)
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


@pytest.mark.long
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


@pytest.mark.long
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


RNG = np.random.default_rng(0)


MASK = np.arange(42).reshape(6, 7) % 5 > 0


CASES = {
    "periodic": ((6, 7), 2, {}),
    "three phases": ((6, 7), 3, {}),
    "1-D": ((11,), 3, {}),
    "3-D": ((4, 3, 5), 2, {}),
    "large": ((50, 60), 2, {}),
    "large, 3-D": ((9, 20, 17), 3, {}),
    "open": ((6, 7), 2, {"boundary": "open"}),
    "masked": ((6, 7), 3, {"mask": MASK}),
    "open, masked and cropped": ((6, 7), 2, {"mask": MASK, "boundary": "open", "crop": 5}),
    "even crop": ((6, 7), 2, {"crop": 4}),
    "implied": ((6, 7), 2, {"implied_phase": True}),
}


def problem(case):
    space, n, options = CASES[case]
    rng = np.random.default_rng(1)
    wanted, labels = (np.concatenate([np.arange(n), rng.integers(n, size=np.prod(space) - n)]).reshape(space) for _ in range(2))
    m = tp.one_hot(wanted, n, ndim=len(space))
    statistics = tp.target_statistics(m[1:] if options.get("implied_phase") else m, ndim=len(space), **options)
    return labels, statistics


def couple(state, rng):
    """Two counting points of different phases."""
    while True:
        a, b = rng.choice(np.flatnonzero(state.point_mask), 2, replace=False)
        if state.labels[a] != state.labels[b]:
            return int(a), int(b)


@pytest.fixture(params=[Increments, increments], ids=["numpy", "compiled"])
def make(request):
    """The increments by numpy, and those by compiled loops where there is a closed form."""
    return request.param


def test_which_increments_are_compiled(monkeypatch):
    for case in CASES:
        state = increments(*problem(case))
        assert isinstance(state, CompiledIncrements) == state.exact
    monkeypatch.setattr("twopoint.reconstruction.compiled_increments.has_numba", lambda: False)
    assert type(increments(*problem("periodic"))) is Increments


@pytest.mark.parametrize("case", ["periodic", "three phases", "1-D", "3-D", "implied"])
def test_the_same_walk_by_compiled_loops(case, monkeypatch):
    labels, statistics = problem(case)
    by_loops = [exchange(labels, statistics, most=most, rng=np.random.default_rng(5)) for most in (1, 8)]
    monkeypatch.setattr("twopoint.reconstruction.compiled_increments.has_numba", lambda: False)
    by_numpy = [exchange(labels, statistics, most=most, rng=np.random.default_rng(5)) for most in (1, 8)]
    errors = [[tp.statistics_error(x, statistics) for x in found] for found in (by_loops, by_numpy)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-9)


@pytest.mark.parametrize("few", [3, 500])
def test_the_lowest_points_of_a_phase(few, make, rng, monkeypatch):
    monkeypatch.setattr("twopoint.reconstruction.compiled_increments._FEW", few)
    labels, statistics = problem("periodic")
    state = make(labels, statistics)
    some, v = rng.permutation(state.labels.size)[:35], state.step_between(0, 1)
    mine = some[state.labels[some] == 1]
    found = state.lowest(some, 1, v, 1, 7)
    assert len(mine) > 7
    assert (state.labels[found] == 1).all()
    np.testing.assert_allclose(np.sort(state.gains(found, v, 1)), np.sort(state.gains(mine, v, 1))[:7], rtol=1e-12)
    assert sorted(state.lowest(some, 1, v, 1, 50)) == sorted(mine)


@pytest.mark.parametrize("case", CASES)
def test_the_error_is_that_of_the_statistics(case):
    labels, statistics = problem(case)
    assert Increments(labels, statistics).error == pytest.approx(tp.statistics_error(labels, statistics), rel=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_changes_of_places_keep_everything_up_to_date(case, make):
    labels, statistics = problem(case)
    state, rng, made = make(labels, statistics), np.random.default_rng(2), 0
    for _ in range(30):
        a, b = couple(state, rng)
        before = state.labels.copy(), state.squared
        if state.swap(a, b):
            made += 1
            assert (state.labels[[a, b]] == before[0][[b, a]]).all()
        else:
            assert not state.exact
            assert (state.labels == before[0]).all()
            assert state.squared == before[1]
    assert made >= 3
    fresh = Increments(state.labels.reshape(state.space), statistics)
    for name in ("m", "e", "S", "G"):
        held, anew = getattr(state, name), getattr(fresh, name)
        np.testing.assert_allclose(held, anew, atol=1e-11 * max(1.0, np.abs(anew).max()), err_msg=name)
    assert state.squared == pytest.approx(fresh.squared, rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_an_exchange_is_made_only_if_it_helps_where_its_effect_is_not_known(case, make):
    labels, statistics = problem(case)
    state, rng = make(labels, statistics), np.random.default_rng(3)
    for _ in range(20):
        a, b = couple(state, rng)
        before, trial = state.squared, state.labels.copy()
        trial[[a, b]] = trial[[b, a]]
        after = Increments(trial.reshape(state.space), statistics).squared
        made = state.swap(a, b)
        assert made == (state.exact or after < before) or abs(after - before) < 1e-12 * before
        assert state.squared == pytest.approx(after if made else before, rel=1e-9)


@pytest.mark.parametrize("case", ["periodic", "three phases", "1-D", "3-D", "implied"])
def test_changes_are_those_that_come_true(case, make):
    """To the few terms in which the two points meet themselves: at most 40 of sums that run over all points."""
    labels, statistics = problem(case)
    state, rng = make(labels, statistics), np.random.default_rng(4)
    slack = 60 * state.typical
    for p, q in itertools.combinations(range(int(labels.max()) + 1), 2):
        ours, theirs = (rng.permutation(np.flatnonzero(state.labels == phase))[:4] for phase in (p, q))
        changes = state.changes(ours, theirs, p, q)
        for (i, a), (j, b) in itertools.product(enumerate(ours), enumerate(theirs)):
            trial = state.labels.copy()
            trial[[a, b]] = trial[[b, a]]
            true = Increments(trial.reshape(state.space), statistics).squared - state.squared
            assert abs(changes[i, j] - true) < slack
        assert np.abs(changes).max() > 3 * slack or labels.size < 70


def test_the_phases_of_points_that_do_not_count_do_not_matter():
    labels, statistics = problem("masked")
    other = np.where(MASK, labels, (labels + 1) % 3)
    assert Increments(labels, statistics).squared == Increments(other, statistics).squared
