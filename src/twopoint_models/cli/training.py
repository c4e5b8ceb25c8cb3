"""The commands ``train``: a network on the user's images, split by parent."""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twopoint.cli.options import Phases, Threshold, Window
from twopoint.cli.showing.outputs import write_whole
from twopoint.cli.terminal import InputError, collecting, counting, say

from ..cess_vae.config import CESSConfig
from ..cess_vae.presets import PRESETS as CESS_PRESETS
from ..cess_vae.regimes import REGIMES
from ..data.patches import SlidingWindows
from ..data.pieces import save_arrays
from ..images import Images, open_images
from ..nets.names import WEIGHTS
from ..statistics_vae.config import PRESETS as STATISTICS_PRESETS
from ..statistics_vae.config import StatisticsConfig
from ..texture_vae.config import PRESETS as TEXTURE_PRESETS
from ..texture_vae.config import TextureConfig
from .choices import chosen, with_choices
from .many import FEW
from .options import Conductivity, Files, Plane, Poisson, Seed, Several, Young
from .runs import announce_vgg, digest, load_run, model_errors, results_in

app = typer.Typer(no_args_is_help=True, help="Train a network on your own images.")
OutRun = Annotated[Path, typer.Option("--out", help="Folder of the run, RUN in other commands. A training that was stopped is resumed.")]
SizeOption = Annotated[
    int | None,
    typer.Option("--size", min=16, help="Edge of the patches in pixels. Default: the preset's, or what fits into the smallest image."),
]
EXAMPLES = "examples.npz"  # patches of the training, from which designs begin
_FEWEST = 10  # parents, so that each part of a split gets one
_MOST = 200  # patches that are kept


@dataclass(frozen=True)
class Read:
    """Images in memory, with the number of their phases, 0 for gray values."""

    images: list[np.ndarray]
    names: list[str]
    phases: int


@contextmanager
def _run_folder(out: Path, command: str, source: Images) -> Iterator[Path]:
    """Open the folder of a run; an unfinished one of the same images is resumed. Only the first of several processes writes and speaks."""
    from ..training.fitting import is_first_process

    if not is_first_process():
        with collecting():
            yield out
        return
    told = json.dumps([[each.name, each.stamp()] for each in source.entries])
    settings: dict[str, Any] = {"command": command, "images": hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()[:16]}
    settings |= {"reading": [source.reading.window, source.reading.threshold, source.reading.phases]}
    if (out / WEIGHTS).is_file():
        raise InputError(f"{out} holds a finished network; --out names another folder")
    with results_in(out, settings, WEIGHTS, force=False), _quiet_threads():
        yield out


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """Leave a disk's errors to the main thread, which meets them too; the thread of TensorBoard's writer would print a traceback."""
    usual = threading.excepthook

    def hook(told: threading.ExceptHookArgs) -> None:
        if not issubclass(told.exc_type, OSError):
            usual(told)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = usual


def read_all(source: Images) -> Read:
    """Read all images; refuse different numbers of phases."""
    images, names, notes, phases = list[np.ndarray](), list[str](), list[str](), dict[int, str]()
    with counting(f"reading {len(source)} images", "") as progress:
        for i, entry in enumerate(source.entries):
            with collecting() as said:
                values, n = entry.read(source.reading)
            notes += [f"{entry.name}: {note.removeprefix(f'{entry.name}: ')}" for note in said]
            phases.setdefault(n, entry.name)
            if len(phases) > 1:
                (a, b), (first, other) = phases.keys(), phases.values()
                raise InputError(f"images must have one number of phases, {first} has {a}, {other} {b}; --phases makes them equal")
            images.append(values)
            names.append(entry.name)
            progress(i + 1, len(source))
    for note in notes[:FEW]:
        say("note:", note)
    if len(notes) > FEW:
        say(f"note: {len(notes) - FEW} more notes on images; 'twopoint stats' prints those on one")
    return Read(images, names, next(iter(phases)))


