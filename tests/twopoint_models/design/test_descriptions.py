"""Descriptions that latents must beat, and scores of predictions."""

import numpy as np
import pytest
import torch

import twopoint as tp
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.design import property_scores, statistics_components, thumbnails
from twopoint_models.design.descriptions import LagComponents, decoded_samples, latents_of, pooled_latents
from twopoint_models.design.tables import normalised_errors


def test_scores_and_controls():
    rng = np.random.default_rng(0)
    images = (rng.random((9, 1, 32, 48)) < 0.4).astype(np.float32)
    rows = thumbnails(images)
    assert rows.shape == (9, 6)
    assert rows[4, 5] == pytest.approx(images[4, 0, 16:, 32:].mean())
    f = np.stack([tp.autocorrelation(x[0]).ravel() for x in images])
    centred = f - f.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:3]
    np.testing.assert_allclose(np.abs(statistics_components(images, 3)(images)), np.abs(centred @ axes.T), atol=1e-5)
    with pytest.raises(ValueError, match="count must be from 1 to one less than the 9"):
        statistics_components(images, 9)
    f = np.stack([tp.correlations(tp.two_phase(x[0]), pairs=[(1, 1)], cumulative=True).ravel() for x in images])
    axes = np.linalg.svd(f - f.mean(0), full_matrices=False)[2][:3]
    found = statistics_components(images, 3, cumulative=True)(images)
    np.testing.assert_allclose(np.abs(found), np.abs((f - f.mean(0)) @ axes.T), atol=1e-5)
    with pytest.raises(ValueError, match="targets of b must have a mean other than 0"):
        property_scores(np.eye(2), np.array([[1.0, -2], [2, 2]]), ["a", "b"])
    with pytest.raises(ValueError, match="targets of b must vary"):
        property_scores(np.eye(2), np.array([[1.0, 3], [2, 3]]), ["a", "b"])


def test_errors_over_three_scales():
    targets = np.array([2.0, 4.0, 9.0])
    found = normalised_errors(targets + np.array([1.0, -1.0, 1.0]), targets)
    assert found == pytest.approx({"over_deviation": 1 / targets.std(), "over_range": 1 / 7, "over_mean": 1 / 5})
    assert normalised_errors(-targets - 1, -targets)["over_mean"] == pytest.approx(1 / 5)
    with pytest.raises(ValueError, match="targets must vary and have a mean other than 0"):
        normalised_errors(targets, np.full(3, 2.0))
    with pytest.raises(ValueError, match=r"must be \(n,\)"):
        normalised_errors(targets[:2], targets)


def test_pooled_latents_against_loops():
    latents = np.random.default_rng(0).normal(size=(3, 2, 8, 4))
    found = pooled_latents(latents).reshape(3, 2, -1)
    for n in range(3):
        for c in range(2):
            z = latents[n, c]
            apart = z - z.mean()
            lags = [(y, x) for y in range(3) for x in range(-1, 2) if (y, x) >= (0, 0)]
            covariances = [np.mean(apart * np.roll(apart, (-y, -x), (0, 1))) for y, x in lags]
            np.testing.assert_allclose(found[n, c], [z.mean(), *np.quantile(z, np.linspace(0.1, 0.9, 9)), *covariances], atol=1e-12)
    np.testing.assert_allclose(pooled_latents(np.roll(latents, (3, 1), (2, 3))), pooled_latents(latents), atol=1e-12)
    with pytest.raises(ValueError, match="latents must be"):
        pooled_latents(latents[0])


def test_components_of_averaged_lags_against_loops(tmp_path):
    rng = np.random.default_rng(0)
    images = (rng.random((7, 40, 40)) < rng.uniform(0.2, 0.8, 7)[:, None, None]).astype(np.uint8)
    sides = [[lag] for lag in range(9)] + [[9, 10], [11, 12], [13, 14], [15, 16], [17, 18, 19]]
    sides = sides[:-1]  # a block of four lags would end beyond half of the edge
    blocks = [[-lag for lag in side] for side in sides[:0:-1]] + sides

    def row(image):
        f = tp.autocorrelation(image.astype(np.float64))
        every = [np.mean([f[y, x] for y in rows for x in columns]) for rows in blocks for columns in blocks]
        return every[: len(every) // 2 + 1]

    network = LagComponents.fitted(images, 5)
    moved = np.array([row(x) for each in images for x in (each, each.T, each[::-1], each.T[::-1])])
    axes = np.linalg.svd(moved - moved.mean(0), full_matrices=False)[2][:5]
    found = network.encode(images)[0]
    expected = (np.array([row(x) for x in images]) - moved.mean(0)) @ axes.T
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=0.02 * np.abs(expected).max())  # axes of half precision
    network.save(tmp_path, dtype=torch.float16)
    assert np.array_equal(LagComponents.load(tmp_path).encode(images)[0], found), "half precision changes nothing"
    with pytest.raises(ValueError, match=r"images must have the shape \(n, 40, 40\), got \(7, 40, 32\)"):
        network.encode(images[:, :, :32])
    with pytest.raises(ValueError, match="phases must be 2, got 3"):
        LagComponents(size=40, count=5, phases=3)
    with pytest.raises(ValueError, match=r"images must be squares \(n, H, H\), got \(7, 40, 32\)"):
        LagComponents.fitted(images[:, :, :32], 5)


def test_decoded_samples_are_of_the_fitted_prior_or_of_given_latents():
    torch.manual_seed(0)
    model = CESSVAE(width=2).eval()
    with torch.no_grad():
        last = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
        last.weight.mul_(1e4), last.bias.zero_()  # images of both phases, without a training
    images = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0)).round()
    given = latents_of({"": model}, images.numpy())[""]
    drawn, made = decoded_samples(model, given, 3, 2, seed=1)
    assert (drawn.shape, made.shape, set(np.unique(made)) <= {0.0, 1.0}) == ((3, 4), (3, 1, 32, 32), True)
    model.fit_prior([images])
    drawn, made = decoded_samples(model, np.zeros((0, 4)), 70, 2, seed=1)  # two batches
    np.testing.assert_allclose(drawn, latents_of({"": model}, made)[""], atol=1e-6)
    assert made.shape == (70, 1, 32, 32)
    assert not np.array_equal(made[:6], made[64:])
    assert np.array_equal(made, decoded_samples(model, np.zeros((0, 4)), 70, 2, seed=1)[1])
    with pytest.raises(ValueError, match="count"):
        decoded_samples(model, given, 0, 2)
