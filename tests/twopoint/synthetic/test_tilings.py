"""Checkerboards and laminates against their definition, and their closed forms against measured statistics."""

import itertools

import numpy as np
import pytest

import twopoint as tp
from twopoint.synthetic import checkerboard, checkerboard_statistics, laminate, laminate_statistics

BOARDS = [
    ((12,), 3, 2),
    ((15,), 1, 5),
    ((6, 20), (3, 5), 2),
    ((9, 15), (1, 5), 3),
    ((16, 8), 4, 1),
    ((8, 4), (2, 1), 4),
    ((6, 6, 9), (1, 2, 3), 3),
    ((4, 2, 8), (2, 1, 2), 2),
]
LAYERS = [  # a size across that is whole periods, then one that is not
    ((12,), (2, 1, 3), 0),
    ((9,), (1, 2), 0),
    ((10, 7), (3, 2), 0),
    ((5, 8), (4,), -1),
    ((5, 7), (1, 3, 3), 1),
    ((3, 10, 4), (1, 4), 1),
    ((2, 3, 9), (5, 1, 2, 1), -1),
]
PARTIAL = [((11,), (2, 1, 3), 0), ((4, 5), (6, 3), 0), ((6, 13), (3, 2), 1), ((3, 7, 4), (1, 4, 1), 1)]


def measured(labels, n_phases, boundary="periodic"):
    m = tp.one_hot(labels, n_phases, ndim=labels.ndim)
    return tp.correlations(m, ndim=labels.ndim, boundary=boundary)


def equal(f, other):
    assert f.shape == other.shape
    np.testing.assert_allclose(f, other, rtol=0, atol=1e-12)  # rounding of the transforms


@pytest.mark.parametrize(("space", "tile", "n_phases"), [*BOARDS, ((7, 5), (2, 3), 3)])
def test_checkerboard_is_its_definition(space, tile, n_phases):
    labels = checkerboard(space, tile, n_phases=n_phases)
    edges = tile if isinstance(tile, tuple) else (tile,) * len(space)
    assert labels.dtype == np.uint8
    assert labels.shape == space
    for x in itertools.product(*map(range, space)):
        assert labels[x] == sum(i // t for i, t in zip(x, edges, strict=True)) % n_phases


@pytest.mark.parametrize(("space", "tile", "n_phases"), BOARDS)
def test_statistics_of_checkerboards(space, tile, n_phases):
    equal(checkerboard_statistics(space, tile, n_phases=n_phases), measured(checkerboard(space, tile, n_phases=n_phases), n_phases))


@pytest.mark.parametrize(("space", "widths", "axis"), LAYERS + PARTIAL)
def test_laminate_is_its_definition(space, widths, axis):
    labels = laminate(space, widths, axis=axis)
    column = [h for h, width in enumerate(widths) for _ in range(width)]
    assert labels.dtype == np.uint8
    assert labels.shape == space
    for x in itertools.product(*map(range, space)):
        assert labels[x] == column[x[axis] % len(column)]


def test_as_many_phases_as_labels():
    np.testing.assert_array_equal(laminate((256,), (1,) * 256), np.arange(256))
    np.testing.assert_array_equal(checkerboard((257,), 1, n_phases=256), np.arange(257) % 256)


@pytest.mark.parametrize(("space", "widths", "axis"), LAYERS)
def test_periodic_statistics_of_laminates(space, widths, axis):
    equal(laminate_statistics(space, widths, axis=axis), measured(laminate(space, widths, axis=axis), len(widths)))


@pytest.mark.parametrize(("space", "widths", "axis"), LAYERS + PARTIAL)
def test_open_statistics_of_laminates(space, widths, axis):
    f = laminate_statistics(space, widths, axis=axis, boundary="open")
    equal(f, measured(laminate(space, widths, axis=axis), len(widths), "open"))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("function", [checkerboard, checkerboard_statistics])
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"shape": (8, 8, 8, 8)}, ValueError, "shape must have 1, 2 or 3 sizes"),
        ({"tile": 0}, ValueError, "tile must be at least 1"),
        ({"tile": 2.0}, TypeError, "tile must be an integer"),
        ({"tile": (2, 2, 2)}, ValueError, "tile must be one integer or 2"),
        ({"n_phases": 0}, ValueError, "n_phases must be at least 1"),
        ({"n_phases": 257}, ValueError, "n_phases must be at most 256"),
    ],
)
def test_bad_checkerboards_are_refused_by_name(function, wrong, error, message):
    with pytest.raises(error, match=message):
        function(**({"shape": (8, 8), "tile": 2} | wrong))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("function", [laminate, laminate_statistics])
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"shape": ()}, ValueError, "shape must have 1, 2 or 3 sizes"),
        ({"widths": ()}, ValueError, "widths must be of 1 to 256 phases"),
        ({"widths": (1,) * 257}, ValueError, "widths must be of 1 to 256 phases"),
        ({"widths": (2, 0)}, ValueError, "widths must be at least 1"),
        ({"widths": (2, 1.0)}, TypeError, "widths must be an integer"),
        ({"axis": 2}, ValueError, "axis must be at most 1"),
        ({"axis": -3}, ValueError, "axis must be at least -2"),
    ],
)
def test_bad_laminates_are_refused_by_name(function, wrong, error, message):
    with pytest.raises(error, match=message):
        function(**({"shape": (8, 8), "widths": (2, 2)} | wrong))


@pytest.mark.usefixtures("unchecked")
def test_broken_periods_are_refused_by_name():
    with pytest.raises(ValueError, match=r"shape must be whole periods of \(4, 6\) pixels"):
        checkerboard_statistics((8, 9), (2, 3))
    with pytest.raises(ValueError, match="shape must be whole periods of 3 pixels along axis 1"):
        laminate_statistics((9, 8), (1, 2), axis=1)
    with pytest.raises(ValueError, match="boundary must be one of 'periodic', 'open'"):
        laminate_statistics((9, 8), (1, 2), boundary="wrap")
