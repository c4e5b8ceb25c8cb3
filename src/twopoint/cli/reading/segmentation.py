"""Segmentation: labels of phases, or gray values that thresholds cut into phases; ``method`` states every choice."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ..terminal import InputError
from .gray import GrayLevels, gray_levels, threshold_after
from .image import COLOURS_AS_LABELS, MOST_LABELS, Image
from .labels import FewValues, look
from .otsu import otsu

MOST_LOOK_LIKE_LABELS = 32  # distinct integers in a file of arrays; more are gray values
MOST_PHASES = 5  # of gray values; a histogram seldom has more peaks
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
    gray_range : tuple of float or None
        The smallest and the largest gray value without outliers; None if there are no outliers.
    """

    labels: np.ndarray
    values: tuple[float, ...]
    thresholds: tuple[float, ...]
    method: str
    gray_range: tuple[float, float] | None = None

    @property
    def n_phases(self) -> int:
        """Number of phases."""
        return len(self.values) or len(self.thresholds) + 1


def segment(image: Image, *, threshold: str | None = None, phases: int | None = None, mask: np.ndarray | None = None) -> Segmentation:
    """Segment an image into phases.

    Up to 8 distinct values are labels, in ascending order, unless most of them lie about the values of fewer phases, as in a JPEG or a
    resized mask: thresholds in the middle between these cut such an image. More values are gray values, which Otsu's method cuts into
    ``phases`` (default 2) without regard to outliers. However, 9 to 32 distinct integers of a .npy or HDF5 file are refused, as they may
    be labels.

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
        If values are not finite or all equal, if they may be labels or gray values, or if a phase would be empty.
    """
    values = image.values if mask is None else image.values[mask]
    _refuse_not_finite(image, values)
    if threshold is not None and phases is not None:
        raise InputError("--threshold and --phases exclude each other: thresholds determine the number of phases")
    levels = gray_levels(values)
    if threshold is not None:
        return _cut(image, mask, levels, _parse_thresholds(threshold), "{n} phases by --threshold, {thresholds}")
    if levels.values[0] == levels.values[-1]:
        raise InputError(f"{image.source} holds the value {levels.values[0]:g} only: there is no structure in it")
    few = levels.few(MOST_LOOK_LIKE_LABELS)
    if few is not None and len(few.values) >= 2:
        found = _of_few_values(image, mask, few, phases)
        if found is not None:
            return found
    return _by_otsu(image, mask, levels, phases or 2)


def _of_few_values(image: Image, mask: np.ndarray | None, few: GrayLevels, phases: int | None) -> Segmentation | None:
    """Return the segmentation of an image with few distinct values; None if these are gray values for Otsu's method."""
    n = len(few.values)
    if phases is not None:
        if n < phases:
            raise InputError(f"{image.source} holds {n} distinct values, which cannot be {phases} phases; --phases takes fewer")
        return _as_labels(image, mask, few) if n == phases else None
    indices = _above(image.values, _bounds(few), mask)
    looked = look(indices, few, mask, numbered=not has_colours(image))
    if looked.how and len(looked.cores) <= MOST_LABELS and (n <= MOST_LABELS or looked.sure):
        return _about_cores(image, mask, few, looked)
    _refuse_ambiguous(image, few)
    if n > MOST_LABELS:
        return None
    if not looked.decided:
        raise InputError(
            f"{image.source} holds {n} distinct values, {_listed(few.values)}, which may be labels or gray values; --phases {n} takes each "
            "as a phase, --phases 2 or --threshold segments them"
        )
    return _as_labels(image, mask, few, indices)


def _about_cores(image: Image, mask: np.ndarray | None, few: GrayLevels, looked: FewValues) -> Segmentation:
    """Segment values that lie about the values of fewer phases, in the middle between these."""
    cores = few.values[list(looked.cores)].astype(np.float64)
    hint = f"; --phases {len(few.values)} takes each as a phase" if len(few.values) <= MOST_LABELS else ""
    thresholds = tuple(((cores[1:] + cores[:-1]) / 2).tolist())
    return _cut(image, mask, few, thresholds, looked.how + "; {n} phases, {thresholds}" + hint)


def _by_otsu(image: Image, mask: np.ndarray | None, levels: GrayLevels, phases: int) -> Segmentation:
    """Segment gray values by Otsu's method."""
    if not 2 <= phases <= MOST_PHASES:
        raise InputError(f"--phases must be 2 to {MOST_PHASES} for gray values, got {phases}; --threshold allows more")
    inside = levels.without_outliers()
    inside = levels if len(inside.values) <= _SAMPLE and len(np.unique(inside.values)) < phases else inside
    _refuse_range(image, inside)
    return _cut(image, mask, levels, otsu(inside, phases), "{n} phases by Otsu's method, {thresholds}")


