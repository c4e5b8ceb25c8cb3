"""The command ``demo``: five discs are reconstructed from their statistics."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ..synthetic import circles
from .options import Force, Json, Labels, LossName, Seed, Starts
from .reading.spacing import Spacing
from .reconstruct import OutputPaths, SearchOptions, reconstruct_target, target_of_labels
from .terminal import clear_errors

_PICTURE = Path("twopoint-demo.png")


def command(
    out: Annotated[Path | None, typer.Option(help=f"Picture to write. Default: {_PICTURE}, which is overwritten.")] = None,
    size: Annotated[int, typer.Option(min=16, max=1024, help="Number of pixels along each side; the discs are scaled with it.")] = 224,
    seed: Seed = 0,
    starts: Starts = 1,
    labels_file: Labels = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Place five discs at random, and reconstruct them from their 2-point statistics."""
    with clear_errors():
        paths = OutputPaths(_PICTURE if out is None else out, labels_file, json_file)
        paths.check([], force=force, overwrite_picture=out is None)
        labels = circles((size, size), radius=20.0 * size / 224, rng=np.random.default_rng(seed))
        target = target_of_labels(labels, 2, "five circles", Spacing(), "periodic", starts)
        reconstruct_target(target, SearchOptions(LossName.cess, seed, starts), paths)
