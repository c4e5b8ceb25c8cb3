"""Gradients by phase fields and properties: torch's, jax's and numpy's against finite differences, and among each other."""

import numpy as np
import pytest

from support import oracles_fem as fem
from support.oracles import close, slope
from twopoint_models.homogenisation import conductivity, conductivity_gradient, elastic_stiffness, engineering_constants, stiffness_gradient

FINE = {"tolerance": 1e-13}
YOUNG, POISSON = np.array([1.0, 30.0, 6.0]), np.array([0.35, 0.2, -0.3])
M = np.stack([fem.soft((6, 5), 3, seed=i) for i in range(2)])  # (2, 3, 6, 5)
VOXELS = fem.soft((4, 3, 3), 3)[None]
rng = np.random.default_rng(4)
COTANGENT, PULL = rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 2, 2))


def directions(m, count=3):
    """Changes of memberships that keep their sum."""
    d = rng.normal(size=(count, *m.shape))
    return d - d.mean(2, keepdims=True)


def torch_gradient(function, *arrays):
    import torch

    given = [torch.tensor(x, requires_grad=True) for x in arrays]
    return [g.numpy() for g in torch.autograd.grad(function(*given), given)]


def jax_gradient(function, *arrays, jit=False):
    import jax

    jax.config.update("jax_enable_x64", True)
    wrapped = jax.grad(function, argnums=tuple(range(len(arrays))))
    return [np.asarray(g) for g in (jax.jit(wrapped) if jit else wrapped)(*map(jax.numpy.asarray, arrays))]


def all_gradients(function, *arrays, jit=False):
    yield "torch", torch_gradient(function, *arrays)
    yield "jax", jax_gradient(function, *arrays)
    if jit:
        yield "jax.jit", jax_gradient(function, *arrays, jit=True)


def held(function, m, numpys, *, jit=False):
    """Along directions that keep the sum each gradient is the slope to 1e-6 (the bar of issue 6), and the libraries agree with numpy's."""
    slopes = [(d, slope(lambda x: function(x), m, d, 1e-3)) for d in directions(m)]
    for d, want in slopes:
        assert abs(np.sum(numpys * d) - want) <= 1e-6 * abs(want), "numpy"
    for name, (g,) in all_gradients(function, m, jit=jit):
        for d, want in slopes:
            assert abs(np.sum(g * d) - want) <= 1e-6 * abs(want), name
        close(g, numpys, 1e-6, name)


@pytest.mark.parametrize("plane", ["strain", "stress"])
def test_of_young_modulus_by_the_phase_field(plane):
    """E_x through engineering_constants; numpy's by the chain rule: d E_x = E_x^2 s s^T : dC with the first column s of C^-1."""
    options = dict(young=YOUNG, poisson=POISSON, plane=plane, **FINE)

    def young_x(m):
        return engineering_constants(elastic_stiffness(m, **options)).E_x.sum()

    s = np.linalg.inv(elastic_stiffness(M, **options))[:, :, 0]
    cotangent = (s[:, :, None] * s[:, None, :]) / s[:, 0, None, None] ** 2
    held(young_x, M, stiffness_gradient(M, cotangent, **options), jit=plane == "strain")


def test_of_entries_by_the_phase_field():
    def entries(m):
        c = elastic_stiffness(m, YOUNG, POISSON, **FINE)
        return sum(float(x) * c[i] for i, x in np.ndenumerate(COTANGENT))

    held(entries, M, stiffness_gradient(M, COTANGENT, YOUNG, POISSON, **FINE))


def test_of_voxels():
    weights = rng.normal(size=(1, 6, 6))

    def entries(m):
        c = elastic_stiffness(m, YOUNG, POISSON, ndim=3, **FINE)
        return sum(float(x) * c[i] for i, x in np.ndenumerate(weights))

    numpys = stiffness_gradient(VOXELS, weights, YOUNG, POISSON, ndim=3, **FINE)
    for d in directions(VOXELS, 2):
        want = slope(entries, VOXELS, d, 1e-3)
        assert abs(np.sum(numpys * d) - want) <= 1e-6 * abs(want)
    close(torch_gradient(entries, VOXELS)[0], numpys, 1e-6)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_of_conductivity_by_the_phase_field(ndim):
    m = {1: M[:, :, :, 0], 2: M, 3: np.concatenate([VOXELS, VOXELS[..., ::-1]])}[ndim]
    weights = rng.normal(size=(2, ndim, ndim))

    def entries(m):
        k = conductivity(m, YOUNG, ndim=ndim, **FINE)
        return sum(float(x) * k[i] for i, x in np.ndenumerate(weights))

    held(entries, m, conductivity_gradient(m, weights, YOUNG, ndim=ndim, **FINE), jit=ndim == 2)


