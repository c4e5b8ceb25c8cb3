"""An encoder of the autocorrelation of an image, and the soft memberships of which it is taken."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

import twopoint as tp

from .lines import DEVIATION


def soft_membership(images: Tensor, gray: float, deviation: float) -> Tensor:
    """Return the soft membership in the phase of a gray value, ``exp(-(x - gray)^2 / (2 deviation^2))``."""
    return (-((images - gray) ** 2) / (2 * deviation**2)).exp()


class LagEncoder(nn.Module):
    """Describe images by their periodic autocorrelation: one half of the lags, since those of opposite lags are equal, standardised.

    Translations of an image, and its point reflection, have the same description.

    Parameters
    ----------
    size : int
        Height and width of images in pixels.
    gray, deviation : float
        Gray value of the phase, and standard deviation of its soft membership.
    """

    def __init__(self, size: int, *, gray: float = 0.0, deviation: float = DEVIATION) -> None:
        super().__init__()
        self.size, self.gray, self.deviation = size, float(gray), float(deviation)
        self.features = size * (size // 2 + 1)
        self.standard = nn.BatchNorm1d(self.features, affine=False)

    def forward(self, images: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch lags"]:
        """Return the standardised autocorrelations (B, size * (size // 2 + 1)) of images (B, 1, size, size)."""
        with torch.autocast(images.device.type, enabled=False):
            found = tp.autocorrelation(soft_membership(images[:, 0].float(), self.gray, self.deviation))
            standardised: Tensor = self.standard(found[..., : self.size // 2 + 1].flatten(1))
        return standardised
