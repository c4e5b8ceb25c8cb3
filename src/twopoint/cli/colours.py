"""Colour images: few colours are labels, many become gray."""

import numpy as np

MOST_LABELS = 8

_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue in brightness: ITU-R BT.601


def to_gray(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn colours into gray values.

    Parameters
    ----------
    values : array (..., channels)
        Gray and alpha, or red, green, blue and perhaps alpha.

    Returns
    -------
    gray : array (...)
        The channel itself where all agree; labels 0..n-1 from dark to bright where there are at most 8 colours; else the brightness
        0.299 R + 0.587 G + 0.114 B, in the channels' own range.
    remarks : tuple of str
        What was done.
    """
    values, remarks = _without_alpha(values)
    if values.shape[-1] == 1 or (values == values[..., :1]).all():
        return values[..., 0], remarks
    with np.errstate(all="ignore"):  # NaN and infinity are refused later, where a mask may have left them out
        gray = values.astype(np.float64) @ np.array(_WEIGHTS)
    labels = _few_colours(values, gray)
    if labels is not None:
        return labels, (*remarks, f"{int(labels.max()) + 1} colours taken as labels, from dark to bright")
    return gray, (*remarks, "colour image converted to gray, 0.299 R + 0.587 G + 0.114 B")


def _without_alpha(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Drop an alpha channel, and say so where it is not the same everywhere."""
    if values.shape[-1] not in (2, 4):
        return values, ()
    alpha, values = values[..., -1], values[..., :-1]
    if (alpha == alpha.flat[0]).all():
        return values, ()
    return values, ("transparency is ignored: pixels are taken with the colour beneath",)


def _few_colours(values: np.ndarray, gray: np.ndarray) -> np.ndarray | None:
    """Return labels from dark to bright of at most 8 colours in integers; None of more."""
    if values.dtype.kind not in "iu":
        return None
    flat, brightness = values.reshape(-1, values.shape[-1]), gray.reshape(-1)
    left = np.ones(len(flat), dtype=bool)
    found: list[tuple[float, list[int], np.ndarray]] = []
    while left.any():
        if len(found) == MOST_LABELS:
            return None
        first = int(left.argmax())
        same = (flat == flat[first]).all(axis=-1)
        found.append((float(brightness[first]), flat[first].tolist(), same))
        left &= ~same
    labels = np.zeros(len(flat), dtype=np.uint8)
    for label, (_, _, same) in enumerate(sorted(found, key=lambda colour: colour[:2])):
        labels[same] = label
    return labels.reshape(gray.shape)
