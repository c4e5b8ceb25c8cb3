"""Target statistics: the part of a target that losses need, computed once."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from ..arrays import checks
from ..arrays.frameworks import register_pytree
from ..arrays.namespace import is_array, namespace
from ..arrays.types import Array, Namespace
from . import correlation, phases
from .lags import Lags, all_lags
from .layout import assemble, disassemble, order, spread, square
from .plan import Options, Pair, Pairs, Plan, canonical, descriptor_key, is_all, listed_pairs, plan_of, resolve, resolve_rows


@dataclass(eq=False, repr=False)
class TargetStatistics:
    """The statistics of a target, which replace the target in ``msess``, ``cess``, sums of these with ``clamp``, and ``reconstruct``.

    Create them by :func:`target_statistics` from a microstructure, or by :meth:`from_correlations` from measured statistics. They supply
    the options that a later call does not give; an option that is given and differs raises a ValueError. ``statistics[i]`` is a part
    of a batch. For jax the class is a pytree.

    Attributes
    ----------
    values : tuple of arrays, each (..., lags)
        The statistics of the canonical pairs (h <= k) at the stored lags; :attr:`correlations` has the layout that the user sees.
    mask : array of booleans or confidences with the axes of space last, or None
        The points that are used. Numbers that are known to be only 0 and 1 become booleans.
    count : array (..., lags), or None
        Number of pairs of points inside the mask at each stored lag. With confidences w it is the sum of w(x) w(x+r), over the square of
        the largest w.
    plan : Plan
        The phases and pairs, and the layout of the stored lags.
    pairs : tuple of (h, k), or None
        The pairs; None for all.
    mask_batched : bool
        Whether the mask has the batch axes.
    symmetric : bool
        Whether the statistics are those of a microstructure, for which f_hk(-r) = f_kh(r) holds exactly.
    descriptors : dict of arrays
        Descriptors beyond two points, which :meth:`with_descriptor` adds.
    """

    values: tuple[Array, ...]
    mask: Array | None
    count: Array | None
    plan: Plan
    pairs: Pairs | None
    mask_batched: bool
    symmetric: bool
    descriptors: dict[Hashable, Array] = field(default_factory=dict)  # of the target, by descriptor_key(); see with_descriptor
    _prepared: dict[Hashable, Any] = field(default_factory=dict, init=False)  # filled by losses through remember()

    @property
    def shape(self) -> tuple[int, ...]:
        """The space of the microstructure, (*space)."""
        return self.plan.lags.space

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return self.plan.ndim

    @property
    def boundary(self) -> str:
        """Whether lags wrap around: "periodic" or "open"."""
        return self.plan.lags.boundary

    @property
    def crop(self) -> tuple[int, ...] | None:
        """The number of lags that are kept along each axis; None for all."""
        return self.plan.lags.crop

    @property
    def implied_phase(self) -> bool:
        """Whether phase 0 is implied, as one minus the sum of the others."""
        return self.plan.implied

    @property
    def n_phases(self) -> int:
        """The number of phases N, including an implied one."""
        return self.plan.n_phases

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return tuple(self.values[0].shape[: -self.ndim])

    @property
    def by_pair(self) -> dict[Pair, Array]:
        """The stored statistics by canonical pair (h <= k), each of shape ``(..., *stored)``."""
        return dict(zip(self.plan.pairs, self.values, strict=True))

    @property
    def first(self) -> Array:
        """The statistics of the first pair, as an example of library, device and dtype."""
        return self.values[0]

    @property
    def microstructure_shape(self) -> tuple[int, ...]:
        """The shape that a prediction must have, (..., explicit phases, *space)."""
        return (*self.batch_shape, self.n_phases - self.implied_phase, *self.shape)

    @property
    def correlations(self) -> Float[Array, "..."]:
        """The statistics as :func:`correlations` returns them, (..., N, N, *lags) or (..., P, *lags), uncropped ones in FFT order."""
        xp = namespace(correlations=self.values[0])
        listed = self.pairs or resolve("all", self.n_phases)
        f = assemble(order(list(self.values), self.plan, listed, xp), self.plan, xp, centered=False)
        return square(f, "all" if self.pairs is None else self.pairs, self.plan, xp)

    @property
    def volume_fractions(self) -> Float[Array, "*batch_phases"]:
        """Volume fractions (..., N), the sum over k of f_hk at the zero lag; ValueError unless the statistics contain all pairs.

        Under a mask of confidences, points have the squares of their confidences as weights in it.
        """
        if self.pairs is not None:
            raise ValueError(f"volume fractions follow only from statistics of all pairs; these hold pairs={self.pairs!r}")
        xp = namespace(correlations=self.values[0])
        at = dict(zip(self.plan.pairs, (f[(..., *self.plan.lags.zero)] for f in self.values), strict=True))
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
        """Create target statistics from measured statistics, without an image.

        Parameters
        ----------
        f : array (..., N, N, *lags) for all pairs, else (..., P, *lags)
            Statistics as :func:`correlations` returns them under the same options. Since f_kh(r) equals f_hk(-r), f_hk with h <= k is
            used if both are given. Opposite lags of an autocorrelation may differ, and losses compare with both.
        shape : ints
            The space (*space) of the microstructures that should have these statistics.
        ndim, boundary, mask, crop, centered, implied_phase, pairs
            As in :func:`correlations`; ndim is the length of shape. With implied_phase, predictions contain phases 1..N-1.
        n_phases : int, optional
            Number of phases if pairs is a list; by default the largest phase in the list plus one.

        Returns
        -------
        TargetStatistics

        Raises
        ------
        TypeError, ValueError
            If f is not real floating, or if its shape does not fit the options.

        References
        ----------
        Cai et al., eq. (1). Requested in issue 567 of PyMKS.

        Examples
        --------
        >>> import numpy as np, twopoint as tp
        >>> f = tp.correlations(tp.two_phase(np.eye(4)))
        >>> tp.TargetStatistics.from_correlations(f, shape=(4, 4)).volume_fractions
        array([0.75, 0.25])
        """
        xp = namespace(f=f, mask=mask)
        checks.real("f", f, xp)
        if not isinstance(shape, Iterable):
            raise TypeError(f"shape must be the space, one integer per axis, got {shape!r}")
        space = tuple(checks.integer("shape", n, 1) for n in shape)
        if ndim is not None and ndim != len(space):
            raise ValueError(f"shape must have ndim={ndim} entries, got {space}")
        Options(len(space), boundary, implied_phase=implied_phase).check()
        lags = Lags(space, boundary, checks.crop_sizes(crop, all_lags(space, boundary)))
        axes = len(space) + (2 if is_all(pairs) else 1)
        if len(f.shape) < axes:
            raise ValueError(f"f must have at least {axes} axes for pairs={pairs!r} and shape={space}, got shape {tuple(f.shape)}")
        n_phases = None if n_phases is None else checks.integer("n_phases", n_phases, 1)
        n, listed = resolve_rows(pairs, int(f.shape[-len(space) - 1]), n_phases)
        expected = ((n, n) if is_all(pairs) else (len(listed),)) + lags.shape
        if tuple(f.shape[-len(expected) :]) != expected:
            raise ValueError(f"f must have the shape (..., {', '.join(map(str, expected))}) for these options, got {tuple(f.shape)}")
        plan = Plan(lags, n, implied_phase, mask is not None, canonical(listed))
        if n - implied_phase < 1:
            raise ValueError(f"f must hold at least one explicit phase in addition to the implied one, got {n} phases")
        batch = tuple(f.shape[: -len(expected)])
        f = xp.reshape(xp.astype(f, correlation.arithmetic(f, plan, xp)), (*batch, len(listed), *lags.shape))
        values = disassemble(f, plan, listed, xp, centered=centered)
        return cls._of(values, f, mask, plan, listed_pairs(pairs, listed, n), batch, xp, symmetric=False)

    @classmethod
    def _of(
        cls,
        values: Iterable[Array],
        like: Array,
        mask: Array | None,
        plan: Plan,
        pairs: Pairs | None,
        batch: tuple[int, ...],
        xp: Namespace,
        *,
        symmetric: bool,
    ) -> "TargetStatistics":
        """Return the statistics, with mask and count broadcast to the batch."""
        count, batched = None, False
        if mask is not None:
            checks.mask_shape(mask, batch, plan.lags.space, xp)
            batched = len(mask.shape) > plan.ndim
            points = phases.point_mask(mask, plan.ndim, xp)
            count = correlation.pair_count(points, like, plan, xp)
            count = xp.broadcast_to(count, batch + tuple(count.shape[-plan.ndim :]))
            mask = xp.broadcast_to(phases.confidences(mask, xp), batch + plan.lags.space)
        return cls(tuple(values), mask, count, plan, pairs, batched, symmetric)._registered()

    def _registered(self) -> "TargetStatistics":
        """Register this class with jax, if jax is loaded."""
        if is_array(self.first):
            register_pytree(type(self), namespace(f=self.first))
        return self

    def narrow(self, plan: Plan, xp: Namespace) -> tuple[list[Array], Array | None]:
        """Return the statistics of fewer pairs and lags, and their count."""
        stored = self.by_pair
        values, count = [stored[pair] for pair in plan.pairs], self.count
        if plan.lags != self.plan.lags:
            values = [plan.lags.cut(f, xp) for f in values]
            count = None if count is None else plan.lags.cut(count, xp)
        return values, count

    def remember(self, key: Hashable, prepare: Callable[[], tuple[Any, bool]]) -> Any:
        """Return the result of prepare, which is stored if prepare reports that it may be."""
        if key in self._prepared:
            return self._prepared[key]
        prepared, may_be_kept = prepare()
        if may_be_kept:
            self._prepared[key] = prepared
        return prepared

    def cropped(self, crop: tuple[int, ...]) -> "TargetStatistics":
        """Return uncropped statistics at fewer lags."""
        plan = replace(self.plan, lags=replace(self.plan.lags, crop=crop))
        values, count = self.narrow(plan, namespace(f=self.first))
        return self._replaced(values=tuple(values), count=count, plan=plan)

    def _replaced(self, **changes: Any) -> "TargetStatistics":
        """Return the statistics with some fields changed."""
        return type(self)(**{name: getattr(self, name) for name in _FIELDS} | changes)

    def map(self, function: Callable[[Array], Array]) -> "TargetStatistics":
        """Return the statistics with a function applied to each array, for instance to change the device, dtype or library.

        ``statistics.map(lambda x: x.to("cuda"))`` moves statistics of torch; the mask is boolean, or holds confidences.
        """
        mask, count = (None if x is None else function(x) for x in (self.mask, self.count))
        described = {key: function(values) for key, values in self.descriptors.items()}
        values = tuple(function(f) for f in self.values)
        return self._replaced(values=values, mask=mask, count=count, descriptors=described)._registered()

    def with_descriptor(self, descriptor: str, values: Array, **options: Any) -> "TargetStatistics":
        """Return the statistics with a descriptor of the target, as :func:`descriptor_loss` needs it in a sum of losses.

        ``statistics.with_descriptor("lineal_path", twopoint.lineal_path(target, lengths=[1, 2, 4]), lengths=[1, 2, 4])``; all phases have
        values, also an implied one. Boundary and mask are those of the statistics.
        """
        namespace(target=self.first, values=values)
        return self._replaced(descriptors=self.descriptors | {descriptor_key(descriptor, options): values})

    def with_descriptors_of(self, other: "TargetStatistics") -> "TargetStatistics":
        """Return the statistics with the descriptors of others."""
        return self._replaced(descriptors=other.descriptors)

    def with_all_pairs(self) -> "TargetStatistics":
        """Return the statistics of all pairs, if each pair is present in at least one order: f_kh(r) = f_hk(-r)."""
        needed = canonical(resolve("all", self.n_phases))
        even = self.plan.lags.inside(self.first, namespace(f=self.first)) is not None  # the last lag has no partner
        if self.pairs is None or set(self.plan.pairs) != set(needed) or even:
            return self
        by_pair = self.by_pair
        values = tuple(by_pair[pair] for pair in needed)
        return self._replaced(values=values, plan=replace(self.plan, pairs=needed), pairs=None)

    def __getitem__(self, index: Any) -> "TargetStatistics":
        at = checks.batch_index(index, self.batch_shape, self.ndim)
        mask, count = (None if x is None else x[at] for x in (self.mask, self.count))
        described = {
            key: values[checks.batch_index(index, self.batch_shape, len(values.shape) - len(self.batch_shape))]
            for key, values in self.descriptors.items()
        }
        return self._replaced(values=tuple(f[at] for f in self.values), mask=mask, count=count, descriptors=described)

    def __len__(self) -> int:
        if not self.batch_shape:
            raise TypeError("target statistics without a batch have no length")
        return self.batch_shape[0]

    def __iter__(self) -> Iterator["TargetStatistics"]:
        return (self[i] for i in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_prepared": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._registered()

    def __repr__(self) -> str:
        options = f"boundary={self.boundary!r}, crop={self.crop}, implied_phase={self.implied_phase}, pairs={self.pairs or 'all'}"
        sizes = f"batch={self.batch_shape}, n_phases={self.n_phases}, shape={self.shape}"
        return f"TargetStatistics({sizes}, {options}, masked={self.mask is not None})"

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the arrays and the static fields, for jax."""
        described = tuple(self.descriptors.values())
        fixed = (self.plan, self.pairs, self.mask_batched, self.symmetric, tuple(self.descriptors))
        return (self.values, self.mask, self.count, described), fixed

    @classmethod
    def tree_unflatten(cls, fixed: tuple[Any, ...], arrays: tuple[Any, ...]) -> "TargetStatistics":
        """Return statistics from static fields and arrays, for jax."""
        described = dict(zip(fixed[-1], arrays[-1], strict=True))
        return cls(**dict(zip(_FIELDS, (*arrays[:-1], *fixed[:-1], described), strict=True)))


