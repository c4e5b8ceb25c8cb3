"""Texture vectors, power spectra and 2-point vectors: against sums written out, invariances, refusals."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import twopoint as tp
from twopoint_models.manifold import (
    Descriptor,
    descriptors,
    power_spectra,
    texture_vectors,
    two_point_vectors,
)
from twopoint_models.nets import VGG19
from twopoint_models.nets.names import LUBBERS

WEIGHTS = "weights/vgg19_norm_conv5_4_f16.safetensors"


OPTIONS = dict(layers=LUBBERS, pooling="mean")


class Small(nn.Module):
    """Two layers of three and two channels, the second of half the size."""

    def forward(self, x):
        first = torch.cat([x, x**2, torch.roll(x, 1, dims=2)], dim=1)
        return [first, nn.functional.avg_pool2d(first[:, 1:] - 0.5, 2)]


def images(n, height=16, width=16, seed=0):
    return np.random.default_rng(seed).random((n, height, width), dtype=np.float32)


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def by_loops(image, scaling, weights):
    """One texture vector, from the definition."""
    row = []
    for maps, weight in zip(Small()(torch.as_tensor(image, dtype=torch.float64)[None, None]), weights, strict=True):
        maps = maps[0].numpy()
        n, points = len(maps), maps[0].size
        a = 4 * n**2 * points**2
        for i in range(n):
            for j in range(i, n):
                entry = sum(maps[i, y, x] * maps[j, y, x] for y in range(maps.shape[1]) for x in range(maps.shape[2]))
                row.append(entry * (math.sqrt(weight / a) if scaling == "root" else weight / a) * (1 if i == j else math.sqrt(2)))
    return row


@pytest.mark.parametrize("scaling", ["root", "printed"])
@pytest.mark.parametrize("weights", [None, (0.5, 3.0)])
def test_rows_are_those_of_the_definition(scaling, weights):
    x = images(3, 6, 8)
    found = texture_vectors(x, Small(), scaling=scaling, weights=weights, batch=2)
    assert (found.dtype, found.shape) == (np.float32, (3, 9))
    assert relative(found, np.array([by_loops(each, scaling, weights or (1, 1)) for each in x])) < 1e-6


def test_squared_distance_is_the_style_loss_with_the_root_alone():
    network, x, weights = VGG19.random(layers=("conv1_1", "conv2_1"), pooling="mean"), images(2, 24, 20), (2.0, 0.25)
    features = network(torch.as_tensor(x)[:, None])
    loss = float(tp.style_loss([f[:1] for f in features], [f[1:] for f in features], weights=weights))
    squared = {
        s: float(((a - b) ** 2).sum()) for s in ("root", "printed") for a, b in [texture_vectors(x, network, scaling=s, weights=weights)]
    }
    assert squared["root"] == pytest.approx(loss, rel=1e-4)
    assert abs(squared["printed"] - loss) > 0.1 * loss


def test_distance_is_that_of_full_matrices():
    x = images(2, 6, 8)
    full = [
        np.concatenate([(tp.gram(f)[i] / (2 * f[0].numel())).double().numpy().ravel() for f in Small()(torch.as_tensor(x)[:, None])])
        for i in (0, 1)
    ]
    a, b = texture_vectors(x, Small()).astype(float)
    assert np.linalg.norm(a - b) == pytest.approx(np.linalg.norm(full[0] - full[1]), rel=1e-5)


@pytest.fixture(scope="module")
def circular(request):
    found = {}

    def load(folder, padding):
        if padding not in found:
            found[padding] = VGG19.load(folder / WEIGHTS, padding=padding, **OPTIONS)
        return found[padding]

    return load


def test_batches_change_nothing(shared_data, circular):
    x = images(17, 32, 32)
    network = circular(shared_data, "circular")
    sixteen = texture_vectors(x, network, batch=16)
    assert sixteen.shape == (17, 305_888)
    assert relative(texture_vectors(x, network, batch=1), sixteen) < 1e-5


def test_shifts_by_sixteen_change_nothing_where_the_image_is_periodic(shared_data, circular):
    x = images(1, 64, 48)
    shifted = [np.roll(x, shift, axis=(1, 2)) for shift in ((16, 0), (-32, 16), (4, 4))]
    rows = texture_vectors(np.concatenate([x, *shifted]), circular(shared_data, "circular"))
    assert relative(rows[1], rows[0]) < 1e-5
    assert relative(rows[2], rows[0]) < 1e-5
    deep = slice(-2 * 512 * 513 // 2, None)  # conv4_1 and conv5_1, behind poolings by 8 and 16
    assert relative(rows[3, deep], rows[0, deep]) > 1e-3
    shallow = slice(0, 64 * 65 // 2 + 128 * 129 // 2)
    assert relative(rows[3, shallow], rows[0, shallow]) < 1e-5
    padded = texture_vectors(np.concatenate([x, shifted[0]]), circular(shared_data, "zeros"))
    assert relative(padded[1], padded[0]) > 1e-4, "with zeros at the edges a shift is seen"


def test_forms_of_images_and_of_what_is_filled(tmp_path):
    x, seen = images(5, 6, 8), []
    wanted = texture_vectors(x, Small())
    assert np.array_equal(texture_vectors(x[:, None], Small()), wanted)
    assert np.array_equal(texture_vectors(list(x), Small()), wanted)
    assert np.array_equal(texture_vectors(x > 0.5, Small()), texture_vectors((x > 0.5).astype(np.float64), Small()))
    out = np.memmap(tmp_path / "rows", dtype=np.float32, mode="w+", shape=wanted.shape)
    assert texture_vectors(x, Small(), out=out, batch=2, device="cpu", progress=lambda *at: seen.append(at)) is out
    assert np.array_equal(out, wanted)
    assert seen == [(2, 5), (4, 5), (5, 5)]


X = images(3)


SPOILT = {
    "images must be of one size, image 0 .*and image 2": [X[0], X[1], X[2, :8]],
    "images must be a stack .*one image only": X[0],
    r"images must have the shape \(n, H, W\)": X[:, None].repeat(3, axis=1),
    "image 1 of images must not be constant": np.stack([X[0], np.full((16, 16), 0.5, np.float32)]),
    "image 2 of images must be finite": np.where(np.arange(3)[:, None, None] == 2, np.nan, X),
}


OUTSIDE = {r"image 0 of images must be in \[0, 1\]": 255 * X, r"image 1 of images must be in \[0, 1\]": X - [[[0]], [[1]], [[0]]]}


@pytest.mark.parametrize("message", SPOILT)
@pytest.mark.parametrize("rows", [lambda x: texture_vectors(x, Small()), power_spectra, two_point_vectors], ids=["cnn", "ps", "2pt"])
def test_bad_images_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        rows(SPOILT[message])


@pytest.mark.parametrize("message", OUTSIDE)
@pytest.mark.parametrize("rows", [lambda x: texture_vectors(x, Small()), two_point_vectors], ids=["cnn", "2pt"])
def test_gray_values_beyond_the_unit_interval_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        rows(OUTSIDE[message])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(scaling="square"), "scaling must be 'root' or 'printed', got 'square'"),
        (dict(weights=(1.0,)), "weights must hold one number for each of the 2 layers, got 1"),
        (dict(weights=(1.0, -1.0)), "weights must be finite numbers of 0 or more"),
        (dict(batch=0), "batch must be an integer above 0"),
        (dict(out=np.empty((3, 9))), r"out must be a float32 array \(3, 9\), got float64"),
        (dict(out=np.empty((2, 9), np.float32)), r"out must be a float32 array \(3, 9\)"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        texture_vectors(X, Small(), **options)


def test_images_of_no_numbers_are_refused():
    with pytest.raises(TypeError, match="images must be of real numbers, got complex64"):
        texture_vectors(X.astype(np.complex64), Small())


def test_small_images_are_refused():
    with pytest.raises(ValueError, match="images must be 4 x 4 or more"):
        texture_vectors(images(2, 3, 8), VGG19.random(layers=("conv3_1",)))


def test_other_weights_are_refused(shared_data, tmp_path):
    found = load_file(shared_data / WEIGHTS)
    del found["conv3_1.weight"]
    save_file(found, tmp_path / "missing.safetensors")
    with pytest.raises(ValueError, match=r"another network: it has no conv3_1\.weight"):
        VGG19.load(tmp_path / "missing.safetensors", **OPTIONS)
    with pytest.raises(ValueError, match="another network"):
        VGG19.load(shared_data / "weights/dists_alpha_beta.safetensors", **OPTIONS)
    with pytest.raises(ValueError, match="another network"):
        VGG19.load(shared_data / "weights/vgg16_torchvision_f16.safetensors", **OPTIONS)


RNG = np.random.default_rng(0)


NETWORK = VGG19.random(layers=("conv1_1", "conv2_1"), pooling="mean")


IMAGES = RNG.random((5, 16, 16)).astype(np.float32)


def test_descriptors_are_their_functions():
    every = descriptors(NETWORK, VGG19.random(layers=("conv1_1",), seed=1))
    wanted = {
        "CNN": texture_vectors(IMAGES, NETWORK),
        "power spectrum": power_spectra(IMAGES),
        "2-point statistics": two_point_vectors(IMAGES),
        "CNN, scaling as printed": texture_vectors(IMAGES, NETWORK, scaling="printed"),
        "random filters": texture_vectors(IMAGES, VGG19.random(layers=("conv1_1",), seed=1)),
    }
    assert list(every) == list(wanted)
    for name, describe in every.items():
        seen = []
        assert np.array_equal(describe(IMAGES, progress=lambda *at, seen=seen: seen.append(at)), wanted[name])
        assert seen[-1] == (5, 5)
    assert np.array_equal(Descriptor("two_point", crop=5)(IMAGES), two_point_vectors(IMAGES, crop=5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Descriptor("vgg"), "kind must be 'cnn' or 'spectrum' or 'two_point', got 'vgg'"),
        (lambda: Descriptor("cnn"), "network must be given for the kind 'cnn' and for no other, got NoneType"),
        (lambda: Descriptor("spectrum", NETWORK), "got VGG19 for 'spectrum'"),
        (lambda: Descriptor("cnn", NETWORK, scaling="square"), "scaling must be 'root' or 'printed'"),
    ],
)
def test_bad_descriptors_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
