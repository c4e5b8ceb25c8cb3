"""Series: one job at several sizes, all timed in turn; the exponent of time against pixels, and what the plots show."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .bars import Times, Verdict, at_most
from .cases import FLOOR, LITERAL, OURS, Case, losses
from .jobs import Job
from .timing import Contender, quartiles


@dataclass(frozen=True)
class Series(Case):
    """A case whose contenders do the job at several sizes; they are named ``who @ size``."""

    axis: str = ""
    jobs: tuple[tuple[int, Job], ...] = ()
    most: float | None = None  # by how much the exponent of ours may exceed that of the floor

    def contenders(self, small: bool) -> tuple[Job, Mapping[str, Contender]]:
        """Build the contenders of all sizes."""
        jobs = [(x, _small(job)) for x, job in self.jobs[:3]] if small else self.jobs
        found = {}
        for x, job in jobs:
            for who, contender in losses(job).items():
                like = None if contender.like is None else f"{contender.like} @ {x}"
                found[f"{who} @ {x}"] = replace(contender, like=like)
        return self.job, found

    def curves(self, times: Times) -> dict[str, tuple[list[int], np.ndarray]]:
        """Return for each who the sizes, and the seconds of one image, (sizes, rounds)."""
        images = {x: job.batch for x, job in self.jobs}
        found = {}
        for who in (OURS, LITERAL, FLOOR):
            sizes = [x for x in images if f"{who} @ {x}" in times]
            found[who] = (sizes, np.array([np.array(times[f"{who} @ {x}"]) / images[x] for x in sizes]))
        return found

    def exponents(self, times: Times) -> dict[str, np.ndarray]:
        """Return for each who the slope of log time of an image against log size, round by round."""
        return {who: np.polyfit(np.log(np.array(x)), np.log(seconds), 1)[0] for who, (x, seconds) in self.curves(times).items()}

    def judge(self, times: Times) -> list[Verdict]:
        """Return the difference of the exponents of ours and of the floor."""
        if self.most is None:
            return []
        found = self.exponents(times)
        excess = quartiles(found[OURS] - found[FLOOR])
        verdict = at_most(f"exponent {np.median(found[OURS]):.3f} - floor's {np.median(found[FLOOR]):.3f}", excess["median"], self.most)
        return [verdict | {"low": excess["low"], "high": excess["high"]}]


def _small(job: Job) -> Job:
    """Return a job of the same kind that takes no time; the sizes must stay different."""
    return replace(job, batch=min(job.batch, 2), space=tuple(n // 8 for n in job.space))


def _series(name: str, axis: str, jobs: dict[int, Job], most: float | None = None) -> Series:
    return Series(name, next(iter(jobs.values())), losses, axis=axis, jobs=tuple(jobs.items()), most=most)


STANDARD = Job("cess", 64, 2, (224, 224))
POINTS = STANDARD.batch * STANDARD.points  # the same for all sizes, so that caches and threads have the same to do
SIDES = (64, 128, 224, 256, 384, 512)

PIXELS = _series("pixels", "pixels of an image", {n * n: Job("cess", POINTS // n**2, 2, (n, n)) for n in SIDES}, 0.05)
PHASES = _series("phases", "phases, one implied", {n: Job("cess", 8, n, (128, 128)) for n in (2, 3, 4, 5, 6)})
BATCH = _series("batch", "images in a batch", {n: Job("cess", n, 2, (224, 224)) for n in (1, 2, 4, 8, 16, 32, 64)})
SERIES = (PIXELS, PHASES, BATCH)


def title(series: Series) -> str:
    """Return what a series holds fixed."""
    job = series.job
    if series is PIXELS:
        return f"{job.loss.upper()}, 2 phases, {POINTS / 1e6:.1f} million pixels in a batch"
    return f"{job.loss.upper()}, {'x'.join(map(str, job.space))}" + (", batch of 8" if series is PHASES else ", 2 phases")


def summary(series: Series, times: Times) -> dict[str, Any]:
    """Return medians in milliseconds an image, by who and size."""
    return {
        who: {str(x): 1e3 * float(np.median(seconds)) for x, seconds in zip(sizes, rounds, strict=True)}
        for who, (sizes, rounds) in series.curves(times).items()
    }


def is_log(series: Series) -> bool:
    """Whether the sizes of a series are to be drawn on a logarithmic axis."""
    sizes = [x for x, _ in series.jobs]
    return math.log2(sizes[-1] / sizes[0]) > 3
