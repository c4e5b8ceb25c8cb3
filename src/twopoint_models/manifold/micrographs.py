"""Given images in an embedding: classes by nearest neighbours, and the places of a user's own micrographs."""

import csv
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from ..checks import positive
from ..processes import Progress
from .distances import distance_matrix
from .embedding import embed
from .vectors import Descriptor, named, part_of


class ComparableMicrographs(NamedTuple):
    """Images of the same size with gray values in [0, 1].

    Attributes
    ----------
    images : float32 array (n, H, W)
        Images in the given order, without constant ones.
    names : list of str (n,)
        Names of the images.
    remarks : list of str
        Remarks for the user on images that were cropped or left out.
    """

    images: np.ndarray
    names: list[str]
    remarks: list[str]


class Places(NamedTuple):
    """Positions of micrographs in an embedding.

    Attributes
    ----------
    summary : dict
        Values for JSON: "images", their "size", "remarks", "dimensions", "stress_of_plane", "stress" and, with several classes, "classes"
        and the "accuracy" of nearest neighbours in the embedding.
    images, names
        As in :class:`ComparableMicrographs`.
    classes : list of str (n,)
        Folder in each name, "" if there is none.
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
    """Embed micrographs in the plane and in more dimensions by the similarity of their textures.

    Parameters
    ----------
    images : list of arrays (H, W)
        Gray values of any range and size, as for :func:`comparable`.
    names : list of str
        Names of the images, such as files; the part before the last slash is the class.
    describe : Descriptor
        Descriptor of the images.
    dimensions : int
        Number D* of dimensions, at most one less than the number of images.
    progress : callable, optional
        Called with the number of images described and the total.

    Returns
    -------
    Places

    Raises
    ------
    TypeError, ValueError
        As :func:`comparable`; if images are too small for the network.

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
    """Crop images to the same size and scale gray values to [0, 1].

    Images of different sizes are cropped to the central square that fits into all of them. The gray values of each image are scaled from
    their minimum to their maximum, so that brightness, exposure and bit depth do not distinguish images.

    Parameters
    ----------
    images : list of arrays (H, W)
        Gray values of any range.
    names : list of str
        Names of the images, for errors and remarks.

    Returns
    -------
    ComparableMicrographs

    Raises
    ------
    ValueError
        If the numbers of images and names differ, an image is not (H, W) and finite, or fewer than three images have contrast.

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
    """Return the central square of an image."""
    top, left = ((n - side) // 2 for n in np.shape(image))
    return np.asarray(image)[top : top + side, left : left + side]


class Classification(NamedTuple):
    """Results of a classification by nearest neighbours.

    Attributes
    ----------
    summary : dict
        Values for JSON: "classes", the number of "images", the constant images "left_out", "dimensions"; by method in "methods" the
        "accuracy", the "confusion" (rows are true classes), the "accuracy_of_other_indices" among images of another index only (in MICRO2D
        images of the same index are similar across classes), the "accuracy_of_distances" without an embedding, the "stress" and the
        "seconds".
    images : float32 array (n, H, W)
        Classified images.
    names : list of str (n,)
        Classes of the images.
    points : dict of str to float64 array (n, D)
        Embeddings by method.
    """

    summary: dict[str, Any]
    images: np.ndarray
    names: list[str]
    points: dict[str, np.ndarray]


def nearest_neighbours(distances: Shaped[np.ndarray, "n n"], names: Iterable[str]) -> list[str]:
    """Return the class of the nearest neighbour of each image.

    Parameters
    ----------
    distances : array (n, n)
        Distances, such as those of :func:`distance_matrix`.
    names : list of str (n,)
        Classes of the images.

    Returns
    -------
    list of str (n,)
        Classes; of equally near neighbours the first counts.

    Raises
    ------
    ValueError
        If distances are not (n, n) for n names, two or more, or one is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import distance_matrix, nearest_neighbours
    >>> nearest_neighbours(distance_matrix(np.array([[0.0], [1.0], [5.0], [6.0]])), ["A", "A", "B", "B"])
    ['A', 'A', 'B', 'B']
    """
    names, found = list(names), np.array(distances, dtype=np.float64)
    if found.shape != (len(names),) * 2 or len(names) < 2 or not np.isfinite(found).all():
        raise ValueError(f"distances must be finite, (n, n) for the n names, two or more, got {found.shape} for {len(names)} names")
    np.fill_diagonal(found, np.inf)
    return [names[i] for i in found.argmin(axis=1)]


def classification_task(
    methods: Mapping[str, Descriptor],
    items: Iterable[Mapping[str, Any]],
    *,
    dimensions: int = 6,
    per_class: int | None = None,
    progress: Progress = None,
) -> Classification:
    """Embed images of known classes, and compare the class of each image with that of its nearest neighbour.

    Constant images have no texture. They are left out and listed in the summary.

    Parameters
    ----------
    methods : dict of str to Descriptor
        Descriptors by name.
    items : iterable of dict
        Items with ``image`` (H, W) or (1, H, W), ``name``, the class, and ``index`` in the class, such as those of
        :class:`twopoint_models.data.MICRO2D`.
    dimensions : int
        Number D* of dimensions.
    per_class : int, optional
        Number of images of each class to use, the first ones; by default all.
    progress : callable, optional
        Called with the number of images described and the total.

    Returns
    -------
    Classification

    Raises
    ------
    TypeError, ValueError
        If methods are empty, images differ in size, or fewer than D* + 1 are left.

    References
    ----------
    The measure is our own. The embedding is that of Lubbers et al., section IV.C, with the D* at which the stress in their Fig. 8 levels
    off.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import Descriptor, classification_task
    >>> rng = np.random.default_rng(0)
    >>> items = [{"image": rng.random((8, 8)) < share, "name": str(share), "index": i} for share in (0.1, 0.6) for i in range(4)]
    >>> found = classification_task({"lags": Descriptor("two_point")}, items, dimensions=2)
    >>> found.summary["methods"]["lags"]["accuracy"], found.summary["left_out"]
    (1.0, [])
    """
    named(methods)
    items = _first(items, None if per_class is None else positive("per_class", per_class))
    constant = [bool(np.ptp(item["image"].astype(np.float32)) == 0) for item in items]
    kept = [item for item, out in zip(items, constant, strict=True) if not out]
    if len(kept) <= dimensions:
        raise ValueError(
            f"items must hold {dimensions + 1} or more images that are not constant, for {dimensions} dimensions, got {len(kept)}"
        )
    images = [item["image"].astype(np.float32) for item in kept]
    images = [image[0] if image.ndim == 3 else image for image in images]
    names = [str(item["name"]) for item in kept]
    rows: dict[str, dict[str, Any]] = {}
    points: dict[str, np.ndarray] = {}
    for i, (method, describe) in enumerate(methods.items()):
        began = time.perf_counter()
        distances = distance_matrix(describe(images, progress=part_of(progress, i * len(images), len(methods) * len(images))))
        found = embed(distances, dimensions)
        points[method] = found.points
        rows[method] = _row(names, [int(item["index"]) for item in kept], distance_matrix(found.points))
        rows[method]["accuracy_of_distances"] = _share(names, nearest_neighbours(distances, names))
        rows[method] |= {"stress": found.stress, "seconds": time.perf_counter() - began}
    left_out = [{"name": str(item["name"]), "index": int(item["index"])} for item, out in zip(items, constant, strict=True) if out]
    about = {"classes": sorted(set(names)), "images": len(kept), "left_out": left_out, "dimensions": dimensions}
    return Classification(about | {"methods": rows}, np.stack(images), names, points)


def _first(items: Iterable[Mapping[str, Any]], most: int | None) -> list[Mapping[str, Any]]:
    """Return the first items of each class, with their images as arrays."""
    taken: dict[str, int] = {}
    found: list[Mapping[str, Any]] = []
    for item in items:
        taken[item["name"]] = taken.get(item["name"], 0) + 1
        if most is None or taken[item["name"]] <= most:
            found.append({**item, "image": np.asarray(item["image"])})
    return found


def _row(names: list[str], indices: list[int], distances: np.ndarray) -> dict[str, Any]:
    """Return accuracies in an embedding, and the confusion matrix."""
    classes, found = sorted(set(names)), nearest_neighbours(distances, names)
    matrix = np.zeros((len(classes),) * 2, dtype=int)
    np.add.at(matrix, ([classes.index(name) for name in names], [classes.index(name) for name in found]), 1)
    same = np.equal.outer(indices, indices)
    others = nearest_neighbours(np.where(same, 2 * distances.max() + 1, distances), names)  # farther than all others
    alone = None if same.all() else _share(names, others)
    return {"accuracy": _share(names, found), "accuracy_of_other_indices": alone, "confusion": matrix.tolist()}


def _share(names: list[str], found: list[str]) -> float:
    """Return the share of equal entries."""
    return float(np.mean([a == b for a, b in zip(names, found, strict=True)]))
