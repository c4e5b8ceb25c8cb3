"""The commands between images and latents: ``encode``, ``decode``, ``sample``, ``interpolate``."""

import csv
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twopoint.cli.options import Force, Phases, Threshold, Window
from twopoint.cli.showing.outputs import write_whole
from twopoint.cli.terminal import InputError, counting, working

from ..data.pieces import load_arrays, save_arrays
from ..images import open_images
from ..nets.names import WEIGHTS
from ..pretrained.loading import folder_of, names
from .many import NAMES, Arrays, How, Tiles, finish, joined, one_shape, over_images, write_csv, write_npz, write_summary
from .options import Files, Jobs, Out, Run, Scheduler, Seed, Skip, Tile, Vgg
from .runs import VAES, digest, load_run, model_errors, results_in

LATENTS, NPZ = "latents.csv", "latents.npz"
LARGEST = 64  # images in a picture
_SHAPES = "--tile N cuts all into tiles of one size, a multiple of 16"


def encode(
    run: Run,
    images: Files,
    out: Out = Path("latents"),
    tile: Tile = None,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    vgg: Vgg = "",
    skip: Skip = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Force = False,
) -> None:
    """Write the latents of images: latents.csv, a row for each image or tile, and latents.npz with mean and log_variance.

    A CESS VAE takes images of any size. Heights and widths that are not multiples of 16 are continued periodically.
    """
    with model_errors():
        network = load_run(run, VAES, vgg)
        tile = own_tile(network, tile)
        settings = {"command": "model encode", "network": digest(run), "tile": tile, "threshold": threshold}
        settings |= {"phases": phases, "window": window, "vgg": vgg}
        with results_in(out, settings, LATENTS, force=force) as folder:
            source = open_images(images, phases=phases, threshold=threshold, window=window, gray=is_gray(network), results=out)
            how = How(tile, skip, jobs, scheduler)
            what, alike = f"encoding {len(source)} images", ("mean", _SHAPES)
            paths = over_images(folder, source, partial(_encoded, absolute(run), vgg), how, what, alike)
            shape = one_shape(paths, *alike)
            write_npz(out / NPZ, paths, ("mean", "log_variance", NAMES))
            head = ["file", "row", "column", *(f"z{i}" for i in range(math.prod(shape)))]
            write_csv(out / LATENTS, head, _rows(paths))
            told = {"network": run, "latents": list(shape), "rows": sum(len(each) for each in joined(paths, NAMES))}
            write_summary(folder, paths, told)
            finish(folder)
        typer.echo(f"{told['rows']} rows of {math.prod(shape)} latents: {out / LATENTS}, {out / NPZ}")


def absolute(run: str) -> str:
    """Return RUN as workers elsewhere find it: a name as it is, a folder by its whole path."""
    return run if run in names() else str(Path(run).resolve())


def is_gray(network: Any) -> bool:
    """Tell whether a network takes gray values instead of phases."""
    return not hasattr(network, "channels")


def own_tile(network: Any, tile: int | None) -> int | None:
    """Return the size of tiles: that of a network of one size, otherwise the requested one."""
    size = getattr(network, "size", None)
    if size is not None and tile not in (None, size):
        raise InputError(f"--tile must be {size}, the size of this network's images, got {tile}")
    return size if size is not None else tile


def loaded_in_process(run: str, vgg: str = "") -> Any:
    """Return the network of RUN, which each process loads once, and again if its file changes."""
    folder = folder_of(run).resolve()
    return _loaded(run, str(folder), (folder / WEIGHTS).stat().st_mtime_ns, vgg)


@lru_cache(maxsize=2)
def _loaded(run: str, folder: str, changed: int, vgg: str) -> Any:
    """Return a network; folder and time of change are the key of the cache."""
    return load_run(run, (*VAES, "PropertyMLP"), vgg)


def arrays_of(network: Any, tiles: Sequence[Tiles]) -> list[np.ndarray]:
    """Return tiles as the network takes them: (H, W), or memberships (N, H, W) for more than two phases; refuse other numbers of phases."""
    if is_gray(network):
        return [each.values for each in tiles]
    n = network.config["phases"]
    for each in tiles:
        if each.phases > n or int(each.values.max()) >= n:
            raise InputError(f"{each.name} has {each.phases} phases, the network {n}; --phases {n} cuts gray values into {n}")
    if n == 2:
        return [each.values for each in tiles]
    return [(each.values == np.arange(n)[:, None, None]).astype(np.float32) for each in tiles]


