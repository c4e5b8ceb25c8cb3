"""Similarity of textures: DISTS against its formula in plain loops, STSIM-2 against its own in numpy, the pyramid against plenoptic's."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from twopoint_models.evaluation.pyramid import steerable_pyramid
from twopoint_models.evaluation.similarity import DISTS, STAGES, stsim2
from twopoint_models.nets import VGG16
from twopoint_models.nets.blocks import L2Pool

DATA = Path(os.environ.get("TWOPOINT_DATA", "../shared"))
needs_data = pytest.mark.skipif(not (DATA / "weights").is_dir(), reason="TWOPOINT_DATA holds no weights")
MICROGRAPHS = ("alloy", "carbonate", "composite", "copolymer")


@pytest.fixture(scope="module")
def dists():
    return DISTS.load(DATA / "weights/vgg16_torchvision_f16.safetensors", DATA / "weights/dists_alpha_beta.safetensors")


def micrograph(name):
    """Four crops of a real micrograph, (4, 1, 128, 128), in [0, 1]."""
    image = torch.from_numpy(np.load(DATA / f"data/micrographs/mcrpy_{name}_256.npy").astype(np.float32))
    return (image / image.max()).unfold(0, 128, 128).unfold(1, 128, 128).reshape(4, 1, 128, 128)


def blurred(images, sigma):
    x = torch.arange(-20, 21.0)
    g = torch.exp(-(x**2) / (2 * sigma**2))
    g = g / g.sum()
    wide = functional.pad(images, (20, 20, 20, 20), mode="reflect")
    return functional.conv2d(functional.conv2d(wide, g.view(1, 1, 1, -1)), g.view(1, 1, -1, 1))


def noisy(images, amplitude):
    return images + amplitude * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))


# Of plenoptic 2.1.1, SteerablePyramidFreq((64, 48), height=3, order=3, is_complex=True, downsample=True, tight_frame=False) of the image
# below, whose tables of masks are exact to some 1e-6: one value of each band of the second orientation, of high and of low.
PLENOPTIC = {"bands": [(-0.0682355 + 0.0776294j), (-0.0434359 - 0.104215j), (-0.2881068 + 0.0341641j)], "high": 0.1277447, "low": 33.021329}


def test_the_pyramid_is_that_of_plenoptic():
    found = steerable_pyramid(torch.from_numpy(np.random.default_rng(0).random((1, 1, 64, 48))))
    for band, wanted in zip(found.bands, PLENOPTIC["bands"], strict=True):
        assert complex(band[0, 1, 2, 3]) == pytest.approx(wanted, abs=1e-5)
    assert float(found.high[0, 0, 2, 3]) == pytest.approx(PLENOPTIC["high"], abs=1e-5)
    assert float(found.low[0, 0, 2, 3]) == pytest.approx(PLENOPTIC["low"], abs=1e-5)


@pytest.mark.parametrize("size", [(64, 48), (33, 40)])
@pytest.mark.parametrize(("scales", "orientations"), [(3, 4), (2, 2), (1, 5)])
def test_the_whole_pyramid_is_a_tight_frame(size, scales, orientations):
    x = torch.from_numpy(np.random.default_rng(1).random((2, 1, *size)))
    found = steerable_pyramid(x, scales=scales, orientations=orientations, subsampled=False)
    energy = sum((part**2).sum((1, 2, 3)) for part in (found.high, found.low, *(band.real for band in found.bands)))
    torch.testing.assert_close(energy, (x**2).sum((1, 2, 3)), rtol=1e-9, atol=0)


def test_subsampling_takes_every_second_pixel():
    x = torch.from_numpy(np.random.default_rng(2).random((1, 1, 64, 32)))
    whole, less = (steerable_pyramid(x, subsampled=each) for each in (False, True))
    for scale, (a, b) in enumerate(zip(whole.bands, less.bands, strict=True)):
        torch.testing.assert_close(
            4**scale * a[..., :: 2**scale, :: 2**scale], b
        )  # as Portilla's, whose inverse transform is of fewer pixels
    torch.testing.assert_close(4**3 * whole.low[..., ::8, ::8], less.low)


def test_the_l2_pooling_is_its_formula():
    x = torch.rand(1, 2, 5, 6, dtype=torch.float64)
    found, window = L2Pool()(x), np.outer([1, 2, 1], [1, 2, 1]) / 16
    assert found.shape == (1, 2, 3, 3)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    for c in range(2):
        for i in range(3):
            for j in range(3):
                patch = padded[0, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
                assert found[0, c, i, j].item() == pytest.approx(np.sqrt((window * patch**2).sum() + 1e-12))


@needs_data
def test_dists_is_the_authors_formula(dists):
    first, second = micrograph("alloy")[:1], micrograph("copolymer")[:1]
    features = [[x.expand(-1, 3, -1, -1), *dists.network(x)] for x in (first, second)]
    at, wanted = 0, 0.0
    for x, y in zip(*features, strict=True):
        for a, b in zip(x[0].double().numpy(), y[0].double().numpy(), strict=True):
            mean = (2 * a.mean() * b.mean() + 1e-6) / (a.mean() ** 2 + b.mean() ** 2 + 1e-6)
            covariance = (a * b).mean() - a.mean() * b.mean()
            structure = (2 * covariance + 1e-6) / (a.var() + b.var() + 1e-6)
            wanted += dists.alpha[at].item() * mean + dists.beta[at].item() * structure
            at += 1
    assert at == 1475
    assert dists(first, second).item() == pytest.approx(wanted, abs=1e-3)


@pytest.mark.long
@needs_data
def test_both_are_one_for_the_same_image_and_fall_under_growing_blur_and_noise(dists):
    for name in MICROGRAPHS[::3]:
        image = micrograph(name)[:1, :, :96, :96]
        for worse, amounts in ((blurred, (0.5, 1, 2, 4)), (noisy, (0.05, 0.1, 0.2, 0.4))):
            series = torch.cat([image, *(worse(image, amount) for amount in amounts)])
            for measure in (dists, stsim2, lambda a, b: stsim2(a, b, window=7)):
                values = measure(image.expand_as(series), series).tolist()
                assert values[0] == pytest.approx(1, abs=1e-5)
                assert all(a > b for a, b in pairwise(values)), (name, worse.__name__, values)


@pytest.mark.long
@needs_data
def test_two_crops_of_a_texture_are_more_alike_than_two_textures(dists):
    crops = torch.cat([micrograph(name)[:2] for name in MICROGRAPHS])  # two of each
    first, second = torch.triu_indices(len(crops), len(crops), 1)
    own = (first // 2) == (second // 2)
    for measure in (dists, stsim2):
        found = measure(crops[first], crops[second])
        assert found[own].min() > found[~own].max()


def literal_stsim2(x, y):
    """STSIM-2 of two images over the whole image, from the formula, in numpy."""
    parts = []
    for image in (x, y):
        image = 255 * torch.from_numpy(image)[None, None]
        small, large = steerable_pyramid(image), steerable_pyramid(image, subsampled=False)
        bands = [small.high[0, 0].numpy(), *(band for level in small.bands for band in level[0].numpy()), small.low[0, 0].numpy()]
        parts.append((bands, [np.abs(level[0].numpy()) for level in large.bands]))
    c, found = 1e-3, []

    def rho(a, b):
        return ((a - a.mean()) * (b - b.mean()).conj()).mean() / np.sqrt((a.var() + c) * (b.var() + c))

    for a, b in zip(parts[0][0], parts[1][0], strict=True):
        p, q = a[:-1, :-1], b[:-1, :-1]
        term = 1.0
        for u, v in ((abs(p.mean()), abs(q.mean())), (p.std(), q.std())):
            term *= (2 * u * v + c) / (u**2 + v**2 + c)
        for there in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            term *= 1 - abs(rho(p, a[there]) - rho(q, b[there])) / 2
        found.append(term**0.25)
    for level in range(3):
        pairs = [((level, i), (level, j)) for i in range(4) for j in range(i + 1, 4)]
        pairs += [((level - 1, i), (level, i)) for i in range(4)] if level else []
        for (k, i), (m, j) in pairs:
            found.append(1 - abs(rho(parts[0][1][k][i], parts[0][1][m][j]) - rho(parts[1][1][k][i], parts[1][1][m][j])) / 2)
    assert len(found) == 14 + 26
    return np.mean(found)


def test_stsim2_is_its_formula():
    rng = np.random.default_rng(3)
    x, y = rng.random((2, 64, 48))
    y = 0.5 * y + 0.5 * np.roll(y, 1, axis=1)
    found = stsim2(*(torch.from_numpy(each)[None, None] for each in (x, y)))
    assert found.item() == pytest.approx(literal_stsim2(x, y), abs=2e-5)  # its roots are smoothed at 0


@pytest.mark.parametrize("window", [None, 7])
def test_gradients(window):
    a, b = torch.rand(2, 1, 1, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).unbind()
    b.requires_grad_()
    step = 1e-6 * torch.randn(b.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    stsim2(a, b, window=window).backward()
    with torch.no_grad():
        moved = (stsim2(a, b + step, window=window) - stsim2(a, b - step, window=window)) / 2
    assert (b.grad * step).sum().item() == pytest.approx(moved.item(), rel=1e-4)


@needs_data
def test_gradients_are_finite_where_an_image_is_constant(dists):
    flat = torch.full((1, 1, 64, 64), 0.5).requires_grad_()
    texture = torch.rand(1, 1, 64, 64)
    for measure in (dists, stsim2):
        value = measure(flat, texture)
        value.sum().backward()
        assert torch.isfinite(value).all()
        assert torch.isfinite(flat.grad).all()


def test_a_batch_is_its_pairs():
    x, y = torch.rand(3, 1, 64, 64), torch.rand(3, 1, 64, 64)
    both = torch.cat([stsim2(x[[i]], y[[i]]) for i in range(3)])
    torch.testing.assert_close(stsim2(x, y), both)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stsim2(torch.rand(1, 1, 64, 64), torch.rand(1, 1, 32, 64)), "first and second must have one shape"),
        (lambda: stsim2(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)), r"images must have the shape \(batch, 1, H, W\)"),
        (lambda: stsim2(torch.rand(1, 1, 64, 8), torch.rand(1, 1, 64, 8)), "images must be 16 pixels or more a side for 3 scales"),
        (
            lambda: stsim2(torch.rand(1, 1, 32, 32), torch.rand(1, 1, 32, 32), window=7),
            "window must be from 2 to an eighth of the image, 4",
        ),
        (lambda: DISTS(VGG16.random(layers=("conv1_1",)), torch.ones(1475), torch.ones(1475)), "network must return conv1_2, conv2_2"),
        (lambda: DISTS(VGG16.random(layers=STAGES), torch.ones(5), torch.ones(1475)), "alpha must hold 1475 weights, got 5"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_file_without_weights_of_dists_is_refused(tmp_path):
    torch.save({"alpha": torch.ones(1475)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="lacks beta"):
        DISTS.load("nothing", tmp_path / "w.pt")
    with pytest.raises(FileNotFoundError):
        DISTS.load("nothing", tmp_path / "other.pt")
