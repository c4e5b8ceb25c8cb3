"""The .npz file of ``twopoint stats --save``, written and read here: statistics for ``twopoint reconstruct`` and for Python."""

import math
from pathlib import Path
from zipfile import is_zipfile

import numpy as np

from .. import TargetStatistics
from .measures import Statistics
from .memory import require
from .reading.names import parse_source
from .reading.spacing import Spacing
from .terminal import InputError, decoding

FORMAT = "twopoint statistics 1"
_ROUNDING = 1e-6


def save_statistics(path: Path, statistics: Statistics, *, source: str) -> None:
    """Write statistics to a .npz file, for ``twopoint reconstruct`` and :meth:`TargetStatistics.from_correlations`.

    Parameters
    ----------
    path : Path
        A .npz file of these arrays: ``format``; ``correlations`` (N, N, *lags), float64, zero lag at index L//2; ``pair_counts``
        (*lags), the number of pairs at each lag; ``shape``, ``boundary`` and ``crop``, options of ``from_correlations``; ``spacing`` and
        ``unit``; ``source``.
    statistics : Statistics
        The statistics.
    source : str
        Name of the image.
    """
    count = np.full(statistics.lags, float(np.prod(statistics.space))) if statistics.count is None else statistics.count
    with path.open("wb") as file:
        np.savez(
            file,
            format=FORMAT,
            correlations=statistics.f,
            pair_counts=count,
            shape=np.array(statistics.space),
            boundary=statistics.boundary,
            crop=np.array(statistics.lags),
            spacing=np.array(statistics.spacing.steps),
            unit=statistics.spacing.unit,
            source=source,
        )


def load_statistics(text: str) -> tuple[TargetStatistics, Spacing]:
    """Read a file of :func:`save_statistics`.

    Parameters
    ----------
    text : str
        A .npz file.

    Returns
    -------
    statistics : TargetStatistics
        Without a mask, because every lag in the file has a pair of points.
    spacing : Spacing
        Spacing of the image.

    Raises
    ------
    InputError
        If the file is not of this format, or its numbers are not statistics.
    """
    source = parse_source(text)
    if not is_zipfile(source.path):
        raise InputError(f"{source} cannot be read: it is damaged, or not a .npz file")
    with decoding(source), source.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        require(sum(entry.file_size for entry in file.zip.infolist()), f"reading {source}", divisible=False)
        if "format" not in file or str(file["format"]) != FORMAT:
            raise InputError(f"{source} does not hold statistics of twopoint stats --save")
        f, count = np.asarray(file["correlations"], dtype=np.float64), np.asarray(file["pair_counts"])
        space, crop = (tuple(int(n) for n in file[name]) for name in ("shape", "crop"))
        spacing = Spacing(tuple(float(step) for step in file["spacing"]), str(file["unit"]))
        _refuse_damaged(f, count, crop, source)
        if not all(0 < step < math.inf for step in spacing.steps):
            raise InputError(f"{source} is damaged: its spacing is {spacing.steps}")
        statistics = TargetStatistics.from_correlations(f, shape=space, boundary=str(file["boundary"]), crop=crop, centered=True)
        return statistics, spacing.along(len(space))


def _refuse_damaged(f: np.ndarray, count: np.ndarray, crop: tuple[int, ...], source: object) -> None:
    """Raise an error for arrays that are not statistics of phases that fill space."""
    if f.ndim not in (4, 5) or f.shape[2:] != crop or count.shape != crop or f.shape[0] != f.shape[1]:
        raise InputError(f"{source} is damaged: correlations of shape {f.shape} do not fit crop {crop}")
    if not (np.isfinite(f).all() and f.min() >= -_ROUNDING and np.abs(f.sum(axis=(0, 1))[count > 0] - 1).max(initial=0) < _ROUNDING):
        raise InputError(f"{source} is damaged: its correlations are not probabilities")
    if not (count > 0).all():
        raise InputError(f"{source} holds lags without a pair of points; save it with a smaller --crop or a larger mask")
    zero = f.reshape(*f.shape[:2], -1)[..., np.ravel_multi_index(tuple(n // 2 for n in crop), crop)].sum(axis=1)
    if len(zero) < 2 or not (zero > 0).all() or not np.ptp(f.reshape(len(zero) ** 2, -1), axis=1).max() > _ROUNDING:
        raise InputError(f"{source} holds statistics of one phase only: there is no structure in it")
