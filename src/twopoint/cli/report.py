"""The command ``report``: one self-contained page on one image or many, to be sent to others."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from .analysis import AnalysisOptions
from .descriptors import requested_descriptors
from .many.page import sections_of, write_page
from .many.pool import say_refused
from .options import Boundary, Crop, DescriptorNames, Files, Force, Jobs, MaskOption, OpenBoundary, Phases, SpacingOption, Threshold, Window
from .reading.collect import collect, path_of
from .reading.load import ReadingOptions
from .reading.names import parse_source
from .reading.spacing import requested_spacing
from .showing import outputs, tables
from .showing.outputs import OutputFile
from .terminal import InputError, clear_errors, working

PAGE = Path("report.html")


def command(
    files: Files,
    out: Annotated[Path, typer.Option(help="Page (.html) to write.")] = PAGE,
    title: Annotated[str | None, typer.Option(help="Title of the page. Default: the name of the image, or their number.")] = None,
    spacing: SpacingOption = None,
    boundary: OpenBoundary = Boundary.open,
    window: Window = None,
    threshold: Threshold = None,
    phases: Phases = None,
    mask: MaskOption = None,
    crop: Crop = None,
    descriptor_names: DescriptorNames = None,
    jobs: Jobs = None,
    force: Force = False,
) -> None:
    """Write a page about images: segmentation, statistics, lengths and doubts of each image, and the spread of several images.

    The page is one file. It needs neither a network nor this program, follows the reader's light or dark theme, and can be printed.
    """
    with clear_errors():
        names = requested_descriptors(descriptor_names, masked=mask is not None)
        options = AnalysisOptions(ReadingOptions(window, threshold, phases), mask, spacing, boundary.value, crop, names)
        run(ReportRequest(tuple(files), options, out, title, jobs, force))


@dataclass(frozen=True)
class ReportRequest:
    """The arguments of ``report``."""

    files: tuple[str, ...]
    options: AnalysisOptions
    page: Path
    title: str | None
    jobs: int | None
    force: bool


def run(request: ReportRequest) -> None:
    """Measure images and write the page."""
    options = request.options
    requested_spacing(options.spacing)
    images = collect(request.files)
    sources = [found for image in images if (found := path_of(image.text)) is not None]
    sources += [] if options.mask is None else [parse_source(options.mask).path]
    outputs.check([OutputFile(request.page, (".html", ".htm"))], sources, force=request.force)
    sections, refused = sections_of(images, options, request.jobs)
    if not sections:
        raise InputError(f"there is no image to report on: {'; '.join(row['reason'] for row in refused)}")
    title = request.title or (sections[0].record["source"] if len(images) == 1 else f"{len(sections)} images")
    words = ["twopoint", "report", *request.files, *options.typed(), "--out", str(request.page)]
    words += [] if request.title is None else ["--title", request.title]
    with working("writing the page"):
        write_page(request.page, sections, refused, title=title, boundary=options.boundary, command=shlex.join(words))
    tables.show(files=[("page", request.page)])
    say_refused(refused, len(images))
