"""Predictions of properties judged, and the descriptions that a network's latents must beat."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from ..evaluation.intervals import bootstrap_interval
from ..evaluation.tables import markdown_table
from .plausibility import Plausibility

Scores = Mapping[str, Mapping[str, float]]
ERRORS = {"over_deviation": "over the standard deviation", "over_range": "over the range", "over_mean": "over the mean"}
KEYS = ("r2", *ERRORS)  # of the scores of a property


def normalised_errors(predicted: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return the root mean square error of a property over each of three scales of its targets.

    A "normalized RMSE" without a definition, such as the paper's 0.65, may be any of them.

    Parameters
    ----------
    predicted, targets : arrays (n,)

    Returns
    -------
    dict of str to float
        "over_deviation", over the standard deviation, 1 for predicting the mean; "over_range", over the largest minus the smallest;
        "over_mean", over the absolute mean.

    Raises
    ------
    ValueError
        If shapes differ, the targets do not vary, or their mean is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design.tables import normalised_errors
    >>> targets = np.array([1.0, 3.0])
    >>> normalised_errors(targets + 0.5, targets)
    {'over_deviation': 0.5, 'over_range': 0.25, 'over_mean': 0.25}
    """
    predicted, targets = np.asarray(predicted, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if predicted.shape != targets.shape or targets.ndim != 1:
        raise ValueError(f"predicted and targets must be (n,), got {predicted.shape} and {targets.shape}")
    if not targets.std() > 0 or targets.mean() == 0:
        raise ValueError(f"targets must vary and have a mean other than 0, got {targets.size} with mean {targets.mean():g}")
    error = float(np.sqrt(np.mean((predicted - targets) ** 2)))
    scales = dict(over_deviation=targets.std(), over_range=np.ptp(targets), over_mean=abs(targets.mean()))
    return {name: error / float(scale) for name, scale in scales.items()}


def property_scores(
    predicted: Float[np.ndarray, "n p"], targets: Float[np.ndarray, "n p"], properties: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return the coefficient of determination and the normalised errors, by property.

    Parameters
    ----------
    predicted, targets : arrays (n, p)
    properties : p names

    Returns
    -------
    dict of str to dict of str to float
        "r2", 1 at best, and the errors of :func:`normalised_errors`.

    Raises
    ------
    ValueError
        If shapes do not fit, or the targets of a property do not vary or have the mean 0.

    References
    ----------
    Cai et al., section 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design import property_scores
    >>> targets = np.array([[1.0], [3.0]])
    >>> property_scores(targets + 0.5, targets, ["E_x"])["E_x"]["r2"]
    0.75
    """
    predicted, targets = np.asarray(predicted, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if predicted.shape != targets.shape or targets.ndim != 2 or targets.shape[1] != len(properties):
        raise ValueError(f"predicted and targets must be (n, {len(properties)}), got {predicted.shape} and {targets.shape}")
    found = {}
    for name, a, b in zip(properties, predicted.T, targets.T, strict=True):
        if not b.std() > 0:
            raise ValueError(f"targets of {name} must vary, all {b.size} are {b[0]:g}")
        if b.mean() == 0:
            raise ValueError(f"targets of {name} must have a mean other than 0, over which one of the errors is taken")
        errors = normalised_errors(a, b)
        found[name] = {"r2": 1 - errors["over_deviation"] ** 2} | errors
    return found


def summarise_scores(runs: Sequence[Scores]) -> dict[str, dict[str, float]]:
    """Return mean and spread over seeds of the results of :func:`property_scores`.

    Parameters
    ----------
    runs : list of dict
        Scores of each seed.

    Returns
    -------
    dict of str to dict of str to float
        By property: each score, and with "_spread" behind its name its standard deviation; "mean" averages all properties.

    Examples
    --------
    >>> from twopoint_models.design.tables import summarise_scores
    >>> summarise_scores([{"E_x": {"r2": 0.5}}, {"E_x": {"r2": 0.7}}])["E_x"]["r2"]
    0.6
    """
    names = list(runs[0])
    keys = list(runs[0][names[0]])
    whole = [dict(run) | {"mean": {key: float(np.mean([run[name][key] for name in names])) for key in keys}} for run in runs]
    found: dict[str, dict[str, float]] = {}
    for name in [*names, "mean"]:
        rows = {key: np.array([run[name][key] for run in whole]) for key in keys}
        found[name] = {key: float(x.mean()) for key, x in rows.items()} | {f"{key}_spread": float(x.std()) for key, x in rows.items()}
    return found


def table_of_scores(rows: Mapping[str, Scores], key: str) -> str:
    """Return a table in Markdown with mean and spread over seeds, a row for each description and a column for each property.

    Parameters
    ----------
    rows : dict of str to results of :func:`summarise_scores`
    key : "r2", "over_deviation", "over_range" or "over_mean"

    Returns
    -------
    str
    """
    names = list(next(iter(rows.values())))
    lines = [[row, *(f"{scores[x][key]:.3f} ± {scores[x][f'{key}_spread']:.3f}" for x in names)] for row, scores in rows.items()]
    return markdown_table([f"error {ERRORS[key]}" if key in ERRORS else "R2", *names], lines)


def design_error(found: np.ndarray, targets: np.ndarray, counts: np.ndarray | None = None, *, over: np.ndarray | None = None) -> float:
    """Return the root mean square error of designs over the standard deviation of the targets. See :func:`normalised_errors` for others.

    Parameters
    ----------
    found, targets : arrays (n,) or (n, p)
        Properties; with several, their squared normalised errors are averaged.
    counts : bool array (n,), optional
        Designs that count; others are replaced by the mean of the targets.
    over : array (p,), optional
        Other scales than the standard deviation of the targets, such as that of all known microstructures.

    Returns
    -------
    float
        The error, 1 for always the mean.

    Raises
    ------
    ValueError
        If shapes differ, or the targets do not vary.

    References
    ----------
    Cai et al., section 4.3, who do not say by what their error of 0.65 is normalised.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design.tables import design_error
    >>> targets = np.array([1.0, 2.0, 3.0])
    >>> design_error(targets, targets), round(design_error(np.full(3, 2.0), targets), 6)
    (0.0, 1.0)
    """
    return float(np.sqrt(_squared(found, targets, counts, over).mean()))


def _squared(found: np.ndarray, targets: np.ndarray, counts: np.ndarray | None, over: np.ndarray | None) -> np.ndarray:
    """Return the squared normalised error of each design, averaged over its properties, (n,)."""
    found, targets = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (found, targets))
    scale = targets.std(axis=0) if over is None else np.asarray(over, dtype=np.float64)
    if found.shape != targets.shape or not (scale > 0).all():
        raise ValueError(f"found and targets must have one shape, and targets vary, got {found.shape} and {targets.shape}")
    if counts is not None:
        found = np.where(np.asarray(counts)[:, None], found, targets.mean(axis=0))
    squared: np.ndarray = (((found - targets) / scale) ** 2).mean(axis=1)
    return squared


def summarise_designs(
    made: Mapping[str, Any], targets: np.ndarray, near: Mapping[str, Plausibility], *, over: np.ndarray | None = None
) -> dict[str, dict[str, Any]]:
    """Return the errors of the designs of each method, and the number of plausible ones.

    Parameters
    ----------
    made : dict of str to designs with ``found`` and, before thresholding, ``soft`` or None
        Results of :func:`twopoint_models.design.compare.design_by_descent`.
    targets : array (n, p)
    near : dict of str to Plausibility
        Plausibility of the designs of each method.
    over : array (p,), optional
        As for :func:`design_error`.

    Returns
    -------
    dict of str to dict
        By method: "designs" and "plausible", how many; "all", the error of all designs; "interval", its 95 % interval by bootstrap over the
        targets; "largest", the largest error of one design; "counted", the error with implausible designs at the mean; "soft", that before
        thresholding, if it exists; "distance", the median excess CESS, and "limit", that of 95 % of known images.
    """
    summary: dict[str, dict[str, Any]] = {}
    for name, each in made.items():
        squared = _squared(each.found, targets, None, over)
        found: dict[str, Any] = {"designs": len(squared), "plausible": int(near[name].counts.sum()), "all": float(np.sqrt(squared.mean()))}
        found["interval"] = [float(np.sqrt(end)) for end in bootstrap_interval(squared[None], np.mean)]
        found |= {"largest": float(np.sqrt(squared.max())), "counted": design_error(each.found, targets, near[name].counts, over=over)}
        found |= {} if each.soft is None else {"soft": design_error(each.soft, targets, over=over)}
        summary[name] = found | {"distance": float(np.median(near[name].distance)), "limit": near[name].limit}
    return summary


def table_of_designs(summary: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table in Markdown, a row for each method.

    Parameters
    ----------
    summary : dict
        Result of :func:`summarise_designs`.

    Returns
    -------
    str
    """
    columns = ("plausible", "all", "largest", "counted", "soft", "distance", "limit")
    lines = [[name, *(f"{found[key]:.3g}" if key in found else "" for key in columns)] for name, found in summary.items()]
    return markdown_table(["error over the standard deviation", *columns], lines)
