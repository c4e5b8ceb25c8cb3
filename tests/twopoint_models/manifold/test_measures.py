"""What an embedding knows of the parameters of its images."""

import numpy as np
import pytest

from twopoint_models.manifold import (
    angle_error,
    angle_images,
    distance_matrix,
    embed,
    linear_fit,
    linear_r2,
    power_spectra,
    project,
    regression_angle,
    texture_vectors,
)
from twopoint_models.nets import VGG19
from twopoint_models.nets.names import LUBBERS

THETA = np.arange(30) * np.pi / 30


def ring(theta, turn=0.0, sign=1, noise=0.0, seed=0):
    phi = sign * (2 * theta + turn)
    return np.stack([np.cos(phi), np.sin(phi)], axis=1) + noise * np.random.default_rng(seed).standard_normal((len(theta), 2))


def by_grid(points, theta, steps=20_000):
    """Eq. (10) by trying constants c, both senses, and every shift by pi."""
    x, y = (points - points.mean(axis=0)).T
    best = np.inf
    for sign in (1, -1):
        for c in np.linspace(0, 2 * np.pi, steps, endpoint=False):
            off = theta - (sign * np.arctan2(y, x) + c) / 2
            best = min(best, (np.stack([off + k * np.pi for k in range(-3, 4)]) ** 2).min(axis=0).mean())
    return np.sqrt(best)


@pytest.mark.parametrize("turn", [0.0, 2.0, -3.1])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_ring_gives_its_angles_wherever_it_lies(turn, sign):
    found = angle_error(5 * ring(THETA, turn, sign) + [100.0, -7.0], THETA)
    assert found.rmse == pytest.approx(0, abs=1e-7)
    assert found.recovered == pytest.approx(THETA, abs=1e-7)
    assert found.reflected is (sign < 0)


@pytest.mark.parametrize("noise", [0.1, 0.5, 5.0])
def test_the_constant_is_the_best_of_all(noise):
    points = ring(THETA, 1.0, noise=noise)
    found = angle_error(points, THETA)
    assert found.rmse == pytest.approx(by_grid(points, THETA, 3000), rel=1e-4)
    assert found.rmse == pytest.approx(np.sqrt(((THETA - found.recovered) ** 2).mean()))
    assert np.abs(THETA - found.recovered).max() <= np.pi / 2


def test_one_angle_off_by_a_known_amount():
    theta = THETA.copy()
    theta[3] += 0.3
    off = np.full(30, -0.01)
    off[3] += 0.3
    assert angle_error(ring(THETA), theta).rmse == pytest.approx(np.sqrt((off**2).mean()), rel=1e-9)
    assert angle_error(ring(THETA), theta + np.pi).rmse == pytest.approx(np.sqrt((off**2).mean()), rel=1e-9)


@pytest.mark.parametrize(
    ("points", "theta", "message"),
    [
        (np.zeros((30, 3)), THETA, r"points must have the shape \(n, 2\), got \(30, 3\)"),
        (ring(THETA)[:29], THETA, "angles must be 29 finite numbers, one per point"),
        (ring(THETA), np.where(THETA > 3, np.nan, THETA), "angles must be 30 finite numbers"),
        (np.full((30, 2), np.inf), THETA, "points must be finite"),
    ],
)
def test_bad_angles_are_refused(points, theta, message):
    with pytest.raises(ValueError, match=message):
        angle_error(points, theta)


def test_regression_is_least_squares():
    rng = np.random.default_rng(0)
    points, beta = rng.standard_normal((200, 3)) + 4.0, np.array([1.0, -2.0, 0.5])
    exact = linear_fit(points, points @ beta + 3.0)
    assert exact.vector == pytest.approx(beta)
    assert exact.constant == pytest.approx(3.0)
    assert exact.r2 == pytest.approx(1.0)
    p = points @ beta + rng.standard_normal(200)
    design = np.column_stack([points, np.ones(200)])
    solved = np.linalg.solve(design.T @ design, design.T @ p)  # normal equations
    found = linear_fit(points, p)
    assert [*found.vector, found.constant] == pytest.approx(solved)
    rest, spread = ((p - design @ solved) ** 2).sum(), ((p - p.mean()) ** 2).sum()
    assert linear_r2(points, p) == pytest.approx(1 - rest / spread)
    assert 0.5 < found.r2 < 0.95


def test_regression_angle_is_that_of_the_vectors():
    points = np.random.default_rng(0).standard_normal((50, 2))
    for degrees in (0.0, 30.0, 91.0, 180.0):
        turned = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        assert regression_angle(points, 7 * points[:, 0] + 1, 0.1 * points @ turned) == pytest.approx(degrees, abs=1e-5)


@pytest.mark.parametrize(
    ("points", "parameter", "message"),
    [
        (np.eye(4)[:, :3], np.arange(4.0), "points must be 5 or more for a fit in 3 dimensions, got 4"),
        (np.arange(6.0)[:, None], np.ones(6), "parameter must not be constant, got 1 everywhere"),
        (np.arange(6.0)[:, None], np.ones(5), "parameter must be 6 finite numbers, one per point"),
        (np.arange(6.0), np.arange(6.0), r"points must be finite, of the shape \(n, D\)"),
    ],
)
def test_bad_regressions_are_refused(points, parameter, message):
    with pytest.raises(ValueError, match=message):
        linear_r2(points, parameter)


def test_a_parameter_without_slope_has_no_angle():
    points = np.array([[-1.0], [0.0], [1.0]])
    with pytest.raises(ValueError, match="b must have a slope"):
        regression_angle(points, points[:, 0], np.array([1.0, 0.0, 1.0]))


def test_texture_vectors_find_angles_where_the_power_spectrum_does_not(shared_data):
    network = VGG19.load(shared_data / "weights/vgg19_norm_conv5_4_f16.safetensors", layers=LUBBERS, pooling="mean")
    made = angle_images(16, 1.0, size=96, k=10.0)
    rows = {"cnn": texture_vectors(made.images, network), "power spectrum": power_spectra(made.images)}
    rmse = {name: angle_error(embed(distance_matrix(x), 2).points, made.angle).rmse for name, x in rows.items()}
    assert rmse["cnn"] < 0.1
    assert rmse["power spectrum"] > 0.4


RNG = np.random.default_rng(0)


def test_projections_span_the_regression_vectors():
    points, parameters = RNG.standard_normal((30, 5)) + 3, RNG.standard_normal((2, 30))
    found = project(points, *parameters)
    vectors = [linear_fit(points, p).vector for p in parameters]
    centred = points - points.mean(axis=0)
    assert found[:, 0] == pytest.approx(centred @ vectors[0] / np.linalg.norm(vectors[0]))
    for vector in vectors:  # of the plane: it changes nothing along either
        weights = np.linalg.lstsq(found, centred @ vector, rcond=None)
        assert weights[1] == pytest.approx([0], abs=1e-18)
    inside = project(found, *parameters)
    assert inside == pytest.approx(found), "directions are orthonormal, and what is projected stays"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda points: project(points), "parameters must be from 1 to the 2 dimensions of points, got 0"),
        (lambda points: project(points, *[points[:, 0]] * 3), "got 3"),
        (lambda points: project(points, points[:, 0], 2 * points[:, 0]), r"parameters\[1\] must increase in a new direction"),
        (lambda points: project(points, points[:5, 0]), "parameter must be 10 finite numbers"),
    ],
)
def test_bad_projections_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(RNG.standard_normal((10, 2)))
