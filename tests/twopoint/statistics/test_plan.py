"""Which pairs are computed: tuples of ints."""

import pytest

from twopoint.statistics.plan import canonical, independent, resolve

pytestmark = pytest.mark.numpy_only


def test_resolve():
    assert resolve("all", 2) == ((0, 0), (0, 1), (1, 0), (1, 1))
    assert resolve("unique", 3) == ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    assert resolve([[2, 0], (1, 1)], 3) == ((2, 0), (1, 1))


def test_canonical():
    assert canonical(((2, 0), (0, 2), (1, 1), (0, 0))) == ((0, 0), (0, 2), (1, 1))


def test_independent():
    assert independent(((0, 0),), 2) == ((1, 1),)
    assert independent(canonical(resolve("all", 2)), 2) == ((1, 1),)
    assert independent(canonical(resolve("all", 4)), 4) == ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))
    assert independent(((1, 2),), 4) == ((1, 2),)
    assert independent(((0, 3),), 4) == ((1, 3), (2, 3), (3, 3))
    for n in range(2, 7):  # N(N-1)/2 of N phases that sum to one
        assert len(independent(canonical(resolve("all", n)), n)) == n * (n - 1) // 2


@pytest.mark.parametrize("pairs", ["some", [], [(0, 3)], [(-1, 0)], [(0, 1), (0, 1)], [(0,)], [(0.0, 1.0)], 3, [3]])
def test_refusals(pairs):
    with pytest.raises((TypeError, ValueError), match="pairs"):
        resolve(pairs, 3)
