"""Properties from descriptions of patches: regressions, the splits that judge them, and their errors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

KINDS = ("linear", "svr", "mean")


class Prediction(NamedTuple):
    """What a regression says of patches that it was not fitted to.

    Attributes
    ----------
    at : int array (m,)
        Which patches.
    predicted, wanted : float64 arrays (m,)
        In the property's unit.
    """

    at: np.ndarray
    predicted: np.ndarray
    wanted: np.ndarray

    @property
    def r2(self) -> float:
        """The coefficient of determination, 1 at best, 0 for the mean of what is wanted; NaN where all wanted values are one."""
        spread = ((self.wanted - self.wanted.mean()) ** 2).sum()
        return float(1 - ((self.predicted - self.wanted) ** 2).sum() / spread) if spread else float("nan")

    @property
    def mape(self) -> float:
        """The mean absolute error in percent of what is wanted."""
        return float(100 * np.mean(np.abs(self.predicted - self.wanted) / np.abs(self.wanted)))


def predict(features: Float[np.ndarray, "n d"], values: Float[np.ndarray, " n"], left_out: Bool[np.ndarray, " n"], kind: str) -> Prediction:
    """Fit a regression to some patches and predict the others' property.

    Parameters
    ----------
    features : array (n, d)
        Descriptions of patches, such as latents.
    values : array (n,)
        Their property; none 0.
    left_out : bool array (n,)
        Which patches are predicted.
    kind : "linear", "svr" or "mean"
        Least squares; support vectors with a Gaussian kernel (C = 10, width by scikit-learn's "scale"), features and property brought to
        mean 0 and variance 1; always the mean of the properties that occur, each once, which looks at no patch.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        If the arrays differ in length, hold what is not finite, a property is 0, or nothing is left to fit or to predict.

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
    regression = LinearRegression() if kind == "linear" else SVR(C=10.0)
    whole = TransformedTargetRegressor(make_pipeline(StandardScaler(), regression), transformer=StandardScaler())
    return Prediction(at, whole.fit(features[~left_out], values[~left_out]).predict(features[at]), values[at])


def random_share(count: int, share: float = 0.2, *, seed: int = 0) -> Bool[np.ndarray, " n"]:
    """Return a random share of the patches: the paper's split, which leaks, since a patch overlaps its neighbours.

    Parameters
    ----------
    count : int
        n.
    share : float
        Of the patches that are left out.
    seed : int
        Another one leaves out others.

    Returns
    -------
    bool array (n,)
    """
    found = np.zeros(count, dtype=bool)
    found[np.random.default_rng(seed).permutation(count)[: round(share * count)]] = True
    return found


def of_parents(parents: Shaped[np.ndarray, " n"], chosen: Sequence[object]) -> Bool[np.ndarray, " n"]:
    """Return the patches of some parents, whole micrographs or parts of such that do not overlap: a split that does not leak."""
    return np.isin(np.asarray(parents), np.asarray(list(chosen)))


def leave_one_out(
    features: Float[np.ndarray, "n d"], values: Float[np.ndarray, " n"], samples: Sequence[str], kind: str
) -> dict[str, Prediction]:
    """Predict each sample's patches by a regression that has seen none of them.

    Parameters
    ----------
    features : array (n, d)
        Descriptions of patches.
    values : array (n,)
        Their property, that of the sample.
    samples : list of str (n,)
        Which sample each patch is of.
    kind : str
        As for :func:`predict`.

    Returns
    -------
    dict of str to Prediction
        By sample, in the order in which they come.

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
