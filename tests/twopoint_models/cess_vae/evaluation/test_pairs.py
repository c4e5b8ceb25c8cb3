"""Two networks, class by class: shares, medians and intervals of known errors."""

import numpy as np
import pytest

from twopoint_models.cess_vae.evaluation.pairs import compare_pair, pair_table

pytestmark = pytest.mark.numpy_only


def test_medians_shares_and_intervals():
    """One class is better throughout, in the other it is a tie or worse."""
    before = np.array([1.0, 2.0, 3.0, 4.0, 4.0])
    found = compare_pair(before, before + np.array([-0.5, -1, -1, 0, 2]), ["b", "b", "b", "a", "a"])
    assert list(found) == ["a", "b", "all"]
    assert (found["b"]["before"]["value"], found["b"]["after"]["value"]) == (2.0, 1.0)
    assert found["b"]["nearer"] == {"value": 1.0, "interval": [1.0, 1.0]}
    assert found["a"]["nearer"]["value"] == 0.25
    assert found["all"]["nearer"]["value"] == pytest.approx(3.5 / 5)
    low, high = found["all"]["nearer"]["interval"]
    assert 0.2 <= low < 0.7 < high <= 1
    table = pair_table(found, "old", "new")
    assert "the network new is nearer" in table
    assert "0.25 (0 to 0.5)" in table


@pytest.mark.parametrize(("after", "names"), [([1.0], "ab"), ([1.0, 2.0], "a"), ([], "")])
def test_bad_input(after, names):
    with pytest.raises(ValueError, match="before, after and names must be"):
        compare_pair(np.array([1.0, 2.0][: len(names)]), np.array(after), names)
