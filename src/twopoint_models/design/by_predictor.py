"""Designs on a predictor, the method of the paper, for comparison: latents with a predicted property, without homogenisation."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..checks import positive
from ..processes import Progress

Predictor = Callable[[Tensor], Tensor]


def latents_by_network(
    predict: Predictor,
    targets: Float[Tensor, " n"],
    shape: Sequence[int],
    *,
    hidden: int = 100,
    steps: int = 2000,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: Progress = None,
) -> Float[Tensor, "n ..."]:
    """Train a network from a property to a latent through a frozen predictor, and return the latents of targets.

    Parameters
    ----------
    predict : function: tensor (B, d) -> tensor (B,)
        A trained predictor of the property of flat latents.
    targets : tensor (n,)
        Target values; the network learns the range from the least to the largest.
    shape : ints
        Shape of a latent.
    hidden : int
        Width of the two hidden layers.
    steps, batch_size, learning_rate, seed
        Options of the training by Adam.
    progress : callable, optional
        Called with the number of steps done and the total.

    Returns
    -------
    tensor (n, ...)
        Latents.

    Raises
    ------
    ValueError
        If targets do not hold at least two different numbers, or ``predict`` returns another shape than (B,).

    References
    ----------
    Cai et al., section 4.3.
    """
    positive("steps", steps), positive("batch_size", batch_size)
    low, high = targets.min(), targets.max()
    if targets.ndim != 1 or not high > low:
        raise ValueError(f"targets must be (n,), two different values at least, got {tuple(targets.shape)} from {low:g} to {high:g}")
    length = torch.Size(shape).numel()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Linear(1, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, length)]
        network = nn.Sequential(*layers).to(targets)
    generator = torch.Generator().manual_seed(seed)
    own = list(network.parameters())
    optimiser = torch.optim.Adam(own, lr=learning_rate)
    for step in range(steps):
        share = torch.rand(batch_size, 1, generator=generator).to(targets)
        error = (_predicted(predict, network(2 * share - 1)) - (low + share[:, 0] * (high - low))) / (high - low)
        for parameter, gradient in zip(own, torch.autograd.grad(error.square().mean(), own), strict=True):
            parameter.grad = gradient  # no gradients for the weights of the predictor
        optimiser.step()
        if progress:
            progress(step + 1, steps)
    with torch.no_grad():
        found: Tensor = network(2 * (targets[:, None] - low) / (high - low) - 1)
    return found.reshape(-1, *shape)


def spread_of(latents: Tensor) -> Tensor:
    """Return the standard deviation of latents, the unit of the learning rate of a descent, bounded away from 0."""
    return latents.std(correction=min(1, latents.numel() - 1)).clamp(min=1e-3)


def latents_by_search(
    predict: Predictor,
    targets: Float[Tensor, " n"],
    starts: Float[Tensor, "n ..."],
    *,
    steps: int = 200,
    learning_rate: float = 0.05,
    progress: Progress = None,
) -> Float[Tensor, "n ..."]:
    """Optimise latents by gradient descent on a predictor, each towards its target.

    Parameters
    ----------
    predict : function: tensor (B, d) -> tensor (B,)
        As for :func:`latents_by_network`.
    targets : tensor (n,)
    starts : tensor (n, ...)
        Starting points.
    steps, learning_rate
        Options of Adam; the rate is in units of the standard deviation of the starts.
    progress : callable, optional
        Called with the number of steps done and the total.

    Returns
    -------
    tensor (n, ...)

    Raises
    ------
    ValueError
        If there is not one start for each target, or ``predict`` returns another shape than (B,).
    """
    positive("steps", steps)
    if targets.ndim != 1 or len(starts) != len(targets):
        raise ValueError(f"starts must be one for each of the targets (n,), got {tuple(starts.shape)} for {tuple(targets.shape)}")
    scale, shift = spread_of(starts), torch.zeros_like(starts, requires_grad=True)
    optimiser = torch.optim.Adam([shift], lr=learning_rate)
    for step in range(steps):
        error = _predicted(predict, (starts + scale * shift).flatten(1)) - targets
        (shift.grad,) = torch.autograd.grad(error.square().sum(), shift)  # no gradients for the weights of the predictor
        optimiser.step()
        if progress:
            progress(step + 1, steps)
    return (starts + scale * shift).detach()


def _predicted(predict: Predictor, latents: Tensor) -> Tensor:
    """Return predictions (B,); refuse (B, 1), which would be compared with each target of the batch."""
    found = predict(latents)
    if found.shape != latents.shape[:1]:
        raise ValueError(f"predict must return one number for each latent, ({len(latents)},), got {tuple(found.shape)}")
    return found
