"""One volume in blocks, against loops and against correlations of the whole."""

import dask.array as da
import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays
from support.volumes import EXACT, SOFT, TOLERANCE, ZEROS, options_of, some_labels
from twopoint.adapters import dask_statistics as ds

SPACES = [((37,), 16), ((12,), 5), ((13, 8), (5, 3)), ((5, 6, 7), (4, 4, 3))]
CROPS = [1, 4, 5, (5, 2, 3)]
PAIRS = ["all", "unique", [(0, 0)], [(2, 0), (1, 1)]]


def cropped(crop, space):
    return crop[: len(space)] if isinstance(crop, tuple) else crop


def listed(f, pairs):
    if pairs == "all":
        return f
    pairs = [(h, k) for h in range(len(f)) for k in range(h, len(f))] if pairs == "unique" else pairs
    return np.stack([f[h, k] for h, k in pairs])


@pytest.mark.parametrize(("space", "block"), SPACES, ids=str)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("crop", CROPS, ids=str)
def test_blocks_against_loops(space, block, mode, crop):
    crop, options, labels = cropped(crop, space), options_of(mode, space), some_labels(space)
    soft = arrays(2, 3, space, "soft")
    sharp, _ = oracles.statistics(np.arange(3).reshape(-1, *(1,) * len(space)) == labels, crop=crop, **options)
    smooth, _ = oracles.statistics(soft, crop=crop, **options)
    for pairs in PAIRS:
        got = ds.volume_correlations(labels, n_phases=3, crop=crop, pairs=pairs, block=block, **options)
        oracles.close(got.compute(), listed(sharp, pairs), EXACT, f"labels {pairs}")
        for implied in (False, True):
            got = ds.volume_correlations(soft[implied:], crop=crop, pairs=pairs, block=block, implied_phase=implied, **options)
            oracles.close(got.compute(), listed(smooth, pairs), TOLERANCE, f"probabilities {implied} {pairs}")


@pytest.mark.parametrize("mode", [*oracles.MODES, "weighed"])
@pytest.mark.parametrize("crop", [4, (5, 6), (6, 3), (6, 5)], ids=str)
def test_cumulative_blocks_against_loops(mode, crop):
    space = (6, 7)
    labels, weights = some_labels(space), np.random.default_rng(5).random(space).round(1)
    options = {"mask": weights} if mode == "weighed" else options_of(mode, space)
    m = np.arange(3).reshape(-1, 1, 1) == labels
    want, _ = oracles.statistics(m, crop=crop, cumulative=True, **options)
    for pairs in PAIRS:
        got = ds.volume_correlations(labels, n_phases=3, crop=crop, pairs=pairs, block=4, cumulative=True, **options)
        oracles.close(got.compute(), listed(want, pairs), TOLERANCE, f"{pairs}")


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_all_lags_in_any_blocks(boundary):
    space = (7, 6)
    labels, m = some_labels(space, 2), tp.two_phase(some_labels(space, 2))
    crop = space if boundary == "periodic" else (13, 11)
    want = tp.correlations(m, crop=crop, boundary=boundary)
    for block in (1, 2, (3, 6), 100, None):
        oracles.close(ds.volume_correlations(labels, n_phases=2, crop=crop, boundary=boundary, block=block), want, TOLERANCE)


@pytest.mark.parametrize("mode", oracles.MODES)
def test_sums_over_labels_do_not_depend_on_the_blocks(mode):
    """To the last bit: whole numbers divided once."""
    space = (61, 70)
    labels, options = some_labels(space), options_of(mode, space)
    results = [ds.volume_correlations(labels, n_phases=3, crop=31, block=b, **options).compute() for b in (None, 16, (61, 9))]
    assert all((results[0] == other).all() for other in results[1:])
    _, count = oracles.statistics(np.zeros((1, *space)), crop=31, **options)
    pairs = results[0] * count
    assert np.abs(pairs - np.round(pairs)).max() < 1e-12 * count.max()
    assert (results[0] == np.round(pairs) / np.maximum(count, 1)).all()


@pytest.mark.parametrize("mode", oracles.MODES)
def test_blocks_of_a_larger_volume_against_the_whole(mode):
    """More than a slab of transforms, blocks of unequal size, a halo through several blocks."""
    space = (61, 70, 83)
    labels, options = some_labels(space, 2), options_of(mode, space)
    want = tp.correlations(tp.one_hot(labels, 2, ndim=3), ndim=3, crop=(20, 15, 9), **options)
    for block in (8, (40, 33, 83)) if mode == "open" else ((40, 33, 83),):
        got = ds.volume_correlations(labels, n_phases=2, crop=(20, 15, 9), block=block, **options).compute()
        oracles.close(got, want, TOLERANCE)


