"""Descent through a decoder and homogenisation, until what is thresholded has the wanted properties."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

import twopoint as tp

from ..checks import positive
from ..homogenisation.two_phase import Materials, Range, properties_of
from .by_predictor import spread_of
from .labels import labelled
from .targets import Goal, Wanted, goals_of


class Designs(NamedTuple):
    """Microstructures that were found, the best first.

    Attributes
    ----------
    microstructures : int array (k, H, W)
        Labels, 0 and 1.
    properties : dict of str to float64 array (k,)
        Of each, by homogenisation.
    errors : float64 array (k,)
        The largest relative distance of a property from what was wanted, over its reachable interval, or of the volume fraction from
        its bounds; 0 inside what is wanted.
    volume_fractions : float64 array (k,)
        Of phase 1.
    starts : int array (k,)
        Which of the given images each began from.
    """

    microstructures: Int[np.ndarray, "k height width"]
    properties: dict[str, np.ndarray]
    errors: np.ndarray
    volume_fractions: np.ndarray
    starts: np.ndarray


def design(
    decode: Callable[[Tensor], Tensor],
    latents: Float[Tensor, "n ..."],
    images: Float[np.ndarray, "n 1 height width"],
    wanted: Wanted,
    *,
    materials: Materials | None = None,
    volume_fractions: Range = (0.0, 1.0),
    known: Mapping[str, np.ndarray] | None = None,
    count: int = 4,
    starts: int = 8,
    steps: int = 60,
    learning_rate: float = 0.05,
    sharpest: float = 20.0,
    plausibility: float = 1.0,
    tolerance: float = 1e-3,
    different: float = 0.02,
    progress: Callable[[int, int], object] | None = None,
) -> Designs:
    """Search microstructures of wanted properties, by descent through a decoder and homogenisation.

    Many starts, given images whose properties are nearest, descend at once. What the decoder gives is pushed towards 0 and 1 more and more,
    so that thresholding changes little in the end; the level of the threshold is chosen last, and what is returned is homogenised anew.
    The loss is the squared distance of each property from what is wanted, over its reachable interval, plus ``plausibility`` times the
    excess CESS from the image that it began from, which keeps it among microstructures of that kind.

    Parameters
    ----------
    decode : function: tensor (B, ...) -> tensor (B, 1, H, W)
        Memberships of phase 1, such as ``CESSVAE.decode``.
    latents : tensor (n, ...)
        Of images.
    images : array (n, 1, H, W)
        Microstructures of 0 and 1: where descents begin, and what is plausible.
    wanted : dict of str to float, or to (low, high)
        Properties by name: a value, or an interval.
    materials : Materials, optional
    volume_fractions : (float, float)
        Bounds of phase 1's.
    known : dict of str to array (n,), optional
        Properties of images, which are homogenised where they are not given.
    count : int
        How many designs, which differ from each other.
    starts, steps : int
        Descents at once, and the steps of each; without steps the threshold alone is moved.
    learning_rate : float
        Of Adam, in units of the starts' standard deviation.
    sharpest : float
        What logits are multiplied by in the end.
    plausibility : float
        Weight of the excess CESS, in nats.
    tolerance : float
        Of homogenisation while descending; a tenth of it in the end.
    different : float
        Share of pixels in which two designs differ at least.
    progress : callable, optional
        Called with the steps made and all.

    Returns
    -------
    Designs
        As many as were found that differ, count at most.

    Raises
    ------
    TypeError, ValueError
        If a property is unknown or wanted beyond its reachable interval, each by itself, which is told; if sizes do not fit. Whether
        targets go together nobody knows before: ``errors`` say how far they are missed.

    References
    ----------
    Cai et al., section 4.3, whose way, a network from E_x to a latent, misses by a normalised error of 0.65.
    """
    materials = materials or Materials()
    _check_sizes(latents, images, count, starts, steps)
    goals = goals_of(wanted, materials, volume_fractions)
    table = {name: _known(images, name, known, materials, tolerance) for name in goals}
    began = _nearest(goals, table, images, volume_fractions, min(starts, len(images)))
    search = _Search(decode, goals, materials, volume_fractions, plausibility, tolerance)
    soft = search.descend(latents[torch.from_numpy(began)], images[began], steps, learning_rate, sharpest, progress)
    return search.judge(soft, began, count, different)


def _check_sizes(latents: Tensor, images: np.ndarray, count: int, starts: int, steps: int) -> None:
    """Refuse what does not fit."""
    positive("count", count), positive("starts", starts), positive("steps", steps, zero=True)
    if not hasattr(images, "astype") or not hasattr(latents, "requires_grad"):
        raise TypeError(f"latents must be a tensor, images a numpy array, got {type(latents).__name__} and {type(images).__name__}")
    if images.ndim != 4 or images.shape[1] != 1 or len(latents) != len(images) or not len(images):
        raise ValueError(f"images must be (n, 1, H, W), one for each of the {len(latents)} latents, got {images.shape}")


def _known(images: np.ndarray, name: str, known: Mapping[str, np.ndarray] | None, materials: Materials, tolerance: float) -> np.ndarray:
    """Return a property of all images, as it is known or by homogenisation."""
    if known is not None and name in known:
        if np.shape(known[name]) != (len(images),):
            raise ValueError(f"known {name} must be (n,) = ({len(images)},), one for each image, got {np.shape(known[name])}")
        return np.asarray(known[name])
    return labelled(images, [name], materials, tolerance=tolerance)[:, 0]


def _nearest(goals: Mapping[str, Goal], table: Mapping[str, np.ndarray], images: np.ndarray, bounds: Range, count: int) -> np.ndarray:
    """Return which images are nearest to the goals and the bounds of the volume fraction."""
    miss = sum(goal.miss(table[name]) ** 2 for name, goal in goals.items())
    shares = images.mean(axis=(1, 2, 3))
    miss = miss + (np.clip(bounds[0] - shares, 0, None) + np.clip(shares - bounds[1], 0, None)) ** 2
    return np.argsort(miss, kind="stable")[:count]


@dataclass(frozen=True)
class _Search:
    """One search: what is wanted, of what."""

    decode: Callable[[Tensor], Tensor]
    goals: Mapping[str, Goal]
    materials: Materials
    bounds: Range
    plausibility: float
    tolerance: float

    def descend(
        self,
        latents: Tensor,
        images: np.ndarray,
        steps: int,
        learning_rate: float,
        sharpest: float,
        progress: Callable[[int, int], object] | None,
    ) -> Tensor:
        """Return soft memberships (B, H, W) at the end of all descents."""
        scale = spread_of(latents)
        shift = torch.zeros_like(latents, requires_grad=True)
        like = tp.target_statistics(torch.from_numpy(images).to(latents), implied_phase=True)
        optimiser = torch.optim.Adam([shift], lr=learning_rate)
        for step in range(steps):
            m = self.sharpened(latents + scale * shift, sharpest ** (step / max(1, steps - 1)))
            apart = tp.cess(m[:, None], like, excess=True, reduction="none")
            loss = (self.misses(m).square().sum(dim=0) + self.plausibility * apart).sum()
            (shift.grad,) = torch.autograd.grad(loss, shift)  # none for the network's weights
            optimiser.step()
            if progress:
                progress(step + 1, steps)
        with torch.no_grad():
            return self.sharpened(latents + scale * shift, 1.0)

    def sharpened(self, latents: Tensor, by: float) -> Tensor:
        """Return memberships (B, H, W) whose logits are multiplied."""
        m = self.decode(latents)[:, 0].clamp(1e-6, 1 - 1e-6)
        return torch.logit(m).mul(by).sigmoid()

    def misses(self, m: Tensor) -> Tensor:
        """Return how far each property is from its goal, and the volume fraction from its bounds, (goals + 1, B)."""
        found = properties_of(m, list(self.goals), self.materials, tolerance=self.tolerance)
        rows = [goal.miss(value) for goal, value in zip(self.goals.values(), found, strict=True)]
        share = m.mean(dim=(1, 2))
        return torch.stack([*rows, (self.bounds[0] - share).clamp(min=0) + (share - self.bounds[1]).clamp(min=0)])

    def judge(self, soft: Tensor, began: np.ndarray, count: int, different: float) -> Designs:
        """Choose each descent's threshold, homogenise, and return the best that differ."""
        labels = np.stack([self.cut(each) for each in soft.double().cpu().numpy()])
        values = properties_of(labels.astype(np.float64), list(self.goals), self.materials, tolerance=self.tolerance / 10)
        share = labels.mean(axis=(1, 2))
        beyond = np.clip(np.maximum(self.bounds[0] - share, share - self.bounds[1]), 0, None)
        errors = np.max([beyond, *(np.abs(goal.miss(np.asarray(v))) for goal, v in zip(self.goals.values(), values, strict=True))], axis=0)
        kept: list[int] = []
        for i in np.argsort(errors, kind="stable"):
            if len(kept) < count and all((labels[i] != labels[j]).mean() >= different for j in kept):
                kept.append(int(i))
        return Designs(
            microstructures=labels[kept],
            properties={name: np.asarray(v)[kept] for name, v in zip(self.goals, values, strict=True)},
            errors=errors[kept],
            volume_fractions=labels[kept].mean(axis=(1, 2)),
            starts=began[kept],
        )

    def cut(self, soft: np.ndarray) -> np.ndarray:
        """Return labels of the threshold, of those that keep the volume fraction in its bounds, that comes nearest to the goals."""
        shares = np.clip((soft > 0.5).mean() + np.linspace(-0.08, 0.08, 17), *self.bounds)
        levels = np.append(np.quantile(soft, 1 - shares), 0.5)
        tried = np.unique((soft > levels[:, None, None]).astype(np.int64), axis=0)
        share = tried.mean(axis=(1, 2))
        inside = (share >= self.bounds[0] - 1e-12) & (share <= self.bounds[1] + 1e-12)
        tried = tried[inside] if inside.any() else tried
        values = properties_of(tried.astype(np.float64), list(self.goals), self.materials, tolerance=self.tolerance)
        miss = np.sum([goal.miss(np.asarray(v)) ** 2 for goal, v in zip(self.goals.values(), values, strict=True)], axis=0)
        return tried[int(np.argmin(miss))]
