"""Two networks on the same images, class by class."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from ...evaluation.intervals import bootstrap_interval
from ...evaluation.tables import markdown_table

Pair = dict[str, dict[str, Any]]


def compare_pair(before: Float64[np.ndarray, " n"], after: Float64[np.ndarray, " n"], names: Iterable[str]) -> dict[str, Pair]:
    """Compare two networks by an error of each image.

    Parameters
    ----------
    before, after : float64 array (n,)
        Errors of the same images by both, such as the excess CESS.
    names : iterable of str
        The class of each image.

    Returns
    -------
    dict of str to dict
        For JSON. By class, and for ``all`` images together: ``before`` and ``after``, the medians, and ``nearer``, the share of images on
        which the second has the lower error; ties count half. Each has a ``value`` and a 95 % ``interval``, by bootstrap over the images.

    Raises
    ------
    ValueError
        If there is no image, or lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.pairs import compare_pair
    >>> found = compare_pair(np.array([2.0, 4.0]), np.array([1.0, 5.0]), ["a", "b"])
    >>> found["a"]["nearer"]["value"], found["all"]["nearer"]["value"]
    (1.0, 0.5)
    """
    of = np.array(list(names))
    if not len(of) or not before.shape == after.shape == of.shape:
        raise ValueError(f"before, after and names must be (n,) of one image or more, got {before.shape}, {after.shape} and {of.shape}")
    nearer = (after < before) + (after == before) / 2
    parts = {name: of == name for name in sorted(set(of.tolist()))} | {"all": np.ones(len(of), bool)}
    numbers: dict[str, tuple[np.ndarray, Any]] = {"before": (before, np.median), "after": (after, np.median), "nearer": (nearer, np.mean)}
    return {
        part: {
            name: {"value": float(statistic(values[at])), "interval": list(bootstrap_interval(values[at][None], statistic))}
            for name, (values, statistic) in numbers.items()
        }
        for part, at in parts.items()
    }


def pair_table(pairs: Mapping[str, Pair], before: str, after: str) -> str:
    """Return a Markdown table of pairs by class, with names for both networks."""
    rows = [
        [name, *(f"{x['value']:.2g} ({x['interval'][0]:.2g} to {x['interval'][1]:.2g})" for x in pair.values())]
        for name, pair in pairs.items()
    ]
    return markdown_table(["", before, after, f"share of images on which the network {after} is nearer"], rows)
