"""The commands: what a person types, wired to the library."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from .. import __version__, autocorrelation, cess, msess, one_hot, target_statistics, volume_fractions
from ..gradient import Term
from ..reconstruction import Reconstruction, reconstruct, statistics_error
from ..synthetic import circles
from . import figures, files

_DEMO = Path("twopoint-demo.png")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


class LossName(StrEnum):
    """The losses that a reconstruction can minimise."""

    cess = "cess"
    msess = "msess"


_LOSSES: dict[LossName, list[Term]] = {LossName.cess: [(1.0, cess, {"excess": True})], LossName.msess: [(1.0, msess, {})]}

Seed = Annotated[int, typer.Option(min=0, help="Of the noise that the search starts from.")]
Starts = Annotated[int, typer.Option(min=1, help="Searches from different noise; the best is kept.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files.")]
Labels = Annotated[Path | None, typer.Option("--labels", help="Write the reconstructed labels to this .npy file too.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too; - prints them instead of the table.")]


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
    starts: Starts = 2,
    labels_file: Labels = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Place five discs at random, forget them, and find them again from their 2-point statistics."""
    with _clear_errors():
        picture = _DEMO if out is None else out
        outputs = _Outputs(picture, labels_file, json_file)
        outputs.check(force=force, own=out is None)
        labels = circles((size, size), radius=20.0 * size / 224, rng=np.random.default_rng(seed)).astype(np.int64)
        _reconstruct(labels, "five circles", LossName.cess, seed, starts, outputs)


@app.command(name="reconstruct")
def reconstruct_file(
    file: Annotated[Path, typer.Argument(help="Segmented 2-D image: a .npy file of 2 to 8 distinct values.")],
    out: Annotated[Path | None, typer.Option(help="Picture to write; FILE-reconstruction.png here unless given.")] = None,
    window: Annotated[str | None, typer.Option(help="Part of the image: 128 for its first 128x128 pixels, or 0:128,64:192.")] = None,
    loss: Annotated[LossName, typer.Option(help="Loss on the statistics.")] = LossName.cess,
    seed: Seed = 0,
    starts: Starts = 1,
    labels_file: Labels = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Find a structure with the periodic 2-point statistics of an image, from noise."""
    with _clear_errors():
        picture = Path(f"{file.stem}-reconstruction.png") if out is None else out
        labels = files.cut_window(files.read_labels(file), window)
        outputs = _Outputs(picture, labels_file, json_file)
        outputs.check(force=force, source=file)
        _reconstruct(labels, file.stem, loss, seed, starts, outputs)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Print what cannot be worked with as one sentence, and leave with status 2."""
    try:
        yield
    except (files.InputError, OSError) as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error


@dataclass(frozen=True)
class _Outputs:
    """The files that a command is to write."""

    picture: Path
    labels: Path | None
    figures: Path | None

    def check(self, *, force: bool, own: bool = False, source: Path | None = None) -> None:
        """Refuse what cannot be written, before any work is done; the demo's own picture may be overwritten."""
        files.distinct(source, self.picture, self.labels, self.figures)
        files.check_output(self.picture, force=force or own)
        for path in (self.labels, self.figures):
            if path is not None and path != Path("-"):
                files.check_output(path, force=force)
        for path, suffix in ((self.picture, ".png"), (self.labels, ".npy")):
            if path is not None and path.suffix.lower() != suffix:
                raise files.InputError(f"{path} must end in {suffix}")


def _reconstruct(labels: np.ndarray, name: str, loss: LossName, seed: int, starts: int, outputs: _Outputs) -> None:
    """Reconstruct labels, write the picture and print the figures."""
    target = one_hot(labels, int(labels.max()) + 1)
    began = time.perf_counter()
    result = _with_progress_bar(target, loss, seed, starts)
    seconds = time.perf_counter() - began
    found = result.labels if starts == 1 else result.labels[0]
    measured = _figures(target, result, loss, starts) | {"seconds": round(seconds, 2), "seed": seed, "picture": str(outputs.picture)}
    wanted, got = (autocorrelation(m[1], centered=True) for m in (target, one_hot(found, len(target))))
    error = measured["error_thresholded"]
    title = f"{name}, {labels.shape[0]} x {labels.shape[1]}: relative error of the statistics {error:.4f}, {loss}, {seconds:.1f} s"
    figures.reconstruction_panels(labels, found, wanted, got, title=title).savefig(outputs.picture, dpi=110, format="png")
    if outputs.labels is not None:
        np.save(outputs.labels, found)
    if outputs.figures == Path("-"):
        typer.echo(json.dumps(measured, indent=2))
        return
    if outputs.figures is not None:
        outputs.figures.write_text(json.dumps(measured, indent=2) + "\n")
    Console(soft_wrap=True).print(_table(measured), f"picture: {outputs.picture}", sep="\n", highlight=False)


def _with_progress_bar(target: np.ndarray, loss: LossName, seed: int, starts: int) -> Reconstruction:
    """Reconstruct under a progress bar on the error stream."""
    columns = (TextColumn("reconstructing"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, state="")

        def progress(done: int, total: int, value: float) -> None:
            bar.update(task, completed=done, total=total, state=f"{loss} {value:.2e}")

        return reconstruct(target_statistics(target), loss=_LOSSES[loss], seed=seed, starts=starts, progress=progress)


def _figures(target: np.ndarray, result: Reconstruction, loss: LossName, starts: int) -> dict[str, Any]:
    """Return the figures of the best start, by name."""
    field, labels, history = (
        (result.field, result.labels, result.history) if starts == 1 else (result.field[0], result.labels[0], result.history[0])
    )
    statistics = target_statistics(target)
    return {
        "loss": str(loss),
        "loss_soft": float(history[-1]),
        "loss_thresholded": float(np.ravel(result.loss)[0]),
        "error_soft": statistics_error(field, statistics),
        "error_thresholded": statistics_error(labels, statistics),
        "volume_fractions_wanted": volume_fractions(target).tolist(),
        "volume_fractions_got": volume_fractions(one_hot(labels, len(target))).tolist(),
        "starts": starts,
    }


def _table(measured: dict[str, Any]) -> Table:
    """Lay out the figures."""
    table = Table("", "soft", "thresholded")
    unit = "excess CESS in nats" if measured["loss"] == "cess" else "MSESS"
    table.add_row(f"loss: {unit}", f"{measured['loss_soft']:.3e}", f"{measured['loss_thresholded']:.3e}")
    table.add_row("relative error of the statistics", f"{measured['error_soft']:.4f}", f"{measured['error_thresholded']:.4f}")
    fractions = zip(measured["volume_fractions_wanted"], measured["volume_fractions_got"], strict=True)
    for phase, (wanted, got) in enumerate(fractions):
        table.add_row(f"volume fraction of phase {phase}, wanted {wanted:.4f}", "", f"{got:.4f}")
    table.add_row(f"seconds for {measured['starts']} start{'s' * (measured['starts'] > 1)}", "", f"{measured['seconds']:.1f}")
    return table
