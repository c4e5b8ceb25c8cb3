"""The peers: each in a process of its own environment, a contender among the others, so that it too is timed in turn.

Its process takes the time of the job itself, without the way there and back, and can do eq. (1) literally in its own numpy.
Results are compared first, under the convention of each: PyMKS keeps odd, centred lags, MCRpy lags up to S/2 - 1, PoreSpy zero-pads.
"""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import twopoint as tp

from . import literal
from .bars import Bar
from .cases import OURS, Case
from .jobs import Job, inputs, ours_torch, shrink
from .machine import available
from .timing import Contender
from .workers import Worker, WorkerError

PACKAGES = {
    "pymks": ("pymks", "numpy", "dask"),
    "porespy": ("porespy", "numpy", "scipy", "numba"),
    "mcrpy": ("mcrpy", "tensorflow-cpu", "numpy"),
}
STANDARD = Job("cess", 64, 2, (224, 224))
THERE = "literal numpy, there"


class PeerError(WorkerError):
    """A peer is not where it was said to be."""


class Peer(Worker):
    """A peer's process, to which jobs are given one at a time."""

    def __init__(self, peer: str, python: str, x: np.ndarray, p: np.ndarray) -> None:
        self.results = tempfile.TemporaryDirectory()
        given = Path(self.results.name) / "inputs.npz"
        np.savez(given, x=x, p=p)
        threads = available()
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")} | quiet
        super().__init__([python, str(Path(__file__).with_name("peer_worker.py")), peer, str(given), str(threads)], environment)
        self.answer()  # it is ready

    def seconds(self, job: str) -> float:
        """Let it do a job once."""
        return self.ask(f"time {shlex.quote(job)}")["seconds"]

    def result(self, job: str) -> tuple[np.ndarray, ...]:
        """Let it do a job, and fetch what comes out."""
        saved = np.load(self.ask(f"save {shlex.quote(job)} {self.results.name}/result.npz")["saved"])
        return tuple(saved[name] for name in saved.files)

    def close(self) -> None:
        """End the process, and wait for it."""
        super().close()
        self.results.cleanup()

    def contender(self, job: str, like: str | None = None, then: Callable[..., Any] | None = None) -> Contender:
        """Return a job of this process as a contender; then turns its result into the convention of that which it must be like."""
        return Contender(lambda: (then or (lambda x: x))(*self.result(job)), like, timer=lambda: self.seconds(job), close=self.close)


def versions(peer: str, python: str) -> dict[str, str]:
    """Return the versions in a peer's environment; raise PeerError where it is not one."""
    code = "import sys, json; from importlib import metadata; print(json.dumps({n: metadata.version(n) for n in sys.argv[1:]}))"
    if shutil.which(python) is None:
        raise PeerError(f"--{peer}-python: {python} is no program")
    asked = subprocess.run([python, "-c", code, *PACKAGES[peer]], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise PeerError(f"--{peer}-python: {python} lacks {' or '.join(PACKAGES[peer])}, see peers.md")
    return json.loads(asked.stdout)


def _odd(f: np.ndarray) -> np.ndarray:
    """Cut centred lags to as many on either side as PyMKS keeps, (S - 1) // 2 of the smallest extent."""
    reach = (min(f.shape[-2:]) - 1) // 2
    return f[(..., *(slice(n // 2 - reach, n // 2 + reach + 1) for n in f.shape[-2:]))]


def with_pymks(job: Job, python: str) -> Mapping[str, Contender]:
    """All four correlations, or one, against PyMKS's three pairs."""
    x = inputs(job)[1]
    worker = Peer("pymks", python, x[:, 0], x[:, 0])
    both = np.concatenate([1 - x, x], axis=1)

    def three() -> np.ndarray:
        return _odd(tp.correlations(x, implied_phase=True, pairs="unique", centered=True))

    def listed(f: np.ndarray) -> np.ndarray:
        return np.moveaxis(f, -1, 1)

    return {
        "twopoint, autocorrelation": Contender(lambda: tp.autocorrelation(x)),
        "twopoint, all four": Contender(lambda: tp.correlations(x, implied_phase=True)),
        "the same three": Contender(three),
        "PyMKS": worker.contender("correlations_multiple", "the same three", listed),
        "PyMKS, pair by pair": worker.contender("two_point_stats", "the same three", listed),
        THERE: worker.contender("literal"),
        "literal numpy, here": Contender(lambda: literal.correlations(both, 2, np)),
    }


def with_porespy(job: Job, python: str) -> Mapping[str, Contender]:
    """Radial averages of what PoreSpy computes, an open boundary, and periodic."""
    x = inputs(job)[1][:, 0]
    worker = Peer("porespy", python, x, x)
    crop = 2 * (min(x.shape[1:]) // 2) + 1  # the lags that the average needs

    def opened() -> np.ndarray:
        return tp.radial_average(tp.autocorrelation(x, boundary="open", crop=crop), centered=True)[1]

    return {
        "twopoint, open": Contender(opened),
        "twopoint, periodic": Contender(lambda: tp.radial_average(tp.autocorrelation(x))[1]),
        "PoreSpy": worker.contender("two_point_correlation"),
        "PoreSpy, same shells": worker.contender("shells", "twopoint, open"),
        THERE: worker.contender("literal"),
    }


def with_mcrpy(job: Job, python: str) -> Mapping[str, Contender]:
    """MCRpy's descriptor has one autocorrelation: the same by msess of one pair, and CESS of all."""
    import torch

    p, x = (array[:, 0] for array in inputs(job))
    worker = Peer("mcrpy", python, x, p)
    crop = 2 * (min(x.shape[1:]) // 2) - 1
    same = {"implied_phase": True, "crop": crop, "pairs": [(1, 1)]}
    prediction = torch.tensor(p[:, None], requires_grad=True)
    known = tp.target_statistics(torch.tensor(x[:, None]), **same)

    def one_pair() -> tuple[Any, Any]:
        prediction.grad = None
        values = tp.msess(prediction, known, reduction="none")
        values.sum().backward()
        return values.detach(), prediction.grad[:, 0]

    return {
        OURS: Contender(ours_torch(job)),
        "twopoint, the same": Contender(one_pair),
        "MCRpy": worker.contender("FFTCorrelations", "twopoint, the same", lambda value, gradient: (value, gradient)),
        "MCRpy, as it reconstructs": worker.contender("reconstruct"),
        THERE: worker.contender("literal"),
    }


@dataclass(frozen=True)
class PeerCase(Case):
    """A case with a peer, whose python is an option of the command line."""

    def contenders(self, small: bool, python: str = "") -> tuple[Job, Mapping[str, Contender]]:
        """Start the peer's process, and build the contenders."""
        job = shrink(self.job) if small else self.job
        job = replace(job, space=(32, 32)) if small else job  # MCRpy takes squares
        return job, self.build(job, python)


PEERS: tuple[PeerCase, ...] = (
    PeerCase(
        "pymks",
        STANDARD,
        with_pymks,
        (Bar("twopoint, autocorrelation", "PyMKS", least=20), Bar("twopoint, all four", "PyMKS", least=10)),
    ),
    PeerCase(
        "porespy", STANDARD, with_porespy, (Bar("twopoint, periodic", "PoreSpy", least=20), Bar("twopoint, open", "PoreSpy", least=20))
    ),
    PeerCase(
        "mcrpy",
        STANDARD,
        with_mcrpy,
        (Bar(OURS, "MCRpy, as it reconstructs", least=15), Bar(OURS, "MCRpy", least=15), Bar("twopoint, the same", "MCRpy", least=15)),
    ),
)
