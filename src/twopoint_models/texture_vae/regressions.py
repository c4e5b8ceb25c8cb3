"""Regressions of properties on descriptions of patches, their splits and their errors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

KINDS = ("linear", "svr", "mean", "ridge")
PENALTIES = np.logspace(-5, 2, 15)  # of squared coefficients, where the rows have the total variance 1


class Prediction(NamedTuple):
    """Predictions of a regression for patches that are not in its fit.

    Attributes
    ----------
    at : int array (m,)
        Indices of the patches.
    predicted, target : float64 arrays (m,)
        Predicted and true values, in the unit of the property.
    """

    at: np.ndarray
    predicted: np.ndarray
    target: np.ndarray

    @property
    def r2(self) -> float:
        """The coefficient of determination: 1 at best, 0 for the mean of the true values, NaN if all true values are equal."""
        spread = ((self.target - self.target.mean()) ** 2).sum()
        return float(1 - ((self.predicted - self.target) ** 2).sum() / spread) if spread else float("nan")

    @property
    def mape(self) -> float:
        """The mean absolute error in percent of the true values."""
        return float(100 * np.mean(np.abs(self.predicted - self.target) / np.abs(self.target)))


def predict(features: Float[np.ndarray, "n d"], values: Float[np.ndarray, " n"], left_out: Bool[np.ndarray, " n"], kind: str) -> Prediction:
    """Fit a regression to some patches and predict the property of the others.

    Parameters
    ----------
    features : array (n, d)
        Descriptions of patches, such as latents.
    values : array (n,)
        Property of the patches, nowhere 0.
    left_out : bool array (n,)
        Mask of the patches that are predicted.
    kind : "linear", "svr", "mean" or "ridge"
        "linear" is least squares. "svr" is support vector regression with a Gaussian kernel (C = 10, width by scikit-learn's "scale"). Both
        standardise features and property. "mean" predicts the mean of the distinct values, without features. "ridge" is least squares with
        a penalty on the coefficients, which leaving out one row at a time chooses among the fitted rows; for few rows of many columns,
        whose relative scales it keeps.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        If the arrays differ in length, a number is not finite, a value is 0, or no patch is left to fit or to predict.

    References
    ----------
    Sardeshmukh et al., section 4.4, Table 2.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae import predict
    >>> x = np.arange(1.0, 6.0)
    >>> predict(x[:, None], 2 * x, x == 3, "linear").predicted.round(6)
    array([6.])
    """
    features, values, left_out = np.asarray(features, dtype=np.float64), np.asarray(values, dtype=np.float64), np.asarray(left_out)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    if features.ndim != 2 or values.shape != features.shape[:1] or left_out.shape != values.shape or left_out.dtype != bool:
        shapes = f"{features.shape}, {values.shape} and {left_out.dtype} {left_out.shape}"
        raise ValueError(f"features, values and left_out must be (n, d), (n,) and boolean (n,), got {shapes}")
    if not np.isfinite(features).all() or not np.isfinite(values).all() or not values.all():
        raise ValueError("features and values must be finite, and no value 0")
    if left_out.all() or not left_out.any():
        raise ValueError(f"left_out must leave patches on both sides, got {left_out.sum()} of {left_out.size}")
    at = np.flatnonzero(left_out)
    if kind == "mean":
        return Prediction(at, np.full(at.size, np.unique(values[~left_out]).mean()), values[at])
    if kind == "ridge":
        scale = np.sqrt(features[~left_out].var(axis=0).sum()) or 1.0
        penalised = TransformedTargetRegressor(RidgeCV(PENALTIES), transformer=StandardScaler())
        return Prediction(at, penalised.fit(features[~left_out] / scale, values[~left_out]).predict(features[at] / scale), values[at])
    regression = LinearRegression() if kind == "linear" else SVR(C=10.0)
    whole = TransformedTargetRegressor(make_pipeline(StandardScaler(), regression), transformer=StandardScaler())
    return Prediction(at, whole.fit(features[~left_out], values[~left_out]).predict(features[at]), values[at])


def random_share(count: int, share: float = 0.2, *, seed: int = 0) -> Bool[np.ndarray, " n"]:
    """Return a mask of a random share of the patches, the split of the paper. It leaks, because patches overlap their neighbours.

    Parameters
    ----------
    count : int
        Number n of patches.
    share : float
        Share of the patches that are left out.
    seed : int
        Different seeds leave out different patches.

    Returns
    -------
    bool array (n,)
    """
    found = np.zeros(count, dtype=bool)
    found[np.random.default_rng(seed).permutation(count)[: round(share * count)]] = True
    return found


def of_parents(parents: Shaped[np.ndarray, " n"], chosen: Sequence[object]) -> Bool[np.ndarray, " n"]:
    """Return a mask of the patches of some parents, micrographs or disjoint parts of them: a split that does not leak."""
    return np.isin(np.asarray(parents), np.asarray(list(chosen)))


def leave_one_out(
    features: Float[np.ndarray, "n d"], values: Float[np.ndarray, " n"], samples: Sequence[str], kind: str
) -> dict[str, Prediction]:
    """Predict the patches of each sample by a regression on the other samples.

    Parameters
    ----------
    features : array (n, d)
        Descriptions of patches.
    values : array (n,)
        Property of the patches, that of their sample.
    samples : list of str (n,)
        Sample of each patch.
    kind : str
        As for :func:`predict`.

    Returns
    -------
    dict of str to Prediction
        Predictions by sample, in order of appearance.

    Raises
    ------
    ValueError
        If there are fewer than two samples; as :func:`predict`.

    References
    ----------
    Sardeshmukh et al., section 4.4, Table 3 and Fig. 7, who leave out one.
    """
    names = np.asarray(samples)
    each = list(dict.fromkeys(samples))
    if len(each) < 2:
        raise ValueError(f"samples must be two or more to leave one out, got {each}")
    return {name: predict(features, values, names == name, kind) for name in each}
