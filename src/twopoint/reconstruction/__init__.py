"""Reconstruction: from noise to a microstructure of given statistics, by descent, threshold and exchange of pixels."""

from .reconstruct import Reconstruction, reconstruct

__all__ = ["Reconstruction", "reconstruct"]
