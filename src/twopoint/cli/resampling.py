"""Two images of different spacing on one: the finer is sampled at points as far apart as the coarser's."""

from dataclasses import replace

import numpy as np

from .inputs import Input
from .units import Spacing

_ROUNDING = 1e-9
_SAME = 1e-6  # relative difference of spacings that are meant to be equal


def common(a: Spacing, b: Spacing) -> Spacing:
    """Return the coarser spacing along each axis, in the first one's unit.

    Examples
    --------
    >>> from twopoint.cli.resampling import common
    >>> from twopoint.cli.units import Spacing
    >>> common(Spacing((1.0, 2.0), "µm"), Spacing((1500.0, 1500.0), "nm"))
    Spacing(steps=(1.5, 2.0), unit='µm')
    """
    unit = a.metres[0] / a.steps[0]
    steps = (max(x, float(f"{y / unit:.12g}")) for x, y in zip(a.steps, b.metres, strict=True))
    return Spacing(tuple(steps), a.unit)


def sampled(given: Input, own: Spacing, wanted: Spacing) -> Input:
    """Return an image at the nearest pixels to points of a coarser spacing: 2-point statistics of points know no other averaging.

    Parameters
    ----------
    given : Input
        The image.
    own : Spacing
        Its spacing.
    wanted : Spacing
        At least that along each axis.
    """
    if all(abs(x - y) <= _SAME * y for x, y in zip(own.metres, wanted.metres, strict=True)):
        return given
    index = []
    for size, fine, coarse in zip(given.image.values.shape, own.metres, wanted.metres, strict=True):
        points = max(int(size * fine / coarse * (1 + _SAME)), 1)
        index.append(np.minimum(((np.arange(points) + 0.5) * (coarse / fine) * (1 + _ROUNDING)).astype(int), size - 1))
    at = np.ix_(*index)
    return replace(
        given, image=replace(given.image, values=given.image.values[at]), found=replace(given.found, labels=given.found.labels[at])
    )
