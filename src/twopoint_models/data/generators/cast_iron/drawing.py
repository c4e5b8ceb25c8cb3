"""The six kinds of graphite on which the texture VAE was trained: nodules, flakes, and intermediate forms."""

from collections.abc import Callable

import numpy as np

from .. import checks as check
from ..structure import Structure
from .forms import graphite_flakes, graphite_intermediate, graphite_spheres
from .kinds import GRAPHITE, check_size, drawn

FORMS: dict[str, Callable[..., Structure]] = {"spheres": graphite_spheres, "flakes": graphite_flakes, "intermediate": graphite_intermediate}


def graphite(kind: str, size: int | tuple[int, int] = 128, *, rng: np.random.Generator, scale: float = 1.0) -> Structure:
    """Generate one of six kinds of graphite, with parameters drawn from the ranges of the kind.

    The ranges in ``GRAPHITE`` were chosen after the look of graphite in unetched micrographs and the text of the paper; they are not fitted
    to data. A larger size shows more of the same structure; a larger scale magnifies it. With the same rng, ``size=256, scale=2`` is the
    structure of ``size=128`` at twice the resolution (up to the last flakes, because pixels are counted).

    Parameters
    ----------
    kind : str
        "small dense spheres", "small sparse spheres", "large spheres", "intermediate", "fine flakes" or "thick flakes".
    size : int or (int, int)
        Height and width in pixels, at least the length of the longest particle of the kind: 90 for thick flakes at scale 1.
    rng : numpy.random.Generator
        Random generator of the parameters and the structure.
    scale : float
        Factor of all lengths; with 1, 128 pixels correspond to the patches of 128 pixels in the paper.

    Returns
    -------
    Structure
        The image (H, W), uint8, 1 in graphite and 0 in ferrite, periodic; and the parameters: those of :func:`graphite_spheres`,
        :func:`graphite_flakes` or :func:`graphite_intermediate`, with ``kind`` and ``scale``.

    Raises
    ------
    TypeError
        If rng is not a Generator, kind not a string or scale not a number.
    ValueError
        If the kind is unknown (the nearest name is suggested), a size is not a positive integer, or scale is not above 0 or makes particles
        larger than the image or thinner than a pixel.

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
