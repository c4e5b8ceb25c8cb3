"""VGG-19 and VGG-16 up to their last pooling: frozen filters, whose feature maps the style loss, texture vectors and similarities use."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .blocks import L2Pool, conv
from .files import load_weights, read_tensors
from .names import SARDESHMUKH

WIDTHS = (64, 128, 256, 512, 512)  # channels of the five blocks; each ends in a pooling by two
POOLINGS = {"max": nn.MaxPool2d, "mean": nn.AvgPool2d, "l2": L2Pool}
# Whether the input step reverses the channels, and its scale and shift: scale * image - shift.
CONVENTIONS = {
    "normalised": (True, [255.0, 255.0, 255.0], [103.939, 116.779, 123.68]),
    "torchvision": (False, [1 / 0.229, 1 / 0.224, 1 / 0.225], [0.485 / 0.229, 0.456 / 0.224, 0.406 / 0.225]),
}
CLASSIFIER = ("classifier.", "fc6.", "fc7.", "fc8.")  # names of the layers after the last pooling


class _VGG(nn.Module):
    """Base class of VGG-19 and VGG-16."""

    depths: ClassVar[tuple[int, ...]]  # convolutions of each block

    def __init__(
        self, *, layers: Sequence[str] = SARDESHMUKH, pooling: str = "max", padding: str = "zeros", convention: str = "normalised"
    ) -> None:
        super().__init__()
        _choice("pooling", pooling, POOLINGS)
        _choice("padding", padding, ("zeros", "circular"))
        _choice("convention", convention, CONVENTIONS)
        self.layers = self._asked(layers)
        self.reversed, scale, shift = CONVENTIONS[convention]
        self.register_buffer("scale", torch.tensor(scale)[:, None, None], persistent=False)  # (3, 1, 1)
        self.register_buffer("shift", torch.tensor(shift)[:, None, None], persistent=False)
        inputs, names = 3, self.names()
        for name in names[: 1 + max(names.index(layer) for layer in self.layers)]:
            if name.startswith("pool"):
                self.add_module(name, POOLINGS[pooling](2))
            else:
                outputs = WIDTHS[int(name[4]) - 1]
                self.add_module(name, conv(inputs, outputs, padding))
                inputs = outputs
        self.requires_grad_(False).eval()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all layers in the order in which they act."""
        blocks = enumerate(cls.depths, start=1)
        return tuple(name for i, n in blocks for name in (*(f"conv{i}_{j}" for j in range(1, n + 1)), f"pool_{i}"))

    @classmethod
    def _asked(cls, layers: Sequence[str]) -> tuple[str, ...]:
        """Return the requested layers; refuse unknown ones."""
        if isinstance(layers, str) or not layers:
            raise TypeError(f"layers must be names of layers, at least one, got {layers!r}")
        for layer in layers:
            if layer not in cls.names():
                raise ValueError(f"layers must be of conv1_1, conv1_2, pool_1 and so on to pool_5, {cls.__name__} has no {layer!r}")
        return tuple(layers)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """Return feature maps.

        Parameters
        ----------
        images : tensor (B, 1, H, W) or (B, 3, H, W)
            Gray values, which are used for all three channels, or RGB, in [0, 1], of the network's dtype. H and W must be at least 2 for
            each pooling.

        Returns
        -------
        list of tensors (B, C, h, w)
            In the order of ``layers``, as :func:`twopoint.style_loss` takes them. A pooling of an odd size leaves the last pixel out.

        Raises
        ------
        TypeError
            If images are not floating-point.
        ValueError
            If images have another shape, or are too small for the poolings.
        """
        if not images.is_floating_point():
            raise TypeError(f"images must be floating-point, got {images.dtype}")
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"images must have the shape (batch, 1 or 3, H, W), got {tuple(images.shape)}")
        layers = dict(self.named_children())
        least = 2 ** sum(name.startswith("pool") for name in layers)
        if min(images.shape[2:]) < least:
            raise ValueError(f"images must be {least} x {least} or more, or {next(reversed(layers))} is empty, got {tuple(images.shape)}")
        x, found = (images.flip(1) if self.reversed else images) * self.scale - self.shift, {}  # (B, 3, H, W)
        for name, layer in layers.items():
            x = layer(x) if name.startswith("pool") else torch.relu(layer(x))
            if name in self.layers:
                found[name] = x
        return [found[name] for name in self.layers]

    @classmethod
    def random(cls, *, seed: int = 0, **options: Any) -> Self:
        """Return a network with random filters, which needs no file of weights.

        Parameters
        ----------
        seed : int
            Different seeds give different filters. The filters of a layer depend on the seed only, not on the requested layers.
        **options
            Options of the constructor.

        Returns
        -------
        network
            Normally distributed filters that keep the mean square from layer to layer (He et al. 2015), without biases. Features have the
            scale of the input step: around 100 under the convention ``"normalised"``, around 1 under ``"torchvision"``.
        """
        network = cls(**options)
        generator = torch.Generator().manual_seed(seed)
        for layer in network.children():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(layer.bias)
        return network

    @classmethod
    def load(cls, path: str | os.PathLike[str], **options: Any) -> Self:
        """Return a network with the weights of a file; no code of the file runs.

        Parameters
        ----------
        path : str or path
            A ``.safetensors`` file, or one of torch that holds a state dict. The names are ``conv1_1.weight`` ..., or
            ``features.0.weight`` ... as in torchvision, or ``2.weight`` ... as in ``vgg_normalised.pth`` of pytorch-AdaIN. Weights of half
            precision become float32. Layers beyond the deepest requested one may be missing.
        **options
            Options of the constructor. ``convention`` must be that of the weights; only files with the third kind of names are checked for
            it.

        Returns
        -------
        network
            On the CPU.

        Raises
        ------
        FileNotFoundError
            If the file is missing.
        ValueError
            If the file is truncated or of another network; the message names the layer.
        TypeError
            If an option is unknown.
        """
        network = cls(**options)
        expected, found = network.state_dict(), network._convolutions(read_tensors(path), str(path))
        load_weights(network, {name: tensor for name, tensor in found.items() if name in expected}, str(path))
        return network

    @classmethod
    def _layouts(cls) -> tuple[dict[str, str], ...]:
        """Return the names of the convolutions in files: by layer, by index in torchvision's features, by index in pytorch-AdaIN."""
        features, numbers, feature, number = {}, {}, 0, 1  # index 0 of the latter is the input step
        for name in cls.names():
            if name.startswith("conv"):
                features[name], numbers[name] = f"features.{feature}", f"{number + 1}"
                feature, number = feature + 2, number + 3  # convolution, ReLU; padding, convolution, ReLU
            else:
                feature, number = feature + 1, number + 1
        return {name: name for name in features}, features, numbers

    def _convolutions(self, tensors: dict[str, Tensor], source: str) -> dict[str, Tensor]:
        """Return a file's tensors by the names of this network; refuse a file with other layers, also beyond the requested ones."""
        layouts = self._layouts()
        layout = next((each for each in layouts if f"{each['conv1_1']}.weight" in tensors), None)
        if layout is None:
            known = ", ".join(f"{each['conv1_1']}.weight" for each in layouts)
            raise ValueError(f"{source} is of another network: it has none of {known}")
        ours = {f"{theirs}.{part}": f"{name}.{part}" for name, theirs in layout.items() for part in ("weight", "bias")}
        found = {ours[name]: tensor for name, tensor in tensors.items() if name in ours}
        rest = {name: tensor for name, tensor in tensors.items() if name not in ours and not name.startswith(CLASSIFIER)}
        if layout is layouts[-1]:
            self._same_input(rest.pop("0.weight", None), rest.pop("0.bias", None), source)
        if missing := [
            name for name in list(ours.values())[: len(found)] if name not in found
        ]:  # the file may end early, but may not skip a layer
            raise ValueError(f"{source} is of another network: it has no {missing[0]}")
        if rest:
            raise ValueError(f"{source} is of another network: it has {min(rest)}, which {type(self).__name__} has not")
        return found

    def _same_input(self, weight: Tensor | None, bias: Tensor | None, source: str) -> None:
        """Refuse a file whose first layer, a 1 x 1 convolution, is another input step than that of this network."""
        matrix = torch.diag(self.scale.flatten())
        expected = (matrix.flip(1) if self.reversed else matrix)[..., None, None], -self.shift.flatten()
        for given, due in zip((weight, bias), expected, strict=True):
            if given is None or given.shape != due.shape or not torch.allclose(given.float(), due):
                raise ValueError(f"{source} is for another convention: its input step, 0.weight and 0.bias, is not the one asked for")


