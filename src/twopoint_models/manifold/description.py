"""Ways to describe images by vectors, under one call: what the tasks compare."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32, Shaped
from torch import nn

from .spectra import power_spectra, two_point_vectors
from .texture_vectors import SCALINGS, texture_vectors

KINDS = ("cnn", "spectrum", "two_point")
Progress = Callable[[int, int], object] | None


@dataclass(frozen=True)
class Descriptor:
    """A way to describe images, called with images (n, H, W) for vectors (n, P) whose Euclidean distances mean something.

    Parameters
    ----------
    kind : "cnn", "spectrum" or "two_point"
        :func:`texture_vectors`, :func:`power_spectra` or :func:`two_point_vectors`.
    network : torch.nn.Module, optional
        Of the kind "cnn", which needs one, trained or not.
    scaling : "root" or "printed"
        Of texture vectors.
    device : optional
        Where the network computes; where it is unless given.
    crop : int, optional
        So many lags an axis of the kind "two_point"; all unless given.

    Raises
    ------
    ValueError
        If the kind or scaling is unknown, or the network is missing, or given to a kind that needs none.

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
            Gray values in [0, 1], one size for all, no image constant.
        progress : callable, optional
            Called with the number of images done and that of all.

        Returns
        -------
        float32 array (n, P)

        Raises
        ------
        TypeError, ValueError
            If the function of its kind refuses an image.
        """
        if self.network is not None:
            return texture_vectors(images, self.network, scaling=self.scaling, device=self.device, progress=progress)
        found = power_spectra(images) if self.kind == "spectrum" else two_point_vectors(images, crop=self.crop)
        if progress:
            progress(len(found), len(found))
        return found


def descriptors(network: nn.Module, random: nn.Module | None = None, *, device: Any = None) -> dict[str, Descriptor]:
    """Return the ways of description that the project compares, by name, those of the paper first.

    Parameters
    ----------
    network : torch.nn.Module
        Trained.
    random : torch.nn.Module, optional
        With random filters.
    device : optional
        Where networks compute.

    Returns
    -------
    dict of str to Descriptor
        "CNN", "power spectrum", "2-point statistics", "CNN, scaling as printed" and, if there is such a network, "random filters".

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
    """Refuse methods that are none, or do not describe."""
    if not methods or not all(map(callable, methods.values())):
        raise ValueError(f"methods must be descriptors by name, one or more, got {methods!r}")


def part_of(progress: Progress, done: int, total: int) -> Progress:
    """Return the progress of a part, as that of the whole of which so much is done."""
    return None if progress is None else lambda part, _: progress(done + part, total)
