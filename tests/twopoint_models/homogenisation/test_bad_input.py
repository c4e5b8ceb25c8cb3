"""Invalid arguments: a clear error names the argument, what it got and what it expects."""

import numpy as np
import pytest

from support import oracles_fem as fem
from twopoint_models.homogenisation import (
    conductivity,
    conductivity_bounds,
    conductivity_gradient,
    elastic_stiffness,
    engineering_constants,
    hashin_shtrikman,
    local_fields,
    stiffness_gradient,
    voigt_reuss,
)

M = fem.noise((6, 5))
SOLVERS = {
    "elastic_stiffness": lambda m, young=(1, 10), poisson=(0.3, 0.2), **o: elastic_stiffness(m, young, poisson, **o),
    "stiffness_gradient": lambda m, young=(1, 10), poisson=(0.3, 0.2), **o: stiffness_gradient(m, m[0, :3, :3], young, poisson, **o),
    "local_fields": lambda m, young=(1, 10), poisson=(0.3, 0.2), **o: local_fields(m, [1, 0, 0], young, poisson, **o),
    "voigt_reuss": lambda m, young=(1, 10), poisson=(0.3, 0.2), **o: voigt_reuss(m, young, poisson, **o),
    "conductivity": lambda m, k=(1, 10), **o: conductivity(m, k, **o),
    "conductivity_gradient": lambda m, k=(1, 10), **o: conductivity_gradient(m, m[0, :2, :2], k, **o),
}
ELASTIC = list(SOLVERS)[:4]
ITERATING = [name for name in SOLVERS if name != "voigt_reuss"]


def refused(name, error, message, m=M, make=np.array, **options):
    with pytest.raises(error, match=message):
        SOLVERS[name](make(m), **options)


def changed(value, at=(0, 2, 3)):
    m = M.copy()
    m[at] = value
    return m


# ---- memberships ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOLVERS)
def test_memberships(backend, name):
    for m, message in (
        (changed(np.nan), "m must be finite, got NaN"),
        (changed(np.inf), "m must be finite"),
        (0.5 * M, r"m must hold phases that sum to one at each point, got one off by 0\.5; implied_phase=True adds phase 0"),
        (M[:1], "implied_phase=True"),
        (np.stack([1.2 - 1.4 * M[0], 1.4 * M[0] - 0.2]), r"m must hold phases of 0 at least, got -0\.2"),
    ):
        refused(name, ValueError, message, m, backend.make)
    implied = M[1:].copy()
    implied[0, 1, 1] = 1.5
    refused(name, ValueError, "0 at least", implied, backend.make, implied_phase=True)
    for dtype in (np.int64, bool):
        refused(name, TypeError, "m must be of a real floating dtype.*one_hot", M.astype(dtype), backend.make)
    refused(name, TypeError, "m must be of a real floating dtype", M.astype(complex), backend.make)


@pytest.mark.parametrize("name", ["elastic_stiffness", "voigt_reuss", "conductivity"])
def test_shapes_of_memberships(backend, name):
    for shape in ((6, 5), (6,), (0, 2, 6, 5), (2, 0, 5), (0, 6, 5)):
        refused(name, ValueError, r"m must have the shape \(batch, phases, \*space\) with 2 axes", np.ones(shape), backend.make)
    for ndim in (0, 4, True, 2.0, "2", None):
        refused(name, ValueError, "ndim must be 1, 2 or 3", M, backend.make, ndim=ndim)


def test_what_is_no_array():
    for name in SOLVERS:
        with pytest.raises((TypeError, AttributeError)):
            SOLVERS[name](M.tolist())
    with pytest.raises(TypeError, match="m must be an array"):
        elastic_stiffness(M.tolist(), [1, 2], [0.3, 0.3])


def test_elasticity_of_one_dimension():
    with pytest.raises(ValueError, match="ndim must be 2 or 3 for elasticity, got 1"):
        elastic_stiffness(M[:, 0], [1, 10], [0.3, 0.2], ndim=1)
    with pytest.raises(ValueError, match="ndim must be 2 or 3"):
        hashin_shtrikman([0.5, 0.5], [1, 10], [0.3, 0.2], ndim=1)


def test_rounding_is_forgiven_in_every_precision(backend):
    """Phases from a softmax, and an implied phase a little below 0."""
    m = fem.soft((6, 5), 5)
    dtypes = {"strict": (np.float32, np.float64), "jax": (np.float16,)}  # the standard has no half precision; jax compiles each
    for dtype in dtypes.get(backend.name, (np.float16, np.float32, np.float64)):
        conductivity(backend.make(m.astype(dtype)), [1, 2, 3, 4, 5], tolerance=1e-3)
    m = M[1:] * (1 + 1e-7)
    conductivity(backend.make(m), [1, 10], implied_phase=True)


