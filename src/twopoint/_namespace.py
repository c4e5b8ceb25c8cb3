"""Whose arrays are these: the door of every public function, and the only import of array_api_compat."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Any, TypeAlias

import array_api_compat
import numpy as np
import scipy.fft

Array: TypeAlias = Any
Namespace: TypeAlias = ModuleType

_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_here = threading.local()
_WORTH_THREADS = 1 << 15  # below this many numbers starting threads costs more than it saves


def namespace(*, mask: Array | None = None, count: Array | None = None, **arrays: Array) -> Namespace:
    """Return the array namespace that all the named arrays share; a mask and a count may be None."""
    given = arrays | {name: x for name, x in (("mask", mask), ("count", count)) if x is not None}
    if not given:
        raise TypeError("at least one array is needed to tell the library, got none")
    for name, x in given.items():
        if not is_array(x):
            raise TypeError(f"{name} must be an array of numpy, torch, jax or another array API library, got {type(x).__name__}")
        if isinstance(x, np.ma.MaskedArray):
            raise TypeError(f"{name} is a numpy MaskedArray; pass {name}.filled(0) and mask=~{name}.mask instead")
    spaces = {name: array_api_compat.array_namespace(x) for name, x in given.items()}
    xp = next(iter(spaces.values()))
    if any(other is not xp for other in spaces.values()):
        raise TypeError(f"arrays must be of one library, got {', '.join(f'{n}: {s.__name__}' for n, s in spaces.items())}")
    if not is_jax(xp):  # jax shards: equal data may lie on many devices, and it refuses what it cannot combine
        devices = {name: array_api_compat.device(x) for name, x in given.items()}
        if any(device != next(iter(devices.values())) for device in devices.values()):
            raise ValueError(f"arrays must be on one device, got {', '.join(f'{n}: {d}' for n, d in devices.items())}")
    return xp


def is_array(x: Any) -> bool:
    """Whether x is an array of any library."""
    return bool(array_api_compat.is_array_api_obj(x))


def is_jax(xp: Namespace) -> bool:
    """Whether the namespace is that of jax."""
    return bool(array_api_compat.is_jax_namespace(xp))


def is_torch(xp: Namespace) -> bool:
    """Whether the namespace is that of torch."""
    return bool(array_api_compat.is_torch_namespace(xp))


def differentiates(xp: Namespace) -> bool:
    """Whether the library differentiates by itself."""
    return is_jax(xp) or is_torch(xp)


def stop_gradient(x: Array, xp: Namespace) -> Array:
    """Return x as a constant for the library's differentiation."""
    if differentiates(xp):
        from . import _rules

        return _rules.stop_gradient(x, xp)
    return x


def is_concrete(x: Array, xp: Namespace) -> bool:
    """Whether the values of x can be looked at: not while a program is being traced."""
    if differentiates(xp):
        from . import _rules

        return _rules.is_concrete(x, xp)
    return True


def can_be_kept(x: Array, xp: Namespace) -> bool:
    """Whether what was worked out may be used again in another call: values, and no part of a program or a derivative."""
    if differentiates(xp):
        from . import _rules

        return _rules.can_be_kept(x, xp)
    return True


def is_constant(x: Array, xp: Namespace) -> bool:
    """Whether nothing is to be differentiated by x, in a program that is traced too."""
    if differentiates(xp):
        from . import _rules

        return _rules.is_constant(x, xp)
    return True


def may_split(x: Array, xp: Namespace) -> bool:
    """Whether work on x may be split into pieces at no loss: values, of which no derivative is being recorded."""
    if differentiates(xp):
        from . import _rules

        return _rules.is_concrete(x, xp) and not _rules.is_recorded(x, xp)
    return True


def recorded_plainly(x: Array, xp: Namespace) -> bool:
    """Whether the library records a first derivative by x that can be given instead; only torch asks for it so."""
    if is_torch(xp):
        from . import _rules

        return _rules.recorded_plainly(x)
    return False


