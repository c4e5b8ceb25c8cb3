"""Arrays through a network of torch, in batches that bound the memory."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .checks import as_images, as_latents

BATCH = 16  # rows of latents without a size
PIXELS = 1 << 17  # of a batch, so that its features stay near the core: in batches of 16, images of 224 take 1.3 times as long


def array_of(images: Any, channels: int, *, gray: bool = False) -> np.ndarray:
    """Return images as one array: arrays as they are, files, folders and datasets read whole, labels as memberships for more channels.

    Parameters
    ----------
    images : array, or what :func:`twopoint_models.open_images` takes or returns
    channels : int
        Channels of the network.
    gray : bool
        Keep the gray values of files, which are otherwise segmented into phases.

    Raises
    ------
    ValueError
        If files cannot be read, have several sizes, or more phases than the network.
    """
    if isinstance(images, (np.ndarray, list, tuple)) and not _are_names(images):
        return np.asarray(images)
    from .images import Images, open_images

    opened = images
    if _are_names(images) or not (hasattr(images, "__array__") or np.isscalar(images)):
        opened = open_images(images, gray=gray)
    found = np.asarray(opened)
    if not isinstance(opened, Images) or gray or channels == 1:
        return found
    if (most := int(found.max())) >= channels:
        raise ValueError(f"images must have {channels} phases, got the label {most}")
    return np.asarray(found[:, None] == np.arange(channels)[:, None, None])


def _are_names(images: Any) -> bool:
    """Tell whether images are the name of a file or folder, or a list of these."""
    listed = images if isinstance(images, (list, tuple)) and images else [images]
    return all(isinstance(each, (str, os.PathLike)) for each in listed)


def in_batches(function: Callable[[Tensor], Any], arrays: Any, network: nn.Module, *, enlarged: int = 1) -> list[Any]:
    """Return the results, float32 arrays, of a function of tensors for an array (n, ...), without gradients.

    Parameters
    ----------
    function : callable
        From a tensor (B, ...), on the device and in the dtype of the network, to a tensor (B, ...) or several.
    arrays : array (n, ...)
    network : torch.nn.Module
        Images have channels last in memory on the CPU, which is a third faster there.
    enlarged : int
        Edge of the images over that of the arrays, where these are latent images.

    Returns
    -------
    list of arrays (n, ...)
        One for each result of the function.
    """
    weight = next(network.parameters())
    parts: list[list[Tensor]] = []
    size = BATCH if arrays.ndim < 4 else max(PIXELS // (enlarged**2 * arrays.shape[-1] * arrays.shape[-2]), 1)
    with torch.inference_mode():
        for start in range(0, len(arrays), size):
            batch = torch.as_tensor(arrays[start : start + size]).to(weight)
            if batch.ndim == 4:  # a copy, because contiguous() leaves images of one channel as they are, and then all features
                batch = torch.empty_like(batch, memory_format=torch.channels_last).copy_(batch)
            found = function(batch)
            parts.append([found] if isinstance(found, Tensor) else list(found))
        return [torch.cat(each).float().cpu().contiguous().numpy() for each in zip(*parts, strict=True)]


def encode_images(network: Any, images: Any) -> tuple[Any, Any]:
    """Return the latents' mean and log-variance, (..., D) each, of arrays (..., H, W) of gray values."""
    found, shape = as_images(array_of(images, 1, gray=True), 1)
    mean, log_variance = in_batches(network.encode, found, network)
    return mean.reshape(*shape[:-2], -1), log_variance.reshape(*shape[:-2], -1)


def decode_latents(decode: Callable[[Tensor], Tensor], latents: Any, network: nn.Module) -> Any:
    """Return the images (..., H, W) of arrays of latents (..., D)."""
    flat, batch = as_latents(latents, 1)
    (found,) = in_batches(decode, flat, network)
    return found.reshape(*batch, *found.shape[2:])
