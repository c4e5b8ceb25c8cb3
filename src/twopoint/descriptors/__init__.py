"""Descriptors beyond two points, each in a file of its own, with its adjoint if it has a gradient."""

from .chords import chord_lengths
from .clusters import cluster_correlation
from .euler_number import euler_number
from .lineal_path import lineal_path
from .three_point import three_point

__all__ = ["chord_lengths", "cluster_correlation", "euler_number", "lineal_path", "three_point"]
