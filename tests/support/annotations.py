"""Checks the annotations of twopoint in the tests: each function once for each kind of its arguments.

jaxtyping's import hook decorates every function, and checking each call took two thirds of the time of the tests. Whether a call keeps its
annotations depends on the types, shapes and dtypes of its arguments; so a function is checked when it gets a combination of these for the
first time, its result too. What is annotated as Any is looked at only where the result is annotated otherwise; the check does not see it.
"""

import dataclasses
import functools
import inspect
import sys
from importlib.machinery import PathFinder
from types import CodeType
from typing import Any

import jaxtyping

_jaxtyped = jaxtyping.jaxtyped
_SEEN: dict[CodeType, set[Any]] = {}  # by code, as a function inside another one is made anew at each call of that
_MOST = 8  # entries of a container that are looked at
_PLAIN = (int, bool, str, type(None))


class Compiled(PathFinder):
    """Finds the modules of twopoint that numba compiles; it stands before the finder that checks annotations."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        return super().find_spec(fullname, path, target) if fullname.startswith("twopoint.") and fullname.endswith(".kernels") else None


def install() -> None:
    """Check the annotations of twopoint from its import on."""
    jaxtyping.jaxtyped = checked_once
    jaxtyping.install_import_hook("twopoint", "support.backends.checked")
    sys.meta_path.insert(0, Compiled())


def checked_once(fn: Any = None, *, typechecker: Any = None) -> Any:
    """Decorate a function, or the constructor of a dataclass, as jaxtyping does, but check each kind of arguments once."""
    if fn is None:
        return functools.partial(checked_once, typechecker=typechecker)
    if dataclasses.is_dataclass(fn) and "__init__" in vars(fn):
        fn.__init__ = checked_once(fn.__init__, typechecker=typechecker)
        return fn
    if not inspect.isfunction(fn):
        return _jaxtyped(fn, typechecker=typechecker)
    annotated = {name for name, annotation in fn.__annotations__.items() if annotation is not Any}
    if not annotated:
        return fn
    code = fn.__code__
    names, seen, checked, config = code.co_varnames[: code.co_argcount], _SEEN.setdefault(code, set()), [], jaxtyping.config
    looked_at = [i for i, name in enumerate(names) if name in annotated]
    looks_at_all = "return" in annotated or len(looked_at) == len(names)

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if config.jaxtyping_disable:
            return fn(*args, **kwargs)
        given = len(args)
        if looks_at_all or given > len(names):
            kinds = given, *map(kind, args)
        else:
            kinds = given, *[kind(args[i]) for i in looked_at if i < given]
        if kwargs:
            kinds = kinds, *[(name, kind(x)) for name, x in kwargs.items()]
        try:
            if kinds in seen:
                return fn(*args, **kwargs)
        except TypeError:  # a shape or dtype that cannot be hashed
            kinds = None
        if not checked:
            checked.append(_jaxtyped(fn, typechecker=typechecker))
        out = checked[0](*args, **kwargs)
        if kinds is not None:
            seen.add(kinds)
        return out

    return wrapper


def kind(x: Any) -> Any:
    """Return what a check of annotations can see of a value."""
    of = type(x)
    if of in _PLAIN:
        return of, x
    if of is tuple or of is list:
        return of, len(x), *map(kind, x[:_MOST])
    if of is dict:
        return of, len(x), *[(name, kind(x[name])) for name in list(x)[:_MOST]]
    return (of, x.shape, x.dtype) if _is_array(of) else of


@functools.cache
def _is_array(of: type) -> bool:
    """Return whether values of a type have a shape and a dtype: arrays and tracers, but not what twopoint makes of them."""
    return (
        of.__module__.split(".")[0] in ("numpy", "array_api_strict", "torch", "jax", "jaxlib")
        and hasattr(of, "shape")
        and hasattr(of, "dtype")
    )
