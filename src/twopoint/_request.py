"""What is to be reconstructed: target, losses and schedule of a call, checked and settled."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _check
from ._descent import Run
from ._namespace import Array, floating, is_array, namespace, stop_gradient, to_numpy
from .gradient import value_and_grad
from .loss_adjoints import Term
from .losses import cess, clamp, msess
from .plan import CallOptions
from .problem import Target
from .problem import settle as agree
from .statistics import TargetStatistics, target_statistics


@dataclass(frozen=True)
class Request:
    """A call of reconstruct, settled."""

    statistics: TargetStatistics  # of all pairs, in the target's library
    known: TargetStatistics  # the same in numpy and float64
    seen: TargetStatistics  # of those the lags that the losses look at
    fractions: np.ndarray  # wanted volume fractions (N,)
    terms: list[Term]
    common: dict[str, Any]  # options of the losses beside the statistics
    runs: list[Run]
    dtype: Any  # of the soft phases that come back


def settle(
    target: Target,
    given: CallOptions,
    loss: Any,
    volume_fractions: Any,
    pulls: Any,
    clamps: Any,
) -> Request:
    """Check a call of reconstruct and work out what follows from it before the first evaluation."""
    terms = _terms(loss)
    runs = _runs(pulls, clamps, any(term is clamp for _, term, _ in terms))
    statistics, common = _statistics(target, given)
    known = statistics.map(_in_float64)
    fractions = _fractions(volume_fractions, known)
    own = statistics.first if isinstance(target, TargetStatistics) else target
    dtype = floating(own, namespace(target=own))
    return Request(statistics, known, _seen(known, terms, common), fractions, terms, common, runs, dtype)


def _in_float64(x: Array) -> np.ndarray:
    """Return a numpy array, numbers in float64."""
    x = to_numpy(x)
    return x if x.dtype == bool else x.astype(np.float64)


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    """Return a sequence of finite numbers from 0 on; refuse what is none."""
    if isinstance(values, (str, bytes)) or not (isinstance(values, Iterable) or is_array(values)):
        raise TypeError(f"{name} must be a sequence of numbers, got {type(values).__name__}")
    numbers = tuple(_check.number(name, value.item() if is_array(value) else value) for value in values)
    if not all(0 <= number < math.inf for number in numbers):
        raise ValueError(f"{name} must be finite and not below 0, got {numbers}")
    return numbers


def _runs(pulls: Any, clamps: Any, has_clamp: bool) -> list[Run]:
    """Return what each run adds to the losses on statistics."""
    pulls = (0.0, *_numbers("pulls", pulls))
    if clamps is None:
        pulls = pulls if len(pulls) > 1 or not has_clamp else (0.0, 0.0)  # clamp has its say from the second run on
        return [Run(pull, float(number > 0)) for number, pull in enumerate(pulls)]
    if not has_clamp:
        raise ValueError("clamps are factors of the terms with clamp, but loss holds none")
    factors = _numbers("clamps", clamps)
    if len(factors) != len(pulls):
        raise ValueError(f"clamps must hold a factor for each run, {len(pulls)} with {len(pulls) - 1} pulls, got {len(factors)}")
    return [Run(pull, factor) for pull, factor in zip(pulls, factors, strict=True)]


def _fractions(wanted: Any, known: TargetStatistics) -> np.ndarray:
    """Return the wanted volume fractions, those of the statistics unless given."""
    if wanted is None:
        fractions = known.volume_fractions
        if not np.all(np.isfinite(fractions)):
            raise ValueError(f"target must hold finite values, got volume fractions {fractions}")
        return np.clip(fractions, 0.0, None)
    numbers = _numbers("volume_fractions", wanted)
    if len(numbers) != known.n_phases or abs(sum(numbers) - 1) > 1e-6:
        raise ValueError(f"volume_fractions must be {known.n_phases} numbers that sum to one, got {numbers}")
    return np.asarray(numbers)


def _terms(loss: Any) -> list[Term]:
    """Return the loss as a list of terms; refuse losses that statistics cannot serve, and sums that do not look at them."""
    loss = [(1.0, cess, {"excess": True})] if loss is None else loss
    if not callable(loss) and (isinstance(loss, (str, bytes)) or not isinstance(loss, Iterable)):
        raise TypeError(f"loss must be a loss or a list of (weight, loss, options), got {loss!r}")
    terms = [(1.0, loss, {})] if callable(loss) else list(loss)
    value_and_grad(terms)  # refuses what is no list of (weight, loss, options)
    for _, term, _ in terms:
        if term not in (cess, msess, clamp):
            raise TypeError(f"loss must be made of cess, msess and clamp, got {getattr(term, '__name__', term)!r}")
    if all(term is clamp for _, term, _ in terms):
        raise ValueError("loss must hold cess or msess: clamp does not look at the statistics")
    return terms


def _statistics(target: Target, given: CallOptions) -> tuple[TargetStatistics, dict[str, Any]]:
    """Return the statistics of a target, checked, and the options that losses are to be called with beside them."""
    common: dict[str, Any] = {}
    if isinstance(target, TargetStatistics):
        agree(target, given)
        known, common = target.with_all_pairs(), {} if given.crop is None else {"crop": given.crop}
    else:
        options = {name: value for name in CallOptions.__dataclass_fields__ if (value := getattr(given, name)) is not None}
        known = target_statistics(target, **options)
    if known.batch_shape:
        raise ValueError(f"target must have no batch, got batch shape {known.batch_shape}; index the target statistics, or loop")
    if known.n_phases < 2:
        raise ValueError("target must have at least two phases, got one; two_phase(image), or implied_phase=True, makes two of it")
    return known.map(lambda x: stop_gradient(x, namespace(target=x))), common


def _seen(known: TargetStatistics, terms: list[Term], common: dict[str, Any]) -> TargetStatistics:
    """Return the statistics at the lags that the losses look at: what a crop leaves of them, the largest if there are several."""
    crops = [own.get("crop", common.get("crop")) for _, term, own in terms if term is not clamp]
    sizes = [_check.crop_sizes(crop, known.plan.lags.totals) for crop in crops]
    if known.crop is not None or any(size is None for size in sizes):
        return known
    return known.cropped(tuple(max(n) for n in zip(*(size for size in sizes if size is not None), strict=True)))
