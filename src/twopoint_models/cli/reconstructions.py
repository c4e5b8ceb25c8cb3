"""The commands that judge a network on the user's images: ``reconstruct`` and ``evaluate``."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twopoint.cli.options import Force, Phases, Pictures, Threshold, Window
from twopoint.cli.showing.outputs import write_whole
from twopoint.cli.terminal import InputError, collecting, counting, working

from ..images import open_images
from .latents import LARGEST, absolute, arrays_of, by_size, flat_of, is_gray, loaded_in_process, own_tile
from .many import NAMES, Arrays, How, Tiles, finish, joined, over_images, write_csv, write_summary
from .options import Files, Jobs, Out, Run, Scheduler, Seed, Skip, Tile, Vgg
from .runs import VAES, digest, load_run, model_errors, results_in

TABLE, PICTURE = "reconstructions.csv", "reconstructions.png"
COLUMNS = {
    "soft": "excess CESS of the soft reconstruction, nats",
    "thresholded": "excess CESS of the thresholded reconstruction, nats",
    "cumulative": "excess CESS of cumulative statistics of the soft reconstruction, nats",
    "fraction_error": "error of the volume fraction of the thresholded reconstruction",
}
GRAY_COLUMNS = {"mean_squared_error": "mean squared error of gray values", "statistics_error": "relative error of the autocorrelation"}


def reconstruct(
    run: Run,
    images: Files,
    out: Out = Path("reconstructions"),
    tile: Tile = None,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    vgg: Vgg = "",
    pictures: Pictures = True,
    skip: Skip = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Force = False,
) -> None:
    """Encode and decode images: reconstructions.png, a picture of each, and reconstructions.csv with the errors.

    For phases the errors are the excess CESS in nats, which is 0 at a match, of the soft and the thresholded reconstruction and of
    cumulative statistics, and the error of the volume fraction. For gray values they are the mean squared error and the relative error
    of the autocorrelation.
    """
    with model_errors():
        network = load_run(run, VAES, vgg)
        tile = own_tile(network, tile)
        settings = {"command": "model reconstruct", "network": digest(run), "tile": tile, "threshold": threshold}
        settings |= {"phases": phases, "window": window, "vgg": vgg, "pictures": pictures}
        with results_in(out, settings, TABLE, force=force) as folder:
            source = open_images(images, phases=phases, threshold=threshold, window=window, gray=is_gray(network), results=out)
            how = How(tile, skip, jobs, scheduler)
            work = partial(_reconstructed, absolute(run), vgg, out.resolve() if pictures else None)
            paths = over_images(folder, source, work, how, f"reconstructing {len(source)} images")
            columns = GRAY_COLUMNS if is_gray(network) else COLUMNS
            write_csv(out / TABLE, ["file", "row", "column", *columns], _rows(paths, list(columns)))
            medians = {name: float(np.median(np.concatenate(list(joined(paths, name))))) for name in columns}
            _draw_first(out / PICTURE, source, network, tile)
            write_summary(folder, paths, {"network": run, "median": medians, "columns": columns})
            finish(folder)
        typer.echo(
            "\n".join(f"median {columns[name].partition(', ')[0]}: {value:.3g}{_unit(columns[name])}" for name, value in medians.items())
        )
        typer.echo(f"{out / TABLE}, {out / PICTURE}")


def _unit(column: str) -> str:
    """Return the unit of a column's description, with a blank before it."""
    return " nats" if column.endswith(", nats") else ""


def _reconstructed(run: str, vgg: str, pictures: Path | None, tiles: list[Tiles]) -> Arrays:
    """Return the measures of reconstructions, and draw a picture of each."""
    network = loaded_in_process(run, vgg)
    found: dict[str, np.ndarray] = {}
    for indices, stack in by_size(arrays_of(network, tiles)):
        made = network.reconstruct(stack) if is_gray(network) else network.reconstruct(stack, pad=True)
        for name, values in (measures_of_gray if is_gray(network) else measures_of_phases)(stack, made).items():
            found.setdefault(name, np.empty(len(tiles)))[indices] = values
        if pictures is not None:
            for i, image, result in zip(indices, stack, made, strict=True):
                _draw_one(pictures / "pictures" / f"{_file_name(tiles[i])}.png", image, result)
    return found


def measures_of_phases(images: np.ndarray, made: np.ndarray) -> dict[str, np.ndarray]:
    """Return soft, thresholded and cumulative excess CESS, and the error of the volume fraction, of (n, H, W) or (n, N, H, W)."""
    from ..evaluation.reconstructions import excess_cess, thresholded

    a, b = (x[:, None].astype(np.float64) if x.ndim == 3 else x.astype(np.float64) for x in (images, made))
    cut = thresholded(b)
    apart = np.abs(cut.mean((2, 3)) - a.mean((2, 3))).sum(axis=1) / min(a.shape[1], 2)
    soft, hard, cumulative = excess_cess(b, a), excess_cess(cut, a), excess_cess(b, a, cumulative=True)
    return {"soft": soft, "thresholded": hard, "cumulative": cumulative, "fraction_error": apart}


