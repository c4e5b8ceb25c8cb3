"""Statistics with the values that PyMKS's own tests expect: periodic, open, mixed, masked, of two and three phases.

The arrays and the values, which are fractions of counts of pairs, are those of materialsinnovation/pymks: pymks/tests/test_stats.py of
PyMKS 0.3, and the doctests of cross_correlation, auto_correlation, two_point_stats and correlations_multiple in pymks/fmks/correlations.py
of 0.4. Only the layout differs: PyMKS puts samples first and phases last, and keeps S lags along each axis with the zero lag at S // 2,
as crop=S does here. Its correlation of (h, k) at r is also the mean of m_h(x) m_k(x + r). All its masks, called confidences, hold 0 and
1 only. Its mixed boundary, an axis that repeats and one that ends, is here periodic, with the ends of the open axis masked. The seeded
microstructures of test_mask_two_samples are the only labels of 3 x 3, beside the masked point, that have the expected values.

One value differs: correlations_multiple of the numbers 0 to 17 is stated a third too low. Its assertion is of a tuple, which is always
true; at lag 0 the mean of 2 i (2 i + 1) over i = 0..8 is 888 / 9 = 98 + 2/3, where 98 + 1/3 is stated.
"""

import numpy as np
import pytest

import twopoint as tp
from support import oracles

BLOCKS = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
LINE = np.array([[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]])
WITH_TWO = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [0, 0, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
ONE_AND_TWO = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
CROSS = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 0]])
CHECKERBOARD = np.arange(9).reshape(3, 3) % 2

PLAIN = {
    "nonperiodic autocorrelation": (
        BLOCKS,
        "open",
        {
            (1, 1): [
                [0, 0, 0, 0],
                [1 / 8, 1 / 12, 3 / 16, 1 / 12],
                [1 / 5, 2 / 15, 3 / 10, 2 / 15],
                [1 / 8, 1 / 12, 3 / 16, 1 / 12],
                [0, 0, 0, 0],
            ]
        },
    ),
    "periodic autocorrelation": (
        BLOCKS,
        "periodic",
        {(1, 1): [[0, 0, 0, 0], [0.1, 0.1, 0.15, 0.1], [0.2, 0.2, 0.3, 0.2], [0.1, 0.1, 0.15, 0.1], [0, 0, 0, 0]]},
    ),
    "nonperiodic crosscorrelation": (
        BLOCKS,
        "open",
        {
            (0, 1): [
                [1 / 3, 4 / 9, 1 / 2, 4 / 9],
                [1 / 8, 1 / 4, 3 / 16, 1 / 4],
                [0, 2 / 15, 0, 2 / 15],
                [0, 1 / 12, 0, 1 / 12],
                [0, 0, 0, 0],
            ]
        },
    ),
    "periodic crosscorrelation": (
        BLOCKS,
        "periodic",
        {
            (0, 1): [
                [0.3, 0.3, 0.3, 0.3],
                [0.2, 0.2, 0.15, 0.2],
                [0.1, 0.1, 0, 0.1],
                [0.2, 0.2, 0.15, 0.2],
                [0.3, 0.3, 0.3, 0.3],
            ]
        },
    ),
    "nonperiodic correlate": (
        LINE,
        "open",
        {
            (0, 0): [
                [2 / 3, 4 / 9, 3 / 4, 4 / 9],
                [5 / 8, 1 / 2, 3 / 4, 1 / 2],
                [3 / 5, 7 / 15, 4 / 5, 7 / 15],
                [5 / 8, 1 / 2, 3 / 4, 1 / 2],
                [1 / 2, 4 / 9, 3 / 4, 4 / 9],
            ]
        },
    ),
    "periodic correlate": (
        LINE,
        "periodic",
        {(0, 0): [[0.6, 0.6, 0.75, 0.6], [0.6, 0.6, 0.75, 0.6], [0.6, 0.6, 0.8, 0.6], [0.6, 0.6, 0.75, 0.6], [0.6, 0.6, 0.75, 0.6]]},
    ),
    "autocorrelate with specific correlations": (
        WITH_TWO,
        "open",
        {
            (0, 0): [
                [2 / 3, 1 / 3, 5 / 12, 4 / 9],
                [5 / 8, 5 / 12, 9 / 16, 1 / 2],
                [1 / 2, 7 / 15, 13 / 20, 7 / 15],
                [3 / 8, 1 / 2, 9 / 16, 5 / 12],
                [1 / 6, 4 / 9, 5 / 12, 1 / 3],
            ],
            (2, 2): [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1 / 20, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
        },
    ),
    "crosscorrelate with specific correlations": (
        ONE_AND_TWO,
        "open",
        {(1, 2): [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1 / 12], [0, 0, 0, 0]]},
    ),
    "doctests of auto_correlation and cross_correlation": (
        CROSS,
        "periodic",
        {
            (1, 1): np.array([[3, 2, 3], [2, 5, 2], [3, 2, 3]]) / 9,
            (1, 0): np.array([[2, 3, 2], [3, 0, 3], [2, 3, 2]]) / 9,
        },
    ),
}

