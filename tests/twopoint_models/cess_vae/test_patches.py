"""The distance between distributions of patches."""

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from twopoint.synthetic import checkerboard
from twopoint_models.cess_vae import patches
from twopoint_models.cess_vae.patches import patch_distance


def seeded(number=0):
    return torch.Generator().manual_seed(number)


def stripes(axis, width=4, size=48):
    line = torch.arange(size) // width % 2
    return (line[:, None] if axis == 0 else line[None]).expand(size, size).double()[None, None].contiguous()


def test_it_is_the_mean_over_scales_of_its_formula():
    """Against loops over patches, with all patches of a small image."""
    images = torch.rand(1, 1, 44, 44, dtype=torch.float64, generator=seeded(1)).round()
    found = torch.rand(1, 1, 44, 44, dtype=torch.float64, generator=seeded(2))
    generator, total = seeded(3), 0.0
    for block, edge in patches.SCALES:
        weight = torch.randn(8, 1, edge, edge, generator=generator).double().numpy()[:, 0]
        weight[::2] -= weight[::2].mean((1, 2), keepdims=True)
        weight /= np.sqrt((weight**2).sum((1, 2), keepdims=True))
        sides = []
        for x in (found, images):
            means = x[0, 0].numpy().reshape(44 // block, block, 44 // block, block).mean((1, 3))
            at = np.arange(len(means))
            around = [means.take(i + np.arange(edge) - edge // 2, 0, mode="wrap").take(j + np.arange(edge) - edge // 2, 1, mode="wrap")
                      for i in at for j in at]  # fmt: skip
            sides.append(np.sort(np.einsum("nij,dij->dn", around, weight), axis=1))
        squared = ((sides[0] - sides[1]) ** 2).mean(1)
        total += np.mean(squared / (sides[1].var(1, ddof=1) + patches.LEAST)) / len(patches.SCALES)
    assert patch_distance(found, images, seeded(3)).item() == pytest.approx(total, rel=1e-5)


def test_sorted_values_are_the_wasserstein_distance():
    a, b = np.random.default_rng(0).random((2, 50))
    assert np.abs(np.sort(a) - np.sort(b)).mean() == pytest.approx(wasserstein_distance(a, b))


def test_it_compares_shapes_and_not_places():
    across, along, board = stripes(0), stripes(1), torch.as_tensor(checkerboard((48, 48), 4), dtype=torch.float64)[None, None]
    assert patch_distance(across.roll(8, 2), across, seeded()) == 0
    for other in (along, board, torch.full_like(across, 0.5)):
        assert patch_distance(other, across, seeded()) > 0.1


def test_equal_generators_draw_the_same():
    a, b = torch.rand(2, 2, 1, 96, 96, generator=seeded(1))
    first, again, other = (patch_distance(a, b, seeded(number)).item() for number in (0, 0, 1))
    assert first == again != other


def test_its_gradient_is_that_of_differences_and_finite_for_one_phase():
    images = torch.rand(1, 1, 44, 44, dtype=torch.float64, generator=seeded(1)).round()
    found = torch.rand(1, 1, 44, 44, dtype=torch.float64, generator=seeded(2)).requires_grad_()
    (gradient,) = torch.autograd.grad(patch_distance(found, images, seeded()), found)
    along = torch.randn(found.shape, dtype=torch.float64, generator=seeded(3))
    ends = [
        patch_distance((found + step * along).detach(), images, seeded()).item() for step in (1e-8, -1e-8)
    ]  # sorted values cross at few places
    assert (gradient * along).sum().item() == pytest.approx((ends[0] - ends[1]) / 2e-8, rel=1e-5)
    zeros = torch.zeros_like(found, requires_grad=True)
    patch_distance(zeros, torch.zeros_like(images), seeded()).backward()
    assert torch.isfinite(zeros.grad).all()


def test_half_precision_around_it_changes_nothing():
    a, b = torch.rand(2, 1, 1, 48, 48, generator=seeded(1))
    want = patch_distance(a, b, seeded())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert patch_distance(a, b, seeded()) == want
