"""The commands on textures: ``embed``, a map of images, and ``synthesise``, a new image with the same texture."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twopoint.cli.options import Force, Phases
from twopoint.cli.reading.image import read
from twopoint.cli.reading.load import ReadingOptions, load
from twopoint.cli.showing.outputs import write_whole
from twopoint.cli.terminal import InputError, collecting, counting, say

from ..data.pieces import save_arrays
from ..images import open_images
from ..nets.names import LUBBERS, SARDESHMUKH
from .many import write_text
from .options import Files, Out, Seed, Vgg
from .runs import announce_vgg, model_errors, results_in

LAYERS = {"gatys": SARDESHMUKH, "lubbers": LUBBERS}  # conv1_1 and four poolings; conv1_1 to conv5_1
Device = Annotated[str | None, typer.Option(help="Device of torch, such as cuda. Default: the CPU.")]


def embed(
    images: Files,
    out: Out = Path("map"),
    kind: Annotated[
        str, typer.Option(metavar="cnn|spectrum", help="Describe a texture by filters of VGG-19, or by its power spectrum alone.")
    ] = "cnn",
    dimensions: Annotated[int, typer.Option(min=2, help="Number of dimensions of the second embedding, for further use.")] = 6,
    layers: Annotated[int, typer.Option(min=1, max=5, help="Number of layers of VGG-19; fewer are faster.")] = 5,
    vgg: Vgg = "",
    device: Device = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out files that cannot be read, with a note for each.")] = False,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Place images in the plane by the similarity of their textures: thumbnails.png, coordinates.csv, summary.json.

    Each folder is a class. Gray values are stretched to [0, 1]. Images of different sizes are cropped to the smallest square, in their
    middle. Constant images are left out, with a note.
    """
    with model_errors():
        if kind not in ("cnn", "spectrum"):
            raise InputError(f"--kind must be cnn or spectrum, got {kind}")
        settings = {"command": "model embed", "kind": kind, "vgg": vgg, "layers": layers, "seed": seed}
        with results_in(out, settings, "coordinates.csv", force=force):
            files, names = read_grays(open_images(images, gray=True, results=out), skip=skip)
            if kind == "cnn":
                announce_vgg(vgg)
            describe = descriptor(kind, vgg, layers=layers, device=device, seed=seed)
            places = place_textures(files, names, describe, dimensions=dimensions)
            write_map(out, places)
        typer.echo(tell_map(places) + f"\n{out / 'coordinates.csv'}, {out / 'thumbnails.png'}")


def tell_map(places: Any) -> str:
    """Return a line on a map: its stress and, with several classes, how often the nearest neighbour is of the same one."""
    told = "{images} images; stress of the plane {stress_of_plane:.3f}, of {dimensions} dimensions {stress:.3f}"
    accuracy = places.summary.get("accuracy")
    return told.format_map(places.summary) + ("" if accuracy is None else f"; nearest neighbour of the same folder {accuracy:.3f}")


def read_grays(source: Any, *, skip: bool = False) -> tuple[list[np.ndarray], list[str]]:
    """Return gray values of images and their names below the folder that holds all; with skip, files that cannot be read are left out."""
    images, texts = list[np.ndarray](), list[str]()
    with counting(f"reading {len(source)} images", "") as progress:
        for i, entry in enumerate(source.entries):
            try:
                with collecting():
                    images.append(read(entry.source).values if isinstance(entry.source, str) else entry.read(source.reading)[0])
                texts.append(entry.name)
            except InputError as error:
                if not skip:
                    raise
                say("note: left out,", str(error))
            progress(i + 1, len(source))
    parts = [Path(text).parts for text in texts]
    shared = 0
    while parts and all(len(each) > shared + 1 and each[shared] == parts[0][shared] for each in parts):
        shared += 1
    return images, [Path(*each[shared:]).as_posix() for each in parts]


def place_textures(images: list[np.ndarray], names: list[str], describe: Any, *, dimensions: int = 6) -> Any:
    """Return the places of images, as :func:`twopoint_models.manifold.embed_micrographs`, and say what was cropped or left out."""
    from ..manifold import embed_micrographs

    with counting(f"{len(images)} images", "") as progress:
        places = embed_micrographs(images, names, describe, dimensions=dimensions, progress=progress)
    for remark in places.summary["remarks"]:
        say("note:", remark)
    return places


def descriptor(kind: str, vgg: str, *, layers: int = 5, device: str | None = None, seed: int = 0) -> Any:
    """Return the description of a texture, by filters of VGG-19 ("cnn") or by another kind."""
    from ..manifold import Descriptor
    from ..weights import vgg19

    network = vgg19(vgg or None, seed=seed, layers=LUBBERS[:layers], pooling="mean") if kind == "cnn" else None
    return Descriptor(kind, network, device=device)


