"""Every form of samples gives the same features; gray values are no labels."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.samples import LABELS, SOFT
from twopoint.adapters.sklearn_transformer import TwoPointTransformer


def test_every_form_of_samples():
    m = tp.one_hot(LABELS, 3)
    want = TwoPointTransformer().fit_transform(LABELS)
    flat = TwoPointTransformer(shape=(6, 5)).fit(LABELS.reshape(4, 30))
    assert flat.n_features_in_ == 30
    for got in (
        flat.transform(LABELS.reshape(4, 30)),
        flat.transform(LABELS),
        TwoPointTransformer().fit_transform(m),
        TwoPointTransformer().fit_transform(m.astype(bool)),
        TwoPointTransformer(shape=(3, 6, 5)).fit_transform(m.reshape(4, -1)),
        TwoPointTransformer(implied_phase=True).fit_transform(m[:, 1:]),
    ):
        oracles.close(got, want, 1e-14)
    one = LABELS == 1
    want = TwoPointTransformer(pairs="all").fit_transform(tp.two_phase(one))
    for X in (one, one * 1.0, one * 1, one.astype(np.uint8)):
        oracles.close(TwoPointTransformer(pairs="all").fit_transform(X), want, 1e-14)
    oracles.close(TwoPointTransformer().fit_transform(one[:, None]), want[:, 90:], 1e-14)  # one phase by itself
    volume = TwoPointTransformer(ndim=3, crop=3).fit_transform(LABELS[None] > 0)
    oracles.close(volume[0].reshape(3, 3, 3), tp.autocorrelation((LABELS > 0) * 1.0, ndim=3, crop=3), 1e-14)


def test_soft_phases_keep_their_dtype():
    for dtype, out, tolerance in ((np.float64, np.float64, 1e-12), (np.float32, np.float32, 1e-6), (np.float16, np.float32, 1e-3)):
        got = TwoPointTransformer(pairs="all").fit_transform(SOFT.astype(dtype))
        assert got.dtype == out
        oracles.close(got, tp.correlations(SOFT, centered=True).reshape(4, -1), tolerance)
    assert TwoPointTransformer(dtype="float32").fit_transform(LABELS).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_integers_with_an_axis_of_phases_are_refused(dtype):
    """Volumes of labels, colours (n, 3, H, W), and phases that were cast."""
    volumes = np.random.default_rng(0).integers(0, 3, (4, 8, 8, 8)).astype(dtype)
    message = (
        rf"X of {np.dtype(dtype)} and shape \(4, 8, 8, 8\) would hold phases.*must be floats or booleans.*one_hot.*ndim=3 takes volumes"
    )
    for options, X in (({}, volumes), ({"shape": (8, 8, 8)}, volumes.reshape(4, -1))):
        with pytest.raises(TypeError, match=message):
            TwoPointTransformer(**options).fit(X)
    assert TwoPointTransformer(ndim=3, crop=1).fit_transform(volumes).shape == (4, 3)
    soft = TwoPointTransformer().fit(SOFT)
    with pytest.raises(TypeError, match=r"X of int64 and shape \(4, 3, 6, 5\) would hold phases"):
        soft.transform((SOFT > 0.5).astype(int))


def test_phases_on_the_last_axis_are_refused_by_their_own_shape():
    with pytest.raises(ValueError, match=r"X of shape \(4, 16, 8, 2\) would hold 16 phases.*moveaxis\(X, -1, -3\)"):
        TwoPointTransformer().fit(np.ones((4, 16, 8, 2)))


def test_gray_values_are_not_taken_for_labels():
    with pytest.raises(ValueError, match="X of integers holds labels 0 to N-1, got 255: gray values"):
        TwoPointTransformer().fit(np.uint8(255) * (LABELS > 1).astype(np.uint8))
