"""Segmentation: a few distinct values are labels of phases, many are gray values that thresholds cut into phases."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..terminal import InputError
from .image import MOST_LABELS, Image

MOST_LOOK_LIKE_LABELS = 32  # distinct integers in a file of arrays; more are gray values
MOST_PHASES = 5  # that Otsu's method finds within seconds
_SAMPLE = 100_000  # points that are looked at first


@dataclass(frozen=True)
class Segmentation:
    """Labels of phases, and how they were obtained.

    Attributes
    ----------
    labels : uint8 array (*space)
        Phases 0..N-1, from dark to bright.
    values : tuple of float
        The value of each label; empty if thresholds were used.
    thresholds : tuple of float
        In ascending order; a value above the k-th (k = 1, 2, ...) belongs to phase k or a higher one. Empty if values are labels.
    method : str
        A description for the user.
    """

    labels: np.ndarray
    values: tuple[float, ...]
    thresholds: tuple[float, ...]
    method: str

    @property
    def n_phases(self) -> int:
        """Number of phases."""
        return len(self.values) or len(self.thresholds) + 1


def segment(image: Image, *, threshold: str | None = None, phases: int | None = None, mask: np.ndarray | None = None) -> Segmentation:
    """Segment an image into phases.

    Up to 8 distinct values are labels, in ascending order. More are gray values, which Otsu's method cuts into ``phases`` (default 2).
    However, 9 to 32 distinct integers of a .npy or HDF5 file are refused, as they may be labels.

    Parameters
    ----------
    image : Image
        Values (*space).
    threshold : str, optional
        Gray values that separate the phases, ``"90"`` or ``"90,170"``.
    phases : int, optional
        Number of phases, 2 to 5 for gray values.
    mask : boolean array (*space), optional
        Points that are used; the others get label 0.

    Returns
    -------
    Segmentation

    Raises
    ------
    InputError
        If values are not finite or all equal, or if a phase would be empty.
    """
    values = image.values if mask is None else image.values[mask]
    _refuse_not_finite(image, values)
    if threshold is not None and phases is not None:
        raise InputError("--threshold and --phases exclude each other: thresholds determine the number of phases")
    if threshold is not None:
        return _cut(image, mask, _parse_thresholds(threshold), "by --threshold")
    distinct = few_values(values, MOST_LOOK_LIKE_LABELS)
    if distinct is not None and len(distinct) == 1:
        raise InputError(f"{image.source} holds the value {distinct[0]:g} only: there is no structure in it")
    if phases is None and distinct is not None:
        _refuse_ambiguous(image, distinct)
    if distinct is not None and len(distinct) <= MOST_LABELS and phases in (None, len(distinct)):
        return _as_labels(image, mask, distinct)
    if distinct is not None and phases is not None and len(distinct) < phases:
        raise InputError(f"{image.source} holds {len(distinct)} distinct values, which cannot be {phases} phases; --phases takes fewer")
    return _cut(image, mask, _otsu(values, phases or 2), "by Otsu's method")


def few_values(values: np.ndarray, most: int) -> np.ndarray | None:
    """Return the distinct values in ascending order, or None if there are more than ``most``; of a large array a sample is tried first."""
    flat = values.reshape(-1)
    if len(np.unique(flat[:: max(1, flat.size // _SAMPLE)])) > most:
        return None
    distinct = np.unique(flat)
    return distinct if len(distinct) <= most else None


def _refuse_not_finite(image: Image, values: np.ndarray) -> None:
    """Raise an error if values are NaN or infinite."""
    if values.dtype.kind == "f":
        wrong = values.size - int(np.count_nonzero(np.isfinite(values)))
        if wrong:
            raise InputError(
                f"{image.source} holds NaN or infinite values, {wrong} of {values.size}; twopoint stats --mask leaves points out"
            )


def _refuse_ambiguous(image: Image, distinct: np.ndarray) -> None:
    """Raise an error for 9 to 32 distinct integers in a file of arrays, which may be labels or gray values."""
    if image.array and distinct.dtype.kind in "iu" and len(distinct) > MOST_LABELS:
        raise InputError(
            f"{image.source} holds {len(distinct)} distinct integers, which may be labels or gray values; at most {MOST_LABELS} labels are "
            "supported, so merge labels first; if they are gray values, --phases 2 or --threshold segments them"
        )


def _as_labels(image: Image, mask: np.ndarray | None, distinct: np.ndarray) -> Segmentation:
    """Return labels that number the distinct values in ascending order."""
    labels = np.minimum(np.searchsorted(distinct, image.values), len(distinct) - 1).astype(np.uint8)
    labels = labels if mask is None else np.where(mask, labels, np.uint8(0))
    return Segmentation(labels, tuple(float(value) for value in distinct), (), f"{len(distinct)} distinct values taken as labels")


def _cut(image: Image, mask: np.ndarray | None, thresholds: tuple[float, ...], how: str) -> Segmentation:
    """Segment by thresholds; raise an error for an empty phase."""
    point_mask = np.ones(image.values.shape, dtype=bool) if mask is None else mask
    labels = np.zeros(image.values.shape, dtype=np.uint8)
    for threshold in thresholds:
        labels += (image.values > threshold) & point_mask
    points = np.bincount(labels[point_mask], minlength=len(thresholds) + 1)
    listed = ", ".join(format_threshold(threshold, image.values.dtype) for threshold in thresholds)
    low, high = _value_range(image, point_mask)
    if not points.all():
        raise InputError(
            f"{image.source}: threshold {listed} leaves phase {int(points.argmin())} empty; the gray values lie in {low:g}..{high:g}"
        )
    noun = "thresholds" if len(thresholds) > 1 else "threshold"
    return Segmentation(labels, (), thresholds, f"{len(thresholds) + 1} phases {how}, {noun} {listed}")


def format_threshold(threshold: float, dtype: np.dtype) -> str:
    """Return a threshold as text, with all digits if the gray values are integers."""
    return f"{threshold:.12g}" if dtype.kind in "iu" else f"{threshold:.4g}"


def _value_range(image: Image, point_mask: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest gray value; raise an error for a range that floating point cannot resolve."""
    inside = image.values[point_mask]
    low, high = float(inside.min()), float(inside.max())
    if high - low < 1e-9 * max(abs(low), abs(high)) or max(abs(low), abs(high)) > 1e30:
        raise InputError(
            f"{image.source} holds gray values {low:g} to {high:g}, a range too narrow or too wide for thresholds; rescale them"
        )
    return low, high


