"""Mean, variance and principal components of the statistics of a dataset, by dask.array."""

from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
import numpy as np

from ...arrays.checks import integer
from ...arrays.types import Array
from .reading import known_sizes


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """The result of :func:`principal_components`, in numpy arrays.

    Attributes
    ----------
    mean : array (...)
        Mean over the dataset.
    components : array (k, ...)
        Orthonormal directions of largest variance; the entry of largest magnitude of each is positive.
    explained_variance : array (k,)
        Variance along each, divided by n - 1; in the square of the statistic's unit.
    explained_variance_ratio : array (k,)
        Its share of the variance of all entries.
    scores : array (n, k)
        Coordinates of the dataset along the components.
    """

    mean: np.ndarray
    components: np.ndarray
    explained_variance: np.ndarray
    explained_variance_ratio: np.ndarray
    scores: np.ndarray

    def transform(self, f: Any) -> Array:
        """Return the coordinates (n, k) of other statistics (n, ...), of dask or numpy."""
        if tuple(f.shape[1:]) != self.mean.shape:
            raise ValueError(f"f must have the shape (n, {', '.join(map(str, self.mean.shape))}), got {tuple(f.shape)}")
        flat = (f - self.mean).reshape(len(f), -1)
        return flat @ self.components.reshape(len(self.components), -1).T


def mean_and_variance(f: Any, *, ddof: int = 0) -> tuple[Array, Array]:
    """Return mean and variance over a dataset, ``sum (f_i - mean)^2 / (n - ddof)``, which dask computes in one pass.

    Both are those of dask, in float64. dask merges means and sums of squared deviations of chunks, which avoids cancellation.

    Parameters
    ----------
    f : dask array (n, ...)
        What :func:`dataset_correlations` returns, or any other.
    ddof : int
        Subtracted from n, as in numpy.

    Returns
    -------
    two dask arrays (...)
        Not computed yet: ``dask.compute(mean, variance)`` takes one pass over the data, two calls of ``compute`` take two.

    Raises
    ------
    TypeError
        If f is not a dask array, or ddof not an integer.
    ValueError
        If there are not more than ddof statistics.

    References
    ----------
    Chan, Golub, LeVeque, Algorithms for computing the sample variance, The American Statistician 37 (1983).

    Examples
    --------
    >>> import dask, dask.array as da
    >>> from twopoint.adapters.dask_statistics import mean_and_variance
    >>> mean, variance = dask.compute(*mean_and_variance(da.arange(10, chunks=3)))
    >>> float(mean), float(variance)
    (4.5, 8.25)
    """
    if _length(f) <= integer("ddof", ddof, 0):
        raise ValueError(f"f must hold more than ddof={ddof} statistics, got shape {tuple(f.shape)}")
    return f.mean(axis=0, dtype=np.float64), f.var(axis=0, ddof=ddof, dtype=np.float64)


def principal_components(f: Any, n_components: int, *, seed: int = 0, iterations: int = 4, oversampling: int = 10) -> PrincipalComponents:
    """Compute the directions of largest variance over a dataset: ``f_i = mean + sum over c of scores[i, c] components[c]``.

    The randomised singular value decomposition is that of dask, :func:`dask.array.linalg.svd_compressed` with QR iterations, and seed,
    iterations and oversampling are its own. Centring, signs and variances are added here. The result is computed at once, in
    ``2 iterations + 3`` passes over f, of which only some chunks are in memory at a time. Each pass computes f again: if that is slower
    than reading it, store f with :func:`save_zarr` first, or call ``f.persist()`` if it fits into the memory of the workers.

    Parameters
    ----------
    f : dask array (n, ...)
        What :func:`dataset_correlations` returns, or any other.
    n_components : int
        Number of components k, at most n and the number of entries of one statistic.
    seed : int
        Seed of the random directions in which the search starts.
    iterations : int
        Number of subspace iterations. Each divides the error of a component by about the fourth power of the ratio of its singular
        value to the first one beyond the search.
    oversampling : int
        Number of directions in the search beyond k.

    Returns
    -------
    PrincipalComponents

    Raises
    ------
    TypeError, ValueError
        If f is not a dask array, or n_components does not fit it.

    References
    ----------
    Halko, Martinsson, Tropp, Finding structure with randomness, SIAM Review 53 (2011).

    Examples
    --------
    >>> import dask.array as da, numpy as np
    >>> from twopoint.adapters.dask_statistics import principal_components
    >>> line = np.arange(20.0)[:, None] * np.array([0.6, 0.8])
    >>> principal_components(da.from_array(line, chunks=(5, 2)), 1).components.round(6)
    array([[0.6, 0.8]])
    """
    n = _length(f)
    flat = f.reshape(n, -1).rechunk({1: -1}).astype(np.float64)
    k, most = integer("n_components", n_components, 1), min(flat.shape)
    if n < 2 or k > most:
        raise ValueError(f"n_components must be at most {most} for f of shape {tuple(f.shape)}, with n at least 2, got {n_components}")
    options: dict[str, Any] = dict(
        n_power_iter=integer("iterations", iterations, 0), n_oversamples=integer("oversampling", oversampling, 0)
    )
    options |= dict(seed=integer("seed", seed, 0), iterator="QR", compute=True)  # QR keeps small components; each pass frees its chunks
    mean, variance = dask.compute(*mean_and_variance(flat, ddof=1))
    u, s, v = dask.compute(*da.linalg.svd_compressed(flat - mean, k, coerce_signs=False, **options))
    sign = np.sign(v[np.arange(k), np.abs(v).argmax(axis=1)])
    explained, total = s**2 / (n - 1), variance.sum()
    ratio = explained / total if total > 0 else np.zeros(k)
    return PrincipalComponents(mean.reshape(f.shape[1:]), (sign[:, None] * v).reshape(k, *f.shape[1:]), explained, ratio, u * (s * sign))


def _length(f: Any) -> int:
    """Return the number of statistics; raise if f is not a dask array of some."""
    if not isinstance(f, da.Array):
        raise TypeError(f"f must be a dask array (n, *statistic), got {type(f).__name__}; dask.array.from_array creates one")
    known_sizes("f", f)
    if not f.ndim or 0 in f.shape:
        raise ValueError(f"f must have the shape (n, *statistic) and no empty axis, got {tuple(f.shape)}")
    return int(f.shape[0])
