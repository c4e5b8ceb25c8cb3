"""What a generator returns."""

from typing import Any, NamedTuple

import numpy as np


class Structure(NamedTuple):
    """A generated microstructure and what it was generated from."""

    image: np.ndarray  # (H, W) uint8 of 0 and 1
    parameters: dict[str, Any]  # by name; lengths in pixels of this image, angles in degrees
