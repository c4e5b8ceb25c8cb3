"""The commands ``reconstruct`` and ``demo``: a structure with given statistics, from noise."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import TargetStatistics, autocorrelation, cess, msess, one_hot, reconstruct, statistics_error, target_statistics, volume_fractions
from ..reconstruction import Reconstruction
from . import figures, memory, outputs, panels, progress, tables
from .archive import load_statistics
from .errors import InputError
from .files import STATISTICS
from .inputs import Reading, load
from .measurement import crop_sizes
from .options import LossName
from .outputs import FIGURES, LABELS, PRINTED, Output
from .sources import parse_source
from .units import Spacing, parse_spacing

_LOSSES: dict[LossName, list[Any]] = {LossName.cess: [(1.0, cess, {"excess": True})], LossName.msess: [(1.0, msess, {})]}


@dataclass(frozen=True)
class Search:
    """How to search."""

    loss: LossName
    seed: int
    starts: int


@dataclass(frozen=True)
class Written:
    """The files that are written."""

    picture: Path
    labels: Path | None
    figures: Path | None

    def check(self, sources: list[Path], *, force: bool, own: bool = False) -> None:
        """Refuse what cannot be written; the demo's own picture may be overwritten."""
        written = [Output(self.picture, (".png",), own), Output(self.labels, LABELS), Output(self.figures, FIGURES)]
        outputs.check(written, sources, force=force)


@dataclass(frozen=True)
class Wanted:
    """What is to be found: statistics, their name, and the image that they are of, where there is one."""

    statistics: TargetStatistics
    name: str
    spacing: Spacing
    labels: np.ndarray | None
    about: dict[str, Any]  # what a reader of the figures must know
    facts: tuple[tuple[str, str], ...] = ()  # and of the table


def run(file: str, how: Reading, search: Search, boundary: str | None, spacing: str | None, written: Written, *, force: bool) -> None:
    """Reconstruct from a file of an image or of statistics."""
    source = parse_source(file)
    written.check([source.path], force=force)
    if source.path.suffix.lower() == STATISTICS:
        wanted = _of_statistics(file, how, boundary, spacing, search.starts)
    else:
        wanted = _of_image(file, how, boundary or "periodic", spacing, search.starts)
    outputs.check_labels(written.labels, wanted.statistics.shape)
    find(wanted, search, written)


def find(wanted: Wanted, search: Search, written: Written) -> None:
    """Reconstruct, draw the picture, write what was asked for and print the table."""
    statistics, n = wanted.statistics, wanted.statistics.n_phases
    began = time.perf_counter()
    with progress.counting("reconstructing") as report:
        terms = _LOSSES[search.loss]
        result = reconstruct(statistics, loss=terms, seed=search.seed, starts=search.starts, progress=report)
    seconds = time.perf_counter() - began
    best = Reconstruction(*(part if search.starts == 1 else part[0] for part in vars(result).values()))
    about = wanted.about | {"boundary": statistics.boundary, "spacing": wanted.spacing.figures()}
    measured = about | _figures(best, statistics, search) | {"seconds": round(seconds, 2), "picture": str(written.picture)}
    _draw(wanted, best.labels, measured, written.picture)
    if written.labels is not None:
        outputs.write_labels(written.labels, best.labels, n)
    if written.figures is not None:
        outputs.write_json(written.figures, measured)
    if written.figures != PRINTED:
        files = [("picture", written.picture), ("labels", written.labels), ("figures", written.figures)]
        size = ("size", tables.extent(statistics.shape, wanted.spacing))
        facts = tables.facts(wanted.name, [size, *wanted.facts, ("boundary", statistics.boundary)])
        tables.show(facts, tables.reconstruction(measured), files=files)


def wanted_of(labels: np.ndarray, n_phases: int, name: str, spacing: Spacing, boundary: str, starts: int) -> Wanted:
    """Return the statistics of labels as what is to be found; refuse what memory cannot hold."""
    crop = crop_sizes(None, labels.shape, boundary)
    _require_memory(labels.shape, n_phases, boundary, crop, starts)
    target = one_hot(labels, n_phases, ndim=labels.ndim)
    statistics = target_statistics(target, ndim=labels.ndim, boundary=boundary, crop=None if boundary == "periodic" else crop)
    return Wanted(statistics, name, spacing.along(labels.ndim), labels, {"source": name, "shape": list(labels.shape)})


def _of_image(file: str, how: Reading, boundary: str, spacing: str | None, starts: int) -> Wanted:
    """Return the statistics of an image as what is to be found."""
    step = parse_spacing(spacing)
    given = load(file, how)
    wanted = wanted_of(given.found.labels, given.found.n_phases, given.name, step, boundary, starts)
    return replace(wanted, about=given.figures(), facts=(("phases", given.found.method),))


def _of_statistics(file: str, how: Reading, boundary: str | None, spacing: str | None, starts: int) -> Wanted:
    """Return saved statistics as what is to be found; refuse options that speak of an image."""
    if how != Reading() or spacing is not None:
        raise InputError(f"{file} holds statistics; --window, --threshold, --phases and --spacing are for twopoint stats of the image")
    statistics, step = load_statistics(file)
    if boundary not in (None, statistics.boundary):
        raise InputError(f"{file} holds {statistics.boundary} statistics; twopoint stats --boundary {boundary} measures the others")
    _require_memory(statistics.shape, statistics.n_phases, statistics.boundary, statistics.crop or statistics.shape, starts)
    return Wanted(statistics, file, step, None, {"source": file, "shape": list(statistics.shape)})


def _require_memory(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...], starts: int) -> None:
    """Refuse a reconstruction that does not fit."""
    needed = memory.for_reconstruction(space, n_phases, boundary, crop, starts)
    memory.require(needed, f"reconstructing {n_phases} phases of shape {space}")


def _figures(best: Reconstruction, statistics: TargetStatistics, search: Search) -> dict[str, Any]:
    """Return the figures of the best start, by name."""
    got = one_hot(best.labels, statistics.n_phases, ndim=statistics.ndim)
    return {
        "loss": search.loss.value,
        "loss_soft": float(best.history[-1]),
        "loss_thresholded": float(best.loss),
        "error_soft": statistics_error(best.field, statistics),
        "error_thresholded": statistics_error(best.labels, statistics),
        "volume_fractions_wanted": statistics.volume_fractions.tolist(),
        "volume_fractions_got": volume_fractions(got, ndim=statistics.ndim).tolist(),
        "starts": search.starts,
        "seed": search.seed,
    }


def _draw(wanted: Wanted, found: np.ndarray, measured: dict[str, Any], picture: Path) -> None:
    """Draw what was wanted and what was found."""
    statistics = wanted.statistics
    crop = statistics.crop or crop_sizes(None, statistics.shape, statistics.boundary)
    options: dict[str, Any] = dict(ndim=statistics.ndim, boundary=statistics.boundary, crop=crop)
    got = autocorrelation((found == 1).astype(np.float64), **options)
    own = statistics.correlations[1, 1]
    own = own if statistics.crop else np.fft.fftshift(own)
    shown = panels.of_reconstruction(wanted.labels, found, (own, got), statistics.n_phases, wanted.spacing)
    error, seconds = measured["error_thresholded"], measured["seconds"]
    size = tables.extent(statistics.shape, wanted.spacing)
    title = f"{panels.short(wanted.name)}, {size}: relative error of the statistics {error:.4f}, {measured['loss']}, {seconds:.1f} s"
    figures.save(figures.draw(shown, title=title), picture)
