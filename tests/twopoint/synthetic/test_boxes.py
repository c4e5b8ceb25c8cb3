"""Boxes and lines against their definition, their closed form against measured statistics, Fig. 8."""

import inspect
import itertools
import math

import numpy as np
import pytest
from scipy.ndimage import label

import twopoint as tp
from twopoint.synthetic import boxes_statistics, draw_lines, fill_boxes, lines

BOXES = [
    ((11,), [((0, 3),), ((5, 6),), ((8, 11),)]),
    ((8,), [((2, 8),), ((0, 2),)]),  # all of it
    ((9, 12), [((1, 4), (0, 12)), ((6, 9), (2, 5)), ((4, 6), (4, 11))]),
    ((7, 7), []),
    ((5, 6, 7), [((0, 5), (0, 2), (1, 3)), ((1, 2), (3, 6), (0, 7)), ((3, 4), (4, 5), (6, 7))]),
]


@pytest.mark.parametrize(("space", "boxes"), BOXES)
def test_boxes_are_the_points_inside(space, boxes):
    labels = fill_boxes(space, boxes)
    assert labels.dtype == np.uint8
    assert labels.shape == space
    for x in itertools.product(*map(range, space)):
        inside = any(all(start <= i < stop for i, (start, stop) in zip(x, box, strict=True)) for box in boxes)
        assert labels[x] == inside


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize(("space", "boxes"), BOXES)
def test_statistics_of_boxes(space, boxes, boundary):
    f = boxes_statistics(space, boxes, boundary=boundary)
    measured = tp.autocorrelation(fill_boxes(space, boxes).astype(float), ndim=len(space), boundary=boundary)
    assert f.shape == measured.shape
    np.testing.assert_allclose(f, measured, rtol=0, atol=1e-12)  # rounding of the transforms


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("seed", range(4))
def test_statistics_of_lines(seed, boundary):
    drawing = draw_lines((101, 64), n_lines=(2, 4), gap=9, rng=np.random.default_rng(seed))
    measured = tp.autocorrelation(drawing.labels.astype(float), boundary=boundary)
    f = boxes_statistics((101, 64), drawing.boxes, boundary=boundary)
    np.testing.assert_allclose(f, measured, rtol=0, atol=1e-12)  # rounding of the transforms


def two_lines(apart):
    return [((0, 1), (0, 224)), ((apart, apart + 1), (0, 224))]


def by_closed_form(apart):
    """All four correlations of two lines, from the autocorrelation of one phase."""
    f = boxes_statistics((224, 224), two_lines(apart))
    v = f[0, 0]
    return np.array([[1 - 2 * v + f, v - f], [v - f, f]])


def test_figure_8():
    """To lines of one pixel that stand 100 px apart, 101 px is as far as 200 px."""
    target = tp.two_phase(fill_boxes((224, 224), two_lines(100)))
    values = {d: float(tp.cess(tp.two_phase(fill_boxes((224, 224), two_lines(d))), target, excess=True)) for d in (100, 101, 200, 112)}
    assert abs(values[100]) < 1e-12  # rounding
    assert values[101] > 4e-4
    assert math.isclose(values[101], values[200], rel_tol=1e-12)  # rounding
    assert abs(values[112] - values[101]) > 5e-4  # two lags fall together there: it is no matter of course
    for d, value in values.items():
        wanted, got = by_closed_form(100), np.maximum(by_closed_form(d), 0)
        logarithm = np.where(got > 1e-6, np.log(np.maximum(got, 1e-6)), math.log(1e-6) + got / 1e-6 - 1)
        own = np.where(wanted > 1e-6, np.log(np.maximum(wanted, 1e-6)), math.log(1e-6) + wanted / 1e-6 - 1)
        assert abs(value - np.mean(np.sum(wanted * (own - logarithm), axis=(0, 1)))) < 1e-9  # below the floor 1e-16 counts as 1e-10


