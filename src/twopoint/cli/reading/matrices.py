"""Matrices in text: numbers in rows, separated by commas, semicolons, tabs or blanks, as ImageJ, MATLAB and numpy write them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .. import memory
from ..terminal import InputError
from .foreign import refuse_foreign
from .names import Source
from .opened import OpenArray

_BYTES_A_BYTE = 12  # of memory for each byte of text while it is parsed
_FRACTION = re.compile("[.eEnN]")  # of a number that is not whole, is NaN or infinite
_LIST = 3, 30  # columns and rows from which on a matrix is a list of points


@contextmanager
def open_matrix(source: Source) -> Iterator[OpenArray]:
    """Open a text with a matrix; raise an error for words, for numbered rows or columns, and for a list of points."""
    memory.require(_BYTES_A_BYTE * source.path.stat().st_size, f"reading {source}")
    values = _parsed(source, _lines(source))
    _refuse_numbering(source, values)
    yield OpenArray(values.shape, values.dtype, lambda part: values[part], channels=False, array=True)


def _lines(source: Source) -> list[str]:
    """Return the lines of a text that hold something, without comments."""
    try:
        text = source.path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        refuse_foreign(source)
        raise InputError(f"{source} cannot be read: it is not a text in UTF-8 with a matrix of numbers") from error
    stripped = (line.partition("#")[0].strip(" \r\n") for line in text.splitlines())
    return [line for line in stripped if line]


def _parsed(source: Source, lines: list[str]) -> np.ndarray:
    """Return the matrix in the lines of a text."""
    if not lines:
        raise InputError(f"{source} cannot be read: there are no numbers in it")
    mark = next((mark for mark in (";", "\t", ",") if mark in lines[0]), None)
    if mark in (";", "\t"):
        lines = [line.replace(",", ".") for line in lines]  # a comma is a decimal point here
    if mark is not None and all(line.endswith(mark) for line in lines):
        lines = [line[:-1] for line in lines]
    whole = not any(_FRACTION.search(line) for line in lines)
    try:
        return np.loadtxt(lines, dtype=np.int64 if whole else np.float64, delimiter=mark, ndmin=2)
    except ValueError as error:
        reason = str(error).partition(";")[0].rstrip(".")
        raise InputError(
            f"{source} cannot be read: {reason}; a text must hold a matrix of numbers only, one row of the image per line, without names "
            "of columns and rows"
        ) from error


def _refuse_numbering(source: Source, values: np.ndarray) -> None:
    """Raise an error if the first row or column only numbers the others, or if the rows are points of a list."""
    rows, columns = values.shape
    if min(rows, columns) > 2:
        for first, begins in ((values[0], 0), (values[0], 1), (values[:, 0], 0), (values[:, 0], 1)):
            if (first == np.arange(begins, begins + len(first))).all():
                raise InputError(f"{source} holds numbers of rows or columns, 0, 1, 2, ..., at its edge; save the matrix without them")
    if columns <= _LIST[0] and rows >= _LIST[1]:
        raise InputError(f"{source} holds {rows} rows of {columns} numbers, a list of points; save a matrix, one row of the image per line")