def measures_of_gray(images: np.ndarray, made: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean squared error and the relative error of the autocorrelation without its mean, of (n, H, W)."""
    import twopoint as tp

    f, g = (tp.autocorrelation(x.astype(np.float64)) for x in (images, made))
    spread = np.linalg.norm((f - f.mean((1, 2), keepdims=True)).reshape(len(f), -1), axis=1)
    error = np.linalg.norm((g - f).reshape(len(f), -1), axis=1) / np.where(spread > 0, spread, 1.0)
    return {"mean_squared_error": ((images - made) ** 2).mean((1, 2)), "statistics_error": error}


def _file_name(tile: Tiles) -> str:
    """Return a name for the picture of a tile."""
    import re

    place = f"-{tile.row}-{tile.column}" if tile.row or tile.column else ""
    return re.sub(r"[^\w.+-]", "_", tile.name.lstrip("./"))[-100:] + place


def _draw_one(path: Path, image: np.ndarray, made: np.ndarray) -> None:
    """Draw an image beside its reconstruction, pixel by pixel, white where the value is 0."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    both = np.concatenate([flat_of(np.asarray(image, np.float32)), np.full((image.shape[-2], 4), 0.5), flat_of(made)], axis=1)
    path.parent.mkdir(exist_ok=True)
    told = PngInfo()
    told.add_text("Software", "twopoint")
    gray = np.round(255 * (1 - both)).clip(0, 255).astype(np.uint8)
    write_whole(path, lambda part: Image.fromarray(gray).save(part, format="PNG", pnginfo=told))


def _draw_first(path: Path, source: Any, network: Any, tile: int | None) -> None:
    """Draw the first images above their reconstructions."""
    with working("drawing"):
        from twopoint.cli.showing.figures import save

        from ..evaluation.figures import gallery

        images, made, names = list[np.ndarray](), list[np.ndarray](), list[str]()
        for entry in source.entries[: LARGEST // 8]:
            try:
                with collecting():  # the notes were printed when the image was measured
                    values, phases = entry.read(source.reading)
                (array,) = arrays_of(network, [Tiles(entry.name, values[:tile, :tile], phases, 0, 0)])
            except InputError:  # left out by --skip
                continue
            images.append(flat_of(np.asarray(array, np.float32)))
            made.append(flat_of(network.reconstruct(array) if is_gray(network) else network.reconstruct(array, pad=True)))
            names.append(f"{len(names) + 1}: {Path(entry.name).name}")
        rows = {"image": images, "reconstruction": made}
        figure = gallery({row: {name: [x[i]] for i, name in enumerate(names)} for row, x in rows.items()})
        write_whole(path, partial(save, figure))


def _rows(paths: Sequence[Path], columns: Sequence[str]) -> Iterator[Sequence[object]]:
    """Yield the rows of the table."""
    for names, *values in zip(joined(paths, NAMES), *(joined(paths, name) for name in columns), strict=True):
        for row, *numbers in zip(names.tolist(), *(each.tolist() for each in values), strict=True):
            yield [*row, *numbers]


def evaluate(
    run: Run,
    images: Files,
    out: Out = Path("evaluation"),
    tile: Annotated[int | None, typer.Option("--tile", min=16, help="Edge of the tiles in pixels. Default: that of the training.")] = None,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Evaluate a CESS VAE on tiles of images beside reconstructions that need no training: the tables and figures of the paper.

    Writes summary.md and summary.json, images.csv with the excess CESS of each tile, and the figures. Each image is a class of its own.
    """
    from .latents import trained_size

    with model_errors():
        network = load_run(run, ("CESSVAE",))
        size = tile or trained_size(run)
        settings = {
            "command": "model evaluate",
            "network": digest(run),
            "tile": size,
            "threshold": threshold,
            "phases": phases,
            "seed": seed,
        }
        with results_in(out, settings, "summary.json", force=force):
            source = open_images(images, phases=phases, threshold=threshold, window=window, results=out)
            summary, count = _report(network, Path(run).name, _tiles(source, network, size), out, size, seed)
            from ..cess_vae.evaluation.tables import overview

        typer.echo(overview(summary) + f"\ntables and figures of {count} tiles of {size} px: {out}")


def _tiles(source: Any, network: Any, size: int) -> list[dict[str, Any]]:
    """Return tiles as items: memberships, the name of the image, and the index in it."""
    items = []
    with counting(f"reading {len(source)} images", "{:.0f} tiles") as progress:
        for k, entry in enumerate(source.entries):
            values, phases = entry.read(source.reading)
            height, width = values.shape
            if min(height, width) < size:
                raise InputError(f"{entry.name} is {height} x {width} px, smaller than a tile of {size}; --tile takes fewer")
            starts = [(i, j) for i in range(0, height - size + 1, size) for j in range(0, width - size + 1, size)]
            tiles = [Tiles(entry.name, values[i : i + size, j : j + size], phases, i, j) for i, j in starts]
            arrays = arrays_of(network, tiles)
            name = Path(entry.name).stem
            for index, array in enumerate(arrays):
                items.append({"image": np.asarray(array, np.float32).reshape(-1, size, size), "name": name, "index": index})
            progress(k + 1, len(source), float(len(items)))
    return items


def _report(network: Any, name: str, items: list[dict[str, Any]], out: Path, size: int, seed: int) -> tuple[Any, int]:
    """Score, write the report, and return its summary and the number of tiles."""
    import torch

    from ..cess_vae import score_rows
    from ..cess_vae.evaluation.report import write_report
    from ..evaluation.trivial import TRIVIAL

    rows = {name: torch.inference_mode()(lambda x: network(torch.from_numpy(x)).numpy())} | TRIVIAL
    with counting(f"scoring {len(items)} tiles", "") as progress:
        scores, kept = score_rows(rows, items, progress=lambda done: progress(done, len(items)))
    with counting("drawing", "") as progress:
        how: dict[str, Any] = dict(trivial=TRIVIAL, about={"size": size}, seed=seed, progress=progress)
        summary = write_report(out, scores, kept, rows, lambda i: items[i]["image"], **how)
    return summary, len(kept)