@pytest.mark.parametrize("phases", [1, 2, 4])
def test_any_number_of_phases(phases):
    labels = some_labels((9, 8), phases)
    want = tp.correlations(tp.one_hot(labels, phases), crop=5, boundary="open")
    oracles.close(ds.volume_correlations(labels, n_phases=phases, crop=5, boundary="open", block=4), want, TOLERANCE)
    if phases > 1:
        soft = arrays(3, phases, (9, 8), "soft")
        got = ds.volume_correlations(soft[1:], crop=5, implied_phase=True, block=4)
        oracles.close(got, tp.correlations(soft, crop=5), TOLERANCE)


def test_probabilities_that_do_not_sum_to_one_are_left_so():
    m = 0.7 * arrays(4, 2, (9, 8), "soft")
    for boundary in ("periodic", "open"):
        want = tp.correlations(m, crop=5, boundary=boundary)
        oracles.close(ds.volume_correlations(m, crop=5, boundary=boundary, block=4), want, TOLERANCE)


def test_dtype_is_that_of_correlations():
    soft = arrays(5, 2, (9, 8), "soft")
    for dtype in (np.float64, np.float32, np.float16, bool):
        m = (soft > 0.5) if dtype is bool else soft.astype(dtype)
        want = tp.correlations(m, crop=3, boundary="open")
        f = ds.volume_correlations(m, crop=3, boundary="open", block=4)
        assert f.dtype == f.compute().dtype == want.dtype
        oracles.close(f, want, 3e-7 if want.dtype == np.float32 else TOLERANCE)
    for dtype in (bool, np.int64, np.uint16):
        assert ds.volume_correlations(some_labels((9, 8), 2).astype(dtype), n_phases=2, crop=3).compute().dtype == np.float64


@pytest.mark.parametrize("space", [(37,), (13, 8), (5, 6, 7)], ids=str)
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_confidences_against_loops(space, boundary):
    rng = np.random.default_rng(4)
    mask, labels, soft = rng.random(space) * (rng.random(space) > 0.4), some_labels(space), arrays(2, 3, space, "soft")
    sharp, count = oracles.statistics(np.arange(3).reshape(-1, *(1,) * len(space)) == labels, crop=5, boundary=boundary, mask=mask)
    smooth, _ = oracles.statistics(soft, crop=5, boundary=boundary, mask=mask)
    spoilt = np.where(mask > 0, labels, 255).astype(np.uint8), np.where(mask > 0, soft, np.nan)
    for given, pairs in ((mask, "all"), (da.from_array(mask, chunks=3), "unique"), (mask * 1e-30, [(2, 0), (1, 1)])):
        options = dict(crop=5, boundary=boundary, mask=given, pairs=pairs, block=4)
        got = ds.volume_correlations(spoilt[0], n_phases=3, **options).compute()
        oracles.close(got, listed(sharp, pairs), TOLERANCE)
        assert not got[..., count == 0].any()
        for implied in (False, True):
            got = ds.volume_correlations(spoilt[1][implied:], implied_phase=implied, **options)
            oracles.close(got.compute(), listed(smooth, pairs), TOLERANCE)
    for wrong in (2 * mask, np.where(mask > 0, mask, np.nan), (mask > 0) * 255):
        with pytest.raises(ValueError, match="mask must hold booleans"):
            ds.volume_correlations(labels, n_phases=3, crop=5, mask=wrong, block=4).compute()


def test_points_that_do_not_count_may_hold_anything():
    space = (11, 9)
    labels, mask, soft = some_labels(space), options_of("masked", space)["mask"], arrays(6, 3, space, "soft")
    want = tp.correlations(tp.one_hot(labels, 3), mask=mask, crop=5)
    spoilt = np.where(mask, labels, 255).astype(np.uint8)
    oracles.close(ds.volume_correlations(spoilt, n_phases=3, mask=mask.astype(float), crop=5, block=4), want, EXACT)
    want = tp.correlations(soft, mask=mask, crop=5)
    for implied in (False, True):
        spoilt = np.where(mask, soft, np.nan)[implied:]
        oracles.close(ds.volume_correlations(spoilt, mask=mask, crop=5, block=4, implied_phase=implied), want, TOLERANCE)
    empty = ds.volume_correlations(labels, n_phases=3, mask=np.zeros(space, bool), crop=5, block=4).compute()
    assert not empty.any()


