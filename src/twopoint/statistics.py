"""Target statistics: what a loss needs of a target, computed once."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from jaxtyping import Float

from . import _check, correlation, phases
from ._namespace import Array, can_be_kept, is_array, is_torch, namespace
from .carried import Carried, fold
from .goals import Goals
from .lags import Lags, all_lags
from .pairs import Pair, Pairs, canonical, is_all, listed_pairs, resolve, resolve_rows
from .plan import Options, Plan, plan_of
from .stacking import assemble, disassemble, ordered, spread, square


class TargetStatistics:
    """The statistics of a target, in place of the target in ``msess``, ``cess``, sums of these with ``clamp``, and ``reconstruct``.

    Made by :func:`target_statistics` from a microstructure, or by :meth:`from_correlations` from measured statistics. Options left
    out of a later call are taken from here; one that is given and differs is a ValueError. ``statistics[i]`` takes part of a batch.
    For jax it is a pytree.

    Attributes
    ----------
    shape : tuple of int
        The space of the microstructure, (*space).
    n_phases : int
        Number of phases N, an implied one included.
    ndim, boundary, crop, implied_phase, pairs
        The options; pairs as a tuple of (h, k), or None for all.
    mask : array (..., *space) of booleans, or None
        The counting points.
    """

    def __init__(
        self,
        values: tuple[Array, ...],
        mask: Array | None,
        count: Array | None,
        plan: Plan,
        wanted: Pairs | None,
        mask_batched: bool,
        symmetric: bool,
    ) -> None:
        self._values, self.mask, self._count = values, mask, count
        self._plan, self.pairs, self._mask_batched, self._symmetric = plan, wanted, mask_batched, symmetric
        self._memo: dict[Hashable, tuple[Goals, Array | None]] = {}

    shape = property(lambda self: self._plan.lags.space)
    ndim = property(lambda self: self._plan.ndim)
    boundary = property(lambda self: self._plan.lags.boundary)
    crop = property(lambda self: self._plan.lags.crop)
    implied_phase = property(lambda self: self._plan.implied)
    n_phases = property(lambda self: self._plan.n_phases)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return tuple(self._values[0].shape[: -self.ndim])

    @property
    def plan(self) -> Plan:
        """What is correlated, and how the lags are stored."""
        return self._plan

    @property
    def count(self) -> Array | None:
        """How many pairs of counting points each stored lag spans under a mask; None without one."""
        return self._count

    @property
    def mask_batched(self) -> bool:
        """Whether the mask was given with the batch."""
        return self._mask_batched

    @property
    def by_pair(self) -> dict[Pair, Array]:
        """The stored statistics by canonical pair (h <= k), each of shape ``(..., *stored)``."""
        return dict(zip(self._plan.pairs, self._values, strict=True))

    @property
    def first(self) -> Array:
        """The statistics of the first pair, as a sample of library, device and dtype."""
        return self._values[0]

    @property
    def microstructure_shape(self) -> tuple[int, ...]:
        """The shape that a prediction must have, (..., explicit phases, *space)."""
        return (*self.batch_shape, self.n_phases - self.implied_phase, *self.shape)

    @property
    def correlations(self) -> Float[Array, "..."]:
        """The statistics as :func:`correlations` gives them, (..., N, N, *lags) or (..., P, *lags), uncropped ones in FFT order."""
        xp = namespace(correlations=self._values[0])
        wanted = self.pairs or resolve("all", self.n_phases)
        f = assemble(ordered(list(self._values), self._plan, wanted, xp), self._plan, xp, centered=False)
        return square(f, "all" if self.pairs is None else self.pairs, self._plan, xp)

    @property
    def volume_fractions(self) -> Float[Array, "*batch_phases"]:
        """Volume fractions (..., N): the sum over k of f_hk at the zero lag; a ValueError unless all pairs are known."""
        if self.pairs is not None:
            raise ValueError("volume fractions follow only from statistics of all pairs; these hold pairs=" + repr(self.pairs))
        xp = namespace(correlations=self._values[0])
        at = dict(zip(self._plan.pairs, (f[(..., *self._plan.lags.zero)] for f in self._values), strict=True))
        return xp.stack([sum(at[min(h, k), max(h, k)] for k in range(self.n_phases)) for h in range(self.n_phases)], axis=-1)

    @classmethod
    def from_correlations(
        cls,
        f: Float[Array, "..."],
        *,
        shape: Iterable[int],
        ndim: int | None = None,
        boundary: str = "periodic",
        mask: Array | None = None,
        crop: int | Iterable[int] | None = None,
        centered: bool = False,
        implied_phase: bool = False,
        pairs: str | Iterable[Pair] = "all",
        n_phases: int | None = None,
    ) -> "TargetStatistics":
        """Take measured statistics for which there is no image.

        Parameters
        ----------
        f : array (..., N, N, *lags) for all pairs, else (..., P, *lags)
            Statistics as :func:`correlations` gives them under the same options. f_kh(r) and f_hk(-r) are one; where both are given, f_hk
            with h <= k is taken. Opposite lags of an autocorrelation may differ: losses compare with both.
        shape : ints
            The space (*space) of the microstructures that are to have these statistics.
        ndim, boundary, mask, crop, centered, implied_phase, pairs
            As in :func:`correlations`; ndim is the length of shape. With implied_phase predictions hold phases 1..N-1.
        n_phases : int, optional
            Number of phases where pairs is a list; by default the largest phase that it names plus one.

        Returns
        -------
        TargetStatistics

        Raises
        ------
        TypeError, ValueError
            If f is not real floating, or its shape does not fit the options.

        References
        ----------
        Cai et al., eq. (1). PyMKS issue 567 asks for it.

        Examples
        --------
        >>> import numpy as np, twopoint as tp
        >>> f = tp.correlations(tp.two_phase(np.eye(4)))
        >>> tp.TargetStatistics.from_correlations(f, shape=(4, 4)).volume_fractions
        array([0.75, 0.25])
        """
        xp = namespace(f=f, mask=mask)
        _check.real("f", f, xp)
        if not isinstance(shape, Iterable):
            raise TypeError(f"shape must be the space, one integer an axis, got {shape!r}")
        space = tuple(_check.integer("shape", n, 1) for n in shape)
        if ndim is not None and ndim != len(space):
            raise ValueError(f"shape must have ndim={ndim} entries, got {space}")
        Options(len(space), boundary, implied_phase=implied_phase).check()
        lags = Lags(space, boundary, _check.crop_sizes(crop, all_lags(space, boundary)))
        axes = len(space) + (2 if is_all(pairs) else 1)
        if len(f.shape) < axes:
            raise ValueError(f"f must have at least {axes} axes for pairs={pairs!r} and shape={space}, got shape {tuple(f.shape)}")
        n_phases = None if n_phases is None else _check.integer("n_phases", n_phases, 1)
        n, wanted = resolve_rows(pairs, int(f.shape[-len(space) - 1]), n_phases)
        expected = ((n, n) if is_all(pairs) else (len(wanted),)) + lags.shape
        if tuple(f.shape[-len(expected) :]) != expected:
            raise ValueError(f"f must have the shape (..., {', '.join(map(str, expected))}) for these options, got {tuple(f.shape)}")
        plan = Plan(lags, n, implied_phase, mask is not None, canonical(wanted))
        if n - implied_phase < 1:
            raise ValueError(f"f must hold at least one explicit phase beside the implied one, got {n} phases")
        batch = tuple(f.shape[: -len(expected)])
        f = xp.reshape(xp.astype(f, correlation.arithmetic(f, plan, xp)), (*batch, len(wanted), *lags.shape))
        values = disassemble(f, plan, wanted, xp, centered=centered)
        return cls._of(values, f, mask, plan, listed_pairs(pairs, wanted, n), batch, xp, symmetric=False)

    @classmethod
    def _of(
        cls,
        values: Iterable[Array],
        like: Array,
        mask: Array | None,
        plan: Plan,
        wanted: Pairs | None,
        batch: tuple[int, ...],
        xp: Any,
        *,
        symmetric: bool,
    ) -> "TargetStatistics":
        """Bring mask and count into the form in which they are kept: with the batch."""
        count, batched = None, False
        if mask is not None:
            _check.mask_shape(mask, batch, plan.lags.space, xp)
            batched = len(mask.shape) > plan.ndim
            counting = phases.counting(mask, plan.ndim, xp)
            count = correlation.pair_count(counting, like, plan, xp)
            count = xp.broadcast_to(count, batch + tuple(count.shape[-plan.ndim :]))
            mask = xp.broadcast_to(counting[(..., 0, *(slice(None),) * plan.ndim)], batch + plan.lags.space)
        return cls(tuple(values), mask, count, plan, wanted, batched, symmetric)._registered()

    def _registered(self) -> "TargetStatistics":
        """Tell jax of this class, where it is loaded; not what torch compiles, which cannot be traced into jax."""
        if is_array(self.first) and not is_torch(namespace(f=self.first)):
            from . import _rules

            _rules.register_pytree(type(self))
        return self

    def narrow(self, plan: Plan, xp: Any) -> tuple[list[Array], Array | None]:
        """Return the statistics of fewer pairs and lags, and their count."""
        stored = self.by_pair
        values, count = [stored[pair] for pair in plan.pairs], self._count
        if plan.lags != self._plan.lags:
            values = [plan.lags.cut(f, xp) for f in values]
            count = None if count is None else plan.lags.cut(count, xp)
        return values, count

    def carried(self, plan: Plan, wanted: Pairs, dtype: Any, xp: Any) -> tuple[Carried, Array | None]:
        """Return the statistics as a loss of the plan compares with them, and their count."""
        values, count = self.narrow(plan, xp)
        return fold([xp.astype(f, dtype, copy=False) for f in values], plan, wanted, xp, symmetric=self._symmetric), count

    def remember(self, key: Hashable, make: Callable[[], tuple[Goals, Array | None]], xp: Any) -> tuple[Goals, Array | None]:
        """Return what a loss has made of the statistics, and their count: made once, where it can be kept."""
        if key in self._memo:
            return self._memo[key]
        made = make()
        if can_be_kept(made[0].first, xp):
            self._memo[key] = made
        return made

    def cropped(self, crop: tuple[int, ...]) -> "TargetStatistics":
        """Return uncropped statistics at fewer lags."""
        plan = replace(self.plan, lags=replace(self.plan.lags, crop=crop))
        values, count = self.narrow(plan, namespace(f=self.first))
        return type(self)(tuple(values), self.mask, count, plan, self.pairs, self._mask_batched, self._symmetric)

    def map(self, function: Callable[[Array], Array]) -> "TargetStatistics":
        """Return the statistics with a function applied to each of their arrays: another device, dtype or library.

        ``statistics.map(lambda x: x.to("cuda"))`` moves those of torch; the mask is boolean.
        """
        (values, mask, count), fixed = self.tree_flatten()
        mask, count = (None if x is None else function(x) for x in (mask, count))
        return type(self)(tuple(function(f) for f in values), mask, count, *fixed)._registered()

    def with_all_pairs(self) -> "TargetStatistics":
        """Return the statistics as those of all pairs, if they hold each pair in one order at least: f_kh(r) = f_hk(-r)."""
        needed = canonical(resolve("all", self.n_phases))
        even = self.plan.lags.inside(self.first, namespace(f=self.first)) is not None  # the last lag has no partner
        if self.pairs is None or set(self.plan.pairs) != set(needed) or even:
            return self
        by_pair = self.by_pair
        values = tuple(by_pair[pair] for pair in needed)
        return type(self)(values, self.mask, self._count, replace(self.plan, pairs=needed), None, self._mask_batched, self._symmetric)

    def __getitem__(self, index: Any) -> "TargetStatistics":
        at = _check.batch_index(index, self.batch_shape, self.ndim)
        leaves = [None if leaf is None else leaf[at] for leaf in (self.mask, self._count)]
        taken = type(self)(
            tuple(f[at] for f in self._values), leaves[0], leaves[1], self._plan, self.pairs, self._mask_batched, self._symmetric
        )
        return taken

    def __len__(self) -> int:
        if not self.batch_shape:
            raise TypeError("target statistics without a batch have no length")
        return self.batch_shape[0]

    def __iter__(self) -> Iterator["TargetStatistics"]:
        return (self[i] for i in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_memo": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._registered()

    def __repr__(self) -> str:
        options = f"boundary={self.boundary!r}, crop={self.crop}, implied_phase={self.implied_phase}, pairs={self.pairs or 'all'}"
        sizes = f"batch={self.batch_shape}, n_phases={self.n_phases}, shape={self.shape}"
        return f"TargetStatistics({sizes}, {options}, masked={self.mask is not None})"

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Split into arrays and what is fixed, for jax."""
        return (self._values, self.mask, self._count), (self._plan, self.pairs, self._mask_batched, self._symmetric)

    @classmethod
    def tree_unflatten(cls, fixed: tuple[Any, ...], arrays: tuple[Any, ...]) -> "TargetStatistics":
        """Join again, for jax."""
        return cls(*arrays, *fixed)


