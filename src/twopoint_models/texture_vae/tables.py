"""Tables of the texture VAE: similarities, names of latents and properties, as summaries for JSON and in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from ..evaluation.intervals import bootstrap_interval
from ..evaluation.similarity import DISTS
from ..evaluation.tables import markdown_table
from ..processes import Progress
from .evaluate import similarities
from .regressions import KINDS, leave_one_out, of_parents, predict, random_share

PRINTED = {64: (0.7031, 0.7592), 32: (0.7257, 0.7640), 16: (0.6995, 0.7609), 8: (0.6962, 0.7591)}  # Table 1: DISTS and STSIM-2
STRONG = 0.7  # least correlation that names a latent
BLUR = 4.0  # px


def summarise_similarities(
    patches: np.ndarray,
    reconstructions: Mapping[str, np.ndarray],
    samples: Sequence[str],
    dists: DISTS | None = None,
    *,
    progress: Progress = None,
) -> dict[str, dict[str, Any]]:
    """Return the mean similarities of patches to their reconstructions and to trivial ones, with intervals.

    Parameters
    ----------
    patches : float32 array (n, 1, H, W)
        Gray values in [0, 1].
    reconstructions : dict of str to array like patches
        Reconstructions by model.
    samples : list of str (n,)
        Micrograph of each patch.
    dists : DISTS, optional
        As for :func:`twopoint_models.texture_vae.similarities`.
    progress : callable, optional
        Called with the number of pairs done and the total.

    Returns
    -------
    dict of str to dict of str to dict
        Similarities by row and measure: ``mean``, over samples of the means over their patches, and ``interval``, the 95 % interval by
        bootstrap over samples; a single sample has none. The rows of the models are followed by "another patch of
        the sample", the best that a model can reach without the positions of the grains, and "a patch of another sample", if such patches
        exist; "blurred by 4 px"; and "constant gray".

    Raises
    ------
    ValueError
        If there is no patch, or there is not one sample for each patch.

    References
    ----------
    Sardeshmukh et al., Table 1.
    """
    if not len(patches) or len(samples) != len(patches):
        raise ValueError(f"samples must be one for each patch, at least one, got {len(samples)} and {len(patches)}")
    groups = [np.flatnonzero([other == name for other in samples]) for name in dict.fromkeys(samples)]
    same, other, rows = np.zeros(len(samples), dtype=int), np.zeros(len(samples), dtype=int), dict(reconstructions)
    for i, members in enumerate(groups):
        same[members] = np.roll(members, len(members) // 2)  # distant patches, of which few overlap
        foreign = groups[(i + 1) % len(groups)]
        other[members] = foreign[np.arange(len(members)) % len(foreign)]
    if min(map(len, groups)) > 1:
        rows["another patch of the sample"] = patches[same]
    if len(groups) > 1:
        rows["a patch of another sample"] = patches[other]
    rows |= {f"blurred by {BLUR:g} px": gaussian_filter(patches, (0, 0, BLUR, BLUR), mode="nearest")}
    rows |= {"constant gray": np.broadcast_to(patches.mean(axis=(2, 3), keepdims=True), patches.shape)}
    told = {}
    for i, (row, found) in enumerate(rows.items()):
        done = (lambda n, of, i=i: progress(i * of + n, len(rows) * of)) if progress else None
        told[row] = {name: _over(x, groups) for name, x in similarities(patches, found, dists, progress=done).items()}
    return told


def _over(values: np.ndarray, groups: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return the mean over groups, and its interval."""
    each = np.array([values[members].mean() for members in groups])
    return {"mean": float(each.mean())} | ({"interval": list(bootstrap_interval(each[None], np.mean))} if len(each) > 1 else {})


