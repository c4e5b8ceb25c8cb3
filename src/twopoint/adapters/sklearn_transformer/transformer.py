"""The estimator: images of microstructures in, rows of 2-point statistics out."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from twopoint import TargetStatistics

from ...arrays.checks import integer, mask_shape
from ...arrays.namespace import namespace
from ...statistics.plan import Options
from .features import LagFolding, list_pairs, name_features, name_lags
from .samples import as_microstructure, complete, count_phases, in_shape, in_shells, statistics

_WORKING_BYTES = 1 << 26  # of phases in one batch; transform needs about six arrays of this size


class TwoPointTransformer(TransformerMixin, BaseEstimator):
    """Turn microstructures into rows of 2-point statistics, ``f[h, k](r) = mean over x of m[h](x) m[k](x+r)``, for PCA and regression.

    X holds one sample in each row: integer or boolean labels (n_samples, *space); floats (n_samples, *space), the probability of phase 1 of
    two; or phase probabilities (n_samples, N, *space), floats or booleans. With ``shape`` samples may also be flat,
    (n_samples, n_features).

    Parameters
    ----------
    n_phases : int, optional
        Number of phases N. By default one more than the largest label in fit, and at least 2. Pass it if a fold may lack a phase.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    shape : ints, optional
        The shape of one sample, (*space) or (N, *space), for flat samples.
    boundary, mask, crop
        As in :func:`twopoint.correlations`; one mask (*space) for all samples. Choose a crop: the number of features grows with the number
        of lags, and lags beyond a few lengths of the structure carry little information.
    pairs : "independent", "unique", "all" or list of (h, k)
        Which phases to correlate. "independent" means 1 <= h <= k: if the phases sum to one, all other pairs follow from these and from
        volume fractions. Use "unique" (h <= k) if they do not.
    implied_phase : bool
        X is (n_samples, N-1, *space), and phase 0 is one minus their sum.
    cumulative : bool
        As in :func:`twopoint.correlations`; not with radial.
    radial : bool
        Average over directions (:func:`twopoint.radial_average`): one feature for each shell instead of each lag.
    spacing : float, or one float for each axis
        Distance between neighbouring points, in the unit of the radii.
    half_lags : bool
        Keep only one of the lags r and -r of each autocorrelation, which is even, times the square root of 2. Distances between samples,
        and therefore PCA, are exactly those of all lags, with half the features. Cross-correlations keep all lags.
    batch_size : int, optional
        Number of samples in a batch; by default as many as fit into 64 MiB of phases.
    dtype : optional
        Floating dtype of the features; by default that of X, and float64 for labels.

    Attributes
    ----------
    n_phases_, space_, sample_shape_
        Number of phases, shape of the space, shape of a sample.
    pairs_ : tuple of (h, k)
        The pairs of phases, in the order of the features.
    lags_ : tuple of arrays of ints
        The lags along each axis, zero in the middle; absent if radial.
    radii_ : array (shells,)
        The radius of each shell, if radial.
    n_features_in_, n_features_out_ : int
        Number of values of a sample, number of features; ``feature_names_in_`` too if X has names.

    Raises
    ------
    TypeError, ValueError
        In fit and transform, as in :func:`twopoint.correlations`; if the shape or the number of phases of X is not as given or fitted; if
        integers have an axis of phases; if batch_size is not a positive integer.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.adapters.sklearn_transformer import TwoPointTransformer
    >>> X = np.random.default_rng(0).integers(0, 2, (10, 16, 16))
    >>> transformer = TwoPointTransformer(crop=3)
    >>> transformer.fit_transform(X).shape
    (10, 9)
    >>> transformer.get_feature_names_out()[:2].tolist()
    ['f11(-1,-1)', 'f11(-1,0)']
    """

    def __init__(
        self,
        n_phases: int | None = None,
        *,
        ndim: int = 2,
        shape: Iterable[int] | None = None,
        boundary: str = "periodic",
        mask: Any = None,
        crop: int | Iterable[int] | None = None,
        pairs: str | Iterable[tuple[int, int]] = "independent",
        implied_phase: bool = False,
        cumulative: bool = False,
        radial: bool = False,
        spacing: float | Iterable[float] = 1.0,
        half_lags: bool = False,
        batch_size: int | None = None,
        dtype: Any = None,
    ) -> None:
        self.n_phases, self.ndim, self.shape = n_phases, ndim, shape
        self.boundary, self.mask, self.crop, self.pairs = boundary, mask, crop, pairs
        self.implied_phase, self.cumulative, self.radial, self.spacing = implied_phase, cumulative, radial, spacing
        self.half_lags, self.batch_size, self.dtype = half_lags, batch_size, dtype

    def fit(self, X: Any, y: Any = None) -> "TwoPointTransformer":
        """Learn the number of phases, the shape of a sample and the features from samples X. y is ignored."""
        Options(self.ndim, self.boundary, implied_phase=self.implied_phase, cumulative=self.cumulative).check()
        if self.cumulative and self.radial:
            raise ValueError("radial must be False with cumulative=True: the mean over a box of lags has no radius")
        X = self._samples(X, reset=True)
        self.sample_shape_ = X.shape[1:]
        self.space_ = X.shape[-self.ndim :]
        if self.mask is not None:
            mask_shape(self._mask(), (), self.space_, namespace(mask=self._mask()))
        self.n_phases_ = self._count_phases(X, self.n_phases)
        self.pairs_ = list_pairs(self.pairs, self.n_phases_)
        radii, first = self._statistics(X[:1])  # (1, pairs, *lags), or (1, pairs, shells)
        self._folding = None
        if radii is not None:
            self.radii_ = radii
        else:
            self.lags_ = tuple(np.arange(n) - n // 2 for n in first.shape[2:])
            wraps = tuple(
                self.boundary == "periodic" and n == s and not self.cumulative for n, s in zip(first.shape[2:], self.space_, strict=True)
            )  # cumulative statistics are not even at -S/2
            self._folding = LagFolding(first.shape[2:], wraps, [h == k for h, k in self.pairs_]) if self.half_lags else None
        self._grid = first.shape[1:]
        self.n_features_out_ = math.prod(self._grid) if self._folding is None else len(self._folding.kept)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Compute the statistics of each sample.

        Parameters
        ----------
        X : array
            Samples of the fitted shape.

        Returns
        -------
        array (n_samples, features)
            Dimensionless probabilities, pair by pair, with the lags in row-major order and zero in the middle.
        """
        check_is_fitted(self)
        X = self._samples(X, reset=False)
        if X.shape[1:] != self.sample_shape_:
            raise ValueError(f"X must hold samples of the fitted shape {self.sample_shape_}, got {X.shape[1:]}")
        self._count_phases(X, self.n_phases_)
        features = np.empty((len(X), self.n_features_out_), dtype=self._dtype(X))
        for part in self._batches(X):
            flat = self._statistics(X[part])[1].reshape(-1, math.prod(self._grid))
            features[part] = flat if self._folding is None else self._folding.fold(flat)
        return features

    def unflatten(self, features: Any) -> np.ndarray:
        """Give features, components or loadings the shape of statistics, for instance for a figure.

        Parameters
        ----------
        features : array (..., features)
            The output of transform, ``PCA.components_``, or the output of ``PCA.inverse_transform``.

        Returns
        -------
        array (..., P, *lags), (..., N, N, *lags) for pairs="all", or (..., P, shells) and (..., N, N, shells) if radial
            Zero lag in the middle.
        """
        check_is_fitted(self)
        features = np.asarray(features)
        if features.ndim < 1 or features.shape[-1] != self.n_features_out_:
            raise ValueError(f"features must be (..., {self.n_features_out_}), got shape {features.shape}")
        full = features if self._folding is None else self._folding.unfold(features)
        grid = (self.n_phases_,) * 2 + self._grid[1:] if isinstance(self.pairs, str) and self.pairs == "all" else self._grid
        return full.reshape(*features.shape[:-1], *grid)

    def target_statistics(self, features: Any) -> TargetStatistics:
        """Turn features into the target of a loss or of :func:`twopoint.reconstruct`, which finds an image that has them.

        With pairs="independent" this needs two periodic, unmasked phases: ``f01 = v - f11`` and ``f00 = 1 - 2 v + f11`` with
        ``v = f11(0)``, which holds for labels and for linear combinations of them, as from PCA. Otherwise fit with pairs="unique".

        Parameters
        ----------
        features : array (..., features)
            The output of transform or of ``PCA.inverse_transform``.

        Returns
        -------
        TargetStatistics
        """
        f, pairs = self.unflatten(features), self.pairs if isinstance(self.pairs, str) else self.pairs_
        if self.radial:
            raise ValueError("radial must be False for target statistics, which need every direction")
        if self.cumulative:
            raise ValueError("cumulative must be False for target statistics, which serve cumulative losses as well")
        if isinstance(pairs, str) and pairs == "independent":
            if self.n_phases_ != 2 or self.boundary == "open" or self.mask is not None:
                raise ValueError('pairs must be "unique" for target statistics, except of two periodic, unmasked phases, got "independent"')
            f, pairs = complete(f, self.ndim), "unique"
        options: dict[str, Any] = {"boundary": self.boundary, "mask": self._mask(), "crop": self.crop, "n_phases": self.n_phases_}
        return TargetStatistics.from_correlations(f, shape=self.space_, pairs=pairs, centered=True, **options).with_all_pairs()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names such as "f01(+3,-2)", phases 0 and 1 at lag (3, -2), or "f11(r=4)", a shell. input_features is only checked."""
        check_is_fitted(self)
        if input_features is not None and len(input_features) != self.n_features_in_:
            n, got = self.n_features_in_, len(input_features)
            raise ValueError(f"input_features should have length equal to number of features ({n}), got {got}")
        fitted = getattr(self, "feature_names_in_", None)
        if input_features is not None and fitted is not None and not np.array_equal(fitted, input_features):
            raise ValueError("input_features is not equal to feature_names_in_")
        points = [f"r={r:g}" for r in self.radii_] if self.radial else name_lags(self.lags_)
        names = name_features(self.pairs_, points, self.n_phases_)
        return names if self._folding is None else names[self._folding.kept]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _samples(self, X: Any, *, reset: bool) -> np.ndarray:
        """Check X; return it as (n_samples, *space) or (n_samples, phases, *space)."""
        if (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) > 2:
            X = check_array(X, allow_nd=True, input_name="X", estimator=self)
            if reset:
                self.n_features_in_ = math.prod(X.shape[1:])
        else:
            X = validate_data(self, X, reset=reset)
        return in_shape(X, self.shape, self.ndim)

    def _statistics(self, X: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Return the radii, if any, and the statistics of a batch, (n_samples, pairs, *lags), or (n_samples, pairs, shells)."""
        form = {"ndim": self.ndim, "implied_phase": self.implied_phase, "dtype": self._dtype(X)}
        m, mask = as_microstructure(X, self.n_phases_, **form), self._mask()
        options = {"ndim": self.ndim, "boundary": self.boundary, "crop": self.crop}
        f = statistics(m, self.pairs, mask, cumulative=self.cumulative, **options)
        return in_shells(f, self.space_, mask, self.spacing, **options) if self.radial else (None, f)

    def _count_phases(self, X: np.ndarray, n_phases: int | None) -> int:
        """Return the number of phases of samples; raise if n_phases differs from it."""
        return count_phases(X, n_phases, ndim=self.ndim, implied_phase=self.implied_phase)

    def _mask(self) -> np.ndarray | None:
        """Return the mask as an array."""
        return None if self.mask is None else np.asarray(self.mask)

    def _dtype(self, X: np.ndarray) -> Any:
        """Return the dtype of the features, at least float32."""
        requested = (X.dtype if X.dtype.kind == "f" else np.float64) if self.dtype is None else self.dtype
        return np.promote_types(requested, np.float32)

    def _batches(self, X: np.ndarray) -> Iterator[slice]:
        """Split the samples into batches."""
        most = _WORKING_BYTES // (self.n_phases_ * math.prod(self.space_) * self._dtype(X).itemsize)
        size = max(1, most) if self.batch_size is None else integer("batch_size", self.batch_size, 1)
        return (slice(i, i + size) for i in range(0, len(X), size))