FIRST = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 1]])  # all points but the first
MASKED = {
    "periodic mask": (
        CHECKERBOARD,
        "periodic",
        FIRST,
        {
            (0, 0): [[1 / 7, 1 / 7, 3 / 7], [1 / 7, 1 / 2, 1 / 7], [3 / 7, 1 / 7, 1 / 7]],
            (1, 1): [[2 / 7, 1 / 7, 2 / 7], [1 / 7, 1 / 2, 1 / 7], [2 / 7, 1 / 7, 2 / 7]],
        },
    ),
    "nonperiodic mask": (
        CHECKERBOARD,
        "open",
        FIRST,
        {
            (0, 0): [[1 / 3, 0, 1 / 2], [0, 1 / 2, 0], [1 / 2, 0, 1 / 3]],
            (1, 1): [[2 / 3, 0, 1 / 2], [0, 1 / 2, 0], [1 / 2, 0, 2 / 3]],
        },
    ),
    "mixed mask": (  # periodic along the rows' axis; two masked columns end the other
        np.pad(CHECKERBOARD, ((0, 0), (0, 2))),
        "periodic",
        np.pad(FIRST, ((0, 0), (0, 2))),
        {
            (0, 0): [[1 / 5, 1 / 7, 2 / 5], [0, 1 / 2, 0], [2 / 5, 1 / 7, 1 / 5]],
            (1, 1): [[2 / 5, 1 / 7, 2 / 5], [0, 1 / 2, 0], [2 / 5, 1 / 7, 2 / 5]],
        },
    ),
    "mask of two samples: the first": (
        np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1]]),
        "open",
        FIRST,
        {
            (0, 0): [[1 / 3, 1 / 5, 1 / 4], [1 / 5, 1 / 2, 1 / 5], [1 / 4, 1 / 5, 1 / 3]],
            (1, 1): [[1 / 3, 1 / 5, 1 / 4], [1 / 5, 1 / 2, 1 / 5], [1 / 4, 1 / 5, 1 / 3]],
            (0, 1): [[1 / 3, 1 / 5, 0], [2 / 5, 0, 1 / 5], [1 / 2, 2 / 5, 0]],
        },
    ),
    "mask of two samples: the second": (
        np.array([[0, 0, 1], [1, 0, 1], [1, 0, 1]]),
        "open",
        FIRST,
        {
            (0, 0): [[0, 2 / 5, 0], [0, 3 / 8, 0], [0, 2 / 5, 0]],
            (1, 1): [[0, 3 / 5, 0], [0, 5 / 8, 0], [0, 3 / 5, 0]],
            (0, 1): [[1 / 3, 0, 1 / 2], [2 / 5, 0, 3 / 5], [1 / 2, 0, 2 / 3]],
        },
    ),
    "doctest of two_point_stats": (
        np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0]]),
        "open",
        np.array([[1, 1, 1], [1, 1, 1], [1, 0, 0]]),
        {(1, 1): np.array([[1, 0, 1], [1, 4, 1], [1, 0, 1]]) / np.array([[2, 4, 3], [4, 7, 4], [3, 4, 2]])},
    ),
}


def microstructure(labels):
    return tp.one_hot(labels, int(labels.max()) + 1, dtype=np.float64)


@pytest.mark.parametrize("name", PLAIN)
def test_values_without_a_mask(backend, name):
    labels, boundary, wanted = PLAIN[name]
    f = backend.read(tp.correlations(backend.make(microstructure(labels)), boundary=boundary, crop=labels.shape))
    for pair, want in wanted.items():
        oracles.close(f[pair], want, 1e-14, f"{pair}")


@pytest.mark.parametrize("dtype", [bool, np.float64])
@pytest.mark.parametrize("name", MASKED)
def test_values_under_a_mask(backend, name, dtype):
    labels, boundary, mask, wanted = MASKED[name]
    m, mask = backend.make(microstructure(labels)), backend.make(mask.astype(dtype))
    f = backend.read(tp.correlations(m, mask=mask, boundary=boundary, crop=3))
    for pair, want in wanted.items():
        oracles.close(f[pair], want, 1e-14, f"{pair}")


def test_values_that_are_no_probabilities(backend):
    """The numbers 0 to 17 of correlations_multiple, with the thirds that are right."""
    m = np.moveaxis(np.arange(18.0).reshape(3, 3, 2), -1, 0)
    f = backend.read(tp.correlations(backend.make(m), crop=3))
    oracles.close(f[0, 1], np.array([[58, 62, 58], [94, 98, 94], [58, 62, 58]]) + 2 / 3, 1e-14)


@pytest.mark.usefixtures("unchecked")
def test_a_mask_above_one_is_refused(backend):
    m = backend.make(microstructure(np.array([[1, 0], [0, 1]])))
    with pytest.raises(ValueError, match=r"mask must hold booleans, integers 0 and 1, or confidences from 0 to 1, got 0\.\.2"):
        tp.correlations(m, mask=backend.make(np.array([[2, 0], [0, 1]])))
