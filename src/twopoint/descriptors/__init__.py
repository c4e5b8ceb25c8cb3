"""Descriptors beyond two points: lineal path, three points, Euler number; each file has one, with its adjoint if it has a gradient."""

__all__: list[str] = []