def test_lines_keep_their_rules():
    orientations, numbers, thicknesses, lengths, nearest = set(), [], set(), [], 224.0
    for seed in range(200):
        drawing = draw_lines(rng=np.random.default_rng(seed))
        assert drawing.labels.shape == (224, 224)
        assert drawing.n_lines == len(drawing.boxes)
        np.testing.assert_array_equal(drawing.labels, fill_boxes((224, 224), drawing.boxes))
        across, along = (0, 1) if drawing.orientation == "horizontal" else (1, 0)
        orientations.add(drawing.orientation)
        numbers.append(drawing.n_lines)
        for box in drawing.boxes:
            lengths.append(box[along][1] - box[along][0])
            thicknesses.add(box[across][1] - box[across][0])
        for one, two in itertools.combinations(drawing.boxes, 2):
            if one[along][0] < two[along][1] and two[along][0] < one[along][1]:
                nearest = min(nearest, abs(sum(one[across]) - sum(two[across])) / 2)
    assert orientations == {"horizontal", "vertical"}
    assert nearest == 10
    assert thicknesses == {5, 6, 7, 8, 9}
    assert 112 <= min(lengths) < 116  # the ends of the range are reached, or nearly
    assert 219 < max(lengths) <= 223
    counts = np.bincount(numbers, minlength=6)
    assert counts[0] == 0
    assert abs(counts[1:] - 40).max() < 4 * math.sqrt(200 * 0.2 * 0.8)  # standard deviations of a binomial count


def test_places_are_equally_likely():
    rng = np.random.default_rng(3)
    starts = [draw_lines((20, 30), n_lines=1, orientation="vertical", thickness=3, rng=rng).boxes[0][1][0] for _ in range(2800)]
    counts = np.bincount(starts)
    assert len(counts) == 28  # columns 0 to 27 are where a line of 3 px may begin
    assert abs(counts - 100).max() < 4 * math.sqrt(100)  # standard deviations


@pytest.mark.parametrize("seed", range(5))
def test_diagonal_lines(seed):
    drawing = draw_lines(n_lines=1, orientation="diagonal", thickness=7, rng=np.random.default_rng(seed))
    assert drawing.boxes is None
    rows, columns = np.nonzero(drawing.labels)
    (a, b), (_, c) = np.cov(rows, columns)
    assert abs(a - c) < 0.02 * a  # both axes alike; ends of a line of pixels are not quite square
    assert b > 0  # rows and columns grow together
    length, thickness = math.sqrt(12 * (a + c + 2 * b) / 2), math.sqrt(12 * (a + c - 2 * b) / 2)  # of a uniform rectangle
    assert 56 - 1 < length < 112 + 1  # one pixel
    assert abs(thickness - 7) < 0.5
    assert abs(len(rows) - 7 * length) < length  # half a pixel on either side


def test_diagonal_lines_lie_inside():
    """A line of 20 by 4 px consists of 4 sqrt 2 = 5.7 rows of 20 / sqrt 2 = 14.1 pixels; one that stuck out would lose some."""
    rng, reached = np.random.default_rng(0), np.zeros((60, 40), dtype=np.uint8)
    for _ in range(300):
        labels = lines((60, 40), n_lines=1, orientation="diagonal", length=(0.5, 0.5), thickness=4, rng=rng)
        rows, columns = np.nonzero(labels)
        counts = np.unique(columns - rows, return_counts=True)[1]
        assert len(counts) in (5, 6)
        assert set(counts) <= {14, 15}
        reached |= labels
    rows, columns = np.nonzero(reached)
    assert rows.min() <= 1  # a corner is no pixel
    assert rows.max() >= 58
    assert columns.min() <= 1
    assert columns.max() >= 38


