"""Properties of microstructures from descriptions of them: an ensemble of small networks in one."""

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .blocks import count_of
from .files import Network

HIDDEN = (1000, 1000, 100)


class PropertyMLP(Network):
    """Predict properties from vectors, such as latents; an ensemble, whose spread tells how far to trust it.

    Each member has fully connected layers of the paper's widths with ReLU between them. Features and properties are brought to mean 0 and
    variance 1 inside, by what :meth:`standardise` was told; what comes out is in the properties' own units.

    Parameters
    ----------
    inputs : int
        Length d of a description.
    properties : sequence of str
        Names of what is predicted, such as "E_x".
    hidden : sequence of int
        Widths of the layers between.
    members : int
        Networks of the ensemble.

    Raises
    ------
    ValueError
        If a number or name means nothing.

    References
    ----------
    Cai et al., section 4.3.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.nets import PropertyMLP
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
            bound = a**-0.5  # as torch's own linear layer begins
            self.weights.append(torch.empty(members, a, b).uniform_(-bound, bound))
            self.biases.append(torch.empty(members, 1, b).uniform_(-bound, bound))
        for name, size in (("feature", inputs), ("value", len(names))):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_scale", torch.ones(size))

    @property
    def properties(self) -> list[str]:
        """What is predicted, in order."""
        names: list[str] = self.config["properties"]
        return names

    def standardise(self, features: Float[Tensor, "n inputs"], values: Float[Tensor, "n properties"]) -> None:
        """Take means and scales from what is to be learnt; a feature that does not change is left as it is."""
        for name, x in (("feature", features), ("value", values)):
            scale = x.std(dim=0)
            getattr(self, f"{name}_mean").copy_(x.mean(dim=0))
            getattr(self, f"{name}_scale").copy_(torch.where(scale > 0, scale, torch.ones_like(scale)))

    def standard(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "members batch properties"]:
        """Return what each member says, standardised."""
        if features.ndim != 2 or features.shape[1] != self.config["inputs"]:
            raise ValueError(f"features must have the shape (batch, {self.config['inputs']}), got {tuple(features.shape)}")
        x = (features - self.feature_mean) / self.feature_scale
        return self.layers(x.expand(self.config["members"], -1, -1))

    def layers(self, x: Float[Tensor, "members batch inputs"]) -> Float[Tensor, "members batch properties"]:
        """Return what each member says of vectors of its own, both standardised."""
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if i else x, weight)
        return x

    def forward(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch properties"]:
        """Return the members' mean, in the properties' units.

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
        """Return mean and standard deviation over the members, (B, p) each, in the properties' units; the latter 0 for one member."""
        each = self.standard(features)
        spread = each.std(dim=0) if len(each) > 1 else torch.zeros_like(each[0])
        return each.mean(dim=0) * self.value_scale + self.value_mean, spread * self.value_scale

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, properties: Sequence[str] | None = None) -> Self:
        """Return the network that :meth:`save` wrote, on the CPU, ready to evaluate.

        Parameters
        ----------
        folder : str or path
        properties : sequence of str, optional
            What it must predict, in any order.

        Raises
        ------
        FileNotFoundError
            If a file is not there.
        ValueError
            If a file is cut short, of another network, or of one that predicts other properties.
        """
        found = super().load(folder)
        if missing := [name for name in properties or () if name not in found.properties]:
            raise ValueError(f"folder {folder} holds a predictor of {', '.join(found.properties)}, not of {', '.join(missing)}")
        return found
