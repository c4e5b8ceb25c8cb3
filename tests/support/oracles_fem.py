"""Oracles of homogenisation: scikit-fem with a direct solver, elements by Gauss points in loops, laminates; nothing of the solver."""

from itertools import product

import numpy as np
import scipy.sparse as sp
import skfem
from scipy.sparse.linalg import splu

from twopoint_models.data import CLASSES, generate

GAUSS = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3)


def phases(labels, n=2):
    """Return memberships (..., n, *space) of one array of labels, in double precision."""
    return np.stack([(np.asarray(labels) == h).astype(float) for h in range(n)])


def images(count, size, seed=0):
    """Return two-phase images (count, 2, *size) of MICRO2D's classes in turn, of many volume fractions."""
    rng = np.random.default_rng(seed)
    return np.stack([phases(generate(CLASSES[i % len(CLASSES)], size, rng=rng).image) for i in range(count)])


def noise(space, n=2, seed=0):
    """Return memberships (n, *space) of points that are each of one phase by chance."""
    return phases(np.random.default_rng(seed).integers(0, n, space), n)


def soft(space, n=2, seed=0):
    """Return memberships (n, *space) well inside 0..1."""
    x = np.random.default_rng(seed).uniform(0.2, 1.0, (n, *space))
    return x / x.sum(0)


def isotropic(young, poisson, ndim, plane="strain"):
    """Return a stiffness (v, v) by its compliance; of plane strain the block of the solid's stiffness."""
    if ndim == 2 and plane == "stress":
        s = np.array([[1, -poisson, 0], [-poisson, 1, 0], [0, 0, 2 * (1 + poisson)]])
        return young * np.linalg.inv(s)
    s = np.eye(6) * 2 * (1 + poisson)
    s[:3, :3] = -poisson
    s[range(3), range(3)] = 1
    c = young * np.linalg.inv(s)
    return c if ndim == 3 else c[np.ix_([0, 1, 5], [0, 1, 5])]


def axes_of(v):
    """Return the axes of space of each component."""
    return {3: [(0, 0), (1, 1), (0, 1)], 6: [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]}[v]


def laminate(shares, tensors, normal):
    """Return the stiffness of layers across an axis: the components across it eliminated (Milton, *Theory of Composites*, ch. 9)."""
    shares, tensors = np.asarray(shares), np.asarray(tensors)
    return _eliminated(shares, tensors, [k for k, pair in enumerate(axes_of(tensors.shape[-1])) if normal in pair])


def conducting_laminate(shares, k, normal, ndim):
    """Return the conductivity of layers across an axis: harmonic across, arithmetic along."""
    shares, k = np.asarray(shares), np.asarray(k)
    along, across = shares @ k, 1 / (shares @ (1 / k))
    return np.diag([across if i == normal else along for i in range(ndim)])


def _eliminated(shares, tensors, across):
    along = [k for k in range(tensors.shape[-1]) if k not in across]
    mean = lambda each: np.tensordot(shares, np.array(each), 1)  # noqa: E731
    nn, nt, tt = ([c[np.ix_(a, b)] for c in tensors] for a, b in ((across, across), (across, along), (along, along)))
    inverse = [np.linalg.inv(c) for c in nn]
    stiff = np.linalg.inv(mean(inverse))
    mixed = mean([i @ c for i, c in zip(inverse, nt, strict=True)])
    out = np.zeros(tensors.shape[1:])
    out[np.ix_(across, across)] = stiff
    out[np.ix_(across, along)] = stiff @ mixed
    out[np.ix_(along, across)] = (stiff @ mixed).T
    left = mean([c - b.T @ i @ b for c, b, i in zip(tt, nt, inverse, strict=True)])
    out[np.ix_(along, along)] = left + mixed.T @ stiff @ mixed
    return out


# ---- scikit-fem ----------------------------------------------------------------------------------------------------------------------


