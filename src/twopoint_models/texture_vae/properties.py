"""Effective properties of a whole micrograph."""

import numpy as np
from jaxtyping import Shaped

import twopoint as tp

from ..checks import positive
from ..homogenisation.constants import engineering_constants
from ..homogenisation.effective import conductivity, elastic_stiffness
from ..properties import Numbers

PHASES = 8  # most phases of an image whose gray values are phases


def micrograph_properties(
    gray: Shaped[np.ndarray, "height width"],
    *,
    level: float = 128,
    young: Numbers = (210.0, 15.0),
    poisson: Numbers = (0.29, 0.2),
    conductivities: Numbers = (35.0, 130.0),
    coarser: int = 2,
    tolerance: float = 1e-3,
) -> dict[str, float]:
    """Homogenise a micrograph of a bright and a dark phase, by default ferrite and graphite with rounded handbook values.

    Parameters
    ----------
    gray : array (H, W)
        Gray values; the micrograph is treated as periodic.
    level : float
        Gray value below which a pixel is of the second phase.
    young, poisson, conductivities : two numbers each
        Values of the bright and of the dark phase; by default in GPa and W/(m K).
    coarser : int
        Number of pixels along each axis that are averaged to one; a remainder at the edge is left out.
    tolerance : float
        As for :func:`twopoint_models.homogenisation.elastic_stiffness`.

    Returns
    -------
    dict of str to float
        Means over both axes under plane strain, in the units of the phases: "E", the modulus of the plane, and "k", the conductivity.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        If gray is not (H, W), not finite or of one phase only; as :func:`twopoint_models.homogenisation.elastic_stiffness`.

    References
    ----------
    Sardeshmukh et al., section 4.4, who measured strengths of whole samples.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae import micrograph_properties
    >>> stripes = np.tile(np.repeat([0, 255], 4), (8, 4))
    >>> found = micrograph_properties(stripes, conductivities=(1.0, 3.0))
    >>> round(found["k"], 4)  # mean of 2 along the stripes and 1.5 across
    1.75
    """
    values, n = np.asarray(gray), positive("coarser", coarser)
    if values.ndim != 2 or min(values.shape) < n or not np.isfinite(values).all():
        raise ValueError(f"gray must be (H, W), finite, and {n} pixels along each axis at least, got {values.shape}")
    dark = (values < level).astype(np.float64)
    if dark.min() == dark.max():
        raise ValueError(f"gray must have pixels on both sides of the level {level:g}, got {values.min():g} to {values.max():g}")
    height, width = (size // n * n for size in values.shape)
    m = tp.two_phase(dark[:height, :width].reshape(height // n, n, width // n, n).mean(axis=(1, 3)))
    constants = engineering_constants(elastic_stiffness(m, young, poisson, tolerance=tolerance))
    conducted = conductivity(m, conductivities, tolerance=tolerance)
    return {"E": float(constants.E_x + constants.E_y) / 2, "k": float(np.trace(conducted)) / 2}


def phases_conductivity(gray: Shaped[np.ndarray, "height width"], *, contrast: float = 100.0, tolerance: float = 1e-3) -> float:
    """Homogenise the conductivity of an image of phases.

    Parameters
    ----------
    gray : array (H, W)
        Gray values, one for each of two to eight phases; the image is treated as periodic.
    contrast : float
        Conductivity of the brightest phase over that of the darkest, which is 1; those between increase in equal ratios.
    tolerance : float
        As for :func:`twopoint_models.homogenisation.conductivity`.

    Returns
    -------
    float
        Mean over both axes.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        If gray is not (H, W) or does not have two to eight values; as :func:`twopoint_models.homogenisation.conductivity`.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae.properties import phases_conductivity
    >>> stripes = np.tile(np.repeat([0, 255], 4), (8, 4))
    >>> round(phases_conductivity(stripes, contrast=3.0), 4)  # mean of 2 along the stripes and 1.5 across
    1.75
    """
    levels, at = np.unique(np.asarray(gray), return_inverse=True)
    if np.ndim(gray) != 2 or not 2 <= len(levels) <= PHASES:
        raise ValueError(f"gray must be (H, W) with 2 to {PHASES} gray values, one for each phase, got {np.shape(gray)} with {len(levels)}")
    m = (at.reshape(np.shape(gray)) == np.arange(len(levels))[:, None, None]).astype(np.float64)
    return float(np.trace(conductivity(m, np.geomspace(1.0, contrast, len(levels)), tolerance=tolerance))) / 2
