"""The command ``design``: microstructures with target properties."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twopoint.cli.options import Force, Phases, Threshold, Window
from twopoint.cli.showing.outputs import write_whole
from twopoint.cli.terminal import InputError, counting, say

from ..data.patches import SlidingWindows
from ..data.pieces import load_arrays, save_arrays
from ..images import open_images
from ..pretrained.loading import folder_of
from .latents import trained_size
from .many import write_text
from .options import Conductivity, Out, Plane, Poisson, Run, Seed, Young
from .quantities import OF_PROPERTY, targets_in
from .runs import digest, load_run, model_errors, results_in
from .training import EXAMPLES, fitting_size, materials_of, read_all

Target = Annotated[
    str,
    typer.Option(
        "--target",
        metavar="NAME=VALUE ...",
        help="Target properties: a value, E_x=4.2GPa, or an interval, k_x=3:4; several are separated by "
        "blanks. Names: E_x, E_y, G_xy, nu_xy, nu_yx, k_x, k_y.",
    ),
]
Begun = Annotated[
    list[str] | None,
    typer.Option(
        "--images",
        help="Images from which the designs start and which they resemble; may be repeated. Default: patches of the training of RUN, or "
        "generated images.",
    ),
]
Fractions = Annotated[
    tuple[float, float], typer.Option("--volume-fraction", metavar="LEAST LARGEST", help="Bounds of the volume fraction of phase 1.")
]
Edge = Annotated[
    int | None, typer.Option("--size", min=16, help="Edge of a design in pixels, divisible by 16. Default: that of the training.")
]
DECODER = "cess-vae-224-ours"  # a published network that decodes designs
_MISSED = 0.01  # error over the reachable range above which a design is said to miss


@dataclass(frozen=True)
class Ways:
    """How a search goes: designs, descents, steps of each, images at random."""

    count: int = 4
    starts: int = 8
    steps: int = 60
    images: int = 200
    seed: int = 0


def design(
    run: Run,
    target: Target,
    images: Begun = None,
    young: Young = None,
    poisson: Poisson = None,
    conductivity: Conductivity = None,
    plane: Plane = "strain",
    volume_fractions: Fractions = (0.0, 1.0),
    count: Annotated[int, typer.Option("--count", min=1, help="Number of designs, which differ from each other.")] = 4,
    starts: Annotated[int, typer.Option(min=1, help="Number of descents.")] = 8,
    steps: Annotated[int, typer.Option(min=0, help="Steps of each descent.")] = 60,
    out: Out = Path("designs"),
    size: Edge = None,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Search microstructures of two phases with target properties, by descent through a CESS VAE and homogenisation.

    Writes designs.png, a picture of each, designs.csv and designs.npz. Properties are computed by homogenisation of the thresholded design,
    as a periodic cell. The error is the distance from the target, divided by the range that these phases can reach. By default the
    materials are those of RUN; if RUN has none, they are 10 GPa and 1 GPa, Poisson's ratio 0.3, and conductivities 10 and 1.
    """
    with model_errors():
        network = load_run(run, ("CESSVAE", "PropertyMLP"))
        encoder = getattr(network, "encoder", None) if hasattr(network, "about") else network
        if encoder is None or not hasattr(encoder, "decode") or encoder.config["phases"] != 2:
            raise InputError(f"{run} must hold a CESS VAE for two phases, from which designs are decoded, such as {DECODER}")
        materials, units = _materials(network, young, poisson, conductivity, plane)
        targets = {each.name: each.value for each in targets_in(target, units)}
        settings = {"command": "model design", "network": digest(run), "target": target, "seed": seed, "count": count}
        with results_in(out, settings, "designs.npz", force=force):
            source = open_images(images, phases=phases, threshold=threshold, window=window, results=out) if images else None
            ways = Ways(count, max(starts, count), steps, seed=seed)
            begun = starting_images(run, network, source, size, ways)
            with counting("descending", "") as progress:
                found = find_designs(encoder, begun, targets, materials, volume_fractions, ways, progress)
            lines = write_designs(out, found, begun, units)
            if len(found.microstructures) < count:
                lines.append(f"{len(found.microstructures)} of {count} designs, for the others hardly differ; more --starts find more")
        typer.echo("\n".join(lines) + f"\n{out / 'designs.csv'}, {out / 'designs.png'}")


