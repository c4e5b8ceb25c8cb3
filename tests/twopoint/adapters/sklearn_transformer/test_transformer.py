"""TwoPointTransformer: its features against loops, scikit-learn's own checks, and the pipelines that it is for."""

import doctest
import itertools
import math
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import twopoint as tp
from support import oracles
from support.samples import LABELS, MASK, OPTIONS, SOFT
from twopoint.adapters.sklearn_transformer import TwoPointTransformer, transformer
from twopoint.synthetic import circles

PAIRS = {
    "independent": [(1, 1), (1, 2), (2, 2)],
    "unique": [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)],
    "all": list(itertools.product(range(3), repeat=2)),
}


def by_loops(m, pairs, **options):
    """Centred statistics of the pairs, (pairs, *lags), from the definition."""
    f, _ = oracles.statistics(m, **options)
    if "crop" not in options:
        f = np.roll(f, [n // 2 for n in f.shape[2:]], axis=(2, 3))
    return np.stack([f[h, k] for h, k in pairs])


def discs(number, size=32):
    """Discs of radius 2 to 5: images, and the radius of each."""
    radii = np.linspace(2.0, 5.0, number)
    images = [circles((size, size), n_circles=6, radius=r, rng=np.random.default_rng(i)) for i, r in enumerate(radii)]
    return np.stack(images), radii


@pytest.mark.parametrize("case", OPTIONS)
@pytest.mark.parametrize("pairs", ["independent", "unique", "all", [(2, 1), (0, 0)]], ids=str)
def test_features_are_the_correlations_by_loops(case, pairs):
    transformer = TwoPointTransformer(pairs=pairs, **OPTIONS[case])
    rows = PAIRS[pairs] if isinstance(pairs, str) else pairs
    want = np.stack([by_loops(m, rows, **OPTIONS[case]) for m in tp.one_hot(LABELS, 3)])
    got = transformer.fit_transform(LABELS)
    assert got.dtype == np.float64
    assert transformer.pairs_ == tuple(rows)
    oracles.close(got, want.reshape(4, -1), 1e-12, case)
    lags = want.shape[2:]
    oracles.close(transformer.unflatten(got), want.reshape(4, 3, 3, *lags) if pairs == "all" else want, 1e-12, case)
    assert [axis.tolist() for axis in transformer.lags_] == [list(range(-(n // 2), n - n // 2)) for n in lags]


def test_cumulative_features_are_those_by_loops():
    for options in ({}, {"crop": 3, "boundary": "open"}, {"mask": MASK}):
        want = np.stack([by_loops(m, PAIRS["unique"], cumulative=True, **options) for m in tp.one_hot(LABELS, 3)])
        transformer = TwoPointTransformer(pairs="unique", cumulative=True, **options)
        oracles.close(transformer.unflatten(transformer.fit_transform(LABELS)), want, 1e-12)
        with pytest.raises(ValueError, match="cumulative must be False for target statistics"):
            transformer.target_statistics(transformer.transform(LABELS))


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches_change_nothing(batch_size):
    oracles.close(TwoPointTransformer(batch_size=batch_size).fit_transform(LABELS), TwoPointTransformer().fit_transform(LABELS), 1e-14)


def test_batches_bound_the_memory():
    transformer = TwoPointTransformer(n_phases=2).fit(np.zeros((1, 512, 512), dtype=bool))
    sizes = {part.stop - part.start for part in transformer._batches(np.zeros((40, 512, 512), dtype=bool))}
    assert sizes == {16}  # of 4 MiB each


@pytest.mark.parametrize("case", ["plain", "open", "mask", "crop"])
def test_radial_features(case):
    options = OPTIONS[case]
    transformer = TwoPointTransformer(radial=True, spacing=0.5, pairs="unique", **options)
    got = transformer.fit_transform(LABELS)
    f = tp.correlations(tp.one_hot(LABELS, 3), centered=True, pairs="unique", **options)
    counting = {name: value for name, value in options.items() if name != "mask"}
    count = tp.pair_counts(options.get("mask", np.ones((6, 5))), centered=True, **counting)
    r, want = tp.radial_average(f, centered=True, spacing=0.5, count=count)
    oracles.close(got, want.reshape(4, -1), 1e-12)
    oracles.close(transformer.unflatten(got), want, 1e-12)
    assert transformer.radii_.tolist() == r.tolist()
    assert transformer.get_feature_names_out()[[0, 1, len(r)]].tolist() == ["f00(r=0)", "f00(r=0.5)", "f01(r=0)"]


@pytest.mark.parametrize("radial", [False, True])
def test_confidences(radial):
    mask = np.random.default_rng(2).random((6, 5))
    transformer = TwoPointTransformer(radial=radial, pairs="unique", mask=mask, boundary="open", crop=5)
    want = tp.correlations(tp.one_hot(LABELS, 3), centered=True, pairs="unique", mask=mask, boundary="open", crop=5)
    if radial:
        _, want = tp.radial_average(want, centered=True, count=tp.pair_counts(mask, boundary="open", crop=5))
    oracles.close(transformer.unflatten(transformer.fit_transform(LABELS)), want, 1e-12)
    with pytest.raises(ValueError, match="mask must hold booleans"):
        TwoPointTransformer(mask=3 * mask).fit_transform(LABELS)


SKIPPED = {"check_array_api_input": "scikit-learn asks for SCIPY_ARRAY_API in the environment; the transformer takes numpy arrays"}


@pytest.mark.parametrize("options", [{}, {"half_lags": True}, {"radial": True}, {"boundary": "open", "pairs": "all"}], ids=str)
def test_scikit_learns_own_checks(options, unchecked):
    """With one axis of space the 2-D arrays that scikit-learn feeds are microstructures, so that every check applies."""
    done = check_estimator(TwoPointTransformer(ndim=1, **options), on_fail=None, on_skip=None)
    assert len(done) > 40
    wrong = {one["check_name"]: one["exception"] for one in done if one["status"] != "passed"}
    assert {name: error for name, error in wrong.items() if name not in SKIPPED} == {}


def test_scikit_learns_checks_see_a_planted_error(unchecked):
    class Forgetful(TwoPointTransformer):
        def transform(self, X):
            return np.nan_to_num(super().transform(X)) + np.random.default_rng().random()

    done = check_estimator(Forgetful(ndim=1), on_fail=None, on_skip=None)
    assert any(one["status"] == "failed" for one in done)


def test_examples_run(unchecked):
    result = doctest.testmod(transformer)
    assert result.failed == 0 < result.attempted


def test_pipeline_with_pca_and_regression():
    X, radii = discs(24)
    pipeline = make_pipeline(TwoPointTransformer(crop=13), PCA(5), LinearRegression())
    order = np.random.default_rng(0).permutation(24)
    assert cross_val_score(pipeline, X[order], radii[order], cv=4).mean() > 0.95
    search = GridSearchCV(pipeline, {"twopointtransformer__crop": [3, 13], "twopointtransformer__half_lags": [False, True]}, cv=4)
    search.fit(X[order], radii[order])
    assert search.best_params_["twopointtransformer__crop"] == 13
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(scores[2], scores[3], rtol=1e-8)  # half the lags, the same regression
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_clone_keeps_options_alone():
    transformer = TwoPointTransformer(3, crop=(3, 3), pairs=[(1, 1)], mask=MASK).fit(LABELS)
    copy = clone(transformer)
    assert {k: v for k, v in copy.get_params().items() if k != "mask"} == {k: v for k, v in transformer.get_params().items() if k != "mask"}
    assert not hasattr(copy, "n_phases_")
    np.testing.assert_array_equal(copy.fit_transform(LABELS), transformer.transform(LABELS))


def scores_of(X, **options):
    features = TwoPointTransformer(**options).fit_transform(X)
    return np.abs(PCA(3, svd_solver="full").fit_transform(features))


def test_pca_without_redundant_features():
    """The same to a factor at equal volume fractions, for all lags or half of them; not where they vary, as the documentation says."""
    X, _ = discs(8, 16)
    equal = np.stack([np.random.default_rng(i).permutation(np.arange(256) < 80).reshape(16, 16) for i in range(8)])
    oracles.close(scores_of(equal, pairs="all"), 2 * scores_of(equal), 1e-9)
    oracles.close(scores_of(equal, pairs="unique"), math.sqrt(3) * scores_of(equal), 1e-9)
    oracles.close(scores_of(X, half_lags=True), scores_of(X), 1e-9)
    assert np.max(np.abs(scores_of(X, pairs="all") - 2 * scores_of(X))) > 0.1 * np.max(scores_of(X))


def test_components_become_statistics_again():
    X, _ = discs(8, 16)
    for options in ({}, {"pairs": "all"}, {"half_lags": True, "crop": 5}, {"pairs": "unique", "crop": 5}):
        transformer = TwoPointTransformer(**options)
        features = transformer.fit_transform(X)
        pca = PCA(7).fit(features)  # eight samples: all that they differ in
        statistics = transformer.target_statistics(pca.inverse_transform(pca.transform(features))[3])
        want = tp.target_statistics(tp.two_phase(X[3]), crop=options.get("crop"))
        assert statistics.pairs is None
        oracles.close(statistics.correlations, want.correlations, 1e-12)
        prediction = tp.two_phase(X[5] * 0.5)
        assert tp.cess(prediction, statistics) == pytest.approx(tp.cess(prediction, want), rel=1e-9)
    listed = TwoPointTransformer(pairs=[(1, 1)]).fit(X)
    assert listed.target_statistics(listed.transform(X)).pairs == ((1, 1),)


def test_frames_with_names():
    class Frame:
        """What scikit-learn needs of a DataFrame to tell names."""

        def __init__(self, array):
            self.array, self.shape, self.ndim = array, array.shape, 2
            self.columns = [f"x{i}" for i in range(array.shape[1])]

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.array, dtype=dtype)

    transformer = TwoPointTransformer(shape=(6, 5))
    oracles.close(transformer.fit_transform(Frame(LABELS.reshape(4, 30))), TwoPointTransformer().fit_transform(LABELS), 1e-14)
    assert len(transformer.get_feature_names_out()) == transformer.n_features_out_ == 90


@pytest.mark.parametrize(
    ("options", "X", "complaint"),
    [
        ({}, LABELS.reshape(4, 30), r"ndim=2 axes of space, got shape \(4, 30\); pass shape="),
        ({}, LABELS[None, None], r"got shape \(1, 1, 4, 6, 5\)"),
        ({"shape": (5, 5)}, LABELS.reshape(4, 30), r"shape=\(5, 5\), or flat, 25 values each, got \(30,\)"),
        ({"n_phases": 2}, LABELS, "labels must lie in 0..1"),
        ({"n_phases": 3}, LABELS * 1.0, "the probability of phase 1 of two, got n_phases=3"),
        ({"n_phases": 2}, SOFT, r"holds 3 phases, one implied: False; got n_phases=2"),
        ({"implied_phase": True}, LABELS, "implied_phase=True is for probabilities"),
        ({"pairs": "some"}, LABELS, 'pairs must be "all", "unique"'),
        ({"pairs": [(0, 3)]}, LABELS, "pairs must name phases 0..2"),
        ({"crop": 7}, LABELS, "crop"),
        ({"boundary": "closed"}, LABELS, "boundary must be one of"),
        ({"mask": MASK[:5]}, LABELS, r"mask must have shape \(6, 5\), got \(5, 5\)"),
        ({"mask": MASK[None]}, LABELS[:1], r"mask must have shape \(6, 5\), got \(1, 6, 5\)"),
        ({"shape": 30}, LABELS.reshape(4, 30), r"shape must be \(\*space\) or \(phases, \*space\) with ndim=2 axes of space, got 30"),
        ({"shape": (30,)}, LABELS.reshape(4, 30), r"shape must be .* got \(30,\)"),
        ({"shape": (1, 2, 3, 5)}, LABELS.reshape(4, 30), r"shape must be .* got \(1, 2, 3, 5\)"),
        ({}, LABELS[0], r"got shape \(6, 5\); .*X\[None\] is one sample"),
        ({}, LABELS[:, :0], r"X must not be empty, got shape \(4, 0, 5\)"),
        ({"cumulative": True, "radial": True}, LABELS, "radial must be False with cumulative=True"),
        ({"ndim": 4}, LABELS, "ndim must be 1, 2 or 3, got 4"),
        ({}, np.full((2, 4, 4), np.nan), "NaN"),
    ],
)
def test_what_does_not_fit_is_refused(options, X, complaint, unchecked):
    with pytest.raises(ValueError, match=complaint):
        TwoPointTransformer(**options).fit(X)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"n_phases": 3.0}, "n_phases must be an integer, got float"),
        ({"cumulative": 1}, "cumulative must be True or False, got 1"),
        ({"implied_phase": 1}, "implied_phase must be True or False, got 1"),
        ({"pairs": 3}, "pairs must be .* got int"),
        ({"pairs": [(0, 1, 2)]}, r"pairs must hold pairs of integers \(h, k\), got \(0, 1, 2\)"),
    ],
)
def test_options_of_a_wrong_type_are_refused(options, complaint, unchecked):
    with pytest.raises(TypeError, match=complaint):
        TwoPointTransformer(**options).fit(LABELS)


def test_what_was_not_fitted_is_refused():
    transformer = TwoPointTransformer().fit(LABELS)
    with pytest.raises(ValueError, match=r"X of floats and shape \(4, 6, 5\) is the probability of phase 1 of two, got n_phases=3"):
        transformer.transform(LABELS * 0.5)
    with pytest.raises(ValueError, match=r"of the fitted shape \(6, 5\), got \(5, 6\)"):
        transformer.transform(LABELS.transpose(0, 2, 1))
    with pytest.raises(ValueError, match=r"features must be \(\.\.\., 90\), got shape \(4, 89\)"):
        transformer.unflatten(np.ones((4, 89)))
    for options in ({}, {"n_phases": 2, "boundary": "open"}, {"n_phases": 2, "mask": MASK}):
        X = LABELS if not options else LABELS > 0
        fitted = TwoPointTransformer(**options).fit(X)
        with pytest.raises(ValueError, match='pairs must be "unique"'):
            fitted.target_statistics(fitted.transform(X))
    radial = TwoPointTransformer(radial=True).fit(LABELS)
    with pytest.raises(ValueError, match="radial must be False"):
        radial.target_statistics(radial.transform(LABELS))


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_of_none_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, got {batch_size}"):
        TwoPointTransformer(batch_size=batch_size).fit_transform(LABELS)
