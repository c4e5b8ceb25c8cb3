"""Whether images with similar statistics have similar stiffness: moduli of images and of their replacements."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..homogenisation.two_phase import Materials, properties_of
from .lines import HALF, autocorrelations

LINES = Materials(young=(1.0, 10.0))  # white, then black
ALIKE = 0.25  # share of pairs with the smallest difference in statistics


class ModulusDifferences(NamedTuple):
    """Root mean squares of ``(E_x - E_x') / E_x`` over pairs of an image and its replacement, thresholded.

    Attributes
    ----------
    alike : float
        Over the quarter of the pairs that are nearest in statistics.
    all : float
        Over all pairs.
    any_two : float
        Over pairs of unrelated images.
    statistics_mse, data_mse : float
        Mean squared errors of the alike pairs over lags and over pixels.
    """

    alike: float
    all: float
    any_two: float
    statistics_mse: float
    data_mse: float


def moduli(
    images: Float[np.ndarray, "n 1 height width"],
    *,
    threshold: float = HALF,
    materials: Materials = LINES,
    tolerance: float = 1e-3,
) -> Float[np.ndarray, " n"]:
    """Return E_x of thresholded images under plane strain; x is the first axis.

    Parameters
    ----------
    images : array (n, 1, H, W)
        Gray values.
    threshold : float
        Darker pixels are black.
    materials : Materials
        Properties of white and of black; by default 1 and 10 GPa, and Poisson's ratio 0.3.
    tolerance : float
        As for :func:`twopoint_models.homogenisation.elastic_stiffness`.

    Returns
    -------
    float64 array (n,)
        Moduli in the unit of the materials.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As :func:`twopoint_models.homogenisation.elastic_stiffness`.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import Materials
    >>> from twopoint_models.statistics_vae.line_moduli import moduli
    >>> white = np.ones((1, 1, 8, 8))
    >>> moduli(white, materials=Materials(young=(1.0, 10.0), poisson=(0.0, 0.0))).round(6)
    array([1.])
    """
    black = (images[:, 0] < threshold).astype(np.float64)
    return np.asarray(properties_of(black, ["E_x"], materials, tolerance=tolerance)[0])


def modulus_differences(
    images: Float[np.ndarray, "n 1 height width"], others: Float[np.ndarray, "n 1 height width"], *, threshold: float = HALF
) -> ModulusDifferences:
    """Compare the moduli of images with those of their replacements, such as reconstructions.

    Parameters
    ----------
    images, others : arrays (n, 1, H, W)
        Gray values, 0 black and 1 white; n >= 4.
    threshold : float
        Darker pixels are black.

    Returns
    -------
    ModulusDifferences

    Raises
    ------
    ValueError
        If shapes differ, or there are fewer than four pairs.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024) ask whether what their network reconstructs has the same properties.
    """
    if images.shape != others.shape or images.ndim != 4 or len(images) < 4:
        raise ValueError(f"images and others must have one shape (n, 1, H, W), n >= 4, got {images.shape} and {others.shape}")
    a, b = ((x >= threshold).astype(np.float64) for x in (images, others))
    apart = np.concatenate([((f - g) ** 2).mean(axis=1) for f, g in zip(autocorrelations(a), autocorrelations(b), strict=True)])
    near = np.argsort(apart, kind="stable")[: max(1, int(ALIKE * len(a)))]
    given, found = moduli(a), moduli(b)
    differences = (found - given) / given
    other = (np.roll(given, 1) - given) / given
    return ModulusDifferences(
        alike=_root(differences[near]),
        all=_root(differences),
        any_two=_root(other),
        statistics_mse=float(apart[near].mean()),
        data_mse=float(((a - b)[near] ** 2).mean()),
    )


def _root(x: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(x**2)))
