"""The commands ``reconstruct`` and ``demo``: a structure with given statistics, from noise."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import TargetStatistics, autocorrelation, cess, msess, one_hot, reconstruct, statistics_error, target_statistics, volume_fractions
from ..reconstruction import Reconstruction
from . import memory
from .measures import crop_sizes
from .options import LossName
from .reading.image import STATISTICS
from .reading.load import Reading, load
from .reading.names import parse_source
from .reading.spacing import Spacing, parse_spacing
from .saved_statistics import load_statistics
from .showing import figures, outputs, panels, remarks, tables
from .showing.outputs import FIGURES, LABELS, PRINTED, Output
from .terminal import InputError, counting, say

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
    check: str = ""  # the command that holds what is found against the image
    facts: tuple[tuple[str, str], ...] = ()  # and of the table


@dataclass(frozen=True)
class Asked:
    """Which statistics of a file are wanted."""

    file: str
    how: Reading
    boundary: str | None
    spacing: str | None
    crop: int | None


def run(asked: Asked, search: Search, written: Written, *, force: bool) -> None:
    """Reconstruct from a file of an image or of statistics."""
    source = parse_source(asked.file)
    written.check([source.path], force=force)
    of_statistics = source.path.suffix.lower() == STATISTICS
    wanted = _of_statistics(asked, search.starts) if of_statistics else _of_image(asked, search.starts, written.labels)
    outputs.check_labels(written.labels, wanted.statistics.shape)
    find(wanted, search, written)


def find(wanted: Wanted, search: Search, written: Written) -> None:
    """Reconstruct, draw the picture, write what was asked for and print the table."""
    statistics, n = wanted.statistics, wanted.statistics.n_phases
    lags = statistics.crop or crop_sizes(None, statistics.shape, statistics.boundary)
    say(remarks.cost(statistics.shape, n, statistics.boundary, lags, search.starts, part=bool(wanted.check)))
    began = time.perf_counter()
    with counting("reconstructing") as report:
        terms = _LOSSES[search.loss]
        result = reconstruct(statistics, loss=terms, seed=search.seed, starts=search.starts, progress=report)
    seconds = time.perf_counter() - began
    best = Reconstruction(*(part if search.starts == 1 else part[0] for part in vars(result).values()))
    about = wanted.about | {"boundary": statistics.boundary, "spacing": wanted.spacing.figures()}
    measured = about | _figures(best, statistics, search) | {"seconds": round(seconds, 2), "picture": str(written.picture)}
    measured["original"] = remarks.original(best.labels, wanted.labels, statistics.boundary, measured["error_thresholded"])
    _draw(wanted, best.labels, measured, written.picture)
    if written.labels is not None:
        outputs.write_labels(written.labels, best.labels, n)
    if written.figures is not None:
        outputs.write_json(written.figures, measured)
    if written.figures != PRINTED:
        files = [("picture", written.picture), ("labels", written.labels), ("figures", written.figures)]
        size = ("size", tables.extent(statistics.shape, wanted.spacing))
        facts = tables.facts(wanted.name, [size, *wanted.facts, ("boundary", statistics.boundary)])
        said = [("result", measured["original"]), ("check", wanted.check or None)]
        tables.show(facts, tables.reconstruction(measured), files=[*files, *said])


def wanted_of(
    labels: np.ndarray,
    n_phases: int,
    name: str,
    spacing: Spacing,
    boundary: str,
    starts: int,
    crop: int | None = None,
    *,
    part: bool = False,
) -> Wanted:
    """Return the statistics of labels as what is to be found; refuse what memory cannot hold."""
    lags = crop_sizes(crop, labels.shape, boundary)
    _require_memory(labels.shape, n_phases, boundary, lags, starts, part)
    target = one_hot(labels, n_phases, ndim=labels.ndim)
    every = boundary == "periodic" and crop is None
    statistics = target_statistics(target, ndim=labels.ndim, boundary=boundary, crop=None if every else lags)
    return Wanted(statistics, name, spacing.along(labels.ndim), labels, {"source": name, "shape": list(labels.shape)})


def _of_image(asked: Asked, starts: int, labels: Path | None) -> Wanted:
    """Return the statistics of an image as what is to be found."""
    step, boundary = parse_spacing(asked.spacing), asked.boundary or "periodic"
    given = load(asked.file, asked.how, spaced=step.physical)
    found = given.found
    wanted = wanted_of(found.labels, found.n_phases, given.title, step, boundary, starts, asked.crop, part=True)
    seam = remarks.wall(found.labels) if boundary == "periodic" else None
    if seam is not None:
        say(f"note: {given.name}: {seam}")
    check = remarks.compare_command(asked.file, asked.how, boundary, asked.crop, asked.spacing, labels, found.n_phases)
    about = "" if labels is not None else " (with --labels found.npy)"
    return replace(wanted, about=given.figures(), facts=(("phases", found.method),), check=check + about)


def _of_statistics(asked: Asked, starts: int) -> Wanted:
    """Return saved statistics as what is to be found; refuse options that speak of an image."""
    file = asked.file
    if asked.how != Reading() or asked.spacing is not None or asked.crop is not None:
        options = "--window, --threshold, --phases, --spacing and --crop"
        raise InputError(f"{file} holds statistics; {options} are for twopoint stats of the image")
    statistics, step = load_statistics(file)
    if asked.boundary not in (None, statistics.boundary):
        raise InputError(f"{file} holds {statistics.boundary} statistics; twopoint stats --boundary {asked.boundary} measures the others")
    _require_memory(statistics.shape, statistics.n_phases, statistics.boundary, statistics.crop or statistics.shape, starts, False)
    return Wanted(statistics, parse_source(file).title, step, None, {"source": file, "shape": list(statistics.shape)})


def _require_memory(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...], starts: int, part: bool) -> None:
    """Refuse a reconstruction that does not fit."""
    needed = memory.for_reconstruction(space, n_phases, boundary, crop, starts)
    memory.require(needed, f"reconstructing {n_phases} phases of shape {space}", part=part)


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
    figures.save(figures.draw(shown, title=title, columns=3 if len(statistics.shape) == 3 else 4), picture)
