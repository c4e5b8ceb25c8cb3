"""The cache of target statistics: the same losses, within the bound, and no target taken for another."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import twopoint as tp
from support.torch_modules import INDEX, LOSSES, MASK, MODES, P, T, equal, given, value_and_gradient
from twopoint.adapters.torch_losses import CESS, MSECESS, MSESS, TargetCache, cache


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", MODES)
def test_a_cache_changes_nothing_under_shuffling(name, mode, monkeypatch):
    module, own = LOSSES[name]
    loss = module(**own, **MODES[mode], cache=TargetCache())
    p, t = given(mode)
    computed = []
    monkeypatch.setattr(cache, "target_statistics", lambda x, **kw: computed.append(len(x)) or tp.target_statistics(x, **kw))
    epochs = [[[0, 1, 2], [3]], [[3, 1], [2, 0]], [[0, 2], [1, 3]]]
    for batch in (batch for epoch in epochs for batch in epoch):
        want = value_and_gradient(loss, p[batch], t[batch])
        equal(value_and_gradient(loss, p[batch], t[batch], index=INDEX[batch]), want)
    assert computed == [3, 1]
    assert (loss.cache.hits, loss.cache.misses, len(loss.cache)) == (8, 4, 4)


def test_predictions_may_change_and_targets_get_no_gradient():
    loss = MSECESS(alpha=2.0, cache=TargetCache())
    loss(P, T, index=INDEX)
    other = P.flip(0)
    equal(value_and_gradient(loss, other, T, index=INDEX), value_and_gradient(loss, other, T))
    t = T.clone().requires_grad_()
    loss(P.clone().requires_grad_(), t, index=INDEX).backward()
    assert t.grad is None


def test_a_masked_target_may_hold_nan():
    mask = torch.tensor(MASK)
    spoilt = torch.where(mask, T, torch.nan)
    for module, own in LOSSES.values():
        loss = module(**own, mask=mask, cache=TargetCache())
        want = value_and_gradient(loss, P, T)
        for _ in range(2):
            equal(value_and_gradient(loss, torch.where(mask, P, torch.nan), spoilt, index=INDEX), want)
        assert loss.cache.hits == 4


def test_the_bound_holds_and_nothing_is_dropped():
    one = CESS(cache=TargetCache())
    one(P[:1], T[:1], index=[0])
    size = one.cache.nbytes
    entry = tp.target_statistics(T[0])
    assert size == sum(f.nbytes for f in entry.by_pair.values())
    cache = TargetCache(2.5 * size)
    loss = CESS(cache=cache)
    for _ in range(3):
        equal([loss(P, T, index=INDEX)], [loss(P, T)])
        assert cache.nbytes == 2 * size
    assert (cache.hits, cache.misses, len(cache)) == (4, 8, 2)  # the first two stay
    held = {f.untyped_storage().data_ptr(): f.untyped_storage().nbytes() for values, _ in cache._entries.values() for f in values}
    assert sum(held.values()) == cache.nbytes  # no view keeps its whole batch alive
    cache.clear()
    assert (cache.hits, cache.misses, cache.nbytes, len(cache)) == (0, 0, 0, 0)
    none = CESS(cache=TargetCache(0))
    equal([none(P, T, index=INDEX) for _ in range(2)], [loss(P, T)] * 2)
    assert (none.cache.misses, len(none.cache)) == (8, 0)


def test_a_mask_is_stored_once():
    loss = CESS(mask=MASK, cache=TargetCache())
    loss(P, T, index=INDEX)
    plain = CESS(boundary="open", crop=(6, 5), cache=TargetCache())
    plain(P, T, index=INDEX)
    values = sum(f.nbytes for f in tp.target_statistics(T, mask=torch.tensor(MASK)).by_pair.values())
    assert loss.cache.nbytes == values


def test_keys_of_any_kind_and_repeated():
    loss = CESS(cache=TargetCache())
    batch = [0, 1, 1, 0]
    for keys in (["a", "b", "b", "a"], np.array([5, 6, 6, 5]), iter([("x", 1), ("x", 2), ("x", 2), ("x", 1)])):
        equal([loss(P[batch], T[batch], index=keys)], [loss(P[batch], T[batch])])
    assert len(loss.cache) == 6


def test_other_pixels_under_an_index_are_refused():
    loss = CESS(crop=3, cache=TargetCache())
    loss(P, T, index=INDEX)
    for other in (T.flip(-1), T.roll(1, -1), T.roll(1, 0), T.transpose(-1, -2).reshape(T.shape)):
        with pytest.raises(ValueError, match=r"target of index \d has other pixels"):
            loss(P, other, index=INDEX)
    for same in (T.float(), T[:2], T.clone()):  # float32, other batches
        loss(P[: len(same)], same, index=INDEX[: len(same)])
    trusting = CESS(cache=TargetCache(verify=False))
    trusting(P, T, index=INDEX)
    equal([trusting(P, T.roll((2, 1), (-2, -1)), index=INDEX)], [trusting(P, T)])  # a periodic shift


def test_one_cache_serves_losses_of_equal_options():
    cache = TargetCache()
    first, second = CESS(crop=[3, 3], cache=cache), MSESS(crop=(3, 3), cache=cache)
    equal([first(P, T, index=INDEX), second(P, T, index=INDEX)], [first(P, T), second(P, T)])
    assert (cache.hits, cache.misses) == (4, 4)
    for options, complaint in (
        ({"crop": 5}, r"crop was \(3, 3\) when the cache was filled, got 5"),
        ({"crop": (3, 3), "boundary": "open"}, "boundary was None when the cache was filled, got open"),
        ({"crop": (3, 3), "mask": MASK}, r"mask was None when the cache was filled, got \(6, 5\)"),
    ):
        with pytest.raises(ValueError, match=complaint):
            CESS(**options, cache=cache)(P, T, index=INDEX)
    with pytest.raises(ValueError, match=r"shape was \(3, 6, 5\) when the cache was filled, got \(3, 5, 6\)"):
        first(P.mT, T.mT, index=INDEX)
    statistics = cache(T, INDEX, crop=(3, 3))
    equal([tp.cess(P, statistics)], [tp.cess(P, T, crop=3)])


def test_what_fits_no_cache_is_refused(unchecked):
    for options, arguments, error, complaint in (
        ({}, (P, T, INDEX[:3]), ValueError, "index must name each of the 4 targets of the batch, got 3"),
        ({}, (P, T, 3), TypeError, "index must be a 1-D tensor of integers or a list of keys, got 3"),
        ({}, (P, T, INDEX[:, None]), TypeError, "index must be a 1-D tensor"),
        ({}, (P[0], T[0], INDEX), ValueError, r"target must be a batch \(B, N, \*space\) with index and ndim=2, got shape \(3, 6, 5\)"),
        ({"mask": MASK[None].repeat(4, 0)}, (P, T, INDEX), ValueError, r"mask must be \(\*space\)"),
        ({}, (P, tp.target_statistics(T), INDEX), TypeError, "target must be a tensor with index, got TargetStatistics"),
        ({}, (P, T > 0, INDEX), TypeError, "target must be of a real floating dtype"),
    ):
        with pytest.raises(error, match=complaint):
            CESS(**options, cache=TargetCache(verify=False))(*arguments[:2], index=arguments[2])
    with pytest.raises(ValueError, match="index given, but this MSESS has no cache"):
        MSESS()(P, T, index=INDEX)
    with pytest.raises(ValueError, match="max_bytes must be 0 or more, got -1"):
        TargetCache(-1)
    with pytest.raises(ValueError, match="reduction must be one of"):
        MSECESS(alpha=1.0, reduction="all", cache=TargetCache())(P, T, index=INDEX)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64])
@pytest.mark.parametrize("loss", [CESS, MSESS, partial(MSECESS, alpha=1.0)], ids=["CESS", "MSESS", "MSECESS"])
def test_integers_are_refused_with_a_cache_and_without(loss, dtype, unchecked):
    """Also where the cache holds the statistics of the same pixels as floats."""
    target = T.round()
    module = loss(cache=TargetCache())
    module(P, target, index=INDEX)
    for options in ({}, {"index": INDEX}):
        with pytest.raises(
            TypeError, match=r"target must be of a real floating dtype, got torch\..*one_hot\(labels, n_phases\) or two_phase"
        ):
            module(P, target.to(dtype), **options)


def test_statistics_from_validation_serve_training():
    loss = CESS(cache=TargetCache())
    with torch.inference_mode():
        loss(P.clone(), T.clone(), index=INDEX)
    equal(value_and_gradient(loss, P, T, index=INDEX), value_and_gradient(loss, P, T))
    assert loss.cache.hits == 4


def test_copies_begin_empty():
    loss = CESS(crop=3, cache=TargetCache(12345, device="cpu", verify=False))
    loss(P, T, index=INDEX)
    for twin in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert (twin.cache.max_bytes, twin.cache.device, twin.cache.verify) == (12345, "cpu", False)
        assert (len(twin.cache), twin.cache.nbytes, twin.cache.hits, twin.crop) == (0, 0, 0, 3)
        twin(P, T, index=INDEX)
        assert len(twin.cache) == 4
    pair = copy.deepcopy(nn.ModuleList([loss, MSESS(crop=3, cache=loss.cache)]))
    assert pair[0].cache is pair[1].cache is not loss.cache


def test_threads_share_a_cache():
    """As the replicas of DataParallel do."""
    loss = CESS(cache=TargetCache())
    batches = [np.random.default_rng(i).permutation(4)[:2] for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda b: loss(P[b], T[b], index=INDEX[b]), batches))
    equal(got, [loss(P[b], T[b]) for b in batches])
    assert (loss.cache.misses, loss.cache.hits, len(loss.cache)) == (4, 76, 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_cache_on_another_device():
    p, t = P.cuda(), T.cuda()
    for store in (None, "cpu"):
        loss = CESS(mask=MASK, cache=TargetCache(device=store)).cuda()
        want = value_and_gradient(loss, p, t)
        for batch in ([0, 1], [2, 1], [0, 1, 2, 3]):
            loss(p[batch], t[batch], index=INDEX[batch])
        for index in (INDEX, INDEX.cuda()):
            value, gradient = value_and_gradient(loss, p, t, index=index)
            equal((value.cpu(), gradient.cpu()), [x.cpu() for x in want])
        assert {f.device.type for values, _ in loss.cache._entries.values() for f in values} == {store or "cuda"}