def fitting_size(read: Read, size: int | None, usual: int, multiple: int) -> int:
    """Return the edge of patches: the requested one, the usual one, or the largest that fits into the smallest image."""
    at = int(np.argmin([min(each.shape) for each in read.images]))
    smallest = min(read.images[at].shape)
    if size is not None:
        if smallest < size:
            raise InputError(f"a patch of {size} px does not fit into {read.names[at]}, of {smallest} px along an edge; --size takes fewer")
        return size
    fits = min(usual, smallest // multiple * multiple)
    if fits < multiple:
        raise InputError(f"{read.names[at]} has an edge of {smallest} px, patches need {multiple} at least")
    if fits < usual:
        say(f"note: patches of {fits} px, which fit into {read.names[at]}")
    return fits


def patches_by_parent(images: Sequence[np.ndarray], size: int, stride: int) -> SlidingWindows:
    """Return overlapping patches whose parents are the images, or, of few images, blocks of two by two patches, or single patches.

    Parameters
    ----------
    images : list of arrays (H, W)
    size, stride : int
        Edge of the patches, and pixels from one to the next.

    Returns
    -------
    SlidingWindows
        Patches of a parent stay in one part of a split, so that no part has seen another's pixels.
    """
    if len(images) >= _FEWEST:
        return SlidingWindows(images, size, stride)
    blocks = SlidingWindows.in_blocks(images, size, stride)
    if len(blocks.parents) >= _FEWEST:
        return blocks
    tiles = SlidingWindows(images, size)
    return SlidingWindows([tiles[i]["image"] for i in range(len(tiles))], size)


def _tell_end(out: Path, what: str, size: int) -> None:
    """Say what was trained and what can be done with it, once for all processes that share a training."""
    from ..training.fitting import is_first_process

    if is_first_process():
        typer.echo(f"{out}: {what}, trained on patches of {size} px; {out / 'pictures'} has images beside their reconstructions")
        typer.echo(f"its latents: twopoint model encode {out} IMAGES --tile {size}")


def keep_examples(folder: Path, windows: SlidingWindows, seed: int) -> None:
    """Keep some patches beside a network, (n, H, W), from which designs begin; the first process does it."""
    from ..training.fitting import is_first_process

    if not is_first_process():
        return
    order = np.random.default_rng(seed).permutation(len(windows))[:_MOST]
    kept = np.stack([windows[int(i)]["image"] for i in order])
    write_whole(folder / EXAMPLES, lambda part: save_arrays(part, {"images": kept}))


def _config(kind: Any, presets: Any, choices: Any, seed: int, own: dict[str, Any]) -> Any:
    """Return a config of options, a preset and the values that images decide, which come last."""
    return kind(**(chosen(kind, presets, choices) | {"seed": seed} | own))


def _usual(kind: Any, presets: Any, choices: Any) -> int:
    """Return the size that options and presets give, or the default of the config."""
    return int(chosen(kind, presets, choices).get("size", kind.__dataclass_fields__["size"].default))


def train_cess(
    images: Files,
    out: OutRun = Path("run"),
    size: SizeOption = None,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    seed: Seed = 0,
    padding: Annotated[
        str | None,
        typer.Option(metavar="zeros|circular", help="Padding of convolutions. Default: zeros for images, circular for a MICRO2D file."),
    ] = None,
    choices: Any = None,
) -> None:
    """Train a CESS VAE on patches of images of phases. The network, logs, and pictures after each epoch are written to --out.

    The images of a single file in MICRO2D's layout are resized to --size instead, and split by their index. All patches of one image are
    in the same part of the split.
    """
    from ..cess_vae.train import train_cess_vae

    with model_errors():
        source = open_images(images, phases=phases, threshold=threshold, window=window, results=out)
        with _run_folder(out, "model train cess-vae", source) as folder:
            usual = _usual(CESSConfig, CESS_PRESETS, choices)
            if len(images) == 1 and isinstance(source.entries[0].source, tuple):
                own = {"data": images[0], "size": size or usual, "padding": padding or "circular"}
                config = _config(CESSConfig, CESS_PRESETS, choices, seed, own)
                windows, data = None, None
            else:
                read = read_all(source)
                own = {"size": fitting_size(read, size, usual, 16), "phases": read.phases, "padding": padding or "zeros"}
                if read.phases > 2 and "regime" not in chosen(CESSConfig, CESS_PRESETS, choices):
                    own["regime"] = "cess_finetuned"  # the default is for two phases
                config = _config(CESSConfig, CESS_PRESETS, choices, seed, own)
                windows = patches_by_parent(read.images, config.size, max(config.size // 4, 1))
                data = _module(windows, config, read.phases, 1.0)
            if "style" in REGIMES[config.regime].own or "vgg" in REGIMES[config.regime].own:
                announce_vgg(config.vgg)
            train_cess_vae(config, folder, data, start=folder)
            if windows is not None:
                keep_examples(folder, windows, seed)
        _tell_end(out, f"a CESS VAE for {config.phases} phases", config.size)


def _module(windows: SlidingWindows, config: Any, phases: int, white: float) -> Any:
    """Return patches as batches."""
    from ..data.modules import PatchesModule

    fractions = getattr(config, "fractions", (0.8, 0.1, 0.1))
    how: dict[str, Any] = dict(batch_size=config.batch_size, workers=config.workers, order_seed=config.seed)
    return PatchesModule(windows, white=white, fractions=fractions, phases=phases if phases > 2 else None, **how)


def train_texture(
    images: Files,
    out: OutRun = Path("run"),
    size: SizeOption = None,
    window: Window = None,
    seed: Seed = 0,
    stride: Annotated[int | None, typer.Option(min=1, help="Distance between patches in pixels. Default: two fifths of the size.")] = None,
    choices: Any = None,
) -> None:
    """Train a texture VAE on gray patches of images, with the style loss of VGG-19. RUN gets the network, logs, and pictures."""
    from ..texture_vae.train import train_texture_vae

    with model_errors():
        source = open_images(images, window=window, gray=True, results=out)
        with _run_folder(out, "model train texture-vae", source) as folder:
            read = read_all(source)
            own = {"size": fitting_size(read, size, _usual(TextureConfig, TEXTURE_PRESETS, choices), 32)}
            config = _config(TextureConfig, TEXTURE_PRESETS, choices, seed, own)
            announce_vgg(config.vgg)
            windows = patches_by_parent(read.images, config.size, stride or max(2 * config.size // 5, 1))
            train_texture_vae(config, folder, _module(windows, config, 0, 1.0))
        _tell_end(out, f"a texture VAE of {config.latents} latents", config.size)


def train_statistics(
    images: Files,
    out: OutRun = Path("run"),
    size: SizeOption = None,
    window: Window = None,
    seed: Seed = 0,
    choices: Any = None,
) -> None:
    """Train a statistics VAE on gray patches of images, by their autocorrelation. RUN gets the network, logs, and pictures."""
    from ..statistics_vae.train import train_statistics_vae

    with model_errors():
        source = open_images(images, window=window, gray=True, results=out)
        with _run_folder(out, "model train statistics-vae", source) as folder:
            read = read_all(source)
            own = {"size": fitting_size(read, size, _usual(StatisticsConfig, STATISTICS_PRESETS, choices), 32)}
            config = _config(StatisticsConfig, STATISTICS_PRESETS, choices, seed, own)
            windows = patches_by_parent(read.images, config.size, max(config.size // 4, 1))
            train_statistics_vae(config, folder, _module(windows, config, 0, 1.0))
        _tell_end(out, f"a statistics VAE of {config.latents} latents", config.size)


Described = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="RUN",
        help="CESS VAE for two phases whose latents are the input. Default: principal components of the 2-point statistics, with smaller "
        "errors; 'twopoint model design' needs a CESS VAE.",
    ),
]
TileEdge = Annotated[
    int | None, typer.Option("--size", min=16, help="Edge of the tiles in pixels, divisible by 16. Default: that of the network, or 224.")
]


def train_predictor(
    images: Files,
    network: Described = None,
    out: OutRun = Path("predictor"),
    size: TileEdge = None,
    young: Young = "10GPa,1GPa",
    poisson: Poisson = "0.3,0.3",
    conductivity: Conductivity = "10,1",
    plane: Plane = "strain",
    generated: Annotated[int, typer.Option(min=0, help="Number of generated images that are added to the training images.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Maximum number of passes; training can stop earlier.")] = 200,
    members: Annotated[int, typer.Option(min=1, help="Networks in the ensemble.")] = 5,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    seed: Seed = 0,
) -> None:
    """Train a predictor of effective properties on tiles of images and their homogenisation: E_x, E_y, G_xy, nu_xy, nu_yx, k_x, k_y.

    A fifth of the images is kept out of the training. The intervals and the printed errors are measured on it. At least ten tiles are
    needed; hundreds are better.
    """
    from ..design.images import train_predictor as fit

    with model_errors():
        encoder = load_run(network, ("CESSVAE",)) if network else None
        materials, units = materials_of(young, poisson, conductivity, plane)
        source = open_images(images, phases=phases, threshold=threshold, window=window, results=out)
        with _run_folder(out, f"model train predictor on {digest(network) if network else 'statistics'}", source) as folder:
            tiles, groups = _tiles_of(read_all(source), network, size, generated, seed)
            with counting(f"homogenising {len(tiles)} tiles, then passes", "") as progress:
                how: dict[str, Any] = dict(groups=groups, units=units, kept=folder / "labels.npz", progress=progress)
                found = fit(encoder, tiles, materials, epochs=epochs, members=members, seed=seed, **how)
            keep_examples(folder, SlidingWindows(list(tiles), tiles.shape[1]), seed)
            found.save(folder)
            (folder / "labels.npz").unlink(missing_ok=True)
        errors = found.about["kept"]["median_relative_error"]
        typer.echo(f"median relative error on {found.about['kept']['images']} tiles kept out of the training:")
        typer.echo(", ".join(f"{name} {value:.2%}" for name, value in errors.items()) + f"; intervals hold for {found.level:.0%} of them")
        typer.echo(f"{out}: a predictor for tiles of {found.size} px")


def materials_of(young: str | None, poisson: str | None, conductivity: str | None, plane: str) -> tuple[Any, dict[str, str]]:
    """Return materials of two phases and their units by kind; refuse other numbers of phases."""
    from ..homogenisation.two_phase import Materials
    from .quantities import quantities

    e, nu, k = (
        quantities(option, text or "", kind)
        for option, text, kind in (
            ("--young", young, "pressure"),
            ("--poisson", poisson, "number"),
            ("--conductivity", conductivity, "conductivity"),
        )
    )
    if not len(e.values) == len(nu.values) == len(k.values) == 2:
        raise InputError(f"materials must be of two phases, got --young {young}, --poisson {poisson}, --conductivity {conductivity}")
    if plane not in ("strain", "stress"):
        raise InputError(f"--plane must be strain or stress, got {plane}")
    pairs: list[Any] = [e.values, nu.values, k.values]
    return Materials(young=pairs[0], poisson=pairs[1], conductivities=pairs[2], plane=plane), {"pressure": e.unit, "conductivity": k.unit}


def _tiles_of(read: Read, network: str | None, size: int | None, generated: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Return tiles (n, H, H) of images of two phases and the parent of each, and generated ones behind."""
    from ..data import generate_images
    from .latents import trained_size

    if read.phases != 2:
        raise InputError(f"images must have two phases, got {read.phases}; --phases 2 cuts them")
    edge = fitting_size(read, size, trained_size(network) if network else 224, 16)
    windows = SlidingWindows(read.images, edge, labels=read.names)
    tiles = [windows[i] for i in range(len(windows))]
    images, groups = np.stack([each["image"] for each in tiles]), [str(each["label"]) for each in tiles]
    if generated:
        made = generate_images(generated, edge, seed=seed)[:, 0].astype(images.dtype)
        images, groups = np.concatenate([images, made]), groups + [f"generated-{i}" for i in range(generated)]
    return images, groups


for _name, _command, _config_class, _presets, _omit in (
    ("cess-vae", train_cess, CESSConfig, CESS_PRESETS, ("data", "classes", "together")),
    ("texture-vae", train_texture, TextureConfig, TEXTURE_PRESETS, ()),
    ("statistics-vae", train_statistics, StatisticsConfig, STATISTICS_PRESETS, ()),
):
    app.command(_name, cls=Several)(with_choices(_command, _config_class, _presets, _omit))
app.command("predictor", cls=Several)(train_predictor)
