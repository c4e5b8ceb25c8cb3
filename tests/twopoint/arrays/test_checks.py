"""Bad input: every refusal names the argument.

And input at the edge of what is good: empty masks, and images that are empty, full, of one pixel, or equal.
"""

from itertools import product

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from twopoint import backend as door

# The package's own refusals are wanted, not those of the annotations.
pytestmark = pytest.mark.usefixtures("unchecked")

_rng = np.random.default_rng(7)
X = _rng.random((4, 5))
M = np.stack([1 - X, X])  # (2, 4, 5)
ONE = X[None]  # (1, 4, 5), the other phase implied
BATCH = np.stack([M, M[::-1]])  # (2, 2, 4, 5)
MASK = X > 0.3
LABELS = (X > 0.5).astype(np.int64)

STATISTICS = {"msess": tp.msess, "cess": tp.cess, "mse_cess": lambda p, t, **options: tp.mse_cess(p, t, alpha=1.0, **options)}
LOSSES = {**STATISTICS, "clamp": lambda p, t, **options: tp.clamp(p, sigma=0.1, **options)}


def refused(error, match, call, *arguments, **options):
    """Assert that a call is refused, with the argument's name in the message."""
    with pytest.raises(error, match=match):
        call(*arguments, **options)


# ---- wrong arrays -------------------------------------------------------------------------------------------------------------------

# name of the argument -> call with that argument
ARGUMENTS = {
    "one_hot-labels": ("labels", lambda x, make: tp.one_hot(x, 2)),
    "two_phase-x": ("x", lambda x, make: tp.two_phase(x)),
    "volume_fractions-m": ("m", lambda x, make: tp.volume_fractions(x)),
    "correlations-m": ("m", lambda x, make: tp.correlations(x)),
    "correlations-mask": ("mask", lambda x, make: tp.correlations(make(M), mask=x)),
    "autocorrelation-x": ("x", lambda x, make: tp.autocorrelation(x)),
    "cross_correlation-x": ("x", lambda x, make: tp.cross_correlation(x, make(X))),
    "cross_correlation-y": ("y", lambda x, make: tp.cross_correlation(make(X), x)),
    "pair_counts-mask": ("mask", lambda x, make: tp.pair_counts(x)),
    "radial_average-f": ("f", lambda x, make: tp.radial_average(x)),
    "radial_average-count": ("count", lambda x, make: tp.radial_average(make(X), count=x)),
    "power_spectrum-x": ("x", lambda x, make: tp.power_spectrum(x)),
    "msess-prediction": ("prediction", lambda x, make: tp.msess(x, make(M))),
    "msess-target": ("target", lambda x, make: tp.msess(make(M), x)),
    "cess-prediction": ("prediction", lambda x, make: tp.cess(x, make(M))),
    "cess-target": ("target", lambda x, make: tp.cess(make(M), x)),
    "cess-mask": ("mask", lambda x, make: tp.cess(make(M), make(M), mask=x)),
    "mse_cess-prediction": ("prediction", lambda x, make: tp.mse_cess(x, make(M), alpha=1.0)),
    "mse_cess-target": ("target", lambda x, make: tp.mse_cess(make(M), x, alpha=1.0)),
    "clamp-m": ("m", lambda x, make: tp.clamp(x, sigma=0.1)),
    "clamp-mask": ("mask", lambda x, make: tp.clamp(make(M), sigma=0.1, mask=x)),
    "target_statistics-target": ("target", lambda x, make: tp.target_statistics(x)),
    "from_correlations-f": ("f", lambda x, make: tp.TargetStatistics.from_correlations(x, shape=(4, 5))),
    "gram-features": ("features", lambda x, make: tp.gram(x)),
    "style_loss-prediction": (r"features_prediction\[0\]", lambda x, make: tp.style_loss([x], [make(M)])),
    "style_loss-target": (r"features_target\[0\]", lambda x, make: tp.style_loss([make(M)], [x])),
    "value_and_grad-prediction": ("prediction", lambda x, make: tp.value_and_grad(tp.cess)(x, make(M))),
    "value_and_grad-target": ("target", lambda x, make: tp.value_and_grad(tp.cess)(make(M), x)),
    "reconstruct-target": ("target", lambda x, make: tp.reconstruct(x)),
    "statistics_error-target": ("target", lambda x, make: tp.statistics_error(make(M), x)),
    "statistics-mask": ("mask", lambda x, make: tp.cess(make(M), tp.target_statistics(make(M), mask=make(MASK)), mask=x)),
    "namespace-x": ("x", lambda x, make: door.namespace(x=x)),
    "stop_gradient-x": ("x", lambda x, make: door.stop_gradient(x)),
    "while_loop-like": ("like", lambda x, make: door.while_loop(lambda n: n < 3, lambda n: n + 1, make(np.asarray(1)), like=x)),
}
OPTIONAL = ("mask", "count")  # None is no mask, and all lags weigh the same
NEEDED = [name for name, (argument, _) in ARGUMENTS.items() if argument not in OPTIONAL]
PAIRED = {  # those that take another array besides
    name
    for name in ARGUMENTS
    if name.split("-")[0] in ("cross_correlation", "msess", "cess", "mse_cess", "style_loss", "value_and_grad", "statistics")
    or name.split("-")[1] in OPTIONAL
} - {"pair_counts-mask"}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_is_no_array_is_refused(backend, name):
    argument, call = ARGUMENTS[name]
    refused(TypeError, argument, call, M.tolist(), backend.make)
    refused(TypeError, argument, call, "image", backend.make)
    refused(TypeError, argument, call, 0.5, backend.make)


@pytest.mark.parametrize("name", [*NEEDED, "pair_counts-mask"])
def test_none_is_no_array(backend, name):
    argument, call = ARGUMENTS[name]
    refused(TypeError, argument, call, None, backend.make)


@pytest.mark.numpy_only
def test_a_door_without_arrays_is_refused():
    refused(TypeError, "array", door.namespace)
    refused(TypeError, "x", door.namespace, x=None)


@pytest.mark.numpy_only
@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_masked_array_is_refused(name):
    argument, call = ARGUMENTS[name]
    refused(TypeError, f"{argument} .*MaskedArray", call, np.ma.masked_array(M, mask=M > 0.5), np.array)


