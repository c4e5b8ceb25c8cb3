"""Descriptions of whole samples, and the prediction of their properties."""

import re

import numpy as np
import pytest

from twopoint_models.homogenisation import conductivity
from twopoint_models.texture_vae import predict, predict_samples, sample_moments
from twopoint_models.texture_vae.properties import phases_conductivity
from twopoint_models.texture_vae.samples import (
    map_components,
    phase_shares,
    sample_descriptions,
    sample_patches,
    table_of_samples,
    unit_variance,
)


def test_moments_are_means_and_covariances_of_the_patches():
    rng = np.random.default_rng(0)
    features, samples = rng.normal(size=(30, 3)) * [1.0, 2.0, 5.0], ["b"] * 10 + ["a"] * 20
    names, rows = sample_moments(features, samples)
    assert names == ["b", "a"]
    assert rows.shape == (2, 3 + 6)
    means = np.stack([features[:10].mean(0), features[10:].mean(0)])
    np.testing.assert_allclose(rows[:, :3], means / np.sqrt(means.var(axis=0).sum()))
    for row, part in zip(rows, (features[:10], features[10:]), strict=True):
        moments = np.array(
            [np.mean((part[:, i] - part[:, i].mean()) * (part[:, j] - part[:, j].mean())) for i in range(3) for j in range(i, 3)]
        )
        assert np.corrcoef(row[3:], moments)[0, 1] == pytest.approx(1)
    assert rows[:, :3].var(axis=0).sum() == pytest.approx(1) == rows[:, 3:].var(axis=0).sum()
    assert sample_moments(features, samples, covariance=False)[1].shape == (2, 3)


def test_moments_refuse_what_they_cannot_describe():
    with pytest.raises(ValueError, match="samples must have two patches or more for a covariance, 'a' has one"):
        sample_moments(np.zeros((1, 2)), ["a"])
    with pytest.raises(ValueError, match=r"features must be \(n, d\) and finite, with a sample for each row, got \(2, 2\) and 1"):
        sample_moments(np.zeros((2, 2)), ["a"])
    with pytest.raises(ValueError, match="finite"):
        sample_moments(np.array([[np.nan], [1.0]]), ["a", "a"])


def test_ridge_fits_few_rows_of_many_columns():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(12, 1)) @ rng.normal(size=(1, 500)) + 1e-3 * rng.normal(size=(12, 500))
    values = 100 + 10 * rows @ rng.normal(size=500) / 500
    out = np.arange(12) == 5
    assert predict(rows, values, out, "ridge").mape < 0.1 * predict(rows, values, out, "mean").mape
    noise = rng.normal(size=(12, 500))  # says nothing, so the penalty keeps the prediction near the mean
    far = abs(predict(noise, values, out, "ridge").predicted - values[~out].mean())
    assert far < 0.5 * values[~out].std()


def test_samples_are_predicted_from_other_groups_only():
    groups = ["a", "a", "b", "b", "c", "c"]
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    found = predict_samples({"x": np.log(10 + x)[:, None]}, {"E": 10 + x}, groups, kinds=["ridge"])["E"]
    assert list(found) == ["x", "always the mean"]
    assert found["x"]["ridge"]["mape"] < 0.5 < found["always the mean"]["mean"]["mape"]
    errors = found["always the mean"]["mean"]["errors"]
    mean = (11 * 12 * 15 * 16) ** 0.25
    assert errors["b"] == pytest.approx(100 * np.mean([abs(mean - 13) / 13, abs(mean - 14) / 14]))
    low, high = found["always the mean"]["mean"]["interval"]
    assert min(errors.values()) <= low < found["always the mean"]["mean"]["mape"] < high <= max(errors.values())
    assert re.search(r"\| E +\| +x \| +ridge \| +0.00 \| +0.00 to 0.00 \|", table_of_samples({"E": found}))
    with pytest.raises(ValueError, match=r"properties must be above 0, got -1\.0 for E"):
        predict_samples({"x": x[:, None]}, {"E": x - 2}, groups)


def test_patches_components_and_shares():
    gray = np.zeros((64, 96), dtype=np.uint8)
    gray[:, 48:], gray[:16] = 255, 128
    assert sample_patches(gray, 32, 32).shape == (6, 1, 32, 32)
    np.testing.assert_allclose(phase_shares(gray), [0.75 * 0.5, 0.75 * 0.5])
    maps = np.random.default_rng(0).normal(size=(10, 6, 2, 2)) * np.arange(1, 7)[:, None, None]
    found, pooled = map_components(maps, 5), maps.mean(axis=(2, 3))
    values, axes = np.linalg.eigh(np.cov(pooled, rowvar=False))
    np.testing.assert_allclose(np.abs(found), np.abs((pooled - pooled.mean(0)) @ axes[:, ::-1][:, :5]), atol=1e-9)
    assert (np.diff(values) > 0).all()


def test_conductivity_of_images_of_phases():
    gray = np.repeat(np.arange(3) * 100, 4)[:, None] * np.ones((1, 6), dtype=int)
    m = np.stack([gray == level for level in (0, 100, 200)]).astype(float)
    wanted = conductivity(m, [1.0, 10.0, 100.0], tolerance=1e-8)
    assert phases_conductivity(gray, tolerance=1e-8) == pytest.approx(np.trace(wanted) / 2)
    assert wanted[1, 1] == pytest.approx(37)  # along the layers
    with pytest.raises(ValueError, match=r"gray must be \(H, W\) with 2 to 8 gray values, one for each phase, got \(3, 3\) with 1"):
        phases_conductivity(np.ones((3, 3)))


def test_descriptions_that_are_compared():
    rng = np.random.default_rng(0)
    samples, features, shares = [name for name in "abc" for _ in range(4)], rng.normal(size=(12, 2)), rng.random((3, 2))
    found = sample_descriptions({"x": features}, samples, shares)
    assert {name: rows.shape for name, rows in found.items()} == {
        "x, mean and covariance": (3, 5),
        "x, mean": (3, 2),
        "volume fractions": (3, 2),
        "x, mean, and volume fractions": (3, 4),
    }
    assert all(rows.var(axis=0).sum() == pytest.approx(len(name.split(" and ")) if "and" in name else 1) for name, rows in found.items())
    np.testing.assert_array_equal(unit_variance(np.ones((3, 2))), np.ones((3, 2)))  # equal samples, without a division by zero
