"""Distances between the statistics of every two of many images, and groups of images that are near each other."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import pair_counts
from ...arrays.namespace import namespace
from ...losses.measures import CrossEntropy, floored_log
from ...statistics.cumulative import sum_boxes_everywhere
from ...statistics.lags import Lags
from .. import memory
from ..analysis import AnalysisOptions, analyse
from ..measures import LEAST_CROP
from ..reading.collect import Input
from ..reading.pairing import are_numbers
from ..terminal import InputError, collecting
from .rows import Record, light
from .statistics import notes_of

MEASURES = {"cess": "excess_cess", "cumulative": "cumulative_excess_cess", "error": "error"}
_MOST_LAGS = {2: 129, 3: 41}  # along each axis, that are kept of an image before the common lags are known
_REACH, _LEAST_REACH = 3.0, 10  # the longest lag by default, in correlation lengths; its least number of steps
_THUMBNAIL = 96  # pixels along the longer side
_SMALL = 0.02  # share of the highest merge of a dendrogram; lower merges are not distinguished
_APART = 1.5  # ratio of two heights of a dendrogram, from which the groups between them are separate


@dataclass(frozen=True)
class MeasuredImage:
    """The statistics of one image near lag 0, and what a table and a picture show of it.

    Attributes
    ----------
    record : dict
        Its numbers without curves.
    f : array (N, N, *lags)
        Its statistics, zero lag at index L//2.
    values : tuple of float
        Values of labels by which phases are paired; empty if they are paired from dark to bright.
    thumbnail : uint8 array (H, W)
        Its labels, thinned; of a volume the middle slice.
    """

    record: Record
    f: np.ndarray
    values: tuple[float, ...]
    thumbnail: np.ndarray

    @property
    def kind(self) -> tuple[Any, ...]:
        """What two images must share to be compared: phases with the values that pair them, axes, spacing, and if periodic the size."""
        spacing, shape = self.record["spacing"], tuple(self.record["shape"])
        size = shape if self.record["boundary"] == "periodic" else len(shape)
        return len(self.f), self.values, size, tuple(spacing["steps"]), spacing["unit"]


@dataclass(frozen=True)
class Group:
    """Images of one kind, and the distances between them.

    Attributes
    ----------
    images : list of MeasuredImage
        The images, in the order of the dendrogram.
    lags : tuple of int
        Lags along each axis that are compared.
    matrices : dict of array (n, n)
        "error", "excess_cess" and "cumulative_excess_cess": row A, column B, with the statistics of A as the target.
    by : str
        The measure of the dendrogram.
    links : array (n - 1, 4)
        The dendrogram as scipy has it, by the images as they are ordered here.
    clusters : list of int
        The number of the cluster of each image, from 1 on; all 1 if there are no separate ones.
    """

    images: list[MeasuredImage]
    lags: tuple[int, ...]
    matrices: dict[str, np.ndarray]
    by: str
    links: np.ndarray = field(repr=False)
    clusters: list[int] = field(default_factory=list)

    @property
    def distance(self) -> np.ndarray:
        """The distance that orders the images, (n, n) and symmetric."""
        return symmetric(self.matrices[self.by], self.by)


def measure_for_distances(task: tuple[Input, AnalysisOptions]) -> MeasuredImage:
    """Measure one image for the comparison with others."""
    image, options = task
    with collecting() as notes:
        analysis = analyse(image.text, options)
    statistics, loaded = analysis.statistics, analysis.loaded
    record = light(analysis.summary()) | {"name": image.name, "notes": notes_of(notes, analysis), "picture": None}
    values = loaded.segmentation.values
    by_order = loaded.colours or are_numbers(values) or not all(value == round(value) for value in values)
    most = statistics.lags if options.crop is not None else tuple(min(n, _MOST_LAGS[statistics.ndim]) for n in statistics.lags)
    near = np.ascontiguousarray(_centre(statistics.f, most))
    return MeasuredImage(record, near, () if by_order else values, thumbnail(loaded.segmentation.labels))


def thumbnail(labels: np.ndarray) -> np.ndarray:
    """Return labels as a small image: thinned, and of a volume the middle slice."""
    plane = labels[labels.shape[0] // 2] if labels.ndim == 3 else labels
    thin = math.ceil(max(plane.shape) / _THUMBNAIL)
    return np.ascontiguousarray(plane[::thin, ::thin])


def compare_all(images: list[MeasuredImage], crop: int | None, by: str) -> list[Group]:
    """Return the distances among images of each kind, the largest group first.

    Parameters
    ----------
    images : list of MeasuredImage
        The images.
    crop : int or None
        The requested number of lags along each axis; None for those up to three times the longest correlation length.
    by : str
        The measure that orders the images, of MEASURES' values.
    """
    kinds: dict[tuple[Any, ...], list[MeasuredImage]] = {}
    for image in images:
        kinds.setdefault(image.kind, []).append(image)
    return [_group(members, crop, by) for members in sorted(kinds.values(), key=len, reverse=True)]


def _group(images: list[MeasuredImage], crop: int | None, by: str) -> Group:
    """Return the distances among images of one kind, ordered so that near ones are neighbours."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    lags = _common_lags(images, crop)
    matrices = _matrices(images, lags)
    if len(images) < 2:
        return Group(images, lags, matrices, by, np.empty((0, 4)), [1])
    condensed = _condensed(symmetric(matrices[by], by))
    order = leaves_list(linkage(condensed, "average", optimal_ordering=True))
    images, matrices = [images[i] for i in order], {name: x[np.ix_(order, order)] for name, x in matrices.items()}
    links = linkage(_condensed(symmetric(matrices[by], by)), "average", optimal_ordering=True)
    return Group(images, lags, matrices, by, links, _clusters(links))