def fem(tensors):
    """Return the effective tensor of a periodic cell, one element a point, its tensor (*space, v, v): scikit-fem, 2^d Gauss points, LU."""
    tensors = np.asarray(tensors, float)
    space, v = tensors.shape[:-2], tensors.shape[-1]
    ndim, scalar = len(space), v == len(space)
    grid = [np.arange(n + 1.0) for n in space]
    mesh = {2: skfem.MeshQuad, 3: skfem.MeshHex}[ndim].init_tensor(*grid)
    element = {2: skfem.ElementQuad1, 3: skfem.ElementHex1}[ndim]()
    basis = skfem.Basis(mesh, element if scalar else skfem.ElementVector(element), intorder=3)
    assert basis.X.shape[-1] == 2**ndim
    pixel = tuple(np.floor(mesh.p[:, mesh.t].mean(axis=1)).astype(int))
    at_points = np.moveaxis(tensors[pixel], 0, -1)[..., None]  # (v, v, elements, 1)
    pairs = [(i,) for i in range(ndim)] if scalar else axes_of(v)

    def gradient(w):
        g = w.grad
        return [g[p[0]] if scalar else g[p] if p[0] == p[1] else g[p] + g[p[::-1]] for p in pairs]

    @skfem.BilinearForm
    def energy(a, b, _):
        x, y = gradient(a), gradient(b)
        return sum(at_points[k, m] * x[k] * y[m] for k in range(v) for m in range(v) if tensors[..., k, m].any())

    stiffness = energy.assemble(basis)
    place = basis.doflocs  # (ndim, dofs)
    component = np.zeros(place.shape[1], int) if scalar else np.arange(place.shape[1]) % ndim
    node = np.ravel_multi_index([p.round().astype(int) % n for p, n in zip(place, space, strict=True)], space)
    unknown = node if scalar else node * ndim + component
    count = int(np.prod(space)) * (1 if scalar else ndim)
    tie = sp.csr_matrix((np.ones(len(unknown)), (np.arange(len(unknown)), unknown)), (len(unknown), count))
    uniform = np.stack([_linear(pair, place, component, scalar) for pair in pairs], axis=1)  # (dofs, v)
    free = np.arange(1 if scalar else ndim, count)  # the first node is held
    system = (tie.T @ stiffness @ tie)[free][:, free].tocsc()
    found = np.zeros((count, v))
    found[free] = splu(system).solve(-(tie.T @ (stiffness @ uniform))[free])
    total = uniform + tie @ found
    return total.T @ (stiffness @ total) / np.prod(space)


def _linear(pair, place, component, scalar):
    """Return the nodal values of a unit strain, engineering shear, or of a unit gradient."""
    if scalar:
        return place[pair[0]]
    i, j = pair
    return np.where(component == i, place[j], 0.0) * (1 if i == j else 0.5) + np.where(component == j, place[i], 0.0) * 0.5 * (i != j)


def mixture(m, tensors):
    """Return the tensor at each point (*space, v, v) of memberships (N, *space)."""
    return np.einsum("n...,nab->...ab", m, np.asarray(tensors))


# ---- loops ---------------------------------------------------------------------------------------------------------------------------


def element(tensor, ndim):
    """Return the stiffness of a unit element by 2^d Gauss points; unknowns are (corner, component), corners as product((0, 1), ...)."""
    v, corners = tensor.shape[-1], list(product((0, 1), repeat=ndim))
    scalar = v == ndim
    components = 1 if scalar else ndim
    out = np.zeros((len(corners) * components,) * 2)
    for point in product(GAUSS, repeat=ndim):
        b = np.zeros((v, len(corners) * components))
        for n, corner in enumerate(corners):
            slope = [
                np.prod([(1 if c else -1) if k == j else (x if c else 1 - x) for k, (c, x) in enumerate(zip(corner, point, strict=True))])
                for j in range(ndim)
            ]
            for k in range(v):
                if scalar:
                    b[k, n] = slope[k]
                else:
                    i, j = axes_of(v)[k]
                    b[k, n * ndim + i] += slope[j]
                    b[k, n * ndim + j] += slope[i] if i != j else 0
        out += b.T @ tensor @ b / 2**ndim
    return out


def dense(tensors, ndim):
    """Return the stiffness of a periodic grid of elements, tensors (*space, v, v), as a matrix over (component, *space)."""
    space = tensors.shape[:ndim]
    components = 1 if tensors.shape[-1] == ndim else ndim
    index = np.arange(components * np.prod(space)).reshape(components, *space)
    out = np.zeros((index.size, index.size))
    corners = list(product((0, 1), repeat=ndim))
    for at in np.ndindex(space):
        each = [tuple((a + c) % n for a, c, n in zip(at, corner, space, strict=True)) for corner in corners]
        unknowns = [index[(i, *node)] for node in each for i in range(components)]
        np.add.at(out, np.ix_(unknowns, unknowns), element(tensors[at], ndim))
    return out