def by_size(arrays: Sequence[np.ndarray]) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield the indices and a stack of arrays of each size."""
    sizes: dict[tuple[int, ...], list[int]] = {}
    for i, each in enumerate(arrays):
        sizes.setdefault(each.shape, []).append(i)
    for indices in sizes.values():
        yield indices, np.stack([arrays[i] for i in indices])


def encode_stack(network: Any, stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and log-variance of images of one size; a CESS VAE continues them periodically."""
    return network.encode(stack) if is_gray(network) else network.encode(stack, pad=True)


def _encoded(run: str, vgg: str, tiles: list[Tiles]) -> Arrays:
    """Return the latents of tiles, which must be of one size."""
    network = loaded_in_process(run, vgg)
    stacks = list(by_size(arrays_of(network, tiles)))
    if len(stacks) > 1:
        first, other = (tiles[indices[0]] for indices, _ in stacks[:2])
        sizes = [" x ".join(map(str, each.values.shape)) for each in (first, other)]
        fits = min(min(each.values.shape) for each in tiles) // 16 * 16
        advice = f"--tile {min(fits, trained_size(run))} cuts all into tiles of one size" if fits else _SHAPES
        raise InputError(f"images must have one size, {first.name} is {sizes[0]} px, {other.name} {sizes[1]} px; {advice}")
    mean, log_variance = encode_stack(network, stacks[0][1])
    return {"mean": mean, "log_variance": log_variance}


def _rows(paths: Sequence[Path]) -> Iterator[Sequence[object]]:
    """Yield the rows of latents.csv."""
    for places, mean in zip(joined(paths, NAMES), joined(paths, "mean"), strict=True):
        for (name, row, column), values in zip(places.tolist(), mean.reshape(len(mean), -1).tolist(), strict=True):
            yield [name, row, column, *values]


