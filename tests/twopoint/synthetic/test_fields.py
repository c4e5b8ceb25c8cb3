"""Gaussian fields against their correlation, level cuts against quadrature, the arcsine law and drawn fields."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr, ndtri

import twopoint as tp
from twopoint.synthetic import gaussian_field, lag_distance, level_cut_statistics, random_field


def bell(r):
    return np.exp(-((r / 1.5) ** 2))


def exponential(r):
    return np.exp(-r / 0.8)


def wave(space, *waves):
    """A correlation whose spectrum has zeros, and coefficients of both signs among its values."""
    x = np.indices(space)
    return np.cos(2 * math.pi * sum(w * i / s for w, i, s in zip(waves, x, space, strict=True)))


CORRELATIONS = [
    ((17,), bell),
    ((16,), exponential),
    ((16,), wave((16,), 3)),
    ((16,), wave((16,), 8)),  # the self-conjugate frequency alone
    ((12, 15), bell),
    ((11, 14), exponential),
    ((8, 6), wave((8, 6), 2, 1) * 0.25 + wave((8, 6), 4, 3) * 0.25 + wave((8, 6), 0, 0) * 0.5),
    ((10, 11, 12), exponential),
]


def values_of(correlation, space):
    return correlation(lag_distance(space)) if callable(correlation) else correlation


class Noise(np.random.Generator):
    """A generator whose noise is 1 at one pixel and 0 elsewhere."""

    def __init__(self, pixel):
        super().__init__(np.random.PCG64(0))
        self.pixel = pixel

    def standard_normal(self, size):
        noise = np.zeros(size)
        noise.flat[self.pixel] = 1.0
        return noise


@pytest.mark.parametrize("space", [(7,), (6, 5), (3, 4, 5)])
def test_lag_distance_is_the_shortest_one(space):
    r = lag_distance(space)
    assert r.shape == space
    for lag in itertools.product(*map(range, space)):
        images = itertools.product(*([i - s, i] for i, s in zip(lag, space, strict=True)))
        assert math.isclose(r[lag], min(math.hypot(*image) for image in images), rel_tol=1e-15, abs_tol=0)  # one rounding of a root


@pytest.mark.parametrize(("space", "correlation"), [c for c in CORRELATIONS if math.prod(c[0]) < 200])
def test_the_covariance_of_the_field_is_the_correlation(space, correlation):
    """The field is linear in the noise, so L L^T of the matrix L that is read off with unit noises is its covariance."""
    points = math.prod(space)
    matrix = np.array([gaussian_field(space, correlation, rng=Noise(i)).ravel() for i in range(points)])
    covariance = (matrix.T @ matrix).reshape(points, *space)
    rho = values_of(correlation, space)
    for i, x in enumerate(itertools.product(*map(range, space))):
        expected = np.roll(rho, x, axis=tuple(range(len(space))))
        np.testing.assert_allclose(covariance[i], expected, rtol=0, atol=1e-12)  # rounding


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("space", "correlation"), CORRELATIONS)
def test_an_exact_field_has_the_correlation_itself(space, correlation, seed):
    field = gaussian_field(space, correlation, exact=True, rng=np.random.default_rng(seed))
    f = tp.autocorrelation(field, ndim=len(space))
    np.testing.assert_allclose(f, values_of(correlation, space), rtol=0, atol=1e-12)  # rounding
    other = gaussian_field(space, correlation, rng=np.random.default_rng(seed))
    assert abs(tp.autocorrelation(other, ndim=len(space)) - f).max() > 1e-3


def test_large_exact_field():
    space, rho = (224, 225), np.exp(-lag_distance((224, 225)) / 6)
    field = gaussian_field(space, rho, exact=True, rng=np.random.default_rng(0))
    np.testing.assert_allclose(tp.autocorrelation(field), rho, rtol=0, atol=1e-12)  # rounding of 50,400 points
    assert abs(np.mean(field**4) - 3) < 0.3  # many waves: nearly normal still


def test_exact_noise_of_nothing_is_a_real_field():
    """Where the noise has no coefficient there is no phase; 0 is as good as any."""

    class Silence(Noise):
        def standard_normal(self, size):
            return np.zeros(size)

    field = gaussian_field((6,), bell(lag_distance((6,))) * 0 + 1, rng=Silence(0), exact=True)
    np.testing.assert_allclose(field, 1.0, rtol=0, atol=1e-12)  # rho = 1: one constant, of variance 1


def test_the_mean_over_fields_is_the_correlation(rng):
    space, rho = (15, 12), bell(lag_distance((15, 12)))
    fields = np.array([gaussian_field(space, rho, rng=rng) for _ in range(2000)])
    f = tp.autocorrelation(fields)
    mean, error = f.mean(axis=0), f.std(axis=0) / math.sqrt(len(f))
    assert (abs(mean - rho) / error).max() < 4.5  # standard errors
    assert (abs(mean - np.exp(-((lag_distance(space) / 1.6) ** 2))) / error).max() > 4.5
    assert abs(fields.mean()) / (fields.mean(axis=(1, 2)).std() / math.sqrt(2000)) < 4  # standard errors


def below(h, k, rho):
    """P(X <= h, Y <= k) by quadrature of the conditional distribution, cut where it falls from one to zero."""
    step = math.sqrt((1 - rho) * (1 + rho))
    if step == 0:
        return min(ndtr(h), ndtr(k)) if rho > 0 else max(0.0, ndtr(h) + ndtr(k) - 1)
    fall = [k / rho + d * step for d in (-9, -4, -2, -1, 0, 1, 2, 4, 9)] if rho else []
    edges = sorted([-39.0, -9.0, *(x for x in fall if -9 < x < h), h])
    density = lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi) * ndtr((k - rho * x) / step)  # noqa: E731
    return math.fsum(quad(density, a, b, epsabs=1e-15, epsrel=1e-13, limit=200)[0] for a, b in itertools.pairwise(edges))


STEEP = [sign * (1 - d) for d in (1.0, 0.7, 0.1, 1e-3, 1e-6, 1e-10, 1e-14, 0.0) for sign in (1, -1)]


@pytest.mark.parametrize(
    "fractions",
    [(0.5, 0.5), (0.2, 0.8), (0.25, 0.5, 0.25), (0.5, 0.3, 0.2), (0.3, 0.2, 0.5), (0.1, 0.4, 1e-7, 0.3, 0.2 - 1e-7), (0.001, 0.999)],
)
def test_level_cuts_are_rectangles_of_the_normal_distribution(fractions):
    levels = [-math.inf, *ndtri(np.cumsum(fractions)[:-1]), math.inf]
    f = level_cut_statistics(np.array(STEEP), fractions)
    for i, rho in enumerate(STEEP):
        joint = np.array([[distribution(h, k, rho) for k in levels] for h in levels])
        expected = np.diff(np.diff(joint, axis=0), axis=1)
        np.testing.assert_allclose(f[..., i], expected, rtol=0, atol=1e-12)  # of the quadrature; Owen's T has 1e-15


def distribution(h, k, rho):
    if -math.inf in (h, k):
        return 0.0
    if math.inf in (h, k):
        return ndtr(min(h, k))
    return below(h, k, rho)


def test_rounded_fractions_are_divided_by_their_sum():
    f = level_cut_statistics(np.array([0.3]), (0.25, 0.25, 0.5 + 8e-10))
    assert abs(f.sum() - 1) < 1e-15  # rounding
    assert level_cut_statistics(np.array([0.3]), (1 / 256,) * 256).shape == (256, 256, 1)


def test_rounding_beyond_1_is_1():
    f, limit = (level_cut_statistics(np.array([-a, a]), (0.3, 0.7)) for a in (1 + 5e-10, 1.0))
    np.testing.assert_array_equal(f, limit)


def test_arcsine_law():
    rho = np.concatenate([np.linspace(-1, 1, 401), STEEP])
    f = level_cut_statistics(rho, (0.5, 0.5))
    law = 0.25 + np.arcsin(rho) / (2 * math.pi)
    np.testing.assert_allclose(f, np.array([[law, 0.5 - law], [0.5 - law, law]]), rtol=0, atol=1e-14)  # rounding


@pytest.mark.parametrize("fractions", [(0.4, 0.6), (0.5, 0.3, 0.2), (0.1,) * 10])
def test_rules_of_level_cuts(fractions):
    v = np.array(fractions)
    f = level_cut_statistics(np.array([[1.0, 0.0, -0.3], [0.9, 0.2, 0.4]]), fractions)
    assert f.shape == (len(v), len(v), 2, 3)
    np.testing.assert_allclose(f.sum(axis=1), np.broadcast_to(v[:, None, None], (len(v), 2, 3)), rtol=0, atol=1e-14)  # rounding
    np.testing.assert_allclose(f[..., 0, 0], np.diag(v), rtol=0, atol=1e-14)  # rounding
    np.testing.assert_allclose(f[..., 0, 1], v * v[:, None], rtol=0, atol=1e-14)  # rounding
    np.testing.assert_array_equal(f, f.swapaxes(0, 1))


@pytest.mark.parametrize(("space", "fractions"), [((40,), (0.3, 0.7)), ((16, 15), (0.5, 0.3, 0.2)), ((8, 7, 9), (0.5, 0.5))])
def test_expected_level_cuts_are_the_mean_of_drawn_ones(space, fractions, rng):
    ndim, rho = len(space), exponential(lag_distance(space))
    labels = np.array([random_field(space, exponential, fractions, rng=rng) for _ in range(1500)])
    f = tp.correlations(tp.one_hot(labels, len(fractions), ndim=ndim), ndim=ndim)
    mean, error = f.mean(axis=0), f.std(axis=0) / math.sqrt(len(f)) + 1e-12  # two phases never meet at lag 0
    assert (abs(mean - level_cut_statistics(rho, fractions)) / error).max() < 4.8  # standard errors, the largest of some thousand
    assert (abs(mean - level_cut_statistics(rho**1.2, fractions)) / error).max() > 4.8


def test_labels_are_cuts_of_the_field():
    field = gaussian_field((30, 31), bell, rng=np.random.default_rng(1))
    labels = random_field((30, 31), bell, (0.2, 0.5, 0.3), rng=np.random.default_rng(1))
    low, high = ndtri(0.2), ndtri(0.7)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.where(field <= low, 0, np.where(field <= high, 1, 2)))
    again, other = (random_field((30, 31), bell, (0.2, 0.5, 0.3), rng=np.random.default_rng(seed)) for seed in (1, 2))
    assert (labels == again).all()
    assert (labels != other).any()


def ramp(space):
    return np.linspace(1, 0.5, math.prod(space)).reshape(space)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("function", [gaussian_field, lambda *a, **o: random_field(*a, (0.5, 0.5), **o)], ids=["gaussian", "random"])
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"rng": np.random}, TypeError, "rng must be a numpy.random.Generator"),
        ({"shape": (0, 8)}, ValueError, "shape must be at least 1"),
        ({"correlation": bell(lag_distance((8, 9)))}, ValueError, r"correlation must have the shape \(8, 8\), got \(8, 9\)"),
        ({"correlation": lambda r: 0.5 * bell(r)}, ValueError, "correlation must be 1 at lag 0, got 0.5"),
        ({"correlation": lambda r: np.where(r > 2, np.nan, 1.0)}, ValueError, "correlation must be finite"),
        ({"correlation": ramp((8, 8))}, ValueError, "correlation must be even"),
        ({"correlation": lambda r: bell(r) + 0j}, TypeError, "correlation must be real, got complex128"),
        ({"correlation": lambda r: r < 1}, TypeError, "correlation must be real, got bool"),
        ({"correlation": lambda r: (r < 2.5) * 1.0}, ValueError, r"positive semi-definite on this grid, got a spectrum from -\d.* to 21"),
    ],
)
def test_bad_correlations_are_refused_by_name(function, wrong, error, message):
    options = {"shape": (8, 8), "correlation": bell, "rng": np.random.default_rng(0)} | wrong
    with pytest.raises(error, match=message):
        function(options.pop("shape"), options.pop("correlation"), **options)


FRACTIONS = [
    ((1.0,), ValueError, "volume_fractions must be of 2 to 256 phases"),
    ((1 / 257,) * 257, ValueError, "volume_fractions must be of 2 to 256 phases"),
    ((0.5, 0.6), ValueError, "volume_fractions must sum to 1"),
    ((1.0, 0.0), ValueError, "volume_fractions must be a finite number above 0"),
    ((0.5, math.nan), ValueError, "volume_fractions must be a finite number above 0"),
    ((0.5, "0.5"), TypeError, "volume_fractions must be a real number"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("fractions", "error", "message"), FRACTIONS)
def test_bad_fractions_are_refused_by_name(fractions, error, message):
    with pytest.raises(error, match=message):
        random_field((8, 8), bell, fractions, rng=np.random.default_rng(0))
    with pytest.raises(error, match=message):
        level_cut_statistics(np.zeros(3), fractions)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("rho", "error", "message"),
    [
        (np.array([1.0, -1.1]), ValueError, "rho must lie within -1 to 1"),
        (np.array([1.0, math.nan]), ValueError, "rho must lie within -1 to 1"),
        (np.array([1.0 + 0j]), TypeError, "rho must be a real array"),
        (np.array([True]), TypeError, "rho must be a real array"),
    ],
)
def test_bad_rho_is_refused_by_name(rho, error, message):
    with pytest.raises(error, match=message):
        level_cut_statistics(rho, (0.5, 0.5))


@pytest.mark.usefixtures("unchecked")
def test_bad_shape_of_lags_is_refused_by_name():
    with pytest.raises(TypeError, match="shape must be an integer"):
        lag_distance((4.0,))
