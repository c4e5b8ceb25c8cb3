"""The command ``reconstruct``: a structure with the statistics of a target, from noise."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import TargetStatistics, autocorrelation, cess, msess, one_hot, reconstruct, statistics_error, target_statistics, volume_fractions
from ..reconstruction import Reconstruction
from . import memory
from .measures import crop_sizes
from .options import (
    Crop,
    Cumulative,
    File,
    Force,
    Json,
    Labels,
    Loss,
    LossName,
    Out,
    Phases,
    SearchBoundary,
    Seed,
    SpacingOption,
    Starts,
    Threshold,
    Window,
)
from .reading.formats import is_statistics
from .reading.load import ReadingOptions, load, recorded_spacing
from .reading.names import parse_source
from .reading.spacing import Spacing, as_option, requested_spacing
from .saved_statistics import load_statistics
from .showing import outputs, panels, remarks, tables
from .showing.outputs import JSON, LABELS, PRINTED, OutputFile
from .terminal import InputError, clear_errors, counting, say

_LOSSES: dict[LossName, list[Any]] = {LossName.cess: [(1.0, cess, {"excess": True})], LossName.msess: [(1.0, msess, {})]}


def command(
    file: File,
    out: Out = None,
    spacing: SpacingOption = None,
    boundary: SearchBoundary = None,
    window: Window = None,
    threshold: Threshold = None,
    phases: Phases = None,
    crop: Crop = None,
    loss: Loss = LossName.cess,
    cumulative: Cumulative = False,
    seed: Seed = 0,
    starts: Starts = 1,
    labels_file: Labels = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Reconstruct a structure from the 2-point statistics of an image, a volume, or a .npz file of 'twopoint stats --save'.

    The search starts from noise. The table has two columns. Soft: the result of gradient descent, where a pixel may belong to several
    phases in part. Thresholded: labels with the volume fractions of the target, refined by exchanges of pixels; --labels writes these.
    The loss is excess CESS, the cross-entropy of the statistics minus the target's own, or MSESS, their mean squared difference: 0 for
    equal statistics.
    """
    with clear_errors():
        picture = Path(f"{parse_source(file).output}-reconstruction.png") if out is None else out
        requested_boundary = None if boundary is None else boundary.value
        request = ReconstructRequest(file, ReadingOptions(window, threshold, phases), requested_boundary, spacing, crop)
        run(request, SearchOptions(loss, seed, starts, cumulative), OutputPaths(picture, labels_file, json_file), force=force)


@dataclass(frozen=True)
class ReconstructRequest:
    """The arguments of ``reconstruct`` that select the target."""

    file: str
    options: ReadingOptions
    boundary: str | None
    spacing: str | None
    crop: int | None


@dataclass(frozen=True)
class SearchOptions:
    """Options of the search."""

    loss: LossName
    seed: int
    starts: int
    cumulative: bool = False


@dataclass(frozen=True)
class OutputPaths:
    """The files to write."""

    picture: Path
    labels: Path | None
    json_file: Path | None

    def check(self, sources: list[Path], *, force: bool, overwrite_picture: bool = False) -> None:
        """Raise an error for files that cannot be written."""
        files = [OutputFile(self.picture, (".png",), overwrite_picture), OutputFile(self.labels, LABELS), OutputFile(self.json_file, JSON)]
        outputs.check(files, sources, force=force)


@dataclass(frozen=True)
class Target:
    """The statistics to reconstruct from, their name, and the image that they were measured on, if there is one."""

    statistics: TargetStatistics
    name: str
    spacing: Spacing
    labels: np.ndarray | None
    summary: dict[str, Any]  # of the input, for a .json file
    check: str = ""  # the command that compares the result with the image
    facts: tuple[tuple[str, str], ...] = ()  # additional rows of the table


def run(request: ReconstructRequest, search: SearchOptions, paths: OutputPaths, *, force: bool) -> None:
    """Reconstruct from a file with an image or with statistics."""
    source = parse_source(request.file)
    paths.check([source.path], force=force)
    stored = is_statistics(source)
    target = _target_of_statistics(request, search.starts) if stored else _target_of_image(request, search.starts, paths.labels)
    outputs.check_labels(paths.labels, target.statistics.shape)
    reconstruct_target(target, search, paths)


def reconstruct_target(target: Target, search: SearchOptions, paths: OutputPaths) -> None:
    """Reconstruct, draw the picture, write the files and print the table."""
    statistics, n = target.statistics, target.statistics.n_phases
    say(remarks.cost(statistics.shape, n, statistics.boundary, _lags(statistics), search.starts, divisible=bool(target.check)))
    best, seconds = _search(statistics, search)
    settings = {"boundary": statistics.boundary, "spacing": target.spacing.summary()}
    measured = target.summary | settings | _measure(best, statistics, search)
    measured |= {"seconds": round(seconds, 2), "picture": str(paths.picture)}
    measured["original"] = remarks.original(best.labels, target.labels, statistics.boundary, measured["error_thresholded"])
    _draw(target, best.labels, measured, paths.picture)
    if paths.labels is not None:
        outputs.write_labels(paths.labels, best.labels, n)
    if paths.json_file is not None:
        outputs.write_json(paths.json_file, "twopoint reconstruction 1", measured)
    if paths.json_file != PRINTED:
        files = [("picture", paths.picture), ("labels", paths.labels), ("numbers", paths.json_file)]
        size = ("size", tables.extent(statistics.shape, target.spacing))
        facts = tables.facts(target.name, [size, *target.facts, ("boundary", statistics.boundary)])
        notes = [("result", measured["original"]), ("check", target.check or None)]
        tables.show(facts, tables.reconstruction(measured), files=[*files, *notes])


