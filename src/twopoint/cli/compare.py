"""The command ``compare``: differences between the statistics of two images, or distances among many."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from .. import TargetStatistics, cess, msess, one_hot, statistics_error
from . import memory
from .analysis import AnalysisOptions
from .descriptors import compare_descriptors, measure_descriptors, requested_descriptors
from .many.comparison import FORMAT, MATRIX, NUMBERS, PAIRS, PICTURE, UNITS, clusters_text, compare_many, nearest
from .many.distances import Group
from .many.folder import RunFolder
from .many.pool import check_json, say_refused
from .many.statistics import settings_of
from .measures import Statistics, crop_sizes, measure
from .options import (
    Boundary,
    By,
    Crop,
    Cumulative,
    DescriptorNames,
    Distance,
    FilesToCompare,
    Force,
    Jobs,
    JsonFile,
    OpenBoundary,
    OutOrFolder,
    Phases,
    SpacingB,
    SpacingOption,
    Threshold,
    ThresholdB,
    Window,
    WindowB,
)
from .reading.collect import collect, is_several
from .reading.load import LoadedImage, ReadingOptions, load, recorded_spacing, resample
from .reading.names import parse_source
from .reading.pairing import pair
from .reading.spacing import Spacing, common_spacing, requested_spacing
from .showing import descriptors, outputs, panels, tables
from .showing.outputs import JSON, PRINTED, OutputFile
from .showing.panels import Field
from .terminal import InputError, clear_errors, say, working

FOLDER = Path("twopoint-compare")
_MOST_SHOWN = 8  # images up to which the terminal shows the matrix, in 80 columns


def command(
    files: FilesToCompare,
    out: OutOrFolder = None,
    spacing: SpacingOption = None,
    spacing_b: SpacingB = None,
    boundary: OpenBoundary = Boundary.open,
    window: Window = None,
    window_b: WindowB = None,
    threshold: Threshold = None,
    threshold_b: ThresholdB = None,
    phases: Phases = None,
    crop: Crop = None,
    cumulative: Cumulative = False,
    by: By = Distance.cumulative,
    descriptor_names: DescriptorNames = None,
    json_file: JsonFile = None,
    jobs: Jobs = None,
    force: Force = False,
) -> None:
    """Compare the 2-point statistics of two images or volumes, or of every two of many.

    The relative error is the norm of the difference of the statistics, divided by the norm of A's statistics without their mean: 0 for
    equal statistics, about 1 for a random arrangement. Excess CESS is the cross-entropy of the statistics, eq. (8), minus A's own, in nats;
    MSESS is the mean over lags of their summed squared differences, eq. (7). Both are 0 for equal statistics.

    Three files or more, a folder or a pattern ('*.png') give a folder of results: distances.png, a dendrogram of images that are near each
    other and the matrix of their distances; the same as tables (.csv), and .json. Lags up to three correlation lengths are compared unless
    --crop sets them.
    """
    with clear_errors():
        options_a = ReadingOptions(window, threshold, phases)
        if len(files) != 2 or any(is_several((file,)) for file in files):
            of_b = {"--spacing-b": spacing_b, "--window-b": window_b, "--threshold-b": threshold_b}
            of_two = of_b | {"--cumulative": cumulative or None, "--descriptors": descriptor_names}
            _refuse_options_of_two({name: value for name, value in of_two.items() if value is not None})
            options = AnalysisOptions(options_a, None, spacing, boundary.value, crop)
            run_many(ManyRequest(tuple(files), options, by.value, out, json_file, jobs, force))
            return
        options_b = ReadingOptions(window_b or window, threshold_b or threshold, phases, of_b=window_b is not None)
        pair_of_files, options_of_both = (files[0], files[1]), (options_a, options_b)
        how = (boundary.value, crop, cumulative)
        run(CompareRequest(pair_of_files, options_of_both, spacing, spacing_b, *how, out, json_file, force, descriptor_names))


def _refuse_options_of_two(given: dict[str, object]) -> None:
    """Raise an error for options that two images have only."""
    if given:
        raise InputError(f"{', '.join(given)} can be used with two images only; for more images, --by chooses the distance")


@dataclass(frozen=True)
class CompareRequest:
    """The arguments of ``compare``."""

    files: tuple[str, str]
    options: tuple[ReadingOptions, ReadingOptions]
    spacing: str | None
    spacing_b: str | None
    boundary: str
    crop: int | None
    cumulative: bool
    picture: Path | None
    json_file: Path | None
    force: bool
    descriptors: str | None = None


@dataclass(frozen=True)
class ManyRequest:
    """The arguments of ``compare`` for many images."""

    files: tuple[str, ...]
    options: AnalysisOptions
    by: str
    folder: Path | None
    json_file: Path | None
    jobs: int | None
    force: bool


def run_many(request: ManyRequest) -> None:
    """Compare every two images, print who is nearest to whom, and write the results."""
    requested_spacing(request.options.spacing)
    settings = settings_of("compare", request.options) | {"by": request.by}
    folder = RunFolder(FOLDER if request.folder is None else request.folder, settings)
    images = collect(request.files, folder.path)
    if len(images) < 2:
        raise InputError(f"compare needs two images or more, got {len(images)}")
    check_json(request.json_file, images, force=request.force)
    folder.open(force=request.force)
    found = compare_many(images, request.options, folder, by=request.by, jobs=request.jobs)
    if request.json_file is not None:
        outputs.write_json(request.json_file, FORMAT, found.content(settings, request.by))
    if request.json_file != PRINTED:
        files = [("picture", PICTURE), ("matrix", MATRIX), ("pairs", PAIRS), ("numbers", NUMBERS)]
        written = [(name, folder.path / file) for name, file in files] + [("numbers", request.json_file)]
        tables.show(*(table for group in found.groups for table in _tables(group)), files=written)
    say_refused(found.refused, len(images))


def _tables(group: Group) -> list[Table]:
    """Return a table of the images of a group, each with its cluster and the image nearest to it, and of few images the matrix."""
    names = [image.record["name"] for image in group.images]
    closest = [nearest(group, at) for at in range(len(names))] if len(names) > 1 else []
    rows: list[tuple[str, int, str, float | None]] = [
        (name, cluster, names[at], value) for name, cluster, (at, value) in zip(names, group.clusters, closest, strict=False)
    ]
    title = f"{len(names)} images, {clusters_text(group)}; distance: {UNITS[group.by]}, {' x '.join(map(str, group.lags))} lags"
    shown = [tables.neighbours(title, rows or [(names[0], 1, "", None)])]
    return shown + [tables.matrix(group.distance)] * (2 < len(names) <= _MOST_SHOWN)


def run(request: CompareRequest) -> None:
    """Compare two images, print the table, draw the picture, and write the files."""
    picture, names = _check_files(request), requested_descriptors(request.descriptors)
    a, b, spacing = _load_both(request)
    crop, pairing = _common_lags(a, b, request.boundary, request.crop), pair(a, b)
    with working("correlating both images"):
        of_a, of_b = (_measure(loaded, request.boundary, crop, spacing) for loaded in (a, b))
        measured = _difference(b, of_a, cumulative=request.cumulative)
    measured["radial_difference"] = _radial_difference(of_a, of_b)
    measured |= {"volume_fractions_a": of_a.fractions.tolist(), "volume_fractions_b": of_b.fractions.tolist()}
    if names:
        with working("measuring descriptors of both images"):
            measured["descriptors"] = _compare_descriptors(a, b, names, request.boundary, spacing)
    with working("drawing"):
        _draw(a, b, of_a, of_b, measured["error"], picture)
    if request.json_file is not None:
        inputs = {"a": a.summary(), "b": b.summary(), "boundary": request.boundary, "crop": list(crop), "spacing": spacing.summary()}
        inputs["pairing"] = pairing
        outputs.write_json(request.json_file, "twopoint compare 1", inputs | measured | {"picture": str(picture)})
    if request.json_file != PRINTED:
        facts = [
            ("A", f"{a.name}, {tables.extent(of_a.space, spacing)}, {a.segmentation.method}"),
            ("B", f"{b.name}, {tables.extent(of_b.space, spacing)}, {b.segmentation.method}"),
            ("phases paired", pairing),
            ("boundary", request.boundary),
            ("lags compared", " x ".join(map(str, crop))),
        ]
        files = [("picture", picture), ("numbers", request.json_file)]
        shown = [descriptors.comparison_table(measured["descriptors"])] if names else []
        tables.show(tables.facts("", facts), tables.comparison(measured, ("A", "B")), *shown, files=files)


def _compare_descriptors(a: LoadedImage, b: LoadedImage, names: tuple[str, ...], boundary: str, spacing: Spacing) -> list[dict[str, Any]]:
    """Return the differences between the descriptors of both images."""
    options: dict[str, Any] = dict(boundary=boundary, spacing=spacing)
    of_a, of_b = (measure_descriptors(x.segmentation.labels, x.segmentation.n_phases, names, **options) for x in (a, b))
    return compare_descriptors(of_a, of_b)


def _check_files(request: CompareRequest) -> Path:
    """Return the picture's path; raise an error for files that cannot be read or written."""
    sources = [parse_source(file) for file in request.files]
    picture = Path(f"{sources[0].output}-{sources[1].output}-compare.png") if request.picture is None else request.picture
    outputs.check(
        [OutputFile(picture, (".png",)), OutputFile(request.json_file, JSON)], [source.path for source in sources], force=request.force
    )
    return picture


