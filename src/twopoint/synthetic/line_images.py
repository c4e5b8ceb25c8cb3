"""Images of parallel lines."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from ..arrays import checks
from .boxes import fill_boxes

SHARES = {"horizontal": (0.5, 1.0), "vertical": (0.5, 1.0), "diagonal": (0.25, 0.5)}  # range of lengths, as shares of the size of the image


class LineDrawing(NamedTuple):
    """An image of lines, with their number, orientation and boxes."""

    labels: np.ndarray
    orientation: str
    n_lines: int
    boxes: tuple[tuple[tuple[int, int], tuple[int, int]], ...] | None


@dataclass(frozen=True)
class _Line:
    """A line, in coordinates along and across the lines of its image."""

    start: float
    stop: float
    axis: float
    thickness: int

    def clashes(self, other: "_Line", gap: float) -> bool:
        """Whether two lines overlap along their direction, with their axes closer than the gap."""
        return abs(self.axis - other.axis) < gap and self.start < other.stop and other.start < self.stop


@dataclass(frozen=True)
class _Rules:
    """The checked arguments; pairs are a minimum and a maximum."""

    space: tuple[int, ...]
    orientation: str
    counts: tuple[int, int]
    lengths: tuple[int, int]
    thickness: tuple[int, int]
    gap: float
    attempts: int

    def draw(self, rng: np.random.Generator) -> _Line:
        """Draw one line, independently of others."""
        length, thickness = (int(rng.integers(low, high + 1)) for low, high in (self.lengths, self.thickness))
        if self.orientation != "diagonal":
            across, along = self.space if self.orientation == "horizontal" else self.space[::-1]
            start, low = int(rng.integers(along - length + 1)), int(rng.integers(across - thickness + 1))
            return _Line(start, start + length, low + thickness / 2, thickness)
        reach = (length + thickness) / math.sqrt(8)  # distance of a corner of the line from its middle, along either axis
        row, column = (rng.uniform(reach, size - 1 - reach) for size in self.space)
        middle = (row + column) / math.sqrt(2)
        return _Line(middle - length / 2, middle + length / 2, (column - row) / math.sqrt(2), thickness)

    def place(self, rng: np.random.Generator) -> list[_Line]:
        """Draw the lines of an image one after the other, and draw a line again while it is too close to another."""
        placed: list[_Line] = []
        for _ in range(int(rng.integers(self.counts[0], self.counts[1] + 1))):
            for _ in range(self.attempts + 1):
                line = self.draw(rng)
                if not any(line.clashes(other, self.gap) for other in placed):
                    placed.append(line)
                    break
        return placed


def lines(
    shape: Iterable[int] = (224, 224),
    *,
    rng: np.random.Generator,
    n_lines: int | tuple[int, int] = (1, 5),
    orientation: str | None = None,
    length: tuple[float, float] | None = None,
    thickness: int | tuple[int, int] = (5, 9),
    gap: float = 10.0,
    attempts: int = 50,
) -> UInt8[np.ndarray, "rows columns"]:
    """Draw parallel lines at random: label 1 on the lines, 0 elsewhere; the labels of :func:`draw_lines`.

    Parameters
    ----------
    shape, rng, n_lines, orientation, length, thickness, gap, attempts
        As for :func:`draw_lines`, which describes how lines are drawn.

    Returns
    -------
    uint8 array (rows, columns)
        Labels 0 and 1.

    Raises
    ------
    TypeError, ValueError
        As for :func:`draw_lines`.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024), with 100,000 images of one to five lines.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import lines
    >>> labels = lines(n_lines=1, orientation="horizontal", thickness=6, rng=np.random.default_rng(0))
    >>> labels.shape, int(labels.any(axis=1).sum())
    ((224, 224), 6)
    """
    return draw_lines(
        shape, rng=rng, n_lines=n_lines, orientation=orientation, length=length, thickness=thickness, gap=gap, attempts=attempts
    ).labels


def draw_lines(
    shape: Iterable[int] = (224, 224),
    *,
    rng: np.random.Generator,
    n_lines: int | tuple[int, int] = (1, 5),
    orientation: str | None = None,
    length: tuple[float, float] | None = None,
    thickness: int | tuple[int, int] = (5, 9),
    gap: float = 10.0,
    attempts: int = 50,
) -> LineDrawing:
    """Draw parallel lines at random, and return them with the image.

    Lines are inside the image, and all positions are equally likely. A line whose axis is closer than gap to that of an adjacent line is
    drawn again, and left out if all attempts fail. Lines therefore never overlap, and :func:`boxes_statistics` of their boxes is the
    autocorrelation of label 1.

    Parameters
    ----------
    shape : ints
        Size (rows, columns) in pixels.
    rng : numpy.random.Generator
        Source of all random numbers.
    n_lines : int or (int, int)
        Number of lines, or the minimum and the maximum of equally likely numbers.
    orientation : "horizontal", "vertical" or "diagonal", optional
        Along axis 1, along axis 0, or along the diagonal on which both coordinates increase; by default one of the first two at random.
    length : (float, float), optional
        Shares a and b of the size S of the image along the line (diagonal: the smaller size). Lengths are the whole pixels in [a S, b S),
        all equally likely. The default is (1/2, 1), for diagonal lines (1/4, 1/2).
    thickness : int or (int, int)
        Thickness in pixels, or the minimum and the maximum of equally likely ones.
    gap : float
        Minimum distance of the axes of adjacent lines in pixels, at least the largest thickness.
    attempts : int
        Number of times that a line is drawn again.

    Returns
    -------
    LineDrawing
        labels, uint8 (rows, columns); orientation; n_lines, without lines that were left out; boxes, for each line
        ``((start, stop), (start, stop))`` along axes 0 and 1, or None for diagonal lines.

    Raises
    ------
    TypeError
        If rng is not a Generator, or if another argument has a wrong type.
    ValueError
        If shape does not have 2 sizes, if a number is out of range or a pair not in ascending order, if orientation is unknown, if gap is
        below the largest thickness, or if lines do not fit into the image.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024), where the label of an image is the orientation and the number of its lines.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import boxes_statistics, draw_lines
    >>> drawing = draw_lines((32, 32), n_lines=2, thickness=2, gap=4, rng=np.random.default_rng(1))
    >>> drawing.orientation, drawing.boxes
    ('horizontal', (((29, 31), (6, 30)), ((25, 27), (2, 18))))
    >>> bool(boxes_statistics((32, 32), drawing.boxes)[0, 0] == drawing.labels.mean())
    True
    """
    space = checks.sizes(shape, (2,))
    checks.generator(rng)
    if orientation is not None and orientation not in SHARES:
        raise ValueError(f"orientation must be one of {', '.join(SHARES)} or None, got {orientation!r}")
    counts, widths = _least_and_most("n_lines", n_lines, 0), _least_and_most("thickness", thickness, 1)
    gap, attempts = checks.finite("gap", gap), checks.integer("attempts", attempts, 0)
    if gap < widths[1]:
        raise ValueError(f"gap must be at least the largest thickness {widths[1]}, or lines could overlap, got {gap}")
    orientation = orientation or ("horizontal", "vertical")[rng.integers(2)]
    rules = _Rules(space, orientation, counts, _lengths(length, orientation, space), widths, gap, attempts)
    _fits(rules)
    placed = rules.place(rng)
    if orientation == "diagonal":
        return LineDrawing(_diagonals(space, placed), orientation, len(placed), None)
    boxes = tuple(_box(line, orientation) for line in placed)
    return LineDrawing(fill_boxes(space, boxes), orientation, len(placed), boxes)


def _diagonals(space: tuple[int, ...], placed: list[_Line]) -> np.ndarray:
    """Return the labels of diagonal lines, the pixels whose centres are inside a rotated rectangle."""
    rows, columns = np.indices(space, sparse=True)
    along, across = (rows + columns) / math.sqrt(2), (columns - rows) / math.sqrt(2)
    labels = np.zeros(space, dtype=np.uint8)
    for line in placed:
        labels[(line.start <= along) & (along <= line.stop) & (np.abs(across - line.axis) <= line.thickness / 2)] = 1
    return labels


def _box(line: _Line, orientation: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the start and stop of a line on axes 0 and 1."""
    low = round(line.axis - line.thickness / 2)
    across, along = (low, low + line.thickness), (int(line.start), int(line.stop))
    return (across, along) if orientation == "horizontal" else (along, across)


