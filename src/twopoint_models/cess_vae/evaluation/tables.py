"""Tables of scores: a summary for JSON, the same in Markdown, and the numbers of each image for CSV."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import chain
from typing import Any

import numpy as np

from ...evaluation.intervals import bootstrap_interval
from ...evaluation.tables import markdown_table, rounded
from .comparisons import LEAST, pairwise, pairwise_intervals, valley
from .evaluate import ALL, CUMULATIVE, SHARP, SOFT, Scores

Summary = dict[str, Any]
COLUMNS = ((SOFT, ALL), (SOFT, CUMULATIVE), (SHARP, ALL), (SHARP, CUMULATIVE))  # of a comparison of seeds


def summarise(scores: Mapping[str, Scores], names: Sequence[str]) -> Summary:
    """Summarise the scores of several rows, models or trivial reconstructions, on the same images.

    Parameters
    ----------
    scores : dict of str to Scores
        Scores by row.
    names : list of str (n,)
        The class of each image.

    Returns
    -------
    dict
        For JSON. ``images``: their number. ``excess``, by output, statistics and row: ``median``, ``mean``, ``log_mean`` (the geometric
        mean), ``quartiles``; ``valley`` between two modes, None for one mode; with two modes also ``below``, the share of all images below
        the valley, and ``classes``, the share in each class. ``pairwise``, by output, statistics and two rows: how often the first has the
        lower excess, ties count half. ``fraction_error``, by output and row: the mean. ``interface_ratio``, by binary output and row: the
        median, None if no image has an interface; ``interface_by_class``, the same in each class. The 95 % intervals of medians, shares,
        errors and ratios, by bootstrap over the images, are ``interval`` in ``excess``, and ``pairwise_interval``,
        ``fraction_error_interval`` and ``interface_ratio_interval``.

    Raises
    ------
    ValueError
        If there is no row, no image, or rows differ in outputs or length.

    References
    ----------
    Cai et al., section 4.1, Figs 9 to 11.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.evaluate import score
    >>> from twopoint_models.cess_vae import summarise
    >>> images = np.eye(16)[None, None]
    >>> summary = summarise({"half": score(images / 2, images), "all": score(images, images)}, ["diagonal"])
    >>> summary["pairwise"]["soft"]["all lags"]["all"], summary["fraction_error"]["soft"]["half"]
    ({'half': 1.0, 'all': 0.5}, 0.03125)
    """
    names = [str(name) for name in names]
    shapes = {row: [np.shape(x) for x in chain(*(e.values() for e in s.excess.values()))] for row, s in scores.items()}
    if not scores or not names or {(len(names),)} != set(chain(*shapes.values())) or len(set(map(len, shapes.values()))) > 1:
        raise ValueError(
            f"scores must have at least one row, each with at least one image and as many as names, {len(names)}, got {shapes}"
        )
    first = next(iter(scores.values()))
    table: Summary = {"images": len(names), "excess": {}, "pairwise": {}, "pairwise_interval": {}}
    for output, lags in ((output, lags) for output, by in first.excess.items() for lags in by):
        values = {row: s.excess[output][lags] for row, s in scores.items()}
        table["excess"].setdefault(output, {})[lags] = {row: _figures(x, names) for row, x in values.items()}
        table["pairwise"].setdefault(output, {})[lags] = _by_rows(scores, pairwise(values))
        table["pairwise_interval"].setdefault(output, {})[lags] = _by_rows(scores, pairwise_intervals(values))
    return table | _errors(scores, first) | _interfaces(scores, first, np.asarray(names))


def _by_rows(rows: Iterable[str], matrix: np.ndarray) -> Summary:
    """Return the entries of a matrix of two rows by their names."""
    rows = list(rows)
    return {a: dict(zip(rows, found, strict=True)) for a, found in zip(rows, matrix.tolist(), strict=True)}


def _errors(scores: Mapping[str, Scores], first: Scores) -> Summary:
    """Return the mean error of volume fractions by output and row, and its interval."""
    found: Summary = {"fraction_error": {}, "fraction_error_interval": {}}
    for output in first.fraction_error:
        values = {row: s.fraction_error[output] for row, s in scores.items()}
        found["fraction_error"][output] = {row: float(x.mean()) for row, x in values.items()}
        found["fraction_error_interval"][output] = {row: list(bootstrap_interval(x[None], np.mean)) for row, x in values.items()}
    return found


def _interfaces(scores: Mapping[str, Scores], first: Scores, names: np.ndarray) -> Summary:
    """Return the median ratio of interface lengths by binary output and row, its interval, and the median in each class."""
    found: Summary = {"interface_ratio": {}, "interface_ratio_interval": {}, "interface_by_class": {}}
    for output in first.interface_ratio:
        values = {row: s.interface_ratio[output] for row, s in scores.items()}
        known = {row: x[~np.isnan(x)] for row, x in values.items()}
        found["interface_ratio"][output] = {row: _median(x) for row, x in values.items()}
        ends = {row: list(bootstrap_interval(x[None])) if x.size else [None, None] for row, x in known.items()}
        found["interface_ratio_interval"][output] = ends
        classes = dict.fromkeys(names.tolist())
        found["interface_by_class"][output] = {row: {name: _median(x[names == name]) for name in classes} for row, x in values.items()}
    return found


def overview(summary: Summary) -> str:
    """Return the main tables in Markdown, one for each output, with 95 % intervals.

    Parameters
    ----------
    summary : dict
        Result of :func:`summarise`.

    Returns
    -------
    str
        Tables with a line for each row: medians of the excess CESS, the mean error of the volume fraction, and for binary outputs the
        median ratio of the interface length to that of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.evaluate import score
    >>> from twopoint_models.cess_vae.evaluation.tables import overview
    >>> from twopoint_models.cess_vae import summarise
    >>> images = np.eye(16)[None, None]
    >>> print(overview(summarise({"itself": score(images, images)}, ["diagonal"])).splitlines()[2][:27])
    | itself |       0 (0 to 0)
    """
    tables = []
    for output, by in summary["excess"].items():
        found = {f"excess, {key}": {row: (f["median"], f["interval"]) for row, f in rows.items()} for key, rows in by.items()}
        for key, head in (("fraction_error", "volume fraction off"), ("interface_ratio", "interface")):
            if output in summary[key]:
                ends = summary[f"{key}_interval"][output]
                found[head] = {row: (value, ends[row]) for row, value in summary[key][output].items()}
        lines = [[row, *(_ended(*column[row]) for column in found.values())] for row in summary["fraction_error"][output]]
        tables.append(markdown_table([output, *found], lines))
    return "\n".join(tables)


def seeds_table(comparison: Summary) -> str:
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
    >>> from twopoint_models.cess_vae.evaluation.evaluate import score
    >>> from twopoint_models.cess_vae import compare_seeds
    >>> from twopoint_models.cess_vae.evaluation.tables import seeds_table
    >>> images = np.eye(16)[None, None]
    >>> seeds_table(compare_seeds({"itself": [score(images, images)]}, draws=10)).splitlines()[2][:30]
    '| itself |     1 |     0 (0 to'
    """
    heads = ["", "seeds", *(f"{output}, {key}" for output, key in COLUMNS), "interface, thresholded"]
    lines = []
    for name, row in comparison["rows"].items():
        cells = [row["excess"][output][key] for output, key in COLUMNS] + [row["interface_ratio"][SHARP]]
        lines.append([name, str(row["seeds"]), *map(_with_interval, cells)])
    return markdown_table(heads, lines)


