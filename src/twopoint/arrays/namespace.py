"""The array namespace of the arguments of a public function, and the rules for dtypes and devices."""

from typing import Any

import array_api_compat
import numpy as np

from .frameworks import is_jax, is_numpy, is_torch, stop_gradient
from .types import Array, Namespace


def namespace(*, mask: Array | None = None, count: Array | None = None, **arrays: Array) -> Namespace:
    """Return the array namespace that all named arrays share; a mask and a count may be None."""
    named = arrays | {name: x for name, x in (("mask", mask), ("count", count)) if x is not None}
    if not named:
        raise TypeError("at least one array is needed to determine the library, got none")
    for name, x in named.items():
        if not is_array(x):
            raise TypeError(f"{name} must be an array of numpy, torch, jax or another array API library, got {type(x).__name__}")
        if isinstance(x, np.ma.MaskedArray):
            raise TypeError(f"{name} is a numpy MaskedArray; pass {name}.filled(0) and mask=~{name}.mask instead")
    spaces = {name: array_api_compat.array_namespace(x) for name, x in named.items()}
    xp = next(iter(spaces.values()))
    if any(other is not xp for other in spaces.values()):
        raise TypeError(f"arrays must be of one library, got {', '.join(f'{n}: {s.__name__}' for n, s in spaces.items())}")
    if not is_jax(xp):  # jax may shard an array over several devices, and raises if it cannot combine arrays
        devices = {name: array_api_compat.device(x) for name, x in named.items()}
        if any(device != next(iter(devices.values())) for device in devices.values()):
            raise ValueError(f"arrays must be on one device, got {', '.join(f'{n}: {d}' for n, d in devices.items())}")
    return xp


def is_array(x: Any) -> bool:
    """Whether x is an array of any library."""
    return bool(array_api_compat.is_array_api_obj(x))


def floating(x: Array, xp: Namespace) -> Any:
    """Return the dtype in which results of a floating x are computed and returned: its own, or float32 for half precision."""
    return x.dtype if xp.finfo(x.dtype).bits >= 32 else xp.float32


def default_float(xp: Namespace) -> Any:
    """Return the namespace's default floating dtype."""
    return xp.asarray(0.0).dtype


def result_dtype(m: Array, xp: Namespace) -> Any:
    """Return the dtype of results of m: that of m, but float32 for half precision and the default float for booleans."""
    return default_float(xp) if xp.isdtype(m.dtype, "bool") else floating(m, xp)


def as_floating(m: Array, xp: Namespace) -> Array:
    """Return m in the dtype of its results."""
    return xp.astype(m, result_dtype(m, xp), copy=False)


def widest(x: Array, xp: Namespace) -> Any:
    """Return float64 if the library and the device support it, else float32; a wider dtype is kept."""
    if xp.finfo(x.dtype).bits >= 64:
        return x.dtype
    if is_jax(xp) and "float64" not in xp.__array_namespace_info__().dtypes(kind="real floating"):
        return xp.float32
    if getattr(array_api_compat.device(x), "type", None) == "mps":
        return xp.float32
    return xp.float64


def device_of(x: Array) -> Any:
    """Return the device of an array; None for a traced array without a device."""
    return array_api_compat.device(x)


def on_cpu(x: Array) -> bool:
    """Whether an array is in the memory of a CPU; an array without a device is treated as one that is."""
    device = device_of(x)
    return getattr(device, "platform", getattr(device, "type", "cpu")) == "cpu"  # the attribute of jax, then that of torch


def to_numpy(x: Array) -> np.ndarray:
    """Return a numpy array of the same values, from any library and device."""
    if isinstance(x, np.ndarray):
        return x
    xp = array_api_compat.array_namespace(x)
    if is_numpy(xp):
        return np.asarray(x)
    hosted = is_torch(xp) or array_api_compat.is_cupy_namespace(xp)
    x = stop_gradient(x, xp)
    return np.asarray(array_api_compat.to_device(x, "cpu") if hosted else x)
