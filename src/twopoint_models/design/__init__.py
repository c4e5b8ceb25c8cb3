"""Wanted properties to microstructures."""

from .by_predictor import latents_by_network, latents_by_search
from .search import Designs, design
from .targets import Materials, properties_of, reachable

__all__ = ["Designs", "Materials", "design", "latents_by_network", "latents_by_search", "properties_of", "reachable"]