def table_of_similarities(summary: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the Markdown table of :func:`summarise_similarities`, with the paper's Table 1 below it."""
    measures = list(next(iter(summary.values())))
    cells = {row: [f"{each['mean']:.3f}{_interval(each)}" for each in found.values()] for row, found in summary.items()}
    table = markdown_table(["", *measures], [[row, *found] for row, found in cells.items()])
    printed = "; ".join(f"{latents} latents {dists:.3f} and {stsim:.3f}" for latents, (dists, stsim) in PRINTED.items())
    return f"{table}\nThe paper's, DISTS and STSIM-2 local: {printed}."


def _interval(found: Mapping[str, Any]) -> str:
    """Return the interval of a mean in brackets, or nothing if it has none."""
    return " ({:.3f} to {:.3f})".format(*found["interval"]) if "interval" in found else ""


def named_latents(correlations: np.ndarray, parameters: Sequence[str], least: float = STRONG) -> dict[str, dict[str, float]]:
    """Return, by latent, the parameters with a correlation of at least ``least`` in magnitude, the largest first."""
    found = {}
    for j, column in enumerate(np.asarray(correlations).T):
        strong = sorted((i for i in range(len(parameters)) if abs(column[i]) >= least), key=lambda i: -abs(column[i]))
        if strong:
            found[str(j)] = {parameters[i]: float(column[i]) for i in strong}
    return found


def summarise_properties(
    features: Mapping[str, np.ndarray], properties: Mapping[str, np.ndarray], samples: Sequence[str], parts: Sequence[str], *, seed: int = 0
) -> dict[str, Any]:
    """Return the errors of predicting properties of samples from their patches, by split and regression.

    Parameters
    ----------
    features : dict of str to array (n, d)
        Descriptions of patches, such as "latents" and "VGG-19".
    properties : dict of str to array (n,)
        Properties of the patches, those of their samples.
    samples : list of str (n,)
        Sample of each patch.
    parts : list of str (n,)
        Part of the micrograph of each patch; the part "test" is predicted in the split by parent.
    seed : int
        Seed of the random split.

    Returns
    -------
    dict
        ``r2`` and ``mape`` in percent, by property, split, description and regression. Splits are "random fifth", as in the paper, which
        leaks, "by parent" and "leave one out". The latter has ``mape``, the mean over samples, and ``samples``, the value of each. "always
        the mean" uses no description.

    Raises
    ------
    ValueError
        As :func:`twopoint_models.texture_vae.leave_one_out`.

    References
    ----------
    Sardeshmukh et al., section 4.4, Tables 2 and 3.
    """
    splits = {"random fifth": random_share(len(samples), seed=seed), "by parent": of_parents(np.asarray(parts), ["test"])}
    ways = [(name, kind) for name in features for kind in KINDS[:2]] + [("always the mean", KINDS[2])]
    told: dict[str, Any] = {}
    for quantity, values in properties.items():
        told[quantity] = {split: {} for split in (*splits, "leave one out")}
        for name, kind in ways:
            x = features[name] if name in features else np.zeros((len(samples), 1))
            for split, left_out in splits.items():
                found = predict(x, values, left_out, kind)
                told[quantity][split].setdefault(name, {})[kind] = {"r2": found.r2, "mape": found.mape}
            each = {sample: found.mape for sample, found in leave_one_out(x, values, samples, kind).items()}
            told[quantity]["leave one out"].setdefault(name, {})[kind] = {"mape": float(np.mean(list(each.values()))), "samples": each}
    return told


def table_of_properties(summary: Mapping[str, Any]) -> str:
    """Return the Markdown table of :func:`summarise_properties`."""
    lines = []
    for quantity, splits in summary.items():
        for split, names in splits.items():
            for name, kinds in names.items():
                for kind, found in kinds.items():
                    r2 = f"{found['r2']:.3f}" if "r2" in found else ""
                    lines.append([quantity, split, name, kind, r2, f"{found['mape']:.2f}"])
    return markdown_table(["property", "split", "description", "regression", "R2", "MAPE, %"], lines)
