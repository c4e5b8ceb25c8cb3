"""The three forms of graphite: spheres, flakes, and a mixture of nodules and worms."""

import math

import numpy as np

from .. import checks as check
from ..structure import Structure
from .kinds import completed
from .lines import Habit, lines
from .parameters import check_fraction, check_gap, check_lines, check_nodules, made_nodules, of_lines, of_nodules, structure

WORMS = dict(rosettes=0.0, branching=0.25, taper=0.0, ripple=0.25, least=1.0)  # round ends, knobbly
FLAKES = dict(taper=0.6, ripple=0.15, least=2.5)  # pointed; no crumbs


def graphite_spheres(
    size: int | tuple[int, int] = 128,
    *,
    rng: np.random.Generator,
    volume_fraction: float | None = None,
    mean_radius: float | None = None,
    radius_spread: float | None = None,
    irregularity: float | None = None,
    gap: float | None = None,
) -> Structure:
    """Generate nodules of nearly round outline that do not touch, as in ductile iron.

    Radii are lognormal up to 2.5 standard deviations, the outline of each is a random Fourier series of the waves 2 to 6 about its
    radius, and places are random, the largest nodule first, none nearer to another, or to itself across the rim, than the gap. What is
    None is drawn as for a kind of spheres in ``GRAPHITE``.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
        Source of everything random.
    volume_fraction : float, optional
        Share of the image in nodules, above 0 and below 0.5; reached to within one nodule's area, of which there is one at least.
    mean_radius : float, optional
        Pixels, at least 1.
    radius_spread : float, optional
        Standard deviation of the radii by their mean, 0 to 1.
    irregularity : float, optional
        Root mean square deviation of the outline by the radius, 0 to 0.25.
    gap : float, optional
        Least distance between two outlines in pixels; by default half the mean radius. From 1.5 on no two nodules share a label.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite, periodic; and the parameters by the names above, ``volume_fraction`` as reached and
        ``wanted_volume_fraction`` as asked for, the number ``nodules``, their ``centres`` (n, 2), row and column, and ``radii`` (n,)
        of equal area.

    Raises
    ------
    TypeError
        If rng is no Generator, or a parameter no number.
    ValueError
        If a size is no positive integer, a parameter is out of its bounds or not finite, a nodule of the mean radius is larger than the
        image, or the volume fraction cannot be reached without overlap: then with the one that was.

    References
    ----------
    Sardeshmukh et al., Fig. 3 (a) to (c); ASTM A247, forms I and II.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data.generators import graphite_spheres
    >>> image, parameters = graphite_spheres(64, volume_fraction=0.1, mean_radius=4, rng=np.random.default_rng(0))
    >>> image.shape, parameters["nodules"], round(float(image.mean()), 1)
    ((64, 64), 9, 0.1)
    """
    shape = check.shape_of(size)
    check.generator(rng)
    names = ("volume_fraction", "mean_radius", "radius_spread", "irregularity")
    p = completed("spheres", dict(zip(names, (volume_fraction, mean_radius, radius_spread, irregularity), strict=True)), rng)
    check_fraction(p)
    check_nodules(p, shape)
    check_gap(p, gap, "mean_radius", shape)
    found = made_nodules(p, p["volume_fraction"], shape, rng)
    image = np.zeros(shape, bool)
    image.reshape(-1)[found.pixels] = True
    return structure(image, p, of_nodules(found))


