"""Lamellae and worms: arms that grow from nuclei along curved lines, branch, and stop short of those that were there before."""

import math
from typing import NamedTuple

import numpy as np

from . import stamps
from .nodules import NONE, Nodules, lognormal

PIECES = 3  # steps of a centre line to a thickness: the scallops of the discs along it stay below 3 % of the thickness
CROWDED = 0.35  # share of the image within thickness and gap, beyond which lines hardly find room
PASSES = 10  # of cutting lines short; each settles one more link of chains of lines that stop each other, until all are
ARMS = (3, 7)  # of a rosette, the upper bound not included; a nucleus that is none has 2, in opposite directions
SPREAD_OF_LENGTH, SPREAD_OF_THICKNESS = 0.35, 0.2  # coefficients of variation


class Habit(NamedTuple):
    """How lines grow; lengths in pixels."""

    length: float  # mean, from tip to tip, of a nucleus with two arms, if nothing stops it
    thickness: float  # mean
    bend: float  # degrees, the rms turn of the direction over the mean length
    gap: float  # to others
    rosettes: float  # share of the nuclei
    branching: float  # branches an arm
    taper: float  # share of an arm's length over which it gets thinner
    ripple: float  # relative amplitude of its thickness along the line
    least: float  # thicknesses that the shortest arm is long


class Arms(NamedTuple):
    """Arms in the order in which they have precedence; the points of an arm are rows of `points`."""

    nucleus: np.ndarray  # (n,), its number
    parent: np.ndarray  # (n,), the arm that one branches from, or itself
    fork: np.ndarray  # (n,), the step of the parent at which it does
    steps: np.ndarray  # (n,), how far it would grow
    thickness: np.ndarray  # (n,)
    points: np.ndarray  # (n, s, 2), not wrapped


class Lines(NamedTuple):
    """Arms as they have grown, and what they cover."""

    image: np.ndarray  # flat, boolean, nodules included
    lengths: np.ndarray  # (arms,), those drawn
    thickness: np.ndarray  # (arms,)
    nuclei: int


def lines(shape: tuple[int, int], rng: np.random.Generator, wanted: float, habit: Habit, nodules: Nodules = NONE) -> Lines:
    """Return as many lines as bring the pixels covered, nodules included, nearest to the number wanted."""
    missing = max(0.0, wanted - math.pi * float((nodules.radii**2).sum()))
    a_nucleus = 0.4 * habit.length * habit.thickness * _arms_a_nucleus(habit) * (1 + habit.branching)
    crowding = wanted / math.prod(shape) * (1 + habit.gap / habit.thickness)
    guess = missing / a_nucleus * 1.6 * math.exp(4.2 * min(crowding, CROWDED))  # tried: many find no room
    best = 0
    for more in (1, 2, 4):
        arms = _arms(shape, rng, math.ceil(10 + guess * more), habit)
        steps = _grown(arms, shape, habit, nodules)
        covered, first = _covered(arms, steps, shape, habit, nodules)
        if covered[-1] >= wanted:
            return _chosen(arms, steps, covered, first, wanted, habit)
        best = max(best, int(covered[-1]))
        if crowding > CROWDED and best < 0.6 * wanted:
            break  # twice as many would find no room for so much
    raise ValueError(
        f"volume_fraction {wanted / math.prod(shape):.3g} cannot be reached by lines that keep a gap of {habit.gap:.3g} pixels: "
        f"no room was found beyond {best / math.prod(shape):.3g}; ask for less, or for a smaller gap"
    )


def _arms_a_nucleus(habit: Habit) -> float:
    """Return the mean number of arms from a nucleus."""
    return 2 + habit.rosettes * (sum(ARMS) / 2 - 0.5 - 2)


def _arms(shape: tuple[int, int], rng: np.random.Generator, nuclei: int, habit: Habit) -> Arms:
    """Return arms from nuclei at random places, as they would grow if nothing stopped them."""
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
    """Return the lengths of arms, half of a lamella each, in steps."""
    length = np.minimum(habit.length * lognormal(rng, count, SPREAD_OF_LENGTH), most) / 2
    return np.rint(length * PIECES / habit.thickness).astype(int) + 1


