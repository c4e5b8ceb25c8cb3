"""Lamellae and worms: arms that grow from nuclei along curved lines, branch, and stop before earlier arms."""

import math
from typing import NamedTuple

import numpy as np

from . import stamps
from .nodules import NONE, Nodules, lognormal

PIECES = 3  # steps of a centre line per thickness, so that the discs along it deviate from a smooth edge by less than 3 % of the thickness
CROWDED = 0.35  # share of the image within thickness and gap beyond which there is hardly room for lines
PASSES = 10  # passes of shortening lines; each resolves one more link in chains of lines that stop each other
ARMS = (3, 7)  # arms of a rosette, upper bound excluded; other nuclei have 2 in opposite directions
SPREAD_OF_LENGTH, SPREAD_OF_THICKNESS = 0.35, 0.2  # coefficients of variation


class Habit(NamedTuple):
    """Parameters of the growth of lines; lengths in pixels."""

    length: float  # mean from tip to tip of a nucleus with two arms that are not stopped
    thickness: float  # mean
    bend: float  # rms change of direction over the mean length, in degrees
    gap: float  # distance from other lines
    rosettes: float  # share of the nuclei
    branching: float  # mean branches of an arm
    taper: float  # share of the length of an arm over which it tapers
    ripple: float  # relative amplitude of its thickness along the line
    least: float  # length of the shortest arm, in thicknesses


class Arms(NamedTuple):
    """Arms in order of precedence; each arm is a row of `points`."""

    nucleus: np.ndarray  # (n,), the index of the nucleus
    parent: np.ndarray  # (n,), the arm from which each branches, or itself
    fork: np.ndarray  # (n,), the step of the parent at which it branches
    steps: np.ndarray  # (n,), steps without being stopped
    thickness: np.ndarray  # (n,)
    points: np.ndarray  # (n, s, 2), not wrapped


class Lines(NamedTuple):
    """Arms after growth, and the pixels that they cover."""

    image: np.ndarray  # flat, boolean, including nodules
    lengths: np.ndarray  # (arms,), of the drawn arms
    thickness: np.ndarray  # (arms,)
    nuclei: int


def lines(shape: tuple[int, int], rng: np.random.Generator, target: float, habit: Habit, nodules: Nodules = NONE) -> Lines:
    """Return as many lines as bring the number of covered pixels, including nodules, nearest to a target."""
    missing = max(0.0, target - math.pi * float((nodules.radii**2).sum()))
    a_nucleus = 0.4 * habit.length * habit.thickness * _arms_a_nucleus(habit) * (1 + habit.branching)
    crowding = target / math.prod(shape) * (1 + habit.gap / habit.thickness)
    guess = missing / a_nucleus * 1.6 * math.exp(4.2 * min(crowding, CROWDED))  # tried arms, of which many do not fit
    best = 0
    for more in (1, 2, 4):
        arms = _arms(shape, rng, math.ceil(10 + guess * more), habit)
        steps = _grown(arms, shape, habit, nodules)
        covered, first = _covered(arms, steps, shape, habit, nodules)
        if covered[-1] >= target:
            return _chosen(arms, steps, covered, first, target, habit)
        best = max(best, int(covered[-1]))
        if crowding > CROWDED and best < 0.6 * target:
            break  # twice as many arms would not fit either
    raise ValueError(
        f"volume_fraction {target / math.prod(shape):.3g} cannot be reached by lines that keep a gap of {habit.gap:.3g} pixels: "
        f"no room was found beyond {best / math.prod(shape):.3g}; ask for less, or for a smaller gap"
    )


def _arms_a_nucleus(habit: Habit) -> float:
    """Return the mean number of arms of a nucleus."""
    return 2 + habit.rosettes * (sum(ARMS) / 2 - 0.5 - 2)