def _parse_thresholds(threshold: str) -> tuple[float, ...]:
    """Parse the thresholds of --threshold, which must ascend."""
    try:
        thresholds = tuple(float(part) for part in threshold.split(","))
    except ValueError as error:
        raise InputError(f"--threshold must be a gray value, or several as 90,170, got {threshold!r}") from error
    ascending = all(low < high for low, high in pairwise(thresholds))
    if not (ascending and all(map(math.isfinite, thresholds)) and len(thresholds) < MOST_LABELS):
        raise InputError(f"--threshold must hold up to {MOST_LABELS - 1} finite gray values in ascending order, got {threshold!r}")
    return thresholds


def _otsu(values: np.ndarray, phases: int) -> tuple[float, ...]:
    """Return the thresholds of Otsu's method, by scikit-image."""
    from skimage.filters import threshold_multiotsu, threshold_otsu

    if not 2 <= phases <= MOST_PHASES:
        raise InputError(f"--phases must be 2 to {MOST_PHASES} for gray values, got {phases}; --threshold allows more")
    # One bin per value for bytes, 256 bins otherwise: the cost of several thresholds grows as a power of the number of bins.
    gray = values.reshape(-1) if values.dtype.itemsize == 1 else values.reshape(-1).astype(np.float64)
    try:
        thresholds = [threshold_otsu(gray)] if phases == 2 else threshold_multiotsu(gray, classes=phases)
    except ValueError as error:
        raise InputError(f"Otsu's method does not find {phases} phases in these gray values; pass --threshold") from error
    return tuple(float(threshold) for threshold in thresholds)
