"""Texture synthesis: a new image with the Gram matrices of a given one, and how close it came."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Shaped
from scipy.optimize import Bounds, minimize
from torch import Tensor, nn
from torch.nn.functional import interpolate

import twopoint as tp

from ..checks import positive
from .images import contrast
from .vectors import layer_weights, on_device

_MEMORY = 20  # number of corrections of L-BFGS-B, as in Gatys et al.
_STEP = 0.1  # change of a pixel in the first step; with 1e-4, the scale of the loss over its first value, the start takes 60 iterations
_SMALLEST = 16  # pixels along an edge at the coarsest level: one pixel of pool_4, the last layer of Gatys et al.
_LEAST = 1e-4  # least membership before normalisation, so that the sum is never 0


class Synthesis(NamedTuple):
    """A synthesised texture.

    Attributes
    ----------
    image : float32 array (H, W) or (N, H, W)
        Gray values in [0, 1], or memberships of N phases that sum to one.
    history : float64 array (iterations + 1,)
        Loss of the noise and after each iteration at full size; the last entry is the loss of the image.
    """

    image: np.ndarray
    history: np.ndarray


def synthesise(
    image: Shaped[np.ndarray, "*image"],
    network: nn.Module,
    *,
    iterations: int = 500,
    levels: int = 1,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    weights: Sequence[float] | None = None,
    device: Any = None,
    progress: Callable[[int, int, float], object] | None = None,
) -> Synthesis:
    """Synthesise an image with the Gram matrices of a given one, from noise by L-BFGS-B.

    The loss is ``sum_l w_l / (4 N_l^2) sum_ij (G_ij / M - G'_ij / M')^2``, N channels of M points: :func:`twopoint.style_loss`, also
    between different sizes. The optimiser enforces the bounds 0 and 1, as in the code of Gatys et al. Clipping at the end would raise the
    loss (a thousandfold, on a marble of 64 x 64), clipping in each step traps pixels at the bounds, and a sigmoid is flat at the phases.

    With several phases, the membership of each is an image for the network, and the losses are added. Two phases are one image.

    Parameters
    ----------
    image : array (H, W) or (N, H, W)
        Gray values in [0, 1]; or memberships of N phases that sum to one, as of :func:`twopoint.one_hot`.
    network : torch.nn.Module
        Network from images (b, 1, H, W) to a list of feature maps, such as :class:`twopoint_models.nets.VGG19` with ``pooling="mean"``.
    iterations : int
        Largest number of iterations at each level; fewer if no step lowers the loss.
    levels : int
        Number of sizes. Synthesis starts with images smaller by 2^(levels - 1) and doubles their size up to full size, so that long
        structures form before details. This helps most if structures are longer than a receptive field, such as the boundaries of an alloy.
    seed : int
        Seed of the noise, which is uniform.
    size : two ints, optional
        Height and width of the new image; by default those of the given one.
    weights : list of float, optional
        A weight w for each layer; by default 1.
    device : optional
        Device to which the network is moved; by default it stays.
    progress : callable, optional
        Called with the number of iterations done, the total over levels, and the loss.

    Returns
    -------
    Synthesis

    Raises
    ------
    TypeError
        If the image is not of real numbers.
    ValueError
        If the image has another shape, is constant or leaves [0, 1], its phases do not sum to one, or an option is invalid.

    References
    ----------
    Gatys et al., *Texture synthesis using convolutional neural networks* (2015); Lubbers et al., Fig. 1, eqs. (1)-(3).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import synthesise
    >>> from twopoint_models.nets import VGG19
    >>> wave = (1 + np.sin(np.arange(32) / 2)) / 2
    >>> found = synthesise(np.outer(wave, wave), VGG19.random(layers=("conv1_1",)), iterations=20)
    >>> found.image.shape, bool(found.history[-1] < 0.1 * found.history[0])
    ((32, 32), True)
    """
    channels, phases = _channels(image)  # (b, 1, H, W)
    full = tuple(channels.shape[2:]) if size is None else tuple(positive("size", n) for n in size)
    if len(full) != 2:
        raise ValueError(f"size must be height and width, got {size!r}")
    iterations, place = positive("iterations", iterations), on_device(network, device)
    if levels > 1 and min(*full, *channels.shape[2:]) >> positive("levels", levels) - 1 < _SMALLEST:
        raise ValueError(f"levels must leave {_SMALLEST} pixels along each edge, got {levels} for {tuple(channels.shape[2:])} to {full}")
    x, history = torch.zeros(0), [0.0]
    for level in reversed(range(positive("levels", levels))):
        given, space = (tuple(n >> level for n in each) for each in (channels.shape[2:], full))
        loss = _Loss(network, interpolate(channels, given, mode="area"), weights, place)
        noise = torch.as_tensor(np.random.default_rng(seed).random((len(channels) if phases > 2 else 1, 1, *space)))
        start = interpolate(x, space, mode="bilinear") if len(x) else noise
        past = (levels - 1 - level) * iterations
        x, history = loss.descended(start, iterations, _counted(progress, past, levels * iterations))
    made = _memberships(x)[:, 0].numpy().astype(np.float32)  # (b, H, W)
    return Synthesis(_shown(made, phases), np.array([loss.slope(noise)[0], *history[1:]]))


class _Loss:
    """Loss and gradient for L-BFGS-B, scaled so that the first step changes pixels by a tenth of their range."""

    def __init__(self, network: nn.Module, given: Tensor, weights: Sequence[float] | None, place: Any) -> None:
        with torch.no_grad():
            target = _gram_means(network(given.to(place)))
        factors = [w / 4 for w in layer_weights(weights, len(target))]  # _gram_means divides by N and M
        self.network, self.layers, self.place = network, list(zip(factors, target, strict=True)), place

    def slope(self, pixels: Tensor) -> tuple[float, np.ndarray]:
        """Return the loss of pixels (b, 1, H, W) and its gradient, float64 (b H W,)."""
        x = pixels.to(self.place, torch.float32).requires_grad_(True)
        found = _gram_means(self.network(_memberships(x)))
        loss = torch.stack([f * (g - t).square().sum() for (f, t), g in zip(self.layers, found, strict=True)]).sum()
        (gradient,) = torch.autograd.grad(loss, x)
        return float(loss.detach()), gradient.double().cpu().numpy().ravel()

    def descended(self, start: Tensor, iterations: int, after: Callable[[int, float], object]) -> tuple[Tensor, list[float]]:
        """Return pixels of lower loss, and the losses of the start and each iteration; call ``after`` with the iteration and its loss."""
        first, slopes = self.slope(start)
        unit, last, history = float(np.sqrt((slopes**2).mean())) / _STEP or 1.0, first, [first]

        def evaluate(flat: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal last
            last, slopes = self.slope(torch.as_tensor(flat.reshape(start.shape)))
            return last / unit, slopes / unit

        def done(_: np.ndarray) -> None:
            history.append(last)
            after(len(history) - 1, last)

        options = {"maxiter": iterations, "maxfun": 20 * iterations, "maxcor": _MEMORY, "ftol": 0.0, "gtol": 0.0}
        more: dict[str, Any] = dict(jac=True, method="L-BFGS-B", bounds=Bounds(0.0, 1.0), callback=done, options=options)
        found = minimize(evaluate, start.numpy().ravel(), **more)
        return torch.as_tensor(found.x.reshape(start.shape)), history


def _counted(progress: Callable[[int, int, float], object] | None, past: int, total: int) -> Callable[[int, float], object]:
    """Return a callable that adds the iterations of the previous levels."""
    return lambda done, loss: progress(past + done, total, loss) if progress else None


def _gram_means(features: Sequence[Tensor]) -> list[Tensor]:
    """Return Gram matrices over channels and points, (b, N, N) for each layer."""
    return [tp.gram(maps) / maps[0].numel() for maps in features]


def _memberships(x: Tensor) -> Tensor:
    """Return images (b, 1, H, W) for the network: a single one unchanged, several normalised to phases that sum to one."""
    return x if len(x) == 1 else (x + _LEAST) / (x + _LEAST).sum(dim=0)


def _channels(image: np.ndarray) -> tuple[Tensor, int]:
    """Return the images (b, 1, H, W) for the network and the number of phases, 0 for a gray image."""
    found = np.asarray(image)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"image must be of real numbers, got {found.dtype}")
    if found.ndim not in (2, 3) or not found.size or (found.ndim == 3 and len(found) < 2):
        raise ValueError(f"image must have the shape (H, W), or (N, H, W) of two phases or more, got {found.shape}")
    for phase, each in enumerate(found if found.ndim == 3 else found[None]):
        contrast(f"phase {phase} of image" if found.ndim == 3 else "image", each, unit=True)
    if found.ndim == 2:
        return torch.as_tensor(found.astype(np.float32))[None, None], 0
    if np.abs(found.sum(axis=0, dtype=np.float64) - 1).max() > 1e-5:
        raise ValueError("image must be of phases that sum to one at every pixel")
    used = found[1:] if len(found) == 2 else found  # of two phases the other is implied
    return torch.as_tensor(used.astype(np.float32))[:, None], len(found)


def _shown(made: np.ndarray, phases: int) -> np.ndarray:
    """Return images (b, H, W) in the form of the given image."""
    if phases == 0:
        return made[0]
    return np.concatenate([1 - made, made]) if phases == 2 else made


def judge(found: Synthesis, image: Shaped[np.ndarray, "*image"], *, seed: int = 0) -> dict[str, Any]:
    """Compare a synthesised texture with its target image, and both with the initial noise.

    Parameters
    ----------
    found : Synthesis
        Result of :func:`synthesise`, of the size of the image.
    image : array (H, W) or (N, H, W)
        Gray values in [0, 1], treated as memberships of phase 1 of two; or memberships of N phases.
    seed : int
        Seed of the synthesis.

    Returns
    -------
    dict
        Values for JSON: "loss_of_noise", "loss", "fall" (their ratio) and "iterations"; for "texture", "noise" and, with phases, "labels"
        (the most likely phase at each pixel), a dict of "excess_cess" in nats, "statistics_error" of :func:`twopoint.statistics_error`, and
        "volume_fraction_error", the largest over phases. Statistics are periodic, of all pairs at all lags.

    Raises
    ------
    ValueError
        If sizes differ.

    References
    ----------
    Lubbers et al., Fig. 1; Cai et al., eq. (8).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import Synthesis, judge
    >>> image = np.random.default_rng(1).random((8, 8)).astype(np.float32)
    >>> found = judge(Synthesis(image, np.array([10.0, 0.1])), image)
    >>> found["fall"], found["texture"]["excess_cess"], found["noise"]["statistics_error"] > 0.5
    (100.0, 0.0, True)
    """
    if np.shape(found.image) != np.shape(image):
        raise ValueError(f"image must have the shape of the texture, {np.shape(found.image)}, got {np.shape(image)}")
    target = _phases(image)
    channels = np.random.default_rng(seed).random((len(target) if len(target) > 2 else 1, *target.shape[1:]))
    rows = {"texture": _phases(found.image), "noise": channels / channels.sum(axis=0) if len(channels) > 1 else _phases(channels[0])}
    if np.ndim(image) == 3:
        rows["labels"] = tp.one_hot(rows["texture"].argmax(axis=0), len(target), dtype=np.float64)
    first, last = float(found.history[0]), float(found.history[-1])
    about = {"loss_of_noise": first, "loss": last, "fall": first / last if last else None, "iterations": len(found.history) - 1}
    return about | {name: _compared(m, target) for name, m in rows.items()}


def _phases(image: np.ndarray) -> np.ndarray:
    """Return memberships (N, H, W) as float64."""
    found = np.asarray(image, dtype=np.float64)
    return np.stack([1 - found, found]) if found.ndim == 2 else found


def _compared(m: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Return the errors of statistics."""
    off = np.abs(tp.volume_fractions(m) - tp.volume_fractions(target))
    excess = float(tp.cess(m, target, excess=True))
    return {"excess_cess": excess, "statistics_error": tp.statistics_error(m, target), "volume_fraction_error": float(off.max())}
