"""Chunks of a batch, of pairs and of rows: as large as the cache, and the same statistics."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import soft_phases
from twopoint.statistics import chunks
from twopoint.statistics.plan import Options, plan_of

SPACES = {1: (7,), 2: (6, 5), 3: (4, 3, 5)}


@pytest.mark.numpy_only
@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_pieces_of_statistics(ndim, boundary, rng, monkeypatch):
    m = soft_phases(rng, 3, SPACES[ndim])
    for mask in (None, rng.random(SPACES[ndim]) < 0.8, rng.random((2, 2, *SPACES[ndim])) < 0.8):
        whole = tp.correlations(m, ndim=ndim, boundary=boundary, mask=mask)
        with monkeypatch.context() as patch:
            patch.setattr(chunks, "_CACHED", 1)
            oracles.close(tp.correlations(m, ndim=ndim, boundary=boundary, mask=mask), whole, 1e-13)


def _first(mask, ndim):
    return mask if mask is None or mask.ndim == ndim else mask[1, 0]


@pytest.mark.numpy_only
def test_pieces_are_as_large_as_the_cache(monkeypatch):
    m = np.zeros((5, 3, 1, 10, 10))
    plan, _, _ = plan_of(m, Options(implied_phase=True), np)
    monkeypatch.setattr(chunks, "_CACHED", 400)
    assert [part.stop - part.start for part in chunks.ranges(m, plan, np)] == [4, 4, 4, 3]
    monkeypatch.setattr(chunks, "_CACHED", 1 << 30)
    assert chunks.ranges(m, plan, np) == [slice(0, 15)]


@pytest.mark.numpy_only
def test_what_is_done_pair_by_pair(rng):
    m = np.zeros((1, 3, 1, 1))
    plan = plan_of(m, Options(), np)[0]
    assert not chunks.pair_by_pair(m, plan, np)
    large = np.broadcast_to(0.0, (1, 3, 1 << 13, 1 << 12))  # 6 pairs of 2^25
    plan = plan_of(large, Options(), np)[0]
    assert chunks.pair_by_pair(large, plan, np)
    assert not chunks.pair_by_pair(large[:, :2], plan_of(large[:, :2], Options(), np)[0], np)
    tiles = chunks.tiles(large, plan, 1, np)
    assert len(tiles) > 50
    assert all(tile.rows for tile in tiles)
    assert chunks.groups(large, plan) == [(pair,) for pair in plan.half_pairs]


@pytest.mark.numpy_only
def test_tiles_of_a_chunk(monkeypatch):
    m = np.zeros((5, 2, 6, 4))  # half the lags are 4 rows of 4
    plan = plan_of(m, Options(implied_phase=True), np)[0]
    monkeypatch.setattr(chunks, "_TILE", 9 * 16 * 2)
    tiles = chunks.tiles(m, plan, 9, np)
    assert [tile.members for tile in tiles] == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert chunks.groups(m, plan) == [plan.half_pairs]  # of three phases, one implied: the nine together
    tiles = chunks.tiles(m[:1], plan, 9, np)
    assert [tile.rows for tile in tiles] == [None]
    monkeypatch.setattr(chunks, "_TILE", 9 * 4 * 3)
    tiles = chunks.tiles(m[:1], plan, 9, np)
    assert [tile.rows for tile in tiles] == [slice(0, 3), slice(3, 4)]
