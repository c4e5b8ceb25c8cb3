"""The request of a call of reconstruct: target, losses and schedule, checked and with all defaults."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import checks
from ..arrays.frameworks import stop_gradient
from ..arrays.namespace import floating, is_array, namespace, to_numpy
from ..arrays.types import Array
from ..losses.clamp import clamp
from ..losses.descriptor_loss import descriptor_loss, evaluate_descriptor, name_of, split_options, stored_descriptor
from ..losses.gradient import Term, value_and_grad
from ..losses.prepare import resolve_options
from ..losses.spatial import cess, msess
from ..statistics.plan import Options, RequestedOptions
from ..statistics.target import Target, TargetStatistics, target_statistics
from .descent import Run


@dataclass(frozen=True)
class Request:
    """The arguments of a call of reconstruct, checked and with all defaults."""

    statistics: TargetStatistics  # of all pairs, in the library of the target
    in_numpy: TargetStatistics  # the same in numpy and float64
    seen: TargetStatistics  # in_numpy at the lags that the losses use
    fractions: np.ndarray  # target volume fractions (N,)
    terms: list[Term]
    common: dict[str, Any]  # options with which the losses are called
    runs: list[Run]
    dtype: Any  # dtype of the soft phases that are returned


def resolve_request(
    target: Target,
    requested: RequestedOptions,
    loss: Any,
    volume_fractions: Any,
    pulls: Any,
    clamps: Any,
) -> Request:
    """Check the arguments of reconstruct and fill in the defaults, before the first evaluation."""
    terms = _terms(loss)
    runs = _runs(pulls, clamps, any(term is clamp for _, term, _ in terms))
    statistics, common = _statistics(target, requested, terms)
    in_numpy = statistics.map(_in_float64)
    fractions = _fractions(volume_fractions, in_numpy)
    own = statistics.first if isinstance(target, TargetStatistics) else target
    dtype = floating(own, namespace(target=own))
    return Request(statistics, in_numpy, _seen(in_numpy, terms, common), fractions, terms, common, runs, dtype)


def _in_float64(x: Array) -> np.ndarray:
    """Return a numpy array, with numbers in float64."""
    x = to_numpy(x)
    return x if x.dtype == bool else x.astype(np.float64)


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    """Return a sequence of finite numbers >= 0; raise if it is anything else."""
    if isinstance(values, (str, bytes)) or not (isinstance(values, Iterable) or is_array(values)):
        raise TypeError(f"{name} must be a sequence of numbers, got {type(values).__name__}")
    numbers = tuple(checks.number(name, value.item() if is_array(value) else value) for value in values)
    if not all(0 <= number < math.inf for number in numbers):
        raise ValueError(f"{name} must be finite and not below 0, got {numbers}")
    return numbers


def _runs(pulls: Any, clamps: Any, has_clamp: bool) -> list[Run]:
    """Return the terms that each run adds to the losses on statistics."""
    pulls = (0.0, *_numbers("pulls", pulls))
    if clamps is None:
        pulls = pulls if len(pulls) > 1 or not has_clamp else (0.0, 0.0)  # clamp acts from the second run on
        return [Run(pull, float(number > 0)) for number, pull in enumerate(pulls)]
    if not has_clamp:
        raise ValueError("clamps are factors of the terms with clamp, but loss does not contain one")
    factors = _numbers("clamps", clamps)
    if len(factors) != len(pulls):
        raise ValueError(f"clamps must hold a factor for each run, {len(pulls)} with {len(pulls) - 1} pulls, got {len(factors)}")
    return [Run(pull, factor) for pull, factor in zip(pulls, factors, strict=True)]


def _fractions(requested: Any, statistics: TargetStatistics) -> np.ndarray:
    """Return the target volume fractions, by default those of the statistics."""
    if requested is None:
        fractions = statistics.volume_fractions
        if not np.all(np.isfinite(fractions)):
            raise ValueError(f"target must hold finite values, got volume fractions {fractions}")
        return np.clip(fractions, 0.0, None)
    numbers = _numbers("volume_fractions", requested)
    if len(numbers) != statistics.n_phases or abs(sum(numbers) - 1) > 1e-6:
        raise ValueError(f"volume_fractions must be {statistics.n_phases} numbers that sum to one, got {numbers}")
    return np.asarray(numbers)


def _terms(loss: Any) -> list[Term]:
    """Return the loss as a list of terms; raise if a loss needs more than statistics, or if the sum does not depend on them."""
    loss = [(1.0, cess, {"excess": True})] if loss is None else loss
    if not callable(loss) and (isinstance(loss, (str, bytes)) or not isinstance(loss, Iterable)):
        raise TypeError(f"loss must be a loss or a list of (weight, loss, options), got {loss!r}")
    terms = [(1.0, loss, {})] if callable(loss) else list(loss)
    value_and_grad(terms)  # raises unless it is a list of (weight, loss, options)
    for _, term, _ in terms:
        if term not in (cess, msess, clamp, descriptor_loss):
            raise TypeError(f"loss must be made of cess, msess, clamp and descriptor_loss, got {getattr(term, '__name__', term)!r}")
    if all(term in (clamp, descriptor_loss) for _, term, _ in terms):
        raise ValueError("loss must hold cess or msess: clamp and descriptor_loss do not depend on the statistics")
    return terms


def described(terms: list[Term]) -> list[tuple[str, dict[str, Any]]]:
    """Return the descriptors in a sum of losses with their own options; raise for options that are those of the target."""
    found = []
    for _, term, own in terms:
        if term is descriptor_loss:
            descriptor = name_of(own.get("descriptor"))
            options, shared = split_options(descriptor, own.get("options"))
            if shared:
                raise ValueError(f"options of {descriptor}: {', '.join(shared)} must be options of reconstruct, which all losses share")
            found.append((descriptor, options))
    return found


def _with_descriptors(statistics: TargetStatistics, target: Target, terms: list[Term]) -> TargetStatistics:
    """Return statistics with the descriptors in the loss, evaluated for a microstructure; raise if given statistics lack one."""
    for descriptor, own in described(terms):
        if isinstance(target, TargetStatistics):
            stored_descriptor(statistics, descriptor, own)
        else:
            shared = Options(statistics.ndim, statistics.boundary, statistics.mask, implied_phase=statistics.implied_phase)
            statistics = statistics.with_descriptor(descriptor, evaluate_descriptor(target, descriptor, own, shared), **own)
    return statistics


def _statistics(target: Target, requested: RequestedOptions, terms: list[Term]) -> tuple[TargetStatistics, dict[str, Any]]:
    """Return the checked statistics of a target, and the options with which the losses are called."""
    if not isinstance(requested.cumulative, bool):
        raise TypeError(f"cumulative must be True or False, got {requested.cumulative!r}")
    common: dict[str, Any] = {"cumulative": True} if requested.cumulative else {}
    if isinstance(target, TargetStatistics):
        resolve_options(target, requested)
        statistics, common = target.with_all_pairs(), common | ({} if requested.crop is None else {"crop": requested.crop})
    else:
        options = {name: value for name, value in vars(requested).items() if value is not None and name != "cumulative"}
        statistics = target_statistics(target, **options)
    statistics = _with_descriptors(statistics, target, terms)
    if statistics.mask is not None and not namespace(mask=statistics.mask).isdtype(statistics.mask.dtype, "bool"):
        raise ValueError("reconstruct needs a mask of booleans, got confidences; mask > 0 keeps the points of positive confidence")
    if statistics.batch_shape:
        raise ValueError(f"target must have no batch, got batch shape {statistics.batch_shape}; index the target statistics, or loop")
    if statistics.n_phases < 2:
        raise ValueError("target must have at least two phases, got one; use two_phase(image), or implied_phase=True")
    return statistics.map(lambda x: stop_gradient(x, namespace(target=x))), common


def _seen(statistics: TargetStatistics, terms: list[Term], common: dict[str, Any]) -> TargetStatistics:
    """Return the statistics at the lags that the losses use, those of the largest crop."""
    crops = [own.get("crop", common.get("crop")) for _, term, own in terms if term in (cess, msess)]
    sizes = [checks.crop_sizes(crop, statistics.plan.lags.totals) for crop in crops]
    if statistics.crop is not None or any(size is None for size in sizes):
        return statistics
    return statistics.cropped(tuple(max(n) for n in zip(*(size for size in sizes if size is not None), strict=True)))