def decode(
    run: Run,
    latents: Annotated[Path, typer.Argument(metavar="LATENTS", help="latents.npz or latents.csv of 'twopoint model encode'.")],
    out: Out = Path("decoded"),
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Turn latents into images: decoded.png with the first 64, and images.npz with all, memberships of phases or gray values."""
    with model_errors():
        network = load_run(run, VAES, "random")
        settings = {"command": "model decode", "network": digest(run), "seed": seed, "latents": str(latents)}
        with results_in(out, settings, "images.npz", force=force):
            found, names = read_latents(latents, network)
            with working(f"decoding {len(found)} latents"):
                made = network.decode(found) if is_gray(network) else network.decode(found, seed=seed)
            write_images(out, "decoded.png", made, names)
        typer.echo(f"{len(made)} images: {out / 'decoded.png'}, {out / 'images.npz'}")


def read_latents(path: Path, network: Any) -> tuple[np.ndarray, list[str]]:
    """Return latents as the network takes them, and the names of their rows."""
    if not path.is_file():
        raise InputError(f"{path} cannot be read: No such file or directory")
    if path.suffix == ".npz":
        arrays = load_arrays(path)
        if "mean" not in arrays:
            raise InputError(f"{path} must hold an array 'mean', as latents.npz of 'twopoint model encode' does")
        values, names = arrays["mean"], [row[0] for row in arrays[NAMES].tolist()] if NAMES in arrays else []
    elif path.suffix == ".csv":
        values, names = _read_csv(path)
    else:
        raise InputError(f"{path} must end in .npz or .csv")
    flat = values.reshape(len(values), -1)
    if not is_gray(network):
        c = network.latent_channels
        edge = round(math.sqrt(flat.shape[1] / c))
        if values.ndim < 4 and c * edge**2 != flat.shape[1]:
            raise InputError(f"{path} has {flat.shape[1]} numbers per row, no square latent image of {c} channels; use latents.npz")
        values = values if values.ndim == 4 else flat.reshape(-1, c, edge, edge)
    elif flat.shape[1] != network.latents:
        raise InputError(f"{path} has {flat.shape[1]} numbers per row, this network {network.latents} latents")
    return np.asarray(values, dtype=np.float32), names or [str(i) for i in range(len(values))]


def _read_csv(path: Path) -> tuple[np.ndarray, list[str]]:
    """Return the numbers z0, z1, ... of a table, and the names of its rows."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in (rows[0] if rows else {}) if name and name[0] == "z" and name[1:].isdigit()]
    try:
        values = np.array([[float(row[name]) for name in columns] for row in rows])
    except (TypeError, ValueError):
        raise InputError(f"{path} must hold numbers in its columns z0, z1, ...") from None
    if not values.size or not np.isfinite(values).all():
        raise InputError(f"{path} must have rows of finite numbers in columns z0, z1, ..., as latents.csv of 'twopoint model encode'")
    return values, [row.get("file") or str(i) for i, row in enumerate(rows)]


def write_images(out: Path, picture: str, images: np.ndarray, names: Sequence[str]) -> None:
    """Write images (n, H, W), or (n, N, H, W), as images.npz, and a picture of the first."""
    write_whole(out / "images.npz", lambda part: save_arrays(part, {"images": images, NAMES: np.array(list(names), dtype=str)}))
    draw_images(out / picture, images[:LARGEST], names[:LARGEST])


def flat_of(image: np.ndarray) -> np.ndarray:
    """Return an image to look at, (H, W): memberships of N phases become the mean label over N - 1."""
    return image if image.ndim == 2 else np.tensordot(np.arange(len(image)) / (len(image) - 1), image, 1)


def draw_images(path: Path, images: np.ndarray, names: Sequence[str]) -> None:
    """Draw images in rows of eight; phase 1 is dark."""
    with working("drawing"):
        from twopoint.cli.showing.figures import save

        from ..evaluation.figures import grid

        write_whole(path, partial(save, grid([flat_of(each) for each in images], list(names))))


def sample(
    run: Run,
    out: Out = Path("samples"),
    count: Annotated[int, typer.Option("--count", min=1, help="Number of images.")] = 16,
    size: Annotated[
        int | None,
        typer.Option("--size", min=16, help="Height and width in pixels, divisible by 16. Default: that of the training, or 224."),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            "--prior",
            metavar="fitted|normal",
            help="Distribution of the latents of a CESS VAE: fitted to those of training images, or standard normal. "
            "Default: fitted, if RUN has it.",
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write images of latents drawn from the prior: samples.png, and images.npz with all.

    The samples look like the training images if the prior describes the latents of these. A small weight of the divergence in training
    makes the latents wider or narrower than a standard normal distribution. The fitted prior takes this into account.
    """
    with model_errors():
        network = load_run(run, VAES, "random")
        settings = {"command": "model sample", "network": digest(run), "seed": seed, "prior": prior}
        with results_in(out, settings, "images.npz", force=force):
            with working(f"decoding {count} samples"):
                import torch

                with torch.inference_mode():
                    if is_gray(network):
                        if size not in (None, network.size) or prior == "fitted":
                            raise InputError(
                                f"--size must be {network.size}, of this network's images, --prior normal; got {size}, {prior}"
                            )
                        made = network.sample(count, seed=seed)
                    else:
                        made = network.sample(count, size or trained_size(run), seed=seed, prior=prior)
                    found = made.numpy()
                    images = found[:, 0] if found.shape[1] == 1 else found
            write_images(out, "samples.png", images, [f"{i}" for i in range(count)])
        typer.echo(f"{count} images: {out / 'samples.png'}, {out / 'images.npz'}")


def trained_size(run: str, otherwise: int = 224) -> int:
    """Return the size of the training images of RUN, which its training.json has."""
    import json

    from ..pretrained.loading import folder_of
    from ..training.choices import FILE

    path = folder_of(run) / FILE
    return int(json.loads(path.read_text()).get("size", otherwise)) if path.is_file() else otherwise


def interpolate(
    run: Run,
    first: Annotated[str, typer.Argument(metavar="FIRST", help="An image, as 'twopoint stats' reads it.")],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="Another image of the same size.")],
    out: Out = Path("interpolation"),
    count: Annotated[int, typer.Option("--count", min=2, help="Number of images, with the reconstructions of both ends.")] = 8,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    vgg: Vgg = "",
    force: Force = False,
) -> None:
    """Decode points on the straight line between the latents of two images: interpolation.png and images.npz."""
    with model_errors():
        network = load_run(run, VAES, vgg)
        settings = {"command": "model interpolate", "network": digest(run), "images": [first, second], "count": count}
        with results_in(out, settings, "images.npz", force=force):
            source = open_images([first, second], phases=phases, threshold=threshold, window=window, gray=is_gray(network))
            if len(source) != 2:
                raise InputError(f"FIRST and SECOND must be two images, got {len(source)}")
            tiles = [Tiles(entry.name, *entry.read(source.reading), 0, 0) for entry in source.entries]
            sizes = [" x ".join(map(str, each.values.shape)) for each in tiles]
            if sizes[0] != sizes[1]:
                raise InputError(f"images must have one size, {first} is {sizes[0]} px, {second} {sizes[1]} px; --window takes a part")
            with counting("decoding", "{:.0f}") as progress:
                mean, _ = encode_stack(network, np.stack(arrays_of(network, tiles)))
                shares = np.linspace(0, 1, count, dtype=np.float32)
                made = []
                for i, share in enumerate(shares):
                    made.append(network.decode((1 - share) * mean[:1] + share * mean[1:])[0])
                    progress(i + 1, count)
            height, width = tiles[0].values.shape
            write_images(out, "interpolation.png", np.stack(made)[..., :height, :width], [f"{share:.2f}" for share in shares])
        typer.echo(f"{count} images from {first} to {second}: {out / 'interpolation.png'}, {out / 'images.npz'}")
