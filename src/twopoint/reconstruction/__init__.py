"""Reconstruction of a microstructure from its statistics: gradient descent from noise, threshold, and exchange of pixels."""

from .reconstruct import Reconstruction, reconstruct

__all__ = ["Reconstruction", "reconstruct"]