def target_statistics(
    target: Float[Array, "*microstructure"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    implied_phase: bool = False,
    pairs: str | Iterable[Pair] = "all",
) -> TargetStatistics:
    """Compute once what a loss needs of a target.

    Parameters
    ----------
    target : array (..., N, *space)
        Microstructure function; with ``implied_phase=True`` phases 1..N-1 only.
    ndim, boundary, mask, crop, implied_phase, pairs
        As in :func:`correlations`. Statistics of all lags and all pairs serve losses that crop or pick pairs.

    Returns
    -------
    TargetStatistics
        To be passed in place of the target, with the same result.

    Raises
    ------
    TypeError, ValueError
        As :func:`correlations`; integers and booleans are refused.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> target = tp.two_phase(np.eye(4))
    >>> statistics = tp.target_statistics(target)
    >>> bool(tp.cess(target, statistics) == tp.cess(target, target))
    True
    """
    xp = namespace(target=target, mask=mask)
    _check.real("target", target, xp)
    plan, wanted, counting = plan_of(target, Options(ndim, boundary, mask, crop, implied_phase, pairs), xp, "target")
    found = correlation.correlate(target, counting, correlation.pair_count(counting, target, plan, xp), plan, xp)
    values = list(spread(found, plan, plan.pairs, xp))
    listed = listed_pairs(pairs, wanted, plan.n_phases)
    return TargetStatistics._of(values, target, mask, plan, listed, tuple(target.shape[: -ndim - 1]), xp, symmetric=True)