def differentiable(x: Array, known: Callable[[Array], tuple[Array, list[Array]]], plain: Callable[[Array], Array], xp: Namespace) -> Array:
    """Return the values of known, which gives their gradient by x, too; higher derivatives are those of plain."""
    from . import _rules

    return _rules.with_gradient(x, known, plain)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of (m, mask, count, plan, xp) as one jax program for each plan."""
    from . import _rules

    return _rules.compiled(function)


def full_precision(x: Array, xp: Namespace) -> AbstractContextManager[Any]:
    """Return a context without autocast, in which a matrix product keeps the dtype of its factors."""
    if is_torch(xp):
        from . import _rules

        return _rules.without_autocast(x)
    return nullcontext()


def floating(x: Array, xp: Namespace) -> Any:
    """Return the dtype in which x is computed and returned: its own, or float32 for the half precisions."""
    return x.dtype if xp.finfo(x.dtype).bits >= 32 else xp.float32


def default_float(xp: Namespace) -> Any:
    """Return the namespace's default floating dtype."""
    return xp.asarray(0.0).dtype


def widest(x: Array, xp: Namespace) -> Any:
    """Return float64 where the library and the device have it, else float32; a wider dtype is kept."""
    if xp.finfo(x.dtype).bits >= 64:
        return x.dtype
    if is_jax(xp) and "float64" not in xp.__array_namespace_info__().dtypes(kind="real floating"):
        return xp.float32
    if getattr(array_api_compat.device(x), "type", None) == "mps":
        return xp.float32
    return xp.float64


@contextmanager
def one_thread() -> Iterator[None]:
    """Transform without threads of scipy's, in this thread: for callers that are many themselves."""
    before, _here.alone = getattr(_here, "alone", False), True
    try:
        yield
    finally:
        _here.alone = before


def _workers(x: Array) -> int | None:
    """Return scipy's number of threads: the user's own scipy.fft.set_workers first, none for small arrays."""
    if scipy.fft.get_workers() != 1:
        return None
    return _CORES if x.size >= _WORTH_THREADS and not getattr(_here, "alone", False) else 1


def rfftn(x: Array, sizes: tuple[int, ...], xp: Namespace) -> Array:
    """Transform the last axes of a real array, zero-padded to the sizes, and divide by their product."""
    return _transform("rfftn", x, sizes, xp)


def irfftn(x: Array, sizes: tuple[int, ...], xp: Namespace) -> Array:
    """Transform back to a real array of the sizes, undivided: the inverse of rfftn."""
    return _transform("irfftn", x, sizes, xp)


def transform_axis(name: str, x: Array, axis: int, xp: Namespace, *, n: int | None = None, norm: str = "forward") -> Array:
    """Transform one axis by "fft", "ifft", "rfft" or "irfft"; with norm "forward" only a forward transform divides by the size."""
    if array_api_compat.is_numpy_namespace(xp):
        return getattr(scipy.fft, name)(x, n=n, axis=axis, norm=norm, workers=_workers(x))
    return getattr(xp.fft, name)(x, n=n, axis=axis, norm=norm)


def _transform(name: str, x: Array, sizes: tuple[int, ...], xp: Namespace) -> Array:
    """Transform by the library itself, or for numpy by scipy, which uses threads."""
    axes = tuple(range(-len(sizes), 0))
    if array_api_compat.is_numpy_namespace(xp):
        return getattr(scipy.fft, name)(x, s=sizes, axes=axes, norm="forward", workers=_workers(x))
    return getattr(xp.fft, name)(x, s=sizes, axes=axes, norm="forward")


def device_of(x: Array) -> Any:
    """Return the device of an array; None where a traced array has none."""
    return array_api_compat.device(x)


def on_cpu(x: Array) -> bool:
    """Whether an array lies in the memory of a processor with caches; so is taken what has no device yet."""
    device = device_of(x)
    return getattr(device, "platform", getattr(device, "type", "cpu")) == "cpu"  # jax's word, torch's


def to_numpy(x: Array) -> np.ndarray:
    """Return a numpy array of the same values, from any library and device."""
    if isinstance(x, np.ndarray):
        return x
    xp = array_api_compat.array_namespace(x)
    x = stop_gradient(x, xp)
    hosted = is_torch(xp) or array_api_compat.is_cupy_namespace(xp)
    return np.asarray(array_api_compat.to_device(x, "cpu") if hosted else x)