_FIELDS = tuple(entry.name for entry in fields(TargetStatistics) if entry.init)
Target: TypeAlias = Array | TargetStatistics


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
    """Compute the statistics of a target once, for many calls of a loss.

    Parameters
    ----------
    target : array (..., N, *space)
        Microstructure function; with ``implied_phase=True`` phases 1..N-1 only.
    ndim, boundary, mask, crop, implied_phase, pairs
        As in :func:`correlations`. Statistics of all lags and all pairs can be used by losses with a crop or a list of pairs.

    Returns
    -------
    TargetStatistics
        Statistics that replace the target in a loss, with the same result.

    Raises
    ------
    TypeError, ValueError
        As in :func:`correlations`, and if the target is of integers or booleans.

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
    checks.real("target", target, xp)
    plan, requested_pairs, points = plan_of(target, Options(ndim, boundary, mask, crop, implied_phase, pairs), xp, "target")
    half_lags = correlation.correlate(target, points, correlation.pair_count(points, target, plan, xp), plan, xp)
    values = list(spread(half_lags, plan, plan.pairs, xp))
    listed = listed_pairs(pairs, requested_pairs, plan.n_phases)
    return TargetStatistics._of(values, target, mask, plan, listed, tuple(target.shape[: -ndim - 1]), xp, symmetric=True)


def structure(statistics: TargetStatistics) -> float:
    """Return the norm of statistics (of numpy arrays) minus their mean over lags, the denominator of relative errors."""
    f = statistics.correlations.astype(np.float64)
    return float(np.linalg.norm(f - f.mean(axis=tuple(range(-statistics.ndim, 0)), keepdims=True)))
