"""Distances, embeddings and placement: against differences, closed forms, numerical minima; refusals."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.manifold import smacof

from twopoint_models.manifold import distance_matrix, distances, distances_to, embed, embed_landmarks, embedding, place


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def cloud(n, dimensions, seed=0):
    return normal(n, dimensions, seed=seed) * 3.0 ** -np.arange(dimensions)


def by_differences(a, b):
    return np.array([[np.sqrt(((x.astype(float) - y.astype(float)) ** 2).sum()) for y in b] for x in a])


def kruskal_by_loops(d, points):
    above = below = 0.0
    for i in range(len(d)):
        for j in range(i):
            found = np.sqrt(((points[i] - points[j]) ** 2).sum())
            above, below = above + (d[i, j] - found) ** 2, below + found**2
    return np.sqrt(above / below)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances_are_those_of_differences_over_all_blocks(dtype, monkeypatch):
    monkeypatch.setattr(distances, "_COLUMNS", 7)
    monkeypatch.setattr(distances, "_ROWS", 4)
    x = normal(11, 30).astype(dtype)
    found = distance_matrix(x)
    assert found == pytest.approx(by_differences(x, x), abs=1e-7 * found.max())
    assert np.array_equal(found, found.T)
    assert not found.diagonal().any()
    assert distances_to(x, x[:3]) == pytest.approx(by_differences(x, x[:3]), abs=1e-7 * found.max())


def test_near_vectors_far_from_zero_keep_their_distances():
    base = 1000 + normal(4, 5000)
    near = np.concatenate([base, base + 1e-4 * normal(4, 5000, seed=1)]).astype(np.float32)
    wanted = by_differences(near, near)
    spread = np.sqrt(((near - near.mean(axis=0, dtype=float)) ** 2).sum(axis=1)).max()
    assert np.abs(distance_matrix(near) - wanted).max() < 1e-7 * spread
    assert np.abs(distances_to(near, near[:4]) - wanted[:, :4]).max() < 1e-7 * spread
    squares = (near**2).sum(axis=1)
    naive = np.sqrt(np.maximum(squares[:, None] + squares - 2 * near @ near.T, 0))  # what must not come out
    assert np.abs(naive - wanted).max() > 0.01 * spread
    assert np.diagonal(wanted, 4).max() < 0.01 * spread, "the near ones are near"


def test_equal_vectors_are_at_rounding():
    x = normal(3, 4000).astype(np.float32)
    found = distance_matrix(np.concatenate([x, x]))
    assert np.diagonal(found, 3).max() < 1e-7 * found.max()


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda x: x[0], ValueError, r"vectors must be an array \(n, P\), got \(4,\)"),
        (lambda x: x.astype(int), TypeError, "vectors must be floating-point, got int64"),
        (lambda x: np.where(np.arange(3)[:, None] == 1, np.inf, x), ValueError, "vectors must be finite, vector 1 is not"),
        (lambda x: np.where(np.arange(3)[:, None] == 2, np.nan, x), ValueError, "vectors must be finite, vector 2 is not"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_bad_vectors_are_refused(spoil, error, message):
    x = cloud(3, 4)
    with pytest.raises(error, match=message):
        distance_matrix(spoil(x))
    with pytest.raises(error, match=message):
        distances_to(spoil(x), x)


def test_bad_landmarks_are_refused():
    with pytest.raises(ValueError, match="vectors and landmarks must have equally many columns"):
        distances_to(cloud(3, 4), cloud(3, 5))
    with pytest.raises(ValueError, match="landmarks must be finite, vector 0 is not"):
        distances_to(cloud(3, 4), np.full((1, 4), np.nan))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_points_of_few_dimensions_are_found_again(scale):
    d = scale * distance_matrix(cloud(40, 3))
    found = embed(d, 3)
    assert distance_matrix(found.points) == pytest.approx(d, abs=1e-6 * d.max())
    assert found.stress < 1e-6
    assert found.points.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-9 * scale)
    assert np.array_equal(found.landmarks, np.arange(40))


def test_stress_is_kruskals_and_falls_with_dimensions():
    d = distance_matrix(cloud(30, 8))
    found = {dimensions: embed(d, dimensions) for dimensions in (1, 2, 4)}
    for dimensions, each in found.items():
        assert each.points.shape == (30, dimensions)
        assert each.stress == pytest.approx(kruskal_by_loops(d, each.points), rel=1e-9)
    assert found[1].stress > 1.5 * found[2].stress > 1.5 * found[4].stress > 0
    variances = np.cov(found[4].points.T)
    assert (np.diff(variances.diagonal()) < 0).all()
    assert variances == pytest.approx(np.diag(variances.diagonal()), abs=1e-9)


def test_the_sum_is_at_a_minimum_that_random_starts_do_not_beat():
    d = distance_matrix(cloud(25, 6) + 0.1 * normal(25, 6, seed=1))
    found = embed(d, 2)

    def raw(points):
        return ((d - cdist(points, points)) ** 2).sum()

    assert raw(found.points) <= 1.001 * raw(smacof(d, n_components=2, n_init=4, random_state=0, normalized_stress=False, max_iter=500)[0])
    assert raw(found.points) < 0.99 * raw(embedding._classical(d, 2)), "the start is not yet the minimum"
    i, j = np.unravel_index(np.argmin(d + 1e9 * np.eye(25)), d.shape)
    d[i, j] += 9e-6 * d.max()  # as float32 sums leave it; more than scikit-learn lets pass
    assert embed(d, 2).stress == pytest.approx(found.stress, rel=1e-4)


D = distance_matrix(cloud(5, 3))


def changed(i, j, value):
    d = D.copy()
    d[i, j] = value
    return d


@pytest.mark.parametrize(
    ("d", "dimensions", "error", "message"),
    [
        (changed(0, 1, 9.0), 2, ValueError, "distances must be symmetric, got two that differ by"),
        (changed(2, 2, 0.5), 2, ValueError, "distances must be 0 on the diagonal, got 0.5"),
        (changed(0, 1, -1.0), 2, ValueError, "distances must be finite and of 0 or more"),
        (changed(0, 1, np.nan), 2, ValueError, "distances must be finite and of 0 or more"),
        (D[:4], 2, ValueError, r"distances must be square, \(n, n\), got the shape \(4, 5\)"),
        (D[:1, :1], 1, ValueError, "distances must be those of at least two images, got those of 1"),
        (0 * D, 2, ValueError, "distances must not all be 0"),
        (D.astype(complex), 2, TypeError, "distances must be real numbers, got complex128"),
        (D, 5, ValueError, "dimensions must be below the number of points, 5, got 5"),
        (D, 0, ValueError, "dimensions must be an integer above 0, got 0"),
        (D, 2.0, ValueError, "dimensions must be an integer above 0, got 2.0"),
    ],
)
def test_bad_distances_are_refused(d, dimensions, error, message):
    with pytest.raises(error, match=message):
        embed(d, dimensions)


def test_two_images_are_embedded():
    assert abs(np.diff(embed(np.array([[0, 3], [3, 0]]), 1).points[:, 0])) == pytest.approx(3.0)


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_exact_distances_place_exactly(dimensions):
    fixed, new = cloud(30, dimensions) + 5.0, cloud(7, dimensions, seed=1) + 5.0
    assert place(cdist(new, fixed), fixed) == pytest.approx(new, abs=1e-6)


def test_an_embedded_point_is_found_again():
    d = distance_matrix(cloud(60, 8))
    found = embed(d, 2, tolerance=1e-13, iterations=5000)
    assert found.stress > 0.01
    assert np.abs(place(d, found.points) - found.points).max() < 1e-3 * found.points.std(axis=0)[0]


@pytest.mark.parametrize("dimensions", [2, 4])
def test_placement_is_at_a_minimum_of_its_sum(dimensions):
    x = cloud(40, 8) + 0.1 * normal(40, 8, seed=1)
    fixed = embed(distance_matrix(x[:30]), dimensions).points
    d = distances_to(x[30:], x[:30])
    for measured, found in zip(d, place(d, fixed), strict=True):

        def raw(z, measured=measured):
            return ((measured - np.sqrt(((z - fixed) ** 2).sum(axis=1))) ** 2).sum()

        starts = [found, *fixed[::6]]
        assert raw(found) <= min(minimize(raw, start, method="BFGS").fun for start in starts) * (1 + 1e-6)
        assert raw(found) > 1e-3, "not exact, or the start would do"


def test_a_flat_of_fixed_points_is_kept():
    fixed = np.concatenate([cloud(20, 2), np.zeros((20, 1))], axis=1)
    found = place(cdist(cloud(3, 2, seed=1) @ np.eye(2, 3), fixed), fixed)
    assert found == pytest.approx(cloud(3, 2, seed=1) @ np.eye(2, 3), abs=1e-6)


@pytest.mark.parametrize(
    ("d", "points", "message"),
    [
        (D[:2], cloud(4, 2), r"distances must have the shape \(m, 4\), one column per point, got \(2, 5\)"),
        (-D, cloud(5, 2), "distances must be finite and of 0 or more"),
        (D, np.full((5, 2), np.inf), r"points must be finite, of the shape \(n, D\)"),
        (D, cloud(5, 2)[0], r"points must be finite, of the shape \(n, D\), got the shape \(2,\)"),
    ],
)
def test_bad_placements_are_refused(d, points, message):
    with pytest.raises(ValueError, match=message):
        place(d, points)


def test_landmarks_recover_points_of_few_dimensions(monkeypatch, tmp_path):
    monkeypatch.setattr(embedding, "_BLOCK", 64)
    x = cloud(300, 3) @ np.linalg.qr(normal(50, 50))[0][:3]
    seen = []
    found = embed_landmarks(x, 3, landmarks=40, seed=1, progress=lambda *at: seen.append(at))
    assert distance_matrix(found.points) == pytest.approx(distance_matrix(x), abs=1e-5)
    assert (len(found.landmarks), found.stress < 1e-6) == (40, True)
    assert seen == [(64, 300), (128, 300), (192, 300), (256, 300), (300, 300)]
    stored = np.memmap(tmp_path / "rows", dtype=np.float64, mode="w+", shape=x.shape)
    stored[:] = x
    assert np.array_equal(embed_landmarks(stored, 3, landmarks=40, seed=1).points, found.points)
    assert not np.array_equal(embed_landmarks(x, 3, landmarks=40, seed=2).landmarks, found.landmarks)


def test_landmarks_come_close_to_all_pairs():
    x = cloud(200, 8)
    d, part = distance_matrix(x), embed_landmarks(x, 2, landmarks=60)
    whole = embed(d, 2)
    assert kruskal_by_loops(d, part.points) < 1.1 * whole.stress
    pairs = cdist(part.points, part.points[part.landmarks])
    assert part.stress == pytest.approx(np.sqrt(((d[:, part.landmarks] - pairs) ** 2).sum() / (pairs**2).sum()))
    base = embed(d[np.ix_(part.landmarks, part.landmarks)], 2)
    assert part.points[part.landmarks] == pytest.approx(base.points, abs=1e-9)
    assert embed_landmarks(x, 2, landmarks=500).stress == pytest.approx(whole.stress)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (cloud(9, 3), dict(landmarks=0), "landmarks must be an integer above 0"),
        (cloud(9, 3), dict(landmarks=2), "dimensions must be below the number of points, 2, got 2"),
        (cloud(1, 3), {}, "distances must be those of at least two images"),
        (np.zeros((9, 3)), {}, "distances must not all be 0"),
    ],
)
def test_bad_landmark_embeddings_are_refused(x, options, message):
    with pytest.raises(ValueError, match=message):
        embed_landmarks(x, 2, **options)