def has_colours(image: Image) -> bool:
    """Return whether the values number colours from dark to bright."""
    return any(COLOURS_AS_LABELS in remark for remark in image.remarks)


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


def _refuse_ambiguous(image: Image, few: GrayLevels) -> None:
    """Raise an error for 9 to 32 distinct integers in a file of arrays, which may be labels or gray values."""
    if image.array and few.values.dtype.kind in "iu" and len(few.values) > MOST_LABELS:
        raise InputError(
            f"{image.source} holds {len(few.values)} distinct integers, which may be labels or gray values; at most {MOST_LABELS} labels "
            "are supported, so merge labels first; if they are gray values, --phases 2 or --threshold segments them"
        )


def _as_labels(image: Image, mask: np.ndarray | None, few: GrayLevels, indices: np.ndarray | None = None) -> Segmentation:
    """Return labels that number the distinct values in ascending order."""
    labels = _above(image.values, _bounds(few), mask) if indices is None else indices
    return Segmentation(labels, tuple(few.values.astype(float).tolist()), (), f"{len(few.values)} distinct values taken as labels")


def _bounds(few: GrayLevels) -> list[float]:
    """Return bounds between neighbouring distinct values: the middle for floats, which may differ by rounding."""
    if few.values.dtype.kind in "iu":
        return few.values[:-1].tolist()  # exact, also beyond the precision of floats
    return [threshold_after(few.values, index) for index in range(len(few.values) - 1)]


def _above(values: np.ndarray, bounds: list[float], mask: np.ndarray | None) -> np.ndarray:
    """Return the number of bounds that each value exceeds; 0 outside the mask."""
    labels = np.zeros(values.shape, dtype=np.uint8)
    for bound in bounds:
        above = values > (bound if values.dtype.kind == "f" else math.floor(bound))  # the comparison is made in the dtype of the values
        labels += above if mask is None else above & mask
    return labels


def _cut(image: Image, mask: np.ndarray | None, levels: GrayLevels, thresholds: tuple[float, ...], method: str) -> Segmentation:
    """Segment by thresholds; raise an error for an empty phase."""
    labels = _above(image.values, list(thresholds), mask)
    used = labels if mask is None else labels[mask]
    points = np.array([np.count_nonzero(used == h) for h in range(len(thresholds) + 1)])
    dtype = image.values.dtype
    listed = ", ".join(format_threshold(threshold, dtype) for threshold in thresholds)
    if not points.all():
        low, high = float(levels.values[0]), float(levels.values[-1])
        raise InputError(
            f"{image.source}: threshold {listed} leaves phase {int(points.argmin())} empty; the gray values lie in {low:g}..{high:g}"
        )
    inside = levels.without_outliers()
    _refuse_range(image, inside)
    method = method.format(n=len(thresholds) + 1, thresholds=f"threshold{'s' * (len(thresholds) > 1)} {listed}")
    found = Segmentation(labels, (), thresholds, method)
    outliers = levels.n_points - inside.n_points
    if not outliers:
        return found
    low, high = float(inside.values[0]), float(inside.values[-1])
    ends = f"{format_threshold(low, dtype)}..{format_threshold(high, dtype)}"
    noun = "outliers" if outliers > 1 else "outlier"
    said = f"; {outliers} {noun} outside {ends}, without effect on the threshold" if "Otsu" in method else ""
    return replace(found, method=method + said, gray_range=(low, high))


def format_threshold(threshold: float, dtype: np.dtype) -> str:
    """Return a threshold as text, with all digits if the gray values are integers."""
    return f"{threshold:.12g}" if dtype.kind in "iu" else f"{threshold:.4g}"


def _listed(values: np.ndarray) -> str:
    """Return values as text."""
    return ", ".join(f"{value:g}" for value in values.tolist())


def _refuse_range(image: Image, inside: GrayLevels) -> None:
    """Raise an error for a range of gray values without outliers that floating point cannot resolve."""
    low, high = float(inside.values[0]), float(inside.values[-1])
    largest = max(abs(low), abs(high))
    if high - low < max(1e-9 * largest, 1e-30) or largest > 1e30:
        raise InputError(
            f"{image.source} holds gray values {low:g} to {high:g}, a range too narrow or too wide for thresholds; rescale them"
        )


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
