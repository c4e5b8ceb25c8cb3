"""The search of designs: descent through a decoder and homogenisation towards target properties."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import logit
from torch import Tensor

import twopoint as tp

from ..checks import positive
from ..homogenisation.two_phase import Materials, Range, properties_of
from .by_predictor import spread_of
from .interface import move_interface
from .labels import labelled
from .targets import Target, Targets, targets_of


class Designs(NamedTuple):
    """Designed microstructures, the best first.

    Attributes
    ----------
    microstructures : int array (k, H, W)
        Labels, 0 and 1.
    properties : dict of str to float64 array (k,)
        Properties of each, by homogenisation.
    errors : float64 array (k,)
        The largest distance of a property from its target over the length of the reachable interval, or of the volume fraction from its
        bounds; 0 if all targets are met.
    volume_fractions : float64 array (k,)
        Volume fraction of phase 1.
    starts : int array (k,)
        Indices of the given images from which the designs started.
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
    targets: Targets,
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
    """Search microstructures with target properties by descent through a decoder and homogenisation.

    Several descents run at once, from the given images with the nearest properties. Decoded images are sharpened increasingly towards 0 and
    1, so that thresholding changes little at the end. Then the threshold is chosen, and the interfaces of the best move until the targets
    are met (:func:`twopoint_models.design.interface.move_interface`). The results are homogenised again. The loss is the sum of squared
    distances of the properties from their targets, over their reachable intervals, plus ``plausibility`` times the excess CESS relative to
    the starting image, which keeps designs among microstructures of that kind.

    Parameters
    ----------
    decode : function: tensor (B, ...) -> tensor (B, 1, H, W)
        Decoder to memberships of phase 1, such as ``CESSVAE.decode``.
    latents : tensor (n, ...)
        Latents of the images.
    images : array (n, 1, H, W)
        Microstructures of 0 and 1 from which descents start, and which define what is plausible.
    targets : dict of str to float, or to (low, high)
        Target properties by name: a value or an interval.
    materials : Materials, optional
    volume_fractions : (float, float)
        Bounds of the volume fraction of phase 1.
    known : dict of str to array (n,), optional
        Known properties of the images; missing ones are homogenised.
    count : int
        Number of different designs.
    starts, steps : int
        Number of descents, and of steps of each; with 0 steps only the threshold and the interface move.
    learning_rate : float
        Learning rate of Adam, in units of the standard deviation of the starts.
    sharpest : float
        Factor of the logits in the last step.
    plausibility : float
        Weight of the excess CESS, in nats.
    tolerance : float
        Tolerance of homogenisation during descent; the final one is a tenth of it.
    different : float
        Least share of pixels in which two designs differ.
    progress : callable, optional
        Called with the number of steps done and the total.

    Returns
    -------
    Designs
        Different designs, at most ``count``.

    Raises
    ------
    TypeError, ValueError
        If a property is unknown, a target lies outside the reachable interval of its property, which the message states, no volume
        fraction allows all targets, or sizes do not fit. Other incompatible targets are not recognised; ``errors`` states how far they
        are missed.

    References
    ----------
    Cai et al., section 4.3, whose method is a network from E_x to a latent.
    """
    materials = materials or Materials()
    _check_sizes(latents, images, count, starts, steps)
    checked = targets_of(targets, materials, volume_fractions)
    table = {name: _known(images, name, known, materials, tolerance) for name in checked}
    began = _nearest(checked, table, images, volume_fractions, min(starts, len(images)))
    search = _Search(decode, checked, materials, volume_fractions, plausibility, tolerance)
    soft = search.descend(latents[torch.from_numpy(began)], images[began], steps, learning_rate, sharpest, progress)
    return search.judge(soft, began, count, different)


def _check_sizes(latents: Tensor, images: np.ndarray, count: int, starts: int, steps: int) -> None:
    """Refuse arguments of the wrong type or size."""
    positive("count", count), positive("starts", starts), positive("steps", steps, zero=True)
    if not hasattr(images, "astype") or not hasattr(latents, "requires_grad"):
        raise TypeError(f"latents must be a tensor, images a numpy array, got {type(latents).__name__} and {type(images).__name__}")
    if images.ndim != 4 or images.shape[1] != 1 or len(latents) != len(images) or not len(images):
        raise ValueError(f"images must be (n, 1, H, W), one for each of the {len(latents)} latents, got {images.shape}")


def _known(images: np.ndarray, name: str, known: Mapping[str, np.ndarray] | None, materials: Materials, tolerance: float) -> np.ndarray:
    """Return a property of all images, the known one or by homogenisation."""
    if known is not None and name in known:
        if np.shape(known[name]) != (len(images),):
            raise ValueError(f"known {name} must be (n,) = ({len(images)},), one for each image, got {np.shape(known[name])}")
        return np.asarray(known[name])
    return labelled(images, [name], materials, tolerance=tolerance)[:, 0]


