"""The door for packages built on this one: array code that names no framework."""

from collections.abc import Callable
from typing import Any

from ._namespace import Array, Namespace, is_jax
from ._namespace import namespace as _namespace
from ._namespace import stop_gradient as _stop_gradient

__all__ = ["namespace", "stop_gradient", "while_loop"]


def namespace(**arrays: Array) -> Namespace:
    """Return the array API namespace that the named arrays share.

    Parameters
    ----------
    **arrays : arrays by name
        Arrays of one library and device; None is passed over.

    Returns
    -------
    module
        The library in the form of the Python array API standard.

    Raises
    ------
    TypeError
        If one is no array, or they are of different libraries; the message names it.
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
    """Return x as a constant for differentiation by torch or jax; elsewhere x itself.

    Parameters
    ----------
    x : array
        Of any shape.

    Returns
    -------
    array
        The same values.

    Raises
    ------
    TypeError
        If x is no array.

    References
    ----------
    ``torch.Tensor.detach``, ``jax.lax.stop_gradient``.

    Examples
    --------
    >>> import numpy as np
    >>> stop_gradient(np.ones(2))
    array([1., 1.])
    """
    return _stop_gradient(x, _namespace(x=x))


def while_loop(going: Callable[[Any], Array], step: Callable[[Any], Any], state: Any, *, like: Array) -> Any:
    """Repeat ``state = step(state)`` while ``going(state)``, under jax in a form that it can compile.

    Parameters
    ----------
    going : function of the state
        Returns an array of no axes, true to go on.
    step : function of the state
        Returns the next state, of the same structure, shapes and dtypes.
    state : any nest of tuples, lists and dicts of arrays
        Where to begin.
    like : array
        Of the library in which the loop is to run.

    Returns
    -------
    state
        The first for which going is false.

    Raises
    ------
    TypeError
        If like is no array.

    References
    ----------
    ``jax.lax.while_loop``.

    Examples
    --------
    >>> import numpy as np
    >>> while_loop(lambda n: n < 10, lambda n: 2 * n, np.asarray(1), like=np.ones(1)).item()
    16
    """
    if is_jax(_namespace(like=like)):
        from . import _rules

        return _rules.while_loop(going, step, state)
    while bool(going(state)):
        state = step(state)
    return state
