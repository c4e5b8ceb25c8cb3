"""The CESS VAE in JAX: equinox modules, optax, sharding over devices; its files are those of :class:`twopoint_models.nets.CESSVAE`."""

from .config import Config
from .network import CESSVAE
from .training import NotFiniteError, train

__all__ = ["CESSVAE", "Config", "NotFiniteError", "train"]