def test_diagonal_lines_stand_apart():
    nearest = 100.0
    for seed in range(60):
        drawing = draw_lines((120, 100), n_lines=2, orientation="diagonal", thickness=5, rng=np.random.default_rng(seed))
        labelled, pieces = label(drawing.labels, np.ones((3, 3)))
        assert pieces == drawing.n_lines == 2
        (r0, c0), (r1, c1) = (np.nonzero(labelled == i) for i in (1, 2))
        beside = (r0 + c0).min() < (r1 + c1).max() and (r1 + c1).min() < (r0 + c0).max()
        if beside:
            nearest = min(nearest, abs(np.mean(c0 - r0) - np.mean(c1 - r1)) / math.sqrt(2))
    assert abs(nearest - 10) < 0.75  # the mean of a line's pixels is its axis to a part of a pixel


def test_lines_may_touch_end_to_end():
    options = dict(n_lines=2, orientation="horizontal", length=(0.5, 0.5), thickness=1, gap=1)
    drawings = [draw_lines((1, 8), rng=np.random.default_rng(seed), **options) for seed in range(40)]
    assert {drawing.boxes[0][1][0] for drawing in drawings if drawing.labels.all()} == {0, 4}  # from the left and from the right


@pytest.mark.parametrize(("length", "wanted"), [(None, range(10, 20)), ((0.22, 0.4), range(5, 8)), ((1, 1), [20])])
def test_lengths_are_the_whole_numbers_of_a_half_open_range(length, wanted):
    rng = np.random.default_rng(0)
    drawings = [draw_lines((9, 20), n_lines=1, orientation="horizontal", length=length, rng=rng) for _ in range(200)]
    assert {drawing.boxes[0][1][1] - drawing.boxes[0][1][0] for drawing in drawings} == set(wanted)


class Counting(np.random.Generator):
    """A generator that counts how often it is asked for an integer."""

    calls = 0

    def integers(self, *args):
        self.calls += 1
        return super().integers(*args)


@pytest.mark.parametrize("attempts", [0, 1, 50])
def test_a_line_is_drawn_again_as_often_as_said(attempts):
    rng = Counting(np.random.PCG64(0))
    drawing = draw_lines((10, 10), n_lines=2, orientation="vertical", thickness=5, attempts=attempts, rng=rng)  # the second finds no place
    assert drawing.n_lines == 1
    assert rng.calls == 1 + 4 * (1 + 1 + attempts)  # the number; length, thickness and two coordinates of each line


def test_defaults_are_those_of_the_paper():
    parameters = inspect.signature(draw_lines).parameters
    assert {name: p.default for name, p in parameters.items() if name != "rng"} == dict(
        shape=(224, 224), n_lines=(1, 5), orientation=None, length=None, thickness=(5, 9), gap=10.0, attempts=50
    )
    assert inspect.signature(lines).parameters == parameters


def test_lines_as_large_as_the_image():
    full = lines((5, 12), n_lines=1, orientation="horizontal", length=(1, 1), thickness=5, rng=np.random.default_rng(0))
    assert full.all()
    assert lines((12, 5), n_lines=1, orientation="vertical", length=(1, 1), thickness=5, rng=np.random.default_rng(0)).all()
    # a turned rectangle of 40 by 15 px reaches over 55 / sqrt(2) = 38.9 of the 39 steps between 40 pixels
    assert lines((40, 41), n_lines=1, orientation="diagonal", length=(1, 1), thickness=15, gap=15, rng=np.random.default_rng(0)).any()


def test_a_line_without_a_place_is_left_out():
    drawing = draw_lines((16, 16), n_lines=5, thickness=5, orientation="vertical", rng=np.random.default_rng(0))
    assert 1 <= drawing.n_lines <= 2  # axes 10 px apart
    assert len(drawing.boxes) == drawing.n_lines


@pytest.mark.parametrize("orientation", [None, "horizontal", "vertical", "diagonal"])
def test_lines_are_the_labels_of_a_drawing(orientation):
    first, again = (lines((64, 80), orientation=orientation, rng=np.random.default_rng(5)) for _ in range(2))
    assert (first == again).all()
    assert (first == draw_lines((64, 80), orientation=orientation, rng=np.random.default_rng(5)).labels).all()
    assert (first != lines((64, 80), orientation=orientation, rng=np.random.default_rng(6))).any()
    assert set(np.unique(first)) == {0, 1}


