"""The plan of the sums over blocks of a volume: halo, fields, pairs and block sizes, as Python ints, before any data are read."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from dask.utils import parse_bytes

from ...arrays import checks
from ...arrays.fft import fast_length
from ...arrays.namespace import namespace
from ...statistics.lags import all_lags
from ...statistics.plan import Options, Pairs, canonical, independent, resolve

MASK = -1  # the field of the point mask, in addition to those of phases 0..N-1; all ones without a mask
Block: TypeAlias = tuple[tuple[int, int], ...]  # start and stop along each axis


@dataclass(frozen=True)
class VolumePlan:
    """The sums over each block, and how they become statistics."""

    space: tuple[int, ...]
    boundary: str
    crop: tuple[int, ...]
    n_phases: int  # N, an implied phase included
    labels: bool
    implied: bool
    masked: bool
    requested_pairs: Pairs  # in the user's order
    rows: Pairs  # pairs of fields that each block sums
    derived: bool  # whether the pairs of phase 0 follow from the mask and the other phases
    weighted: bool  # whether the mask may hold confidences, which are no whole numbers
    cumulative: bool

    @property
    def reach(self) -> tuple[int, ...]:
        """The largest lag along each axis, which is the width of the halo."""
        return tuple(n // 2 for n in self.crop)

    @property
    def stored(self) -> tuple[int, ...]:
        """The shape of sums over lags from -reach to reach, so that every lag has its partner."""
        return tuple(2 * n + 1 for n in self.reach)

    @property
    def transformed(self) -> Pairs:
        """The rows that need Fourier transforms. Without a mask the sums over its field are running sums of a box."""
        return tuple(row for row in self.rows if self.masked or row[0] != MASK)

    def window(self, block: Block) -> list[list[slice]]:
        """Return the parts of the volume within reach of a block along each axis: cut at an open boundary, wrapped at a periodic one."""
        parts = []
        for (start, stop), reach, size in zip(block, self.reach, self.space, strict=True):
            low, high = start - reach, stop + reach
            if self.boundary == "open":
                parts.append([slice(max(low, 0), min(high, size))])
            else:  # one part for each period
                turns = range(low // size, (high - 1) // size + 1)
                parts.append([slice(max(low - t * size, 0), min(high - t * size, size)) for t in turns])
        return parts

    def offset(self, block: Block) -> tuple[int, ...]:
        """Return the offset of the window in a grid that starts at the block's start minus reach."""
        if self.boundary == "periodic":
            return (0,) * len(block)
        return tuple(max(reach - start, 0) for (start, _), reach in zip(block, self.reach, strict=True))

    def memory(self, block: tuple[int, ...], itemsize: int) -> int:
        """Predict the bytes of a task: one spectrum for each field and two more, and the window as it is stored."""
        sizes = [fast_length(b + 2 * r) for b, r in zip(block, self.reach, strict=True)]
        fields = {i for row in self.transformed for i in row}
        explicit = 1 if self.labels else self.n_phases - self.implied
        window = math.prod(b + 2 * r for b, r in zip(block, self.reach, strict=True))
        mask = 24 if self.weighted else self.masked  # confidences as stored and in float64, and a field that they weigh
        return 8 * (len(fields) + 2) * math.prod(sizes) + (itemsize * explicit + mask) * window


