"""Designs in several ways for the same targets: the method of the paper, a search on the predictor, ours, and trivial ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..evaluation.reconstructions import thresholded
from ..homogenisation.two_phase import PROPERTIES, Materials, properties_of
from ..processes import Progress
from .by_predictor import Predictor, latents_by_network, latents_by_search
from .plausibility import Plausibility, plausibility_of
from .search import Designs, design
from .tables import summarise_designs

TOLERANCE = 1e-4
Decode = Callable[[Tensor], Tensor]


class Aims(NamedTuple):
    """Targets of one kind.

    Attributes
    ----------
    names : p names
        Properties of one target.
    targets : float64 array (k, p)
        Their values.
    """

    names: list[str]
    targets: np.ndarray

    @property
    def columns(self) -> list[int]:
        """Columns of the properties in a table of all seven."""
        return [PROPERTIES.index(name) for name in self.names]


class Made(NamedTuple):
    """Designs by one method, one for each target.

    Attributes
    ----------
    labels : array (n, H, W)
        Labels, 0 and 1.
    found : float64 array (n, p)
        Target properties of the labels, by homogenisation.
    soft : float64 array (n, p), optional
        The same for the decoded images before thresholding.
    """

    labels: np.ndarray
    found: np.ndarray
    soft: np.ndarray | None = None


def aims_of(values: Float[np.ndarray, "n 7"], together: Sequence[Sequence[str]], count: int, *, seed: int = 0) -> dict[str, Aims]:
    """Return targets from properties of microstructures that no design begins from.

    Parameters
    ----------
    values : array (n, 7)
        Their properties, in the order of ``PROPERTIES``.
    together : sequences of names
        Names of target properties, a kind for each.
    count : int
        Number of targets of a kind.
    seed : int
        Seed of the choice of microstructures whose several properties are targets.

    Returns
    -------
    dict of str to Aims
        By kind: "E_x", quantiles; "ends of E_x", a fifth of the count at either end, the least and the largest first; and the names of each
        of ``together``.

    Raises
    ------
    ValueError
        If a property is unknown.
    """
    every, ends = np.sort(values[:, :1], axis=0), max(1, min(count, len(values)) // 5)
    found = {"E_x": Aims(["E_x"], np.quantile(every, (np.arange(count) + 0.5) / count)[:, None])}
    found["ends of E_x"] = Aims(["E_x"], np.concatenate([every[:ends], every[-ends:]]))
    some = values[np.random.default_rng(seed).permutation(len(values))[:count]]
    for names in together:
        if unknown := [name for name in names if name not in PROPERTIES]:
            raise ValueError(f"together must be of {', '.join(PROPERTIES)}, got {unknown[0]!r}")
        found[", ".join(names)] = Aims(list(names), some[:, [PROPERTIES.index(name) for name in names]])
    return found


def design_by_predictor(
    decode: Decode,
    predict: Predictor,
    latents: Float[Tensor, "n ..."],
    values: Float[np.ndarray, " n"],
    name: str,
    targets: Float[np.ndarray, " k"],
    *,
    materials: Materials | None = None,
    steps: int = 2000,
) -> dict[str, Made]:
    """Design microstructures for values of one property by a predictor, without homogenisation.

    Parameters
    ----------
    decode : function: tensor (B, ...) -> tensor (B, 1, H, W)
    predict : function: tensor (B, d) -> tensor (B,)
        A trained predictor of the property from flat latents.
    latents, values
        Latents of known microstructures, and their property.
    name : str
        Name of the property.
    targets : array (k,)
    materials : Materials, optional
    steps : int
        Steps of training the network from the property to a latent; the search on the predictor takes a tenth of it.

    Returns
    -------
    dict of str to Made
        Designs by method: "the paper's way" and "search on the predictor".

    References
    ----------
    Cai et al., section 4.3.
    """
    goals = torch.from_numpy(targets).to(latents)
    nearest = torch.from_numpy(np.abs(values[:, None] - targets).argmin(axis=0))
    found = {
        "the paper's way": latents_by_network(predict, goals, latents.shape[1:], steps=steps),
        "search on the predictor": latents_by_search(predict, goals, latents[nearest], steps=max(1, steps // 10)),
    }
    made = {}
    for method, z in found.items():
        with torch.no_grad():
            soft = decode(z)[:, 0].double().numpy()
        labels = thresholded(soft[:, None])[:, 0].astype(np.float64)
        before, after = (properties_of(m, [name], materials, tolerance=TOLERANCE)[0] for m in (soft, labels))
        made[method] = Made(labels, np.asarray(after)[:, None], np.asarray(before)[:, None])
    return made


def design_by_descent(
    decode: Decode,
    images: Float[np.ndarray, "n 1 height width"],
    latents: Float[Tensor, "n ..."],
    values: Float[np.ndarray, "n p"],
    names: Sequence[str],
    targets: Float[np.ndarray, "k p"],
    *,
    materials: Materials | None = None,
    starts: int = 8,
    steps: int = 60,
    progress: Progress = None,
) -> dict[str, Made]:
    """Design microstructures for values of one or more properties at once by :func:`design`, with two trivial ways beside it.

    Parameters
    ----------
    decode : function: tensor (B, ...) -> tensor (B, 1, H, W)
    images, latents, values
        Known microstructures of 0 and 1, their latents, and their properties.
    names : p names
        Names of the properties.
    targets : array (k, p)
    materials : Materials, optional
    starts, steps : int
        Descents for each target, and steps of each.
    progress : callable, optional
        Called with the number of targets done and the total.

    Returns
    -------
    dict of str to Made
        Designs by method: "ours"; "nearest labelled image", by the distance over the standard deviation of the known properties; "its
        interface moved", the reconstruction of that image without descent.
    """
    nearest = (((values[:, None] - targets) / values.std(axis=0)) ** 2).sum(axis=-1).argmin(axis=0)
    made: dict[str, list[Designs]] = {"ours": [], "its interface moved": []}
    how: dict[str, Any] = dict(known=dict(zip(names, values.T, strict=True)), materials=materials, count=1, tolerance=10 * TOLERANCE)
    for i, target in enumerate(targets):
        goals = dict(zip(names, map(float, target), strict=True))
        made["ours"].append(design(decode, latents, images, goals, starts=starts, steps=steps, **how))
        made["its interface moved"].append(design(decode, latents, images, goals, starts=1, steps=0, **how))
        if progress:
            progress(i + 1, len(targets))
    found = {
        method: Made(
            np.stack([each.microstructures[0] for each in rows]), np.array([[each.properties[x][0] for x in names] for each in rows])
        )
        for method, rows in made.items()
    }
    return found | {"nearest labelled image": Made(images[nearest, 0], values[nearest])}


def judge_designs(
    made: Mapping[str, Mapping[str, Made]],
    aims: Mapping[str, Aims],
    known: Float[np.ndarray, "n 1 height width"],
    values: Float[np.ndarray, "m 7"],
    *,
    progress: Progress = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the errors and the plausibility of designs.

    Parameters
    ----------
    made : dict of str to dict of str to Made
        Designs by kind of target and method.
    aims : dict of str to Aims
        Targets by kind.
    known : array (n, 1, H, W)
        Microstructures that define what is plausible.
    values : array (m, 7)
        Properties whose standard deviations are the unit of the errors.
    progress : callable, optional
        Called with the number of images compared and the total.

    Returns
    -------
    dict of str to results of :func:`summarise_designs`
        By kind of target.
    """
    labels = [each.labels[:, None] for ways in made.values() for each in ways.values()]
    judged = plausibility_of(np.concatenate(labels), known, progress=progress)
    distances = iter(np.split(judged.distance, np.cumsum([len(x) for x in labels])[:-1]))
    summary = {}
    for kind, ways in made.items():
        near, over = {name: Plausibility(next(distances), judged.limit) for name in ways}, values.std(axis=0)[aims[kind].columns]
        summary[kind] = summarise_designs(ways, aims[kind].targets, near, over=over)
    return summary
