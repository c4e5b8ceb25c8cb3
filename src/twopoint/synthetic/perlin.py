"""Perlin's gradient noise."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ..arrays import checks
from .grid import along


def perlin_noise(
    shape: Iterable[int], *, rng: np.random.Generator, octaves: int = 5, persistence: float = 0.5, base_frequency: float = 4.0
) -> Float64[np.ndarray, "*space"]:
    """Draw multi-octave gradient noise, ``h(r) = sum_o p^o n_o(2^o f r) / sum_o p^o``, with r in units of the longest side.

    n_o is Perlin's noise on the integer lattice. Each lattice point has a unit vector of random direction, whose product with the offset
    from this point is computed. n_o is the mean of these products over the ``2^d`` points around r, with the fade weights
    ``6 t^5 - 15 t^4 + 10 t^3`` (of 2002; those of 1985, ``3 t^2 - 2 t^3``, have a kink in the second derivative). It is 0 at lattice
    points, including the corner of the image, and at most ``sqrt(d) / 2`` in d dimensions. It is not periodic.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    rng : numpy.random.Generator
        Source of the directions: d normal numbers per lattice point, of shape (d, lattice points), for one octave after the other.
    octaves : int
        Number of octaves; each has twice the frequency of the previous one.
    persistence : float
        Ratio p of the amplitudes of consecutive octaves.
    base_frequency : float
        Number f of lattice cells of the first octave along the longest side.

    Returns
    -------
    float64 array (*space)
        The noise.

    Raises
    ------
    TypeError
        If rng is not a Generator, if a size or octaves is not an integer, or if another argument is not a number.
    ValueError
        If shape does not have 1, 2 or 3 sizes of at least 1, if octaves is below 1, or if persistence or base_frequency is not above 0.

    References
    ----------
    Perlin, *An image synthesizer*, SIGGRAPH Comput. Graph. 19 (1985) 287; *Improving noise*, ACM Trans. Graph. 21 (2002) 681.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import perlin_noise
    >>> noise = perlin_noise((64, 64), rng=np.random.default_rng(0), octaves=1)
    >>> noise.shape, float(abs(noise[::16, ::16]).max())
    ((64, 64), 0.0)
    """
    space = checks.sizes(shape)
    checks.generator(rng)
    octaves = checks.integer("octaves", octaves, 1)
    persistence = checks.finite("persistence", persistence, 0.0)
    base_frequency = checks.finite("base_frequency", base_frequency, 0.0)
    total = np.zeros(space)
    for octave in range(octaves):
        total += persistence**octave * _octave(space, base_frequency * 2**octave, rng)
    return total / math.fsum(persistence**octave for octave in range(octaves))


def _octave(space: tuple[int, ...], frequency: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise of one frequency, (*space), axis by axis, since it is a sum over corners of products over axes."""
    grids = [_axis(size, frequency / max(space)) for size in space]
    gradients = rng.standard_normal((len(space), *(grid.points for grid in grids)))
    gradients /= np.sqrt(np.sum(gradients**2, axis=0))
    total = np.zeros(space)
    for component, values in enumerate(gradients):
        for axis, grid in enumerate(grids):
            values = grid.interpolate(values, axis, offset=axis == component)
        total += values
    return total


@dataclass(frozen=True)
class _Axis:
    """The positions of the pixels of one axis between lattice points."""

    cell: np.ndarray  # number of the lattice point before each pixel
    t: np.ndarray  # distance from it, in cells
    fade: np.ndarray  # weight of the next lattice point

    @property
    def points(self) -> int:
        """The number of lattice points of the axis."""
        return int(self.cell[-1]) + 2

    def interpolate(self, values: np.ndarray, axis: int, *, offset: bool) -> np.ndarray:
        """Interpolate between lattice points along an axis; slopes along this axis are multiplied by the offset from their point first."""
        low, high = 1 - self.fade, self.fade
        if offset:
            low, high = low * self.t, high * (self.t - 1)
        before, behind = (np.take(values, self.cell + step, axis) for step in (0, 1))
        return before * along(low, axis, values.ndim) + behind * along(high, axis, values.ndim)


def _axis(size: int, cells_per_pixel: float) -> _Axis:
    """Return the positions of the pixels of one axis."""
    position = np.arange(size) * cells_per_pixel
    cell = np.floor(position).astype(np.int64)
    t = position - cell
    return _Axis(cell, t, t**3 * (t * (6 * t - 15) + 10))