def volume_plan(shape: tuple[int, ...], n_phases: int | None, options: Options) -> VolumePlan:
    """Check the shape, (*space) of labels or (N, *space), and the options; choose what to transform."""
    labels = n_phases is not None
    space = shape if labels else shape[1:]
    if len(space) not in (1, 2, 3) or 0 in shape:
        form = "(*space) of labels" if labels else "(phases, *space), or of labels (*space) with n_phases"
        raise ValueError(f"volume must have the shape {form}, with 1 to 3 axes of space and no empty one, got {shape}")
    options.check()
    check_implied_phase(options, labels=labels)
    if options.crop is None:
        raise ValueError("crop must be an integer or one for each axis, got None: the crop sets the overlap of the blocks")
    crop = checks.crop_sizes(options.crop, all_lags(space, options.boundary))
    assert crop is not None  # for mypy
    n = shape[0] + options.implied_phase if n_phases is None else checks.integer("n_phases", n_phases, 1)
    requested_pairs, masked = resolve(options.pairs, n), options.mask is not None
    rows, derived = _rows(canonical(requested_pairs), n, derivable=labels or options.implied_phase, masked=masked)
    weighted = options.mask is not None and np.issubdtype(options.mask.dtype, np.floating)
    of_phases = (n, labels, options.implied_phase, masked, requested_pairs)
    return VolumePlan(space, options.boundary, crop, *of_phases, rows, derived, weighted, options.cumulative)


def _rows(pairs: Pairs, n_phases: int, *, derivable: bool, masked: bool) -> tuple[Pairs, bool]:
    """Return what each block sums: the pairs themselves, or fewer from which the pairs of phase 0 follow."""
    count = ((MASK, MASK),) if masked else ()
    direct = (*count, *pairs)
    with_first = {k for h, k in pairs if h == 0 and k > 0}
    with_first |= set(range(1, n_phases)) if (0, 0) in pairs else set()
    fewer = (*count, *((MASK, k) for k in sorted(with_first)), *independent(pairs, n_phases))

    def cost(rows: Pairs) -> int:  # for each field two forward transforms, for each row an inverse one, pruned to the lags
        transformed = [row for row in rows if masked or row[0] != MASK]
        return 4 * len({i for row in transformed for i in row}) + len(transformed)

    derived = derivable and n_phases > 1 and cost(fewer) < cost(direct)
    return (fewer if derived else direct), derived


def bytes_of(memory: int | str) -> int:
    """Return a number of bytes; raise if memory is not one."""
    try:
        size = parse_bytes(memory)
    except (ValueError, TypeError, AttributeError):
        size = 0
    if size < 1:
        raise ValueError(f"memory must be a positive number of bytes, or a string such as '256MiB', got {memory!r}")
    return int(size)


def block_shape(block: Any, plan: VolumePlan, itemsize: int, memory: int) -> tuple[int, ...]:
    """Return the user's block, or the largest equal parts of the space that fit into the memory of a task."""
    if block is not None:
        sizes = tuple(block) if isinstance(block, Iterable) else (block,) * len(plan.space)
        if len(sizes) != len(plan.space):
            raise ValueError(f"block must be one integer or {len(plan.space)}, one for each axis, got {block!r}")
        return tuple(min(checks.integer("block", b, 1), size) for b, size in zip(sizes, plan.space, strict=True))
    parts = [1] * len(plan.space)
    while True:
        shape = tuple(-(-size // n) for size, n in zip(plan.space, parts, strict=True))
        needed = plan.memory(shape, itemsize)
        if needed <= memory:
            return shape
        if max(shape) == 1:
            raise ValueError(f"memory must be at least {needed} bytes for crop={plan.crop}, even with blocks of one point, got {memory}")
        longest = max(range(len(shape)), key=lambda axis: shape[axis])
        parts[longest] = -(-plan.space[longest] // (shape[longest] - 1)) if shape[longest] < 16 else parts[longest] + 1


def blocks_of(space: tuple[int, ...], shape: tuple[int, ...]) -> list[Block]:
    """Cut a space into blocks; the last along each axis may be smaller."""
    edges = [[(start, min(start + b, size)) for start in range(0, size, b)] for size, b in zip(space, shape, strict=True)]
    return list(product(*edges))


def check_implied_phase(options: Options, *, labels: bool) -> None:
    """Raise if labels, which include every phase, are used with an implied phase."""
    if labels and options.implied_phase:
        raise ValueError("implied_phase=True is for probabilities without phase 0, but labels include every phase")


def check_mask(mask: Any, space: tuple[int, ...]) -> None:
    """Raise if a mask is complex or has another shape."""
    checks.mask_shape(mask, (), space, namespace(m=np.empty(0)))
