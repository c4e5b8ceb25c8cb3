"""The tolerance that is stated, dtypes and libraries, programs that are traced, local fields."""

import inspect

import numpy as np
import pytest

from support import oracles_fem as fem
from support.oracles import close
from twopoint_models.homogenisation import (
    conductivity,
    conductivity_gradient,
    effective,
    elastic_stiffness,
    local_fields,
    materials,
    stiffness_gradient,
    voigt_reuss,
)
from twopoint_models.homogenisation.laws import Conducting, Elastic

POISSON = [0.35, 0.2]
IMAGES = np.concatenate([fem.images(6, (14, 16)), [fem.noise((14, 16)), fem.soft((14, 16))]])


# ---- the tolerance -------------------------------------------------------------------------------------------------------------------


def errors_of(law, m, phases, tolerance):
    """Bounds of errors (batch, loads) that the solver gives."""
    given = materials.conducting_phases(phases, 2, m, np) if isinstance(law, Conducting) else None
    given = given or materials.elastic_phases(phases, POISSON, 2, "strain", law.ndim, m, np)
    return effective.solution(law, m, given, (tolerance, 1000), np)[1]


@pytest.mark.parametrize("phases", [[1, 10], [1, 1000], [1000, 1]], ids=str)
@pytest.mark.parametrize("law", [Elastic(2), Conducting(2), Elastic(3)], ids=str)
def test_errors_are_below_their_bound_and_the_tolerance(law, phases):
    """Of each diagonal entry relative; off the diagonal by sqrt(C_aa C_bb). At contrast 1000 the bound is some 100 times what is true."""
    m = IMAGES if law.ndim == 2 else np.stack([fem.noise((6, 5, 4), seed=1), fem.soft((6, 5, 4))])

    def solve(tolerance):
        if isinstance(law, Conducting):
            return conductivity(m, phases, ndim=law.ndim, tolerance=tolerance)
        return elastic_stiffness(m, phases, POISSON, ndim=law.ndim, tolerance=tolerance)

    want = solve(1e-13)
    diagonal = np.diagonal(want, axis1=1, axis2=2)
    scale = np.sqrt(diagonal[:, :, None] * diagonal[:, None, :])
    for tolerance in (1e-2, 1e-3, 1e-4, 1e-6, 1e-8):
        got = solve(tolerance)
        error = np.abs(got - want) / scale
        bound = errors_of(law, m, phases, tolerance)
        true = np.diagonal(error, axis1=1, axis2=2)
        assert error.max() <= tolerance
        assert (bound <= tolerance).all()
        assert (true <= bound * (1 + 1e-9) + 1e-12).all()
        assert np.median(bound / np.maximum(true, 1e-12)) < 300
        assert (np.diagonal(got, axis1=1, axis2=2) >= diagonal * (1 - 1e-12)).all()  # energies come from above


@pytest.mark.long_on_jax
def test_single_precision_keeps_the_tolerance(backend):
    m = IMAGES[:4]
    for phases in ([1, 10], [1, 1000]):
        want, k = elastic_stiffness(m, phases, POISSON, tolerance=1e-12), conductivity(m, phases, tolerance=1e-12)
        for tolerance in (1e-2, 1e-4, 1e-5):
            got = elastic_stiffness(backend.make(m.astype(np.float32)), phases, POISSON, tolerance=tolerance)
            assert backend.read(got).dtype == np.float32
            within(backend.read(got), want, tolerance + 1e-6)
            within(backend.read(conductivity(backend.make(m.astype(np.float32)), phases, tolerance=tolerance)), k, tolerance + 1e-6)


def within(got, want, tolerance):
    diagonal = np.diagonal(want, axis1=1, axis2=2)
    assert (np.abs(got - want) <= tolerance * np.sqrt(diagonal[:, :, None] * diagonal[:, None, :])).all()


def test_iterations_do_not_grow_with_the_image():
    """The FFT takes the grid out of the condition number: 64 x 64 needs about what 16 x 16 needs."""
    for size in (16, 64):
        elastic_stiffness(fem.noise((size, size)), [1, 10], [0.3, 0.3], iterations=14)


