"""Training data of a predictor: properties of many microstructures by homogenisation, stored as they are computed."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..homogenisation.two_phase import PROPERTIES, Materials, properties_of

BLOCK = 32  # images between two saves, the most that a kill loses


def labelled(
    images: Float[np.ndarray, "n 1 height width"],
    names: Sequence[str] = PROPERTIES,
    materials: Materials | None = None,
    *,
    kept: str | os.PathLike[str] | None = None,
    tolerance: float = 1e-3,
    progress: Callable[[int, int], object] | None = None,
) -> Float[np.ndarray, "n p"]:
    """Return the properties of microstructures.

    Parameters
    ----------
    images : array (n, 1, H, W)
        Memberships of phase 1.
    names : p names
        Names among E_x, E_y, G_xy, nu_xy, nu_yx, k_x and k_y.
    materials : Materials, optional
    kept : str or path, optional
        File (npz) of the results so far, from which another call resumes after a kill.
    tolerance : float
        As for :func:`twopoint_models.homogenisation.properties_of`.
    progress : callable, optional
        Called with the number of images done and the total.

    Returns
    -------
    float64 array (n, p)
        Properties in the units of the materials.

    Raises
    ------
    ValueError
        If the file is of other images, materials or names; as :func:`twopoint_models.homogenisation.properties_of`.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design import labelled
    >>> labelled(np.zeros((2, 1, 4, 4)), ["k_x"]).round(6).tolist()
    [[10.0], [10.0]]
    """
    materials = materials or Materials()
    told = hashlib.sha256(np.ascontiguousarray(images).tobytes() + repr((tuple(names), materials, tolerance)).encode()).hexdigest()
    path, found = None if kept is None else Path(kept), np.empty((0, len(names)))
    if path is not None and path.is_file():
        with np.load(path) as file:
            if str(file["of"]) != told:
                raise ValueError(f"kept must be of these images, properties and materials, {path} is of others; delete it")
            found = file["values"]
    while len(found) < len(images):
        block = images[len(found) : len(found) + BLOCK, 0].astype(np.float64)
        rows = np.stack([np.asarray(x) for x in properties_of(block, names, materials, tolerance=tolerance)], axis=1)
        found = np.concatenate([found, rows])
        if path is not None:
            part = path.with_name(f"{path.name}.part.npz")
            np.savez(part, values=found, of=told)
            part.replace(path)
        if progress:
            progress(len(found), len(images))
    return found
