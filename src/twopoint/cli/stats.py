"""The command ``stats``: the 2-point statistics of one image, or of many."""

from dataclasses import dataclass
from pathlib import Path

from .analysis import AnalysisOptions, analyse
from .descriptors import requested_descriptors, write_csv
from .many.folder import RunFolder
from .many.pool import check_json, say_refused
from .many.rows import by_kind, spread
from .many.statistics import CSV, JSON, STATS_FORMAT, SUMMARY_FORMAT, Summary, measure_many, settings_of
from .options import (
    Boundary,
    Crop,
    DescriptorNames,
    DescriptorsCsv,
    Files,
    Force,
    Jobs,
    JsonFile,
    MaskOption,
    OpenBoundary,
    OutOrFolder,
    Phases,
    Pictures,
    Save,
    SpacingOption,
    Threshold,
    Window,
)
from .reading.collect import collect, is_several
from .reading.load import ReadingOptions
from .reading.names import Source, parse_source
from .reading.spacing import requested_spacing
from .saved_statistics import save_statistics
from .showing import descriptors, outputs, tables
from .showing.outputs import PRINTED, OutputFile
from .terminal import InputError, clear_errors, say, working

FOLDER = Path("twopoint-stats")


def command(
    files: Files,
    out: OutOrFolder = None,
    spacing: SpacingOption = None,
    boundary: OpenBoundary = Boundary.open,
    window: Window = None,
    threshold: Threshold = None,
    phases: Phases = None,
    mask: MaskOption = None,
    crop: Crop = None,
    save: Save = None,
    descriptor_names: DescriptorNames = None,
    csv_file: DescriptorsCsv = None,
    json_file: JsonFile = None,
    pictures: Pictures = True,
    jobs: Jobs = None,
    force: Force = False,
) -> None:
    """Measure volume fractions, interface, correlation lengths and 2-point statistics of images or volumes.

    Several files, folders or patterns ('*.png') give a folder of results: summary.csv and summary.json with a row per image, and for each
    image its numbers and a picture. Several processes work on them. The same command resumes a run that was interrupted, and measures only
    images that are new or have changed. An image that is refused does not stop the others; the status is then 1.
    """
    with clear_errors():
        names = requested_descriptors(descriptor_names, masked=mask is not None)
        options = AnalysisOptions(ReadingOptions(window, threshold, phases), mask, spacing, boundary.value, crop, names)
        run(StatsRequest(tuple(files), options, out, json_file, save, csv_file, pictures, jobs, force))


@dataclass(frozen=True)
class StatsRequest:
    """The arguments of ``stats``."""

    files: tuple[str, ...]
    options: AnalysisOptions
    out: Path | None
    json_file: Path | None
    saved: Path | None
    csv_file: Path | None
    pictures: bool
    jobs: int | None
    force: bool


def run(request: StatsRequest) -> None:
    """Measure one image or many."""
    if is_several(request.files):
        _run_many(request)
    else:
        _run_one(request, request.files[0])


def _run_one(request: StatsRequest, file: str) -> None:
    """Measure an image, print the table, draw the picture, and write the files."""
    requested_spacing(request.options.spacing)
    picture = _check_files(request, parse_source(file))
    analysis = analyse(file, request.options)
    if picture is not None:
        with working("drawing"):
            analysis.draw(picture)
    name = analysis.loaded.name
    if request.saved is not None:
        save_statistics(request.saved, analysis.statistics, source=name)
    if request.csv_file is not None and analysis.descriptors is not None:
        write_csv(request.csv_file, analysis.descriptors)
    if request.json_file is not None:
        written = {"picture": None if picture is None else str(picture)}
        outputs.write_json(request.json_file, STATS_FORMAT, analysis.summary() | written)
    if request.json_file != PRINTED:
        files = [("picture", picture), ("statistics", request.saved), ("descriptors", request.csv_file), ("numbers", request.json_file)]
        unit = analysis.statistics.spacing.unit
        beyond = [] if analysis.descriptors is None else [descriptors.descriptor_table(analysis.descriptors)]
        tables.show(tables.facts(name, analysis.facts()), tables.phases(analysis.phases, unit), *beyond, files=files)


def _check_files(request: StatsRequest, source: Source) -> Path | None:
    """Return the picture's path; raise an error for files that cannot be read or written."""
    if request.csv_file is not None and not request.options.descriptors:
        raise InputError(f"--csv {request.csv_file} needs --descriptors, whose numbers it holds")
    named = Path(f"{source.output}-stats.png") if request.out is None else request.out
    picture = named if request.pictures else None
    files = [OutputFile(picture, (".png",)), OutputFile(request.json_file, outputs.JSON), OutputFile(request.saved, (".npz",))]
    files.append(OutputFile(request.csv_file, (".csv",)))
    sources = [source.path] + ([] if request.options.mask is None else [parse_source(request.options.mask).path])
    outputs.check(files, sources, force=request.force)
    return picture


def _run_many(request: StatsRequest) -> None:
    """Measure many images, print a table with a row for each, and list those that were refused."""
    requested_spacing(request.options.spacing)
    if request.saved is not None:
        raise InputError("--save takes the statistics of one image; name one file, or read the numbers of each in the folder of results")
    if request.csv_file is not None:
        raise InputError("--csv takes the descriptors of one image; those of many are in the .json file of each")
    if request.options.mask is not None:
        parse_source(request.options.mask)
    folder = RunFolder(FOLDER if request.out is None else request.out, settings_of("stats", request.options))
    images = collect(request.files, folder.path)
    check_json(request.json_file, images, force=request.force)
    folder.open(force=request.force)
    summary = measure_many(images, request.options, folder, pictures=request.pictures, jobs=request.jobs, force=request.force)
    if request.json_file is not None:
        outputs.write_json(request.json_file, SUMMARY_FORMAT, summary.content(folder.settings))
    if request.json_file != PRINTED:
        show_summary(summary, [("table", folder.path / CSV), ("numbers", folder.path / JSON), ("numbers", request.json_file)])
    say_refused(summary.refused, len(images))


def show_summary(summary: Summary, files: list[tuple[str, object]]) -> None:
    """Print a table for each kind of images, a row per image, and what was written."""
    groups = by_kind(summary.records)
    if len(groups) > 1:
        say("note: images that differ in the number of phases, axes, or spacing are kept apart")
    shown = [tables.summary(group, spread(group)) for group in groups]
    noted = sum(bool(record["notes"]) for record in summary.records)
    if noted:
        say(f"note: there are notes on {noted} of {len(summary.records)} images, such as doubts about a segmentation: the column notes")
    tables.show(*shown, files=files)