# ---- dtypes, libraries, programs -----------------------------------------------------------------------------------------------------


def everything(m, young, poisson, **options):
    """All that takes memberships, by name."""
    xp = options.pop("xp")
    cotangent = xp.ones((*m.shape[:-3], 3, 3), dtype=m.dtype)
    yield "elastic_stiffness", elastic_stiffness(m, young, poisson, **options)
    yield "conductivity", conductivity(m, young, **options)
    yield "stiffness_gradient", stiffness_gradient(m, cotangent, young, poisson, **options)
    yield "conductivity_gradient", conductivity_gradient(m, cotangent[..., :2, :2], young, **options)
    yield from zip(("strain", "stress"), local_fields(m, [1, 0.5, 0], young, poisson, **options), strict=True)
    yield from zip(("reuss", "voigt"), voigt_reuss(m, young, poisson), strict=True)


@pytest.mark.long_on_jax
def test_dtype_and_library_are_kept(backend):
    m = fem.soft((6, 5))
    want = dict(everything(m, [1, 30], POISSON, xp=np))
    for dtype, tolerance in ((np.float64, 1e-10), (np.float32, 3e-3), (np.float16, 2e-2)):
        if dtype is np.float16 and backend.name == "strict":
            continue  # the standard has no half precision
        for name, got in everything(backend.make(m.astype(dtype)), [1, 30], POISSON, xp=backend.xp):
            assert backend.read(got).dtype == (np.float32 if dtype is np.float16 else dtype), name
            close(backend.read(got), want[name], tolerance, name)


@pytest.mark.long_on_jax
def test_properties_as_arrays(backend):
    """Of the library, in any dtype; of numpy; a tuple."""
    m = fem.soft((6, 5))
    want = elastic_stiffness(m, [1.0, 30.0], POISSON)
    for young in (
        backend.make(np.array([1.0, 30.0])),
        backend.make(np.array([1, 30])),
        np.array([1, 30]),
        np.array([30, 1])[::-1],
        (1, np.float32(30)),
    ):
        close(backend.read(elastic_stiffness(backend.make(m), young, POISSON)), want, 1e-12)
        got = elastic_stiffness(backend.make(m.astype(np.float32)), young, backend.make(np.array(POISSON)))
        assert backend.read(got).dtype == np.float32
        close(backend.read(got), want, 1e-5)
    close(backend.read(conductivity(backend.make(m), backend.make(np.array([1, 30])))), conductivity(m, [1, 30]), 1e-12)


def test_bfloat16_and_no_grad():
    import torch

    m = torch.tensor(fem.soft((6, 5), 4), dtype=torch.bfloat16)
    got = elastic_stiffness(m, [1, 3, 5, 7], [0.3] * 4)
    assert got.dtype is torch.float32
    leaf = torch.tensor(fem.soft((6, 5)), requires_grad=True)
    with torch.no_grad():
        assert not conductivity(leaf, [1, 3]).requires_grad


@pytest.mark.long
def test_jit():
    import jax

    jax.config.update("jax_enable_x64", True)
    m = jax.numpy.asarray(fem.images(2, (12, 10)))
    young, poisson = jax.numpy.asarray([1.0, 100.0]), jax.numpy.asarray(POISSON)
    names = inspect.signature(elastic_stiffness).parameters
    assert {"tolerance", "iterations"} <= set(names)
    solve = jax.jit(elastic_stiffness, static_argnames=("tolerance", "iterations", "plane"))
    close(solve(m, young, poisson, plane="stress"), elastic_stiffness(m, young, poisson, plane="stress"), 1e-12)
    close(jax.jit(conductivity)(m, young), conductivity(m, young), 1e-12)
    strain, _ = jax.jit(lambda x: local_fields(x, [1.0, 0.0, 0.0], [1, 100], POISSON))(m)
    close(strain, local_fields(m, [1.0, 0.0, 0.0], [1, 100], POISSON)[0], 1e-9)


