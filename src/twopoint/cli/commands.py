"""The commands: what a person types, wired to what is done."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .. import __version__
from ..synthetic import circles
from .options import (
    Boundary,
    Crop,
    File,
    Force,
    Json,
    Labels,
    Loss,
    LossName,
    MaskOption,
    OpenBoundary,
    Out,
    Phases,
    Save,
    SearchBoundary,
    Seed,
    SpacingB,
    SpacingOption,
    Starts,
    Threshold,
    ThresholdB,
    Window,
    WindowB,
)
from .reading.load import Reading
from .reading.spacing import Spacing
from .terminal import clear_errors

_DEMO = Path("twopoint-demo.png")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> bool:
    """Print the version and leave, if wanted."""
    if wanted:
        typer.echo(f"twopoint {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    """2-point spatial statistics of microstructures."""


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option(help=f"Picture to write; {_DEMO}, which is overwritten, unless given.")] = None,
    size: Annotated[int, typer.Option(min=16, max=1024, help="Pixels along each side; the discs grow with it.")] = 224,
    seed: Seed = 0,
    starts: Starts = 1,
    labels_file: Labels = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Place five discs at random, forget them, and find them again from their 2-point statistics."""
    from .reconstruct import Search, Written, find, wanted_of

    with clear_errors():
        written = Written(_DEMO if out is None else out, labels_file, json_file)
        written.check([], force=force, own=out is None)
        labels = circles((size, size), radius=20.0 * size / 224, rng=np.random.default_rng(seed))
        find(wanted_of(labels, 2, "five circles", Spacing(), "periodic", starts), Search(LossName.cess, seed, starts), written)


@app.command()
def stats(
    file: File,
    out: Out = None,
    spacing: SpacingOption = None,
    boundary: OpenBoundary = Boundary.open,
    window: Window = None,
    threshold: Threshold = None,
    phases: Phases = None,
    mask: MaskOption = None,
    crop: Crop = None,
    save: Save = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Measure volume fractions, interface, correlation lengths and 2-point statistics of an image or a volume."""
    from .stats import Request, run

    with clear_errors():
        how = Reading(window, threshold, phases)
        run(Request(file, how, mask, spacing, boundary.value, crop, out, json_file, save, force))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="The reference: an image or a volume, as 'twopoint stats' reads it.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What is compared with it; its size may differ, and with --spacing-b its spacing.")],
    out: Out = None,
    spacing: SpacingOption = None,
    spacing_b: SpacingB = None,
    boundary: OpenBoundary = Boundary.open,
    window: Window = None,
    window_b: WindowB = None,
    threshold: Threshold = None,
    threshold_b: ThresholdB = None,
    phases: Phases = None,
    crop: Crop = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Say how far the 2-point statistics of two images or volumes are from each other.

    The relative error is the norm of their difference by that of A's statistics without their mean: 0 for equal statistics, about 1 for a
    random arrangement. Excess CESS is the cross-entropy of the statistics, eq. (8), less A's own, in nats; MSESS the mean over lags of
    their summed squared differences, eq. (7). Both are 0 for equal statistics.
    """
    from .compare import Request, run

    with clear_errors():
        other = Reading(window_b or window, threshold_b or threshold, phases, of_b=window_b is not None)
        how = Reading(window, threshold, phases), other
        run(Request((a, b), how, spacing, spacing_b, boundary.value, crop, out, json_file, force))


@app.command()
def reconstruct(
    file: File,
    out: Out = None,
    spacing: SpacingOption = None,
    boundary: SearchBoundary = None,
    window: Window = None,
    threshold: Threshold = None,
    phases: Phases = None,
    crop: Crop = None,
    loss: Loss = LossName.cess,
    seed: Seed = 0,
    starts: Starts = 1,
    labels_file: Labels = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Find a structure with the 2-point statistics of an image, a volume, or a .npz file of 'twopoint stats --save', from noise.

    The table has two columns. Soft: the result of gradient descent, where a pixel may be part one phase, part another. Thresholded: labels
    made of it in the wanted volume fractions, after pixels changed places; this is what --labels writes. The loss is excess CESS, the
    cross-entropy of the statistics above the target's own, or MSESS, their mean squared difference: 0 for equal statistics.
    """
    from .reading.names import parse_source
    from .reconstruct import Asked, Search, Written, run

    with clear_errors():
        picture = Path(f"{parse_source(file).output}-reconstruction.png") if out is None else out
        search = Search(loss, seed, starts)
        given = None if boundary is None else boundary.value
        asked = Asked(file, Reading(window, threshold, phases), given, spacing, crop)
        run(asked, search, Written(picture, labels_file, json_file), force=force)


@app.command()
def doctor(json_file: Json = None, force: Force = False) -> None:
    """Say what is installed and on which devices it runs, and test the library against known answers."""
    from .doctor import run

    with clear_errors():
        run(json_file, force=force)
