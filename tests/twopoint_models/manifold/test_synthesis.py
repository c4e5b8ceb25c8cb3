"""Texture synthesis: what the loss is, that it falls, bounds, phases, sizes, refusals."""

import json

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import twopoint as tp
from twopoint_models.manifold import (
    Synthesis,
    judge,
    synthesise,
)
from twopoint_models.nets import VGG19

WEIGHTS = "weights/vgg19_norm_conv5_4_f16.safetensors"


OPTIONS = dict(pooling="mean", padding="circular")


FIELD = gaussian_filter(np.random.default_rng(0).standard_normal((32, 32)), 2, mode="wrap")


GRAY = (FIELD - FIELD.min()) / np.ptp(FIELD)


TWO = np.stack([GRAY <= 0.5, GRAY > 0.5]).astype(float)


THREE = np.stack([np.digitize(GRAY, [0.4, 0.6]) == phase for phase in range(3)]).astype(float)


@pytest.fixture(scope="module")
def random_filters():
    return VGG19.random(layers=("conv1_1", "pool_1"), **OPTIONS)


def features(network, *images):
    with torch.no_grad():
        return network(torch.as_tensor(np.stack(images), dtype=torch.float32)[:, None])


def test_the_loss_falls_by_the_thousand_with_trained_filters(shared_data):
    network = VGG19.load(shared_data / WEIGHTS, layers=("conv1_1", "pool_1"), **OPTIONS)
    seen = []
    found = synthesise(GRAY, network, iterations=60, weights=(1.0, 0.5), progress=lambda *at: seen.append(at))
    assert (found.image.dtype, found.image.shape) == (np.float32, (32, 32))
    assert 0 <= found.image.min() <= found.image.max() <= 1
    assert found.history[-1] < 1e-3 * found.history[0]
    assert (np.diff(found.history) <= 0).all()
    loss = float(tp.style_loss(features(network, found.image), features(network, GRAY), weights=(1.0, 0.5)))
    assert found.history[-1] == pytest.approx(loss, rel=1e-2), "the history's end is the loss of the image that is returned"
    noise = np.random.default_rng(0).random((32, 32))
    assert found.history[0] == pytest.approx(
        float(tp.style_loss(features(network, noise), features(network, GRAY), weights=(1.0, 0.5))), rel=1e-4
    )
    assert seen == [(i, 60, found.history[i]) for i in range(1, 61)]
    assert np.abs(found.image - GRAY).max() > 0.3, "another image than the given one"


def test_it_keeps_statistics_that_the_loss_does_not_name(shared_data):
    network = VGG19.load(shared_data / WEIGHTS, layers=("conv1_1", "pool_1", "pool_2"), **OPTIONS)
    found = synthesise(GRAY, network, iterations=80).image
    wanted, noise = tp.autocorrelation(GRAY, crop=7), tp.autocorrelation(np.random.default_rng(0).random((32, 32)), crop=7)
    off = np.abs(tp.autocorrelation(found.astype(float), crop=7) - wanted).max()
    assert off < 0.25 * np.abs(noise - wanted).max()


