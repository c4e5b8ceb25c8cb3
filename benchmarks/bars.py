"""Bars: what a case has to reach, and whether it does."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .timing import quartiles

Times = dict[str, list[float]]
Verdict = dict[str, Any]  # what, limit, figure, held; low and high where there are rounds


def at_most(what: str, figure: float, most: float) -> Verdict:
    """Judge a figure that is no ratio of times."""
    return {"what": what, "limit": f"<= {most:g}", "figure": float(figure), "held": bool(figure <= most)}


@dataclass(frozen=True)
class Bar:
    """A limit on the ratio of two contenders' times, the median over rounds: least x faster, or at most x as long."""

    of: str
    against: str
    least: float | None = None
    most: float | None = None
    aim: float | None = None

    def judge(self, times: Times) -> Verdict:
        """Return the figure and whether it is held."""
        of, against = (np.array(times[name]) for name in (self.of, self.against))
        aim = "" if self.aim is None else f" (aim {self.aim:.3g})"
        if self.most is not None:
            found, sense, limit, what = quartiles(of / against), "<=", self.most, f"{self.of} / {self.against}"
            held = found["median"] <= limit
        else:
            found, sense, limit, what = quartiles(against / of), ">=", self.least, f"{self.against} / {self.of}"
            held = found["median"] >= limit
        spread = {"low": found["low"], "high": found["high"]}
        return {"what": what, "limit": f"{sense} {limit:g}{aim}", "figure": found["median"], "held": held, **spread}
