"""How far two microstructures are apart in their statistics, as one number."""

import numpy as np

from ._namespace import Array, namespace, to_numpy
from .correlation import correlations
from .phases import one_hot
from .problem import Target
from .statistics import TargetStatistics, target_statistics


def statistics_error(m: Array, target: Target, *, ndim: int = 2) -> float:
    """Return the relative error of statistics, ``norm(f - f*) / norm(f* - mean over lags of f*)``, over all pairs and lags, in float64.

    Parameters
    ----------
    m : float array (N, *space), or labels (*space) of integers or booleans
        All phases, none implied.
    target : TargetStatistics without a batch, or microstructure (N, *space)
        f* and its options.
    ndim : int
        Number of spatial axes, where target is a microstructure.

    Returns
    -------
    float
        0 for equal statistics; near 1 for a random arrangement.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or the target's statistics are the same at every lag.

    References
    ----------
    Cai et al., eq. (1); the error as this project's documentation reports it.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> labels = np.eye(8, dtype=int)
    >>> statistics_error(np.roll(labels, 3, axis=0), tp.two_phase(labels)) < 1e-12
    True
    """
    known = target if isinstance(target, TargetStatistics) else target_statistics(target, ndim=ndim)
    if known.batch_shape:
        raise ValueError(f"target must have no batch, got batch shape {known.batch_shape}; index the target statistics, or loop")
    known = known.map(to_numpy)
    ndim, n = known.ndim, known.n_phases
    integers = not namespace(m=m).isdtype(m.dtype, "real floating")
    m = one_hot(to_numpy(m), n, ndim=ndim) if integers else to_numpy(m)
    if m.shape != (n, *known.shape):
        raise ValueError(f"m must have shape {(n, *known.shape)}, or be labels of shape {known.shape}, got {m.shape}")
    f = correlations(m.astype(np.float64), ndim=ndim, boundary=known.boundary, mask=known.mask, crop=known.crop, pairs=known.pairs or "all")
    wanted = known.correlations.astype(np.float64)
    scale = structure(known)
    if not scale > 1e-12 * float(np.linalg.norm(wanted)):
        raise ValueError("target must have statistics that change with the lag; these do not, or are not finite")
    return float(np.linalg.norm(f - wanted)) / scale


def structure(known: TargetStatistics) -> float:
    """Return the norm of statistics (of numpy arrays) without their mean over lags: what the relative error is relative to."""
    f = known.correlations.astype(np.float64)
    return float(np.linalg.norm(f - f.mean(axis=tuple(range(-known.ndim, 0)), keepdims=True)))