def test_a_seed_gives_an_image(random_filters):
    one, same, other = (synthesise(GRAY, random_filters, iterations=5, seed=seed).image for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("phases", [TWO, THREE], ids=["two", "three"])
def test_phases_sum_to_one_and_keep_their_fractions(phases, random_filters):
    found = synthesise(phases, random_filters, iterations=60)
    assert found.image.shape == phases.shape
    assert found.image.min() >= 0
    assert found.image.sum(axis=0) == pytest.approx(np.ones((32, 32)), abs=1e-6)
    assert found.history[-1] < 0.1 * found.history[0]
    each = range(3) if len(phases) == 3 else [1]
    loss = sum(float(tp.style_loss(features(random_filters, found.image[h]), features(random_filters, phases[h]))) for h in each)
    assert found.history[-1] == pytest.approx(loss, rel=1e-2)
    assert found.image.mean(axis=(1, 2)) == pytest.approx(phases.mean(axis=(1, 2)), abs=0.15)


def test_another_size_has_the_same_means(random_filters):
    found = synthesise(GRAY, random_filters, iterations=60, size=(24, 40))
    assert found.image.shape == (24, 40)
    assert found.history[-1] < 1e-3 * found.history[0]
    for made, given in zip(features(random_filters, found.image), features(random_filters, GRAY), strict=True):
        a, b = (np.asarray(tp.gram(maps)[0]) / maps[0, 0].numel() for maps in (made, given))
        assert np.abs(a - b).max() < 0.02 * np.abs(b).max()


def test_levels_from_coarse_to_fine(random_filters):
    seen, options = [], dict(iterations=15, seed=3, size=(40, 32))
    found = synthesise(GRAY, random_filters, levels=2, progress=lambda *at: seen.append(at), **options)
    alone = synthesise(GRAY, random_filters, **options)
    assert [at[:2] for at in seen] == [(i, 30) for i in range(1, 31)]
    assert (found.image.shape, len(found.history)) == ((40, 32), 16)
    assert found.history[0] == alone.history[0], "the loss of noise at full size"
    half = GRAY.reshape(16, 2, 16, 2).mean(axis=(1, 3))
    coarse = synthesise(half, random_filters, iterations=15, seed=3, size=(20, 16))
    assert [at[2] for at in seen[:15]] == pytest.approx(coarse.history[1:], rel=1e-2)
    assert found.history[1] < 0.1 * alone.history[1], "it begins where the coarser level ended"


def test_levels_of_phases(random_filters):
    found = synthesise(THREE, random_filters, iterations=5, levels=2)
    assert found.image.sum(axis=0) == pytest.approx(np.ones((32, 32)), abs=1e-6)


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.full((8, 8), 0.5), {}, ValueError, "image must not be constant"),
        (255 * GRAY, {}, ValueError, r"image must be in \[0, 1\]"),
        (np.where(GRAY > 0.9, np.nan, GRAY), {}, ValueError, "image must be finite"),
        (GRAY[None], {}, ValueError, r"image must have the shape \(H, W\), or \(N, H, W\) of two phases or more, got \(1, 32, 32\)"),
        (GRAY.astype(complex), {}, TypeError, "image must be of real numbers"),
        (np.stack([GRAY, GRAY]), {}, ValueError, "image must be of phases that sum to one"),
        (np.stack([GRAY, 1 - GRAY, 0 * GRAY]), {}, ValueError, "phase 2 of image must not be constant"),
        (GRAY, dict(iterations=0), ValueError, "iterations must be an integer above 0"),
        (GRAY, dict(levels=0), ValueError, "levels must be an integer above 0"),
        (GRAY, dict(levels=3), ValueError, "levels must leave 16 pixels along each edge, got 3 for"),
        (GRAY, dict(size=(8,)), ValueError, "size must be height and width"),
        (GRAY, dict(size=(8, 0)), ValueError, "size must be an integer above 0"),
        (GRAY, dict(weights=(1.0,)), ValueError, "weights must hold one number for each of the 2 layers, got 1"),
    ],
)
def test_bad_input_is_refused(image, options, error, message, random_filters):
    with pytest.raises(error, match=message):
        synthesise(image, random_filters, **options)


RNG = np.random.default_rng(0)


IMAGES = RNG.random((5, 16, 16)).astype(np.float32)


def json_of(summary):
    """What is left of a summary in a file."""
    return json.loads(json.dumps(summary))


def test_a_synthesis_is_judged_by_its_statistics():
    field = gaussian_filter(RNG.standard_normal((16, 16)), 1, mode="wrap")
    gray = ((field - field.min()) / np.ptp(field)).astype(np.float32)
    phases = np.stack([gray < 0.4, (gray >= 0.4) & (gray < 0.6), gray >= 0.6]).astype(np.float32)
    network = VGG19.random(layers=("conv1_1",), padding="circular")
    for image in (gray, phases, phases[[0, 1]] + np.stack([phases[2], 0 * phases[2]])):
        made = synthesise(image, network, iterations=3, seed=4)
        told = json_of(judge(made, image, seed=4))
        assert told["fall"] == pytest.approx(made.history[0] / made.history[-1])
        assert told["iterations"] == 3
        m, target = (x.astype(float) if x.ndim == 3 else np.stack([1 - x, x]).astype(float) for x in (made.image, image))
        assert told["texture"]["statistics_error"] == pytest.approx(tp.statistics_error(m, target))
        assert told["texture"]["excess_cess"] == pytest.approx(float(tp.cess(m, target, excess=True)))
        assert ("labels" in told) == (image.ndim == 3)
        start = judge(synthesise(image, network, iterations=1, seed=4), image, seed=5)["noise"]
        assert start != told["noise"], "the seed's own noise"
    same = judge(Synthesis(phases, np.array([2.0, 0.0])), phases)
    assert (same["fall"], same["labels"]["statistics_error"]) == (None, 0)


def test_a_judgement_needs_one_size():
    with pytest.raises(ValueError, match=r"image must have the shape of the texture, \(16, 16\), got \(8, 8\)"):
        judge(Synthesis(IMAGES[0], np.ones(2)), IMAGES[0, :8, :8])


def test_noise_of_a_judgement_is_what_a_synthesis_begins_with():
    """Without a step the texture is the noise."""
    network = VGG19.random(layers=("conv1_1",))
    start = np.random.default_rng(7).random((16, 16))
    found = judge(Synthesis(start.astype(np.float32), np.ones(1)), IMAGES[0], seed=7)
    assert found["texture"]["statistics_error"] == pytest.approx(found["noise"]["statistics_error"], rel=1e-5)
    made = synthesise(IMAGES[0], network, iterations=1, seed=7)
    with torch.no_grad():
        loss = float(tp.style_loss(*(network(torch.as_tensor(x[None, None], dtype=torch.float32)) for x in (start, IMAGES[0]))))
    assert made.history[0] == pytest.approx(loss, rel=1e-4)
