"""The features: names, and half of the lags."""

import itertools
import math

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.samples import LABELS
from twopoint.adapters.sklearn_transformer import TwoPointTransformer


@pytest.mark.parametrize("space", [(6, 5), (4, 6), (7, 3)])
@pytest.mark.parametrize("crop", [None, (3, 3), (4, 3), (2, 2), (4, 2)])
@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("cumulative", [False, True])
def test_half_the_lags_keep_distances_and_come_back(space, crop, boundary, cumulative):
    X = np.random.default_rng(2).integers(0, 3, (5, *space))
    options = {"crop": crop, "boundary": boundary, "pairs": "unique", "cumulative": cumulative}
    whole, half = TwoPointTransformer(**options), TwoPointTransformer(half_lags=True, **options)
    a, b = whole.fit_transform(X), half.fit_transform(X)
    oracles.close(half.unflatten(b), whole.unflatten(a), 1e-13)
    oracles.close(b @ b.T, a @ a.T, 1e-13)
    if cumulative:  # fewer lags have a partner: F is not even at -S/2
        return
    lags = list(itertools.product(*whole.lags_))
    wraps = [boundary == "periodic" and len(axis) == n for axis, n in zip(whole.lags_, space, strict=True)]

    def opposite(lag):
        turned = [-r if not w else (-r + n // 2) % n - n // 2 for r, n, w in zip(lag, space, wraps, strict=True)]
        return tuple(turned) if tuple(turned) in lags else None

    alone = sum(opposite(lag) in (None, lag) for lag in lags)
    assert b.shape[1] == 3 * len(lags) + 3 * (alone + (len(lags) - alone) // 2)
    assert len(half.get_feature_names_out()) == b.shape[1]


def test_names_tell_lags():
    transformer = TwoPointTransformer(pairs=[(0, 1), (1, 1)], crop=(3, 2), half_lags=True).fit(LABELS)
    names = transformer.get_feature_names_out().tolist()
    assert names[:6] == ["f01(-1,-1)", "f01(-1,0)", "f01(0,-1)", "f01(0,0)", "f01(+1,-1)", "f01(+1,0)"]
    assert names[6:] == ["f11(-1,-1)", "f11(0,-1)", "f11(0,0)", "f11(+1,-1)", "f11(+1,0)"]
    features = dict(zip(names, transformer.transform(LABELS)[0], strict=True))
    m = tp.one_hot(LABELS[0], 3)
    assert features["f01(+1,-1)"] == pytest.approx(np.mean(m[0] * np.roll(m[1], (-1, 1), axis=(0, 1))))
    assert features["f11(+1,0)"] == pytest.approx(math.sqrt(2) * np.mean(m[1] * np.roll(m[1], -1, axis=0)))
    assert TwoPointTransformer(n_phases=12, crop=1, pairs=[(1, 11)]).fit(LABELS).get_feature_names_out().tolist() == ["f1,11(0,0)"]