def test_the_input_is_left_alone():
    m, mask = arrays(7, 2, (9, 8), "soft"), np.ones((9, 8), np.uint8)
    before = m.copy()
    ds.volume_correlations(m, mask=mask, crop=3, block=4).compute()
    assert (m == before).all()
    assert (mask == 1).all()


def test_it_makes_target_statistics():
    labels = some_labels((16, 16), 2)
    for boundary in ("periodic", "open"):
        f = ds.volume_correlations(labels, n_phases=2, crop=7, boundary=boundary, block=5).compute()
        target = tp.TargetStatistics.from_correlations(f, shape=(16, 16), crop=7, boundary=boundary)
        assert abs(float(tp.msess(tp.two_phase(labels), target))) < 1e-28


def test_the_graph_grows_with_the_blocks_only():
    def tasks(block):
        return len(ds.volume_correlations(labels, n_phases=2, crop=7, block=block).dask)

    labels = some_labels((64, 64, 8), 2)
    assert 64 <= tasks((8, 8, 8)) < 100
    assert tasks((4, 4, 8)) < 400


REFUSED = [
    (ZEROS.tolist(), dict(n_phases=2, crop=3), TypeError, "volume must be an array of numpy, dask"),
    ("a.zarr", dict(n_phases=2, crop=3), TypeError, r"got str; open_array\(path\) opens"),
    (np.ma.array(ZEROS), dict(n_phases=2, crop=3), TypeError, "volume is a numpy MaskedArray"),
    (ZEROS, dict(crop=3), TypeError, "volume of uint8 holds labels; give n_phases"),
    (SOFT, dict(n_phases=2, crop=3), TypeError, "volume must hold labels"),
    (SOFT + 0j, dict(crop=3), TypeError, "volume must be of a real floating dtype, got complex128"),
    (ZEROS, dict(n_phases=2, crop=None), ValueError, "crop must be an integer or one for each axis, got None"),
    (ZEROS, dict(n_phases=2, crop=9), ValueError, r"crop must not exceed the number of lags \(8, 8\), got 9"),
    (ZEROS, dict(n_phases=2, crop=(3,)), ValueError, "crop must be one integer or 2"),
    (ZEROS, dict(n_phases=2, crop=3, boundary="closed"), ValueError, "boundary must be one of 'periodic', 'open', got 'closed'"),
    (ZEROS, dict(n_phases=2, crop=3, pairs=[(0, 2)]), ValueError, "pairs must name phases 0..1"),
    (ZEROS, dict(n_phases=0, crop=3), ValueError, "n_phases must be at least 1, got 0"),
    (ZEROS, dict(n_phases=2, crop=3, implied_phase=True), ValueError, "implied_phase=True is for probabilities"),
    (ZEROS, dict(n_phases=2, crop=3, mask=np.ones((8, 7))), ValueError, r"mask must have shape \(8, 8\), got \(8, 7\)"),
    (ZEROS, dict(n_phases=2, crop=3, mask=np.ones((8, 8), complex)), TypeError, "mask must be boolean or real"),
    (ZEROS, dict(n_phases=2, crop=3, block=0), ValueError, "block must be at least 1, got 0"),
    (ZEROS, dict(n_phases=2, crop=3, block=(4, 4, 4)), ValueError, "block must be one integer or 2"),
    (ZEROS, dict(n_phases=2, crop=3, memory=100), ValueError, "memory must be at least .* bytes for crop=\\(3, 3\\).*, got 100"),
    (ZEROS, dict(n_phases=2, crop=3, memory=0), ValueError, "memory must be a positive number of bytes, or .* got 0"),
    (ZEROS[:0], dict(n_phases=2, crop=3), ValueError, "volume must have the shape"),
    (np.zeros(3), dict(crop=1), ValueError, "volume must have the shape"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("volume", "options", "error", "message"), REFUSED)
def test_refused_volumes(volume, options, error, message):
    with pytest.raises(error, match=message):
        ds.volume_correlations(volume, **options)


@pytest.mark.parametrize("label", [3, 255, -1])
def test_labels_that_name_no_phase_are_refused_when_they_are_read(label):
    labels = some_labels((9, 8)).astype(np.int16)
    labels[6, 7] = label
    for kind in (labels, da.from_array(labels, chunks=5)):
        f = ds.volume_correlations(kind, n_phases=3, crop=3, block=4)
        with pytest.raises(ValueError, match=r"labels must lie in 0..2 for n_phases=3, got .* in the block \(\(4, 8\), \(4, 8\)\)"):
            f.compute()
