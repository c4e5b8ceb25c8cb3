"""Graphite in cast iron, by the six kinds that the texture VAE was shown: nodules, flakes, and what is between them."""

from collections.abc import Callable

import numpy as np

from .. import checks as check
from ..structure import Structure
from .forms import graphite_flakes, graphite_intermediate, graphite_spheres
from .kinds import GRAPHITE, check_size, drawn

FORMS: dict[str, Callable[..., Structure]] = {"spheres": graphite_spheres, "flakes": graphite_flakes, "intermediate": graphite_intermediate}


def graphite(kind: str, size: int | tuple[int, int] = 128, *, rng: np.random.Generator, scale: float = 1.0) -> Structure:
    """Generate one of six kinds of graphite, its parameters drawn within the ranges of the kind.

    The ranges, in ``GRAPHITE``, were chosen by the look of graphite in unetched micrographs and by the words of the paper; no micrographs
    were at hand, and nothing is fitted to any. A larger size shows more of the same; a larger scale shows it larger: with the same rng,
    ``size=256, scale=2`` is the structure of ``size=128`` at twice the resolution (up to the last flakes, since pixels are counted).

    Parameters
    ----------
    kind : str
        "small dense spheres", "small sparse spheres", "large spheres", "intermediate", "fine flakes" or "thick flakes".
    size : int or (int, int)
        Height and width in pixels, as long as the longest of the kind at least: at scale 1 thick flakes need 90.
    rng : numpy.random.Generator
        Source of the parameters and of the structure.
    scale : float
        Factor of every length; at 1, 128 pixels show what the paper's patches of 128 pixels show.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite and 0 in ferrite, periodic; and the parameters: those of :func:`graphite_spheres`,
        :func:`graphite_flakes` or :func:`graphite_intermediate`, with ``kind`` and ``scale``.

    Raises
    ------
    TypeError
        If rng is no Generator, kind no string or scale no number.
    ValueError
        If the kind is unknown (the nearest is suggested), a size is no positive integer, scale is not above 0, or makes particles larger
        than the image or thinner than a pixel.

    References
    ----------
    Sardeshmukh et al., section 4.1 and Fig. 3 (a) to (f), in this order.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import graphite
    >>> image, parameters = graphite("thick flakes", (96, 160), rng=np.random.default_rng(0))
    >>> image.shape, 0.08 < parameters["volume_fraction"] < 0.2
    ((96, 160), True)
    """
    check.one_of("kind", kind, GRAPHITE)
    check.generator(rng)
    factor = check.above("scale", scale)
    check_size(kind, check.shape_of(size), factor)
    structure = FORMS[GRAPHITE[kind].form](size, rng=rng, **drawn(kind, rng, factor))
    return Structure(structure.image, {"kind": kind, "scale": factor, **structure.parameters})
