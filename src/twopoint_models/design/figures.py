"""A chart of the errors of predicted properties, by description."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from .tables import ERRORS, KEYS, Scores


def scores_chart(rows: Mapping[str, Scores], key: str = "over_deviation", *, title: str = "") -> Figure:
    """Draw the scores of all descriptions with their spread over seeds, a panel for each property; the mean score sorts them.

    Parameters
    ----------
    rows : dict of str to results of :func:`twopoint_models.design.tables.summarise_scores`
        Scores by description.
    key : "over_deviation", "over_range", "over_mean" or "r2"
        One of the errors of :func:`twopoint_models.design.tables.normalised_errors`, or the coefficient of determination.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no description, or the score is unknown.

    Examples
    --------
    >>> from twopoint_models.design.figures import scores_chart
    >>> score = {"over_deviation": 0.3, "over_deviation_spread": 0.01}
    >>> len(scores_chart({"latents": {"E_x": score, "mean": score}}).axes)
    2
    """
    if not rows or key not in KEYS:
        raise ValueError(f"rows must hold a description, and key be one of {', '.join(KEYS)}, got {len(rows)} and {key!r}")
    names = sorted(rows, key=lambda row: rows[row]["mean"][key], reverse=key != "r2")
    properties = list(rows[names[0]])
    figure = Figure(figsize=(2.4 + 1.15 * len(properties), 0.9 + 0.24 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(properties), sharey=True, squeeze=False)[0]
    for at, name in zip(panels, properties, strict=True):
        found = [rows[row][name] for row in names]
        spread = [each[f"{key}_spread"] for each in found]
        at.errorbar([each[key] for each in found], range(len(names)), xerr=spread, fmt="o", markersize=3.5, capsize=2, color="#1f4e79")
        at.set_title(name, fontsize=8)
        at.tick_params(labelsize=7)
        at.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(range(len(names)), names, fontsize=7)
    figure.suptitle(title or (f"error {ERRORS[key]}" if key in ERRORS else "R2"), fontsize=9)
    return figure