def write_map(out: Path, places: Any) -> None:
    """Write coordinates, the map and the summary."""
    from twopoint.cli.showing.figures import save

    from ..manifold.pictures import thumbnail_map

    classes = places.classes if "accuracy" in places.summary else ()
    write_whole(out / "thumbnails.png", partial(save, thumbnail_map(places.plane, list(places.images), names=classes)))
    write_text(out / "summary.json", json.dumps(places.summary, indent=2) + "\n")
    write_text(out / "coordinates.csv", places.table())


def synthesise(
    images: Files,
    out: Out = Path("textures"),
    phases: Phases = None,
    size: Annotated[int, typer.Option(min=16, help="Edge in pixels of the part that is taken from the upper left of the image.")] = 256,
    iterations: Annotated[int, typer.Option(min=1, help="Iterations at each level.")] = 500,
    levels: Annotated[int, typer.Option(min=1, max=6, help="Number of sizes, from coarse to fine, each half of the next.")] = 3,
    layers: Annotated[str, typer.Option(metavar="gatys|lubbers", help="Layers of VGG-19, as Gatys et al. or Lubbers et al.")] = "gatys",
    padding: Annotated[str, typer.Option(metavar="zeros|circular", help="Padding; circular makes a texture that can be tiled.")] = "zeros",
    vgg: Vgg = "",
    device: Device = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Make new images with the texture of given ones, after Gatys et al.: textures.png, a .npz file of each, summary.json.

    Without --phases, the images are gray. The summary has the factor by which the loss fell and the relative error of the 2-point
    statistics of the texture and of the initial noise; for phases also the excess CESS in nats.
    """
    with model_errors():
        if layers not in LAYERS or padding not in ("zeros", "circular"):
            raise InputError(f"--layers must be gatys or lubbers, --padding zeros or circular, got {layers} and {padding}")
        settings = {"command": "model synthesise", "phases": phases, "size": size, "iterations": iterations, "levels": levels}
        settings |= {"layers": layers, "padding": padding, "vgg": vgg, "seed": seed}
        with results_in(out, settings, "summary.json", force=force):
            source = open_images(images, phases=phases, gray=phases is None, results=out)
            given = {entry.output: texture_of(entry.name, phases, size) for entry in source.entries}
            announce_vgg(vgg)
            how = {"iterations": iterations, "levels": levels, "seed": seed, "device": device}
            told = write_syntheses(out, given, vgg, layers, padding, how)
        typer.echo("\n".join(told) + f"\n{out / 'textures.png'}")


def texture_of(name: str, phases: int | None, size: int) -> np.ndarray:
    """Return gray values from 0 to 1, (H, W), or memberships of phases, (N, H, W), of the upper left part of an image."""
    import twopoint as tp

    if phases:
        labels = load(name, ReadingOptions(phases=phases), spaced=True).segmentation.labels[..., :size, :size]
        return tp.one_hot(labels, phases, ndim=labels.ndim, dtype=np.float32)
    values = read(name).values[..., :size, :size].astype(np.float32)
    return (values - values.min()) / (np.ptp(values) or 1)


def write_syntheses(out: Path, given: dict[str, np.ndarray], vgg: str, layers: str, padding: str, how: dict[str, Any]) -> list[str]:
    """Synthesise each texture, write it, the picture and the summary, and return a line on each."""
    from twopoint.cli.showing.figures import save

    from ..manifold import judge, synthesise
    from ..manifold.pictures import syntheses
    from ..weights import vgg19

    network = vgg19(vgg or None, seed=how["seed"], layers=LAYERS[layers], pooling="mean", padding=padding)
    rows, summary, lines = dict[str, Any](), dict[str, Any](), list[str]()
    for title, image in given.items():
        with counting(title) as progress:
            made = synthesise(image, network, progress=progress, **how)
        write_whole(out / f"{title}.npz", partial(save_arrays, arrays={"image": made.image, "history": made.history}))
        rows[title], summary[title] = (image, made.image, made.history), judge(made, image, seed=how["seed"])
        kinds = [row for row in ("texture", "labels", "noise") if row in summary[title]]
        errors = ", ".join(f"{row} {summary[title][row]['statistics_error']:.3f}" for row in kinds)
        lines.append(f"{title}: the loss fell by {summary[title]['fall']:.3g}; error of the 2-point statistics: {errors}")
    write_whole(out / "textures.png", partial(save, syntheses(rows)))
    write_text(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    return lines
