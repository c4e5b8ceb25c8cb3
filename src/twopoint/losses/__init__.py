"""Losses on statistics: comparison of a prediction with a prepared target, elementwise measures, and gradients for every library."""

from .clamp import clamp
from .descriptor_loss import descriptor_loss
from .gradient import value_and_grad
from .spatial import cess, mse_cess, msess
from .style import gram, style_loss

__all__ = ["cess", "clamp", "descriptor_loss", "gram", "mse_cess", "msess", "style_loss", "value_and_grad"]
