"""A target as a loss compares with it: statistics by pair, half the lags where they are even."""

from dataclasses import dataclass
from typing import Any

from ._namespace import Array, Namespace
from .pairs import Pair, Pairs
from .plan import Plan


@dataclass(frozen=True)
class Carried:
    """Target statistics as correlate() gives those of a prediction, and what opposite lags differ by where they were measured.

    Statistics of a microstructure are even where f(-r) = f(r) must hold. Measured ones need not be: then a loss compares with the mean
    of opposite lags, and their difference adds what no prediction can change.
    """

    values: list[Array]  # by carried pair, half the lags
    odds: list[Array | None]  # half the difference f(r) - f(-r) of even pairs that were measured


def of_microstructure(values: list[Array]) -> Carried:
    """Carry what correlate() gave."""
    return Carried(values, [None] * len(values))


def fold(values: list[Array], plan: Plan, wanted: Pairs, xp: Namespace, *, symmetric: bool) -> Carried:
    """Carry statistics given at all stored lags; symmetric says that they are of a microstructure."""
    halves: list[Array] = []
    odds: list[Array | None] = []
    for pair, f in zip(plan.pairs, values, strict=True):
        if not plan.even(pair):
            halves += plan.lags.split(f, xp)
            odds += [None, None]
        elif symmetric:
            halves.append(plan.lags.halve(f, xp))
            odds.append(None)
        else:
            mean, odd = _split(f, _weight(pair, plan, wanted, f, xp), plan, xp)
            halves.append(mean)
            odds.append(odd)
    return Carried(halves, odds)


def _split(f: Array, weight: Array | float, plan: Plan, xp: Namespace) -> tuple[Array, Array]:
    """Return the mean of f(r) and f(-r), and half their difference; where only one of the two stands in the loss, that one and 0."""
    first, second = plan.lags.split(f, xp)
    if isinstance(weight, float):
        return (first + second) / 2, (first - second) / 2
    a, b = plan.lags.split(weight, xp)
    number = xp.where(a + b > 0, a + b, xp.ones_like(a))
    both = xp.astype((a > 0) & (b > 0), f.dtype)
    return (a * first + b * second) / number, both * (first - second) / 2


def shares(plan: Plan, wanted: Pairs, count: Array | None, like: Array, lag_reduction: str, xp: Namespace) -> list[Array | float]:
    """Return what each number that the plan carries weighs: none where no pair of points spans the lag, over the lags' number if a mean.

    Of an even statistic it weighs what r and -r do.
    """
    weights: list[Any] = []
    n: Any = float(plan.lags.number)
    for pair in plan.pairs:
        weight = _weight(pair, plan, wanted, like, xp)
        halves = [weight, weight] if isinstance(weight, float) else plan.lags.split(weight, xp)
        weights += [halves[0] + halves[1]] if plan.even(pair) else halves
    if count is not None and plan.masked:
        seen, inside = xp.astype(count > 0, like.dtype), plan.lags.inside(like, xp)
        n = xp.sum(seen if inside is None else seen * inside, axis=tuple(range(-plan.ndim, 0)), keepdims=True)
        n = xp.where(n > 0, n, xp.ones_like(n))
        half = plan.lags.halve(seen, xp)
        weights = [weight * half for weight in weights]
    return [weight / n for weight in weights] if lag_reduction == "mean" else weights


def _weight(pair: Pair, plan: Plan, wanted: Pairs, like: Array, xp: Namespace) -> Array | float:
    """Return how often the pair at each stored lag r stands in the loss: once for (h, k) at r, once for (k, h) at -r."""
    h, k = pair
    forth, back = float((h, k) in wanted), float(h != k and (k, h) in wanted)
    here, there = (plan.lags.inside(like, xp, opposite=opposite) for opposite in (False, True))
    if here is None or there is None:
        return forth + back
    return xp.broadcast_to(forth * here + back * there, plan.lags.stored)
