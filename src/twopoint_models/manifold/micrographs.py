"""A user's own micrographs, made comparable, and their places among each other."""

import csv
import io
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from .._check import positive
from .classification import nearest_neighbours
from .description import Descriptor, Progress
from .distances import distance_matrix
from .embedding import embed


class ComparableMicrographs(NamedTuple):
    """Images of one size with gray values in [0, 1].

    Attributes
    ----------
    images : float32 array (n, H, W)
        In the given order, constant ones left out.
    names : list of str (n,)
        Their names.
    remarks : list of str
        What was done that a user should know: cropped, left out.
    """

    images: np.ndarray
    names: list[str]
    remarks: list[str]


class Places(NamedTuple):
    """Where micrographs lie.

    Attributes
    ----------
    summary : dict
        For JSON: "images", their "size", "remarks", "dimensions", "stress_of_plane", "stress", and, where there are several, "classes"
        and the "accuracy" of nearest neighbours in the embedding.
    images, names
        As of :class:`ComparableMicrographs`.
    classes : list of str (n,)
        The folder in each name, "" without one.
    plane, points : float64 arrays (n, 2) and (n, D)
        The embedding in the plane, and that in more dimensions.
    """

    summary: dict[str, Any]
    images: np.ndarray
    names: list[str]
    classes: list[str]
    plane: np.ndarray
    points: np.ndarray

    def table(self) -> str:
        """Return names and coordinates as comma-separated values."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["file", "x", "y", *(f"d{i + 1}" for i in range(self.points.shape[1]))])
        for name, p, q in zip(self.names, self.plane, self.points, strict=True):
            rows.writerow([name, *map("{:.6g}".format, (*p, *q))])
        return text.getvalue()


def embed_micrographs(
    images: Sequence[np.ndarray], names: Sequence[str], describe: Descriptor, *, dimensions: int = 6, progress: Progress = None
) -> Places:
    """Find the places of micrographs in the plane, and in more dimensions, by how alike their textures are.

    Parameters
    ----------
    images : list of arrays (H, W)
        Gray values of any range and sizes, as :func:`comparable` takes them.
    names : list of str
        As many, such as files; what stands before the last slash is the class.
    describe : Descriptor
        What is compared.
    dimensions : int
        D*; one less than the images, if that is fewer.
    progress : callable, optional
        Called with the number of images described and that of all.

    Returns
    -------
    Places

    Raises
    ------
    TypeError, ValueError
        As :func:`comparable`; if images are too small for a network.

    References
    ----------
    Lubbers et al., sections III and VI.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import Descriptor, embed_micrographs
    >>> images = list(np.random.default_rng(0).random((4, 8, 8)))
    >>> found = embed_micrographs(images, ["a/1", "a/2", "b/1", "b/2"], Descriptor("spectrum"))
    >>> found.plane.shape, found.points.shape, found.classes
    ((4, 2), (4, 3), ['a', 'a', 'b', 'b'])
    """
    made = comparable(images, names)
    distances = distance_matrix(describe(made.images, progress=progress))
    plane, more = embed(distances, 2), embed(distances, min(positive("dimensions", dimensions), len(made.images) - 1))
    classes = [str(PurePosixPath(name).parent) if "/" in name else "" for name in made.names]
    summary = {"images": len(made.names), "size": list(made.images.shape[1:]), "remarks": made.remarks}
    summary |= {"dimensions": more.points.shape[1], "stress_of_plane": plane.stress, "stress": more.stress}
    if len(set(classes)) > 1:
        near = nearest_neighbours(distance_matrix(more.points), classes)
        summary |= {"classes": sorted(set(classes)), "accuracy": float(np.mean([a == b for a, b in zip(near, classes, strict=True)]))}
    return Places(summary, made.images, made.names, classes, plane.points, more.points)


def comparable(images: Sequence[np.ndarray], names: Sequence[str]) -> ComparableMicrographs:
    """Bring images to one size and gray values to [0, 1].

    Images that differ in size are cropped to the middle of each, the smallest square that all hold. Each image's gray values are
    stretched from their least to their largest, so that brightness, exposure and depth of bits do not tell images apart.

    Parameters
    ----------
    images : list of arrays (H, W)
        Gray values of any range.
    names : list of str
        As many, for errors and remarks.

    Returns
    -------
    ComparableMicrographs

    Raises
    ------
    ValueError
        If images and names are not as many, an image is no (H, W) of finite numbers, or fewer than three have contrast.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import comparable
    >>> rng = np.random.default_rng(0)
    >>> found = comparable([rng.random((9, 8)), rng.random((8, 8)), 255 * rng.random((8, 9)), np.ones((8, 8))], list("abcd"))
    >>> found.images.shape, found.remarks
    ((3, 8, 8), ['images of 3 sizes cropped to the middle 8 x 8 of each', 'd left out: it is constant, 1 everywhere'])
    """
    if len(images) != len(names):
        raise ValueError(f"images and names must be as many, got {len(images)} and {len(names)}")
    for image, name in zip(images, names, strict=True):
        if np.ndim(image) != 2 or not np.size(image) or not np.isfinite(image).all():
            raise ValueError(f"images must be finite gray values (H, W), got the shape {np.shape(image)} of {name}")
    shapes, remarks = {np.shape(image) for image in images}, []
    if len(shapes) > 1:
        side = min(map(min, shapes))
        images = [_middle(image, side) for image in images]
        remarks.append(f"images of {len(shapes)} sizes cropped to the middle {side} x {side} of each")
    kept: list[np.ndarray] = []
    known: list[str] = []
    for image, name in zip(images, names, strict=True):
        values = np.asarray(image, dtype=np.float64)
        low, high = values.min(), values.max()
        if low == high:
            remarks.append(f"{name} left out: it is constant, {low:g} everywhere")
        else:
            kept.append(((values - low) / (high - low)).astype(np.float32))
            known.append(name)
    if len(kept) < 3:
        raise ValueError(f"images must be three or more with contrast, got {len(kept)}{': ' if remarks else ''}{'; '.join(remarks)}")
    return ComparableMicrographs(np.stack(kept), known, remarks)


def _middle(image: np.ndarray, side: int) -> np.ndarray:
    """Return the square in the middle of an image."""
    top, left = ((n - side) // 2 for n in np.shape(image))
    return np.asarray(image)[top : top + side, left : left + side]
