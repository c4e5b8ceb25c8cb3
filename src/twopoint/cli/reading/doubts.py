"""What is doubtful in a segmentation of gray values: said in words, never mended; measures that clean images stay far away from."""

from collections.abc import Iterator

import numpy as np

from .image import Image
from .segmentation import Segmentation, written

_NOISE = 0.002  # share of single pixels; a segmented structure of a few pixels' size has a tenth of it
_BINS, _SMOOTH = 128, 3.0  # of the histogram; bins, between which humps are one
_VALLEY = 0.1  # depth between two humps, by the lower one
_PEAK = 0.15  # prominence of a clear peak, by the highest
_UNEVEN = 0.4  # change of one phase's gray value over the image, by the distance of two phases
_SAMPLE = 50_000  # points that light is told from
_CAPTION, _PLAIN, _LEAST_ROWS = 0.5, 0.25, 4  # share of one gray value in a caption's rows and in others; rows that a line of text has
_NEAR = 0.02  # of the range: one gray value, as JPEG keeps it
_THICK = 0.3  # share of a middle phase that is thicker than two pixels


def doubts(image: Image, found: Segmentation, mask: np.ndarray | None) -> Iterator[str]:
    """Yield remarks on a segmentation by thresholds.

    Parameters
    ----------
    image : Image
        Gray values.
    found : Segmentation
        Its phases, cut by thresholds.
    mask : boolean array or None
        Which points count.
    """
    values = image.values if mask is None else image.values[mask]
    yield from _alone(found.labels)
    yield from _captions(image.values, mask)
    if "Otsu" in found.method:
        light = list(_light(image.values, found, mask))
        yield from light or _humps(values, found)  # uneven light moves and splits humps
    yield from _rims(found)


def _alone(labels: np.ndarray) -> Iterator[str]:
    """Say that single pixels stand alone, as noise makes them: they are interface to every statistic."""
    alone = np.ones(labels.shape, dtype=bool)
    for axis in range(alone.ndim):
        same = np.diff(labels, axis=axis) == 0
        first, last = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        alone[first] &= ~same
        alone[last] &= ~same
    share = float(alone.mean())
    if share > _NOISE:
        yield (
            f"{100 * share:.1f} % of the pixels differ from all their neighbours; "
            "that is noise, it adds to the specific surface, and smoothing the image first takes it away"
        )


def _humps(values: np.ndarray, found: Segmentation) -> Iterator[str]:
    """Say that the histogram has one hump, or more clear peaks than there are phases."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    low, high = np.quantile(values, [0.001, 0.999])
    if not low < high:
        return
    count, edges = np.histogram(values, bins=_BINS, range=(float(low), float(high)))
    density, centres = gaussian_filter1d(count.astype(float), _SMOOTH, mode="constant"), (edges[1:] + edges[:-1]) / 2
    cut = int(np.clip(np.searchsorted(centres, found.thresholds[0]), 1, _BINS - 1))
    left, right = int(density[:cut].argmax()), cut + int(density[cut:].argmax())
    lower = float(min(density[left], density[right]))
    if found.n_phases == 2 and 1 - float(density[left : right + 1].min()) / lower < _VALLEY:
        yield (
            "the gray values form one hump, without a valley between two phases, so that the threshold is arbitrary; "
            "smooth the image first, or give --threshold"
        )
    padded = np.concatenate([[0.0], density, [0.0]])
    peaks = find_peaks(padded, prominence=_PEAK * padded.max())[0] - 1
    if len(peaks) > found.n_phases:
        listed = ", ".join(written(round(float(centres[peak])), values.dtype) for peak in peaks)
        yield f"the gray values have {len(peaks)} clear peaks, at {listed}, and were cut into {found.n_phases} phases; see --phases"


def _light(values: np.ndarray, found: Segmentation, mask: np.ndarray | None) -> Iterator[str]:
    """Say that gray values within each phase change across the image alike, as under uneven light."""
    counting = np.ones(values.shape, dtype=bool) if mask is None else mask
    at = np.flatnonzero(counting)
    at = at[:: max(1, len(at) // _SAMPLE)]
    place = [(i / max(n - 1, 1) - 0.5) for i, n in zip(np.unravel_index(at, values.shape), values.shape, strict=True)]
    terms = np.stack([np.ones(len(at)), *place, sum(along**2 for along in place)], axis=-1)  # level, slope, vignette
    gray, labels = values.reshape(-1)[at].astype(float), found.labels.reshape(-1)[at]
    means = [float(gray[labels == h].mean()) if (labels == h).sum() > 100 else np.nan for h in range(found.n_phases)]
    if not np.isfinite(means).all():
        return
    fitted = np.stack([terms @ np.linalg.lstsq(terms[labels == h], gray[labels == h], rcond=None)[0] for h in range(found.n_phases)])
    change, apart = float(np.ptp(fitted, axis=1).min()), float(np.diff(means).min())
    alike = np.corrcoef(fitted).min() if change > 0 else 0.0
    if change > _UNEVEN * apart and alike > 0.7:
        yield (
            f"the light seems uneven: within one phase the gray value changes by {change:.3g} across the image, and phases are {apart:.3g} "
            "apart; a threshold follows the light then, so subtract the background first"
        )


def _captions(values: np.ndarray, mask: np.ndarray | None) -> Iterator[str]:
    """Say that rows at the upper or lower edge hold mostly one gray value, as a caption or a bar below a micrograph does."""
    if values.ndim != 2 or mask is not None:
        return
    height, near = len(values), _NEAR * (float(values.max()) - float(values.min()))
    for edge, rows in (("last", values[::-1]), ("first", values)):
        share = np.mean(np.abs(rows - np.median(rows[0]).astype(float)) <= near, axis=1)
        band = int(np.argmin(share > _CAPTION)) if not (share > _CAPTION).all() else height
        if _LEAST_ROWS <= band <= height // 3 and np.median(share[band:]) < _PLAIN:
            kept = f"{band}:" if edge == "first" else f":{height - band}"
            yield f"the {edge} {band} rows are mostly of one gray value, as a caption or a scale bar is; --window {kept},: leaves them out"


def _rims(found: Segmentation) -> Iterator[str]:
    """Say that a middle phase is mostly the blurred edge between a darker and a brighter one."""
    from scipy.ndimage import binary_dilation, binary_opening

    block = np.ones((3,) * found.labels.ndim, dtype=bool)
    for h in range(1, found.n_phases - 1):
        phase = found.labels == h
        thin = phase & ~binary_opening(phase, block)
        between = binary_dilation(found.labels < h, block, iterations=2) & binary_dilation(found.labels > h, block, iterations=2)
        if thin.sum() > (1 - _THICK) * phase.sum() and (thin & between).sum() > 0.8 * thin.sum():
            yield f"phase {h} is mostly a rim between a darker and a brighter phase, at most two pixels thick, as blur makes it"
