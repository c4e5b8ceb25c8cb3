"""The end of a search: the interface of a thresholded design moves until the properties meet their targets."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter

ROUNDS = 8
PARTS = np.array([1.0, 0.5, 0.25, 0.125])  # of a step, of which the best is taken
SHARE = 0.01  # of the pixels, which change sides in the first trials of a direction; of fewer, single pixels hide the slope
FARTHEST = 3.0  # trials in one step, so that at most some 3 % of the pixels change sides
ENOUGH = 1e-5  # error over the reachable length at which nothing more is moved
SMOOTH = 2.0  # pixels, standard deviation of the blur of a derivative


def move_interface(
    level: Float[np.ndarray, "height width"],
    misses: Callable[[Bool[np.ndarray, "n height width"]], Float[np.ndarray, "k n"]],
    derivatives: Callable[[Bool[np.ndarray, "height width"]], Float[np.ndarray, "p height width"]],
) -> Float[np.ndarray, "height width"]:
    """Shift a level function until the properties of the phase where it is above 0 meet their targets.

    The function is shifted by a constant and along the derivative of each property by the membership of phase 1, blurred. Pixels change
    sides where the function is near 0, which is at the interface. Steps are Gauss-Newton steps of minimum norm, with slopes measured by
    trials to both sides. After a step that does not help, trials change half as many pixels.

    Parameters
    ----------
    level : float array (H, W)
        Level function, periodic; phase 1 is where it is above 0.
    misses : function: bool array (n, H, W) -> array (k, n)
        Signed distances of microstructures from the targets, over their scales; in the last row from the bounds of the volume fraction,
        which does not grow.
    derivatives : function: bool array (H, W) -> array (p, H, W)
        Derivative of each property by the membership of phase 1 in each pixel.

    Returns
    -------
    float array (H, W)
        A level function whose largest miss is not above that of the given one.

    References
    ----------
    Allaire, Jouve and Toader, J. Comput. Phys. 194 (2004) 363, move level sets by shape derivatives to minimise one objective.
    """
    error, share = misses((level > 0)[None])[:, 0], SHARE
    for _ in range(ROUNDS):
        if np.abs(error).max() <= ENOUGH or not 0 < (level > 0).mean() < 1:
            break
        fields = np.stack([_scaled(field, level, share) for field in _directions(derivatives(level > 0))])
        tried = np.concatenate([level + fields, level - fields])
        above, below = np.split(trials := misses(tried > 0), 2, axis=1)
        step = -np.linalg.lstsq((above - below) / 2, error, rcond=1e-3)[0]
        step *= min(1.0, FARTHEST / max(np.abs(step).sum(), 1e-12))
        levels = level + PARTS[:, None, None] * np.tensordot(step, fields, axes=1)
        levels, found = np.concatenate([levels, tried]), np.concatenate([misses(levels > 0), trials], axis=1)
        allowed = np.abs(found[-1]) <= np.abs(error[-1]) + 1e-12
        best = int(np.where(allowed, np.abs(found).max(axis=0), np.inf).argmin())
        if allowed[best] and np.abs(found[:, best]).max() < np.abs(error).max():
            level, error = levels[best], found[:, best]
        else:
            share /= 2
    return level


def _directions(derivatives: np.ndarray) -> list[np.ndarray]:
    """Return a constant field, and the blurred derivatives without their means."""
    smooth = (gaussian_filter(each, SMOOTH, mode="wrap") for each in derivatives)
    varying = [each - each.mean() for each in smooth]
    return [np.ones(derivatives.shape[1:]), *(each / each.std() for each in varying if each.std() > 0)]


def _scaled(field: np.ndarray, level: np.ndarray, share: float) -> np.ndarray:
    """Return a field times the factor for which it moves a share of the pixels, at least one, to the other side of the level."""
    against = field * level < 0
    if not against.any():
        field, against = -field, field * level > 0
    ratios = np.sort(-level[against] / field[against])
    scaled: np.ndarray = field * ratios[min(round(share * level.size), len(ratios) - 1)] * (1 + 1e-9)
    return scaled
