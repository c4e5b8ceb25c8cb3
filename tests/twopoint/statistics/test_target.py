"""TargetStatistics: the same result as the target, options, batches, measured statistics without an image."""

import subprocess
import sys

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays

MASK = np.random.default_rng(3).random((4, 5)) > 0.3
P, T = (np.stack([arrays(i + j, 3, (4, 5), "soft") for i in range(2)]) for j in (0, 10))


def options_of(mode, backend):
    options = dict(oracles.MODES[mode])
    return options | ({"mask": backend.make(MASK)} if "mask" in options else {})


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("crop", [None, 3, 2, (4, 5), (3, 2)], ids=str)
def test_same_result_as_the_target(backend, mode, crop):
    for implied in (False, True):
        p, t = backend.make(P[:, implied:]), backend.make(T[:, implied:])
        options = options_of(mode, backend) | {"implied_phase": implied}
        own, whole = tp.target_statistics(t, crop=crop, **options), tp.target_statistics(t, **options)
        for loss in (tp.msess, tp.cess):
            want = backend.read(loss(p, t, crop=crop, reduction="none", **options))
            for statistics, given in ((own, {}), (own, {"crop": crop} | options), (whole, {"crop": crop})):
                got = backend.read(loss(p, statistics, reduction="none", **given))
                oracles.close(got, want, 1e-13, f"{mode} {crop}")
            want = backend.read(loss(p, t, crop=crop, pairs=[(1, 0), (2, 2)], **options))
            oracles.close(backend.read(loss(p, own, pairs=[(1, 0), (2, 2)])), want, 1e-13)
            listed = tp.target_statistics(t, crop=crop, pairs=[(1, 0), (2, 2)], **options)
            oracles.close(backend.read(loss(p, listed)), want, 1e-13)
            oracles.close(backend.read(loss(p, listed, pairs=[(2, 2), (1, 0)])), want, 1e-13)


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("mode", oracles.MODES)
def test_statistics_without_a_batch_serve_every_member_of_one(backend, mode):
    """The normal case of a texture: one target, a batch of predictions."""
    options = options_of(mode, backend)
    for implied in (False, True):
        p = backend.make(P[:, implied:])
        statistics = tp.target_statistics(backend.make(T[0, implied:]), implied_phase=implied, **options)
        everyone = tp.target_statistics(backend.make(np.stack([T[0, implied:]] * len(P))), implied_phase=implied, **options)
        for loss in (tp.msess, tp.cess):
            got, want = (backend.read(loss(p, known, reduction="none")) for known in (statistics, everyone))
            assert got.shape == (len(P),)
            oracles.close(got, want, 1e-13, mode)
            value, gradient = tp.value_and_grad(loss)(p, statistics)
            oracles.close(backend.read(value), want.mean(), 1e-13, mode)
            assert tuple(gradient.shape) == tuple(p.shape)


def test_map_and_cropped(backend):
    p, t = backend.make(P[0]), backend.make(T[0])
    whole = tp.target_statistics(t, mask=backend.make(np.arange(T[0, 0].size).reshape(T[0, 0].shape) % 5 > 0))
    for statistics, options in ((whole.map(lambda x: x), {}), (whole.cropped((3, 2)), {"crop": (3, 2)})):
        oracles.close(backend.read(tp.cess(p, statistics)), backend.read(tp.cess(p, whole, **options)), 1e-13)
    kinds = []
    whole.map(lambda x: kinds.append(x.dtype) or x)
    assert len(kinds) == 3 * (3 + 1) // 2 + 2  # pairs, mask, count


@pytest.mark.matrix(keep=12)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("crop", [None, 3, 2, (4, 4), (3, 2)], ids=str)
@pytest.mark.parametrize("pairs", ["all", "unique", [(2, 0), (0, 1), (0, 2), (1, 1)]], ids=str)
def test_measured_statistics(backend, mode, crop, pairs):
    p, t, options = backend.make(P), backend.make(T), options_of(mode, backend)
    for centered in (False, True):
        f = tp.correlations(t, crop=crop, pairs=pairs, centered=centered, **options)
        statistics = tp.TargetStatistics.from_correlations(f, shape=(4, 5), crop=crop, pairs=pairs, centered=centered, **options)
        assert statistics.n_phases == 3
        for loss in (tp.msess, tp.cess):
            want = loss(p, t, crop=crop, pairs=pairs, reduction="none", **options)
            oracles.close(backend.read(loss(p, statistics, reduction="none")), backend.read(want), 1e-12, f"{mode} {crop} {pairs}")
        if not centered:
            oracles.close(backend.read(statistics.correlations), backend.read(f), 1e-14)


@pytest.mark.long_on_jax
def test_measured_statistics_of_an_implied_phase(backend):
    p, t = backend.make(P[:, 1:]), backend.make(T)
    statistics = tp.TargetStatistics.from_correlations(tp.correlations(t), shape=(4, 5), implied_phase=True)
    want = tp.cess(p, backend.make(T[:, 1:]), implied_phase=True)
    oracles.close(backend.read(tp.cess(p, statistics)), backend.read(want), 1e-12)
    one = tp.TargetStatistics.from_correlations(tp.correlations(t, pairs=[(0, 1)]), shape=(4, 5), pairs=[(0, 1)], n_phases=3)
    assert one.n_phases == 3
    oracles.close(backend.read(tp.msess(backend.make(P), one)), backend.read(tp.msess(backend.make(P), t, pairs=[(0, 1)])), 1e-12)


