"""What is to be correlated, in Python ints, worked out before the first array call."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import _check
from ._namespace import Array
from .lags import Lags, all_lags
from .pairs import Pairs, canonical, independent, resolve


@dataclass(frozen=True)
class Plan:
    """What is to be correlated, in Python ints and before the first array call."""

    lags: Lags
    n_phases: int  # N, an implied phase included
    implied: bool
    masked: bool
    pairs: Pairs  # canonical, h <= k

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.lags.space)

    @property
    def closed(self) -> bool:
        """Whether every lag spans every point: periodic and unmasked. Only then correlations of an implied phase follow from others."""
        return self.lags.boundary == "periodic" and not self.masked

    @cached_property
    def transformed(self) -> Pairs:
        """The pairs that need an inverse transform of their own."""
        return independent(self.pairs, self.n_phases) if self.implied and self.closed else self.pairs


def plan_of(m: Array, ndim: int, boundary: str, mask: Array | None, crop: Any, implied_phase: bool, pairs: Any, name: str = "m") -> tuple[Plan, Pairs]:
    """Check the options of a statistic of m; return the plan and the pairs in the user's order."""
    check_options(ndim, boundary, implied_phase)
    space = _check.microstructure(name, m, ndim)
    n_phases = int(m.shape[-ndim - 1]) + implied_phase
    wanted = resolve(pairs, n_phases)
    lags = Lags(space, boundary, _check.crop_sizes(crop, all_lags(space, boundary)))
    return Plan(lags, n_phases, implied_phase, mask is not None, canonical(wanted)), wanted


def check_options(ndim: Any, boundary: Any, implied_phase: Any) -> None:
    """Refuse options of a statistic that mean nothing."""
    _check.dimensions(ndim)
    _check.choice("boundary", boundary, _check.BOUNDARIES)
    if not isinstance(implied_phase, bool):
        raise TypeError(f"implied_phase must be True or False, got {implied_phase!r}")