class VGG19(_VGG):
    """The sixteen convolutions of VGG-19, which return the feature maps of chosen layers. The filters are frozen; images get gradients.

    Each convolution is 3 x 3 and followed by a ReLU. Poolings by two follow conv1_2, conv2_2, conv3_4, conv4_4 and conv5_4.

    Parameters
    ----------
    layers : sequence of str
        Layers to return, in this order: ``"conv1_1"`` ... ``"conv5_4"``, each after its ReLU, and ``"pool_1"`` ... ``"pool_5"``. Layers
        behind the deepest one are not built. The default is that of Sardeshmukh et al., ``names.SARDESHMUKH``; ``names.LUBBERS`` is that of
        Lubbers et al.
    pooling : "max", "mean" or "l2"
        "max" as the network was trained, "mean" as in Gatys et al. and Lubbers et al., "l2" as in DISTS (:class:`blocks.L2Pool`).
    padding : "zeros" or "circular"
        Padding of the convolutions. Circular padding suits periodic images: features shift along with the image for shifts that are a
        multiple of 2 pixels for each pooling.
    convention : "normalised" or "torchvision"
        The input step of the weights: ``255 * image[BGR] - (103.939, 116.779, 123.68)`` or ``(image - mean) / std``.

    Raises
    ------
    TypeError, ValueError
        If an option is invalid.

    References
    ----------
    Simonyan and Zisserman 2015, configuration E; Gatys et al. 2015; Sardeshmukh et al., eq. (2); Lubbers et al., section II.

    Examples
    --------
    >>> import torch, twopoint as tp
    >>> from twopoint_models.nets import VGG19
    >>> network = VGG19.random(layers=("conv1_1", "pool_1"), seed=0)
    >>> features = network(torch.zeros(2, 1, 32, 16))
    >>> [tuple(each.shape) for each in features]
    [(2, 64, 32, 16), (2, 64, 16, 8)]
    >>> float(tp.style_loss(features, network(torch.zeros(2, 3, 32, 16))))
    0.0
    """

    depths = (2, 2, 4, 4, 4)


class VGG16(_VGG):
    """The thirteen convolutions of VGG-16, with the options and methods of :class:`VGG19`, which has three more."""

    depths = (2, 2, 3, 3, 3)


def _choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a value that is not among the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}")
