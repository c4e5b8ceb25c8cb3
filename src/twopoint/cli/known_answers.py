"""The self-test of ``doctor``: statistics, a loss and its gradient on tiny images, against direct sums in float64 without FFT."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import cess, correlations, value_and_grad

_SPACE = (4, 3)
_PHASES = 2
_STEP = 1e-30  # the complex step gives derivatives that are exact to rounding
BOUNDS = {"float64": 1e-12, "float32": 2e-5}  # on max |difference| / max |reference|

Make = Callable[[np.ndarray], Any]
Compiled = Callable[[Callable[..., Any]], Callable[..., Any]]
Read = Callable[[Any], np.ndarray]


def run(make: Make, read: Read, compiled: Compiled = lambda function: function) -> dict[str, Any]:
    """Test one library on one device against the known answers.

    Parameters
    ----------
    make, read : functions
        Convert a numpy array to the library's array, and back.
    compiled : function
        Compiles a function, for a library that takes seconds without.

    Returns
    -------
    dict
        ``dtype``, relative ``errors`` by name, ``bound``, ``passed`` and ``seconds``.
    """
    rng = np.random.default_rng(0)
    m, target = (rng.dirichlet(np.ones(_PHASES), size=_SPACE).transpose(2, 0, 1).copy() for _ in range(2))
    mask = rng.random(_SPACE) < 0.7
    began = time.perf_counter()
    own_m, own_target, own_mask = make(m), make(target), make(mask)
    statistics = compiled(lambda x, points: correlations(x, boundary="open", mask=points))(own_m, own_mask)
    value, gradient = compiled(lambda x, t: value_and_grad(cess)(x, t, excess=True))(own_m, own_target)
    t = direct(target, "periodic")
    answers = {
        "open, masked statistics": (statistics, direct(m, "open", mask)),
        "excess CESS": (value, direct_excess(m, t)),
        "its gradient": (gradient, direct_gradient(m, t)),
    }
    errors = {name: _error(read(result), np.asarray(reference)) for name, (result, reference) in answers.items()}
    dtype = str(read(own_m).dtype)
    passed = all(error <= BOUNDS[dtype] for error in errors.values())  # NaN fails
    return {"dtype": dtype, "errors": errors, "bound": BOUNDS[dtype], "passed": passed, "seconds": time.perf_counter() - began}


def direct(m: np.ndarray, boundary: str, mask: np.ndarray | None = None) -> np.ndarray:
    """Return the statistics of all pairs, eq. (1): at each lag the mean over points of m_h(x) m_k(x+r), lags in FFT order."""
    space = m.shape[1:]
    point_mask = (np.ones(space) if mask is None else mask).astype(m.dtype)
    border = [(0, 0 if boundary == "periodic" else n - 1) for n in space]
    m, point_mask = np.pad(m * point_mask, [(0, 0), *border]), np.pad(point_mask, border)
    f = np.zeros((len(m), len(m), *point_mask.shape), dtype=m.dtype)
    for lag in np.ndindex(point_mask.shape):
        shift = tuple(-r for r in lag)
        axes = tuple(range(1, len(lag) + 1))
        pairs = np.tensordot(m, np.roll(m, shift, axes), (axes, axes))
        f[(..., *lag)] = pairs / max((point_mask * np.roll(point_mask, shift, range(len(lag)))).sum().real, 1)
    return f


def direct_excess(m: np.ndarray, t: np.ndarray) -> Any:
    """Return excess CESS, eq. (8), of m against statistics t: the mean over lags of the sum over pairs of t log(t / f)."""
    return (t * (np.log(t) - np.log(direct(m, "periodic")))).sum() / t[0, 0].size


def direct_gradient(m: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the gradient of excess CESS with respect to m, by complex steps."""
    gradient = np.zeros(m.shape)
    for at in np.ndindex(m.shape):
        moved = m.astype(complex)
        moved[at] += 1j * _STEP
        gradient[at] = direct_excess(moved, t).imag / _STEP
    return gradient


def _error(result: np.ndarray, reference: np.ndarray) -> float:
    """Return max |difference| / max |reference|."""
    return float(np.abs(result - reference).max() / np.abs(reference).max())
