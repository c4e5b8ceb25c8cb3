"""Wanted properties to microstructures."""

from .by_predictor import latents_by_network, latents_by_search
from .labels import labelled
from .search import Designs, design
from .targets import PROPERTIES, Materials, properties_of, reachable

__all__ = [
    "PROPERTIES",
    "Designs",
    "Materials",
    "design",
    "labelled",
    "latents_by_network",
    "latents_by_search",
    "properties_of",
    "reachable",
]
