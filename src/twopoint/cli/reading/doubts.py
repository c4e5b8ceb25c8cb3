"""Doubts about a segmentation: remarks for the user; nothing is corrected, and clean images give no remark."""

from collections.abc import Iterator

import numpy as np

from .gray import OUTLIERS
from .image import Image
from .segmentation import Segmentation

_NOISE = 0.002  # share of isolated pixels; a structure with features of a few pixels has a tenth of it
_BINS, _SMOOTH = 128, 3.0  # of the histogram; width of its smoothing, in bins
_VALLEY = 0.1  # depth of the valley between two peaks, relative to the lower peak
_PEAK = 0.15  # prominence of a clear peak, relative to the highest
_UNEVEN = 0.4  # change of a phase's gray value across the image, relative to the distance between two phases
_SAMPLE = 50_000  # points to which the light is fitted
_CAPTION, _PLAIN, _LEAST_ROWS = 0.5, 0.25, 4  # share of one gray value in rows of a caption and in other rows; rows in a line of text
_NEAR = 0.02  # of the range: a difference that JPEG makes within one gray value
_FLAT, _FLAT_SHARE = 0.025, 0.1  # of the range: gray values in a flat neighbourhood; share of the points in flat parts
_LEVELS, _APART, _MOST_LEVELS = 64, 4, 8  # bins of the histogram of flat parts; empty bins between two levels; levels that may be labels
_STRAY, _LEVEL = 0.001, 0.004  # share of the flat points in a bin between two levels, and in a level
_THICK = 0.3  # share of a middle phase that is thicker than two pixels
_MOST_POINTS = 1 << 22  # points of the middle of a large image in which flat parts are looked for


def doubts(image: Image, segmentation: Segmentation, mask: np.ndarray | None) -> Iterator[str]:
    """Yield remarks on a segmentation that was not made by --threshold, and more on one by thresholds.

    Parameters
    ----------
    image : Image
        Gray values.
    segmentation : Segmentation
        Its phases.
    mask : boolean array or None
        Points that are used; None for all.
    """
    if "--threshold" not in segmentation.method:
        yield from _rare_phases(segmentation, mask)
    if not segmentation.thresholds:
        return
    gray = image.values if segmentation.gray_range is None else np.clip(image.values, *segmentation.gray_range)
    yield from _isolated_pixels(segmentation.labels)
    yield from _captions(gray, mask)
    if "Otsu" in segmentation.method:
        light = list(_uneven_light(gray, segmentation, mask))
        levels = list(_flat_levels(gray, segmentation, mask))
        yield from levels or light or _peaks(gray if mask is None else gray[mask], segmentation)  # uneven light moves and splits peaks
    yield from _rims(segmentation)


def _rare_phases(segmentation: Segmentation, mask: np.ndarray | None) -> Iterator[str]:
    """Remark on phases of less than 0.1 % of the points, which may be outliers."""
    labels = segmentation.labels if mask is None else segmentation.labels[mask]
    for h in range(segmentation.n_phases):
        points = int(np.count_nonzero(labels == h))
        if points < OUTLIERS * labels.size:
            value = f", of the value {segmentation.values[h]:g}," if segmentation.values else ""
            yield (
                f"phase {h}{value} has {points} of {labels.size} points only, {100 * points / labels.size:.2g} %, which may be outliers; "
                "--threshold sets other phases"
            )


def _isolated_pixels(labels: np.ndarray) -> Iterator[str]:
    """Remark on isolated pixels, a sign of noise, which every statistic counts as interface."""
    isolated = np.ones(labels.shape, dtype=bool)
    for axis in range(isolated.ndim):
        same = np.diff(labels, axis=axis) == 0
        first, last = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        isolated[first] &= ~same
        isolated[last] &= ~same
    share = float(isolated.mean())
    if share > _NOISE:
        yield (
            f"{100 * share:.1f} % of the pixels differ from all their neighbours; "
            "this is noise, which adds to the specific surface; smooth the image first to remove it"
        )


