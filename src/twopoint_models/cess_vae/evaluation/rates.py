"""Rate and distortion of a CESS VAE: what its latent numbers carry, and how far its reconstructions and its samples are from images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...evaluation.intervals import bootstrap_interval
from ...evaluation.samples import sample_distances
from ...evaluation.tables import markdown_table, rounded
from ...training.latents import COLLAPSED, read_latents
from .evaluate import ALL, CUMULATIVE, SHARP, SOFT, score

Rate = dict[str, Any]

COMPARED = {"soft": (SOFT, ALL), "thresholded": (SHARP, ALL), "cumulative": (SHARP, CUMULATIVE)}
PRIORS = ("fitted", "normal")


def rate_of(latents: Path, images: np.ndarray, reconstructions: np.ndarray, samples: Mapping[str, np.ndarray]) -> Rate:
    """Return the rate of a trained network and what it costs, on images that it has not seen.

    Parameters
    ----------
    latents : path
        ``latents.csv`` of its run.
    images, reconstructions : array (n, 1, H, W)
        Labels, 0 and 1, and memberships.
    samples : dict of str to array (m, H, W)
        Labels of samples, by prior.

    Returns
    -------
    dict
        For JSON. ``nats``, of an image; ``nats_of_a_latent`` and ``deviation``, means over latent numbers of the divergence and of the
        posterior's standard deviation; ``collapsed``, the share of latent numbers below 0.01 nats; ``soft``, ``thresholded`` and
        ``cumulative`` (thresholded too), the median excess CESS with its 95 % interval; ``squared_error``, of the pixels; ``distances``,
        by prior, of :func:`twopoint_models.evaluation.samples.sample_distances`.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no table of latents, or shapes differ.
    """
    kl, deviation = read_latents(latents)
    found: Rate = {"nats": kl.sum(), "nats_of_a_latent": kl.mean(), "deviation": deviation.mean(), "collapsed": (kl < COLLAPSED).mean()}
    found["squared_error"] = np.square(reconstructions - images).mean(dtype=np.float64)
    found = {name: float(value) for name, value in found.items()}
    parts = [score(reconstructions[i : i + 50], images[i : i + 50]).excess for i in range(0, len(images), 50)]
    for name, (output, statistics) in COMPARED.items():
        values = np.concatenate([part[output][statistics] for part in parts])
        found[name] = {"median": float(np.median(values)), "interval": list(bootstrap_interval(values[None]))}
    return found | {"distances": sample_distances(images[:, 0], samples)}


def rates_table(rows: Mapping[str, Rate]) -> str:
    """Return a Markdown table of rates by name."""
    heads = ["", "nats of a latent", "posterior deviation", "collapsed", "squared error", *(f"{name} excess" for name in COMPARED)]
    heads += [f"largest distance of samples, {prior} prior" for prior in PRIORS]
    lines = []
    for name, row in rows.items():
        told = [name, *(rounded(row[key]) for key in ("nats_of_a_latent", "deviation", "collapsed", "squared_error"))]
        told += ["{:.2g} ({:.2g} to {:.2g})".format(row[key]["median"], *row[key]["interval"]) for key in COMPARED]
        lines.append([*told, *(rounded(max(row["distances"][prior].values())) for prior in PRIORS)])
    return markdown_table(heads, lines)
