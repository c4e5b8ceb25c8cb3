"""How far apart the patches of two images are: the sliced Wasserstein distance of their distributions."""

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

SCALES = ((1, 5), (1, 9), (2, 7), (2, 11), (4, 9))  # edge of the blocks of which an image keeps the means, edge of a patch in blocks
MOST = 3136  # patches of an image at one scale; of more, those of a grid with a random origin are taken
LEAST = 1e-4  # added to the variance, which is 0 for an image of one phase


def patch_distance(found: Tensor, images: Tensor, generator: torch.Generator, *, directions: int = 8) -> Tensor:
    """Return the squared sliced Wasserstein distance between the patches of each two images, over the variance, averaged over scales.

    A patch is projected on random directions, of which half have mean 0. Along a direction, the distance of two distributions is that of
    the sorted values. It does not compare where patches lie, only which there are and how many: shapes, not places. Images are periodic.

    Parameters
    ----------
    found, images : tensor (B, C, H, W)
        Images of the same shape; H and W are multiples of 4 and at least 16.
    generator : torch.Generator
        Generator of the CPU, from which directions and patches are drawn.
    directions : int
        Directions at each scale.

    Returns
    -------
    tensor ()
        The mean over the images. 1 is about the distance of an image of one value.

    References
    ----------
    Rabin et al. 2012, the sliced distance; Elnekave and Weiss 2022, of patches at several scales.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.cess_vae.patches import patch_distance
    >>> image = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0)).round()
    >>> moved = patch_distance(image.roll((4, 12), (2, 3)), image, torch.Generator().manual_seed(0))
    >>> gray = patch_distance(torch.full_like(image, 0.5), image, torch.Generator().manual_seed(0))
    >>> moved.item() < 1e-3 * gray.item()
    True
    """
    with torch.autocast(found.device.type, enabled=False):
        return torch.stack([_at_scale(found, images, *scale, directions, generator) for scale in SCALES]).mean()


def _at_scale(found: Tensor, images: Tensor, block: int, edge: int, directions: int, generator: torch.Generator) -> Tensor:
    """Return the distance between patches of means over blocks."""
    weight = _directions(directions, found.shape[1], edge, generator).to(found)
    sides = [_projected(avg_pool2d(x, block) if block > 1 else x, weight, generator) for x in (found, images.to(found))]
    one, other = (x.sort(dim=2).values for x in sides)
    return ((one - other).square().mean(2) / (other.var(2) + LEAST)).mean()


def _directions(count: int, channels: int, edge: int, generator: torch.Generator) -> Tensor:
    """Return directions of length 1 in the space of patches; every second has mean 0."""
    weight = torch.randn(count, channels, edge, edge, generator=generator)
    weight[::2] -= weight[::2].mean((1, 2, 3), keepdim=True)
    return weight / weight.flatten(1).norm(dim=1)[:, None, None, None]


def _projected(images: Tensor, weight: Tensor, generator: torch.Generator) -> Tensor:
    """Return patches of periodic images along each direction (B, directions, patches)."""
    reach, stride = weight.shape[-1] // 2, math.ceil(math.sqrt(images[0, 0].numel() / MOST))
    if stride > 1:
        images = images.roll(tuple(torch.randint(stride, (2,), generator=generator).tolist()), (2, 3))
    return conv2d(pad(images, (reach,) * 4, mode="circular"), weight, stride=stride).flatten(2)
