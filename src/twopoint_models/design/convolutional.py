"""A small convolutional network from images to properties, trained end to end: the control of all descriptions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ..checks import NotFiniteError, positive
from ..nets.blocks import Circular

WIDTHS = (16, 32, 48, 64)  # channels at a half, a fourth, an eighth and a sixteenth of the resolution


class PropertyNetwork(nn.Module):
    """Predict standardised properties from images (B, 1, H, W), H and W divisible by 16.

    Four circular convolutions with average pooling between them, the mean and the standard deviation of each channel over the image, and
    two fully connected layers. So the prediction does not depend on where things are.
    """

    def __init__(self, properties: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((1, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.AvgPool2d(2), Circular(inputs, outputs, 3, padding=1), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(2 * WIDTHS[-1], 64), nn.ReLU(), nn.Linear(64, properties))

    def forward(self, images: Tensor) -> Tensor:
        """Return standardised properties (B, p)."""
        found = self.features(images).flatten(2)
        spread = (found.var(dim=2, correction=0) + 1e-6).sqrt()  # a constant image has a slope, and so has a single pixel
        predicted: Tensor = self.head(torch.cat([found.mean(dim=2), spread], dim=1))
        return predicted


def fit_property_network(
    images: Float[np.ndarray, "n 1 height width"],
    values: Shaped[np.ndarray, "n p"],
    properties: Sequence[str],
    *,
    epochs: int = 30,
    validation: float = 0.15,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    seed: int = 0,
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a :class:`PropertyNetwork` and return its predictions as a function of images.

    Each batch is shifted periodically and mirrored along both axes at random, which changes no property of a periodic microstructure but
    the sign of a shear coupling. The optimiser is AdamW with one cosine of the learning rate; the weights of the best pass are kept.

    Parameters
    ----------
    images : array (n, 1, H, W)
        Memberships of phase 1; H and W divisible by 16.
    values : array (n, p)
        Properties in their units.
    properties : p names
    epochs : int
        Passes over the images.
    validation : float
        Share of the images by which the best pass is chosen.
    batch_size, learning_rate, seed
        Options of the training.

    Returns
    -------
    function: array (m, 1, H, W) -> float64 array (m, p)

    Raises
    ------
    ValueError
        If shapes do not fit, a property is constant, or an option is invalid.
    NotFiniteError
        If the loss is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design.convolutional import fit_property_network
    >>> images = (np.random.default_rng(0).random((20, 1, 16, 16)) < np.linspace(0.1, 0.9, 20)[:, None, None, None]).astype(np.float32)
    >>> predict = fit_property_network(images, images.mean(axis=(2, 3)), ["volume fraction"], epochs=2)
    >>> predict(images[:3]).shape
    (3, 1)
    """
    values = np.asarray(values, dtype=np.float64)
    if images.ndim != 4 or images.shape[1] != 1 or any(n % 16 or not n for n in images.shape[2:]):
        raise ValueError(f"images must be (n, 1, height, width), height and width divisible by 16, got {images.shape}")
    if values.shape != (len(images), len(properties)) or not (values.std(axis=0) > 0).all():
        raise ValueError(f"values must be ({len(images)}, {len(properties)}), and each property vary, got {values.shape}")
    if not 0 < validation < 1 or round(validation * len(images)) < 1:
        raise ValueError(f"validation must be a share between 0 and 1 that holds an image or more, got {validation!r}")
    positive("epochs", epochs), positive("batch_size", batch_size)
    order = np.random.default_rng(seed).permutation(len(images))
    held, kept = np.split(order, [round(validation * len(images))])
    mean, scale = values[kept].mean(axis=0), values[kept].std(axis=0)
    targets = torch.from_numpy(((values - mean) / scale).astype(np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = PropertyNetwork(len(properties))
    _train(network, torch.from_numpy(images.astype(np.float32)), targets, kept, held, epochs, batch_size, learning_rate, seed)

    def predict(found: np.ndarray) -> np.ndarray:
        return _predicted(network, torch.from_numpy(found.astype(np.float32))).double().numpy() * scale + mean

    return predict


def _train(
    network: PropertyNetwork,
    images: Tensor,
    targets: Tensor,
    kept: np.ndarray,
    held: np.ndarray,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Train a network in place, and take the weights of the best pass."""
    rng, steps = np.random.default_rng(seed + 1), epochs * -(-len(kept) // batch_size)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    best: tuple[float, dict[str, Any]] = float("inf"), {}
    for _ in range(epochs):
        for at in np.array_split(rng.permutation(kept), -(-len(kept) // batch_size)):
            shown = torch.roll(images[at], [int(n) for n in rng.integers(images.shape[2:])], dims=(2, 3))
            shown = torch.flip(shown, [axis for axis in (2, 3) if rng.random() < 0.5])
            loss = (network(shown) - targets[at]).square().mean()
            if not torch.isfinite(loss):
                raise NotFiniteError(f"the loss is {loss.item()}; try a smaller learning_rate")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        error = float((_predicted(network, images[held]) - targets[held]).square().mean())
        if error < best[0]:
            best = error, {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(best[1])


def _predicted(network: PropertyNetwork, images: Tensor) -> Tensor:
    """Return standardised predictions of images."""
    with torch.inference_mode():
        return torch.cat([network(part) for part in images.split(64)])
