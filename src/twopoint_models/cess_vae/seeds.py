"""Regimes that were trained with several seeds, compared on the same images: medians and shares with intervals, and their table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..evaluation.tables import markdown_table, rounded
from .comparisons import bootstrap_interval
from .evaluate import ALL, CUMULATIVE, SHARP, SOFT, Scores

Comparison = dict[str, Any]
COLUMNS = ((SOFT, ALL), (SOFT, CUMULATIVE), (SHARP, ALL), (SHARP, CUMULATIVE))


def compare_seeds(scores: Mapping[str, Sequence[Scores]], *, draws: int = 2000) -> Comparison:
    """Compare rows, each trained with one seed or more, on the same images.

    Parameters
    ----------
    scores : dict of str to list of Scores
        The scores of each seed, by row. A row without training has one entry.
    draws : int
        Draws of the bootstrap over seeds and images.

    Returns
    -------
    dict
        For JSON. A number is a dict of ``value`` and ``interval``, the two ends of :func:`comparisons.bootstrap_interval`. ``images``: how
        many. ``rows``, by row: ``seeds``; ``excess``, by output and statistics, the median with ``by_seed``, that of each seed;
        ``interface_ratio``, by binary output, the same, images without an interface left out, None if there is no other;
        ``fraction_error``, by output, the mean.
        ``lower``, by output, statistics and two rows with several seeds: the share of seeds and images on which the first has the lower
        excess; the seeds are paired in their order.

    Raises
    ------
    ValueError
        If there is no row, a row has no scores, or scores differ in their number of images.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluate import score
    >>> from twopoint_models.cess_vae import compare_seeds
    >>> images = np.eye(16)[None, None]
    >>> found = compare_seeds({"itself": [score(images, images)] * 2}, draws=10)
    >>> found["rows"]["itself"]["interface_ratio"]["thresholded"]["value"], found["rows"]["itself"]["seeds"]
    (1.0, 2)
    """
    counts = {len(each.fraction_error[SOFT]) for seeds in scores.values() for each in seeds}
    if not scores or not all(scores.values()) or len(counts) != 1:
        raise ValueError(f"scores must be of one row or more, each of one seed or more on the same images, got images {sorted(counts)}")
    rows = {name: _row(seeds, draws) for name, seeds in scores.items()}
    several = {name: seeds for name, seeds in scores.items() if len(seeds) > 1}
    lower: Comparison = {}
    for output, key in ((output, key) for output, by in next(iter(scores.values()))[0].excess.items() for key in by):
        values = {name: np.stack([each.excess[output][key] for each in seeds]) for name, seeds in several.items()}
        lower.setdefault(output, {})[key] = {a: {b: _share(x, y, draws) for b, y in values.items() if b != a} for a, x in values.items()}
    return {"images": counts.pop(), "rows": rows, "lower": lower}


def seeds_table(comparison: Comparison) -> str:
    """Return the main table in Markdown: medians of the excess CESS by both measures, and ratios of interface lengths, with intervals.

    Parameters
    ----------
    comparison : dict
        Result of :func:`compare_seeds`.

    Returns
    -------
    str
        A table with a line for each row.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluate import score
    >>> from twopoint_models.cess_vae import compare_seeds
    >>> from twopoint_models.cess_vae.seeds import seeds_table
    >>> images = np.eye(16)[None, None]
    >>> seeds_table(compare_seeds({"itself": [score(images, images)]}, draws=10)).splitlines()[2][:30]
    '| itself |     1 |     0 (0 to'
    """
    heads = ["", "seeds", *(f"{output}, {key}" for output, key in COLUMNS), "interface, thresholded"]
    lines = []
    for name, row in comparison["rows"].items():
        cells = [row["excess"][output][key] for output, key in COLUMNS] + [row["interface_ratio"][SHARP]]
        lines.append([name, str(row["seeds"]), *map(_told, cells)])
    return markdown_table(heads, lines)


def _row(seeds: Sequence[Scores], draws: int) -> Comparison:
    """Return the numbers of one row."""
    excess, errors, ratios = zip(*seeds, strict=True)
    return {
        "seeds": len(seeds),
        "excess": {
            output: {key: _median(np.stack([each[output][key] for each in excess]), draws) for key in by}
            for output, by in excess[0].items()
        },
        "interface_ratio": {output: _median(np.stack([each[output] for each in ratios]), draws) for output in ratios[0]},
        "fraction_error": {output: _number(np.stack([each[output] for each in errors]), np.mean, draws) for output in errors[0]},
    }


def _median(values: np.ndarray, draws: int) -> Comparison:
    """Return the median over seeds and samples (k, n) and that of each seed; a sample without a value is left out."""
    values = values[:, ~np.isnan(values).any(axis=0)]
    if not values.size:
        return {"value": None, "interval": [None, None], "by_seed": []}
    return _number(values, np.median, draws) | {"by_seed": np.median(values, axis=1).tolist()}


def _share(a: np.ndarray, b: np.ndarray, draws: int) -> Comparison:
    """Return the share of seeds and samples on which a is below b; ties count half."""
    k = min(len(a), len(b))
    return _number(((a[:k] < b[:k]) + (a[:k] == b[:k]) / 2), np.mean, draws)


def _number(values: np.ndarray, statistic: Any, draws: int) -> Comparison:
    """Return a statistic of values (k, n) with its interval."""
    return {"value": float(statistic(values)), "interval": list(bootstrap_interval(values, statistic, draws=draws))}


def _told(number: Comparison) -> str:
    """Return a number with its interval."""
    if number["value"] is None:
        return ""
    value, low, high = (rounded(x) for x in (number["value"], *number["interval"]))
    return f"{value} ({low} to {high})"
