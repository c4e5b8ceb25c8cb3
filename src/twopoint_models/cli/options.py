"""The options of ``twopoint model``, each described once, and arguments in which several numbers follow an option."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

_NUMBER = re.compile(r"([A-Za-z_]+=)?[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?([A-Za-zµ%/()*^0-9]*)(:[+-]?[0-9.eE+-]+[A-Za-z]*)?")

Run = Annotated[str, typer.Argument(metavar="RUN", help="A folder of a trained network, or the name of one of 'twopoint model list'.")]
Files = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGES...",
        help="Images as 'twopoint stats' reads them: files, folders, patterns such as '*.png', or HDF5 files in MICRO2D's layout. Gray "
        "values are cut into phases by Otsu's method for networks of phases.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder to write. A call that was stopped is resumed.")]
Tile = Annotated[
    int | None,
    typer.Option(
        min=1, help="Cut images into tiles with this number of pixels per edge. Default: whole images, or tiles of the network's own size."
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Number of processes. Default: one per core, for many images.")]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a scheduler of dask.distributed, such as tcp://host:8786, whose workers do the work in place of --jobs."),
]
Skip = Annotated[bool, typer.Option("--skip", help="Leave out images that cannot be used, and list them in summary.json.")]
Vgg = Annotated[
    str,
    typer.Option(help="File of VGG-19's weights, or 'random' for random filters. Default: the file in the cache, fetched once (80 MB)."),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31, help="Seed of everything random.")]
Young = Annotated[
    str | None, typer.Option(metavar="E0 E1 ...", help="Young's modulus of each phase, from dark to bright, with a unit: 10GPa 1GPa.")
]
Poisson = Annotated[str | None, typer.Option(metavar="NU0 NU1 ...", help="Poisson's ratio of each phase, without a unit: 0.3 0.3.")]
Conductivity = Annotated[
    str | None, typer.Option(metavar="K0 K1 ...", help="Conductivity of each phase, with a unit, 1W/mK 100W/mK, or without: 1 100.")
]
Plane = Annotated[str, typer.Option(metavar="strain|stress", help="Plane strain, in which E is that of the plane, or plane stress.")]
Tolerance = Annotated[float, typer.Option(help="Relative tolerance of the tensors' diagonal entries.")]


class Several(TyperCommand):
    """A command in which ``--young 10GPa 1GPa`` and ``--target E_x=4GPa k_x=3`` hold all numbers that follow."""

    several: Sequence[str] = ("--young", "--poisson", "--conductivity", "--target", "--width", "--fractions")

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Join the numbers that follow an option by commas."""
        joined: list[str] = []
        i = 0
        while i < len(args):
            joined.append(args[i])
            i += 1
            if joined[-1] in self.several:
                begin = i
                while i < len(args) and _NUMBER.fullmatch(args[i]) and not (i > begin and Path(args[i]).exists()):
                    i += 1
                if i > begin:
                    joined.append(",".join(args[begin:i]))
        return super().parse_args(ctx, joined)
