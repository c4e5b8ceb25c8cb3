"""Reconstruction: from noise to a microstructure of given 2-point statistics; needs numpy and scipy alone."""