def test_in_a_traced_program_nan_is_what_has_not_converged():
    import jax

    jax.config.update("jax_enable_x64", True)
    easy, hard = np.stack([np.ones((12, 10)), np.zeros((12, 10))]), fem.noise((12, 10))
    m = jax.numpy.asarray(np.stack([easy, hard]))
    c = jax.jit(lambda x: elastic_stiffness(x, [1.0, 100.0], POISSON, iterations=3))(m)
    close(c[0], fem.isotropic(1.0, 0.35, 2), 1e-12)
    assert np.isnan(c[1]).all()
    g = jax.jit(lambda x: conductivity_gradient(x, jax.numpy.ones((2, 2, 2)), [1.0, 100.0], iterations=3))(m)
    assert np.isfinite(g[0]).all()
    assert np.isnan(g[1]).all()
    k = jax.jit(lambda x, k: conductivity(x, k))(m, jax.numpy.asarray([1.0, np.nan]))
    assert np.isnan(k).all()


# ---- local fields --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ndim", "plane"), [(2, "strain"), (2, "stress"), (3, "strain")])
def test_means_and_energies_of_local_fields(backend, ndim, plane):
    """The mean strain is the load, the mean stress C times the load, stress the stiffness times strain at each point."""
    space = (7, 6) if ndim == 2 else (5, 3, 4)
    load = np.array([1.0, -0.5, 0.3] if ndim == 2 else [1.0, -0.5, 0.2, 0.3, 0.1, -0.7])
    young, poisson = [1.0, 20.0, 5.0], [0.1, 0.3, 0.4]
    m = np.stack([fem.noise(space, 3), fem.soft(space, 3)])
    options = dict(ndim=ndim, plane=plane, tolerance=1e-12)
    strain, stress = (backend.read(x) for x in local_fields(backend.make(m), load, young, poisson, **options))
    assert strain.shape == stress.shape == (2, len(load), *space)
    axes = tuple(range(2, 2 + ndim))
    close(strain.mean(axes), np.stack([load] * 2), 1e-12)
    c = elastic_stiffness(m, young, poisson, **options)
    close(stress.mean(axes), c @ load, 1e-6)  # the root of the tolerance
    at = fem.mixture(np.moveaxis(m, 1, 0), [fem.isotropic(e, nu, ndim, plane) for e, nu in zip(young, poisson, strict=True)])
    close(np.moveaxis(stress, 1, -1), np.einsum("...ab,...b->...a", at, np.moveaxis(strain, 1, -1)), 1e-12)
    energy = (strain * stress).sum(1).mean(tuple(range(1, 1 + ndim)))  # of means, that of elements is more
    assert (energy <= load @ c @ load * (1 + 1e-9)).all()
    assert (energy > 0.7 * (load @ c @ load)).all()


@pytest.mark.parametrize("plane", ["strain", "stress"])
def test_local_fields_of_a_laminate(backend, plane):
    """Across layers stress is the same everywhere, along them strain; in a laminate elements have no more energy than their means."""
    m = np.zeros((2, 6, 5))
    m[0, :2], m[1, 2:] = 1, 1
    each = [fem.isotropic(1, 0.3, 2, plane), fem.isotropic(50, 0.1, 2, plane)]
    c = fem.laminate([1 / 3, 2 / 3], each, 0)
    for load in ([1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.3, -0.2, 0.7]):
        strain, stress = local_fields(backend.make(m), load, [1, 50], [0.3, 0.1], plane=plane, tolerance=1e-13)
        strain, stress = backend.read(strain), backend.read(stress)
        mean = c @ load
        for rows, tensor in ((slice(0, 2), each[0]), (slice(2, 6), each[1])):
            left = np.linalg.solve(tensor[np.ix_([0, 2], [0, 2])], mean[[0, 2]] - tensor[[0, 2], 1] * load[1])
            want = np.array([left[0], load[1], left[1]])
            close(strain[:, rows], np.broadcast_to(want[:, None, None], strain[:, rows].shape), 1e-6)
            close(stress[:, rows], np.broadcast_to((tensor @ want)[:, None, None], stress[:, rows].shape), 1e-6)
        close((strain * stress).sum(0).mean(), np.array(load) @ mean, 1e-8)