def _arms(shape: tuple[int, int], rng: np.random.Generator, nuclei: int, habit: Habit) -> Arms:
    """Return arms from nuclei at random places, before any is stopped."""
    count = np.where(rng.random(nuclei) < habit.rosettes, rng.integers(*ARMS, nuclei), 2)
    nucleus = np.repeat(np.arange(nuclei), count)
    place = np.arange(len(nucleus)) - np.repeat(np.cumsum(count) - count, count)
    sector = 2 * math.pi / count[nucleus]
    wobble = np.where(count[nucleus] == 2, 0.0, 0.3 * rng.standard_normal(len(nucleus)))
    heading = rng.uniform(0, 2 * math.pi, nuclei)[nucleus] + sector * (place + wobble)
    thickness = habit.thickness * lognormal(rng, nuclei, SPREAD_OF_THICKNESS)[nucleus]
    start = (rng.random((nuclei, 2)) * shape)[nucleus]
    steps = _steps(rng, len(nucleus), habit, min(shape))
    points, headings = _paths(rng, start, heading, steps, habit)
    own = np.arange(len(nucleus))
    main = Arms(nucleus, own, np.zeros(len(own), int), steps, thickness, points)
    return _with_branches(main, headings, rng, habit, min(shape))


def _steps(rng: np.random.Generator, count: int, habit: Habit, most: float) -> np.ndarray:
    """Return the lengths of arms, each half a lamella, in steps."""
    length = np.minimum(habit.length * lognormal(rng, count, SPREAD_OF_LENGTH), most) / 2
    return np.rint(length * PIECES / habit.thickness).astype(int) + 1


def _paths(
    rng: np.random.Generator, start: np.ndarray, heading: np.ndarray, steps: np.ndarray, habit: Habit
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, s, 2) and directions (n, s) of lines whose curvature is a random walk."""
    n, s = len(steps), int(steps.max(initial=1))
    step, turn = habit.thickness / PIECES, math.radians(habit.bend)
    curvature = rng.standard_normal((n, 1), dtype=np.float32) * (math.sqrt(1.4) * turn / habit.length * step)  # 70 % of the variance
    change = rng.standard_normal((n, s), dtype=np.float32) * (math.sqrt(3.6) * turn * (step / habit.length) ** 1.5)  # 30 % of the variance
    headings = np.cumsum(np.cumsum(change, 1) + curvature, 1) + heading.astype(np.float32)[:, None]
    along = np.stack([np.sin(headings), np.cos(headings)], -1)  # offsets from the start in single precision, which is twice as fast
    along[:, 0] = 0.0
    points = np.cumsum(along, 1) * step + start[:, None]
    return points, headings


def _with_branches(main: Arms, headings: np.ndarray, rng: np.random.Generator, habit: Habit, most: float) -> Arms:
    """Return the arms and their branches, each branch after the arms of its nucleus."""
    parent = np.repeat(np.arange(len(main.steps)), rng.poisson(habit.branching, len(main.steps)))
    fork = (main.steps[parent] * rng.uniform(0.15, 0.75, len(parent))).astype(int)
    side = np.where(rng.random(len(parent)) < 0.5, -1, 1) * np.radians(rng.uniform(25, 60, len(parent)))
    steps = np.maximum(1, (_steps(rng, len(parent), habit, most) * rng.uniform(0.5, 0.9, len(parent))).astype(int))
    points, _ = _paths(rng, main.points[parent, fork], headings[parent, fork] + side, steps, habit)
    order = np.argsort(np.concatenate([main.nucleus, main.nucleus[parent]]), kind="stable")
    place = np.argsort(order)
    longest = max(main.points.shape[1], points.shape[1])
    padded = [np.pad(p, ((0, 0), (0, longest - p.shape[1]), (0, 0))) for p in (main.points, points)]
    return Arms(
        np.concatenate([main.nucleus, main.nucleus[parent]])[order],
        place[np.concatenate([main.parent, parent])][order],
        np.concatenate([main.fork, fork])[order],
        np.concatenate([main.steps, steps])[order],
        np.concatenate([main.thickness, 0.85 * main.thickness[parent]])[order],
        np.concatenate(padded)[order],
    )


def _grown(arms: Arms, shape: tuple[int, int], habit: Habit, nodules: Nodules) -> np.ndarray:
    """Return the number of free steps of each arm (n,), on a grid of cells that record the first arm near them."""
    reach = habit.thickness + habit.gap  # mean distance of centre lines
    stride = max(1, int(reach / 2 * PIECES / habit.thickness))  # less than half a cell, so that no line crosses another
    cells = (max(3, round(shape[0] / reach)), max(3, round(shape[1] / reach)))
    number = np.arange(0, arms.points.shape[1], stride)
    exists = number < arms.steps[:, None]
    arm, place = np.nonzero(exists)  # arm and step of m points
    number = number[place]
    start = np.searchsorted(arm, np.arange(len(arms.steps)))
    points = arms.points[:, ::stride][exists]
    cell, near = _cells(points * (np.array(cells) / shape), cells)
    near_own = number < 2.5 * reach * PIECES / habit.thickness  # where the arms of a nucleus are necessarily close
    limit = np.where(near_own, np.searchsorted(arms.nucleus, arms.nucleus)[arm], arm)  # arms before this one stop an arm
    taken = _near_nodules(points, shape, habit, nodules)
    steps, least = arms.steps, round(habit.least * PIECES)
    for _ in range(PASSES):
        drawn = number < steps[arm]
        first = np.full(math.prod(cells), len(arms.steps))
        np.minimum.at(first, near[drawn].reshape(-1), np.repeat(arm[drawn], 4))
        stop = np.where(taken | (first[cell] < limit), number, arms.steps[arm])
        free = np.minimum.reduceat(stop, start)
        free[free < least] = 0
        before, steps = steps, np.where(free[arms.parent] <= arms.fork, 0, free)
        if (before == steps).all():
            break
    return steps


def _cells(at: np.ndarray, cells: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell (m,) of each point, and the four nearest cells (m, 4), which it occupies."""
    row, column = (np.floor(at).astype(np.intp) % cells).T
    upper, left = (np.floor(at - 0.5).astype(np.intp) % cells).T
    lower, right = (upper + 1) % cells[0], (left + 1) % cells[1]
    near = [y * cells[1] + x for y in (upper, lower) for x in (left, right)]
    return row * cells[1] + column, np.stack(near, -1)


