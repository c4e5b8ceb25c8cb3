"""Samples and options for the tests of the transformer of scikit-learn."""

import numpy as np

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 3, (4, 6, 5))
SOFT = RNG.dirichlet(np.ones(3), (4, 6, 5)).transpose(0, 3, 1, 2)
MASK = RNG.random((6, 5)) > 0.3
OPTIONS = {
    "plain": {},
    "open": {"boundary": "open"},
    "mask": {"mask": MASK},
    "crop": {"crop": (4, 3)},
    "open crop mask": {"boundary": "open", "crop": 5, "mask": MASK},
    "whole crop": {"crop": (6, 5)},
}
