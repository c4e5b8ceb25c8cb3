"""correlations against the definition by loops: all modes, crops, pairs, batches, dimensions."""

import itertools

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays

SPACES = [(7,), (6,), (1,), (5, 4), (4, 7), (1, 3), (3, 4, 2)]
TOLERANCE = 1e-12  # float64 rounding of a transform of some hundred points


def options_of(mode, mask, backend=None):
    options = dict(oracles.MODES[mode])
    if "mask" in options:
        options["mask"] = mask if backend is None else backend.make(mask)
    return options


def some_mask(space):
    mask = np.random.default_rng(5).random(space) > 0.3
    mask.flat[0] = True
    return mask


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("mode", oracles.MODES)
def test_all_lags(backend, space, mode):
    m, mask, ndim = arrays(1, 3, space, "soft"), some_mask(space), len(space)
    want, _ = oracles.statistics(m, **options_of(mode, mask))
    got = tp.correlations(backend.make(m), ndim=ndim, **options_of(mode, mask, backend))
    oracles.close(backend.read(got), want, TOLERANCE, mode)


@pytest.mark.parametrize("space", [(7,), (6,), (5, 4), (3, 4, 2)], ids=str)
@pytest.mark.parametrize("mode", oracles.MODES)
def test_every_crop(backend, space, mode):
    every = backend.name in ("numpy", "torch")  # the layout of lags is the same arithmetic everywhere; the others try a few
    m, mask, ndim = arrays(2, 2, space, "soft"), some_mask(space), len(space)
    limits = [2 * s - 1 if "open" in mode else s for s in space]
    wanted = ({1, 2, 3, n - 1, n} & set(range(1, n + 1)) if every else {2, n} for n in limits)
    for crop in itertools.product(*map(sorted, wanted)):
        want, _ = oracles.statistics(m, crop=crop, **options_of(mode, mask))
        got = tp.correlations(backend.make(m), ndim=ndim, crop=crop, **options_of(mode, mask, backend))
        oracles.close(backend.read(got), want, TOLERANCE, f"{mode} {crop}")


@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("phases", [1, 2, 3, 4])
def test_implied_phase(backend, mode, phases):
    m, mask = arrays(3, phases, (4, 5), "soft") * 0.7, some_mask((4, 5))  # phase 0 is 0.3 plus what is left
    want, _ = oracles.statistics(m, implied_phase=True, crop=3, **options_of(mode, mask))
    got = tp.correlations(backend.make(m), implied_phase=True, crop=3, **options_of(mode, mask, backend))
    oracles.close(backend.read(got), want, TOLERANCE, mode)
    want, _ = oracles.statistics(m, implied_phase=True, **options_of(mode, mask))
    for pairs in ([(0, 0)], [(phases, 0), (0, phases)], [(0, 1), (1, 1)], "unique"):
        got = backend.read(tp.correlations(backend.make(m), implied_phase=True, pairs=pairs, **options_of(mode, mask, backend)))
        listed = [(h, k) for h in range(phases + 1) for k in range(h, phases + 1)] if pairs == "unique" else pairs
        oracles.close(got, np.stack([want[h, k] for h, k in listed]), TOLERANCE, f"{mode} {pairs}")


@pytest.mark.parametrize("mode", oracles.MODES)
def test_centered(backend, mode):
    for space in ((5, 4), (4, 5)):
        m, mask = arrays(4, 2, space, "soft"), some_mask(space)
        totals = tuple(2 * s - 1 if "open" in mode else s for s in space)
        want, _ = oracles.statistics(m, crop=totals, **options_of(mode, mask))
        got = tp.correlations(backend.make(m), centered=True, **options_of(mode, mask, backend))
        oracles.close(backend.read(got), want, TOLERANCE, mode)


@pytest.mark.parametrize("mode", oracles.MODES)
def test_pairs(backend, mode):
    m, mask = arrays(5, 3, (4, 5), "soft"), some_mask((4, 5))
    want, _ = oracles.statistics(m, crop=(4, 2), **options_of(mode, mask))
    for pairs in ([(2, 1)], [(1, 2), (2, 1), (0, 0)], "unique"):
        listed = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)] if pairs == "unique" else pairs
        got = tp.correlations(backend.make(m), crop=(4, 2), pairs=pairs, **options_of(mode, mask, backend))
        oracles.close(backend.read(got), np.stack([want[h, k] for h, k in listed]), TOLERANCE, f"{mode} {pairs}")


@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("batch", [(2,), (2, 3)], ids=str)
def test_batch_equals_loop(backend, mode, batch):
    space = (4, 5)
    m = np.stack([arrays(i, 2, space, "soft") for i in range(int(np.prod(batch)))]).reshape(*batch, 2, *space)
    masks = np.random.default_rng(6).random((*batch, *space)) > 0.4
    for batched in (False, True):
        mask = masks if batched else some_mask(space)
        if "masked" not in mode and batched:
            continue
        got = backend.read(tp.correlations(backend.make(m), **options_of(mode, mask, backend)))
        assert got.shape[: len(batch)] == batch
        for at in np.ndindex(batch):
            want, _ = oracles.statistics(m[at], **options_of(mode, mask[at] if batched else mask))
            oracles.close(got[at], want, TOLERANCE, mode)


