"""Effective stiffness and conductivity: closed forms, scikit-fem, elements by loops, bounds and invariances."""

from itertools import product

import numpy as np
import pytest

from support import oracles_fem as fem
from support.oracles import close
from twopoint_models.homogenisation import conductivity, conductivity_bounds, elastic_stiffness, engineering_constants, voigt_reuss
from twopoint_models.homogenisation.element import force, sets, strain
from twopoint_models.homogenisation.laws import Conducting, Elastic
from twopoint_models.homogenisation.materials import mixed

FINE = {"tolerance": 1e-11}
KINDS = [(2, "strain"), (2, "stress"), (3, "strain")]
SPACES = {1: (7,), 2: (6, 5), 3: (5, 3, 4)}
LAYERS = 6
YOUNG, POISSON = [1.0, 100.0], [0.35, 0.2]


def tensors(young, poisson, ndim, plane="strain"):
    return [fem.isotropic(e, nu, ndim, plane) for e, nu in zip(young, poisson, strict=True)]


def layers(ndim, normal, thicknesses, n=None):
    """Memberships of layers across an axis, phases in turn, and the shares of the phases; always one space, which jax compiles once."""
    n = n or len(thicknesses)
    labels = np.repeat(np.arange(len(thicknesses)) % n, thicknesses)
    shares = np.bincount(labels, minlength=n) / LAYERS
    labels = np.broadcast_to(labels.reshape([-1 if i == normal else 1 for i in range(ndim)]), [LAYERS] * ndim)
    return fem.phases(labels, n), shares


# ---- closed forms --------------------------------------------------------------------------------------------------------------------


def contrasts(backend):
    return (10, 100, 1000) if backend.name in ("numpy", "jax") else (1000,)


@pytest.mark.long_on_jax
@pytest.mark.parametrize(("ndim", "plane"), KINDS)
def test_elastic_laminates(backend, ndim, plane):
    for normal, contrast in product(range(ndim), contrasts(backend)):
        for young, poisson, thick in (
            ([1, contrast], [0.3, 0.3], (2, 4)),
            ([contrast, 1], [0.0, 0.45], (1, 5)),
            ([1, contrast, contrast / 3], [-0.4, 0.2, 0.49], (1, 3, 2)),
        ):
            m, shares = layers(ndim, normal, thick)
            got = elastic_stiffness(backend.make(m), young, poisson, ndim=ndim, plane=plane, **FINE)
            close(backend.read(got), fem.laminate(shares, tensors(young, poisson, ndim, plane), normal), 1e-8)


@pytest.mark.long_on_jax
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_conducting_laminates(backend, ndim):
    for normal, contrast in product(range(ndim), contrasts(backend)):
        for k, thick, n in (([1, contrast], (2, 4), None), ([contrast, 1], (1, 2, 1, 2), 2), ([1, contrast, 3], (2, 3, 1), None)):
            m, shares = layers(ndim, normal, thick, n)
            got = conductivity(backend.make(m), k, ndim=ndim, **FINE)
            close(backend.read(got), fem.conducting_laminate(shares, k, normal, ndim), 1e-8)


def test_a_homogeneous_cell(backend):
    for young, nu in ((2.5, 0.3), (210e9, -0.5), (1e-3, 0.49), (1.0, 0.0)):
        for space in ((LAYERS, LAYERS),) if backend.name == "jax" else ((1, 1), (4, 3), (3, 1, 2)):
            m = backend.make(np.stack([np.ones(space), np.zeros(space)]))
            for plane in ("strain", "stress"):
                got = elastic_stiffness(m, [young, 7 * young], [nu, 0.1], ndim=len(space), plane=plane)
                close(backend.read(got), fem.isotropic(young, nu, len(space), plane), 1e-12)
                found = [float(backend.read(x)) for x in engineering_constants(got)]
                in_plane = len(space) == 2 and plane == "strain"
                e, n, g = (young / (1 - nu**2), nu / (1 - nu), young / (2 + 2 * nu)) if in_plane else (young, nu, young / (2 + 2 * nu))
                want = [e, e, g, n, n] if len(space) == 2 else [e] * 3 + [g] * 3 + [n] * 3
                for a, b in zip(found, want, strict=True):
                    assert abs(a - b) <= 1e-12 * abs(b) + 1e-13 * (b == 0)


@pytest.mark.long_on_jax
def test_one_phase_and_gray_points(backend):
    close(backend.read(conductivity(backend.make(np.ones((1, 4, 3))), [3.0])), 3 * np.eye(2), 1e-14)
    gray = np.broadcast_to(np.array([0.25, 0.75])[:, None, None], (2, 4, 3))
    want = 0.25 * fem.isotropic(1, 0.3, 2) + 0.75 * fem.isotropic(9, 0.1, 2)
    close(backend.read(elastic_stiffness(backend.make(gray), [1, 9], [0.3, 0.1])), want, 1e-12)


