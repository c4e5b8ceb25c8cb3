"""The result of a generator."""

import json
import math
from typing import Any, NamedTuple

import numpy as np

COLUMNS = ("volume_fraction", "length", "width", "angle", "share", "length_2", "width_2", "angle_2")


class Structure(NamedTuple):
    """A generated microstructure and its parameters."""

    image: np.ndarray  # (H, W) uint8 of 0 and 1
    parameters: dict[str, Any]  # by name; lengths in pixels of this image, angles in degrees

    def label(self) -> str:
        """Return all parameters except arrays as JSON, the label of an image in a dataset."""
        return json.dumps({name: value for name, value in self.parameters.items() if not isinstance(value, np.ndarray)})

    def row(self) -> list[float]:
        """Return volume fraction and arrangement in the order of COLUMNS, NaN for missing ones.

        Graphite has no arrangement, and with a share of 1 there is no second pair of lengths. The length of graphite is not one of these.
        """
        share = self.parameters.get("share", math.nan)
        known = COLUMNS[:1] if math.isnan(share) else COLUMNS if share < 1 else COLUMNS[:5]
        return [float(self.parameters.get(name, math.nan)) if name in known else math.nan for name in COLUMNS]
