"""ResNet without its last layer, from images to features, with the names of published weights."""

import os
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..nets.files import load_weights, read_tensors

LAYOUTS = {  # whether blocks are bottlenecks, and their number at each of four resolutions
    18: (False, (2, 2, 2, 2)),
    34: (False, (3, 4, 6, 3)),
    50: (True, (3, 4, 6, 3)),
    101: (True, (3, 4, 23, 3)),
    152: (True, (3, 8, 36, 3)),
}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the images on which torchvision's weights were trained
WIDTHS = (64, 128, 256, 512)
UNUSED = ("fc.",)  # layers after the features


class Basic(nn.Module):
    """Two 3 x 3 convolutions with a skip connection."""

    growth: ClassVar[int] = 1  # factor of the channels of the output over the inner width

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, width, H / stride, W / stride)."""
        found = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(found + self.downsample(x))


class Bottleneck(nn.Module):
    """A 1 x 1, a 3 x 3 and a widening 1 x 1 convolution with a skip connection; the middle one has the stride, as in torchvision."""

    growth: ClassVar[int] = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, 4 width, H / stride, W / stride)."""
        found = torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))
        return torch.relu(self.bn3(self.conv3(found)) + self.downsample(x))


class ResNet(nn.Module):
    """The residual network of He et al. up to its mean over positions, with torchvision's names.

    Parameters
    ----------
    layout : int
        Number of layers: 18, 34, 50, 101 or 152.

    Attributes
    ----------
    features : int
        Length of the vector: 512 up to 34 layers, 2048 for more.

    Raises
    ------
    ValueError
        If the layout is unknown.

    References
    ----------
    He et al., *Deep residual learning for image recognition* (2016).

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.statistics_vae import ResNet
    >>> tuple(ResNet(18).eval()(torch.zeros(2, 1, 64, 64)).shape)
    (2, 512)
    """

    def __init__(self, layout: int = 152) -> None:
        super().__init__()
        if layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {', '.join(map(str, LAYOUTS))}, got {layout!r}")
        wide, depths = LAYOUTS[layout]
        kind = Bottleneck if wide else Basic
        self.layout, self.features = layout, WIDTHS[-1] * kind.growth
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = 64
        for i, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True)):
            blocks = []
            for j in range(depth):
                blocks.append(kind(inputs, width, 2 if i and not j else 1))
                inputs = width * kind.growth
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Return features.

        Parameters
        ----------
        images : tensor (B, 1, H, W) or (B, 3, H, W)
            Gray values, which are used for all three channels, or RGB, in [0, 1].

        Returns
        -------
        tensor (B, features)

        Raises
        ------
        ValueError
            If images have another shape.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"images must have the shape (batch, 1 or 3, H, W), got {tuple(images.shape)}")
        x = self.maxpool(torch.relu(self.bn1(self.conv1((images - self.mean) / self.deviation))))  # (B, 64, H/4, W/4)
        for i in range(len(WIDTHS)):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return x.mean(dim=(2, 3))

    def read(self, path: str | os.PathLike[str]) -> "ResNet":
        """Load the weights of a file with torchvision's names; no code of the file runs.

        Parameters
        ----------
        path : str or path
            A ``.safetensors`` file, or a state dict of torch, such as torchvision's ``resnet152``; its last layer is ignored.

        Returns
        -------
        ResNet
            The network itself.

        Raises
        ------
        FileNotFoundError
            If the file is missing.
        ValueError
            If the file is truncated or of another network; the message names the first tensor that does not fit.
        """
        load_weights(self, {name: each for name, each in read_tensors(path).items() if not name.startswith(UNUSED)}, str(path))
        return self


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return the skip connection of a block: the identity if shapes agree, else a 1 x 1 convolution."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
