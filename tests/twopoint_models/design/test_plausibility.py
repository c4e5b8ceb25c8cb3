"""Whether designs look like known microstructures."""

import numpy as np
import pytest

from twopoint_models.design import plausibility_of
from twopoint_models.evaluation.reconstructions import excess_cess


def test_plausibility_by_a_loop():
    rng = np.random.default_rng(0)
    known = np.kron((rng.random((6, 1, 8, 8)) < 0.5).astype(float), np.ones((2, 2)))
    images = np.stack([np.roll(known[2], 3, axis=1), np.zeros((1, 16, 16))])
    found = plausibility_of(images, known)
    own = [min(excess_cess(known[i : i + 1], known[j : j + 1])[0] for j in range(6) if j != i) for i in range(6)]
    assert found.limit == pytest.approx(np.quantile(own, 0.95))
    assert found.distance[0] == pytest.approx(0, abs=1e-9)
    assert found.distance[1] == pytest.approx(min(excess_cess(images[1:], known[j : j + 1])[0] for j in range(6)))
    assert found.counts.tolist() == [True, False]
    with pytest.raises(ValueError, match="known be two at least"):
        plausibility_of(images, known[:1])
    with pytest.raises(ValueError, match="images must be of 0 and 1"):
        plausibility_of(images / 2, known)