def test_of_an_implied_phase():
    def entries(m):
        c = elastic_stiffness(m, YOUNG, POISSON, implied_phase=True, **FINE)
        return sum(float(x) * c[i] for i, x in np.ndenumerate(COTANGENT))

    part = M[:, 1:]
    numpys = stiffness_gradient(part, COTANGENT, YOUNG, POISSON, implied_phase=True, **FINE)
    whole = stiffness_gradient(M, COTANGENT, YOUNG, POISSON, **FINE)
    close(numpys, whole[:, 1:] - whole[:, :1], 1e-9)
    for name, (g,) in all_gradients(entries, part):
        close(g, numpys, 1e-9, name)
    d = rng.normal(size=part.shape)
    assert abs(np.sum(numpys * d) - slope(entries, part, d, 1e-3)) <= 1e-6 * abs(np.sum(numpys * d))
    k = conductivity_gradient(part, PULL, YOUNG, implied_phase=True, **FINE)
    whole = conductivity_gradient(M, PULL, YOUNG, **FINE)
    close(k, whole[:, 1:] - whole[:, :1], 1e-9)


def test_of_indicators():
    """At points of one phase the gradient is that of giving way a little, which finite differences inside find too."""
    m = fem.noise((6, 5), 2)[None]
    g = conductivity_gradient(m, np.ones((1, 2, 2)), [1.0, 10.0], **FINE)
    d = (1 / 2 - m) * rng.uniform(0.5, 1, (1, 1, 6, 5))
    h = 1e-6
    a, b, c = (conductivity(m + i * h * d, [1.0, 10.0], **FINE).sum() for i in range(3))
    assert abs(np.sum(g * d) - (4 * b - 3 * a - c) / (2 * h)) <= 1e-6 * abs(np.sum(g * d))


def test_by_properties():
    """Young's moduli, Poisson's ratios and conductivities as arrays of torch and jax."""

    def stiff(young, poisson):
        c = elastic_stiffness(as_like(M, young), young, poisson, plane="stress", **FINE)
        return sum(float(x) * c[i] for i, x in np.ndenumerate(COTANGENT))

    def conduct(k):
        found = conductivity(as_like(M, k), k, **FINE)
        return sum(float(x) * found[i] for i, x in np.ndenumerate(PULL))

    young = np.array([slope(lambda x: stiff(x, POISSON), YOUNG, d, 1e-3) for d in np.eye(3)])
    poisson = np.array([slope(lambda x: stiff(YOUNG, x), POISSON, d, 1e-3) for d in np.eye(3)])
    for name, (a, b) in all_gradients(stiff, YOUNG, POISSON):
        close(a, young, 1e-6, name)
        close(b, poisson, 1e-6, name)
    want = np.array([slope(conduct, YOUNG, d, 1e-3) for d in np.eye(3)])
    for name, (g,) in all_gradients(conduct, YOUNG):
        close(g, want, 1e-6, name)


def as_like(values, like):
    if isinstance(like, np.ndarray):
        return values
    if type(like).__module__.startswith("torch"):
        import torch

        return torch.tensor(values)
    import jax

    return jax.numpy.asarray(values)


def test_of_a_network_in_single_precision():
    """Through a sigmoid with an implied phase, as a decoder gives it: finite, in the input's dtype, near that of double precision."""
    import torch

    x = torch.randn(3, 1, 12, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = []
    for dtype in (torch.float32, torch.float64):
        given = x.to(dtype).requires_grad_()
        c = elastic_stiffness(torch.sigmoid(given), [1, 100], [0.3, 0.3], implied_phase=True, tolerance=1e-5)
        (g,) = torch.autograd.grad(engineering_constants(c).E_x.sum(), given)
        assert g.dtype is dtype
        found.append(g.double().numpy())
    close(*found, 1e-2)


@pytest.mark.long_on_jax
def test_the_gradient_of_a_batch_is_that_of_its_images(backend):
    m, w = backend.make(M), backend.make(COTANGENT)
    got = backend.read(stiffness_gradient(m, w, YOUNG, POISSON, **FINE))
    for i in range(2):
        single = stiffness_gradient(backend.make(M[i]), backend.make(COTANGENT[i]), YOUNG, POISSON, **FINE)
        close(backend.read(single), got[i], 1e-9)
    many = stiffness_gradient(backend.make(M[None]), backend.make(COTANGENT[None]), YOUNG, POISSON, **FINE)
    close(backend.read(many)[0], got, 1e-12)
    k = conductivity_gradient(m, backend.make(PULL), YOUNG, **FINE)
    close(backend.read(k), conductivity_gradient(M, PULL, YOUNG, **FINE), 1e-6)


def test_euler():
    """Conductivity is of the first degree in the conductivities, so that the gradient by memberships gives it back."""
    k = conductivity(M, YOUNG, **FINE)
    g = conductivity_gradient(M, np.broadcast_to(np.eye(2), (2, 2, 2)), YOUNG, **FINE)
    close((g * M).sum((1, 2, 3)), np.trace(k, axis1=1, axis2=2), 1e-9)