def _peaks(values: np.ndarray, segmentation: Segmentation) -> Iterator[str]:
    """Remark on a histogram with a single peak, or with more clear peaks than there are phases."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    low, high = np.quantile(values, [0.001, 0.999])
    if not low < high:
        return
    values = values.astype(np.float64) if values.dtype.kind == "f" else values  # numpy has bins in the precision of the values
    count, edges = np.histogram(values, bins=_BINS, range=(float(low), float(high)))
    density, centres = gaussian_filter1d(count.astype(float), _SMOOTH, mode="constant"), (edges[1:] + edges[:-1]) / 2
    cut = int(np.clip(np.searchsorted(centres, segmentation.thresholds[0]), 1, _BINS - 1))
    left, right = int(density[:cut].argmax()), cut + int(density[cut:].argmax())
    lower = float(min(density[left], density[right]))
    if segmentation.n_phases == 2 and float(density[left : right + 1].min()) > (1 - _VALLEY) * lower:
        yield (
            "the histogram of the gray values has one peak, without a valley between two phases, so the threshold is arbitrary; "
            "smooth the image first, or pass --threshold"
        )
    padded = np.concatenate([[0.0], density, [0.0]])
    peaks = find_peaks(padded, prominence=_PEAK * padded.max())[0] - 1
    if len(peaks) > segmentation.n_phases:
        listed = ", ".join(f"{centres[peak]:.3g}" if values.dtype.kind == "f" else str(round(centres[peak])) for peak in peaks)
        yield f"the gray values have {len(peaks)} clear peaks, at {listed}, but were cut into {segmentation.n_phases} phases; see --phases"


def _flat_levels(values: np.ndarray, segmentation: Segmentation, mask: np.ndarray | None) -> Iterator[str]:
    """Remark on flat parts of more separate gray values than there are phases, as those of labels in a JPEG."""
    from scipy.ndimage import maximum_filter, minimum_filter

    most = int(_MOST_POINTS ** (1 / values.ndim))
    window = tuple(slice(max(0, (n - most) // 2), max(0, (n - most) // 2) + most) for n in values.shape)
    values, mask = values[window], None if mask is None else mask[window]
    low, high = float(values.min()), float(values.max())
    spread = np.subtract(maximum_filter(values, 3), minimum_filter(values, 3), dtype=np.float32)
    flat = spread <= _FLAT * (high - low)
    flat &= True if mask is None else mask
    found = values[flat]
    if len(found) < _FLAT_SHARE * (values.size if mask is None else np.count_nonzero(mask)):
        return
    count, edges = np.histogram(found, bins=_LEVELS, range=(low, high))
    inside = np.concatenate([[0], count > _STRAY * len(found), [0]])
    first, stop = np.flatnonzero(np.diff(inside) > 0), np.flatnonzero(np.diff(inside) < 0)
    apart = first[1:] - stop[:-1] >= _APART
    first, stop = first[np.concatenate([[True], apart])], stop[np.concatenate([apart, [True]])]
    groups = [(count[a:b].sum(), edges[a:b] @ count[a:b] / count[a:b].sum()) for a, b in zip(first, stop, strict=True)]
    levels = [level + (edges[1] - edges[0]) / 2 for points, level in groups if points > _LEVEL * len(found)]
    if segmentation.n_phases < len(levels) <= _MOST_LEVELS:
        listed = ", ".join(f"{level:.3g}" if values.dtype.kind == "f" else str(round(level)) for level in levels)
        yield (
            f"flat parts have {len(levels)} separate gray values, about {listed}, like labels in a JPEG, but were cut into "
            f"{segmentation.n_phases} phases; see --phases and --threshold"
        )


def _uneven_light(values: np.ndarray, segmentation: Segmentation, mask: np.ndarray | None) -> Iterator[str]:
    """Remark on gray values that change across the image in the same way within every phase, a sign of uneven light."""
    point_mask = np.ones(values.shape, dtype=bool) if mask is None else mask
    at = np.flatnonzero(point_mask)
    at = at[:: max(1, len(at) // _SAMPLE)]
    position = [(i / max(n - 1, 1) - 0.5) for i, n in zip(np.unravel_index(at, values.shape), values.shape, strict=True)]
    terms = np.stack([np.ones(len(at)), *position, sum(along**2 for along in position)], axis=-1)  # constant, slope, vignetting
    gray, labels = values.reshape(-1)[at].astype(float), segmentation.labels.reshape(-1)[at]
    means = [float(gray[labels == h].mean()) if (labels == h).sum() > 100 else np.nan for h in range(segmentation.n_phases)]
    if not np.isfinite(means).all():
        return
    fitted = np.stack([terms @ np.linalg.lstsq(terms[labels == h], gray[labels == h], rcond=None)[0] for h in range(segmentation.n_phases)])
    change, distance = float(np.ptp(fitted, axis=1).min()), float(np.diff(means).min())
    similarity = np.corrcoef(fitted).min() if change > 0 else 0.0
    if change > _UNEVEN * distance and similarity > 0.7:
        yield (
            f"the light seems uneven: within one phase the gray value changes by {change:.3g} across the image, and phases differ by "
            f"{distance:.3g}; a threshold would then follow the light, so subtract the background first"
        )


def _captions(values: np.ndarray, mask: np.ndarray | None) -> Iterator[str]:
    """Remark on rows at the upper or lower edge with mostly one gray value, a sign of a caption or a scale bar."""
    if values.ndim != 2 or mask is not None:
        return
    height, near = len(values), _NEAR * (float(values.max()) - float(values.min()))
    for edge, rows in (("last", values[::-1]), ("first", values)):
        share = np.mean(np.abs(rows - np.median(rows[0]).astype(float)) <= near, axis=1)
        band = int(np.argmin(share > _CAPTION)) if not (share > _CAPTION).all() else height
        if _LEAST_ROWS <= band <= height // 3 and np.median(share[band:]) < _PLAIN:
            kept = f"{band}:" if edge == "first" else f":{height - band}"
            yield f"the {edge} {band} rows have mostly one gray value, like a caption or a scale bar; --window {kept},: leaves them out"


def _rims(segmentation: Segmentation) -> Iterator[str]:
    """Remark on a middle phase that is mostly the blurred edge between a darker and a brighter phase."""
    from scipy.ndimage import binary_dilation, binary_opening

    block = np.ones((3,) * segmentation.labels.ndim, dtype=bool)
    for h in range(1, segmentation.n_phases - 1):
        phase = segmentation.labels == h
        thin = phase & ~binary_opening(phase, block)
        between = binary_dilation(segmentation.labels < h, block, iterations=2) & binary_dilation(
            segmentation.labels > h, block, iterations=2
        )
        if thin.sum() > (1 - _THICK) * phase.sum() and (thin & between).sum() > 0.8 * thin.sum():
            yield f"phase {h} is mostly a rim between a darker and a brighter phase, at most two pixels thick, which is a sign of blur"
