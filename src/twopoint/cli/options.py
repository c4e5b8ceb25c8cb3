"""The options of the commands, each described once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Boundary(StrEnum):
    """Whether lags wrap around."""

    open = "open"
    periodic = "periodic"


class LossName(StrEnum):
    """The losses that a reconstruction can minimise."""

    cess = "cess"
    msess = "msess"


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="PNG, JPEG, TIFF or another image; a TIFF stack, .npy or HDF5 'file.h5:path'. 'FILE[3]' takes one of a stack (quote it). "
        "Up to 8 distinct values are labels of phases; more are gray values.",
    ),
]
Out = Annotated[Path | None, typer.Option(help="Picture (.png) to write; a name made of FILE's, here, unless given.")]
Window = Annotated[
    str | None,
    typer.Option(
        help="Part of the image in pixels: 128 for the first 128 along each axis, or ranges, rows first: 0:128,64:192, or :400,: for all "
        "columns of the first 400 rows."
    ),
]
WindowB = Annotated[str | None, typer.Option(help="Part of B, where it differs from A's; : is all of it.")]
Threshold = Annotated[str | None, typer.Option(help="Gray values that separate phases, as 90 or 90,170; Otsu's method chooses otherwise.")]
ThresholdB = Annotated[str | None, typer.Option(help="Of B, where it differs from A's.")]
Phases = Annotated[
    int | None, typer.Option(min=2, max=8, help="Number of phases that Otsu's method cuts gray values into; 2 unless given.")
]
SpacingOption = Annotated[
    str | None, typer.Option("--spacing", help="Distance of neighbouring pixels, with its unit: 0.65um, or one an axis, 1um,0.65um,0.65um.")
]
SpacingB = Annotated[
    str | None, typer.Option(help="Spacing of B, where it differs from A's; the finer image is then sampled at the coarser's points.")
]
OpenBoundary = Annotated[
    Boundary, typer.Option("--boundary", help="open: a micrograph ends at its edges; periodic: it repeats, as a simulated cell does.")
]
SearchBoundary = Annotated[
    Boundary | None,
    typer.Option(
        "--boundary",
        help="periodic unless given: what is found has no edge, can be tiled, and takes a fraction of the time; open: statistics of "
        "the pairs inside the image alone, lags up to half of it unless --crop says otherwise; all of them determine the image.",
    ),
]
Crop = Annotated[int | None, typer.Option(help="Lags kept along each axis, centred: 101 keeps -50 to 50. As many as pixels unless given.")]
MaskOption = Annotated[str | None, typer.Option("--mask", help="Image of the same size; points where it is 0 do not count.")]
Loss = Annotated[LossName, typer.Option(help="Loss on the statistics: cess, their cross-entropy, or msess, their mean squared difference.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this .json file too; - prints them instead of the table.")]
Save = Annotated[Path | None, typer.Option("--save", help="Write the statistics to this .npz file, for 'twopoint reconstruct' and Python.")]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="Write the reconstruction too: labels 0, 1, ... to .npy or .tif, or spread over gray 0-255 to .png."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63, help="Of the noise that the search starts from.")]
Starts = Annotated[int, typer.Option(min=1, help="Searches from different noise; the best is kept.")]
