"""Texture vectors, Gram matrices whose Euclidean distance is the style loss; and descriptors, all ways to describe images by one call."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from torch import Tensor, nn

import twopoint as tp

from ..checks import positive
from ..processes import Progress
from .images import stack
from .spectra import power_spectra, two_point_vectors

SCALINGS = ("root", "printed")


def texture_vectors(
    images: Shaped[np.ndarray, "n *image"] | Sequence[np.ndarray],
    network: nn.Module,
    *,
    scaling: str = "root",
    weights: Sequence[float] | None = None,
    batch: int | None = None,
    device: Any = None,
    out: np.ndarray | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Float32[np.ndarray, "n entries"]:
    """Return texture vectors: the scaled Gram matrices ``s_l G_l`` of all layers, a row for each image.

    One half of each symmetric matrix is kept, with entries off the diagonal times the square root of 2, so that the Euclidean distance of
    two rows is that of the full matrices. With ``s_l = sqrt(w_l / A_l)`` and ``A_l = 4 N_l^2 M_l^2`` for N channels of M points, the square
    of this distance, eq. (4), is the style loss, eq. (3), of :func:`twopoint.style_loss`. The paper prints ``w_l / A_l``, which weights
    layers differently.

    Parameters
    ----------
    images : array (n, H, W) or (n, 1, H, W), or list of arrays (H, W)
        Gray values in [0, 1], of the same size; no image may be constant.
    network : torch.nn.Module
        Network from images (b, 1, H, W) to a list of feature maps (b, N_l, h, w), such as :class:`twopoint_models.nets.VGG19` with
        ``layers=names.LUBBERS, pooling="mean"``.
    scaling : "root" or "printed"
        Whether to scale by the square root of w / A, or by w / A.
    weights : list of float, optional
        A weight w of 0 or more for each layer; by default 1.
    batch : int, optional
        Images at a time; by default 1 on a CPU, whose caches hold the maps of one image (256 x 256: 0.25 s per image, 0.4 s with 16 at a
        time, on two cores), and 16 elsewhere.
    device : optional
        Device to which the network is moved; by default it stays.
    out : float32 array (n, P), optional
        Array to fill, such as a ``numpy.memmap`` if n rows do not fit into memory. A row of five layers takes 1.2 MB.
    progress : callable, optional
        Called with the number of images done and the total.

    Returns
    -------
    float32 array (n, P)
        P is the sum of ``N_l (N_l + 1) / 2``, 305,888 for the paper's layers. A vector holds the upper halves row by row, layer after
        layer.

    Raises
    ------
    TypeError
        If images are not of real numbers.
    ValueError
        If images differ in size, leave [0, 1], or one is constant; the message names the image. If an option is invalid.

    References
    ----------
    Lubbers et al., section III.A, eqs. (2)-(4); Gatys et al. 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import texture_vectors
    >>> from twopoint_models.nets import VGG19
    >>> network = VGG19.random(layers=("conv1_1", "conv2_1"), pooling="mean")
    >>> texture_vectors(np.random.default_rng(0).random((3, 32, 32)), network).shape
    (3, 10336)
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling must be {' or '.join(map(repr, SCALINGS))}, got {scaling!r}")
    found, place = stack(images, unit=True), on_device(network, device)
    batch = (1 if torch.device(place).type == "cpu" else 16) if batch is None else positive("batch", batch)
    for begin in range(0, len(found), batch):
        part = torch.as_tensor(np.ascontiguousarray(found[begin : begin + batch], dtype=np.float32))
        with torch.no_grad():
            features = network(part[:, None].to(place))
            rows = torch.cat(_halves(features, _scales(features, weights, scaling)), dim=1)  # (batch, P)
        if not begin:
            out = _output(out, (len(found), rows.shape[1]))
        assert out is not None  # for mypy; the first rows create it
        out[begin : begin + batch] = rows.cpu().numpy()
        if progress:
            progress(min(begin + batch, len(found)), len(found))
    assert out is not None
    return out


def on_device(network: nn.Module, device: Any) -> Any:
    """Move the network if a device is given; return its device."""
    if device is not None:
        network.to(device)
        return device
    return next((tensor.device for tensor in (*network.parameters(), *network.buffers())), torch.device("cpu"))


def layer_weights(weights: Sequence[float] | None, layers: int) -> Sequence[float]:
    """Return one weight for each layer; refuse invalid weights."""
    if weights is not None and not all(0 <= w < math.inf for w in weights):
        raise ValueError(f"weights must be finite numbers of 0 or more, got {list(weights)}")
    if weights is not None and len(weights) != layers:
        raise ValueError(f"weights must hold one number for each of the {layers} layers, got {len(weights)}")
    return [1.0] * layers if weights is None else weights


def _scales(features: Sequence[Tensor], weights: Sequence[float] | None, scaling: str) -> list[float]:
    """Return the factor of the Gram matrix of each layer."""
    squared = [w / (2.0 * f[0].numel()) ** 2 for w, f in zip(layer_weights(weights, len(features)), features, strict=True)]  # w / A
    return [math.sqrt(s) for s in squared] if scaling == "root" else squared


