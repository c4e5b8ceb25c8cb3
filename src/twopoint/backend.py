"""Functions on arrays and datasets for packages built on this one, so that their code does not depend on a framework."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import fft, frameworks, stored
from .arrays.fft import one_thread
from .arrays.namespace import device_of
from .arrays.namespace import namespace as _namespace
from .arrays.namespace import on_cpu as _on_cpu
from .arrays.types import Array, Namespace

__all__ = [
    "Array",
    "Namespace",
    "compiled",
    "constant",
    "irfftn",
    "is_concrete",
    "may_split",
    "missing_filter",
    "namespace",
    "on_cpu",
    "one_thread",
    "rfftn",
    "stop_gradient",
    "while_loop",
]


def namespace(**arrays: Array) -> Namespace:
    """Return the array API namespace that the named arrays share.

    Parameters
    ----------
    **arrays : arrays by name
        Arrays of one library and device; ``mask`` and ``count`` may be None.

    Returns
    -------
    module
        The library in the form of the Python array API standard.

    Raises
    ------
    TypeError
        If an argument is not an array, or the libraries differ; the message names the argument.
    ValueError
        If they are on different devices.

    References
    ----------
    Python array API standard 2024.12.

    Examples
    --------
    >>> import numpy as np
    >>> namespace(x=np.ones(2)).sum(np.ones(2)).item()
    2.0
    """
    return _namespace(**arrays)


def stop_gradient(x: Array) -> Array:
    """Return x as a constant for the differentiation of torch or jax; for other libraries x itself.

    Parameters
    ----------
    x : array
        An array of any shape.

    Returns
    -------
    array
        The same values.

    Raises
    ------
    TypeError
        If x is not an array.

    References
    ----------
    ``torch.Tensor.detach``, ``jax.lax.stop_gradient``.

    Examples
    --------
    >>> import numpy as np
    >>> stop_gradient(np.ones(2))
    array([1., 1.])
    """
    return frameworks.stop_gradient(x, _namespace(x=x))


def while_loop(going: Callable[[Any], Array], step: Callable[[Any], Any], state: Any, *, like: Array) -> Any:
    """Repeat ``state = step(state)`` while ``going(state)``; for jax in a form that can be compiled.

    Parameters
    ----------
    going : function of the state
        Returns a 0-D array; the loop ends when it is false.
    step : function of the state
        Returns the next state, of the same structure, shapes and dtypes.
    state : any nest of tuples, lists and dicts of arrays
        The initial state.
    like : array
        An array of the library in which the loop runs.

    Returns
    -------
    state
        The first state for which going is false.

    Raises
    ------
    TypeError
        If like is not an array.

    References
    ----------
    ``jax.lax.while_loop``.

    Examples
    --------
    >>> import numpy as np
    >>> while_loop(lambda n: n < 10, lambda n: 2 * n, np.asarray(1), like=np.ones(1)).item()
    16
    """
    return frameworks.while_loop(going, step, state, _namespace(like=like))


def compiled(function: Callable[..., Any], *, like: Array, static: tuple[str, ...]) -> Callable[..., Any]:
    """Return a function that jax compiles once per set of static arguments; for other libraries the function itself.

    Parameters
    ----------
    function : function
        A function of keyword arguments. Define it once: each new function object is compiled again.
    like : array
        An array of the library in which the function runs.
    static : tuple of str
        Names of the arguments that are not arrays; their values must be hashable.

    Returns
    -------
    function

    Examples
    --------
    >>> import numpy as np
    >>> compiled(lambda *, x, n: n * x, like=np.ones(1), static=("n",))(x=np.ones(1), n=2)
    array([2.])
    """
    return frameworks.compiled(function, _namespace(like=like), static=static)


def constant(values: np.ndarray, *, like: Array) -> Array:
    """Return numbers as an array with the library, device and floating dtype of another array.

    Parameters
    ----------
    values : numpy array
        Real numbers, of any shape.
    like : array
        A real floating array of any shape.

    Returns
    -------
    array
        The same values.

    Examples
    --------
    >>> import numpy as np
    >>> constant(np.arange(2), like=np.ones(1, np.float32))
    array([0., 1.], dtype=float32)
    """
    xp, values = _namespace(like=like), np.array(values, order="C")  # torch needs positive strides and writable memory
    if frameworks.is_jax(xp):
        return xp.asarray(values, dtype=like.dtype)  # a traced array has no device
    return xp.asarray(values, dtype=like.dtype, device=device_of(like))


def rfftn(x: Array, sizes: tuple[int, ...]) -> Array:
    """Transform the last axes of a real array and divide by the product of their sizes; for numpy by scipy, with threads.

    Parameters
    ----------
    x : array (..., *space)
        A real floating array.
    sizes : ints
        Sizes of the transformed axes, to which x is padded with zeros.

    Returns
    -------
    complex array (..., *space[:-1], space[-1] // 2 + 1)

    Examples
    --------
    >>> import numpy as np
    >>> rfftn(np.ones((2, 2)), (2, 2)).real
    array([[1., 0.],
           [0., 0.]])
    """
    return fft.rfftn(x, sizes, _namespace(x=x))


def irfftn(x: Array, sizes: tuple[int, ...]) -> Array:
    """Transform back to a real array, without division: the inverse of :func:`rfftn`.

    Parameters
    ----------
    x : complex array (..., *space[:-1], space[-1] // 2 + 1)
        A half spectrum.
    sizes : ints
        Sizes of the axes of the result.

    Returns
    -------
    array (..., *space)

    Examples
    --------
    >>> import numpy as np
    >>> irfftn(rfftn(np.eye(3), (3, 3)), (3, 3)).round(12)
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    return fft.irfftn(x, sizes, _namespace(x=x))


def is_concrete(x: Array) -> bool:
    """Return whether the values of an array can be inspected, which they cannot while a program is traced.

    Parameters
    ----------
    x : array
        An array of any shape.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> is_concrete(np.ones(2))
    True
    """
    return frameworks.is_concrete(x, _namespace(x=x))


def may_split(x: Array) -> bool:
    """Return whether work on an array may be split: its values are known, and no derivative is recorded.

    Parameters
    ----------
    x : array
        An array of any shape.

    Returns
    -------
    bool

    Raises
    ------
    TypeError
        If x is not an array.

    References
    ----------
    ``torch.is_grad_enabled``.

    Examples
    --------
    >>> import numpy as np
    >>> may_split(np.ones(2))
    True
    """
    return frameworks.may_split(x, _namespace(x=x))


def missing_filter(dataset: Any) -> str | None:
    """Return which HDF5 filter a dataset needs that is not installed; h5py itself fails without its name.

    Parameters
    ----------
    dataset : h5py.Dataset
        A dataset of an open file.

    Returns
    -------
    str or None
        The end of a sentence that begins with "cannot be read without", with a remedy; None if all filters are installed.

    Examples
    --------
    >>> import h5py
    >>> with h5py.File("example.h5", "w", driver="core", backing_store=False) as file:
    ...     missing_filter(file.create_dataset("a", (4, 4), "uint8", compression="gzip")) is None
    True
    """
    return stored.missing_filter(dataset)


def on_cpu(x: Array) -> bool:
    """Return whether an array is in the memory of a CPU.

    Parameters
    ----------
    x : array
        An array of any shape.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> on_cpu(np.ones(2))
    True
    """
    _namespace(x=x)
    return _on_cpu(x)