def test_options_of_lines():
    options = dict(n_lines=2, orientation="horizontal", length=(0.25, 0.25), thickness=(2, 3), gap=12, attempts=0)
    for seed in range(20):
        drawing = draw_lines((40, 48), rng=np.random.default_rng(seed), **options)
        assert (lines((40, 48), rng=np.random.default_rng(seed), **options) == drawing.labels).all()
        assert {stop - start for _, (start, stop) in drawing.boxes} == {12}
        assert {stop - start for (start, stop), _ in drawing.boxes} <= {2, 3}
    assert not lines((8, 8), n_lines=0, thickness=1, rng=np.random.default_rng(0)).any()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator"),
        ({"shape": (64,)}, ValueError, "shape must have 2 sizes"),
        ({"n_lines": 1.5}, TypeError, "n_lines must be an integer"),
        ({"n_lines": (3, 1)}, ValueError, "n_lines must be an integer, or a minimum and a maximum"),
        ({"n_lines": (1, 2, 3)}, ValueError, "n_lines must be an integer, or a minimum and a maximum"),
        ({"orientation": "oblique"}, ValueError, "orientation must be one of horizontal, vertical, diagonal or None"),
        ({"length": (0.5, 1.5)}, ValueError, "length must be two shares"),
        ({"length": (0.0, 0.5)}, ValueError, "length must be a finite number above 0"),
        ({"length": (0.7, 0.5)}, ValueError, "length must be two shares"),
        ({"length": (0.7,)}, ValueError, "length must be two shares"),
        ({"thickness": 0}, ValueError, "thickness must be at least 1"),
        ({"shape": (6, 64), "orientation": "horizontal", "thickness": 7}, ValueError, "thickness and length must fit"),
        ({"shape": (64, 6), "orientation": "vertical", "thickness": 7}, ValueError, "thickness and length must fit"),
        (
            {"shape": (40, 41), "orientation": "diagonal", "length": (1, 1), "thickness": 16, "gap": 16},
            ValueError,
            "thickness and length must fit",
        ),
        ({"gap": 8}, ValueError, "gap must be at least the largest thickness 9"),
        ({"attempts": -1}, ValueError, "attempts must be at least 0"),
    ],
)
def test_bad_lines_are_refused_by_name(wrong, error, message):
    with pytest.raises(error, match=message):
        lines(**({"shape": (64, 64), "rng": np.random.default_rng(0)} | wrong))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("function", [fill_boxes, boxes_statistics])
@pytest.mark.parametrize(
    ("shape", "boxes", "error", "message"),
    [
        ((8.0,), [], TypeError, "shape must be an integer"),
        ((8,), [((0, 2.0),)], TypeError, "boxes must be an integer"),
        ((8,), [((0, 2), (0, 2))], ValueError, "boxes must give"),
        ((8,), [((0, 1, 2),)], ValueError, "boxes must give"),
        ((8,), [((0, 9),)], ValueError, "boxes must lie inside"),
        ((8,), [((-1, 3),)], ValueError, "boxes must lie inside"),
        ((8,), [((3, 3),)], ValueError, "boxes must lie inside"),
        ((8,), [((0, 4),), ((3, 5),)], ValueError, "boxes must be disjoint"),
        ((8, 8), [((0, 4), (0, 4)), ((5, 6), (0, 8)), ((3, 8), (3, 5))], ValueError, r"boxes must be disjoint, got \[\[0, 4\]"),
    ],
)
def test_bad_boxes_are_refused_by_name(function, shape, boxes, error, message):
    with pytest.raises(error, match=message):
        function(shape, boxes)


@pytest.mark.usefixtures("unchecked")
def test_bad_boundary_is_refused_by_name():
    with pytest.raises(ValueError, match="boundary must be one of 'periodic', 'open'"):
        boxes_statistics((8,), [], boundary="closed")
