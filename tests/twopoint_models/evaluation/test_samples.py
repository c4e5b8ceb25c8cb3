"""How far samples are from images: against a direct computation, and for samples that are known to be near or far."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

import twopoint as tp
from twopoint_models.evaluation.measures import distance_in_halves
from twopoint_models.evaluation.samples import sample_distances

pytestmark = pytest.mark.numpy_only
RNG = np.random.default_rng(0)
REAL = RNG.random((40, 24, 24)) < RNG.uniform(0.2, 0.4, (40, 1, 1))


def test_own_images_are_no_distance_apart_and_others_are():
    smooth = np.repeat(np.repeat(RNG.random((40, 6, 6)) < 0.3, 4, 1), 4, 2)
    found = sample_distances(REAL, {"itself": REAL, "more": RNG.random((30, 24, 24)) < 0.6, "coarse": smooth})
    assert set(found["itself"]) == {"volume fraction", "interface length", "component 1", "component 2", "component 3"}
    assert all(value == 0 for value in found["itself"].values())
    assert found["more"]["volume fraction"] > 5
    assert found["coarse"]["interface length"] > 5 > 3 * found["coarse"]["volume fraction"]


def test_components_are_those_of_autocorrelations():
    """Of lags up to an eighth of an edge; a component's sign and order do not count in its distance."""
    made = RNG.random((30, 24, 24)) < 0.35
    lags = [(i, j) for i in range(-3, 4) for j in range(-3, 4) if i > 0 or (i == 0 and j >= 0)]

    def rows(images):
        found = np.array([[tp.autocorrelation(x.astype(float))[lag] for lag in lags] for x in images])
        return found * np.array([1.0 if lag == (0, 0) else np.sqrt(2) for lag in lags])

    known = PCA(3, svd_solver="full").fit(rows(REAL))
    theirs = zip(known.transform(rows(REAL)).T, known.transform(rows(made)).T, strict=True)
    found = sample_distances(REAL, {"": made})[""]
    for i, (a, b) in enumerate(theirs):
        assert found[f"component {i + 1}"] == pytest.approx(min(distance_in_halves(s * a, s * b) for s in (1, -1)), rel=0.05)


@pytest.mark.parametrize(("real", "made"), [(REAL[:3], REAL), (REAL, REAL[:, :16])])
def test_bad_input(real, made):
    with pytest.raises(ValueError, match=r"3 known images|24|4 numbers"):
        sample_distances(real, {"": made})
