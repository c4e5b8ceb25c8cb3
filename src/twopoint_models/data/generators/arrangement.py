"""The large-scale arrangement of a microstructure: a periodic Gaussian field whose correlation has one pair of lengths or two."""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
import scipy.fft
from jaxtyping import Float64

LENGTHS = ("length", "width", "length_2", "width_2")


@dataclass(frozen=True)
class Arrangement:
    """The correlation ``share g(A r) + (1 - share) g(A_2 r)`` of a field, with ``g(r) = exp(-|r|^2 / 2)``.

    A rotates the lag r by an angle and divides it by a length along the rotated first axis and by a width across. Short lengths give
    grains, stripes and needles; a second, longer pair gathers them.

    Parameters
    ----------
    length, width : float
        Lengths along and across, in pixels.
    angle : float
        Direction of the length, in degrees from the first axis to the second.
    share : float
        Share of the first pair, 0 to 1; with 1 there is no second pair.
    length_2, width_2, angle_2 : float
        The second pair.

    Raises
    ------
    ValueError
        If a length or width is not a finite number above 0, an angle not finite, or share not within 0 to 1.

    References
    ----------
    The form was found by inverting the statistics of MICRO2D's level cuts; see ``docs/data.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import Arrangement
    >>> field = Arrangement(length=20.0, width=4.0, angle=30.0).field((64, 64), rng=np.random.default_rng(0))
    >>> field.shape, round(float(field.std()), 6)
    ((64, 64), 1.0)
    """

    length: float
    width: float
    angle: float = 0.0
    share: float = 1.0
    length_2: float = 100.0
    width_2: float = 100.0
    angle_2: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not math.isfinite(value) or (name in LENGTHS and value <= 0):
                raise ValueError(f"{name} must be a finite number{' of pixels above 0' if name in LENGTHS else ''}, got {value!r}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be within 0 to 1, got {self.share!r}")

    def scaled(self, scale: float) -> "Arrangement":
        """Return the same arrangement with all lengths multiplied."""
        return replace(self, **{name: getattr(self, name) * scale for name in LENGTHS})

    def smoothed(self, sigma: float) -> "Arrangement":
        """Return the arrangement of the field after a Gaussian blur of standard deviation sigma."""
        long = {name: math.hypot(getattr(self, name), math.sqrt(2) * sigma) for name in LENGTHS}
        first = self.share * self.length * self.width / (long["length"] * long["width"])
        second = (1 - self.share) * self.length_2 * self.width_2 / (long["length_2"] * long["width_2"])
        return replace(self, **long, share=first / (first + second))

    def field(self, shape: tuple[int, int], *, rng: np.random.Generator) -> Float64[np.ndarray, "height width"]:
        """Draw a periodic field (H, W) with this correlation, with mean 0 and variance 1 exactly."""
        noise = scipy.fft.rfft2(rng.standard_normal(shape))
        field = scipy.fft.irfft2(noise * np.sqrt(self._spectrum(shape)), s=shape)
        field -= field.mean()
        spread = field.std()
        return np.asarray(field / spread if spread > 0 else field)  # one pixel has no spread

    def _spectrum(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the transform of the correlation at the frequencies of a real FFT, up to a factor."""
        k, q = 2 * np.pi * np.fft.fftfreq(shape[0])[:, None], 2 * np.pi * np.fft.rfftfreq(shape[1])[None]
        parts = [(self.share, self.length, self.width, self.angle), (1 - self.share, self.length_2, self.width_2, self.angle_2)]
        twice = 1.0 + ((q > 0) & (q < np.pi))  # frequencies that also represent their opposites
        total = np.zeros((shape[0], shape[1] // 2 + 1))
        for share, length, width, angle in parts:
            if share > 0:
                cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
                part = np.exp(-(((cos * k + sin * q) * length) ** 2 + ((cos * q - sin * k) * width) ** 2) / 2)
                total += share / (twice * part).sum() * part  # the torus cuts off long waves; the rest keeps the share
        return total