def test_mask_of_numbers_and_of_nothing(backend):
    m, mask = arrays(7, 2, (4, 5), "soft"), some_mask((4, 5))
    want = backend.read(tp.correlations(backend.make(m), mask=backend.make(mask)))
    for dtype in (np.float32, np.uint8, np.int64):
        got = tp.correlations(backend.make(m), mask=backend.make(mask.astype(dtype)))
        oracles.close(backend.read(got), want, 0.0)
    for boundary in ("periodic", "open"):
        empty = tp.correlations(backend.make(m), mask=backend.make(np.zeros((4, 5), bool)), boundary=boundary)
        assert not backend.read(empty).any()


def test_points_that_do_not_count_may_hold_anything(backend):
    m, mask = arrays(8, 2, (4, 5), "soft"), some_mask((4, 5))
    spoilt = np.where(mask, m, np.nan)
    for implied in (False, True):
        got = tp.correlations(backend.make(spoilt[implied:]), mask=backend.make(mask), implied_phase=implied)
        want, _ = oracles.statistics(m, mask=mask)
        oracles.close(backend.read(got), want, TOLERANCE)


def test_lags_that_no_pair_spans_are_zero(backend):
    m, mask = arrays(9, 2, (6,), "soft"), np.array([1, 0, 0, 1, 0, 0], bool)
    got = backend.read(tp.correlations(backend.make(m), ndim=1, mask=backend.make(mask)))
    assert not got[..., [1, 2, 4, 5]].any()
    assert (got[..., [0, 3]] > 0).all()


@pytest.mark.parametrize("mode", oracles.MODES)
def test_dtype_is_kept(backend, mode):
    m, mask = arrays(10, 2, (6, 5), "soft"), some_mask((6, 5))
    want, _ = oracles.statistics(m, **options_of(mode, mask))
    for dtype, tolerance in ((np.float32, 3e-6), (np.float64, TOLERANCE)):
        got = tp.correlations(backend.make(m.astype(dtype)), **options_of(mode, mask, backend))
        assert backend.read(got).dtype == dtype
        oracles.close(backend.read(got), want, tolerance)
    if backend.name != "strict":  # has no half precision
        half = m.astype(np.float16)
        got = backend.read(tp.correlations(backend.make(half), **options_of(mode, mask, backend)))
        assert got.dtype == np.float32
        want, _ = oracles.statistics(half, **options_of(mode, mask))
        oracles.close(got, want, 3e-6)


def test_booleans_are_indicators(backend):
    m = arrays(11, 2, (4, 5), "indicator")
    got = backend.read(tp.correlations(backend.make(m.astype(bool))))
    oracles.close(got, oracles.statistics(m)[0], 1e-6)  # in the library's default float


@pytest.mark.numpy_only
def test_input_is_left_alone():
    m, mask = arrays(12, 3, (4, 5), "soft"), some_mask((4, 5))
    before = m.copy(), mask.copy()
    for mode in oracles.MODES:
        for implied in (False, True):
            tp.correlations(m, implied_phase=implied, crop=2, centered=True, **options_of(mode, mask))
    assert (m == before[0]).all()
    assert (mask == before[1]).all()


@pytest.mark.numpy_only
def test_zero_lag_of_crossed_indicators_is_exactly_zero_in_float32():
    """The product of means and the covariance cancel there; what float32 leaves would be a tenth of the floor of CESS."""
    for phases in (2, 3):
        m = arrays(13, phases, (64, 48), "indicator").astype(np.float32)
        for implied in (False, True):
            for crop, zero in ((None, (0, 0)), ((7, 12), (3, 6))):
                f = tp.correlations(m[implied:], implied_phase=implied, crop=crop)
                crossed = f[(..., *zero)][~np.eye(phases, dtype=bool)]
                assert np.abs(crossed).max() < 1e-9


@pytest.mark.numpy_only
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("space", [(6,), (5, 4), (3, 4, 2)], ids=str)
def test_where_there_is_no_float64(mode, space, monkeypatch):
    """The way of jax without x64, taken by numpy: means removed, their part added by sums over boxes."""
    monkeypatch.setattr("twopoint.statistics.correlation.widest", lambda x, xp: xp.float32)
    m, mask = (0.5 + 0.5 * np.stack([arrays(i, 3, space, "soft") for i in (14, 15)])).astype(np.float32), some_mask(space)
    totals = tuple(2 * s - 1 if "open" in mode else s for s in space)
    for crop in (None, 3, (2, 4, 1)[: len(space)], totals):
        crop = (
            tuple(min(n, total) for n, total in zip((crop,) * 3 if isinstance(crop, int) else crop or totals, totals, strict=False))
            if crop
            else None
        )
        for implied in (False, True):
            got = tp.correlations(m, ndim=len(space), crop=crop, implied_phase=implied, **options_of(mode, mask))
            assert got.dtype == np.float32
            for i in range(2):
                want, _ = oracles.statistics(m[i], crop=crop, implied_phase=implied, **options_of(mode, mask))
                oracles.close(got[i], want, 2e-5, f"{mode} {crop}")


@pytest.mark.numpy_only
def test_where_there_is_no_float64_the_mean_costs_no_digits(monkeypatch):
    """Nearly full, and large: with the mean left in, the error would be a thousand times the deviations' rounding."""
    rng = np.random.default_rng(0)
    m = (1 + 1e-3 * rng.normal(size=(1, 150, 150))).astype(np.float32)
    options = {"boundary": "open", "crop": 101}
    want = tp.correlations(m.astype(float), **options)
    monkeypatch.setattr("twopoint.statistics.correlation.widest", lambda x, xp: xp.float32)
    oracles.close(tp.correlations(m, **options), want, 3e-7)
