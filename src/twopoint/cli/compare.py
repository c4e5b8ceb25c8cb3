"""The command ``compare``: how far the statistics of two images are from each other."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import TargetStatistics, cess, msess, one_hot, statistics_error
from . import memory
from .measures import Statistics, crop_sizes, measure
from .reading.load import Input, Reading, load, sampled
from .reading.names import parse_source
from .reading.spacing import Spacing, common_spacing, parse_spacing
from .showing import figures, outputs, panels, tables
from .showing.outputs import FIGURES, PRINTED, Output
from .showing.panels import Field
from .terminal import InputError, say, working


@dataclass(frozen=True)
class Request:
    """What a person asked of ``compare``."""

    files: tuple[str, str]
    how: tuple[Reading, Reading]
    spacing: str | None
    spacing_b: str | None
    boundary: str
    crop: int | None
    picture: Path | None
    figures: Path | None
    force: bool


def run(request: Request) -> None:
    """Compare two images, print the table, draw the picture, write the figures."""
    sources = [parse_source(file) for file in request.files]
    picture = Path(f"{sources[0].output}-{sources[1].output}-compare.png") if request.picture is None else request.picture
    written = [Output(picture, (".png",)), Output(request.figures, FIGURES)]
    outputs.check(written, [source.path for source in sources], force=request.force)
    a, b, spacing = _loaded(request)
    crop = _common_lags(a, b, request.boundary, request.crop)
    with working("correlating both images"):
        of_a, of_b = (_measure(given, request.boundary, crop, spacing) for given in (a, b))
        measured = _difference(b, of_a)
    measured["radial_difference"] = _radial_difference(of_a, of_b)
    measured |= {"volume_fractions_a": of_a.fractions.tolist(), "volume_fractions_b": of_b.fractions.tolist()}
    with working("drawing"):
        _draw(a, b, of_a, of_b, measured["error"], picture)
    if request.figures is not None:
        about = {"a": a.figures(), "b": b.figures(), "boundary": request.boundary, "crop": list(crop), "spacing": spacing.figures()}
        outputs.write_json(request.figures, about | measured | {"picture": str(picture)})
    if request.figures != PRINTED:
        facts = [
            ("A", f"{a.name}, {tables.extent(of_a.space, spacing)}, {a.found.method}"),
            ("B", f"{b.name}, {tables.extent(of_b.space, spacing)}, {b.found.method}"),
            ("boundary", request.boundary),
            ("lags compared", " x ".join(map(str, crop))),
        ]
        files = [("picture", picture), ("figures", request.figures)]
        tables.show(tables.facts("", facts), tables.comparison(measured, ("A", "B")), files=files)


def _loaded(request: Request) -> tuple[Input, Input, Spacing]:
    """Read both images; where their spacings differ, sample the finer at the coarser's points, and say so."""
    (file_a, file_b), (how_a, how_b) = request.files, request.how
    given_a, given_b = parse_spacing(request.spacing), parse_spacing(request.spacing_b or request.spacing)
    if given_a.physical != given_b.physical:
        raise InputError(f"--spacing-b {request.spacing_b} needs --spacing, which is A's, too")
    a = load(file_a, how_a, spaced=given_a.physical)
    same = file_a == file_b and how_a == replace(how_b, of_b=False)
    b = a if same else load(file_b, how_b, spaced=given_b.physical)
    step_a, step_b = (step.along(given.image.values.ndim) for step, given in ((given_a, a), (given_b, b)))
    if step_a == step_b or a.image.values.ndim != b.image.values.ndim:
        return a, b, step_a
    coarser = common_spacing(step_a, step_b)
    before = a.image.values.shape, b.image.values.shape
    a, b = sampled(a, step_a, coarser), sampled(b, step_b, coarser)
    for given, size in zip((a, b), before, strict=True):
        if given.image.values.shape != size:
            say(f"note: {given.name}: sampled at points as far apart as the other's, {tables.extent(given.image.values.shape, coarser)}")
    return a, b, coarser


def _common_lags(a: Input, b: Input, boundary: str, crop: int | None) -> tuple[int, ...]:
    """Return the lags that both images have; refuse images that cannot be compared."""
    (name_a, shape_a), (name_b, shape_b) = ((given.name, given.image.values.shape) for given in (a, b))
    if a.found.n_phases != b.found.n_phases:
        raise InputError(f"{name_a} has {a.found.n_phases} phases, {name_b} {b.found.n_phases}; --phases or --threshold makes them equal")
    if len(shape_a) != len(shape_b):
        raise InputError(f"{name_a} has {len(shape_a)} axes and {name_b} {len(shape_b)}; take a slice of the volume, FILE[0]")
    if shape_a != shape_b and boundary == "periodic":
        raise InputError(f"periodic images must have one size, got {shape_a} and {shape_b}; --boundary open compares on common lags")
    smaller = tuple(min(sizes) for sizes in zip(shape_a, shape_b, strict=True))
    return crop_sizes(crop, smaller, boundary)


def _measure(given: Input, boundary: str, crop: tuple[int, ...], spacing: Spacing) -> Statistics:
    """Measure one image on the common lags."""
    return measure(given.found.labels, given.found.n_phases, boundary=boundary, spacing=spacing, crop=crop)


def _difference(b: Input, of_a: Statistics) -> dict[str, Any]:
    """Return error and losses of B's statistics against A's, which stand for an image of B's size."""
    labels, n, ndim = b.found.labels, b.found.n_phases, of_a.ndim
    memory.require(memory.for_statistics(labels.shape, n, of_a.boundary, of_a.lags), "comparing the statistics")
    options: dict[str, Any] = dict(shape=labels.shape, boundary=of_a.boundary, crop=of_a.lags, centered=True)
    target = TargetStatistics.from_correlations(of_a.f, **options)
    m = one_hot(labels, n, ndim=ndim)
    return {
        "error": statistics_error(labels, target),
        "excess_cess": float(cess(m, target, excess=True)),
        "msess": float(msess(m, target)),
    }


def _radial_difference(a: Statistics, b: Statistics) -> float:
    """Return the largest difference of the phases' radial averages, which the noise of single lags does not reach."""
    (r, of_a), (r_b, of_b) = a.radial(), b.radial()
    m = min(len(r), len(r_b))
    return float(np.abs(of_a[:, :m] - of_b[:, :m]).max())


def _draw(a: Input, b: Input, of_a: Statistics, of_b: Statistics, error: float, picture: Path) -> None:
    """Draw both images, gray ones above their segmentation, and the statistics."""
    images = [_images(given, letter, of_a.spacing) for given, letter in ((a, "A"), (b, "B"))]
    difference, curves = panels.of_comparison(of_a, of_b, (a.title, b.title))
    both_gray = all(len(shown) > 1 for shown in images)
    shown = [*images[0], difference, *images[1]] if both_gray else [*images[0], *images[1], difference]
    columns = 3 if len(shown) > 3 else 4
    title = f"A and B: relative error of the statistics {error:.4f}, {of_a.boundary} boundary"
    figures.save(figures.draw([*shown, curves], title=title, columns=columns), picture)


def _images(given: Input, letter: str, spacing: Spacing) -> list[Field]:
    """Return an image and its segmentation, without the histogram."""
    shown = panels.of_segmentation(given.image.values, given.found, f"{letter}: {given.title}", spacing)
    return [panel for panel in shown if isinstance(panel, Field)]