def test_attributes(backend):
    statistics = tp.target_statistics(backend.make(T), mask=backend.make(MASK), crop=(3, 2), boundary="open")
    assert statistics.shape == (4, 5)
    assert statistics.batch_shape == (2,)
    assert statistics.microstructure_shape == (2, 3, 4, 5)
    assert (statistics.ndim, statistics.n_phases, statistics.boundary, statistics.crop) == (2, 3, "open", (3, 2))
    assert statistics.implied_phase is False
    assert statistics.pairs is None
    assert backend.read(statistics.mask).tolist() == [MASK.tolist()] * 2
    assert "open" in repr(statistics)
    assert "masked=True" in repr(statistics)
    implied = tp.target_statistics(backend.make(T[:, 1:]), implied_phase=True, pairs=[(0, 1)])
    assert implied.microstructure_shape == (2, 2, 4, 5)
    assert implied.pairs == ((0, 1),)
    oracles.close(backend.read(implied.correlations), backend.read(tp.correlations(backend.make(T), pairs=[(0, 1)])), 1e-12)


@pytest.mark.parametrize("mode", oracles.MODES)
def test_volume_fractions(backend, mode):
    for crop in (None, 3, (2, 5)):
        statistics = tp.target_statistics(backend.make(T), crop=crop, **options_of(mode, backend))
        mask = {"mask": backend.make(MASK)} if "mask" in oracles.MODES[mode] else {}
        want = tp.volume_fractions(backend.make(T), **mask)
        oracles.close(backend.read(statistics.volume_fractions), backend.read(want), 1e-12)


@pytest.mark.long_on_jax
def test_indexing(backend):
    masks = backend.make(np.stack([MASK, ~MASK]))
    statistics = tp.target_statistics(backend.make(T), mask=masks)
    p = backend.make(P)
    assert len(statistics) == 2
    want = backend.read(tp.cess(p, statistics, reduction="none"))
    for i, one in enumerate(statistics):
        assert one.batch_shape == ()
        oracles.close(backend.read(tp.cess(backend.make(P[i]), one)), want[i], 1e-13)
        oracles.close(backend.read(tp.cess(backend.make(P[i]), one, mask=masks[i, ...])), want[i], 1e-13)
    reverse = statistics[::-1] if backend.name != "torch" else statistics[[1, 0]]
    if backend.name != "strict":
        oracles.close(backend.read(tp.cess(backend.make(P[::-1].copy()), reverse, reduction="none")), want[::-1], 1e-13)
    grown = statistics[0][None]
    assert grown.batch_shape == (1,)
    oracles.close(backend.read(tp.cess(backend.make(P[:1]), grown, reduction="none")), want[:1], 1e-13)
    assert statistics[...].batch_shape == (2,)
    assert statistics[None, 1].batch_shape == (1,)
    assert statistics[0:1].batch_shape == (1,)


@pytest.mark.parametrize("mode", oracles.MODES)
def test_dtypes(backend, mode):
    """Statistics keep the arithmetic's precision, and serve predictions of another dtype."""
    options = options_of(mode, backend)
    for dtype in (np.float32, np.float64):
        statistics = tp.target_statistics(backend.make(T.astype(dtype)), **options)
        for other in (np.float32, np.float64):
            got = backend.read(tp.cess(backend.make(P.astype(other)), statistics))
            assert got.dtype == other
            oracles.close(got, backend.read(tp.cess(backend.make(P), backend.make(T), **options)), 1e-6)


JITTED = """
import pickle, sys
import numpy as np, twopoint as tp
plain = tp.target_statistics(np.eye(4)[None], implied_phase=True)
assert "jax" not in sys.modules
import jax
for known in (plain.map(jax.numpy.asarray), pickle.loads(pickle.dumps(plain)), tp.target_statistics(np.eye(4)[None], implied_phase=True)):
    assert jax.tree.leaves(known)[0] is not known
    print(float(jax.jit(tp.cess)(jax.numpy.full((1, 4, 4), 0.5), known)))
"""


@pytest.mark.long
def test_statistics_made_before_jax_came_are_taken_by_a_jitted_loss():
    printed = subprocess.run([sys.executable, "-c", JITTED], capture_output=True, text=True, timeout=100)
    assert printed.returncode == 0, printed.stderr
    wanted = float(tp.cess(np.full((1, 4, 4), 0.5), np.eye(4)[None], implied_phase=True))
    assert [float(line) for line in printed.stdout.split()] == pytest.approx([wanted] * 3, rel=1e-5)


def test_a_number_of_phases_that_is_not_that_of_all_pairs_is_refused():
    f = tp.correlations(np.eye(4)[None], implied_phase=True)
    with pytest.raises(ValueError, match="n_phases must be that of f, 2 for 2 rows of pairs='all', got 3"):
        tp.TargetStatistics.from_correlations(f, shape=(4, 4), n_phases=3)
