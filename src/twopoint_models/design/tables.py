"""Predictions of properties judged, and the descriptions that a network's latents must beat."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..evaluation.tables import markdown_table
from .plausibility import Plausibility


def property_scores(
    predicted: Float[np.ndarray, "n p"], wanted: Float[np.ndarray, "n p"], properties: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return by property the coefficient of determination and the normalised error.

    Parameters
    ----------
    predicted, wanted : arrays (n, p)
    properties : p names

    Returns
    -------
    dict of str to dict of str to float
        "r2", 1 at best, and "nrmse", the root mean square of the difference over the standard deviation of what is wanted: 1 for always
        the mean.

    Raises
    ------
    ValueError
        If shapes do not fit, or a property that is wanted does not vary.

    References
    ----------
    Cai et al., section 4.3, whose designs have a normalised error of 0.65.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design import property_scores
    >>> wanted = np.array([[1.0], [3.0]])
    >>> property_scores(wanted + 0.5, wanted, ["E_x"])
    {'E_x': {'r2': 0.75, 'nrmse': 0.5}}
    """
    predicted, wanted = np.asarray(predicted, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    if predicted.shape != wanted.shape or wanted.ndim != 2 or wanted.shape[1] != len(properties):
        raise ValueError(f"predicted and wanted must be (n, {len(properties)}), got {predicted.shape} and {wanted.shape}")
    found = {}
    for name, a, b in zip(properties, predicted.T, wanted.T, strict=True):
        if not b.std() > 0:
            raise ValueError(f"wanted values of {name} must vary, all {b.size} are {b[0]:g}")
        error = float(np.sqrt(np.mean((a - b) ** 2)) / b.std())
        found[name] = {"r2": 1 - error**2, "nrmse": error}
    return found


Scores = Mapping[str, Mapping[str, float]]


def summarise_scores(runs: Sequence[Scores]) -> dict[str, dict[str, float]]:
    """Return mean and spread over seeds of what :func:`property_scores` gives.

    Parameters
    ----------
    runs : list of dict
        Of each seed.

    Returns
    -------
    dict of str to dict of str to float
        By property: "r2", "nrmse", and their standard deviations "r2_spread" and "nrmse_spread"; "mean" is of all properties.

    Examples
    --------
    >>> from twopoint_models.design.tables import summarise_scores
    >>> summarise_scores([{"E_x": {"r2": 0.5, "nrmse": 0.7}}, {"E_x": {"r2": 0.7, "nrmse": 0.5}}])["E_x"]["r2"]
    0.6
    """
    names = list(runs[0])
    whole = [dict(run) | {"mean": {key: float(np.mean([run[name][key] for name in names])) for key in ("r2", "nrmse")}} for run in runs]
    found: dict[str, dict[str, float]] = {}
    for name in [*names, "mean"]:
        rows = {key: np.array([run[name][key] for run in whole]) for key in ("r2", "nrmse")}
        found[name] = {key: float(x.mean()) for key, x in rows.items()} | {f"{key}_spread": float(x.std()) for key, x in rows.items()}
    return found


def table_of_scores(rows: Mapping[str, Scores], key: str) -> str:
    """Return a table in Markdown, a row for each description and a column for each property, mean and spread over seeds.

    Parameters
    ----------
    rows : dict of str to what :func:`summarise_scores` gives
    key : "r2" or "nrmse"

    Returns
    -------
    str
    """
    names = list(next(iter(rows.values())))
    lines = [[row, *(f"{scores[x][key]:.3f} ± {scores[x][f'{key}_spread']:.3f}" for x in names)] for row, scores in rows.items()]
    return markdown_table([key, *names], lines)


def design_error(found: np.ndarray, wanted: np.ndarray, counts: np.ndarray | None = None) -> float:
    """Return the root mean square error of designs over the standard deviation of what was wanted.

    Parameters
    ----------
    found, wanted : arrays (n,) or (n, p)
        Properties; of several the mean of their squared normalised errors is taken.
    counts : bool array (n,), optional
        Designs that do not count enter as the mean of what was wanted.

    Returns
    -------
    float
        1 for always the mean.

    Raises
    ------
    ValueError
        If shapes differ, or what was wanted does not vary.

    References
    ----------
    Cai et al., section 4.3: 0.65.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design.tables import design_error
    >>> wanted = np.array([1.0, 2.0, 3.0])
    >>> design_error(wanted, wanted), round(design_error(np.full(3, 2.0), wanted), 6)
    (0.0, 1.0)
    """
    found, wanted = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (found, wanted))
    if found.shape != wanted.shape or not (wanted.std(axis=0) > 0).all():
        raise ValueError(f"found and wanted must have one shape, and wanted vary, got {found.shape} and {wanted.shape}")
    if counts is not None:
        found = np.where(np.asarray(counts)[:, None], found, wanted.mean(axis=0))
    return float(np.sqrt((((found - wanted) / wanted.std(axis=0)) ** 2).mean()))


def summarise_designs(made: Mapping[str, Any], wanted: np.ndarray, near: Mapping[str, Plausibility]) -> dict[str, dict[str, float]]:
    """Return how far designs of each way are from what was wanted, and how many are plausible.

    Parameters
    ----------
    made : dict of str to designs with ``found`` and, before thresholding, ``soft`` or None
        As of :func:`twopoint_models.design.compare.design_each_way`.
    wanted : array (n,) or (n, p)
    near : dict of str to Plausibility
        Of each way.

    Returns
    -------
    dict of str to dict of str to float
        By way: "plausible", a count; "all", the error of all designs; "counted", with those that are not plausible at the mean; "soft",
        before thresholding, where there is such; "distance", the median excess CESS, and "limit", that of 95 % of known images.
    """
    summary = {}
    for name, each in made.items():
        found = {"plausible": float(near[name].counts.sum()), "all": design_error(each.found, wanted)}
        found["counted"] = design_error(each.found, wanted, near[name].counts)
        found |= {} if each.soft is None else {"soft": design_error(each.soft, wanted)}
        summary[name] = found | {"distance": float(np.median(near[name].distance)), "limit": near[name].limit}
    return summary


def table_of_designs(summary: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table in Markdown, a row for each way.

    Parameters
    ----------
    summary : dict
        Of :func:`summarise_designs`.

    Returns
    -------
    str
    """
    columns = ("plausible", "all", "counted", "soft", "distance", "limit")
    lines = [[name, *(f"{found[key]:.3g}" if key in found else "" for key in columns)] for name, found in summary.items()]
    return markdown_table(["normalised error", *columns], lines)


def write_properties(
    path: str | os.PathLike[str], items: Sequence[Mapping[str, Any]], properties: Sequence[str], mean: np.ndarray, spread: np.ndarray
) -> None:
    """Write a table (CSV): class and index of each image, its properties, and the spread of a predictor's members.

    Parameters
    ----------
    path : str or path
    items : list of dict with "name" and "index"
        Of :class:`twopoint_models.data.MICRO2D`.
    properties : p names
    mean, spread : arrays (n, p)
        Of :meth:`twopoint_models.design.PropertyMLP.predict`.
    """
    head = ["class", "index", *properties, *(f"{name} spread" for name in properties)]
    numbers = np.concatenate([mean, spread], axis=1)
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for item, row in zip(items, numbers, strict=True):
            writer.writerow([item["name"], item["index"], *(f"{x:.6g}" for x in row)])