def _halves(features: Sequence[Tensor], scales: Sequence[float]) -> list[Tensor]:
    """Return the upper halves of the scaled Gram matrices, (batch, N (N + 1) / 2) for each layer."""
    halves = []
    for maps, scale in zip(features, scales, strict=True):
        i, j = torch.triu_indices(maps.shape[1], maps.shape[1], device=maps.device)
        halves.append(tp.gram(maps)[:, i, j] * torch.where(i == j, scale, math.sqrt(2) * scale))
    return halves


def _output(out: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """Return the array to fill; raise if its shape or dtype differs."""
    if out is None:
        return np.empty(shape, dtype=np.float32)
    if out.shape != shape or out.dtype != np.float32:
        raise ValueError(f"out must be a float32 array {shape}, got {out.dtype} {out.shape}")
    return out


KINDS = ("cnn", "spectrum", "two_point")


@dataclass(frozen=True)
class Descriptor:
    """Describe images: a call with images (n, H, W) returns vectors (n, P) whose Euclidean distances measure differences of texture.

    Parameters
    ----------
    kind : "cnn", "spectrum" or "two_point"
        :func:`texture_vectors`, :func:`power_spectra` or :func:`two_point_vectors`.
    network : torch.nn.Module, optional
        Network of the kind "cnn", trained or random.
    scaling : "root" or "printed"
        Scaling of texture vectors.
    device : optional
        Device to which the network is moved; by default it stays.
    crop : int, optional
        Number of lags along each axis for the kind "two_point"; by default all.

    Raises
    ------
    ValueError
        If the kind or scaling is unknown, the network is missing, or it is given for another kind.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import Descriptor
    >>> Descriptor("spectrum")(np.random.default_rng(0).random((3, 8, 8))).shape
    (3, 40)
    """

    kind: str
    network: nn.Module | None = None
    scaling: str = "root"
    device: Any = None
    crop: int | None = None

    def __post_init__(self) -> None:
        for name, value, known in (("kind", self.kind, KINDS), ("scaling", self.scaling, SCALINGS)):
            if value not in known:
                raise ValueError(f"{name} must be {' or '.join(map(repr, known))}, got {value!r}")
        if (self.network is not None) != (self.kind == "cnn"):
            raise ValueError(
                f"network must be given for the kind 'cnn' and for no other, got {type(self.network).__name__} for {self.kind!r}"
            )

    def __call__(
        self, images: Shaped[np.ndarray, "n *image"] | Sequence[np.ndarray], *, progress: Progress = None
    ) -> Float32[np.ndarray, "n entries"]:
        """Return a vector for each image.

        Parameters
        ----------
        images : array (n, H, W), or list of arrays (H, W)
            Gray values in [0, 1], of the same size; no image may be constant.
        progress : callable, optional
            Called with the number of images done and the total.

        Returns
        -------
        float32 array (n, P)

        Raises
        ------
        TypeError, ValueError
            If the function of the kind refuses an image.
        """
        if self.network is not None:
            return texture_vectors(images, self.network, scaling=self.scaling, device=self.device, progress=progress)
        found = power_spectra(images) if self.kind == "spectrum" else two_point_vectors(images, crop=self.crop)
        if progress:
            progress(len(found), len(found))
        return found


def descriptors(network: nn.Module, random: nn.Module | None = None, *, device: Any = None) -> dict[str, Descriptor]:
    """Return the descriptors that the project compares, by name, those of the paper first.

    Parameters
    ----------
    network : torch.nn.Module
        Trained network.
    random : torch.nn.Module, optional
        Network with random filters.
    device : optional
        Device of the networks.

    Returns
    -------
    dict of str to Descriptor
        "CNN", "power spectrum", "2-point statistics", "CNN, scaling as printed" and, if a random network is given, "random filters".

    References
    ----------
    Lubbers et al., sections III.A and III.B, and section VI for the open question of random filters.

    Examples
    --------
    >>> from twopoint_models.manifold import descriptors
    >>> from twopoint_models.nets import VGG19
    >>> list(descriptors(VGG19.random(layers=("conv1_1",))))
    ['CNN', 'power spectrum', '2-point statistics', 'CNN, scaling as printed']
    """
    cnn = Descriptor("cnn", network, device=device)
    found = {"CNN": cnn, "power spectrum": Descriptor("spectrum"), "2-point statistics": Descriptor("two_point")}
    found["CNN, scaling as printed"] = replace(cnn, scaling="printed")
    return found if random is None else found | {"random filters": replace(cnn, network=random)}


def named(methods: Mapping[str, Any]) -> None:
    """Refuse empty methods, and methods that are not callable."""
    if not methods or not all(map(callable, methods.values())):
        raise ValueError(f"methods must be descriptors by name, one or more, got {methods!r}")


def part_of(progress: Progress, done: int, total: int) -> Progress:
    """Return a callable that reports the progress of a part as that of the whole."""
    return None if progress is None else lambda part, _: progress(done + part, total)
