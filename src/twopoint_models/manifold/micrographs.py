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
from .distances import distance_matrix
from .embedding import embed
from .vectors import Descriptor, Progress, named, part_of


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


class Classification(NamedTuple):
    """What nearest neighbours gave.

    Attributes
    ----------
    summary : dict
        For JSON: "classes", the number of "images", those "left_out" as they are constant, "dimensions"; by method in "methods" the
        "accuracy", the "confusion" (true classes down), the "accuracy_of_other_indices" among images of another index alone (in MICRO2D
        those of one index are alike across classes), the "accuracy_of_distances" without an embedding, the "stress" and the "seconds".
    images : float32 array (n, H, W)
        Those that were classified.
    names : list of str (n,)
        Their classes.
    points : dict of str to float64 array (n, D)
        Embeddings by method.
    """

    summary: dict[str, Any]
    images: np.ndarray
    names: list[str]
    points: dict[str, np.ndarray]


def nearest_neighbours(distances: Shaped[np.ndarray, "n n"], names: Iterable[str]) -> list[str]:
    """Return the class of each image's nearest neighbour, itself left out.

    Parameters
    ----------
    distances : array (n, n)
        Such as of :func:`distance_matrix`.
    names : list of str (n,)
        The classes.

    Returns
    -------
    list of str (n,)
        Of equally near ones the first one's.

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
    """Embed images of known classes, and ask of each whether its nearest neighbour is of its class.

    Constant images have no texture; they are left out, and the summary names them.

    Parameters
    ----------
    methods : dict of str to Descriptor
        Ways of description by name.
    items : iterable of dict
        Each with an ``image`` (H, W) or (1, H, W), its class's ``name`` and its ``index`` there, as :class:`twopoint_models.data.MICRO2D`
        gives them.
    dimensions : int
        D*.
    per_class : int, optional
        Take the first so many of each class; all unless given.
    progress : callable, optional
        Called with the number of images described and that of all.

    Returns
    -------
    Classification

    Raises
    ------
    TypeError, ValueError
        If methods are empty, images differ in size, or fewer than D* + 1 are left.

    References
    ----------
    The measure is this project's own; the embedding is that of Lubbers et al., section IV.C, at the D* where their Fig. 8 levels off.

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
    """Return items with their images as arrays, the first so many of each class."""
    taken: dict[str, int] = {}
    found: list[Mapping[str, Any]] = []
    for item in items:
        taken[item["name"]] = taken.get(item["name"], 0) + 1
        if most is None or taken[item["name"]] <= most:
            found.append({**item, "image": np.asarray(item["image"])})
    return found


def _row(names: list[str], indices: list[int], distances: np.ndarray) -> dict[str, Any]:
    """Return accuracies in an embedding, and the matrix of true and found classes."""
    classes, found = sorted(set(names)), nearest_neighbours(distances, names)
    matrix = np.zeros((len(classes),) * 2, dtype=int)
    np.add.at(matrix, ([classes.index(name) for name in names], [classes.index(name) for name in found]), 1)
    same = np.equal.outer(indices, indices)
    others = nearest_neighbours(np.where(same, 2 * distances.max() + 1, distances), names)  # farther than all
    alone = None if same.all() else _share(names, others)
    return {"accuracy": _share(names, found), "accuracy_of_other_indices": alone, "confusion": matrix.tolist()}


def _share(names: list[str], found: list[str]) -> float:
    """Return how often both are the same."""
    return float(np.mean([a == b for a, b in zip(names, found, strict=True)]))
