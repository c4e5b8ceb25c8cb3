"""Specific surfaces by Crofton's formula, against closed forms; ``pytest --log-cli-level=INFO`` shows the range of errors of each shape."""

import logging
import math
from itertools import product

import numpy as np
import pytest

from twopoint.cli.surface import reach, specific_surface

PX2, PX3 = (1.0, 1.0), (1.0, 1.0, 1.0)
BAR = 0.03  # what features of 20 px are promised
FEATURE = 20


def lags(sizes):
    """Return lags of half the sizes and less, zero lag in the centre."""
    return np.stack(np.meshgrid(*(np.arange(n) - n // 2 for n in sizes), indexing="ij"), axis=-1)


def window(steps):
    return tuple(2 * n + 1 for n in reach(steps))


def crossings(labels, steps, boundary="periodic"):
    """Return the shares of pairs of pixels with different labels, by definition."""
    sizes, axes = window(steps), tuple(range(labels.ndim))
    found = np.empty(sizes)
    for at in product(*map(range, sizes)):
        r = tuple(i - n // 2 for i, n in zip(at, sizes, strict=True))
        there = tuple(n - 1 - i for i, n in zip(at, sizes, strict=True))
        if at > there:
            found[at] = found[there]
        elif boundary == "periodic":
            found[at] = (labels != np.roll(labels, r, axes)).mean()
        else:
            first, second = (tuple(slice(max(0, s * i), min(n, n + s * i)) for i, n in zip(r, labels.shape, strict=True)) for s in (-1, 1))
            found[at] = (labels[first] != labels[second]).mean()
    return found


def estimated(labels, steps, boundary="periodic"):
    return specific_surface(crossings(labels, steps, boundary), float(labels.mean()), steps).value


def along_axes(labels, steps, boundary="periodic"):
    """Return the estimate of neighbours along the axes, which is exact for isotropic interfaces only."""
    found, centre = crossings(labels, steps, boundary), np.array(window(steps)) // 2
    per_length = [found[tuple(centre + unit)] / step for unit, step in zip(np.eye(len(steps), dtype=int), steps, strict=True)]
    return {2: math.pi / 2, 3: 2.0}[len(steps)] * float(np.mean(per_length))


def within(name, found, expected, bar=BAR):
    errors = np.array(found) / np.array(expected) - 1
    logging.getLogger(__name__).info("%s: %.2f to %.2f %%", name, 100 * errors.min(), 100 * errors.max())
    assert np.abs(errors).max() < bar, f"{name}: off by {100 * np.abs(errors).max():.2f} %"


def positions(shape, steps, seed=0):
    """Return the coordinates of pixels around a random point near the centre of the image."""
    centre = [(n - 1) / 2 + shift for n, shift in zip(shape, np.random.default_rng(seed).random(len(shape)), strict=True)]
    return (np.stack(np.indices(shape), axis=-1) - centre) * steps


def turn(angle):
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def turns(count, seed=1):
    """Return random rotations in three dimensions."""
    return [np.linalg.qr(np.random.default_rng(seed + i).normal(size=(3, 3)))[0] for i in range(count)]


def orientations(ndim):
    """Return unit normals: along axes and diagonals, and all angles in steps of half a degree or 600 random ones."""
    special = np.array([r for r in product((-1, 0, 1), repeat=ndim) if any(r)], dtype=float)
    angles = np.deg2rad(np.arange(0, 180, 0.5))
    others = np.stack([np.cos(angles), np.sin(angles)], axis=1) if ndim == 2 else np.random.default_rng(0).normal(size=(600, 3))
    normals = np.concatenate([special, others])
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.mark.parametrize("steps", [PX2, (0.5, 0.5), (2.0, 0.5), (1.0, 12.0), PX3, (2.0, 1.0, 1.0), (1.0, 5.0, 3.0)], ids=str)
def test_flat_interfaces_of_every_orientation(steps):
    """Layers of normal n are crossed by ``|n . r|`` of their number per length, if they are thicker than that."""
    r = lags(window(steps)) * steps
    thickness = FEATURE * max(steps)
    found = [specific_surface(np.abs(r @ n) / thickness, 0.5, steps) for n in orientations(len(steps))]
    within(f"layers, steps {steps}", [row.value for row in found], 1 / thickness)
    assert max(abs(row.value * thickness - 1) for row in found) < found[0].largest_error + 0.005
    aligned = (orientations(len(steps)) == 1).any(axis=1)
    np.testing.assert_allclose([row.value for row, alone in zip(found, aligned, strict=True) if alone], 1 / thickness, rtol=0.005)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("steps", [PX2, (2.0, 1.0)], ids=str)
def test_stripes_at_every_angle(steps):
    """At other angles than 0 and 90 degrees, the window ends somewhere in a stripe; with 400 px that is little."""
    width = FEATURE * max(steps)
    angles, shape = np.deg2rad(np.arange(0, 180, 1.5)), (400, 400)
    images = [np.floor(positions(shape, steps) @ [math.cos(a), math.sin(a)] / width + 0.3) % 2 == 0 for a in angles]
    within("stripes", [estimated(image, steps, "open") for image in images], 1 / width)
    old = [along_axes(image, steps, "open") * width for image in images]
    assert min(old) < 0.82
    assert max(old) > 1.08


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("wave", [(1, 2, 2), (0, 3, 0), (2, 2, 0), (1, 1, -2)])
def test_layers_in_a_volume(wave):
    n = 120
    phase = np.tensordot(wave, np.indices((n,) * 3), 1) + 0.5
    within(f"layers {wave}", estimated(phase % n < n / 2, PX3), 2 * math.hypot(*wave) / n)


def disc(x):
    return (x**2).sum(axis=-1) < (FEATURE / 2) ** 2


def test_discs_squares_and_hexagons():
    shape, area = (56, 56), 56**2
    x = [positions(shape, PX2, seed) for seed in range(8)]
    within("discs", [estimated(disc(y), PX2) for y in x], math.pi * FEATURE / area)
    aligned = [(np.abs(y) < FEATURE / 2).all(axis=-1) for y in x]
    within("squares along the axes", [estimated(image, PX2) for image in aligned], 4 * FEATURE / area)
    assert all(along_axes(image, PX2) < 0.8 * 4 * FEATURE / area for image in aligned)
    angles = np.deg2rad(np.arange(0, 90, 2.5))
    turned = [(np.abs(positions(shape, PX2, i) @ turn(a)) < FEATURE / 2).all(axis=-1) for i, a in enumerate(angles)]
    within("squares at every angle", [estimated(image, PX2) for image in turned], 4 * FEATURE / area)
    normals = np.array([[math.cos(a), math.sin(a)] for a in np.pi / 3 * np.arange(3)])
    hexagons = [(np.abs(positions(shape, PX2, i) @ turn(a) @ normals.T) < FEATURE / 2).all(axis=-1) for i, a in enumerate(angles)]
    within("hexagons at every angle", [estimated(image, PX2) for image in hexagons], 6 * FEATURE / math.sqrt(3) / area)


@pytest.mark.parametrize("steps", [PX2, (0.5, 1.0)], ids=str)
def test_ellipses_three_times_as_long_as_wide(steps):
    shape = tuple(int(5 * FEATURE / step) for step in steps)
    t = (np.arange(10000) + 0.5) / 10000 * 2 * np.pi
    expected = 2 * np.pi * np.hypot(np.sin(t), 3 * np.cos(t)).mean() * FEATURE / 2 / (25 * FEATURE**2)
    angles = np.deg2rad(np.arange(0, 180, 5))
    images = [disc(positions(shape, steps, i) @ turn(a) / (3, 1)) for i, a in enumerate(angles)]
    within("ellipses 3:1", [estimated(image, steps) for image in images], expected)
    old = [along_axes(image, steps) / expected for image in images]
    assert min(old) < 0.95
    assert max(old) > 1.05


def test_spheres_and_cubes_in_a_volume():
    shape, volume = (44, 44, 44), 44**3
    within("spheres", [estimated(disc(positions(shape, PX3, i)), PX3) for i in range(3)], math.pi * FEATURE**2 / volume)
    aligned = (np.abs(positions(shape, PX3)) < FEATURE / 2).all(axis=-1)
    within("cubes along the axes", estimated(aligned, PX3), 6 * FEATURE**2 / volume)
    assert along_axes(aligned, PX3) == pytest.approx(2 / 3 * 6 * FEATURE**2 / volume)
    turned = [(np.abs(positions(shape, PX3, i) @ q) < FEATURE / 2).all(axis=-1) for i, q in enumerate(turns(6))]
    within("cubes turned", [estimated(image, PX3) for image in turned], 6 * FEATURE**2 / volume)


@pytest.mark.parametrize("steps", [PX2, (1.0, 2.0), PX3], ids=str)
@pytest.mark.parametrize("stretch", [1.0, 3.0])
def test_level_cuts_of_gaussian_fields(steps, stretch):
    """At the mean, ``P = arccos(rho) / pi``; Rice's formula gives the crossings per length in each direction."""
    ndim, length = len(steps), 8.0 * max(steps)  # mean chord pi times that, 25 px
    scales = np.array([length] * (ndim - 1) + [length * stretch])
    r = lags(window(steps)) * steps
    rho = np.exp(-((r / scales) ** 2).sum(axis=-1) / 2)
    directions = orientations(2)[8:] if ndim == 2 else np.random.default_rng(3).normal(size=(200_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rate = np.linalg.norm(directions / scales, axis=1).mean() / math.pi
    within(f"level cuts {stretch:g}:1", specific_surface(np.arccos(rho) / math.pi, 0.5, steps).value, {2: math.pi / 2, 3: 2.0}[ndim] * rate)


def test_what_limits_the_accuracy_is_said():
    r = lags(window(PX2))
    found = specific_surface(np.abs(r[..., 0]) / 8, 0.25, PX2)
    assert found.thickness == pytest.approx(4.0)
    assert found.largest_error == pytest.approx(0.089, abs=0.01)  # four directions
    assert specific_surface(np.abs(r[..., 0]) / 80, 0.25, PX2).largest_error < 0.01
    none = specific_surface(np.zeros(window(PX2)), 0.0, PX2)
    assert (none.value, none.thickness) == (0.0, math.inf)
    assert specific_surface(np.full((3, 3), np.nan), 0.5, PX2).value is None


def test_steps_that_differ_much_need_few_directions():
    for steps in ((1.0, 100.0), (100.0, 1.0, 3.0)):
        r = np.abs(lags(window(steps)) * steps)
        assert specific_surface(r[..., 0] / 4000, 0.5, steps).value == pytest.approx(1 / 4000, rel=0.01)
