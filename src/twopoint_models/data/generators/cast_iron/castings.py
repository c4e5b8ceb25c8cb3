"""Twelve castings: graphite by cooling rate and magnesium, after a study of sand-cast cylinders, and its micrographs."""

from collections.abc import Callable
from itertools import product

import numpy as np
from scipy.ndimage import gaussian_filter

from .. import checks as check
from ..structure import Structure
from .forms import graphite_flakes, graphite_intermediate, graphite_spheres

CYLINDERS = (12.0, 24.0, 36.0, 48.0)  # mm
FORMS: dict[float, Callable[..., Structure]] = {0.0: graphite_flakes, 0.025: graphite_intermediate, 0.045: graphite_spheres}  # % by weight
CASTINGS = tuple(product(CYLINDERS, FORMS))
# Each parameter in the thinnest and in the thickest cylinder; between these it is a power of the radius. The values follow the text and the
# figures of the paper only: fast cooling gives fine and dense graphite, slow cooling coarse and sparse graphite. The sizes span those of
# GRAPHITE.
LAWS: dict[float, dict[str, tuple[float, float]]] = {
    0.0: dict(
        volume_fraction=(0.15, 0.10),
        length=(22.0, 80.0),
        thickness=(1.8, 5.2),
        bend=(50.0, 55.0),
        rosettes=(0.4, 0.03),
        branching=(0.3, 0.4),
    ),
    0.025: dict(
        volume_fraction=(0.13, 0.085),
        nodule_share=(0.55, 0.3),
        mean_radius=(3.6, 8.5),
        radius_spread=(0.25, 0.3),
        irregularity=(0.07, 0.07),
        length=(14.0, 36.0),
        thickness=(3.6, 8.0),
        bend=(60.0, 70.0),
    ),
    0.045: dict(volume_fraction=(0.11, 0.065), mean_radius=(3.4, 12.0), radius_spread=(0.2, 0.25), irregularity=(0.04, 0.05)),
}


def casting(radius: float, magnesium: float, size: int | tuple[int, int] = (1536, 2048), *, rng: np.random.Generator) -> Structure:
    """Generate the graphite of a sand-cast cylinder.

    Magnesium sets the form: flakes without it, nodules among worms at a low content, spheres at a high one. The radius sets the rate of
    cooling, and with it size and amount. Each parameter is a power of the radius between its values in ``castings.LAWS``, which were chosen
    visually and after the text of the paper; they are not fitted to data.

    Parameters
    ----------
    radius : float
        Radius of the cylinder in mm, from 12 to 48; the study has 12, 24, 36 and 48.
    magnesium : float
        Percent by weight: 0, 0.025 or 0.045.
    size : int or (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
        Random generator of the structure.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite, periodic; the parameters are those of its form, with ``radius`` and ``magnesium``.

    Raises
    ------
    TypeError
        If rng is not a Generator or an argument is not a number.
    ValueError
        If radius or magnesium is out of range, or the size is too small for the particles.

    References
    ----------
    Sardeshmukh et al., section 4.1: twelve samples, 2048 x 1532 pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import casting
    >>> image, parameters = casting(12, 0.045, 128, rng=np.random.default_rng(0))
    >>> round(parameters["mean_radius"], 3), round(float(image.mean()), 2)
    (3.4, 0.11)
    """
    first, last = CYLINDERS[0], CYLINDERS[-1]
    radius = check.real("radius", radius)
    if not first <= radius <= last:
        raise ValueError(f"radius must be from {first:g} to {last:g} mm, got {radius:g}")
    magnesium = check.real("magnesium", magnesium)
    if magnesium not in FORMS:
        raise ValueError(f"magnesium must be {', '.join(f'{m:g}' for m in FORMS)} percent, got {magnesium:g}")
    along = np.log(radius / first) / np.log(last / first)
    parameters = {name: float(low * (high / low) ** along) for name, (low, high) in LAWS[magnesium].items()}
    structure = FORMS[magnesium](size, rng=rng, **parameters)
    return Structure(structure.image, {"radius": radius, "magnesium": magnesium, **structure.parameters})


def micrograph(image: np.ndarray, *, graphite: float = 0.15, ferrite: float = 0.8, blur: float = 0.7) -> np.ndarray:
    """Return the gray values of an unetched micrograph of a structure: dark graphite, and edges blurred as by a microscope.

    Parameters
    ----------
    image : array (H, W)
        1 in graphite, 0 in ferrite.
    graphite, ferrite : float
        Gray values of the phases, from 0 (black) to 1.
    blur : float
        Standard deviation of the Gaussian across an edge, in pixels.

    Returns
    -------
    array (H, W) float32

    Raises
    ------
    TypeError, ValueError
        If the image does not have two axes, or a number is out of its bounds.
    """
    if np.ndim(image) != 2:
        raise ValueError(f"image must have the shape (H, W), got {np.shape(image)}")
    dark, light, wide = check.within("graphite", graphite, 1), check.within("ferrite", ferrite, 1), check.within("blur", blur, 100)
    soft = gaussian_filter(np.asarray(image, dtype=np.float32), wide, mode="wrap")
    return (light + (dark - light) * np.clip(soft, 0, 1)).astype(np.float32)
