"""The CESS VAE in JAX: equinox modules, optax, and sharding over devices.

:class:`CESSVAE` has the name of torch's network, :class:`twopoint_models.cess_vae.CESSVAE`, because both write and read the same files.
It needs no torch. The files are ``network``, ``config`` (the choices of a run), ``steps`` (the loss and the optimiser) and ``training``.
The command is ``python examples/train_jax_vae.py --out jax_run --small``.
"""

from typing import TYPE_CHECKING

from ...lazy import lazily

if TYPE_CHECKING:
    from ...checks import NotFiniteError
    from .config import JAXConfig
    from .network import CESSVAE
    from .training import train

__all__ = ["CESSVAE", "JAXConfig", "NotFiniteError", "train"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".config": "JAXConfig",
        ".network": "CESSVAE",
        ".training": "train",
        "...checks": "NotFiniteError",
    },
)