def markdown(summary: Summary, *, title: str = "Reconstructions") -> str:
    """Return all tables in Markdown.

    Parameters
    ----------
    summary : dict
        Result of :func:`summarise`.
    title : str
        Title of the page.

    Returns
    -------
    str
        The main tables, then a table of distributions and one of pairs for each output and choice of statistics.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.evaluate import score
    >>> from twopoint_models.cess_vae.evaluation.tables import markdown
    >>> from twopoint_models.cess_vae import summarise
    >>> images = np.eye(16)[None, None]
    >>> print(markdown(summarise({"itself": score(images, images)}, ["diagonal"])).splitlines()[0])
    # Reconstructions
    """
    parts = [
        f"# {title}\n",
        f"{summary['images']} images. Excess CESS in nats, medians; mean error of volume fractions; median ratio of the ",
    ]
    parts[-1] += "specific interface length to that of the image. In brackets 95 % intervals by bootstrap over the images.\n"
    parts.append(overview(summary))
    heads = ["", "median", "mean", "log-mean", "first quartile", "third quartile", "modes", "valley", "share below"]
    for output, by in summary["excess"].items():
        for lags, rows in by.items():
            parts += [f"## Excess CESS, {output}, {lags}\n", markdown_table(heads, [[row, *_told(f)] for row, f in rows.items()])]
            if two := {row: f["classes"] for row, f in rows.items() if f["valley"] is not None}:
                classes = next(iter(two.values()))
                parts.append("Two modes of the logarithm: share of each class below the valley.\n")
                parts.append(
                    markdown_table(["", *classes], [[row, *(f"{share:.2f}" for share in found.values())] for row, found in two.items()])
                )
            wins, ends = (summary[key][output][lags] for key in ("pairwise", "pairwise_interval"))
            parts.append("Share of the images on which the row has the lower excess CESS than the column; ties count half.\n")
            shares = [[a, *("" if a == b else _ended(x, ends[a][b]) for b, x in found.items())] for a, found in wins.items()]
            parts.append(markdown_table(["", *wins], shares))
    return "\n".join(parts)


