"""The relative error of statistics: the distance between two microstructures, as one number."""

import numpy as np

from ..arrays.namespace import namespace, to_numpy
from ..arrays.types import Array
from .functions import correlations
from .phases import one_hot
from .target import Target, TargetStatistics, structure, target_statistics


def statistics_error(m: Array, target: Target, *, ndim: int = 2) -> float:
    """Return the relative error of statistics, ``norm(f - f*) / norm(f* - mean over lags of f*)``, over all pairs and lags, in float64.

    Parameters
    ----------
    m : float array (N, *space), or labels (*space) of integers or booleans
        All phases, none implied.
    target : TargetStatistics without a batch, or microstructure (N, *space)
        f* and its options.
    ndim : int
        Number of spatial axes, if target is a microstructure.

    Returns
    -------
    float
        0 for equal statistics; near 1 for a random arrangement.

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, or if the statistics of the target are the same at every lag.

    References
    ----------
    Cai et al., eq. (1). The documentation of this project reports this error.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> labels = np.eye(8, dtype=int)
    >>> statistics_error(np.roll(labels, 3, axis=0), tp.two_phase(labels)) < 1e-12
    True
    """
    statistics = target if isinstance(target, TargetStatistics) else target_statistics(target, ndim=ndim)
    if statistics.batch_shape:
        raise ValueError(f"target must have no batch, got batch shape {statistics.batch_shape}; index the target statistics, or loop")
    statistics = statistics.map(to_numpy)
    ndim, n, space = statistics.ndim, statistics.n_phases, statistics.shape
    integers = not namespace(m=m).isdtype(m.dtype, "real floating")
    if tuple(m.shape) != (space if integers else (n, *space)):
        raise ValueError(f"m must be of floats of shape {(n, *space)}, or labels of shape {space}, got {m.dtype} of shape {tuple(m.shape)}")
    m = one_hot(to_numpy(m), n, ndim=ndim) if integers else to_numpy(m)
    boundary, mask, crop, pairs = statistics.boundary, statistics.mask, statistics.crop, statistics.pairs or "all"
    f = correlations(m.astype(np.float64), ndim=ndim, boundary=boundary, mask=mask, crop=crop, pairs=pairs)
    expected, scale = statistics.correlations.astype(np.float64), structure(statistics)
    if not scale > 1e-12 * float(np.linalg.norm(expected)):
        raise ValueError("target must have statistics that change with the lag, got statistics that do not, or are not finite")
    return float(np.linalg.norm(f - expected)) / scale