def test_memberships_below_nought_where_the_contrast_is_high(backend):
    """Phase 0 a little below 0 takes the stiffness of a point below 0: refused, and never solved."""
    m = backend.make(M[1:] * (1 + 1e-6))
    got = backend.read(conductivity(m, [1.0, 1e4], implied_phase=True, iterations=5000))
    assert np.linalg.eigvalsh(got).min() > 0
    with pytest.raises(ValueError, match="m must give each point a stiffness above 0"):
        conductivity(m, [1e7, 1.0], implied_phase=True)


# ---- properties ----------------------------------------------------------------------------------------------------------------------

NUMBERS = [
    ([1.0], ValueError, r"must be one number per phase, 2 of them, got the shape \(1,\)"),
    ([1.0, 2.0, 3.0], ValueError, r"must be one number per phase, 2 of them, got the shape \(3,\)"),
    ([[1.0, 2.0]], ValueError, "must be one number per phase"),
    ([np.nan, 1.0], ValueError, "must be finite"),
    ([np.inf, 1.0], ValueError, "must be finite"),
    (["1", "2"], TypeError, "must be a list of numbers"),
    ("12", TypeError, "must be a list of numbers"),
    (1.0, TypeError, "must be a list of numbers"),
    (None, TypeError, "must be a list of numbers"),
    ([], TypeError, "must be a list of numbers"),
    ([True, False], TypeError, "must be a list of numbers"),
    ([1j, 2.0], TypeError, "must be a list of numbers"),
]


@pytest.mark.parametrize(("values", "error", "message"), NUMBERS, ids=lambda x: str(x)[:14])
def test_properties(backend, values, error, message):
    for name in ELASTIC:
        refused(name, error, "young " + message, make=backend.make, young=values)
        refused(name, error, "poisson " + message, make=backend.make, poisson=values)
    for name in ("conductivity", "conductivity_gradient"):
        refused(name, error, "conductivities " + message, make=backend.make, k=values)


@pytest.mark.parametrize("as_array", [False, True])
def test_stiffness_of_nought_and_below(backend, as_array):
    """A void is documented: the message says how it is given."""
    for values in ([0.0, 1.0], [-1.0, 1.0]):
        values = backend.make(np.array(values)) if as_array else values
        for name in ELASTIC:
            refused(name, ValueError, r"young must be above 0 for each phase, got \[.*1\.0\]; a void is", make=backend.make, young=values)
        for name in ("conductivity", "conductivity_gradient"):
            refused(name, ValueError, "conductivities must be above 0.*a void is", make=backend.make, k=values)


def test_a_void_as_a_soft_phase():
    """What the message promises: some 1e-3 of the stiffest phase, and it solves."""
    m = fem.images(10, 24)
    found = [elastic_stiffness(m, [1.0, soft], [0.3, 0.3], tolerance=1e-6, iterations=5000) for soft in (1e-4, 1e-6)]
    change = np.abs(found[0] - found[1]).max((1, 2))
    assert np.median(change) < 2e-3
    assert change.max() < 2e-2


@pytest.mark.parametrize("as_array", [False, True])
def test_poisson_out_of_its_range(backend, as_array):
    for nu in (0.5, -1.0, 0.7, -2.0):
        values = backend.make(np.array([0.3, nu])) if as_array else [0.3, nu]
        for name in ELASTIC:
            refused(name, ValueError, "poisson must be above -1 and below 0.5 for each phase, got", make=backend.make, poisson=values)


def test_arrays_of_properties(backend):
    for bad, message in ((np.array([np.nan, 1.0]), "must be finite"), (np.array([np.inf, 1.0]), "must be finite")):
        refused("elastic_stiffness", ValueError, "young " + message, make=backend.make, young=backend.make(bad))
        refused("elastic_stiffness", ValueError, "poisson " + message, make=backend.make, poisson=backend.make(bad))
        refused("conductivity", ValueError, "conductivities " + message, make=backend.make, k=backend.make(bad))
    if backend.name not in ("numpy", "readonly"):  # a numpy array serves every library
        refused("conductivity", TypeError, "conductivities must be real numbers", make=backend.make, k=backend.make(np.array([True, True])))
    refused("conductivity", (TypeError, ValueError), "conductivities", make=backend.make, k=backend.make(np.ones((1, 2))))


def test_mixed_libraries():
    import torch

    with pytest.raises(TypeError, match="arrays must be of one library"):
        conductivity(M, torch.tensor([1.0, 10.0]))
    with pytest.raises(TypeError, match="arrays must be of one library"):
        elastic_stiffness(M, [1.0, 10.0], torch.tensor([0.3, 0.3]))
    with pytest.raises(TypeError, match="arrays must be of one library"):
        stiffness_gradient(torch.tensor(M), np.ones((3, 3)), [1, 10], [0.3, 0.3])
    leaf = torch.tensor([-1.0, 1.0], requires_grad=True)
    with pytest.raises(ValueError, match="above 0"):  # shown without a warning of torch's
        conductivity(torch.tensor(M), leaf)


# ---- options -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELASTIC)
def test_plane(name):
    for plane in ("Strain", "stresses", None, 1):
        refused(name, ValueError, "plane must be one of 'strain', 'stress', got", plane=plane)


