"""Predictions, targets and options for the tests of the modules of torch."""

import numpy as np
import torch

from support import oracles
from support.strategies import arrays
from twopoint.adapters.torch_losses import CESS, MSECESS, MSESS

MASK = np.random.default_rng(3).random((6, 5)) > 0.3
P = torch.tensor(np.stack([arrays(i, 3, (6, 5), "soft") for i in range(4)]))
T = torch.tensor(np.stack([arrays(i + 10, 3, (6, 5), "indicator") for i in range(4)]))
LOSSES = {"msess": (MSESS, {}), "cess": (CESS, {}), "mse_cess": (MSECESS, {"alpha": 3.0})}
MODES = {
    "plain": {},
    "open": {"boundary": "open"},
    "mask": {"mask": torch.tensor(MASK)},
    "mask of numbers, open, crop": {"mask": torch.tensor(MASK * 1e-6), "boundary": "open", "crop": 4},
    "crop, sum": {"crop": (4, 3), "lag_reduction": "sum"},
    "pairs": {"pairs": [(0, 1), (2, 2)], "reduction": "sum"},
    "implied": {"implied_phase": True, "reduction": "none"},
    "implied mask": {"implied_phase": True, "mask": torch.tensor(MASK)},
}
INDEX = torch.tensor([7, 3, 9, 1])


def given(mode, dtype=torch.float64):
    """Prediction and target, phase 0 left out where it is implied."""
    first = int(MODES[mode].get("implied_phase", False))
    return P[:, first:].to(dtype), T[:, first:].to(dtype)


def value_and_gradient(loss, prediction, target, **options):
    x = prediction.clone().requires_grad_()
    value = loss(x, target, **options)
    value.sum().backward()
    return value.detach(), x.grad


def equal(got, want, tolerance=1e-12):
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype
        oracles.close(a, b, tolerance)
