"""The CESS VAE in JAX: equinox modules, optax, sharding over devices; its files are those of :class:`twopoint_models.nets.CESSVAE`."""

from .._check import NotFiniteError
from .config import Config
from .network import CESSVAE
from .training import train

__all__ = ["CESSVAE", "Config", "NotFiniteError", "train"]
