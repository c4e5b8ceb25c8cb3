"""The self-test: statistics, a loss and its gradient on tiny images, against direct sums in float64 without a Fourier transform."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import cess, correlations, value_and_grad

_SPACE = (4, 3)
_PHASES = 2
_STEP = 1e-30  # of the complex step, whose derivative is exact to rounding
BOUNDS = {"float64": 1e-12, "float32": 2e-5}  # of max |difference| / max |reference|

Make = Callable[[np.ndarray], Any]
Compiled = Callable[[Callable[..., Any]], Callable[..., Any]]
Read = Callable[[Any], np.ndarray]


def run(make: Make, read: Read, compiled: Compiled = lambda function: function) -> dict[str, Any]:
    """Hold one library on one device to the known answers.

    Parameters
    ----------
    make, read : functions
        From a numpy array to the library's and back.
    compiled : function
        From a function to its compiled form, where one operation after the other would take seconds.

    Returns
    -------
    dict
        ``dtype``, ``errors`` by name, relative, ``bound``, ``passed`` and ``seconds``.
    """
    rng = np.random.default_rng(0)
    m, target = (rng.dirichlet(np.ones(_PHASES), size=_SPACE).transpose(2, 0, 1).copy() for _ in range(2))
    mask = rng.random(_SPACE) < 0.7
    began = time.perf_counter()
    mine, wanted, counting = make(m), make(target), make(mask)
    statistics = compiled(lambda x, points: correlations(x, boundary="open", mask=points))(mine, counting)
    value, gradient = compiled(lambda x, t: value_and_grad(cess)(x, t, excess=True))(mine, wanted)
    t = direct(target, "periodic")
    answers = {
        "open, masked statistics": (statistics, direct(m, "open", mask)),
        "excess CESS": (value, direct_excess(m, t)),
        "its gradient": (gradient, direct_gradient(m, t)),
    }
    errors = {name: _error(read(got), np.asarray(known)) for name, (got, known) in answers.items()}
    dtype = str(read(mine).dtype)
    passed = all(error <= BOUNDS[dtype] for error in errors.values())  # NaN is no pass
    return {"dtype": dtype, "errors": errors, "bound": BOUNDS[dtype], "passed": passed, "seconds": time.perf_counter() - began}


def direct(m: np.ndarray, boundary: str, mask: np.ndarray | None = None) -> np.ndarray:
    """Return the statistics of all pairs, eq. (1): for each lag the sum over points of m_h(x) m_k(x+r), over their number; FFT order."""
    space = m.shape[1:]
    counting = (np.ones(space) if mask is None else mask).astype(m.dtype)
    border = [(0, 0 if boundary == "periodic" else n - 1) for n in space]
    m, counting = np.pad(m * counting, [(0, 0), *border]), np.pad(counting, border)
    f = np.zeros((len(m), len(m), *counting.shape), dtype=m.dtype)
    for lag in np.ndindex(counting.shape):
        back = tuple(-r for r in lag)
        axes = tuple(range(1, len(lag) + 1))
        pairs = np.tensordot(m, np.roll(m, back, axes), (axes, axes))
        f[(..., *lag)] = pairs / max((counting * np.roll(counting, back, range(len(lag)))).sum().real, 1)
    return f


def direct_excess(m: np.ndarray, t: np.ndarray) -> Any:
    """Return excess CESS, eq. (8), against statistics t: the mean over lags of the sum over pairs of t log(t / f)."""
    return (t * (np.log(t) - np.log(direct(m, "periodic")))).sum() / t[0, 0].size


def direct_gradient(m: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the derivative of excess CESS by each number of m, by a complex step."""
    gradient = np.zeros(m.shape)
    for at in np.ndindex(m.shape):
        moved = m.astype(complex)
        moved[at] += 1j * _STEP
        gradient[at] = direct_excess(moved, t).imag / _STEP
    return gradient


def _error(got: np.ndarray, known: np.ndarray) -> float:
    """Return max |difference| / max |reference|."""
    return float(np.abs(got - known).max() / np.abs(known).max())