def graphite_flakes(
    size: int | tuple[int, int] = 128,
    *,
    rng: np.random.Generator,
    volume_fraction: float | None = None,
    length: float | None = None,
    thickness: float | None = None,
    bend: float | None = None,
    rosettes: float | None = None,
    branching: float | None = None,
    gap: float | None = None,
) -> Structure:
    """Generate curved, branched flakes, some of them in rosettes, as in gray iron.

    Arms grow from nuclei along lines whose curvature does a random walk, get thinner to their tips, branch, and stop before they meet an
    arm of another nucleus that was there before. What is None is drawn as for a kind of flakes in ``GRAPHITE``.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
        Source of everything random.
    volume_fraction : float, optional
        Share of the image in flakes, above 0 and below 0.5; reached to within one flake's area.
    length : float, optional
        Mean length from tip to tip in pixels of flakes that nothing stops, at most the smaller side of the image.
    thickness : float, optional
        Mean thickness in pixels, 1 at least, the length at most; tips are 0.4 of it, and 1.4 pixels at least.
    bend : float, optional
        Root mean square turn of a flake's direction over the mean length in degrees, 0 to 360.
    rosettes : float, optional
        Share of the nuclei with 3 to 6 arms in all directions, 0 to 1; the others have two opposite ones.
    branching : float, optional
        Mean number of branches an arm, 0 to 4.
    gap : float, optional
        Mean distance kept from flakes of other nuclei in pixels; by default half the thickness. Some still touch.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite, periodic; and the parameters by the names above, ``volume_fraction`` as reached and
        ``wanted_volume_fraction`` as asked for; the numbers ``nuclei`` and ``arms``, branches included; ``mean_arm_length`` and
        ``mean_arm_thickness`` of those that grew.

    Raises
    ------
    TypeError
        If rng is no Generator, or a parameter no number.
    ValueError
        If a size is no positive integer, a parameter is out of its bounds or not finite, the length is larger than the image, or the
        volume fraction cannot be reached at this gap: then with the one that was.

    References
    ----------
    Sardeshmukh et al., Fig. 3 (e) and (f); ASTM A247, form VII, types A, B and D.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data.generators import graphite_flakes
    >>> image, parameters = graphite_flakes(64, volume_fraction=0.12, length=30, thickness=2, rng=np.random.default_rng(0))
    >>> image.shape, round(float(image.mean()), 2)
    ((64, 64), 0.12)
    """
    shape = check.shape_of(size)
    check.generator(rng)
    names = ("volume_fraction", "length", "thickness", "bend", "rosettes", "branching")
    p = completed("flakes", dict(zip(names, (volume_fraction, length, thickness, bend, rosettes, branching), strict=True)), rng)
    check_fraction(p)
    check_lines(p, shape)
    check_gap(p, gap, "thickness", shape)
    p["rosettes"] = check.within("rosettes", p["rosettes"], 1)
    p["branching"] = check.within("branching", p["branching"], 4)
    habit = Habit(**{name: p[name] for name in Habit._fields if name in p}, **FLAKES)
    found = lines(shape, rng, p["volume_fraction"] * math.prod(shape), habit)
    return structure(found.image.reshape(shape), p, of_lines(found))


def graphite_intermediate(
    size: int | tuple[int, int] = 128,
    *,
    rng: np.random.Generator,
    volume_fraction: float | None = None,
    nodule_share: float | None = None,
    mean_radius: float | None = None,
    radius_spread: float | None = None,
    irregularity: float | None = None,
    length: float | None = None,
    thickness: float | None = None,
    bend: float | None = None,
    gap: float | None = None,
) -> Structure:
    """Generate nodules among short worms with round ends, as in compacted iron.

    Nodules are those of :func:`graphite_spheres`; worms are the lines of :func:`graphite_flakes` without rosettes, thick and knobbly, which
    stop before nodules and each other. What is None is drawn as for the intermediate kind in ``GRAPHITE``.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
        Source of everything random.
    volume_fraction : float, optional
        Share of the image in graphite, above 0 and below 0.5; reached to within one particle's area.
    nodule_share : float, optional
        Share of the graphite in nodules, 0 to 1; reached to within one nodule's area.
    mean_radius, radius_spread, irregularity : float, optional
        Of the nodules, as in :func:`graphite_spheres`.
    length, thickness, bend : float, optional
        Of the worms, as in :func:`graphite_flakes`.
    gap : float, optional
        Distance kept between particles in pixels, by worms in the mean; by default half the thickness.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite, periodic; and the parameters by the names above, with what :func:`graphite_spheres` and
        :func:`graphite_flakes` add.

    Raises
    ------
    TypeError
        If rng is no Generator, or a parameter no number.
    ValueError
        If a size is no positive integer, a parameter is out of its bounds or not finite, a particle is larger than the image, or the
        volume fraction cannot be reached at this gap: then with the one that was.

    References
    ----------
    Sardeshmukh et al., Fig. 3 (d); ASTM A247, form IV, with forms I and II.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data.generators import graphite_intermediate
    >>> image, parameters = graphite_intermediate(96, nodule_share=0.5, rng=np.random.default_rng(0))
    >>> image.shape, parameters["nodules"] > 0, parameters["arms"] > 0
    ((96, 96), True, True)
    """
    shape = check.shape_of(size)
    check.generator(rng)
    names = ("volume_fraction", "nodule_share", "mean_radius", "radius_spread", "irregularity", "length", "thickness", "bend")
    values = (volume_fraction, nodule_share, mean_radius, radius_spread, irregularity, length, thickness, bend)
    p = completed("intermediate", dict(zip(names, values, strict=True)), rng)
    check_fraction(p)
    check_nodules(p, shape)
    p["nodule_share"] = check.within("nodule_share", p["nodule_share"], 1)
    check_lines(p, shape)
    check_gap(p, gap, "thickness", shape)
    found = made_nodules(p, p["nodule_share"] * p["volume_fraction"], shape, rng)
    habit = Habit(**{name: p[name] for name in Habit._fields if name in p}, **WORMS)
    grown = lines(shape, rng, p["volume_fraction"] * math.prod(shape), habit, found)
    return structure(grown.image.reshape(shape), p, of_nodules(found) | of_lines(grown))
