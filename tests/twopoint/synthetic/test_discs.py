"""Discs against their definition and their expected statistics; the docstrings of the package's names."""

import ast
import doctest
import importlib
import inspect
import itertools
import math
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

import twopoint as tp
from twopoint import synthetic
from twopoint.synthetic import circles, circles_statistics


def by_loops(space, centres, radius, periodic):
    labels = np.zeros(space, dtype=np.uint8)
    for x in itertools.product(*map(range, space)):
        for centre in centres:
            apart = [abs(a - c) for a, c in zip(x, centre, strict=True)]
            if periodic:
                apart = [min(d, n - d) for d, n in zip(apart, space, strict=True)]
            if sum(d * d for d in apart) <= radius**2:
                labels[x] = 1
    return labels


@pytest.mark.parametrize("space", [(17,), (12, 9), (6, 7, 5)])
@pytest.mark.parametrize("periodic", [True, False])
def test_circles_are_the_points_near_a_centre(space, periodic):
    labels = circles(space, n_circles=3, radius=2.3, periodic=periodic, rng=np.random.default_rng(4))
    centres = np.random.default_rng(4).uniform(0.0, space, (3, len(space)))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, by_loops(space, centres, 2.3, periodic))


def test_one_periodic_disc_has_its_area():
    area = circles(n_circles=1, radius=20.0, rng=np.random.default_rng(0)).sum()
    assert abs(area - math.pi * 400) < 2 * math.pi * 20 * 0.1  # a tenth of a pixel along the rim


def test_circles_follow_the_generator_alone():
    first, again, other = (circles(rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (224, 224)
    assert (first == again).all()
    assert (first != other).any()


def test_no_circles_leave_label_0():
    assert not circles((5, 5), n_circles=0, rng=np.random.default_rng(0)).any()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"rng": 3}, TypeError, "rng must be a numpy.random.Generator"),
        ({"shape": ()}, ValueError, "shape must have 1, 2 or 3 sizes"),
        ({"shape": 64}, TypeError, "shape must be the sizes of the space"),
        ({"shape": (4,) * 4}, ValueError, "shape must have 1, 2 or 3 sizes"),
        ({"shape": (4, 0)}, ValueError, "shape must be at least 1"),
        ({"shape": (4.0, 4)}, TypeError, "shape must be an integer"),
        ({"n_circles": -1}, ValueError, "n_circles must be at least 0"),
        ({"n_circles": True}, TypeError, "n_circles must be an integer"),
        ({"radius": 0.0}, ValueError, "radius must be a finite number above 0"),
        ({"radius": math.nan}, ValueError, "radius must be a finite number above 0"),
        ({"radius": "2"}, TypeError, "radius must be a real number"),
    ],
)
def test_bad_input_is_refused_by_name(wrong, error, message):
    with pytest.raises(error, match=message):
        circles(**({"shape": (8, 8), "rng": np.random.default_rng(0)} | wrong))


class Centres(np.random.Generator):
    """A generator that hands out the centres that it is given."""

    def __init__(self, centres):
        super().__init__(np.random.PCG64(0))
        self.centres = np.array(centres, dtype=float)

    def uniform(self, low, high, size):
        return self.centres.reshape(size)


def measured(labels, ndim):
    return tp.autocorrelation((labels == 1).astype(float), ndim=ndim)


def test_a_point_at_the_radius_is_inside():
    assert circles((9,), n_circles=1, radius=2.0, rng=Centres([4.0])).tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("n_circles", [1, 2])
@pytest.mark.parametrize(("size", "radius"), [(9, 1.25), (8, 2.0), (11, 0.5)])
def test_expected_intervals_are_the_mean_over_all_places(size, radius, n_circles):
    """Ends of intervals pass a pixel where a centre is a whole number of quarters, so the middles of quarters stand for all centres."""
    places = np.arange(4 * size) / 4 + 1 / 8
    labels = [circles((size,), n_circles=n_circles, radius=radius, rng=Centres(c)) for c in itertools.product(places, repeat=n_circles)]
    mean = measured(np.array(labels), 1).mean(axis=0)
    expected = circles_statistics((size,), n_circles=n_circles, radius=radius)
    np.testing.assert_allclose(expected, mean, rtol=0, atol=1e-12)  # rounding of transforms and of a mean of 1296
    other = circles_statistics((size,), n_circles=n_circles, radius=radius * 0.99)
    assert abs(other - mean).max() > 1e-4


def shared(distance, radius, ndim):
    """What two balls share: chords (2-D) or cross-sections (3-D) integrated numerically."""
    if distance >= 2 * radius:
        return 0.0
    if ndim == 1:
        return 2 * radius - distance
    if ndim == 2:  # chords across the line of centres at the height R sin t
        end = math.acos(distance / (2 * radius))
        return quad(lambda t: (2 * radius * math.cos(t) - distance) * radius * math.cos(t), -end, end, epsabs=1e-13)[0]
    return 2 * quad(lambda z: math.pi * (radius**2 - z**2), distance / 2, radius, epsabs=1e-13)[0]


