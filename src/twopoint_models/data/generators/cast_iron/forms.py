"""The three forms of graphite: spheres, flakes, and a mixture of nodules and worms."""

import math

import numpy as np

from .. import checks as check
from ..structure import Structure
from .kinds import completed
from .lines import Habit, lines
from .parameters import check_fraction, check_gap, check_lines, check_nodules, made_nodules, of_lines, of_nodules, structure

WORMS = dict(rosettes=0.0, branching=0.25, taper=0.0, ripple=0.25, least=1.0)  # round ends and a varying thickness
FLAKES = dict(taper=0.6, ripple=0.15, least=2.5)  # pointed ends, and no short fragments


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
    """Generate nodules with nearly round outlines that do not touch, as in ductile iron.

    Radii are lognormal up to 2.5 standard deviations. Each outline is a random Fourier series of waves 2 to 6 about the radius. Centres are
    random, the largest nodule first, and keep the gap between outlines, also across the periodic boundary. Parameters that are None are
    drawn from a kind of spheres in ``GRAPHITE``.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
        Random generator.
    volume_fraction : float, optional
        Share of the image in nodules, above 0 and below 0.5. It is reached to within the area of one nodule; there is at least one.
    mean_radius : float, optional
        Pixels, at least 1.
    radius_spread : float, optional
        Standard deviation of the radii over their mean, 0 to 1.
    irregularity : float, optional
        Root mean square deviation of the outline over the radius, 0 to 0.25.
    gap : float, optional
        Least distance between two outlines in pixels; by default half the mean radius. From 1.5 on, nodules are separate components.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite, periodic; and the parameters by the names above: the reached ``volume_fraction`` and the
        requested ``wanted_volume_fraction``, the number of ``nodules``, their ``centres`` (n, 2), row and column, and their ``radii`` (n,)
        of equal area.

    Raises
    ------
    TypeError
        If rng is not a Generator, or a parameter is not a number.
    ValueError
        If a size is not a positive integer, a parameter is out of its bounds or not finite, a nodule of the mean radius is larger than the
        image, or the volume fraction cannot be reached without overlap; the message states the reached one.

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

    Arms grow from nuclei along lines whose curvature is a random walk. They taper towards their tips, branch, and stop before they meet an
    earlier arm of another nucleus. Parameters that are None are drawn from a kind of flakes in ``GRAPHITE``.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
        Random generator.
    volume_fraction : float, optional
        Share of the image in flakes, above 0 and below 0.5, reached to within the area of one flake.
    length : float, optional
        Mean length in pixels from tip to tip of flakes that are not stopped, at most the smaller side of the image.
    thickness : float, optional
        Mean thickness in pixels, at least 1 and at most the length. Tips have 0.4 of it, but at least 1.4 pixels.
    bend : float, optional
        Root mean square change of direction over the mean length, in degrees, 0 to 360.
    rosettes : float, optional
        Share of the nuclei with 3 to 6 arms in all directions, 0 to 1; the others have two opposite arms.
    branching : float, optional
        Mean number of branches of an arm, 0 to 4.
    gap : float, optional
        Mean distance from flakes of other nuclei in pixels; by default half the thickness. Some flakes still touch.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite, periodic; and the parameters by the names above: the reached ``volume_fraction`` and the
        requested ``wanted_volume_fraction``; the numbers of ``nuclei`` and ``arms``, including branches; ``mean_arm_length`` and
        ``mean_arm_thickness``.

    Raises
    ------
    TypeError
        If rng is not a Generator, or a parameter is not a number.
    ValueError
        If a size is not a positive integer, a parameter is out of its bounds or not finite, the length is larger than the image, or the
        volume fraction cannot be reached with this gap; the message states the reached one.

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

    Nodules are those of :func:`graphite_spheres`. Worms are the lines of :func:`graphite_flakes` without rosettes, thick and of varying
    thickness; they stop before nodules and each other. Parameters that are None are drawn from the intermediate kind in ``GRAPHITE``.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
        Random generator.
    volume_fraction : float, optional
        Share of the image in graphite, above 0 and below 0.5, reached to within the area of one particle.
    nodule_share : float, optional
        Share of the graphite in nodules, 0 to 1, reached to within the area of one nodule.
    mean_radius, radius_spread, irregularity : float, optional
        Parameters of the nodules, as for :func:`graphite_spheres`.
    length, thickness, bend : float, optional
        Parameters of the worms, as for :func:`graphite_flakes`.
    gap : float, optional
        Distance between particles in pixels, on average for worms; by default half the thickness.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite, periodic; and the parameters by the names above, with those that :func:`graphite_spheres`
        and :func:`graphite_flakes` add.

    Raises
    ------
    TypeError
        If rng is not a Generator, or a parameter is not a number.
    ValueError
        If a size is not a positive integer, a parameter is out of its bounds or not finite, a particle is larger than the image, or the
        volume fraction cannot be reached with this gap; the message states the reached one.

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