@pytest.mark.parametrize("name", sorted(PAIRED))
def test_arrays_of_two_libraries_are_refused(backend, name):
    import torch

    argument, call = ARGUMENTS[name]
    other = np.array if backend.name.startswith("torch") else torch.tensor
    refused(TypeError, f"one library.*{argument}|{argument}.*library", call, other(M), backend.make)


@pytest.mark.parametrize("name", sorted(PAIRED))
def test_arrays_on_two_devices_are_refused(name):
    import torch

    argument, call = ARGUMENTS[name]
    refused(
        ValueError,
        f"one device.*{argument}: meta|{argument}.*meta",
        call,
        torch.empty(M.shape, dtype=torch.float64, device="meta"),
        torch.tensor,
    )


DTYPES = {"integer": np.int64, "small": np.uint8, "boolean": np.bool_, "complex": np.complex128}
BOOLEANS_PASS = ("volume_fractions", "correlations", "autocorrelation", "cross_correlation", "power_spectrum", "pair_counts", "two_phase")
STATISTIC = [
    name
    for name, (argument, _) in ARGUMENTS.items()
    if argument not in OPTIONAL and name.split("-")[0] not in ("one_hot", "two_phase", *vars(door))
]


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", STATISTIC)
def test_only_real_floating_arrays_pass(backend, name, kind):
    argument, call = ARGUMENTS[name]
    if kind == "boolean" and name.split("-")[0] in BOOLEANS_PASS:
        call(backend.make(X > 0.5 if argument in "xy" else M > 0.5), backend.make)
        return
    hint = "dtype" if kind == "complex" else "one_hot"
    refused(TypeError, rf"{argument} must be .*{hint}", call, backend.make(M.astype(DTYPES[kind])), backend.make)


@pytest.mark.parametrize("name", [name for name, (argument, _) in ARGUMENTS.items() if argument == "mask"])
def test_a_complex_mask_is_refused(backend, name):
    _, call = ARGUMENTS[name]
    refused(TypeError, "mask must be boolean or real", call, backend.make(MASK.astype(complex)), backend.make)


def test_complex_images_and_float_labels_are_refused(backend):
    refused(TypeError, "x must be real", tp.two_phase, backend.make(X.astype(complex)))
    for labels in (X, X.astype(complex), X.astype(np.float32)):
        refused(TypeError, "labels must be integers or booleans", tp.one_hot, backend.make(labels), 2)


# ---- wrong shapes -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NEEDED if not hasattr(door, name.split("-")[0])])
def test_too_few_axes_are_refused(backend, name):
    argument, call = ARGUMENTS[name]
    dtype = np.int64 if argument == "labels" else float
    points = np.ones(4, bool) if name.startswith("pair_counts") else np.zeros(4, dtype)
    refused(ValueError, argument, call, backend.make(points), backend.make)


@pytest.mark.parametrize("name", [name for name in NEEDED if not hasattr(door, name.split("-")[0])])
def test_no_points_and_no_batch_are_refused(backend, name):
    argument, call = ARGUMENTS[name]
    for shape in ((2, 0, 5), (0, 2, 4, 5)):
        empty = np.zeros(shape, np.int64 if argument == "labels" else float)
        refused(ValueError, argument, call, backend.make(empty), backend.make)


MICROSTRUCTURES = ("volume_fractions", "correlations", "clamp", "target_statistics", "gram")


@pytest.mark.parametrize("name", MICROSTRUCTURES)
def test_fewer_than_one_explicit_phase_is_refused(backend, name):
    argument, call = next(entry for key, entry in ARGUMENTS.items() if key.split("-")[0] == name)
    refused(ValueError, f"{argument} must hold at least one explicit phase", call, backend.make(M[:0]), backend.make)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_refuse_no_phase_even_where_one_is_implied(backend, loss):
    nothing = backend.make(M[:0])
    for options in ({}, {"implied_phase": True}):
        refused(ValueError, "(prediction|m) must hold at least one explicit phase", LOSSES[loss], nothing, nothing, **options)


@pytest.mark.parametrize("loss", STATISTICS)
@pytest.mark.parametrize("other", [M[:, :3], M[:, :, :4], M[:1], M[None], BATCH, np.swapaxes(M, -1, -2)], ids=str)
def test_unequal_shapes_are_refused(backend, loss, other):
    p, t = backend.make(M), backend.make(other)
    for evaluate in (STATISTICS[loss], tp.value_and_grad(STATISTICS[loss]) if backend.differentiates else STATISTICS[loss]):
        refused(ValueError, "prediction and target must have equal shapes", evaluate, p, t)
    refused(ValueError, "prediction and target must have equal shapes", STATISTICS[loss], t, p)


@pytest.mark.parametrize("loss", ["msess", "cess"])
def test_a_prediction_of_another_shape_than_the_statistics_is_refused(backend, loss):
    statistics = tp.target_statistics(backend.make(M))
    for other in (M[:, :3], BATCH[:, :1], M[:1]):
        refused(ValueError, "prediction must have the target statistics' shape", STATISTICS[loss], backend.make(other), statistics)
    batched = tp.target_statistics(backend.make(BATCH))
    refused(ValueError, "prediction must have the target statistics' shape", STATISTICS[loss], backend.make(M), batched)
    implied = tp.target_statistics(backend.make(ONE), implied_phase=True)
    refused(ValueError, "prediction must have the target statistics' shape", STATISTICS[loss], backend.make(M), implied)


def test_fields_of_unequal_shape_are_refused(backend):
    refused(ValueError, "x and y must have equal shapes", tp.cross_correlation, backend.make(X), backend.make(X[:3]))
    refused(ValueError, "x and y must have equal shapes", tp.cross_correlation, backend.make(X), backend.make(X[None]))


MASKED = {
    "volume_fractions": lambda m, mask: tp.volume_fractions(m, mask=mask),
    "correlations": lambda m, mask: tp.correlations(m, mask=mask),
    "target_statistics": lambda m, mask: tp.target_statistics(m, mask=mask),
    "cess": lambda m, mask: tp.cess(m, m, mask=mask),
    "msess": lambda m, mask: tp.msess(m, m, mask=mask, boundary="open"),
    "mse_cess": lambda m, mask: tp.mse_cess(m, m, alpha=1.0, mask=mask),
    "clamp": lambda m, mask: tp.clamp(m, sigma=0.1, mask=mask),
    "value_and_grad": lambda m, mask: tp.value_and_grad(tp.clamp)(m, None, sigma=0.1, mask=mask),
    "autocorrelation": lambda m, mask: tp.autocorrelation(m[:, 0, ...], mask=mask),
}


