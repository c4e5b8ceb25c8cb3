"""The options of the commands, each described once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Boundary(StrEnum):
    """Whether lags wrap around."""

    open = "open"
    periodic = "periodic"


class Distance(StrEnum):
    """The measures by which many images are ordered."""

    cess = "cess"
    cumulative = "cumulative"
    error = "error"


class LossName(StrEnum):
    """The losses that a reconstruction can minimise."""

    cess = "cess"
    msess = "msess"


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="PNG, JPEG, TIFF or another image; a TIFF stack, 'file.tif:1' for its second series; .npy, .npz, .csv; HDF5 'file.h5:path'. "
        "'FILE[3]' takes one image of a stack (in quotes). "
        "Up to 8 distinct values are labels of phases, unless they cluster around fewer values; more are gray values.",
    ),
]
Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES...",
        help="PNG, JPEG, TIFF or another image; a TIFF stack, 'file.tif:1' for its second series; .npy, .npz, .csv; HDF5 'file.h5:path'. "
        "'FILE[3]' takes one image of a stack (in quotes). A folder stands for all images in it, a pattern such as '*.png' for all that "
        "match. Up to 8 distinct values are labels of phases, unless they cluster around fewer values; more are gray values.",
    ),
]
FilesToCompare = Annotated[
    list[str],
    typer.Argument(
        metavar="A B...",
        help="Images or volumes, as 'twopoint stats' reads them. With two, A is the reference; B may differ in size, and with --spacing-b "
        "in spacing. A folder stands for all images in it, a pattern such as '*.png' for all that match.",
    ),
]
By = Annotated[
    Distance,
    typer.Option(
        help="Distance by which many images are ordered: the square root of the cumulative excess CESS, which fluctuates least among "
        "images of one material, the square root of the excess CESS, or the relative error."
    ),
]
Out = Annotated[Path | None, typer.Option(help="Picture (.png) to write. Default: a name derived from FILE, in the current folder.")]
OutOrFolder = Annotated[
    Path | None,
    typer.Option(
        help="Picture (.png) to write; for several images, the folder of results. Default: a name derived from FILE, or a new folder, in "
        "the current folder."
    ),
]
Pictures = Annotated[bool, typer.Option("--pictures/--no-pictures", help="Whether to draw a picture of each image.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Number of processes for several images. Default: one per core.")]
Window = Annotated[
    str | None,
    typer.Option(
        help="Part of the image in pixels: 128 for the first 128 along each axis, or ranges, rows first: 0:128,64:192, or :400,: for all "
        "columns of the first 400 rows."
    ),
]
WindowB = Annotated[str | None, typer.Option(help="Part of B, if it differs from A's; : is all of it.")]
Threshold = Annotated[str | None, typer.Option(help="Gray values that separate phases, such as 90 or 90,170. Default: Otsu's method.")]
ThresholdB = Annotated[str | None, typer.Option(help="Threshold of B, if it differs from A's.")]
Phases = Annotated[
    int | None,
    typer.Option(
        min=2,
        max=8,
        help="Number of phases into which Otsu's method cuts gray values, or of the values that are labels. Default: 2 for gray values.",
    ),
]
SpacingOption = Annotated[
    str | None,
    typer.Option(
        "--spacing",
        help="Distance between neighbouring pixels, with its unit: 0.65um, or one per axis, 1um,0.65um,0.65um; "
        "file: the spacing stored in the file.",
    ),
]
SpacingB = Annotated[
    str | None,
    typer.Option(help="Spacing of B, if it differs from A's, or 'file'; the finer image is then sampled at the points of the coarser one."),
]
OpenBoundary = Annotated[
    Boundary,
    typer.Option("--boundary", help="open: the image ends at its edges, like a micrograph; periodic: it repeats, like a simulated cell."),
]
SearchBoundary = Annotated[
    Boundary | None,
    typer.Option(
        "--boundary",
        help="periodic (default): the result has no edge, can be tiled, and takes a fraction of the time; open: only pairs of points "
        "inside the image are used, with lags up to half of it unless --crop is set; all lags determine the image.",
    ),
]
Crop = Annotated[
    int | None, typer.Option(help="Number of lags along each axis, centred: 101 keeps -50 to 50. Default: as many as there are pixels.")
]
MaskOption = Annotated[str | None, typer.Option("--mask", help="Image of the same size; points where it is 0 are left out.")]
Loss = Annotated[LossName, typer.Option(help="Loss on the statistics: cess, their cross-entropy, or msess, their mean squared difference.")]
Cumulative = Annotated[
    bool,
    typer.Option(
        "--cumulative",
        help="Use cumulative statistics, the means over the lags from 0 to each lag: such losses grow with the distance between features.",
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="Also write all numbers to this .json file; - prints them instead of the table.")
]
DescriptorNames = Annotated[
    str | None,
    typer.Option(
        "--descriptors",
        help="Also measure descriptors beyond two points: all, or some of lineal_path, chord_lengths, cluster_correlation, three_point, "
        "euler_number, separated by commas.",
    ),
]
DescriptorsCsv = Annotated[Path | None, typer.Option("--csv", help="Write the numbers and curves of --descriptors to this .csv file.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the numbers to this .json file; - prints them instead of the table.")]
Save = Annotated[Path | None, typer.Option("--save", help="Write the statistics to this .npz file, for 'twopoint reconstruct' and Python.")]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="Also write the reconstruction: labels 0, 1, ... to .npy or .tif, or spread over gray 0-255 to .png."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63, help="Seed of the initial noise.")]
Starts = Annotated[int, typer.Option(min=1, help="Number of searches from different noise; the best one is kept.")]