@pytest.mark.parametrize("name", ITERATING)
def test_tolerance_and_iterations(name):
    for tolerance in (0, -1e-4, 1, 2.0, np.nan, np.inf, "1e-4", None, True, 1e-16):
        refused(name, ValueError, "tolerance must be below 1 and at least 2e-15 in float64, got", tolerance=tolerance)
    refused(name, ValueError, "tolerance must be below 1 and at least 1e-06 in float32, got 1e-07", M.astype("f4"), tolerance=1e-7)
    for iterations in (0, -1, 1.5, "9", None, True):
        refused(name, ValueError, "iterations must be an integer above 0, got", iterations=iterations)
    SOLVERS[name](
        M, **({"tolerance": np.float32(1e-3)} if "gradient" not in name else {"tolerance": np.float64(0.5)}), iterations=np.int64(99)
    )


@pytest.mark.parametrize("name", ITERATING)
def test_no_convergence(backend, name):
    """The error says the bound that was reached, and of a batch the worst."""
    contrast = {"young": [1, 1000]} if name in ELASTIC else {"k": [1, 1000]}
    refused(
        name,
        RuntimeError,
        r"no convergence in 2 iterations: the error is at most [\d.e+]+, where 0\.0001 is required",
        make=backend.make,
        iterations=2,
        **contrast,
    )


def test_cotangents(backend):
    m = backend.make(np.stack([M, M]))
    for shape in ((3, 3), (1, 3, 3), (2, 2, 2), (2, 6, 6), (2, 3), ()):
        with pytest.raises(ValueError, match=r"cotangent must have the shape \(2, 3, 3\), got"):
            stiffness_gradient(m, backend.make(np.ones(shape)), [1, 10], [0.3, 0.2])
    with pytest.raises(ValueError, match=r"cotangent must have the shape \(2, 2, 2\), got"):
        conductivity_gradient(m, backend.make(np.ones((2, 3, 3))), [1, 10])
    with pytest.raises(TypeError, match="cotangent must be an array"):
        stiffness_gradient(m, [[1.0]], [1, 10], [0.3, 0.2])
    with pytest.raises(TypeError, match="cotangent must be of a real floating dtype"):
        conductivity_gradient(m, backend.make(np.ones((2, 2, 2), int)), [1, 10])


def test_loads(backend):
    m = backend.make(M)
    for load, error, message in (
        ([1, 0], ValueError, "load must be 3 numbers, a strain in Voigt order, got"),
        ([1, 0, 0, 0, 0, 0], ValueError, "load must be 3 numbers"),
        ([[1, 0, 0]], ValueError, "load must be 3 numbers"),
        ([1, 0, np.nan], ValueError, "load must be finite"),
        ("xx", TypeError, "load must be a list of numbers"),
        (1.0, TypeError, "load must be a list of numbers"),
    ):
        with pytest.raises(error, match=message):
            local_fields(m, load, [1, 10], [0.3, 0.2])


def test_stiffnesses(backend):
    for shape in ((3,), (2, 2), (3, 6), (4, 4), ()):
        with pytest.raises(ValueError, match=r"stiffness must have the shape \(\.\.\., 3, 3\) or \(\.\.\., 6, 6\), got"):
            engineering_constants(backend.make(np.ones(shape)))
    with pytest.raises(TypeError, match="stiffness must be of a real floating dtype"):
        engineering_constants(backend.make(np.eye(3, dtype=int)))
    with pytest.raises(TypeError, match="stiffness must be an array"):
        engineering_constants([[1.0]])


def test_volume_fractions():
    for shares, error, message in (
        ([0.5, 0.6], ValueError, "volume_fractions must be numbers of 0 at least with the sum 1"),
        ([1.5, -0.5], ValueError, "volume_fractions must be numbers of 0 at least"),
        ([np.nan, 0.5], ValueError, "volume_fractions must be finite"),
        ([[0.5, 0.5]], ValueError, "volume_fractions"),
        ("ab", TypeError, "volume_fractions must be a list of numbers"),
        ([], TypeError, "volume_fractions"),
    ):
        with pytest.raises(error, match=message):
            hashin_shtrikman(shares, [1, 10], [0.3, 0.2])
        with pytest.raises(error, match=message):
            conductivity_bounds(shares, [1, 10])
    with pytest.raises(ValueError, match="young must be one number per phase, 2 of them"):
        hashin_shtrikman([0.5, 0.5], [1, 10, 3], [0.3, 0.2])
    with pytest.raises(ValueError, match="conductivities must be above 0"):
        conductivity_bounds([0.5, 0.5], [1, 0])
    for ndim in (0, 4, True, 2.0, "2"):
        with pytest.raises(ValueError, match="ndim must be 1, 2 or 3"):
            conductivity_bounds([0.5, 0.5], [1, 10], ndim=ndim)
        with pytest.raises(ValueError, match="ndim must be 2 or 3"):
            hashin_shtrikman([0.5, 0.5], [1, 10], [0.3, 0.2], ndim=ndim)
