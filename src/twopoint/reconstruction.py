"""Reconstruction: from noise to a microstructure of given 2-point statistics; numpy and scipy alone."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _check, _descent
from ._namespace import Array, namespace
from ._thresholding import threshold
from .correlation import correlations
from .gradient import Loss, Term, value_and_grad
from .losses import cess, clamp, msess
from .phases import one_hot
from .plan import CallOptions
from .problem import Target
from .statistics import TargetStatistics, target_statistics

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Reconstruction:
    """What :func:`reconstruct` found; with several starts each array has an axis for them in front, best first.

    Attributes
    ----------
    field : array (N, *space)
        Soft phases, 0..1, which sum to one at every point.
    labels : int array (*space)
        The phase of every point, in the target's volume fractions to within half a point.
    history : array (1 + runs * iterations,)
        The loss of the soft phases at the start and after every iteration, the pull not included; where a run ended early its last value
        is repeated.
    loss : float, or array (starts,)
        The loss of the labels, by which starts are ranked.
    """

    field: np.ndarray
    labels: np.ndarray
    history: np.ndarray
    loss: float | np.ndarray


def reconstruct(
    target: Target,
    *,
    ndim: int | None = None,
    boundary: str | None = None,
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    implied_phase: bool | None = None,
    loss: Loss | Sequence[Term] | None = None,
    starts: int = 1,
    seed: int = 0,
    iterations: int = 60,
    pulls: Sequence[float] = _descent.PULLS,
    progress: Progress | None = None,
) -> Reconstruction:
    """Find a microstructure of given statistics, ``min over m of loss(m, statistics)``, by L-BFGS from filtered noise.

    The first run minimises the losses on statistics. Each further run adds ``clamp``, if wanted, and the pull
    ``1 - mean over x of sum over h of m_h^2`` with a larger weight, so that gray vanishes while the statistics are kept. The labels that
    result have the target's volume fractions.

    Parameters
    ----------
    target : numpy array (N, *space), or TargetStatistics without a batch
        Of a microstructure only the statistics are used.
    ndim, boundary, mask, crop, implied_phase
        As in :func:`target_statistics`; left out they are its defaults, or those of the statistics.
    loss : list of (weight, loss, options), or a loss
        ``msess``, ``cess`` and ``clamp``, at least one of the first two; ``[(1, cess, {"excess": True})]`` unless given. ``clamp`` joins in
        from the second run on: earlier it would hold the gray of the start.
    starts : int
        Number of starts from different noise; start i is the same whatever their number.
    seed : int
        Of the noise.
    iterations : int
        The most iterations of each run, of which there is one more than pulls (with ``clamp`` at least two).
    pulls : numbers >= 0
        Weight of the pull in each further run, in units of what the first run took off the loss; () leaves the loss alone.
    progress : function (done, total, loss), optional
        Called after every iteration with the iterations done, their largest possible number, and the loss of the soft phases.

    Returns
    -------
    Reconstruction
        ``field`` (N, *space) in the target's dtype, ``labels`` (*space), ``history`` and ``loss``; with starts > 1 an axis in front.

    Raises
    ------
    TypeError
        If target is no numpy array or statistics of one, or is integer or boolean; if loss holds another loss.
    ValueError
        If target has a batch, fewer than two phases, not all pairs, or values that are not finite; if an option does not fit.

    References
    ----------
    Cai et al., section 3.2, Figs 2 and 3, eqs. (7)-(9).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint.reconstruction import reconstruct
    >>> stripes = tp.two_phase(np.arange(256).reshape(16, 16) % 8 < 4)
    >>> result = reconstruct(stripes, iterations=20)
    >>> result.field.shape, result.labels.shape, float(result.labels.mean())
    ((2, 16, 16), (16, 16), 0.5)
    """
    starts, iterations = _check.integer("starts", starts, 1), _check.integer("iterations", iterations, 1)
    seed, pulls = _check.integer("seed", seed, 0), _weights(pulls)
    terms = _terms(loss)
    if not pulls and any(term is clamp for _, term, _ in terms):
        pulls = (0.0,)  # clamp has its say from the second run on
    statistics, common = _statistics(target, CallOptions(ndim, boundary, mask, crop, implied_phase))
    evaluate = _descent.evaluator(terms, statistics, common)
    total = starts * iterations * (1 + len(pulls))
    found = []
    for i in range(starts):
        noise = _descent.start(statistics, np.random.default_rng([seed, i]))
        if not math.isfinite(evaluate(noise, True)[0]):
            raise ValueError("target must have finite statistics and loss finite weights, got a loss that is not finite at the start")
        before = i * (total // starts)
        report = _reporter(progress, before, total)
        field, history = _descent.descend(evaluate, noise, pulls=pulls, iterations=iterations, report=report)
        labels = threshold(field, statistics)
        value = evaluate(one_hot(labels, statistics.n_phases, ndim=statistics.ndim), True)[0]
        found.append((value, field, labels, history))
    return _best_first(found, np.result_type(getattr(target, "dtype", statistics.correlations.dtype), np.float32))


def statistics_error(m: Array, target: Target, *, ndim: int = 2) -> float:
    """Return the relative error of statistics, ``norm(f - f*) / norm(f* - mean over lags of f*)``, over all pairs and lags, in float64.

    Parameters
    ----------
    m : float array (N, *space), or labels (*space) of integers or booleans
        All phases, none implied.
    target : TargetStatistics without a batch, or microstructure (N, *space)
        f* and its options.
    ndim : int
        Number of spatial axes, where target is a microstructure.

    Returns
    -------
    float
        0 for equal statistics; near 1 for a random arrangement.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or the target's statistics are the same at every lag.

    References
    ----------
    Cai et al., eq. (1); the error as this project's documentation reports it.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> labels = np.eye(8, dtype=int)
    >>> statistics_error(np.roll(labels, 3, axis=0), tp.two_phase(labels)) < 1e-12
    True
    """
    known, _ = _statistics(target, CallOptions(None if isinstance(target, TargetStatistics) else ndim))
    ndim, n = known.ndim, known.n_phases
    xp = namespace(m=m)
    if not xp.isdtype(m.dtype, "real floating"):
        m = one_hot(m, n, ndim=ndim)
    if tuple(m.shape) != (n, *known.shape):
        raise ValueError(f"m must have shape {(n, *known.shape)}, or be labels of shape {known.shape}, got {tuple(m.shape)}")
    f = correlations(np.asarray(m, dtype=np.float64), ndim=ndim, boundary=known.boundary, mask=known.mask, crop=known.crop)
    wanted = np.asarray(known.correlations, dtype=np.float64)
    structure = float(np.linalg.norm(wanted - wanted.mean(axis=tuple(range(-ndim, 0)), keepdims=True)))
    if not structure > 1e-12 * float(np.linalg.norm(wanted)):
        raise ValueError("target must have statistics that change with the lag; these do not, or are not finite")
    return float(np.linalg.norm(f - wanted)) / structure


def _weights(pulls: Any) -> tuple[float, ...]:
    """Return the weights of the pull; refuse what is no sequence of finite numbers from 0 on."""
    if isinstance(pulls, (str, bytes)) or not isinstance(pulls, Iterable):
        raise TypeError(f"pulls must be a sequence of numbers, got {type(pulls).__name__}")
    weights = tuple(float(pull) for pull in pulls)
    if not all(0 <= weight < math.inf for weight in weights):
        raise ValueError(f"pulls must be finite and not below 0, got {weights}")
    return weights


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
    if isinstance(target, TargetStatistics):
        target.settle(given)
        known, common = target, {} if given.crop is None else {"crop": given.crop}
    else:
        options = {name: value for name in CallOptions.__dataclass_fields__ if (value := getattr(given, name)) is not None}
        namespace(target=target)
        if not isinstance(target, np.ndarray):
            raise TypeError(f"target must be a numpy array or statistics of one, got {type(target).__module__}.{type(target).__name__}")
        known, common = target_statistics(target, **options), {}
    if not isinstance(known._values[0], np.ndarray):
        raise TypeError(f"target must be statistics of a numpy array, got those of {type(known._values[0]).__module__}")
    if known.batch_shape:
        raise ValueError(f"target must have no batch, got batch shape {known.batch_shape}; index the target statistics, or loop")
    if known.n_phases < 2:
        raise ValueError("target must have at least two phases, got one; two_phase(image), or implied_phase=True, makes two of it")
    if not np.all(np.isfinite(known.volume_fractions)):
        raise ValueError(f"target must hold finite values, got volume fractions {known.volume_fractions}")
    return known, common


def _reporter(progress: Progress | None, before: int, total: int) -> _descent.Report:
    """Return what a descent reports to."""

    def report(done: int, loss: float) -> None:
        if progress is not None:
            progress(before + done, total, loss)

    return report


def _best_first(found: list[tuple[float, np.ndarray, np.ndarray, np.ndarray]], dtype: np.dtype[Any]) -> Reconstruction:
    """Rank the starts by the loss of their labels."""
    found.sort(key=lambda start: start[0])
    losses, fields, labels, histories = (np.stack([start[i] for start in found]) for i in range(4))
    fields = fields.astype(dtype)
    if len(found) == 1:
        return Reconstruction(fields[0], labels[0], histories[0], float(losses[0]))
    return Reconstruction(fields, labels, histories, losses)