def target_of_labels(
    labels: np.ndarray,
    n_phases: int,
    name: str,
    spacing: Spacing,
    boundary: str,
    starts: int,
    crop: int | None = None,
    *,
    divisible: bool = False,
) -> Target:
    """Return the statistics of labels as a target; raise an error for a reconstruction that does not fit into memory."""
    lags = crop_sizes(crop, labels.shape, boundary)
    _require_memory(labels.shape, n_phases, boundary, lags, starts, divisible)
    m = one_hot(labels, n_phases, ndim=labels.ndim)
    all_lags = boundary == "periodic" and crop is None
    statistics = target_statistics(m, ndim=labels.ndim, boundary=boundary, crop=None if all_lags else lags)
    return Target(statistics, name, spacing.along(labels.ndim), labels, {"source": name, "shape": list(labels.shape)})


def _target_of_image(request: ReconstructRequest, starts: int, labels_file: Path | None) -> Target:
    """Return the statistics of an image as a target."""
    requested, boundary = requested_spacing(request.spacing), request.boundary or "periodic"
    loaded = load(request.file, request.options, spaced=requested is None or requested.physical)
    step = requested or recorded_spacing(loaded)
    spacing = as_option(step) if requested is None else request.spacing
    segmentation = loaded.segmentation
    labels, n = segmentation.labels, segmentation.n_phases
    target = target_of_labels(labels, n, loaded.title, step, boundary, starts, request.crop, divisible=True)
    seam = remarks.seam(labels) if boundary == "periodic" else None
    if seam is not None:
        say(f"note: {loaded.name}: {seam}")
    values = () if loaded.colours else segmentation.values
    check = remarks.compare_command(request.file, request.options, boundary, request.crop, spacing, labels_file, n, values)
    hint = "" if labels_file is not None else " (with --labels found.npy)"
    return replace(target, summary=loaded.summary(), facts=(("phases", segmentation.method),), check=check + hint)


def _target_of_statistics(request: ReconstructRequest, starts: int) -> Target:
    """Return saved statistics as a target; raise an error for options that apply to an image."""
    file = request.file
    if request.options != ReadingOptions() or request.spacing is not None or request.crop is not None:
        options = "--window, --threshold, --phases, --spacing and --crop"
        raise InputError(f"{file} holds statistics; {options} are for twopoint stats of the image")
    statistics, step = load_statistics(file)
    if request.boundary not in (None, statistics.boundary):
        raise InputError(f"{file} holds {statistics.boundary} statistics; twopoint stats --boundary {request.boundary} measures the others")
    _require_memory(statistics.shape, statistics.n_phases, statistics.boundary, statistics.crop or statistics.shape, starts, False)
    return Target(statistics, parse_source(file).title, step, None, {"source": file, "shape": list(statistics.shape)})


def _require_memory(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...], starts: int, divisible: bool) -> None:
    """Raise an error for a reconstruction that does not fit into memory."""
    needed = memory.for_reconstruction(space, n_phases, boundary, crop, starts)
    memory.require(needed, f"reconstructing {n_phases} phases of shape {space}", divisible=divisible)


def _lags(statistics: TargetStatistics) -> tuple[int, ...]:
    """Return the number of lags along each axis."""
    return statistics.crop or crop_sizes(None, statistics.shape, statistics.boundary)


def _search(statistics: TargetStatistics, search: SearchOptions) -> tuple[Reconstruction, float]:
    """Return the best of the starts, and the seconds that all starts took."""
    began = time.perf_counter()
    with counting("reconstructing") as progress:
        options: dict[str, Any] = dict(loss=_LOSSES[search.loss], cumulative=search.cumulative, seed=search.seed, starts=search.starts)
        result = reconstruct(statistics, **options, progress=progress)
    seconds = time.perf_counter() - began
    return Reconstruction(*(part if search.starts == 1 else part[0] for part in vars(result).values())), seconds


def _measure(best: Reconstruction, statistics: TargetStatistics, search: SearchOptions) -> dict[str, Any]:
    """Return the losses, errors and volume fractions of the best start, by name."""
    m = one_hot(best.labels, statistics.n_phases, ndim=statistics.ndim)
    return {
        "loss": search.loss.value,
        "cumulative": search.cumulative,
        "loss_soft": float(best.history[-1]),
        "loss_thresholded": float(best.loss),
        "error_soft": statistics_error(best.field, statistics),
        "error_thresholded": statistics_error(best.labels, statistics),
        "volume_fractions_wanted": statistics.volume_fractions.tolist(),
        "volume_fractions_got": volume_fractions(m, ndim=statistics.ndim).tolist(),
        "starts": search.starts,
        "seed": search.seed,
    }


def _draw(target: Target, result: np.ndarray, measured: dict[str, Any], picture: Path) -> None:
    """Draw the target and the reconstruction."""
    from .showing import figures  # imports matplotlib, which --help does not need

    statistics = target.statistics
    options: dict[str, Any] = dict(ndim=statistics.ndim, boundary=statistics.boundary, crop=_lags(statistics))
    of_result = autocorrelation((result == 1).astype(np.float64), **options)
    of_target = statistics.correlations[1, 1]
    of_target = of_target if statistics.crop else np.fft.fftshift(of_target)
    shown = panels.panels_of_reconstruction(target.labels, result, (of_target, of_result), statistics.n_phases, target.spacing)
    error, seconds = measured["error_thresholded"], measured["seconds"]
    size = tables.extent(statistics.shape, target.spacing)
    title = f"{panels.short(target.name)}, {size}: relative error of the statistics {error:.4f}, {measured['loss']}, {seconds:.1f} s"
    figures.save(figures.draw(shown, title=title, columns=3 if len(statistics.shape) == 3 else 4), picture)
