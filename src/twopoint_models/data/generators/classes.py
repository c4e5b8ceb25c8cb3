"""Generators of images after MICRO2D's ten classes."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import numpy as np

from ...checks import positive
from ..resizing import resize
from . import checks as check
from .arrangement import LENGTHS, Arrangement
from .cast_iron.kinds import GRAPHITE
from .cuboids import cuboids
from .inclusions import discs, ellipses, voronoi_cells
from .level_cuts import level_cut
from .limits import checked, fit
from .spreads import ELLIPSES, GATHERED, SUPERALLOY, Spread, draw
from .structure import Structure

NATIVE = 256  # pixels of MICRO2D's images; lengths below are in these
IN_PIXELS = {*LENGTHS, "radii", "half_length", "half_width", "spacing", "wanted_spacing", "grain", "smooth", "period", "channel"}
LEAST = 8  # least pixels of the smaller side
FINEST, DRAWN = (
    0.5,
    512,
)  # smallest scale at which inclusions are drawn directly; below it they are drawn larger, up to DRAWN pixels, and resized


class Recipe(NamedTuple):
    """A class: its builder, the spread of its parameters, and the parameters that its images share."""

    build: Callable[..., tuple[np.ndarray, dict[str, Any]]]
    spread: Spread
    shared: dict[str, Any]
    directed: bool = False  # whether the inclusions of an image have one common direction


# Radii, axes and areas were measured on single inclusions, spacings on the nearest pairs. The other parameters were chosen so that
# interface length and mean covariance agree; `examples/gallery_micro2d.py` compares the result with the real images.
ELLIPSE = dict(half_length=9.8, half_width=2.95)
RECIPES = {
    "AngEllipse": Recipe(ellipses, ELLIPSES, dict(**ELLIPSE, spacing=20.2, disorder=0.33, grain=5.0, smooth=2.0), directed=True),
    "GRF": Recipe(level_cut, GATHERED, {}),
    "NBSA": Recipe(
        cuboids,
        SUPERALLOY,
        dict(period=8.6, channel=0.9, contrast=0.3, saturation=1.82, uneven=0.26, roughness=0.08, grain=2.54)
        | dict(waviness=0.51, shift=0.154, unequal=0.183, merge=0.0, split=0.261),
    ),
    "RandomEllipse": Recipe(ellipses, ELLIPSES, dict(**ELLIPSE, spacing=9.7, disorder=0.43, grain=6.5, smooth=6.0)),
    "VoidSmall": Recipe(discs, GATHERED, dict(radii=(5.0,), spacing=10.7, disorder=0.25, grain=2.8, smooth=0.0)),
    "VoidSmallBig": Recipe(discs, GATHERED, dict(radii=(5.0, 8.0), spacing=13.5, disorder=0.19, grain=2.9, smooth=0.0)),
    "VoronoiLarge": Recipe(
        voronoi_cells, GATHERED, dict(area=2790.0, irregularity=0.73, spacing=37.0, disorder=0.25, grain=6.0, smooth=12.0)
    ),
    "VoronoiMedium": Recipe(
        voronoi_cells, GATHERED, dict(area=560.0, irregularity=0.95, spacing=19.0, disorder=0.4, grain=7.0, smooth=12.0)
    ),
    "VoronoiMediumSpaced": Recipe(
        voronoi_cells, GATHERED, dict(area=510.0, irregularity=0.93, spacing=27.0, disorder=0.2, grain=8.6, smooth=0.0)
    ),
    "VoronoiSmall": Recipe(voronoi_cells, GATHERED, dict(area=177.0, irregularity=0.6, spacing=13.7, disorder=0.2, grain=4.5, smooth=5.0)),
}
CLASSES = tuple(RECIPES)


def generate(
    name: str, size: int | tuple[int, int] = NATIVE, *, rng: np.random.Generator, scale: float | None = None, **parameters: Any
) -> Structure:
    """Generate a microstructure that resembles a class of MICRO2D.

    A Gaussian field sets the large-scale arrangement (:class:`Arrangement`). GRF is a level cut of the field. In the other classes but NBSA
    the field gathers inclusions: discs of one radius (VoidSmall) or two (VoidSmallBig), ellipses of one direction (AngEllipse) or of random
    directions (RandomEllipse), Voronoi cells (large, medium, medium and spaced, small). In NBSA it sets the size of cuboids in rows. A
    volume fraction or an arrangement that is not given is drawn from its distribution over MICRO2D's images.

    Parameters
    ----------
    name : str
        The class, one of ``CLASSES``.
    size : int or (int, int)
        Height and width in pixels, at least 8. Below 128 the structure is drawn larger and resized, because it is finer than the pixels.
    rng : numpy.random.Generator
        Random generator; :func:`source` returns one for an image of a dataset.
    scale : float, optional
        Pixels of this image per pixel of MICRO2D; by default the smaller side over 256, so that all sizes show the same structure. With 1 a
        larger image shows more of it.
    **parameters : float
        Parameters that are given instead of drawn: ``volume_fraction``, above 0 and below 1, which the last inclusion reaches or exceeds,
        as in MICRO2D; ``length``, ``width``, ``angle``, ``share``, ``length_2``, ``width_2``, ``angle_2`` of the :class:`Arrangement`;
        ``direction`` of AngEllipse in degrees; or the shared parameters of the class, by their names among the returned parameters;
        ``docs/data.md`` lists them. Lengths in pixels of this image, areas in square pixels.

    Returns
    -------
    Structure
        The image (H, W), uint8 of 0 and 1, periodic; and its parameters: the reached ``volume_fraction`` and the drawn or given
        ``wanted_volume_fraction``, the arrangement, the shared parameters of the class, the number of ``inclusions``, and the reached
        ``spacing`` with the ``wanted_spacing``: the spacing is reduced if there is not enough room.

    Raises
    ------
    TypeError
        If rng is not a Generator, a parameter is not a number, or the class has no such parameter.
    ValueError
        If the class is unknown (the nearest name is suggested), a size is not an integer of at least 8, or a parameter is invalid.

    References
    ----------
    Robertson, Generale, Kelly, Buzzy, Kalidindi, *MICRO2D*, Integrating Materials and Manufacturing Innovation 13 (2024) 120. The rules
    were found by measuring its images; see ``docs/data.md``. They are not the authors' code.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import generate
    >>> image, parameters = generate("VoronoiSmall", 128, volume_fraction=0.3, rng=np.random.default_rng(0))
    >>> image.shape, round(parameters["volume_fraction"], 1)
    ((128, 128), 0.3)
    """
    if name in GRAPHITE:
        raise ValueError(f"name must be a class of MICRO2D, got the graphite {name!r}; graphite({name!r}, ...) makes that")
    recipe = RECIPES[check.one_of("name", name, RECIPES)]
    shape = check.shape_of(size)
    check.generator(rng)
    if min(shape) < LEAST:
        raise ValueError(f"size must be {LEAST} pixels at least, got {size!r}")
    factor = min(shape) / NATIVE if scale is None else check.above("scale", scale)
    fraction, arrangement = draw(recipe.spread, rng)
    drawn = {"volume_fraction": fraction, **asdict(arrangement.scaled(factor)), **_scaled(recipe.shared, factor)}
    if recipe.directed:
        drawn["direction"] = rng.uniform(0, 180)
    for key in parameters:
        if key not in drawn:
            raise TypeError(f"{name} has no parameter {key!r}; it has {', '.join(drawn)}")
    used = drawn | {key: checked(key, value) for key, value in parameters.items()}
    fit(used, shape)
    finer = _finer(shape, factor)
    large = _scaled(used, finer)
    held = {field.name: large.pop(field.name) for field in fields(Arrangement)}
    image, told = recipe.build((shape[0] * finer, shape[1] * finer), Arrangement(**held), rng=rng, **large)
    image, told = resize(image, shape), {key: value / finer if key in IN_PIXELS else value for key, value in told.items()}
    own, target = {field.name: used.pop(field.name) for field in fields(Arrangement)}, used.pop("volume_fraction")
    reached = {"volume_fraction": float(image.mean()), "wanted_volume_fraction": target}
    return Structure(image, {"class": name, "scale": factor, **reached, **own, **used, **told})


def source(name: str, index: int, seed: int = 0) -> np.random.Generator:
    """Return the Generator for one image of a dataset.

    The generator depends on the three arguments only, so that an image does not depend on order or process. Other versions of numpy may
    draw differently, and other processors may round a pixel differently.

    Parameters
    ----------
    name : str
        Name of the class, or any name.
    index : int
        Index of the image in its class, 0 or more.
    seed : int
        Seed of the dataset, 0 or more.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ValueError
        If index or seed is not an integer of 0 or more.

    Examples
    --------
    >>> from twopoint_models.data import source
    >>> source("GRF", 7).random() == source("GRF", 7).random()
    True
    """
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    return np.random.default_rng([positive("seed", seed, zero=True), positive("index", index, zero=True), key])


def _scaled(shared: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return parameters scaled to the pixels of an image."""
    found = dict(shared)
    for key in IN_PIXELS & set(found):
        found[key] = tuple(x * factor for x in found[key]) if key == "radii" else found[key] * factor
    if "area" in found:
        found["area"] *= factor**2
    return found


def _finer(shape: tuple[int, int], scale: float) -> int:
    """Return the factor, a power of 2, by which a structure is drawn larger."""
    finer = 1
    while scale * finer < FINEST and max(shape) * finer * 2 <= DRAWN:
        finer *= 2
    return finer