@pytest.mark.parametrize("n_circles", [0, 1, 3])
@pytest.mark.parametrize(("space", "radius"), [((13,), 3.2), ((16,), 4.0), ((13, 18), 3.1), ((12, 12), 3.0), ((9, 11, 8), 1.9)])
def test_expected_discs_are_a_sum_over_what_each_disc_covers(space, radius, n_circles):
    """Each disc covers neither point, one, the other, or both: a sum over all 4^K outcomes, areas by quadrature."""
    volume, ndim = math.prod(space), len(space)
    expected = circles_statistics(space, n_circles=n_circles, radius=radius)
    assert expected.shape == space
    for lag in itertools.product(*map(range, space)):
        distance = math.sqrt(sum(min((r + n * s) ** 2 for n in (-1, 0, 1)) for r, s in zip(lag, space, strict=True)))
        both = shared(distance, radius, ndim) / volume
        one = shared(0.0, radius, ndim) / volume - both
        outcomes = [(0, 0, 1 - both - 2 * one), (1, 0, one), (0, 1, one), (1, 1, both)]
        total = sum(
            math.prod(p for _, _, p in each)
            for each in itertools.product(outcomes, repeat=n_circles)
            if any(a for a, _, _ in each) and any(b for _, b, _ in each)
        )
        assert abs(expected[lag] - total) < 1e-12  # rounding; the quadrature's own bound is 1e-13


@pytest.mark.parametrize(("space", "radius", "n_circles"), [((24, 17), 4.0, 3), ((10, 12, 9), 2.1, 5)])
def test_expected_discs_are_the_mean_of_drawn_ones(space, radius, n_circles, rng):
    labels = np.array([circles(space, n_circles=n_circles, radius=radius, rng=rng) for _ in range(1500)])
    f = measured(labels, len(space))
    mean, error = f.mean(axis=0), f.std(axis=0) / math.sqrt(len(f))
    expected = circles_statistics(space, n_circles=n_circles, radius=radius)
    assert (abs(mean - expected) / error).max() < 4.5  # in standard errors, the largest of some hundred independent lags
    other = circles_statistics(space, n_circles=n_circles, radius=radius * 1.05)
    assert (abs(mean - other) / error).max() > 4.5


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"shape": (4,) * 4}, ValueError, "shape must have 1, 2 or 3 sizes"),
        ({"n_circles": 1.0}, TypeError, "n_circles must be an integer"),
        ({"n_circles": -1}, ValueError, "n_circles must be at least 0"),
        ({"radius": 2.01}, ValueError, r"radius must be at most a quarter of the smallest size of shape \(9, 8\)"),
        ({"radius": -1.0}, ValueError, "radius must be a finite number above 0"),
    ],
)
def test_discs_without_a_closed_form_are_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        circles_statistics(**({"shape": (9, 8), "radius": 2.0} | wrong))


MODULES = [info.name for info in pkgutil.iter_modules(synthetic.__path__)]
HELPERS = ("grid",)  # of the others, with nothing public
FUNCTIONS = [name for name in synthetic.__all__ if name != "LineDrawing"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, unchecked):
    module = importlib.import_module(f"twopoint.synthetic.{name}")
    assert module.__doc__
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0 or name in HELPERS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstrings_say_all(name):
    function = getattr(synthetic, name)
    text = inspect.getdoc(function)
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n{section}\n---" in text, f"{name} has no section {section}"
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.name in text, f"{name} does not speak of {parameter.name}"
        keyword = parameter.kind is parameter.KEYWORD_ONLY
        assert keyword or parameter.default is parameter.empty or parameter.name == "shape", f"{name}({parameter.name})"
        assert keyword or parameter.name != "rng", f"{name} takes its generator by position"


DEFAULTS = dict(
    circles=dict(shape=(224, 224), n_circles=5, radius=20.0, periodic=True),
    circles_statistics=dict(shape=(224, 224), n_circles=5, radius=20.0),
    boxes_statistics=dict(boundary="periodic"),
    laminate=dict(axis=0),
    laminate_statistics=dict(axis=0, boundary="periodic"),
    checkerboard=dict(n_phases=2),
    checkerboard_statistics=dict(n_phases=2),
    gaussian_field=dict(exact=False),
    perlin_noise=dict(octaves=5, persistence=0.5, base_frequency=4.0),
    marble=dict(shape=(256, 256), octaves=5, persistence=0.5, base_frequency=4.0, displacement=0.1),
    plane_wave_statistics=dict(shape=(256, 256), boundary="periodic"),
)


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name):
    parameters = inspect.signature(getattr(synthetic, name)).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == DEFAULTS[name]


def test_the_package_stands_apart():
    """It imports numpy, scipy, jaxtyping, itself, and the refusals of arrays."""
    roots = set()
    for path in Path(synthetic.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                above = f"..{node.module}" if node.level == 2 else "." * node.level
                roots.add(above or node.module.split(".")[0])
    assert roots - set(sys.stdlib_module_names) == {"numpy", "scipy", "jaxtyping", ".", "..arrays"}


def test_all_public_functions_are_listed():
    found = set()
    for module in (importlib.import_module(f"twopoint.synthetic.{name}") for name in MODULES if name not in HELPERS):
        own = (n for n, thing in vars(module).items() if inspect.isfunction(thing) and thing.__module__ == module.__name__)
        found |= {n for n in own if not n.startswith("_")}
    assert found == set(FUNCTIONS)