def _load_both(request: CompareRequest) -> tuple[LoadedImage, LoadedImage, Spacing]:
    """Read both images; if their spacings differ, sample the finer image at the points of the coarser one, with a note."""
    (file_a, file_b), (options_a, options_b) = request.files, request.options
    if request.spacing is None and request.spacing_b is not None:
        raise InputError(f"--spacing-b {request.spacing_b} needs --spacing, the spacing of A, too")
    step_a, step_b = requested_spacing(request.spacing), requested_spacing(request.spacing_b or request.spacing)
    a = load(file_a, options_a, spaced=step_a is None or step_a.physical)
    same = file_a == file_b and options_a == replace(options_b, of_b=False)
    b = a if same else load(file_b, options_b, spaced=step_b is None or step_b.physical)
    step_a, step_b = step_a or recorded_spacing(a), step_b or recorded_spacing(b, "--spacing-b")
    step_a, step_b = step_a.along(len(a.shape)), step_b.along(len(b.shape))
    if step_a == step_b or len(a.shape) != len(b.shape):
        return a, b, step_a
    coarser = common_spacing(step_a, step_b)
    shapes = a.shape, b.shape
    a, b = resample(a, step_a, coarser), resample(b, step_b, coarser)
    for loaded, shape in zip((a, b), shapes, strict=True):
        if loaded.shape != shape:
            say(f"note: {loaded.name}: sampled at the spacing of the other image, {tables.extent(loaded.shape, coarser)}")
    return a, b, coarser


