"""Gray values to phases: few values are labels, many are cut by thresholds; Otsu's where none are given."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..terminal import InputError
from .image import MOST_LABELS, Image

MOST_LOOK_LIKE_LABELS = 32  # integers of a file of arrays: more are gray values
MOST_PHASES = 5  # that Otsu's method tells apart in seconds
_SAMPLE = 100_000


@dataclass(frozen=True)
class Segmentation:
    """Labels, and how they were found.

    Attributes
    ----------
    labels : uint8 array (*space)
        Phases 0..N-1, from dark to bright.
    values : tuple of float
        The value behind each label; empty where thresholds were used.
    thresholds : tuple of float
        A value above the k-th is of phase k at least; empty where values are labels.
    method : str
        How the phases were told apart, as a person reads it.
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
    """Tell the phases of an image apart.

    Up to 8 distinct values are labels in their order. More are gray values, cut by Otsu's method into ``phases`` (2 unless given); but
    9 to 32 distinct integers of a .npy or HDF5 file are refused, as they may be labels.

    Parameters
    ----------
    image : Image
        Values (*space).
    threshold : str, optional
        Gray values that separate the phases, ``"90"`` or ``"90,170"``.
    phases : int, optional
        Number of phases, 2 to 5 for gray values.
    mask : boolean array (*space), optional
        Which points count; others get label 0.

    Returns
    -------
    Segmentation

    Raises
    ------
    InputError
        If values are not finite, or all the same, or a phase would be empty.
    """
    values = image.values if mask is None else image.values[mask]
    _refuse_not_finite(image, values)
    if threshold is not None and phases is not None:
        raise InputError("--threshold and --phases exclude each other: thresholds say how many phases there are")
    if threshold is not None:
        return _cut(image, mask, _numbers(threshold), "by --threshold")
    distinct = few_values(values, MOST_LOOK_LIKE_LABELS)
    if distinct is not None and len(distinct) == 1:
        raise InputError(f"{image.source} holds the value {distinct[0]:g} only: there is no structure in it")
    if phases is None and distinct is not None:
        _refuse_doubtful(image, distinct)
    if distinct is not None and len(distinct) <= MOST_LABELS and phases in (None, len(distinct)):
        return _as_labels(image, mask, distinct)
    if distinct is not None and phases is not None and len(distinct) < phases:
        raise InputError(f"{image.source} holds {len(distinct)} distinct values, which cannot be {phases} phases; --phases takes fewer")
    return _cut(image, mask, _otsu(values, phases or 2), "by Otsu's method")


def few_values(values: np.ndarray, most: int) -> np.ndarray | None:
    """Return the distinct values in order, or None where there are more than the most; large arrays by a sample first."""
    flat = values.reshape(-1)
    if len(np.unique(flat[:: max(1, flat.size // _SAMPLE)])) > most:
        return None
    distinct = np.unique(flat)
    return distinct if len(distinct) <= most else None


def _refuse_not_finite(image: Image, values: np.ndarray) -> None:
    """Refuse NaN and infinity at points that count."""
    if values.dtype.kind == "f":
        wrong = values.size - int(np.count_nonzero(np.isfinite(values)))
        if wrong:
            raise InputError(
                f"{image.source} holds NaN or infinite values, {wrong} of {values.size}; twopoint stats --mask leaves points out"
            )


def _refuse_doubtful(image: Image, distinct: np.ndarray) -> None:
    """Refuse a dozen integers of a file of arrays: labels of a dozen phases and gray values look the same."""
    if image.array and distinct.dtype.kind in "iu" and len(distinct) > MOST_LABELS:
        raise InputError(
            f"{image.source} holds {len(distinct)} distinct integers, which may be labels, and up to {MOST_LABELS} are taken as labels; "
            "if they are gray values, --phases 2 or --threshold segments them, otherwise merge labels first"
        )


def _as_labels(image: Image, mask: np.ndarray | None, distinct: np.ndarray) -> Segmentation:
    """Number values in their order."""
    labels = np.minimum(np.searchsorted(distinct, image.values), len(distinct) - 1).astype(np.uint8)
    labels = labels if mask is None else np.where(mask, labels, np.uint8(0))
    return Segmentation(labels, tuple(float(value) for value in distinct), (), f"{len(distinct)} distinct values taken as labels")


def _cut(image: Image, mask: np.ndarray | None, thresholds: tuple[float, ...], how: str) -> Segmentation:
    """Segment by thresholds; refuse a phase without a point."""
    counting = np.ones(image.values.shape, dtype=bool) if mask is None else mask
    labels = np.zeros(image.values.shape, dtype=np.uint8)
    for level in thresholds:
        labels += (image.values > level) & counting
    points = np.bincount(labels[counting], minlength=len(thresholds) + 1)
    listed = ", ".join(written(level, image.values.dtype) for level in thresholds)
    low, high = _range(image, counting)
    if not points.all():
        raise InputError(
            f"{image.source}: threshold {listed} leaves phase {int(points.argmin())} empty, as its values lie in {low:g}..{high:g}"
        )
    what = "thresholds" if len(thresholds) > 1 else "threshold"
    return Segmentation(labels, (), thresholds, f"{len(thresholds) + 1} phases {how}, {what} {listed}")


def written(level: float, dtype: np.dtype) -> str:
    """Return a threshold as a person reads it: in full for integers, as they are counted."""
    return f"{level:.12g}" if dtype.kind in "iu" else f"{level:.4g}"


def _range(image: Image, counting: np.ndarray) -> tuple[float, float]:
    """Return the least and the largest gray value; refuse a range that arithmetic cannot resolve."""
    inside = image.values[counting]
    low, high = float(inside.min()), float(inside.max())
    if high - low < 1e-9 * max(abs(low), abs(high)) or max(abs(low), abs(high)) > 1e30:
        raise InputError(f"{image.source} holds gray values {low:g} to {high:g}, too narrow or too wide a range to be cut; rescale them")
    return low, high


def _numbers(threshold: str) -> tuple[float, ...]:
    """Return the thresholds that a person typed, which must rise."""
    try:
        levels = tuple(float(part) for part in threshold.split(","))
    except ValueError as error:
        raise InputError(f"--threshold must be a gray value, or several as 90,170, got {threshold!r}") from error
    rising = all(low < high for low, high in pairwise(levels))
    if not (rising and all(math.isfinite(level) for level in levels) and len(levels) < MOST_LABELS):
        raise InputError(f"--threshold must hold up to {MOST_LABELS - 1} finite gray values that rise, got {threshold!r}")
    return levels


def _otsu(values: np.ndarray, phases: int) -> tuple[float, ...]:
    """Return Otsu's thresholds, scikit-image's."""
    from skimage.filters import threshold_multiotsu, threshold_otsu

    if not 2 <= phases <= MOST_PHASES:
        raise InputError(f"--phases must be 2 to {MOST_PHASES} for gray values, which --threshold cuts into more, got {phases}")
    # One bin a value for bytes, 256 for all else: the search for several thresholds grows as a power of the bins.
    gray = values.reshape(-1) if values.dtype.itemsize == 1 else values.reshape(-1).astype(np.float64)
    try:
        found = [threshold_otsu(gray)] if phases == 2 else threshold_multiotsu(gray, classes=phases)
    except ValueError as error:
        raise InputError(f"Otsu's method finds no {phases} phases in these gray values; --threshold says where to cut") from error
    return tuple(float(level) for level in found)
