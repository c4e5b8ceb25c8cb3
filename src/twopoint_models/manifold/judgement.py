"""How well a synthesised texture did: its loss, and 2-point statistics, of which the loss does not speak."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

import twopoint as tp

from .synthesis import Synthesis


def judge(found: Synthesis, image: Shaped[np.ndarray, "*image"], *, seed: int = 0) -> dict[str, Any]:
    """Compare a synthesised texture with the image that it was made after, and both with the noise that it began with.

    Parameters
    ----------
    found : Synthesis
        Of :func:`synthesise`, of the image's size.
    image : array (H, W) or (N, H, W)
        Gray values in [0, 1], each taken as the membership of phase 1 of two; or memberships of N phases.
    seed : int
        That of the synthesis.

    Returns
    -------
    dict
        For JSON: "loss_of_noise", "loss", "fall" (their ratio) and "iterations"; by "texture", by "noise" and, of phases, by "labels" (the
        likeliest phase at each pixel) a dict of "excess_cess" in nats, "statistics_error" as of :func:`twopoint.statistics_error`, and
        "volume_fraction_error", the largest of a phase. Statistics are periodic, all pairs at all lags.

    Raises
    ------
    ValueError
        If sizes differ.

    References
    ----------
    Lubbers et al., Fig. 1; Cai et al., eq. (8).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import Synthesis, judge
    >>> image = np.random.default_rng(1).random((8, 8)).astype(np.float32)
    >>> found = judge(Synthesis(image, np.array([10.0, 0.1])), image)
    >>> found["fall"], found["texture"]["excess_cess"], found["noise"]["statistics_error"] > 0.5
    (100.0, 0.0, True)
    """
    if np.shape(found.image) != np.shape(image):
        raise ValueError(f"image must have the shape of the texture, {np.shape(found.image)}, got {np.shape(image)}")
    target = _phases(image)
    channels = np.random.default_rng(seed).random((len(target) if len(target) > 2 else 1, *target.shape[1:]))
    rows = {"texture": _phases(found.image), "noise": channels / channels.sum(axis=0) if len(channels) > 1 else _phases(channels[0])}
    if np.ndim(image) == 3:
        rows["labels"] = tp.one_hot(rows["texture"].argmax(axis=0), len(target), dtype=np.float64)
    first, last = float(found.history[0]), float(found.history[-1])
    about = {"loss_of_noise": first, "loss": last, "fall": first / last if last else None, "iterations": len(found.history) - 1}
    return about | {name: _compared(m, target) for name, m in rows.items()}


def _phases(image: np.ndarray) -> np.ndarray:
    """Return memberships (N, H, W) as float64."""
    found = np.asarray(image, dtype=np.float64)
    return np.stack([1 - found, found]) if found.ndim == 2 else found


def _compared(m: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Return how far statistics are apart."""
    off = np.abs(tp.volume_fractions(m) - tp.volume_fractions(target))
    excess = float(tp.cess(m, target, excess=True))
    return {"excess_cess": excess, "statistics_error": tp.statistics_error(m, target), "volume_fraction_error": float(off.max())}
