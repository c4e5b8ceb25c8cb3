"""Closed forms: laminates and checkerboards exactly; overlapping discs and spheres in the mean, with the error that falls with the size."""

import itertools
import math

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from twopoint import synthetic


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_laminate(axis):
    """Along the layers the lineal path is the volume fraction, across them max(0, width - r) summed over layers."""
    shape, widths = tuple(24 if a == axis else 7 for a in range(3)), (5, 3, 4)
    labels = synthetic.laminate(shape, widths, axis=axis)
    lengths = np.arange(7)
    path = tp.lineal_path(tp.one_hot(labels, 3, ndim=3), ndim=3, lengths=lengths.tolist())
    for h, width in enumerate(widths):
        for a in range(3):
            want = np.maximum(0, width - lengths) * 2 / 24 if a == axis else np.full(7, width * 2 / 24)
            oracles.close(path[h, a], want, 1e-14)
    assert (tp.euler_number(tp.one_hot(labels, 3, ndim=3), ndim=3) == 0).all()  # plates that close on themselves
    assert (tp.euler_number(tp.one_hot(labels, 3, ndim=3), ndim=3, boundary="open") == 2).all()


@pytest.mark.parametrize("ndim", [2, 3])
def test_checkerboard(ndim):
    """Each tile is a cluster of its own by faces; by corners all tiles of a phase are connected."""
    tile, tiles = 3, 4
    m = tp.one_hot(synthetic.checkerboard((tile * tiles,) * ndim, tile), 2, ndim=ndim)
    lengths = np.arange(tile * tiles)
    want = np.maximum(0, tile - lengths) / (2 * tile)
    oracles.close(tp.lineal_path(m, ndim=ndim), np.broadcast_to(want, (2, ndim, len(lengths))), 1e-14)
    number = tiles**ndim // 2
    assert (tp.euler_number(m, ndim=ndim) == number).all()
    vertices, edges = tiles**ndim, 3 * tiles**3  # where tiles touch
    touching = number - vertices if ndim == 2 else None  # two tiles of a phase at each vertex
    if touching is not None:
        assert (tp.euler_number(m, connectivity="corners") == touching).all()
    else:  # closed cubes: every vertex, edge and square of the tiles, but only the phase's own cubes
        cells = vertices - edges + edges - number
        assert (tp.euler_number(m, ndim=3, connectivity="corners") == cells).all()


def test_a_torus_and_a_ball():
    ring = np.zeros((9, 9, 5))
    ring[2:7, 2:7, 2] = 1
    ring[4, 4, 2] = 0
    shell = np.zeros((7, 7, 7))
    shell[1:6, 1:6, 1:6] = 1
    shell[3, 3, 3] = 0
    for boundary, connectivity in itertools.product(("periodic", "open"), ("faces", "corners")):
        options = dict(ndim=3, boundary=boundary, connectivity=connectivity)
        assert tp.euler_number(ring[None], **options).item() == 0
        assert tp.euler_number(shell[None], **options).item() == 2


def boolean_model(shape, radius, density, rng):
    """Return which points no ball of a Poisson process of centers covers, on a periodic grid."""
    free, reach = np.ones(shape, bool), math.ceil(radius)
    offsets = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * len(shape), indexing="ij"), axis=-1)
    for center in rng.random((rng.poisson(density * math.prod(shape)), len(shape))) * shape:
        nearest = np.round(center).astype(int)
        inside = np.sum((offsets + nearest - center) ** 2, axis=-1) <= radius**2
        free[tuple(((offsets[inside] + nearest) % shape).T)] = False
    return free