def _paths(
    rng: np.random.Generator, start: np.ndarray, heading: np.ndarray, steps: np.ndarray, habit: Habit
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, s, 2) and directions (n, s) of lines whose curvature does a random walk."""
    n, s = len(steps), int(steps.max(initial=1))
    step, turn = habit.thickness / PIECES, math.radians(habit.bend)
    curvature = rng.standard_normal((n, 1), dtype=np.float32) * (math.sqrt(1.4) * turn / habit.length * step)  # 0.7 of the variance
    change = rng.standard_normal((n, s), dtype=np.float32) * (math.sqrt(3.6) * turn * (step / habit.length) ** 1.5)  # 0.3 of it
    headings = np.cumsum(np.cumsum(change, 1) + curvature, 1) + heading.astype(np.float32)[:, None]
    along = np.stack([np.sin(headings), np.cos(headings)], -1)  # single precision: offsets from the start, twice as fast
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
    """Return how many steps of each arm (n,) are free, on a grid of cells that remember the first arm to come near."""
    reach = habit.thickness + habit.gap  # between centre lines, in the mean
    stride = max(1, int(reach / 2 * PIECES / habit.thickness))  # closer than half a cell, so that no line slips through another
    cells = (max(3, round(shape[0] / reach)), max(3, round(shape[1] / reach)))
    number = np.arange(0, arms.points.shape[1], stride)
    exists = number < arms.steps[:, None]
    arm, place = np.nonzero(exists)  # of m points
    number = number[place]
    start = np.searchsorted(arm, np.arange(len(arms.steps)))
    points = arms.points[:, ::stride][exists]
    cell, near = _cells(points * (np.array(cells) / shape), cells)
    near_own = number < 2.5 * reach * PIECES / habit.thickness  # where the arms of a nucleus are bound to be near each other
    limit = np.where(near_own, np.searchsorted(arms.nucleus, arms.nucleus)[arm], arm)  # whoever came before this stops an arm
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
    """Return the cell (m,) in which each point lies, and the four (m, 4) nearest to it, which it takes."""
    row, column = (np.floor(at).astype(np.intp) % cells).T
    upper, left = (np.floor(at - 0.5).astype(np.intp) % cells).T
    lower, right = (upper + 1) % cells[0], (left + 1) % cells[1]
    near = [y * cells[1] + x for y in (upper, lower) for x in (left, right)]
    return row * cells[1] + column, np.stack(near, -1)


def _near_nodules(points: np.ndarray, shape: tuple[int, int], habit: Habit, nodules: Nodules) -> np.ndarray:
    """Return which points (m,) of centre lines are too near to a nodule."""
    taken = np.zeros(shape, bool)
    taken.reshape(-1)[stamps.discs(nodules.centres, nodules.reach + habit.thickness / 2 + habit.gap, shape)[0]] = True
    row, column = (np.rint(points).astype(np.intp) % shape).T
    return taken[row, column]


def _covered(arms: Arms, steps: np.ndarray, shape: tuple[int, int], habit: Habit, nodules: Nodules) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels covered by the first 0, 1, 2 ... arms, and of each pixel (flat) the first arm that covers it."""
    n = len(steps)
    along = np.arange(arms.points.shape[1])
    drawn = along < steps[:, None]
    arm = np.nonzero(drawn)[0]
    u = np.broadcast_to(along, drawn.shape)[drawn]
    left = (steps[arm] - u) / steps[arm]
    profile = np.minimum(1.0, left / max(habit.taper, 1e-9)) ** 0.6
    ripple = 1 + habit.ripple * np.sin(u * (2 + arm % 7) / (2.2 * PIECES)) * np.sin(u * (1 + arm % 3) / (3.1 * PIECES))
    tip = max(0.71, 0.6 * habit.thickness / PIECES)  # every disc holds a pixel and overlaps the next one
    radii = np.maximum(tip, arms.thickness[arm] / 2 * profile * ripple)
    pixels, which = stamps.discs(arms.points[drawn], radii, shape)
    first = np.full(math.prod(shape), n)
    np.minimum.at(first, pixels, arm[which])
    first[nodules.pixels] = -1
    return np.cumsum(np.bincount(first + 1, minlength=n + 2))[: n + 1], first


def _chosen(arms: Arms, steps: np.ndarray, covered: np.ndarray, first: np.ndarray, wanted: float, habit: Habit) -> Lines:
    """Return the arms up to the one that brings what is covered nearest to what is wanted."""
    count = int(np.argmin(np.abs(covered - wanted)))
    grown = np.flatnonzero(steps[:count])
    lengths = (steps[grown] - 1) * habit.thickness / PIECES
    return Lines(first < count, lengths, arms.thickness[grown], len(np.unique(arms.nucleus[grown])))