def _least_and_most(name: str, value: int | tuple[int, int], least: int) -> tuple[int, int]:
    """Return a minimum and a maximum; raise if they are not in ascending order."""
    pair = tuple(value) if isinstance(value, Iterable) else (value, value)
    numbers = [checks.integer(name, n, least) for n in pair]
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise ValueError(f"{name} must be an integer, or a minimum and a maximum, got {value!r}")
    return numbers[0], numbers[1]


def _lengths(length: tuple[float, float] | None, orientation: str, space: tuple[int, ...]) -> tuple[int, int]:
    """Return the minimum and the maximum length of a line in pixels."""
    shares = [checks.finite("length", share, 0.0) for share in (SHARES[orientation] if length is None else length)]
    if len(shares) != 2 or not shares[0] <= shares[1] <= 1:
        raise ValueError(f"length must be two shares (a, b) with 0 < a <= b <= 1, got {length!r}")
    size = {"horizontal": space[1], "vertical": space[0], "diagonal": min(space)}[orientation]
    first = math.ceil(shares[0] * size)
    return first, max(first, math.ceil(shares[1] * size) - 1)  # b S itself is excluded


def _fits(rules: _Rules) -> None:
    """Raise if lines are too large for the image."""
    length, thickness = rules.lengths[1], rules.thickness[1]
    diagonal = (length + thickness) / math.sqrt(2) > min(rules.space) - 1
    across = rules.space[0 if rules.orientation == "horizontal" else 1]
    if diagonal if rules.orientation == "diagonal" else thickness > across:
        raise ValueError(f"thickness and length must fit into shape {rules.space}, got up to {thickness} px by {length} px")