def _condensed(distance: np.ndarray) -> np.ndarray:
    """Return the distances of all pairs once, as scipy takes them."""
    from scipy.spatial.distance import squareform

    return squareform(distance, checks=False)


def symmetric(matrix: np.ndarray, by: str) -> np.ndarray:
    """Return a symmetric distance: the mean of both directions, and of excess cross-entropies, which grow as a square, the root."""
    matrix = np.maximum((matrix + matrix.T) / 2, 0)
    matrix = matrix if by == "error" else np.sqrt(matrix)
    np.fill_diagonal(matrix, 0.0)
    return matrix


def _clusters(links: np.ndarray) -> list[int]:
    """Return the cluster of each image if the dendrogram is cut at its widest gap; one cluster if no gap separates groups."""
    from scipy.cluster.hierarchy import fcluster

    height = cut_height(links)
    number = len(links) + 1
    if height is None:
        return [1] * number
    found = fcluster(links, height, "distance").tolist()
    names = {label: at + 1 for at, label in enumerate(dict.fromkeys(found))}
    return [names[label] for label in found]


def cut_height(links: np.ndarray) -> float | None:
    """Return the height of a dendrogram between groups: in the gap between two merges that grow by the largest factor.

    There are at most half as many groups as images. Heights below 2 % of the highest count as these, so that copies of an image are not
    groups of their own. None if the largest factor is below 1.5: then nothing separates groups.
    """
    heights = links[len(links) // 2 :, 2]
    if len(heights) < 2 or not heights[-1] > 0:
        return None
    heights = np.maximum(heights, _SMALL * heights[-1])
    ratios = heights[1:] / heights[:-1]
    gap = int(np.argmax(ratios))
    return float(heights[gap] * math.sqrt(ratios[gap])) if ratios[gap] > _APART else None


def _common_lags(images: list[MeasuredImage], crop: int | None) -> tuple[int, ...]:
    """Return the lags along each axis that all images have, and that are compared."""
    available = tuple(min(sizes) for sizes in zip(*(image.f.shape[2:] for image in images), strict=True))
    if crop is not None:
        return available
    known = [length for image in images for row in image.record["phases"] if (length := row["correlation_length"]) is not None]
    steps = images[0].record["spacing"]["steps"]
    longest = max(known, default=math.inf)
    reach = [max(math.ceil(min(_REACH * longest / step, n)), _LEAST_REACH) for n, step in zip(available, steps, strict=True)]
    return tuple(max(min(n, 2 * k + 1), min(n, LEAST_CROP)) for n, k in zip(available, reach, strict=True))


def _matrices(images: list[MeasuredImage], lags: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the matrices of all measures, as the command ``compare`` has them for two images."""
    n, size = len(images), len(images[0].f) ** 2 * math.prod(lags)
    memory.require(8 * n * size * 5, f"comparing {n} images with {' x '.join(map(str, lags))} lags", divisible=False)
    f = np.stack([_centre(image.f, lags) for image in images])  # (n, N, N, *lags)
    shapes = [tuple(image.record["shape"]) for image in images]
    periodic = images[0].record["boundary"] == "periodic"
    cumulative = np.empty((n, n))
    for shape in dict.fromkeys(shapes):  # the statistics of A are cumulated by the pairs of points that an image of B's shape has
        count = np.ones(lags) if periodic else pair_counts(np.ones(shape, bool), ndim=len(shape), boundary="open", crop=lags, centered=True)
        columns = [at for at, own in enumerate(shapes) if own == shape]
        cumulative[:, columns] = _excess(_cumulate(f, count), columns)
    matrices = {"error": _errors(f, images), "excess_cess": _excess(f, list(range(n))), "cumulative_excess_cess": cumulative}
    for matrix in matrices.values():
        np.fill_diagonal(matrix, 0.0)  # exactly, not up to rounding
    return matrices


def _errors(f: np.ndarray, images: list[MeasuredImage]) -> np.ndarray:
    """Return the relative error of B's statistics with A's as the target, (A, B)."""
    axes = tuple(range(3, f.ndim))
    flat = f.reshape(len(f), -1)
    scale = np.linalg.norm((f - f.mean(axis=axes, keepdims=True)).reshape(len(f), -1), axis=1)
    for at in np.flatnonzero(~(scale > 1e-12 * np.linalg.norm(flat, axis=1))):
        raise InputError(
            f"the statistics of {images[at].record['source']} are the same at every lag, so that nothing can be compared with them"
        )
    return np.stack([np.linalg.norm(flat - own, axis=1) / norm for own, norm in zip(flat, scale, strict=True)])


def _excess(f: np.ndarray, columns: list[int]) -> np.ndarray:
    """Return the excess CESS of images B of some columns with A's statistics as the target, (A, columns): a product of matrices."""
    number = math.prod(f.shape[3:])
    flat = f.reshape(len(f), -1)
    log = floored_log(flat, CrossEntropy().floor, namespace(f=f))
    own = np.einsum("ai,ai->a", flat, log)
    return (own[:, None] - flat @ log[columns].T) / number


def _cumulate(f: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the means of statistics over the boxes of lags from 0 to each lag, weighted by pairs of points, all centred."""
    odd = tuple(n | 1 for n in count.shape)
    lags, xp = Lags(tuple(n + 1 for n in odd), "open", odd), namespace(f=f)  # a larger space, so that the lags are stored centred
    padding = [(0, whole - n) for whole, n in zip(odd, count.shape, strict=True)]  # an even number of lags lacks the last

    def sums(x: np.ndarray) -> np.ndarray:
        return sum_boxes_everywhere(np.pad(x, [(0, 0)] * (x.ndim - len(padding)) + padding), lags, xp)

    kept: Any = (..., *(slice(0, n) for n in count.shape))
    return np.asarray((sums(f * count) / sums(count))[kept])


def _centre(f: np.ndarray, lags: tuple[int, ...]) -> np.ndarray:
    """Return the centred lags near 0 out of more of them."""
    start = [n // 2 - m // 2 for n, m in zip(f.shape[-len(lags) :], lags, strict=True)]
    kept: Any = (..., *(slice(at, at + m) for at, m in zip(start, lags, strict=True)))
    return np.asarray(f[kept])
