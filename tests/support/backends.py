"""The array libraries that every test of the matrix runs on, each as a way to make its arrays and to read them back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import beartype
import numpy as np

from support import quick

checked = beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))  # an int serves where a float is asked for
NAMES = ("numpy", "readonly", "strict", "torch", "jax")
GPU_NAMES = ("torch_gpu", "jax_gpu")


@dataclass(frozen=True)
class Backend:
    """One array library: make(array) turns a numpy array into its own, read(array) turns its own into a numpy array."""

    name: str
    xp: Any
    make: Callable[..., Any]
    read: Callable[[Any], np.ndarray]

    @property
    def differentiates(self) -> bool:
        """Whether the library differentiates by itself."""
        return self.name.startswith(("torch", "jax"))

    def __repr__(self) -> str:
        return self.name


def _readonly(array: Any) -> np.ndarray:
    array = np.array(array)
    array.flags.writeable = False
    return array


def _numpy(name: str) -> Backend:
    import array_api_compat.numpy as xp

    return Backend(name, xp, _readonly if name == "readonly" else np.array, np.asarray)


def _strict(name: str) -> Backend:
    import array_api_strict as xp

    def read(array: Any) -> np.ndarray:
        assert isinstance(array, type(xp.zeros(1))), f"left array_api_strict: {type(array)}"
        return np.from_dlpack(array)

    return Backend(name, xp, lambda a: xp.asarray(np.array(a)), read)


def _torch(name: str) -> Backend:
    import array_api_compat.torch as xp
    import torch

    device = "cuda" if name == "torch_gpu" else "cpu"

    def read(array: Any) -> np.ndarray:
        assert isinstance(array, torch.Tensor), f"left torch: {type(array)}"
        assert array.device.type == device, f"left the device: {array.device}"
        return array.detach().cpu().numpy()

    return Backend(name, xp, lambda a: torch.tensor(np.array(a), device=device), read)


def _jax(name: str) -> Backend:
    import jax

    quick.share_contexts()
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_most_optimizations", True)  # most of the tests' time is XLA's
    device = jax.devices("gpu" if name == "jax_gpu" else "cpu")[0]

    def read(array: Any) -> np.ndarray:
        assert isinstance(array, jax.Array), f"left jax: {type(array)}"
        assert array.devices() == {device}, f"left the device: {array.devices()}"
        return np.asarray(array)

    return Backend(name, jax.numpy, lambda a: jax.device_put(np.array(a), device), read)


_MAKERS = {"numpy": _numpy, "readonly": _numpy, "strict": _strict, "torch": _torch, "torch_gpu": _torch, "jax": _jax, "jax_gpu": _jax}


@cache
def backend(name: str) -> Backend:
    """Return a backend by name; ImportError if its library is absent."""
    return _MAKERS[name](name)


def at_hand(name: str) -> bool:
    """Whether a GPU backend has its GPU."""
    import jax
    import torch

    if name == "torch_gpu":
        return torch.cuda.is_available()
    return any(device.platform == "gpu" for device in jax.devices())