def test_a_checkerboard_of_conductors():
    """Dykhne and Keller: the geometric mean; elements in the corners come to it from above as the square of their size falls."""
    errors = []
    for n in (16, 32, 64):
        labels = (np.indices((n, n)) // (n // 2)).sum(0) % 2
        errors.append(conductivity(fem.phases(labels), [1.0, 4.0])[0, 0] / 2 - 1)
    assert 0 < errors[2] < errors[1] < errors[0] < 0.05


def test_engineering_constants_of_a_solid(backend):
    want = dict(E_x=3.0, E_y=5.0, E_z=7.0, G_yz=1.1, G_xz=1.3, G_xy=1.7, nu_xy=0.2, nu_xz=0.15, nu_yz=0.25)
    s = np.diag([1 / want[name] for name in ("E_x", "E_y", "E_z", "G_yz", "G_xz", "G_xy")])
    for (i, j), name in {(0, 1): "xy", (0, 2): "xz", (1, 2): "yz"}.items():
        s[i, j] = s[j, i] = -want[f"nu_{name}"] / want[f"E_{name[0]}"]
    c = np.broadcast_to(np.linalg.inv(s), (2, 3, 6, 6))
    found = engineering_constants(backend.make(c))
    for name, value in want.items():
        close(backend.read(getattr(found, name)), np.full((2, 3), value), 1e-13, name)
    plane = engineering_constants(backend.make(np.linalg.inv(s[np.ix_([0, 1, 5], [0, 1, 5])])))
    assert [round(float(backend.read(x)), 12) for x in plane] == [3.0, 5.0, 1.7, 0.2, round(0.2 * 5 / 3, 12)]


# ---- scikit-fem and loops ------------------------------------------------------------------------------------------------------------


def against_fem(images, young=YOUNG, poisson=POISSON, **options):
    """Max difference by max entry is at most 1e-6 (the bar of issue 6), elastic of both planes and thermal."""
    for plane in ("strain", "stress"):
        got = elastic_stiffness(images, young, poisson, plane=plane, **options)
        for m, c in zip(images, got, strict=True):
            close(c, fem.fem(fem.mixture(m, tensors(young, poisson, 2, plane))), 1e-6, plane)
    for m, k in zip(images, conductivity(images, young, **options), strict=True):
        close(k, fem.fem(fem.mixture(m, [e * np.eye(2) for e in young])), 1e-6, "conductivity")


def test_against_scikit_fem_small():
    against_fem(fem.images(10, (24, 20)), tolerance=1e-9)
    against_fem(np.stack([fem.noise((7, 10), seed=i) for i in range(3)]), tolerance=1e-9)
    against_fem(np.stack([fem.soft((9, 8), 3, seed=i) for i in range(2)]), [1, 100, 10], [0.1, 0.3, 0.45], tolerance=1e-9)


@pytest.mark.slow
def test_against_scikit_fem_large():
    against_fem(fem.images(20, 64), tolerance=1e-8)
    against_fem(fem.images(1, 224, seed=5), tolerance=1e-8)


@pytest.mark.parametrize("n", [2, 3])
def test_voxels_against_scikit_fem(n):
    young, poisson = [1, 100, 10][:n], [0.3, 0.1, 0.4][:n]
    m = fem.noise((6, 5, 4), n)
    got = elastic_stiffness(m, young, poisson, ndim=3, tolerance=1e-9)
    close(got, fem.fem(fem.mixture(m, tensors(young, poisson, 3))), 1e-6)
    close(conductivity(m, young, ndim=3, tolerance=1e-9), fem.fem(fem.mixture(m, [e * np.eye(3) for e in young])), 1e-6)


def test_the_oracles_find_a_planted_error():
    m = fem.noise((6, 5))
    want = fem.fem(fem.mixture(m, tensors(YOUNG, POISSON, 2)))
    with pytest.raises(AssertionError, match="relative error"):
        close(elastic_stiffness(m, [1.0, 100.1], POISSON, **FINE), want, 1e-6)
    with pytest.raises(AssertionError, match="relative error"):
        close(elastic_stiffness(np.swapaxes(m, 1, 2), YOUNG, POISSON, **FINE), want, 1e-6)


LAWS = [(Conducting(ndim), "strain") for ndim in (1, 2, 3)] + [(Elastic(ndim), plane) for ndim, plane in KINDS]


@pytest.mark.parametrize(("law", "plane"), LAWS, ids=str)
def test_forces_are_those_of_gauss_points(backend, law, plane):
    """The operator without a matrix is the assembled one, and force is the transpose of strain."""
    ndim, space, xp = law.ndim, SPACES[law.ndim], backend.xp
    young, poisson = [1.0, 50.0, 7.0], [0.3, -0.2, 0.45]
    m = fem.soft(space, 3)
    if isinstance(law, Elastic):
        each = tensors(young, poisson, ndim, plane)
        coefficients = np.array([[c[0, 1], c[-1, -1]] for c in each])  # lambda and mu
    else:
        each, coefficients = [e * np.eye(ndim) for e in young], np.array(young)[:, None]
    fields = [backend.make(np.einsum("n...,n->...", m, column)) for column in coefficients.T]
    matrix = fem.dense(fem.mixture(m, each), ndim)
    rng = np.random.default_rng(1)
    u, w = (rng.normal(size=(law.components, *space)) for _ in range(2))
    made = [backend.make(x) for x in u]
    modes = strain(made, ndim, xp)
    pushed = force(law.stress(modes, fields), ndim, xp)
    close(np.stack([backend.read(f) for f in pushed]), (matrix @ u.ravel()).reshape(u.shape), 1e-13)
    energy = sum(np.sum(backend.read(c) * backend.read(d)) for c, d in zip(fields, law.densities(modes, modes), strict=True))
    close(energy, u.ravel() @ matrix @ u.ravel(), 1e-13)
    other = strain([backend.make(x) for x in w], ndim, xp)
    paired = sum(np.sum(backend.read(a) * backend.read(b)) for s in sets(ndim) for a, b in zip(modes[s], other[s], strict=True))
    back = force({s: modes[s] for s in sets(ndim)}, ndim, xp)
    close(sum(np.sum(backend.read(f) * x) for f, x in zip(back, w, strict=True)), paired, 1e-13)


def test_mixed_is_the_sum_over_phases(backend):
    m = fem.soft((3, 4), 3)
    got = mixed(backend.make(m[None]), [backend.make(np.array([1.0, 2.0, 5.0]))], backend.xp)
    close(backend.read(got[0]), np.einsum("n...,n->...", m, [1.0, 2.0, 5.0])[None], 1e-15)


# ---- bounds --------------------------------------------------------------------------------------------------------------------------


def positive(tensor, slack):
    assert np.linalg.eigvalsh(tensor).min() >= -slack, tensor


@pytest.mark.parametrize(("ndim", "plane"), KINDS)
def test_order_symmetry_and_definiteness(ndim, plane):
    """Reuss <= C <= Voigt as quadratic forms on every image."""
    images = fem.images(10, 32) if ndim == 2 else np.stack([fem.noise((6, 5, 4), seed=i) for i in range(2)])
    got = elastic_stiffness(images, YOUNG, POISSON, ndim=ndim, plane=plane, tolerance=1e-8)
    reuss, voigt = voigt_reuss(images, YOUNG, POISSON, ndim=ndim, plane=plane)
    for m, c, low, high in zip(images, got, reuss, voigt, strict=True):
        close(high, fem.mixture(m.reshape(2, -1).mean(1), tensors(YOUNG, POISSON, ndim, plane)), 1e-13)
        inverses = [np.linalg.inv(t) for t in tensors(YOUNG, POISSON, ndim, plane)]
        close(np.linalg.inv(low), fem.mixture(m.reshape(2, -1).mean(1), inverses), 1e-12)
        assert (c == c.T).all()
        assert np.linalg.eigvalsh(c).min() > 0
        positive(c - low, 1e-7 * c.max())
        positive(high - c, 1e-7 * c.max())
    for m, k in zip(images, conductivity(images, YOUNG, ndim=ndim, tolerance=1e-8), strict=True):
        (low, high), _ = conductivity_bounds(m.reshape(2, -1).mean(1), YOUNG, ndim=ndim)
        assert (k == k.T).all()
        assert low * (1 - 1e-7) <= np.linalg.eigvalsh(k).min()
        assert np.linalg.eigvalsh(k).max() <= high * (1 + 1e-7)


def test_reuss_of_soft_points_in_each_library(backend):
    m = fem.soft((3, 2, 4, 5), 3)
    m = np.moveaxis(m, 0, 2)  # (3, 2, phases, 4, 5)
    low, high = voigt_reuss(backend.make(m), [1, 4, 9], [0.1, 0.2, 0.3])
    at = fem.mixture(np.moveaxis(m, 2, 0), tensors([1, 4, 9], [0.1, 0.2, 0.3], 2))
    close(backend.read(high), at.mean((2, 3)), 1e-13)
    close(backend.read(low), np.linalg.inv(np.linalg.inv(at).mean((2, 3))), 1e-12)
