"""The two-point cluster function: the probability that two points lie in one connected cluster of a phase."""

import math

import numpy as np
from jaxtyping import Bool, Float

from ..arrays import checks
from ..arrays.types import Array
from ..statistics.lags import Lags, from_space, product, to_lags
from .cluster_pairs import pair_sums
from .components import Clusters, label_clusters
from .fields import require_connectivity
from .indicators import indicators_of


def cluster_correlation(
    m: Float[Array, "*microstructure"] | Bool[Array, "*microstructure"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    connectivity: str = "faces",
    crop: int | tuple[int, ...] | None = None,
    centered: bool | None = None,
    implied_phase: bool = False,
    samples: int | None = None,
    seed: int = 0,
) -> Float[Array, "..."]:
    """Return the two-point cluster function C2, the probability that two points r apart lie in one connected cluster of a phase.

    It is the autocorrelation of a phase without the pairs of points in different clusters, so it is at most the autocorrelation. It
    is zero at lags beyond the largest cluster, and stays above zero at all lags if a cluster percolates.

    A periodic microstructure is a torus: clusters continue at the opposite border, and the lag r of two points is taken modulo the extents.
    Two points of a cluster that wraps around are therefore in one cluster at every lag between them: C2 of a phase that is one such cluster
    is its autocorrelation, and C2 of a phase that fills the space is 1.

    Parameters
    ----------
    m : array (..., N, *space)
        Indicators of the phases, booleans or 0 and 1 of a floating dtype; with ``implied_phase=True`` phases 1..N-1 only.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    boundary : "periodic" or "open"
        Whether clusters and lags wrap around. With "open" the mean runs over the pairs of points inside the space.
    connectivity : "faces" or "corners"
        Whether two points of a phase are neighbours if they share a face (4 neighbours in 2-D, 6 in 3-D), or also if they share a corner
        (8 and 26).
    crop : int or one int per axis, optional
        Keep n lags from -(n//2) on, centred; at most S along a periodic axis, 2S-1 along an open one.
    centered : bool, optional
        Whether the zero lag is at index L//2 of each axis (True) or at index 0 (False, FFT order). By default (None) it is at index
        L//2 = S-1 with "open", and at index 0 with "periodic"; a crop is always centred. :func:`autocorrelation` is in FFT order by
        default with both, so give both the same value to compare them.
    implied_phase : bool
        Phase 0 holds the points of none of the phases in m.
    samples : int, optional
        Estimate C2 from this number of draws instead of computing it exactly: the mean of the autocorrelation of ``sum of s_c 1_c`` over
        independent random signs s_c of the clusters c. The estimate is unbiased and exact at lag zero, and its error falls as
        1 / sqrt(samples). A draw takes about the time of an autocorrelation, independently of the clusters.
    seed : int
        Seed of the random signs.

    Returns
    -------
    array (..., N, *lags)
        Dimensionless probabilities at the lags that :func:`autocorrelation` has, in the order of ``centered``; C2 at lag zero is the
        volume fraction.

    Raises
    ------
    TypeError
        If m is not an array, is of integers, is traced, or requires a gradient, which clusters do not have.
    ValueError
        If m has other values than 0 and 1, if an option is invalid, or if a shape does not fit.

    Notes
    -----
    The exact values count pairs of points. The cost grows with the total volume of the boxes that hold the clusters: the pairs of small
    clusters are counted together by matrix products, those of large ones by Fourier transforms of their boxes. Only where many large
    clusters interleave, so that their boxes overlap many times, is `samples` faster.

    References
    ----------
    Torquato, Beasley, Chiew, J. Chem. Phys. 88 (1988) 6540, eq. (1); Jiao, Stillinger, Torquato, PNAS 106 (2009) 17634.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> x = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    >>> tp.cluster_correlation(x[None], ndim=1).round(3)
    array([[0.5  , 0.167, 0.   , 0.   , 0.   , 0.167]])
    >>> tp.autocorrelation(x, ndim=1).round(3)
    array([0.5  , 0.167, 0.167, 0.333, 0.167, 0.167])
    """
    found = indicators_of(m, "cluster_correlation", ndim=ndim, boundary=boundary, implied_phase=implied_phase)
    require_connectivity(connectivity)
    centered = not found.periodic if centered is None else centered
    seed = checks.integer("seed", seed, 0)
    samples = None if samples is None else checks.integer("samples", samples, 1)
    lags = Lags(found.space, boundary)
    lags = lags if crop is None else Lags(found.space, boundary, checks.crop_sizes(crop, lags.totals))
    spans = lags.spans(np.zeros(()), np)
    rng = np.random.default_rng(seed)

    def correlate(phase: np.ndarray) -> np.ndarray:
        clusters = label_clusters(phase, periodic=found.periodic, connectivity=connectivity)
        sums = pair_sums(clusters, lags) if samples is None else _sampled_sums(clusters, lags, samples, rng)
        return lags.to_user(sums / spans, np, centered=centered)

    values = [correlate(phase) for phase in found.phases.reshape(-1, *found.space)]
    return found.numbers(np.stack(values).reshape(*found.phases.shape[:-ndim], *lags.shape))


def _sampled_sums(clusters: Clusters, lags: Lags, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Estimate the number of pairs of points in one cluster at each stored lag, (*stored), from random signs of the clusters."""
    power: np.ndarray | float = 0.0
    for _ in range(samples):
        signs = np.append(0.0, rng.choice((-1.0, 1.0), clusters.number)[clusters.of_label])  # 0 outside the phase
        spectrum = from_space(np.take(signs, clusters.labels), lags, np)
        power = power + product(spectrum, spectrum, lags, np, even=True)
    (half,) = to_lags(power / samples, lags, np, even=True)
    sums: np.ndarray = lags.unfold(half, half, np) * float(math.prod(lags.transform))
    return sums
