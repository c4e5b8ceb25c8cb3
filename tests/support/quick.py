"""Settings with which the tests take less time; what they check stays the same."""

import gc
import sys
import threading
from typing import Any

_PROGRAMS = 100  # of one MLIR context, which keeps their constants


def collect_rarely() -> None:
    """Let Python's collector of cycles pass rarely: it visits a million objects of the imported libraries each time."""
    gc.set_threshold(50_000, 20, 20)


def settle() -> None:
    """Leave what is imported by now out of the collector's passes, and let programs of jax share contexts if it is among it."""
    gc.collect()
    gc.freeze()
    if "jax" in sys.modules:
        share_contexts()


def share_contexts() -> None:
    """Let 100 programs of a thread share an MLIR context. jax makes one for each program, a quarter of the time of an eager operation."""
    from jax._src.interpreters import mlir

    make: Any = getattr(mlir, "make_ir_context", None)  # private: without it, each has its own
    if make is None or getattr(make, "shares", False):
        return
    own = threading.local()

    def shared() -> Any:
        number = getattr(own, "number", 0)
        if number % _PROGRAMS == 0:
            own.context = make()
        own.number = number + 1
        return own.context

    shared.shares = True  # type: ignore[attr-defined]
    mlir.make_ir_context = shared