def _nearest(targets: Mapping[str, Target], table: Mapping[str, np.ndarray], images: np.ndarray, bounds: Range, count: int) -> np.ndarray:
    """Return the indices of the images nearest to the targets and the bounds of the volume fraction."""
    miss = sum(target.miss(table[name]) ** 2 for name, target in targets.items())
    shares = images.mean(axis=(1, 2, 3))
    miss = miss + (np.clip(bounds[0] - shares, 0, None) + np.clip(shares - bounds[1], 0, None)) ** 2
    return np.argsort(miss, kind="stable")[:count]


@dataclass(frozen=True)
class _Search:
    """One search, with its targets and materials."""

    decode: Callable[[Tensor], Tensor]
    targets: Mapping[str, Target]
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
        """Return the soft memberships (B, H, W) at the end of all descents."""
        scale = spread_of(latents)
        shift = torch.zeros_like(latents, requires_grad=True)
        like = tp.target_statistics(torch.from_numpy(images).to(latents), implied_phase=True)
        optimiser = torch.optim.Adam([shift], lr=learning_rate)
        for step in range(steps):
            m = self.sharpened(latents + scale * shift, sharpest ** (step / max(1, steps - 1)))
            apart = tp.cess(m[:, None], like, excess=True, reduction="none")
            loss = (self.misses(m).square().sum(dim=0) + self.plausibility * apart).sum()
            (shift.grad,) = torch.autograd.grad(loss, shift)  # no gradients for the weights of the network
            optimiser.step()
            if progress:
                progress(step + 1, steps)
        with torch.no_grad():
            return self.sharpened(latents + scale * shift, 1.0)

    def sharpened(self, latents: Tensor, by: float) -> Tensor:
        """Return memberships (B, H, W) with logits multiplied by a factor."""
        m = self.decode(latents)[:, 0].clamp(1e-6, 1 - 1e-6)
        return torch.logit(m).mul(by).sigmoid()

    def misses(self, m: Tensor) -> Tensor:
        """Return the signed distances, (targets + 1, B), of properties from their targets and of the volume fraction from its bounds."""
        found = properties_of(m, list(self.targets), self.materials, tolerance=self.tolerance)
        within = (*self.targets.values(), Target(*self.bounds, 1.0))
        return torch.stack([target.miss(value) for target, value in zip(within, [*found, m.mean(dim=(1, 2))], strict=True)])

    def judge(self, soft: Tensor, began: np.ndarray, count: int, different: float) -> Designs:
        """Choose the threshold of each descent, move the interfaces of the best, and return those that differ, the best first."""
        levels, finely = [self.cut(each) for each in soft.double().cpu().numpy()], replace(self, tolerance=self.tolerance / 10)
        kept: dict[int, np.ndarray] = {}
        for i in np.argsort(np.abs(self.missed(np.stack(levels) > 0)).max(axis=0), kind="stable"):
            labels = move_interface(levels[i], finely.missed, self.derivatives) > 0
            if all((labels != other).mean() >= different for other in kept.values()):
                kept[int(i)] = labels
            if len(kept) == count:
                break
        labels, starts = np.stack(list(kept.values())), began[list(kept)]
        errors = np.abs(finely.missed(labels)).max(axis=0)
        order = np.argsort(errors, kind="stable")
        values = properties_of(labels[order].astype(np.float64), list(self.targets), self.materials, tolerance=finely.tolerance)
        return Designs(
            microstructures=labels[order].astype(np.int64),
            properties={name: np.asarray(v) for name, v in zip(self.targets, values, strict=True)},
            errors=errors[order],
            volume_fractions=labels[order].mean(axis=(1, 2)),
            starts=starts[order],
        )

    def missed(self, labels: np.ndarray) -> np.ndarray:
        """Return the misses of labels (n, H, W), float64 (targets + 1, n)."""
        return self.misses(torch.from_numpy(labels.astype(np.float64))).numpy()

    def derivatives(self, labels: np.ndarray) -> np.ndarray:
        """Return the derivative of each property by the membership of phase 1 in each pixel of labels (H, W), (targets, H, W)."""
        m = torch.from_numpy(labels.astype(np.float64)[None]).requires_grad_()
        found = properties_of(m, list(self.targets), self.materials, tolerance=self.tolerance)
        return np.stack([torch.autograd.grad(value.sum(), m, retain_graph=True)[0][0].numpy() for value in found])

    def cut(self, soft: np.ndarray) -> np.ndarray:
        """Return logits minus that of the threshold that comes nearest to the targets within the bounds of the volume fraction."""
        shares = np.clip((soft > 0.5).mean() + np.linspace(-0.08, 0.08, 17), *self.bounds)
        levels = np.unique(np.append(np.quantile(soft, 1 - shares), 0.5))
        miss = self.missed(soft > levels[:, None, None])
        beyond = np.abs(miss[-1])
        inside = beyond <= beyond.min() + 1e-12
        best = levels[int(np.where(inside, np.square(miss[:-1]).sum(axis=0), np.inf).argmin())]
        found: np.ndarray = logit(soft) - logit(best)
        return found
