"""Losses of a decoder's logits, for all regimes, and the measures of a validation."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

import twopoint as tp

from ..evaluation.reconstructions import centre_crop
from ..nets.vgg import VGG19
from .blocks import volume_level
from .config import REDUCTION, CESSConfig
from .network import CESSVAE

LOSSES = ("mse", "mse_cess", "cess", "crop", "cumulative", "style", "cess_clamp", "sharp", "adversarial")


class Loss:
    """A loss of logits (B, 1 or N, H, W) against images of the same shape.

    Parameters
    ----------
    name : str
        Name of the loss, one of ``LOSSES``.
    config : CESSConfig
        Weights of the terms, and the size of the images, from which the centre crop follows (50 lags of 224).
    network : CESSVAE
        The network, which turns logits into memberships.
    vgg : VGG19, optional
        Network of the loss "style"; it is moved to the device of the images.

    References
    ----------
    Cai et al., eqs. (3), (7)-(11) and section 3.4.
    """

    def __init__(self, name: str, config: CESSConfig, network: CESSVAE, vgg: VGG19 | None = None) -> None:
        if name not in LOSSES:
            raise ValueError(f"name must be one of {', '.join(LOSSES)}, got {name!r}")
        if name == "style" and vgg is None:
            raise ValueError("vgg must be given for the style loss")
        self.name, self.config, self.network = name, config, network
        self.vgg = None if vgg is None else vgg.to(memory_format=torch.channels_last)  # like the images; 20 % faster
        self.options: dict[str, Any] = {"implied_phase": network.channels == 1}
        self.crop = centre_crop(config.size)

    def __call__(self, logits: Tensor, images: Tensor) -> Tensor:
        """Return the loss, a mean over the batch."""
        value: Tensor = getattr(self, f"_{self.name}")(logits, images)
        return value

    def measures(self, logits: Tensor, images: Tensor) -> dict[str, Tensor]:
        """Return means over the batch.

        These are "mse"; the excess CESS in nats as "cess", "crop", "cumulative", "thresholded" and "thresholded_cumulative"; and "style" if
        it is trained.
        """
        found = {name: getattr(self, f"_{name}")(logits, images) for name in ("mse", "cess", "crop")}
        found["cumulative"] = self._excess(self.network.memberships(logits), images, cumulative=True)
        hard = self.hard(logits)
        found |= {"thresholded": self._excess(hard, images), "thresholded_cumulative": self._excess(hard, images, cumulative=True)}
        return found | ({"style": self._style(logits, images)} if self.name == "style" else {})

    def hard(self, logits: Tensor) -> Tensor:
        """Return the most likely phases of logits as memberships of 0 and 1."""
        soft = self.network.memberships(logits)
        if self.network.channels == 1:
            return (soft >= 0.5).to(logits.dtype)
        return functional.one_hot(soft.argmax(1), soft.shape[1]).movedim(-1, 1).to(logits.dtype)

    def _excess(self, found: Tensor, images: Tensor, **options: Any) -> Tensor:
        """Return the excess CESS of memberships."""
        return tp.cess(found, images, excess=True, **self.options, **options)

    def _mse(self, logits: Tensor, images: Tensor) -> Tensor:
        return functional.mse_loss(self.network.memberships(logits), images)

    def _mse_cess(self, logits: Tensor, images: Tensor) -> Tensor:
        return self.config.alpha * self._mse(logits, images) + self._cess(logits, images)

    def _cess(self, logits: Tensor, images: Tensor) -> Tensor:
        return self._excess(self.network.memberships(logits), images)

    def _crop(self, logits: Tensor, images: Tensor) -> Tensor:
        return self._excess(self.network.memberships(logits), images, crop=self.crop)

    def _cumulative(self, logits: Tensor, images: Tensor) -> Tensor:
        soft, options = self.network.memberships(logits), {"crop": self.crop} if self.config.short_boxes else {}
        value = self._excess(soft, images, cumulative=True, **options)
        return value + self.config.crop_weight * self._crop(logits, images) if self.config.crop_weight else value

    def _style(self, logits: Tensor, images: Tensor) -> Tensor:
        assert self.vgg is not None
        vgg = self.vgg.to(images.device)
        with torch.no_grad():
            targets = [vgg(phase) for phase in images.split(1, dim=1)]
        found = [vgg(phase) for phase in self.network.memberships(logits).split(1, dim=1)]
        return torch.stack([tp.style_loss(a, b) for a, b in zip(found, targets, strict=True)]).mean()

    def _cess_clamp(self, logits: Tensor, images: Tensor) -> Tensor:
        clamp = tp.clamp(self.network.memberships(logits), sigma=self.config.sigma, **self.options) / images[0, 0].numel()
        return self._cess(logits, images) + self.config.clamp_weight * clamp

    def _sharp(self, logits: Tensor, images: Tensor) -> Tensor:
        """Return the CESS of the thresholded, or the soft, image over all lags and short ones, with the gradient of soft memberships."""
        above = logits - volume_level(logits)
        soft = (self.config.sharpness * above).sigmoid()
        soft = soft + (logits.sigmoid() - soft).mean(dim=(1, 2, 3), keepdim=True)
        straight = (above >= 0).to(soft.dtype) + soft - soft.detach() if self.config.threshold else soft
        shortest = self.config.size // REDUCTION
        lags: list[dict[str, Any]] = [{}, {"crop": self.crop}, {"crop": shortest}]  # only few of all lags are within a grain
        whole, middle, short = (self._excess(straight, images, floor=SHARP_FLOOR, **each) for each in lags)
        return whole + self.config.short_weight * (middle + short)

    def _adversarial(self, logits: Tensor, images: Tensor) -> Tensor:
        """Return the loss of statistics and of means over blocks; the score of a discriminator is not in it."""
        soft, weight = self.network.memberships(logits), self.config
        means = functional.mse_loss(functional.avg_pool2d(soft, BLOCK), functional.avg_pool2d(images, BLOCK))
        cumulative = self._excess(soft, images, cumulative=True)
        return weight.cess_weight * self._excess(soft, images) + weight.cumulative_weight * cumulative + weight.means_weight * means


BLOCK = 8  # edge in pixels of the blocks whose means are compared

# Some statistics of a thresholded image are 0, where the slope of the logarithm is 1 over the floor. With CESS's own floor, 1e-6, a few
# lags would dominate each step, and training diverges (measured).
SHARP_FLOOR = 1e-2