def per_image(scores: Mapping[str, Scores], names: Iterable[str], indices: Iterable[int]) -> str:
    """Return the excess CESS of each image as comma-separated values.

    Parameters
    ----------
    scores : dict of str to Scores
        Scores by row.
    names : list of str (n,)
        The class of each image.
    indices : list of int (n,)
        The index of each image in its class.

    Returns
    -------
    str
        The first line holds the heads: class, index, then "row, output, lags".

    Raises
    ------
    ValueError
        If names, indices and scores differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.evaluate import score
    >>> from twopoint_models.cess_vae.evaluation.tables import per_image
    >>> images = np.eye(16)[None, None]
    >>> [line[:36] for line in per_image({"itself": score(images, images)}, ["diagonal"], [7]).splitlines()]
    ['class,index,"itself, soft, all lags"', 'diagonal,7,0.0,0.0,0.0,0.0,0.0,0.0,0']
    """
    found = {(row, o, lags): x for row, s in scores.items() for o, by in s.excess.items() for lags, x in by.items()}
    lines = [[name, int(index)] for name, index in zip(names, indices, strict=True)]
    if any(len(x) != len(lines) for x in found.values()):
        raise ValueError(
            f"scores must have as many images as names and indices, {len(lines)}, got {sorted({len(x) for x in found.values()})}"
        )
    page = StringIO(newline="")
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(["class", "index", *map(", ".join, found)])
    writer.writerows([*line, *x] for line, *x in zip(lines, *(x.tolist() for x in found.values()), strict=True))
    return page.getvalue()


def _figures(values: np.ndarray, names: Sequence[str]) -> Summary:
    """Return the summary of one distribution."""
    told: Summary = {"median": float(np.median(values)), "interval": list(bootstrap_interval(values[None])), "mean": float(values.mean())}
    told["log_mean"] = float(np.exp(np.log(np.maximum(values, LEAST)).mean()))
    told["quartiles"] = np.percentile(values, [25, 75]).tolist()
    told["valley"] = level = valley(values)
    if level is not None:
        low, classes = values < level, np.asarray(names)
        told["below"] = float(low.mean())
        told["classes"] = {name: float(low[classes == name].mean()) for name in dict.fromkeys(names)}
    return told


def _told(figures: Summary) -> list[str]:
    """Return the cells of one distribution in a table."""
    cells = [rounded(x) for x in (figures["median"], figures["mean"], figures["log_mean"], *figures["quartiles"])]
    if figures["valley"] is None:
        return [*cells, "1", "", ""]
    return [*cells, "2", rounded(figures["valley"]), f"{figures['below']:.2f}"]


def _median(values: np.ndarray) -> float | None:
    """Return the median, NaN left out."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else None


def _with_interval(number: Summary) -> str:
    """Return a number with its interval."""
    return _ended(number["value"], number["interval"])


def _ended(value: float | None, ends: Sequence[float]) -> str:
    """Return a value with the ends of its interval."""
    if value is None:
        return ""
    told, low, high = (rounded(x) for x in (value, *ends))
    return f"{told} ({low} to {high})"
