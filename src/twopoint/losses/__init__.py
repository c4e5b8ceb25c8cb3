"""Losses on statistics: a prediction beside a prepared target, elementwise measures of the difference, and gradients on every library."""

from .clamp import clamp
from .gradient import value_and_grad
from .spatial import cess, mse_cess, msess
from .style import gram, style_loss

__all__ = ["cess", "clamp", "gram", "mse_cess", "msess", "style_loss", "value_and_grad"]
