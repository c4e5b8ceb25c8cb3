"""Reconstruction of a microstructure from its 2-point statistics, by numpy and scipy only."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy

from ..arrays import checks
from ..arrays.namespace import device_of, namespace, to_numpy, widest
from ..arrays.types import Array
from ..losses.gradient import Loss, Term
from ..statistics.phases import one_hot
from ..statistics.plan import RequestedOptions
from ..statistics.target import Target, TargetStatistics
from . import descent
from .exchange import exchange
from .request import Request, described, resolve_request
from .threshold import threshold

_POLISH = 5000
_CONTRAST = 0.1  # standard deviation of a phase at the start; low, so that the loss and not the noise decides where phases form
_LEAST = 0.01  # minimum of every phase at the start, because the gradient by the roots of the phases vanishes at 0

Progress: TypeAlias = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Reconstruction:
    """The result of :func:`reconstruct`. With several starts each array has a leading axis of starts, best first.

    Attributes
    ----------
    field : array (N, *space)
        Soft phases after the descent, between 0 and 1, which sum to one at every point.
    labels : int array (*space)
        The phase of every point after the exchange of pixels, with the target volume fractions to within half a point.
    history : array (1 + runs * iterations,)
        The loss of the soft phases at the start and after every iteration, without the pull. If a run ended early, its last value is
        repeated.
    loss : float, or array (starts,)
        The loss of the labels, by which the starts are ranked.
    """

    field: Array
    labels: Array
    history: Array
    loss: float | Array


def reconstruct(
    target: Target,
    *,
    ndim: int | None = None,
    boundary: str | None = None,
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    implied_phase: bool | None = None,
    cumulative: bool = False,
    loss: Loss | Sequence[Term] | None = None,
    starts: int = 1,
    tries: int = descent.TRIES,
    seed: int = 0,
    initial: Array | None = None,
    volume_fractions: Sequence[float] | None = None,
    iterations: int = 60,
    pulls: Sequence[float] = descent.PULLS,
    clamps: Sequence[float] | None = None,
    polish: int | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """Find a microstructure with the statistics of a target, ``min over m of loss(m, statistics)``, by L-BFGS and exchange of pixels.

    The first run of L-BFGS starts from noise and minimises the losses on statistics. Each further run adds ``clamp``, if requested, and
    the pull ``1 - mean over x of sum over h of m_h^2`` with a larger weight, so that gray values vanish while the statistics are
    preserved. A threshold then yields labels with the target volume fractions, and exchanges of points of two phases lower the squared
    error of the statistics. All starts are searched as one batch, with the library and on the device of the target; pixels are exchanged
    in numpy.

    Parameters
    ----------
    target : array (N, *space), or TargetStatistics without a batch
        The target. Only its statistics are used.
    ndim, boundary, mask, crop, implied_phase
        As in :func:`target_statistics`, with the same defaults; if target is TargetStatistics, by default those of target.
    cumulative : bool
        As in :func:`msess`, for the losses of the descent that have no such option of their own. The exchange of pixels lowers the
        squared error lag by lag. Where every pixel is free, cumulative losses are slow; they are for early stages and few parameters.
    loss : list of (weight, loss, options), or a loss
        ``msess``, ``cess``, ``clamp`` and ``descriptor_loss``, with at least one of the first two; by default
        ``[(1, cess, {"excess": True})]``. Descriptors are evaluated for the target at the start. The exchange of pixels then lowers the sum
        of the squared relative errors of the statistics and of each descriptor, independently of the weights.
    starts : int
        Number of starts from different noise; the noise of start i does not depend on their number.
    tries : int
        Number of initial noises per start. The first run, a tenth of the cost of a start, decides which structure is found. It is made
        from each noise, and the later runs continue from the result of lowest loss.
    seed : int
        Seed of the initial noise and of the random choices in the exchange.
    initial : array (N, *space), or labels (*space) of integers, optional
        Initial phases instead of noise, with a single try. All phases are explicit; with several starts there is a leading axis of starts.
    volume_fractions : numbers (N,), optional
        Target volume fractions; by default those of the target.
    iterations : int
        Maximum number of iterations per run. There is one more run than pulls (with ``clamp`` at least two runs).
    pulls : numbers >= 0
        Weight of the pull in each further run, in units of the decrease of the loss in the first run; () for none.
    clamps : numbers >= 0, optional
        Factor of the terms with ``clamp`` in each run, including the first; by default 0 in the first run, where ``clamp`` would preserve
        the initial gray, and 1 in all others.
    polish : int
        Maximum number of steps of the exchange of pixels per start, by default the number of points but at most 5000; 0 skips the
        exchange. The error continues to fall slowly for about ten times as many steps.
    progress : function (done, total, value), optional
        Called after every iteration and exchange with the number done, the maximum number, and the lowest loss of the soft phases or, in
        the exchange, the lowest relative error of the statistics.

    Returns
    -------
    Reconstruction
        ``field`` (N, *space) in the library and dtype of the target, ``labels`` (*space), ``history`` and ``loss``; with a leading axis
        if starts > 1.

    Raises
    ------
    TypeError
        If target is neither a floating array nor target statistics, or if loss contains another loss.
    ValueError
        If target has a batch, fewer than two phases, not all pairs, or values that are not finite; if an option is invalid.

    References
    ----------
    Cai et al., section 3.2, Figs 2 and 3, eqs. (7)-(9). On the exchange of pixels: Yeong and Torquato 1998,
    doi:10.1103/PhysRevE.57.495.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint.reconstruction import reconstruct
    >>> stripes = tp.two_phase(np.arange(256).reshape(16, 16) % 8 < 4)
    >>> result = reconstruct(stripes, iterations=20)
    >>> result.field.shape, result.labels.shape, float(result.labels.mean())
    ((2, 16, 16), (16, 16), 0.5)
    """
    import threadpoolctl  # imported here, because only reconstructions need it

    starts, iterations = checks.integer("starts", starts, 1), checks.integer("iterations", iterations, 1)
    seed = checks.integer("seed", seed, 0)
    tries = checks.integer("tries", tries, 1) if initial is None else 1
    requested = RequestedOptions(ndim, boundary, mask, crop, implied_phase, cumulative=cumulative)
    request = resolve_request(target, requested, loss, volume_fractions, pulls, clamps)
    polish = min(math.prod(request.in_numpy.shape), _POLISH) if polish is None else checks.integer("polish", polish, 0)
    begin = _begin(request, starts, tries, seed, initial)
    total = starts * (iterations * (len(request.runs) + tries - 1) + polish)
    report = progress or (lambda *_: None)
    # L-BFGS and the exchange make hundreds of short BLAS calls in each step, which are far slower with BLAS threads on busy cores.
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        return _search(request, begin, iterations, polish, seed, lambda done, value: report(done, total, value))


def _begin(request: Request, starts: int, tries: int, seed: int, initial: Array | None) -> list[list[np.ndarray]]:
    """Return the initial phases (N, *space) of each try of each start."""
    if initial is None:
        generators = [np.random.default_rng([seed, i]) for i in range(starts)]
        return [[noise(request.in_numpy, request.fractions, rng) for _ in range(tries)] for rng in generators]
    n, space = request.in_numpy.n_phases, request.in_numpy.shape
    xp = namespace(target=request.statistics.first, initial=initial)
    given = to_numpy(initial)
    if not xp.isdtype(initial.dtype, "real floating"):
        given = one_hot(given, n, ndim=len(space))
    batch = (starts,) if starts > 1 else ()
    if given.shape != (*batch, n, *space):
        raise ValueError(f"initial must have shape {(*batch, n, *space)}, or be labels {(*batch, *space)}, got {tuple(initial.shape)}")
    if not np.all(np.isfinite(given)):
        raise ValueError(f"initial must hold finite values, got {np.count_nonzero(~np.isfinite(given))} that are not")
    return [[soften(m)] for m in given.reshape(-1, n, *space).astype(np.float64)]


def _search(
    request: Request, begin: list[list[np.ndarray]], iterations: int, polish: int, seed: int, report: descent.Report
) -> Reconstruction:
    """Run the descent from all starts, apply the threshold, exchange pixels, and rank the results."""
    like = request.statistics.first
    xp, device = namespace(target=like), device_of(like)
    dtype = widest(like, xp)
    evaluate = descent.evaluator(request.terms, request.statistics, request.common, xp)
    phases = [[xp.asarray(m, dtype=dtype, device=device) for m in tries] for tries in begin]
    found = descent.descend(phases, evaluate, request.runs, iterations=iterations, report=report, xp=xp)
    labels = []
    for i, (field, _) in enumerate(found):
        thresholded, rng = threshold(to_numpy(field), request.fractions, request.in_numpy.mask), np.random.default_rng([seed, i, 1])
        counted_on = _counting_on(report, len(found) * iterations * (len(request.runs) + len(begin[0]) - 1) + i * polish)
        labels.append(exchange(thresholded, request.seen, most=polish, rng=rng, report=counted_on, descriptors=described(request.terms)))
    indicators = xp.asarray(one_hot(np.stack(labels), request.in_numpy.n_phases, ndim=request.in_numpy.ndim), dtype=dtype, device=device)
    losses = np.asarray([evaluation.loss for evaluation in evaluate(indicators)])
    order = [int(i) for i in np.argsort(losses, kind="stable")]
    field = xp.astype(xp.stack([found[i][0] for i in order]), request.dtype)
    of_labels, history, ranks = np.stack([labels[i] for i in order]), np.stack([found[i][1] for i in order]), losses[order]
    if len(order) == 1:
        field, of_labels, history = field[0, ...], of_labels[0], history[0]
    loss = xp.asarray(ranks, device=device) if len(order) > 1 else float(ranks[0])
    return Reconstruction(field, xp.asarray(of_labels, device=device), xp.asarray(history, device=device), loss)


def _counting_on(report: descent.Report, before: int) -> descent.Report:
    """Return a report that adds the number of steps before."""
    return lambda done, value: report(before + done, value)


def noise(statistics: TargetStatistics, fractions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return soft phases (N, *space): volume fractions plus noise, filtered to have the autocorrelations of the target."""
    space = statistics.shape
    axes = tuple(range(-len(space), 0))
    column = (slice(None),) + (None,) * len(space)
    power = np.clip(scipy.fft.rfftn(_covariances(statistics), axes=axes).real, 0.0, None)
    white = rng.standard_normal((len(fractions), *space))
    white -= white.mean(axis=0)  # equal noise in all phases would cancel to gray, which is a saddle point
    filtered = scipy.fft.irfftn(np.sqrt(power) * scipy.fft.rfftn(white, axes=axes), s=space, axes=axes)
    deviation = filtered.std(axis=axes)
    filtered = filtered / np.where(deviation > 0, deviation, 1.0)[column]
    return soften(fractions[column] + _CONTRAST * np.sqrt(np.clip(fractions * (1 - fractions), 0.0, None))[column] * filtered)


def soften(m: np.ndarray) -> np.ndarray:
    """Return phases (N, *space) that sum to one and are not so near 0 that their gradient vanishes."""
    m = np.clip(m, _LEAST, None)
    return m / m.sum(axis=0)


def _covariances(statistics: TargetStatistics) -> np.ndarray:
    """Return the autocovariance of each phase, (N, *space), in FFT order on a periodic grid; 0 at unknown lags."""
    f, v = statistics.correlations, statistics.volume_fractions
    space, lags = statistics.shape, f.shape[2:]
    known, at = [], []
    for size, n in zip(space, lags, strict=True):
        r = np.arange(n) - n // 2 if statistics.crop is not None else (np.arange(n) + (n - 1) // 2) % n - (n - 1) // 2
        near = np.flatnonzero(2 * np.abs(r) <= size)
        known.append(near)
        at.append(r[near] % size)
    covariances = np.zeros((len(v), *space))
    for h, own in enumerate(covariances):
        own[np.ix_(*at)] = f[h, h][np.ix_(*known)] - v[h] ** 2
    return covariances