def quarters(ndim, radius):
    """Return the volumes Q_j of the part of a ball with x_1 .. x_j in [0, 1/2] and the other coordinates above 0, by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(30)
    x, w = 0.25 + nodes / 4, weights / 4
    if ndim == 2:
        return math.pi * radius**2 / 4, w @ np.sqrt(radius**2 - x**2), 1 / 4
    square = np.sqrt(radius**2 - x[:, None] ** 2 - x**2)
    return math.pi * radius**3 / 6, w @ (math.pi / 4 * (radius**2 - x**2)), w @ square @ w, 1 / 8


def expected(ndim, radius, density, lengths):
    """Return the lineal path and the Euler number per point of the uncovered phase on a grid: E[product] = exp(-density |union|).

    The ball of the nearest point of a block covers first, so the union for a block of 2 points along k axes is 2^d sum_j C(k, j) Q_j.
    """
    q = quarters(ndim, radius)
    unions = [2**ndim * sum(math.comb(k, j) * q[j] for j in range(k + 1)) for k in range(ndim + 1)]
    path = np.exp(-density * (unions[0] + np.asarray(lengths) * (unions[1] - unions[0])))  # a further ball overlaps its neighbour only
    return path, sum((-1) ** k * math.comb(ndim, k) * math.exp(-density * volume) for k, volume in enumerate(unions))


def continuum(ndim, radius, density, lengths):
    """Return the same in the limit of large radii: Torquato (2002), eq. (11.59), and Mecke (1994) for the Euler number."""
    lengths = np.asarray(lengths)
    if ndim == 2:
        eta = density * math.pi * radius**2
        return np.exp(-eta - density * 2 * radius * lengths), -density * (1 - eta) * math.exp(-eta)
    eta = density * 4 / 3 * math.pi * radius**3
    covered = density * math.exp(-eta) * (1 - 3 * eta + 3 * math.pi**2 / 32 * eta**2)
    return np.exp(-eta - density * math.pi * radius**2 * lengths), covered


def errors(size, ndim, radius, eta, seeds):
    """Return the relative errors of the lineal path and of the Euler number of the mean over seeds, against the expected values."""
    density = eta / (math.pi * radius**2 if ndim == 2 else 4 / 3 * math.pi * radius**3)
    lengths = [0, 1, 2, 4, 8]
    path, euler = expected(ndim, radius, density, lengths)
    got = [boolean_model((size,) * ndim, radius, density, np.random.default_rng([size, seed]))[None] for seed in range(seeds)]
    paths = np.mean([tp.lineal_path(m, ndim=ndim, lengths=lengths)[0] for m in got], axis=0)
    numbers = np.mean([tp.euler_number(m, ndim=ndim).item() for m in got])
    return float(np.max(np.abs(paths / path - 1))), abs(numbers / (euler * size**ndim) - 1)


@pytest.mark.parametrize(("size", "ndim", "radius", "eta"), [(400, 2, 4.0, 0.3), (64, 3, 1.5, 0.1)])
def test_overlapping_balls(size, ndim, radius, eta):
    """The small form; 5 % is three deviations of the number of balls."""
    of_path, of_euler = errors(size, ndim, radius, eta, 4)
    assert of_path < 0.02
    assert of_euler < 0.05


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("sizes", "ndim", "radius", "eta"), [((250, 2000), 2, 5.0, 0.3), ((50, 200), 3, 1.5, 0.1)])
def test_overlapping_balls_converge(sizes, ndim, radius, eta):
    """2000 x 2000 and 200^3 within 2 %, and nearer than a smaller image."""
    (small, large), bar = (errors(size, ndim, radius, eta, 1) for size in sizes), 0.02
    assert max(large) < bar
    assert max(small) > 2 * max(large)


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_grid_tends_to_the_continuum(ndim):
    """The expected lineal path on a grid tends to that of the continuum as the balls become large."""
    found = []
    for radius in (4.0, 8.0, 16.0):
        volume = math.pi * radius**2 if ndim == 2 else 4 / 3 * math.pi * radius**3
        lengths = np.array([0, 0.25, 0.5, 1.0]) * radius
        path, _ = expected(ndim, radius, 0.2 / volume, lengths)
        found.append(np.max(np.abs(path / continuum(ndim, radius, 0.2 / volume, lengths)[0] - 1)))
    assert found[0] > found[1] > found[2]
    assert found[2] < 1e-3


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_euler_number_of_few_balls_is_that_of_the_continuum(ndim):
    """Where balls overlap a grid sees other cusps than the continuum, however fine it is (Svane 2014): the error is of the order of eta."""
    radius, found = 16.0, []
    volume = math.pi * radius**2 if ndim == 2 else 4 / 3 * math.pi * radius**3
    for eta in (0.1, 0.02, 0.004):
        _, number = expected(ndim, radius, eta / volume, [0])
        found.append(abs(number / continuum(ndim, radius, eta / volume, [0])[1] - 1))
    assert found[0] > 4 * found[1] > 16 * found[2]
    assert found[2] < 0.02