def _common_lags(a: LoadedImage, b: LoadedImage, boundary: str, crop: int | None) -> tuple[int, ...]:
    """Return the lags that both images have; raise an error for images that cannot be compared."""
    n_a, n_b = a.segmentation.n_phases, b.segmentation.n_phases
    if n_a != n_b:
        raise InputError(f"{a.name} has {n_a} phases, {b.name} {n_b}; --phases or --threshold makes them equal")
    if len(a.shape) != len(b.shape):
        raise InputError(f"{a.name} has {len(a.shape)} axes and {b.name} {len(b.shape)}; take a slice of the volume, FILE[0]")
    if a.shape != b.shape and boundary == "periodic":
        raise InputError(f"periodic images must have one size, got {a.shape} and {b.shape}; --boundary open compares on common lags")
    smaller = tuple(min(sizes) for sizes in zip(a.shape, b.shape, strict=True))
    return crop_sizes(crop, smaller, boundary)


def _measure(loaded: LoadedImage, boundary: str, crop: tuple[int, ...], spacing: Spacing) -> Statistics:
    """Measure one image on the common lags."""
    return measure(loaded.segmentation.labels, loaded.segmentation.n_phases, boundary=boundary, spacing=spacing, crop=crop)


def _difference(b: LoadedImage, of_a: Statistics, *, cumulative: bool) -> dict[str, Any]:
    """Return the error and the losses of B, with the statistics of A as the target of an image of B's shape."""
    labels, n, ndim = b.segmentation.labels, b.segmentation.n_phases, of_a.ndim
    memory.require(memory.for_statistics(labels.shape, n, of_a.boundary, of_a.lags), "comparing the statistics")
    options: dict[str, Any] = dict(shape=labels.shape, boundary=of_a.boundary, crop=of_a.lags, centered=True)
    target = TargetStatistics.from_correlations(of_a.f, **options)
    m = one_hot(labels, n, ndim=ndim)
    return {
        "error": statistics_error(labels, target),
        "cumulative": cumulative,
        "excess_cess": float(cess(m, target, excess=True, cumulative=cumulative)),
        "msess": float(msess(m, target, cumulative=cumulative)),
    }


def _radial_difference(a: Statistics, b: Statistics) -> float:
    """Return the largest difference of the radial averages, in which the noise of single lags is averaged out."""
    (r, of_a), (r_b, of_b) = a.radial(), b.radial()
    m = min(len(r), len(r_b))
    return float(np.abs(of_a[:, :m] - of_b[:, :m]).max())


def _draw(a: LoadedImage, b: LoadedImage, of_a: Statistics, of_b: Statistics, error: float, picture: Path) -> None:
    """Draw both images, gray images above their segmentation, and the statistics."""
    from .showing import figures  # imports matplotlib, which --help does not need

    images = [_image_panels(loaded, letter, of_a.spacing) for loaded, letter in ((a, "A"), (b, "B"))]
    difference, curves = panels.panels_of_comparison(of_a, of_b, (a.title, b.title))
    both_gray = all(len(shown) > 1 for shown in images)
    shown = [*images[0], difference, *images[1]] if both_gray else [*images[0], *images[1], difference]
    columns = 3 if len(shown) > 3 else 4
    title = f"A and B: relative error of the statistics {error:.4f}, {of_a.boundary} boundary"
    figures.save(figures.draw([*shown, curves], title=title, columns=columns), picture)


def _image_panels(loaded: LoadedImage, letter: str, spacing: Spacing) -> list[Field]:
    """Return panels of an image and its segmentation, without the histogram."""
    shown = panels.panels_of_segmentation(loaded.image.values, loaded.segmentation, f"{letter}: {loaded.title}", spacing)
    return [panel for panel in shown if isinstance(panel, Field)]
