"""Contenders, timed in turn; compared before they are timed, so that a wrong fast thing cannot win."""

import gc
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

VALUE, GRADIENT = 1e-5, 1e-4  # relative to the largest; float32 against float32 leaves 1e-6
LEAST_ROUNDS, LONG = 9, 3.0  # a round of more seconds than that is repeated no more often than it must


@dataclass
class Contender:
    """Somebody who does a job: call it for its result; like names the contender whose result must be the same, None if there is none."""

    call: Callable[[], Any]
    like: str | None = None
    cuda: bool = False
    timer: Callable[[], float] | None = None  # of a contender in a process of its own, which takes the time there
    close: Callable[[], None] = field(default=lambda: None)

    def seconds(self) -> float:
        """Do the job once; return how long it took."""
        if self.timer is not None:
            return self.timer()
        wait = _wait_for_cuda() if self.cuda else _nothing
        wait()
        start = time.perf_counter()
        self.call()
        wait()
        return time.perf_counter() - start


def _nothing() -> None:
    """Wait for nothing."""


def _wait_for_cuda() -> Callable[[], None]:
    import torch

    return torch.cuda.synchronize


class Mismatch(AssertionError):
    """Two contenders disagree."""


def host(x: Any) -> np.ndarray:
    """Return a result as numpy's float64."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x, dtype=np.float64)


def differences(result: Any, expected: Any) -> list[float]:
    """Return max |difference| / max |expected| of each array of two results: of value and gradient, or of the one array."""
    pair = (result, expected) if isinstance(expected, tuple) else ((result,), (expected,))
    found = []
    for a, b in zip(*(map(host, arrays) for arrays in pair), strict=True):
        if a.shape != b.shape:
            raise Mismatch(f"shapes differ: {a.shape} and {b.shape}")
        found.append(float(np.max(np.abs(a - b)) / np.max(np.abs(b))))
    return found


def compare(contenders: Mapping[str, Contender]) -> dict[str, list[float]]:
    """Return the difference of each contender from the one that it must be like; raise Mismatch if it is too large."""
    found, known = {}, {}
    for name, contender in contenders.items():
        if contender.like is None:
            continue
        if contender.like not in known:
            known = {contender.like: _kept(contenders[contender.like].call())}  # one at a time: gradients are large
        found[name] = differences(contender.call(), known[contender.like])
        limits = [VALUE, GRADIENT] if len(found[name]) == 2 else [GRADIENT] * len(found[name])
        if not all(difference <= limit for difference, limit in zip(found[name], limits, strict=True)):  # NaN fails too
            raise Mismatch(f"{name} differs from {contender.like} by {found[name]}, relative; allowed are {limits}")
    return found


def _kept(result: Any) -> Any:
    """Copy a result: the next call may write over its arrays."""
    return tuple(map(np.array, map(host, result))) if isinstance(result, tuple) else np.array(host(result))


def interleave(contenders: Mapping[str, Contender], rounds: int, label: str = "") -> dict[str, list[float]]:
    """Return the seconds of each contender, round by round: each once, in a new random order, so that none always follows the same."""
    names, rng = list(contenders), np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in names}
    if sum(_warm_up(contenders[name], f"{label}: warm-up of {name}") for name in names) > LONG:
        rounds = min(rounds, LEAST_ROUNDS)
    gc.collect()
    gc.disable()
    try:
        for i in range(rounds):
            progress(f"{label}: round {i + 1} of {rounds}")
            for at in rng.permutation(len(names)):
                times[names[at]].append(contenders[names[at]].seconds())
    finally:
        gc.enable()
        progress("")
    return times


def _warm_up(contender: Contender, label: str) -> float:
    """Let a contender do its job once or, if that is quick, three times; return the shortest time."""
    progress(label)
    first = contender.seconds()
    return first if first > LONG / 3 else min(contender.seconds() for _ in range(2))


def progress(text: str) -> None:
    """Write one line over the last; nothing where the errors go to a file."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def quartiles(values: list[float] | np.ndarray) -> dict[str, float]:
    """Return median and quartiles."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high)}
