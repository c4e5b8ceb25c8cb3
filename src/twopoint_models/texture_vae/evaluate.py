"""Evaluation of a texture VAE: encodings, similarities of reconstructions, and correlations of latents with parameters of patches."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..evaluation.similarity import DISTS, stsim2
from ..nets.vgg import VGG19
from ..processes import Progress
from .network import TextureVAE

BATCH = 16
WINDOW = 7  # window of the local form of STSIM-2
PARAMETERS = {  # parameters of castings, with their names in figures
    "radius": "radius of the casting",
    "magnesium": "magnesium",
    "volume_fraction": "volume fraction",
    "mean_radius": "radius of nodules",
    "nodule_share": "share of nodules",
    "length": "length of flakes",
    "thickness": "thickness of flakes",
}


class Coded(NamedTuple):
    """Latents and reconstructions of patches.

    Attributes
    ----------
    mean, log_variance : float32 arrays (n, D)
        Parameters of the latent distributions.
    reconstructions : float32 array (n, 1, size, size)
        Reconstructions from the means.
    """

    mean: np.ndarray
    log_variance: np.ndarray
    reconstructions: np.ndarray

    @property
    def kl(self) -> np.ndarray:
        """Divergence of each latent from the prior in nats, averaged over patches, (D,); near 0 for an uninformative latent."""
        variance = np.exp(self.log_variance)
        found: np.ndarray = 0.5 * (self.mean**2 + variance - 1 - self.log_variance).mean(axis=0)
        return found


def encodings(vgg: VGG19, patches: Float[np.ndarray, "n 1 height width"], *, progress: Progress = None) -> np.ndarray:
    """Return the features of patches that texture VAEs with the same VGG-19 encode.

    Parameters
    ----------
    vgg : VGG19
        Network whose last layer is pool_5, with the weights and pooling of the training.
    patches : float32 array (n, 1, H, W)
        Gray values in [0, 1].
    progress : callable, optional
        Called with the number of patches done and the total.

    Returns
    -------
    float32 array (n, 512, H/32, W/32)

    Raises
    ------
    ValueError
        If there is no patch, or patches have another shape.
    """
    if patches.ndim != 4 or not len(patches) or patches.shape[1] != 1:
        raise ValueError(f"patches must have the shape (n, 1, H, W), n at least 1, got {patches.shape}")
    found = []
    with torch.no_grad():
        for start in range(0, len(patches), BATCH):
            part = torch.from_numpy(np.ascontiguousarray(patches[start : start + BATCH], dtype=np.float32))
            found.append(vgg(part)[-1].numpy())
            if progress:
                progress(start + len(part), len(patches))
    return np.concatenate(found)


def code(model: TextureVAE, features: Float[np.ndarray, "n channels height width"]) -> Coded:
    """Encode and decode patches.

    Parameters
    ----------
    model : TextureVAE
    features : float32 array (n, 512, size/32, size/32)
        Features of patches, from :func:`encodings`.

    Returns
    -------
    Coded
        The noise of a textured decoder depends on the index of the patch.

    Raises
    ------
    ValueError
        If the model is for patches of another size.
    """
    found: list[tuple[np.ndarray, ...]] = []
    with torch.no_grad():
        for start in range(0, len(features), BATCH):
            part = torch.from_numpy(features[start : start + BATCH])
            mean, log_variance = model.encode(part)
            made = model.decode(mean, range(start, start + len(part)))
            found.append(tuple(each.numpy() for each in (mean, log_variance, made)))
    return Coded(*(np.concatenate(each) for each in zip(*found, strict=True)))


def similarities(
    first: Float[np.ndarray, "n 1 height width"],
    second: Float[np.ndarray, "n 1 height width"],
    dists: DISTS | None = None,
    *,
    progress: Progress = None,
) -> dict[str, np.ndarray]:
    """Return the similarities of pairs of patches.

    Parameters
    ----------
    first, second : float32 arrays (n, 1, H, W)
        Gray values in [0, 1].
    dists : DISTS, optional
        Measure with its weights; without it DISTS is left out.
    progress : callable, optional
        Called with the number of pairs done and the total.

    Returns
    -------
    dict of str to float32 array (n,)
        "DISTS", if it is given; "STSIM-2" of the whole patch; and, for patches of at least 56 pixels, "STSIM-2 local" in windows of 7
        pixels, the implementation of the paper.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Sardeshmukh et al., section 4.2, Table 1.
    """
    if first.shape != second.shape:
        raise ValueError(f"first and second must have one shape, got {first.shape} and {second.shape}")
    measures: dict[str, Callable[[Tensor, Tensor], Tensor]] = {} if dists is None else {"DISTS": dists}
    measures["STSIM-2"] = stsim2
    if min(first.shape[2:]) >= 8 * WINDOW:
        measures["STSIM-2 local"] = partial(stsim2, window=WINDOW)
    found: dict[str, list[np.ndarray]] = {name: [] for name in measures}
    with torch.no_grad():
        for start in range(0, len(first), BATCH):
            a, b = (torch.from_numpy(np.ascontiguousarray(x[start : start + BATCH], dtype=np.float32)) for x in (first, second))
            for name, measure in measures.items():
                found[name].append(measure(a, b).numpy())
            if progress:
                progress(start + len(a), len(first))
    return {name: np.concatenate(each) for name, each in found.items()}


def parameters_of(made_by: Sequence[Mapping[str, object]], names: Mapping[str, str] = PARAMETERS) -> dict[str, np.ndarray]:
    """Return the parameters of patches as arrays (n,), NaN for missing ones.

    Parameters
    ----------
    made_by : list of dict (n,)
    names : dict of str to str
        Keys and the names to return; parameters of fewer than three patches are left out.

    Returns
    -------
    dict of str to float64 array (n,)
    """
    found = {told: np.array([each.get(key, np.nan) for each in made_by], dtype=np.float64) for key, told in names.items()}
    return {told: values for told, values in found.items() if np.isfinite(values).sum() > 2}


def correlations_with(
    latents: Float[np.ndarray, "n d"], parameters: Mapping[str, Shaped[np.ndarray, " n"]]
) -> Float[np.ndarray, "parameters d"]:
    """Return Pearson's correlation of each latent with each parameter of patches.

    Parameters
    ----------
    latents : array (n, D)
                Latent means.
    parameters : dict of str to array (n,)
        Parameters; patches for which one is NaN are left out for it.

    Returns
    -------
    float64 array (number of parameters, D)
        Correlations, 0 if one of both is constant.

    Raises
    ------
    ValueError
        If there is no parameter, one has another length, or fewer than three patches have it.
    """
    if not parameters:
        raise ValueError("parameters must be one at least")
    rows = []
    for name, values in parameters.items():
        given = np.asarray(values, dtype=np.float64)
        if given.shape != (len(latents),) or np.isfinite(given).sum() < 3:
            raise ValueError(
                f"parameters must be (n,) = ({len(latents)},) each, known for three patches at least, got {given.shape} for {name!r}"
            )
        known = np.isfinite(given)
        x, y = np.asarray(latents, dtype=np.float64)[known], given[known]
        x, y = x - x.mean(axis=0), y - y.mean()
        scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
        rows.append(np.divide(y @ x, scale, out=np.zeros(x.shape[1]), where=scale > 1e-12))
    return np.array(rows)