@pytest.mark.parametrize("name", MASKED)
def test_a_mask_of_another_shape_is_refused(backend, name):
    m = backend.make(BATCH)
    for mask in (MASK[:3], MASK[:, :1], MASK.T, MASK[None], np.stack([MASK] * 3), np.ones(BATCH.shape, bool), MASK[0]):
        refused(ValueError, "mask must have shape", MASKED[name], m, backend.make(mask))
    for mask in (MASK, np.stack([MASK, ~MASK]), MASK.astype(np.int64), MASK.astype(float)):
        MASKED[name](m, backend.make(mask))


SEEN = MASKED | {
    "pair_counts": lambda m, mask: tp.pair_counts(mask),
    "cross_correlation": lambda m, mask: tp.cross_correlation(m[:, 0, ...], m[:, 1, ...], mask=mask),
    "statistics": lambda m, mask: tp.cess(m, tp.target_statistics(m, mask=mask > 0), mask=mask),
    "from_correlations": lambda m, mask: tp.TargetStatistics.from_correlations(tp.correlations(m), shape=X.shape, mask=mask),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_mask_out_of_range_is_refused(backend, name):
    m, wanted = backend.make(BATCH), "mask must hold booleans, integers 0 and 1, or confidences from 0 to 1, got "
    at = np.arange(X.size).reshape(X.shape) == 7
    for mask, found in (
        (np.where(at, 1.5, X), r"0\.\d+\.\.1\.5 in .*float64"),
        (np.where(at, -1e-3, X).astype(np.float32), r"-0\.001\.\.0\.\d+ in .*float32"),
        (np.where(at, np.nan, X), "NaN"),
        (np.where(at, np.inf, X), r"0\.\d+\.\.inf"),
        (np.where(at, 255, 0).astype(np.uint8), r"0\.\.255 in .*uint8"),
        (np.where(at, -1, 1), r"-1\.\.1 in .*int64"),
    ):
        refused(ValueError, wanted + found, SEEN[name], m, backend.make(mask))
    for mask in (X, np.stack([X, X[::-1]]), X.astype(np.float32), np.ones_like(X), MASK.astype(np.uint8)):
        SEEN[name](m, backend.make(mask))


# ---- wrong options ------------------------------------------------------------------------------------------------------------------

OPTIONED = {
    "correlations": lambda m, **options: tp.correlations(m, **options),
    "target_statistics": lambda m, **options: tp.target_statistics(m, **options),
    **{name: lambda m, loss=loss, **options: loss(m, m, **options) for name, loss in STATISTICS.items()},
    "value_and_grad": lambda m, **options: tp.value_and_grad(tp.cess)(m, m, **options),
}
FIELDS = {
    "autocorrelation": lambda m, **options: tp.autocorrelation(m, **options),
    "cross_correlation": lambda m, **options: tp.cross_correlation(m, m, **options),
    "pair_counts": lambda m, **options: tp.pair_counts(m, **options),
}
WITH_NDIM = {
    **OPTIONED,
    **FIELDS,
    "one_hot": lambda m, **options: tp.one_hot(m > 0.5, 2, **options),
    "two_phase": lambda m, **options: tp.two_phase(m, **options),
    "volume_fractions": lambda m, **options: tp.volume_fractions(m, **options),
    "radial_average": lambda m, **options: tp.radial_average(m, **options),
    "power_spectrum": lambda m, **options: tp.power_spectrum(m, **options),
    "clamp": lambda m, **options: tp.clamp(m, sigma=0.1, **options),
    "gram": lambda m, **options: tp.gram(m, **options),
    "style_loss": lambda m, **options: tp.style_loss([m], [m], **options),
}


@pytest.mark.numpy_only
@pytest.mark.parametrize("ndim", [0, 4, -1, True, 2.0, "2"])
@pytest.mark.parametrize("name", WITH_NDIM)
def test_ndim_is_one_two_or_three(name, ndim):
    refused((ValueError, TypeError), "ndim must be", WITH_NDIM[name], BATCH, ndim=ndim)


@pytest.mark.numpy_only
@pytest.mark.parametrize("name", WITH_NDIM)
def test_ndim_may_be_numpys_integer(name):
    WITH_NDIM[name](BATCH, ndim=np.int64(2))


CROPS = [
    (0, ValueError, "crop must be at least 1"),
    (-1, ValueError, "crop must be at least 1"),
    ((3, 0), ValueError, "crop must be at least 1"),
    (6, ValueError, r"crop must not exceed the number of lags \(4, 5\)"),
    ((5, 5), ValueError, r"crop must not exceed the number of lags \(4, 5\)"),
    ((3, 3, 3), ValueError, "crop must be one integer or 2"),
    ((3,), ValueError, "crop must be one integer or 2"),
    ((), ValueError, "crop must be one integer or 2"),
    (3.0, TypeError, "crop must be an integer"),
    ((3, 2.5), TypeError, "crop must be an integer"),
    (True, TypeError, "crop must be an integer"),
    ("3", (TypeError, ValueError), "crop must be"),
]


@pytest.mark.numpy_only
@pytest.mark.parametrize(("crop", "error", "match"), CROPS)
@pytest.mark.parametrize("name", [*OPTIONED, *FIELDS])
def test_a_crop_that_does_not_fit_is_refused(name, crop, error, match):
    refused(error, match, (OPTIONED | FIELDS)[name], M, crop=crop)


@pytest.mark.numpy_only
@pytest.mark.parametrize("name", [*OPTIONED, *FIELDS])
def test_an_open_boundary_has_more_lags_to_crop(name):
    call = (OPTIONED | FIELDS)[name]
    call(M, crop=(7, 9), boundary="open")
    call(M, crop=np.array([4, 5]))
    refused(ValueError, r"crop must not exceed the number of lags \(7, 9\)", call, M, crop=8, boundary="open")


@pytest.mark.numpy_only
@pytest.mark.parametrize("word", ["Periodic", "wrap", "", None, 1])
@pytest.mark.parametrize("name", [*OPTIONED, *FIELDS])
def test_unknown_boundaries_are_refused(name, word):
    if word is None and name in (*STATISTICS, "value_and_grad"):
        (OPTIONED | FIELDS)[name](M, boundary=word)  # left out
        return
    refused(ValueError, "boundary must be one of 'periodic', 'open'", (OPTIONED | FIELDS)[name], M, boundary=word)


@pytest.mark.numpy_only
@pytest.mark.parametrize("word", ["average", "Mean", None, 0])
def test_unknown_reductions_are_refused(word):
    calls = [lambda options, loss=loss: loss(M, M, **options) for loss in LOSSES.values()]
    calls += [lambda options: tp.style_loss([M], [M], **options)]
    calls += [lambda options: tp.value_and_grad(tp.cess)(M, M, **options)]
    calls += [lambda options: tp.value_and_grad(tp.clamp)(M, None, sigma=0.1, **options)]
    calls += [lambda options: tp.value_and_grad(tp.style_loss)([M], [M], **options)]
    for call in calls:
        refused(ValueError, "^reduction must be one of 'mean', 'sum', 'none'", call, {"reduction": word})
    for loss in STATISTICS.values():
        refused(ValueError, "lag_reduction must be one of 'mean', 'sum'", loss, M, M, lag_reduction=word)
        refused(ValueError, "lag_reduction must be one of 'mean', 'sum'", loss, M, M, lag_reduction="none")


@pytest.mark.numpy_only
@pytest.mark.parametrize("value", ["yes", 1, 0.0, np.ones(2)])
def test_implied_phase_is_true_or_false(value):
    for name, call in OPTIONED.items():
        refused(TypeError, "implied_phase must be True or False", call, ONE, implied_phase=value), name
    refused(TypeError, "implied_phase must be True or False", tp.clamp, ONE, sigma=0.1, implied_phase=value)


PAIRS = [
    ("some", ValueError, 'pairs must be "all", "unique" or a list'),
    (3, TypeError, 'pairs must be "all", "unique" or a list'),
    ([], ValueError, "pairs must hold at least one"),
    ([(0, 1), (0, 1)], ValueError, "pairs must not hold a pair twice"),
    ([(0, 2)], ValueError, r"pairs must name phases 0\.\.1"),
    ([(-1, 0)], ValueError, r"pairs must name phases 0\.\.1"),
    ([(0,)], TypeError, r"pairs must hold pairs of integers"),
    ([(0, 1, 1)], TypeError, r"pairs must hold pairs of integers"),
    ([0, 1], TypeError, r"pairs must hold pairs of integers"),
    ([(0, 1.0)], TypeError, r"pairs must hold pairs of integers"),
    (["01"], TypeError, r"pairs must hold pairs of integers"),
    ([None], TypeError, r"pairs must hold pairs of integers"),
]


@pytest.mark.numpy_only
@pytest.mark.parametrize(("pairs", "error", "match"), PAIRS)
@pytest.mark.parametrize("name", OPTIONED)
def test_pairs_that_mean_nothing_are_refused(name, pairs, error, match):
    refused(error, match, OPTIONED[name], M, pairs=pairs)


@pytest.mark.numpy_only
@pytest.mark.parametrize("name", OPTIONED)
def test_pairs_may_be_any_iterable_of_integers(name):
    def number(result):
        if isinstance(result, tp.TargetStatistics):
            return result.correlations
        return result[1] if isinstance(result, tuple) else result

    wanted = [(0, 1), (1, 1)]
    reference = number(OPTIONED[name](M, pairs=wanted))
    for pairs in (np.array(wanted), tuple(wanted), [list(pair) for pair in wanted], dict.fromkeys(wanted), (pair for pair in wanted)):
        np.testing.assert_array_equal(number(OPTIONED[name](M, pairs=pairs)), reference)


@pytest.mark.long_on_jax
def test_one_phase_alone_is_refused_unless_the_other_is_implied(backend):
    one = backend.make(ONE)
    statistics = tp.target_statistics(one)
    for call in (
        lambda **options: tp.cess(one, one, **options),
        lambda **options: tp.mse_cess(one, one, alpha=1.0, **options),
        lambda **options: tp.value_and_grad(tp.cess)(one, one, **options),
        lambda **options: tp.value_and_grad(tp.mse_cess)(one, one, alpha=1.0, **options),
    ):
        refused(ValueError, "implied_phase=True", call)
        refused(ValueError, "implied_phase=True", call, pairs="all")
        refused(ValueError, "implied_phase=True", call, pairs="unique")
        call(implied_phase=True)
        call(pairs=[(0, 0)])
    refused(ValueError, "implied_phase=True", tp.cess, one, statistics)
    refused(ValueError, "implied_phase=True", tp.clamp, one, sigma=0.1)
    refused(ValueError, "implied_phase=True", tp.value_and_grad(tp.clamp), one, None, sigma=0.1)
    tp.clamp(one, sigma=0.1, implied_phase=True)
    tp.msess(one, one)


NOT_POSITIVE = [0, 0.0, -0.1, float("nan"), float("inf"), np.float64(-1.0), np.float32(-1.0), np.float32("nan")]


@pytest.mark.numpy_only
@pytest.mark.parametrize("value", NOT_POSITIVE, ids=lambda v: f"{type(v).__name__}{v}")
def test_sigma_and_floor_are_above_zero(value):
    refused(ValueError, "sigma must be a finite number above 0", tp.clamp, M, sigma=value)
    refused(ValueError, "sigma must be a finite number above 0", tp.value_and_grad(tp.clamp), M, None, sigma=value)
    for call in (tp.cess, tp.value_and_grad(tp.cess)):
        refused(ValueError, "floor must be a finite number above 0", call, M, M, floor=value)
    refused(ValueError, "floor must be a finite number above 0", tp.mse_cess, M, M, alpha=1.0, floor=value)


@pytest.mark.parametrize("value", [None, "0.1", [0.1], 1j])
def test_sigma_and_floor_are_numbers(backend, value):
    m = backend.make(M)
    refused(TypeError, "sigma must be", tp.clamp, m, sigma=value)
    refused(TypeError, "floor must be", tp.cess, m, m, floor=value)


def test_sigma_may_be_an_array_without_axes_only(backend):
    m = backend.make(M)
    got = tp.clamp(m, sigma=backend.make(np.asarray(0.1)))
    oracles.close(backend.read(got), oracles.clamp(M, 0.1), 1e-12)
    refused(ValueError, "sigma must", tp.clamp, m, sigma=backend.make(np.full(5, 0.1)))
    refused(ValueError, "sigma must", tp.value_and_grad(tp.clamp), m, None, sigma=backend.make(np.full(5, 0.1)))


def test_what_a_loss_needs_is_named_where_it_is_missing(backend):
    m = backend.make(M)
    refused(TypeError, "sigma", tp.clamp, m)
    refused(TypeError, "alpha", tp.mse_cess, m, m)
    refused(TypeError, "sigma", tp.value_and_grad(tp.clamp), m, None)
    refused(TypeError, "alpha", tp.value_and_grad(tp.mse_cess), m, m)


# ---- labels -------------------------------------------------------------------------------------------------------------------------


def test_labels_outside_are_refused(backend):
    make = backend.make
    refused(ValueError, r"labels must lie in 0\.\.1 for n_phases=2, got 1\.\.2", tp.one_hot, make(LABELS + 1), 2)
    refused(ValueError, r"labels must lie in 0\.\.1 for n_phases=2, got -1\.\.0", tp.one_hot, make(LABELS - 1), 2)
    refused(ValueError, r"labels must lie in 0\.\.254", tp.one_hot, make(np.full((2, 2), 255, np.uint8)), 255)
    refused(ValueError, r"labels must lie in 0\.\.0", tp.one_hot, make(X > 0.5), 1)
    for dtype, most in ((np.uint16, 2**16 - 1), (np.uint32, 2**32 - 1), (np.uint64, 2**64 - 1), (np.uint64, 2**63)):
        refused(ValueError, rf"labels must lie in 0\.\.1 .*got 3\.\.{most}", tp.one_hot, make(np.array([[3, most]], dtype)), 2)
        refused(ValueError, r"mask must hold .*got 0\.\.", tp.pair_counts, make(np.array([[0, most]], dtype)))
    assert backend.read(tp.one_hot(make(np.full((2, 2), 255, np.uint8)), 256)).sum() == 4
    assert backend.read(tp.one_hot(make(np.full((2, 2), -1, np.int8) * 0 + 127), 300)).sum() == 4


@pytest.mark.numpy_only
@pytest.mark.parametrize(
    ("n", "error"), [(0, ValueError), (-2, ValueError), (2.0, TypeError), (True, TypeError), (None, TypeError), ("2", TypeError)]
)
def test_n_phases_is_a_number_of_phases(n, error):
    refused(error, "n_phases must be", tp.one_hot, LABELS, n)


# ---- target statistics --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["msess", "cess"])
def test_options_that_differ_from_the_target_statistics_are_refused(backend, loss):
    make, call = backend.make, STATISTICS[loss]
    m = make(M)
    plain = tp.target_statistics(m)
    kept = dict(boundary="open", mask=make(MASK), crop=(3, 2), pairs=[(0, 1), (1, 1)])
    special = tp.target_statistics(m, **kept)
    implied = tp.target_statistics(make(ONE), implied_phase=True)
    for statistics, options, argument in (
        (plain, {"ndim": 1}, "ndim"),
        (plain, {"ndim": 3}, "ndim"),
        (plain, {"boundary": "open"}, "boundary"),
        (special, {"boundary": "periodic"}, "boundary"),
        (plain, {"implied_phase": True}, "implied_phase"),
        (implied, {"implied_phase": False}, "implied_phase"),
        (special, {"crop": 3}, "crop"),
        (special, {"crop": (2, 3)}, "crop"),
        (special, {"pairs": [(0, 1)]}, "pairs"),
        (special, {"pairs": "all"}, "pairs"),
        (plain, {"mask": make(MASK)}, "mask"),
        (special, {"mask": make(MASK[:3])}, "mask"),
        (special, {"mask": make(np.stack([MASK, MASK]))}, "mask"),
        (plain, {"boundary": "wrap"}, "boundary"),
        (plain, {"pairs": [(0, 2)]}, "pairs"),
        (plain, {"pairs": "some"}, "pairs"),
        (plain, {"crop": 9}, "crop"),
        (plain, {"crop": 0}, "crop"),
    ):
        prediction = make(ONE) if statistics is implied else m
        refused(ValueError, argument, call, prediction, statistics, **options)
    assert np.isfinite(backend.read(call(m, special, **kept)))
    assert np.isfinite(backend.read(call(m, plain, ndim=2, boundary="periodic", implied_phase=False, crop=3, pairs="unique")))


def test_a_batched_mask_is_compared_with_its_batch(backend):
    m = backend.make(BATCH)
    statistics = tp.target_statistics(m, mask=backend.make(np.stack([MASK, ~MASK])))
    refused(ValueError, "mask must have the shape", tp.cess, m, statistics, mask=backend.make(MASK))
    assert np.isfinite(backend.read(tp.cess(m, statistics, mask=backend.make(np.stack([MASK, ~MASK])))))


def test_mse_cess_needs_pixels(backend):
    m = backend.make(M)
    for call in (tp.mse_cess, tp.value_and_grad(tp.mse_cess), tp.value_and_grad([(1.0, tp.cess, {}), (1.0, tp.mse_cess, {"alpha": 1.0})])):
        options = {} if call is not tp.mse_cess else {"alpha": 1.0}
        refused(TypeError, "mse_cess needs .*target is TargetStatistics", call, m, tp.target_statistics(m), **{"alpha": 1.0} | options)


def test_statistics_are_no_prediction(backend):
    m = backend.make(M)
    refused(TypeError, "prediction must be an array", tp.cess, tp.target_statistics(m), m)
    refused(TypeError, "target must be an array", tp.target_statistics, tp.target_statistics(m))


def test_the_length_and_the_index_of_statistics(backend):
    make, read = backend.make, backend.read
    batch = np.stack([BATCH, BATCH[::-1], BATCH])  # (3, 2, 2, 4, 5)
    statistics = tp.target_statistics(make(batch), mask=make(_rng.random((3, 2, 4, 5)) > 0.2))
    assert len(statistics) == 3
    assert len(list(statistics)) == 3
    want = read(statistics.correlations)
    for index in (
        0,
        -1,
        slice(1, None),
        (2, 1),
        (slice(None), 1),
        (Ellipsis, 1),
        (1, Ellipsis),
        (Ellipsis,),
        (slice(None), slice(0, 1)),
        (Ellipsis, 0, 1),
    ):
        part = statistics[index]
        entries = index if isinstance(index, tuple) else (index,)
        at = (*entries, *(slice(None),) * 4) if Ellipsis in entries else entries
        np.testing.assert_allclose(read(part.correlations), want[at], rtol=0, atol=1e-15)
        assert part.batch_shape == want[at].shape[:-4]
        assert tuple(part.mask.shape) == (*part.batch_shape, 4, 5)
    for index in ((0, 0, 0), (0, 0, slice(None)), (Ellipsis, 0, 0, 0)):
        refused(IndexError, "index", statistics.__getitem__, index)
    for index in (3, -4, (0, 2)):
        refused(IndexError, "ind", statistics.__getitem__, index)
    alone = tp.target_statistics(make(M))
    refused(TypeError, "length", len, alone)
    refused(IndexError, "index", alone.__getitem__, 0)
    refused(TypeError, "length", list, alone)


def test_volume_fractions_need_all_pairs(backend):
    statistics = tp.target_statistics(backend.make(M), pairs="unique")
    refused(ValueError, "pairs", getattr, statistics, "volume_fractions")


F = np.asarray(tp.correlations(M))  # (2, 2, 4, 5)
MEASURED = [
    (F, dict(shape=(4, 6)), ValueError, "f must have the shape"),
    (F, dict(shape=(5, 4)), ValueError, "f must have the shape"),
    (F[:, :1], dict(shape=(4, 5)), ValueError, "f must have the shape"),
    (F[:1], dict(shape=(4, 5)), ValueError, "f must have the shape"),
    (F[0, 0], dict(shape=(4, 5)), ValueError, "f must have at least 4 axes"),
    (F[0, 0, 0], dict(shape=(4, 5), pairs="unique"), ValueError, "f must have at least 3 axes"),
    (F[0], dict(shape=(4, 5), pairs="unique"), ValueError, "f must have the shape"),
    (F[0], dict(shape=(4, 5), pairs=[(0, 0)]), ValueError, "f must have the shape"),
    (F, dict(shape=(4, 5), boundary="open"), ValueError, "f must have the shape"),
    (F, dict(shape=(4, 5), crop=3), ValueError, "f must have the shape"),
    (F, dict(shape=(4, 5), crop=6), ValueError, "crop must not exceed"),
    (F, dict(shape=(4, 5), boundary="wrap"), ValueError, "boundary must be"),
    (F, dict(shape=(4, 5), ndim=3), ValueError, "shape must have ndim=3"),
    (F, dict(shape=(4, 5), ndim=1), ValueError, "shape must have ndim=1"),
    (F, dict(shape=(1, 2, 4, 5)), ValueError, "ndim must be|shape must have"),
    (F, dict(shape=()), ValueError, "ndim must be|shape must have"),
    (F, dict(shape=(0, 5)), ValueError, "shape must be at least 1"),
    (F, dict(shape=(4.0, 5)), TypeError, "shape must be an integer"),
    (F, dict(shape=20), TypeError, "shape must be"),
    (F, dict(shape=None), TypeError, "shape must be"),
    (F[:1, :1], dict(shape=(4, 5), implied_phase=True), ValueError, "f must hold at least one explicit phase"),
    (F, dict(shape=(4, 5), implied_phase="yes"), TypeError, "implied_phase must be"),
    (F, dict(shape=(4, 5), mask=MASK[:3]), ValueError, "mask must have shape"),
    (F, dict(shape=(4, 5), mask=np.stack([MASK, MASK])), ValueError, "mask must have shape"),
    (F, dict(shape=(4, 5), mask=MASK.astype(complex)), TypeError, "mask must be boolean or real"),
    (F[0], dict(shape=(4, 5), pairs="some"), ValueError, "pairs must be"),
    (F[0], dict(shape=(4, 5), pairs=[]), ValueError, "pairs must hold at least one"),
    (F[0], dict(shape=(4, 5), pairs=[0, 1]), TypeError, "pairs must hold pairs of integers"),
    (F[0], dict(shape=(4, 5), pairs=[(0, "a"), (0, 1)]), TypeError, "pairs must hold pairs of integers"),
    (F[0], dict(shape=(4, 5), pairs=5), TypeError, "pairs must be"),
    (F[0], dict(shape=(4, 5), pairs=None), TypeError, "pairs must be"),
    (F[0], dict(shape=(4, 5), pairs=[(0, 0), (0, 0)]), ValueError, "pairs must not hold a pair twice"),
    (F[0], dict(shape=(4, 5), pairs=[(0, 0), (0, 2)], n_phases=2), ValueError, r"pairs must name phases 0\.\.1"),
    (F[0], dict(shape=(4, 5), pairs=[(0, 0), (0, -1)]), ValueError, "pairs must name phases"),
    (F[0], dict(shape=(4, 5), pairs=[(0, 0), (0, 1)], n_phases=2.0), TypeError, "n_phases must be"),
    (F[0], dict(shape=(4, 5), pairs=[(0, 0), (0, 1)], n_phases=0), ValueError, "n_phases must be"),
]


@pytest.mark.parametrize(("f", "options", "error", "match"), MEASURED, ids=[f"{i}" for i in range(len(MEASURED))])
def test_measured_statistics_that_do_not_fit_are_refused(backend, f, options, error, match):
    options = {name: backend.make(value) if name == "mask" else value for name, value in options.items()}
    refused(error, match, tp.TargetStatistics.from_correlations, backend.make(f), **options)


# ---- radial averages, style, value_and_grad -----------------------------------------------------------------------------------------

SPACINGS = [
    (0.0, ValueError),
    (-1.0, ValueError),
    (float("nan"), ValueError),
    ((1.0, 0.0), ValueError),
    ((1.0,), ValueError),
    ((1.0, 1.0, 1.0), ValueError),
    ((), ValueError),
    ("1", (TypeError, ValueError)),
    ("ab", (TypeError, ValueError)),
    (None, TypeError),
    ((1.0, None), TypeError),
]


@pytest.mark.numpy_only
@pytest.mark.parametrize(("spacing", "error"), SPACINGS)
def test_a_spacing_that_does_not_fit_is_refused(spacing, error):
    refused(error, "spacing must be", tp.radial_average, X, spacing=spacing)


@pytest.mark.numpy_only
def test_a_spacing_may_be_an_array():
    r, values = tp.radial_average(X, spacing=np.array([1.0, 2.0]))
    want = tp.radial_average(X, spacing=(1.0, 2.0))
    np.testing.assert_array_equal(r, want[0])
    np.testing.assert_array_equal(values, want[1])


def test_a_count_that_does_not_fit_is_refused(backend):
    f = backend.make(np.stack([X, X]))
    for count in (X[:3], X[0], X.T, np.stack([X] * 3)):
        refused(ValueError, "count must", tp.radial_average, f, count=backend.make(count))
    refused(TypeError, "count must", tp.radial_average, f, count=backend.make(X + 0j))
    for count in (X, np.stack([X, X]), X[None], np.ones(X.shape, np.int64)):
        tp.radial_average(f, count=backend.make(count))


def test_layers_that_do_not_match_are_refused(backend):
    a, b = backend.make(M), backend.make(BATCH)
    for call in (tp.style_loss, tp.value_and_grad(tp.style_loss)):
        refused(ValueError, "features_prediction and features_target must have equally many layers", call, [a], [a, a])
        refused(ValueError, "features_prediction and features_target must have equally many layers", call, [a, a], [a])
        refused(ValueError, r"features_prediction\[1\] and features_target\[1\] must have equal shapes", call, [a, a], [a, b])
        refused(ValueError, r"features_prediction\[1\] must have the batch of the first layer", call, [a, b], [a, b])
        refused((TypeError, ValueError), "features_prediction|prediction", call, [], [])
        refused(TypeError, "features_prediction must be a list", call, a, a)
        refused(TypeError, "features_target must be a list", call, [a], a)
        refused(TypeError, "features_target must be a list", call, [a], None)
        refused(ValueError, "weights must hold one number per layer, 2, got 1", call, [a, a], [a, a], weights=[1.0])
        refused(ValueError, "weights must hold one number per layer", call, [a], [a], weights=[])
        refused(TypeError, "weights must", call, [a], [a], weights=2.0)
        refused(TypeError, "weights must", call, [a], [a], weights=["a"])


FOREIGN = [
    3,
    None,
    "cess",
    [(1.0, tp.cess)],
    [tp.cess],
    [(1.0, "cess", {})],
    [(1.0, tp.cess, None)],
    [("a", tp.cess, {})],
    [(None, tp.cess, {})],
]


@pytest.mark.numpy_only
@pytest.mark.parametrize("loss", FOREIGN)
def test_what_is_no_loss_is_refused(loss):
    refused(TypeError, "loss must", tp.value_and_grad, loss)


@pytest.mark.numpy_only
def test_a_sum_holds_a_term_and_no_style_loss_beside_others():
    refused(ValueError, "loss must hold at least one", tp.value_and_grad, [])
    refused(ValueError, "style_loss", tp.value_and_grad, [(1.0, tp.cess, {}), (1.0, tp.style_loss, {})])


def test_a_gradient_wants_one_number(backend):
    m = backend.make(M)
    for terms in (tp.cess, [(1.0, tp.cess, {}), (1.0, tp.msess, {})]):
        refused(ValueError, "reduction must be", tp.value_and_grad(terms), m, m, reduction="none")
    refused(ValueError, "reduction must be", tp.value_and_grad([(1.0, tp.cess, {"reduction": "none"})]), m, m)
    refused(ValueError, "reduction must be", tp.value_and_grad(tp.style_loss), [m], [m], reduction="none")


def test_unknown_options_are_refused(backend):
    m = backend.make(M)
    refused(TypeError, "sigma is not an option", tp.value_and_grad(tp.cess), m, m, sigma=0.1)
    refused(TypeError, "flor is not an option of any loss", tp.value_and_grad([(1.0, tp.cess, {}), (1.0, tp.msess, {})]), m, m, flor=0.1)
    refused(TypeError, "flor", tp.value_and_grad([(1.0, tp.cess, {"flor": 0.1})]), m, m)
    refused(TypeError, "floor", tp.value_and_grad([(1.0, tp.msess, {"floor": 0.1})]), m, m)
    refused(TypeError, "crop", tp.value_and_grad([(1.0, tp.clamp, {"sigma": 0.1, "crop": 3})]), m, None)
    refused(TypeError, "crop", tp.value_and_grad(tp.style_loss), [m], [m], crop=3)


def test_foreign_losses_want_a_library_that_differentiates(backend):
    def foreign(prediction, target):
        return (prediction**2).sum()

    m = backend.make(M)
    if backend.differentiates:
        value, gradient = tp.value_and_grad(foreign)(m, m)
        oracles.close(backend.read(value), (M**2).sum(), 1e-14)
        oracles.close(backend.read(gradient), 2 * M, 1e-14)
    else:
        refused(TypeError, "losses only, got 'foreign'", tp.value_and_grad(foreign), m, m)


# ---- the edge of what is good -------------------------------------------------------------------------------------------------------

MODES = {
    "periodic": {},
    "open": {"boundary": "open"},
    "masked": {"mask": np.indices((4, 4)).sum(0) % 3 > 0},
    "masked_open": {"mask": np.indices((4, 4)).sum(0) % 3 > 0, "boundary": "open"},
    "cropped": {"crop": (2, 3)},
}
TERMS = {
    "msess": [(1.0, tp.msess, {})],
    "cess": [(1.0, tp.cess, {})],
    "excess": [(1.0, tp.cess, {"excess": True})],
    "mse_cess": [(1.0, tp.mse_cess, {"alpha": 0.5})],
    "clamp": [(1.0, tp.clamp, {"sigma": 0.01})],
}


SINGLE = np.zeros((4, 4))
SINGLE[1, 2] = 1
IMAGES = {"empty": SINGLE * 0, "full": SINGLE * 0 + 1, "single": SINGLE, "soft": _rng.random((4, 4))}
COUPLES = list(product(IMAGES, repeat=2))  # of a prediction and a target


def made(backend, options):
    return {name: backend.make(value) if name == "mask" else value for name, value in options.items()}


@pytest.mark.long_on_jax
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loss", TERMS)
def test_extreme_images_have_finite_values_and_gradients(backend, loss, mode):
    options = made(backend, MODES[mode])
    if loss == "clamp":
        options = {name: value for name, value in options.items() if name == "mask"}
    ((_, function, own),) = TERMS[loss]
    for implied in (True, False):
        p, t = (np.stack([IMAGES[couple[i]] for couple in COUPLES])[:, None] for i in (0, 1))  # (couples, 1, 4, 4)
        if not implied:
            p, t = (np.concatenate([1 - x, x], axis=1) for x in (p, t))
        a, b = backend.make(p), backend.make(t)
        total, gradient = tp.value_and_grad(TERMS[loss])(a, b, implied_phase=implied, reduction="sum", **options)
        arrays = (a,) if loss == "clamp" else (a, b)
        values = backend.read(function(*arrays, implied_phase=implied, reduction="none", **own, **options))
        gradients = backend.read(gradient)
        assert values.shape == (len(COUPLES),)
        assert gradients.shape == p.shape
        oracles.close(backend.read(total), values.sum(), 1e-12)
        for (kind, other), value, slope in zip(COUPLES, values, gradients, strict=True):
            assert np.isfinite(value), (kind, other, implied)
            assert np.isfinite(slope).all(), (kind, other, implied)
            if kind == other and loss in ("msess", "excess"):
                assert abs(value) < 1e-14, (kind, implied)
            if (kind, other) == ("empty", "soft") and loss in ("cess", "excess", "mse_cess"):
                assert np.abs(slope).max() > 1, "the gradient dies where a phase is missing"


@pytest.mark.long_on_jax
@pytest.mark.parametrize(("space", "dtype"), [((1,), np.float64), ((1, 1), np.float32), ((1, 3), np.float64), ((1, 1, 1), np.float32)])
def test_images_of_one_pixel_have_finite_values_and_gradients(backend, space, dtype):
    p, t = (np.stack([np.full((1, *space), x, dtype) for x in levels]) for levels in ((0, 1, 0.3), (1, 1, 0.6)))
    for mode in ({}, {"boundary": "open"}, {"mask": backend.make(np.ones(space, bool))}):
        for loss, terms in TERMS.items():
            kept = {name: value for name, value in mode.items() if loss != "clamp" or name == "mask"}
            a, b = backend.make(p), backend.make(t)
            value, gradient = tp.value_and_grad(terms)(a, b, ndim=len(space), implied_phase=True, **kept)
            value, gradient = backend.read(value), backend.read(gradient)
            assert value.dtype == gradient.dtype == dtype, (mode, loss)
            assert np.isfinite(value), (mode, loss)
            assert np.isfinite(gradient).all(), (mode, loss)


@pytest.mark.parametrize("images", ["identical", "empty", "different"])
def test_extreme_features_have_finite_style_losses(backend, images):
    p = {"identical": M, "empty": M * 0, "different": M**2}[images]
    value, (gradient,) = tp.value_and_grad(tp.style_loss)([backend.make(p)], [backend.make(M)])
    assert np.isfinite(backend.read(value))
    assert np.isfinite(backend.read(gradient)).all()
    assert (backend.read(value) == 0) == (images == "identical")


@pytest.mark.long_on_jax
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_an_empty_mask_gives_zeros(backend, boundary):
    make, read = backend.make, backend.read
    m, t, mask = make(BATCH), make(BATCH[::-1].copy()), make(np.zeros((4, 5), bool))
    for implied, a, b in ((False, m, t), (True, make(BATCH[:, :1]), make(BATCH[::-1, :1].copy()))):
        options = {"mask": mask, "boundary": boundary, "implied_phase": implied}
        statistics = tp.target_statistics(b, **options)
        for zeros in (
            tp.correlations(a, **options),
            statistics.correlations,
            statistics.volume_fractions,
            tp.volume_fractions(a, mask=mask),
            tp.autocorrelation(a[:, 0, ...], mask=mask, boundary=boundary),
            tp.pair_counts(mask, boundary=boundary),
        ):
            assert np.array_equal(read(zeros), np.zeros(zeros.shape))
        for loss, terms in TERMS.items():
            kept = {name: value for name, value in options.items() if loss != "clamp" or name != "boundary"}
            targets = [b] if loss == "mse_cess" else [b, statistics]
            for target in targets:
                for lag_reduction in ("mean", "sum"):
                    own = kept if loss == "clamp" else kept | {"lag_reduction": lag_reduction}
                    value, gradient = tp.value_and_grad(terms)(a, target, **own)
                    assert read(value) == 0, loss
                    assert np.array_equal(read(gradient), np.zeros(a.shape)), loss


def test_an_empty_mask_of_one_member_leaves_the_other_alone(backend):
    m, t = backend.make(BATCH), backend.make(BATCH[::-1].copy())
    masks = backend.make(np.stack([np.zeros((4, 5), bool), MASK]))
    for loss in (tp.msess, tp.cess):
        values = backend.read(loss(m, t, mask=masks, reduction="none"))
        alone = backend.read(loss(backend.make(BATCH[1]), backend.make(BATCH[0]), mask=backend.make(MASK)))
        assert values[0] == 0
        oracles.close(values[1], alone, 1e-14)
        _, gradient = tp.value_and_grad(loss)(m, t, mask=masks)
        gradient = backend.read(gradient)
        assert np.isfinite(gradient).all()
        assert not gradient[0].any()
        assert gradient[1][:, MASK].any()
        assert not gradient[1][:, ~MASK].any()


def test_radial_averages_of_lags_that_nothing_spans_are_zero(backend):
    r, values = tp.radial_average(backend.make(X), count=backend.make(np.zeros(X.shape)))
    assert np.array_equal(backend.read(values), np.zeros(3))
    assert np.array_equal(backend.read(r), np.arange(3.0))