def _near_nodules(points: np.ndarray, shape: tuple[int, int], habit: Habit, nodules: Nodules) -> np.ndarray:
    """Tell which points (m,) of centre lines are too near to a nodule."""
    taken = np.zeros(shape, bool)
    taken.reshape(-1)[stamps.discs(nodules.centres, nodules.reach + habit.thickness / 2 + habit.gap, shape)[0]] = True
    row, column = (np.rint(points).astype(np.intp) % shape).T
    return taken[row, column]


def _covered(arms: Arms, steps: np.ndarray, shape: tuple[int, int], habit: Habit, nodules: Nodules) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of pixels that the first 0, 1, 2 ... arms cover, and the first arm that covers each (flat) pixel."""
    n = len(steps)
    along = np.arange(arms.points.shape[1])
    drawn = along < steps[:, None]
    arm = np.nonzero(drawn)[0]
    u = np.broadcast_to(along, drawn.shape)[drawn]
    left = (steps[arm] - u) / steps[arm]
    profile = np.minimum(1.0, left / max(habit.taper, 1e-9)) ** 0.6
    ripple = 1 + habit.ripple * np.sin(u * (2 + arm % 7) / (2.2 * PIECES)) * np.sin(u * (1 + arm % 3) / (3.1 * PIECES))
    tip = max(0.71, 0.6 * habit.thickness / PIECES)  # each disc contains a pixel and overlaps the next one
    radii = np.maximum(tip, arms.thickness[arm] / 2 * profile * ripple)
    pixels, which = stamps.discs(arms.points[drawn], radii, shape)
    first = np.full(math.prod(shape), n)
    np.minimum.at(first, pixels, arm[which])
    first[nodules.pixels] = -1
    return np.cumsum(np.bincount(first + 1, minlength=n + 2))[: n + 1], first


def _chosen(arms: Arms, steps: np.ndarray, covered: np.ndarray, first: np.ndarray, target: float, habit: Habit) -> Lines:
    """Return the arms up to the one with which the covered area is nearest to the target."""
    count = int(np.argmin(np.abs(covered - target)))
    grown = np.flatnonzero(steps[:count])
    lengths = (steps[grown] - 1) * habit.thickness / PIECES
    return Lines(first < count, lengths, arms.thickness[grown], len(np.unique(arms.nucleus[grown])))