def _materials(network: Any, young: str | None, poisson: str | None, conductivity: str | None, plane: str) -> tuple[Any, dict[str, str]]:
    """Return materials and units: those of the options, of the predictor, or the usual ones."""
    if hasattr(network, "about") and young is None and poisson is None and conductivity is None:
        return network.materials, dict(network.about["units"])
    return materials_of(young or "10GPa,1GPa", poisson or "0.3,0.3", conductivity or "10,1", plane)


def starting_images(run: str, network: Any, source: Any, size: int | None, ways: Ways) -> np.ndarray:
    """Return images (n, 1, H, H) of 0 and 1: tiles of the user's, patches of the training, or generated ones."""
    usual = network.size if hasattr(network, "about") else trained_size(run)
    kept = folder_of(run) / EXAMPLES
    if source is not None:
        read = read_all(source)
        if read.phases != 2:
            raise InputError(f"images must have two phases, got {read.phases}; --phases 2 cuts them")
        windows = SlidingWindows(read.images, fitting_size(read, size, usual, 16))
        order = np.random.default_rng(ways.seed).permutation(len(windows))[: ways.images]
        found = np.stack([windows[int(i)]["image"] for i in order])
    elif kept.is_file() and size in (None, usual):
        found = load_arrays(kept)["images"]
    else:
        from ..data import generate_images

        say(f"note: designs begin from {ways.images} generated images; --images takes those of your material")
        found = generate_images(ways.images, size or usual, seed=ways.seed)[:, 0]
    return found.astype(np.float32)[:, None]


def find_designs(
    encoder: Any,
    images: np.ndarray,
    targets: Mapping[str, Any],
    materials: Any,
    volume_fractions: tuple[float, float],
    ways: Ways,
    progress: Callable[[int, int], object] | None = None,
) -> Any:
    """Return designs of a CESS VAE that begin from images (n, 1, H, W), as :func:`twopoint_models.design.design`."""
    import torch

    from ..design import design as search

    latents = torch.from_numpy(encoder.encode(images[:, 0])[0])
    how: dict[str, Any] = dict(count=ways.count, starts=ways.starts, steps=ways.steps, volume_fractions=volume_fractions)
    return search(encoder.decode, latents, images, targets, materials=materials, progress=progress, **how)


def write_designs(out: Path, found: Any, images: np.ndarray, units: Mapping[str, str]) -> list[str]:
    """Write designs as pictures, labels and a table, and return a line on each."""
    from twopoint.cli.showing.figures import save

    from ..evaluation.figures import gallery

    named = {name: units.get(OF_PROPERTY.get(name, ""), "") for name in found.properties}
    table = found.properties | {"volume_fraction": found.volume_fractions, "error": found.errors}
    rows = [{name: float(values[i]) for name, values in table.items()} for i in range(len(found.microstructures))]
    lines = [
        f"{i + 1}: " + ", ".join(f"{name} {value:.4g} {named.get(name, '')}".rstrip() for name, value in row.items())
        for i, row in enumerate(rows)
    ]
    pictures = {"design": found.microstructures, "began from": images[found.starts, 0]}
    titles = [line.partition(", volume_fraction")[0] for line in lines]
    figure = gallery({row: {title: [x[i]] for i, title in enumerate(titles)} for row, x in pictures.items()}, width=2.4)
    write_whole(out / "designs.png", partial(save, figure))
    for i, labels in enumerate(found.microstructures):
        write_whole(out / f"design-{i + 1}.png", partial(_write_png, labels))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["design", *(f"{name} [{named[name]}]" if named.get(name) else name for name in table)])
    writer.writerows([i + 1, *(f"{value:.7g}" for value in row.values())] for i, row in enumerate(rows))
    write_text(out / "designs.csv", text.getvalue())
    write_whole(out / "designs.npz", lambda part: save_arrays(part, {"designs": found.microstructures.astype(np.uint8)}))
    if float(np.min(found.errors)) > _MISSED:
        lines.append("no design reaches the targets; more --starts and --steps, or other --images, may find one, if there is one")
    return lines


def _write_png(labels: np.ndarray, part: Path) -> None:
    """Write labels as a black and white picture, which reads back as the same labels."""
    from PIL import Image

    Image.fromarray((255 * labels).astype(np.uint8)).save(part, format="PNG")
