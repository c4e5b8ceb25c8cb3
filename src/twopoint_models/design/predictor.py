"""The predictor of properties: an ensemble of small networks in one, and its training."""

import math
import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ..checks import NotFiniteError, positive
from ..nets.blocks import count_of
from ..nets.files import Network

HIDDEN = (1000, 1000, 100)


class PropertyMLP(Network):
    """Predict properties from vectors, such as latents, by an ensemble whose spread measures the uncertainty.

    Each member has fully connected layers with ReLU between them, by default of the widths of the paper. Features and properties are
    standardised internally by :meth:`standardise`; predictions are in the units of the properties.

    Parameters
    ----------
    inputs : int
        Length d of a description.
    properties : sequence of str
        Names of the properties, such as "E_x".
    hidden : sequence of int
        Widths of the hidden layers.
    members : int
        Number of networks in the ensemble.

    Raises
    ------
    ValueError
        If a number or name is invalid.

    References
    ----------
    Cai et al., section 4.3.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.design import PropertyMLP
    >>> model = PropertyMLP(inputs=16, properties=["E_x", "E_y"], hidden=[32], members=3)
    >>> mean, spread = model.predict(torch.zeros(4, 16))
    >>> tuple(mean.shape), tuple(spread.shape)
    ((4, 2), (4, 2))
    """

    def __init__(self, *, inputs: int, properties: Sequence[str], hidden: Sequence[int] = HIDDEN, members: int = 5) -> None:
        super().__init__()
        names = [str(name) for name in properties]
        if isinstance(properties, str) or not names or len(set(names)) < len(names):
            raise ValueError(f"properties must be names, one at least and each once, got {properties!r}")
        sizes = [count_of("inputs", inputs, 1), *(count_of("hidden", n, 1) for n in hidden), len(names)]
        self.config: dict[str, Any] = dict(inputs=inputs, properties=names, hidden=sizes[1:-1], members=count_of("members", members, 1))
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for a, b in pairwise(sizes):
            bound = a**-0.5  # the initialisation of torch's linear layer
            self.weights.append(torch.empty(members, a, b).uniform_(-bound, bound))
            self.biases.append(torch.empty(members, 1, b).uniform_(-bound, bound))
        for name, size in (("feature", inputs), ("value", len(names))):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_scale", torch.ones(size))

    @property
    def properties(self) -> list[str]:
        """Names of the properties, in order."""
        names: list[str] = self.config["properties"]
        return names

    def standardise(self, features: Float[Tensor, "n inputs"], values: Float[Tensor, "n properties"]) -> None:
        """Set means and scales from training data; constant features are not scaled."""
        for name, x in (("feature", features), ("value", values)):
            scale = x.std(dim=0)
            getattr(self, f"{name}_mean").copy_(x.mean(dim=0))
            getattr(self, f"{name}_scale").copy_(torch.where(scale > 0, scale, torch.ones_like(scale)))

    def standard(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "members batch properties"]:
        """Return the standardised predictions of each member."""
        if features.ndim != 2 or features.shape[1] != self.config["inputs"]:
            raise ValueError(f"features must have the shape (batch, {self.config['inputs']}), got {tuple(features.shape)}")
        x = (features - self.feature_mean) / self.feature_scale
        return self.layers(x.expand(self.config["members"], -1, -1))

    def layers(self, x: Float[Tensor, "members batch inputs"]) -> Float[Tensor, "members batch properties"]:
        """Return the predictions of each member for its own vectors, both standardised."""
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if i else x, weight)
        return x

    def forward(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch properties"]:
        """Return the mean over members, in the units of the properties.

        Parameters
        ----------
        features : tensor (B, d)

        Returns
        -------
        tensor (B, p)

        Raises
        ------
        ValueError
            If features have another shape.
        """
        found: Tensor = self.standard(features).mean(dim=0) * self.value_scale + self.value_mean
        return found

    def predict(self, features: Float[Tensor, "batch inputs"]) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation over the members, (B, p) each, in the units of the properties."""
        each = self.standard(features)
        spread = each.std(dim=0) if len(each) > 1 else torch.zeros_like(each[0])
        return each.mean(dim=0) * self.value_scale + self.value_mean, spread * self.value_scale

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, properties: Sequence[str] | None = None) -> Self:
        """Return the network that :meth:`save` wrote, on the CPU and in evaluation mode.

        Parameters
        ----------
        folder : str or path
        properties : sequence of str, optional
            Properties that the network must predict, in any order.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a file is truncated, of another network, or of a predictor of other properties.
        """
        found = super().load(folder)
        if missing := [name for name in properties or () if name not in found.properties]:
            raise ValueError(f"folder {folder} holds a predictor of {', '.join(found.properties)}, not of {', '.join(missing)}")
        return found


def fit_property_mlp(
    features: Float[np.ndarray, "n d"],
    values: Shaped[np.ndarray, "n p"],
    properties: Sequence[str],
    *,
    extra: tuple[np.ndarray, np.ndarray] | None = None,
    hidden: Sequence[int] = HIDDEN,
    members: int = 5,
    validation: float = 0.15,
    epochs: int = 200,
    patience: int = 20,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-2,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> PropertyMLP:
    """Fit an ensemble to descriptions of microstructures and their properties, with early stopping on a validation share.

    Each member has its own weights and order of batches. The optimiser is AdamW.

    Parameters
    ----------
    features : array (n, d)
        Descriptions, such as flat latents.
    values : array (n, p)
        Properties in their units.
    properties : p names
    extra : (array (m, d), array (m, p)), optional
        Additional training examples, which are never in the validation share.
    hidden, members
        As for :class:`PropertyMLP`.
    validation : float
        Share of the examples that is held out for early stopping.
    epochs, patience : int
        Largest number of passes, and the number of passes without improvement after which training stops.
    batch_size : int
        Examples in a step of each member.
    learning_rate, weight_decay : float
                Options of AdamW.
    seed : int
        Seed of weights, order and the validation share.
    progress : callable, optional
        Called with the number of passes done and the total.

    Returns
    -------
    PropertyMLP
        Network in evaluation mode, with the weights of the best pass.

    Raises
    ------
    TypeError, ValueError
        If arrays do not fit or are not finite, a property is constant, or an option is invalid.
    NotFiniteError
        If the error on the validation share is not finite.

    References
    ----------
    Cai et al., section 4.3.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from twopoint_models.design import fit_property_mlp
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> model = fit_property_mlp(x, 3 * x + 5, ["E_x"], hidden=[32], members=2, epochs=50)
    >>> abs(model(torch.tensor([[0.5]])).item() - 6.5) < 0.2
    True
    """
    x, y = _checked(features, values, properties)
    positive("epochs", epochs), positive("patience", patience), positive("batch_size", batch_size)
    if not 0 < validation < 1:
        raise ValueError(f"validation must be a share between 0 and 1, got {validation!r}")
    order = np.random.default_rng(seed).permutation(len(x))
    held = order[: max(1, round(validation * len(x)))]
    kept = order[len(held) :]
    if not len(kept):
        raise ValueError(f"validation must leave something to learn from, {validation!r} of {len(x)} examples are all")
    train = [x[kept], y[kept]]
    if extra is not None:
        train = [torch.cat([a, b]) for a, b in zip(train, _checked(*extra, properties, vary=False), strict=True)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = PropertyMLP(inputs=x.shape[1], properties=properties, hidden=hidden, members=members)
    network.standardise(*train)
    _descend(network, train, [x[held], y[held]], epochs, patience, batch_size, learning_rate, weight_decay, seed, progress)
    return network.eval()


def _descend(
    network: PropertyMLP,
    train: list[torch.Tensor],
    held: list[torch.Tensor],
    epochs: int,
    patience: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    seed: int,
    progress: Callable[[int, int], object] | None,
) -> None:
    """Train a network in place."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    generator = torch.Generator().manual_seed(seed)
    targets, held_targets = ((pair[1] - network.value_mean) / network.value_scale for pair in (train, held))
    best, since, members = float("inf"), 0, network.config["members"]
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    for epoch in range(epochs):
        orders = torch.stack([torch.randperm(len(targets), generator=generator) for _ in range(members)])  # (members, n)
        for at in orders.split(batch_size, dim=1):
            error = network.layers((train[0][at] - network.feature_mean) / network.feature_scale) - targets[at]
            optimiser.zero_grad()
            error.square().mean(dim=(1, 2)).sum().backward()
            optimiser.step()
        with torch.no_grad():
            found = float((network.standard(held[0]).mean(dim=0) - held_targets).square().mean())
        if not math.isfinite(found):
            raise NotFiniteError(f"the error on the validation share is {found} after {epoch + 1} passes; try a smaller learning_rate")
        since += 1
        if found < best:
            best, since, kept = found, 0, {name: value.clone() for name, value in network.state_dict().items()}
        if progress:
            progress(epoch + 1, epochs)
        if since >= patience:
            break
    network.load_state_dict(kept)


def _checked(
    features: np.ndarray, values: np.ndarray, properties: Sequence[str], *, vary: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return float32 tensors; refuse invalid training data."""
    x, y = (np.asarray(each, dtype=np.float32) for each in (features, values))
    if x.ndim != 2 or y.shape != (len(x), len(properties)) or len(x) < 2:
        raise ValueError(f"features and values must be (n, d) and (n, {len(properties)}), n >= 2, got {x.shape} and {y.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"features must be finite, row {int(np.argmin(np.isfinite(x).all(axis=1)))} is not")
    for name, column in zip(properties, y.T, strict=True):
        if not np.isfinite(column).all():
            raise ValueError(
                f"values of {name} must be finite, row {int(np.argmin(np.isfinite(column)))} is {column[~np.isfinite(column)][0]}"
            )
        if vary and column.min() == column.max():
            raise ValueError(f"values of {name} must not be constant, all {len(column)} are {column[0]:g}")
    return torch.from_numpy(x), torch.from_numpy(y)
