"""Many images in blocks: each block is a file until all are joined, so that memory is flat and a call that was killed is resumed."""

import csv
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twopoint.cli.many.folder import RunFolder
from twopoint.cli.many.pool import Outcome, number_of_processes, work_on_all
from twopoint.cli.showing.outputs import write_whole
from twopoint.cli.terminal import InputError, OutputError, collecting, say

from ..data.pieces import load_arrays, save_arrays
from ..images import Images, OneImage, Reading
from .runs import PARTS

BLOCK = 32  # images between two saves, which a kill loses at most
FEW = 3  # notes on images that are printed
NAMES, SKIPPED, NOTES = "names", "skipped", "notes"
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Tiles:
    """A tile of an image, or all of it, with the row and column of its upper left pixel."""

    name: str
    values: np.ndarray
    phases: int
    row: int
    column: int


@dataclass(frozen=True)
class Task:
    """A block of images, and where its results go."""

    entries: tuple[OneImage, ...]
    reading: Reading
    tile: int | None
    skip: bool
    path: Path
    processes: int


@dataclass(frozen=True)
class How:
    """The options of work on many images."""

    tile: int | None = None
    skip: bool = False
    jobs: int | None = None
    scheduler: str | None = None


Work = Callable[[list[Tiles]], Arrays]


def over_images(folder: RunFolder, images: Images, work: Work, how: How, what: str, alike: tuple[str, str] | None = None) -> list[Path]:
    """Do work on all images in blocks, and return the files of the blocks.

    Parameters
    ----------
    folder : RunFolder
        Open folder of results.
    images : Images
        The images.
    work : callable
        A function of a module, or a partial of one: from tiles to arrays (k, ...), a row a tile.
    how : How
        Tiles, processes, and whether bad images are left out.
    what : str
        The work, for the bar.
    alike : (str, str), optional
        Name of an array whose rows must have one shape, and advice where they have not.

    Raises
    ------
    InputError
        If an image is refused, or, as soon as it is known, if shapes differ; finished blocks stay, and the same command resumes.
    """
    parts = folder.path / PARTS
    parts.mkdir(exist_ok=True)
    entries = images.entries
    blocks = [tuple(entries[i : i + BLOCK]) for i in range(0, len(entries), BLOCK)]
    paths = [parts / f"{_key(block)}.npz" for block in blocks]
    left = [i for i, path in enumerate(paths) if not path.is_file()]
    processes = 1 if how.scheduler else number_of_processes(how.jobs, len(left))
    tasks = [Task(blocks[i], images.reading, how.tile, how.skip, paths[i].resolve(), processes) for i in left]
    if how.scheduler:  # workers have folders of their own
        tasks = [replace(task, entries=tuple(each.absolute() for each in task.entries)) for task in tasks]
    if len(left) < len(blocks):
        say(f"note: {sum(len(blocks[i]) for i in range(len(blocks)) if i not in set(left))} of {len(entries)} images were done before")
    outcomes = _over_dask(work, tasks, how.scheduler, what) if how.scheduler else work_on_all(partial(_block, work), tasks, how.jobs, what)
    first: Path | None = None
    for at, outcome in outcomes:
        if outcome.result is None:
            raise InputError(outcome.reason)
        if alike is not None and outcome.result:
            first = first or paths[left[at]]
            one_shape([first, paths[left[at]]], *alike)
    return paths


def _key(block: tuple[OneImage, ...]) -> str:
    """Return a name for the results of a block, which changes with its images and their files."""
    told = [(entry.name, entry.stamp()) for entry in block]
    return hashlib.sha256(json.dumps(told).encode(errors="surrogateescape")).hexdigest()[:24]


def _block(work: Work, task: Task) -> int:
    """Work on a block, write its results, and return the number of tiles."""
    if task.processes > 1:
        import torch

        torch.set_num_threads(1)
    tiles, skipped, notes = list[Tiles](), list[str](), list[str]()
    for entry in task.entries:
        try:
            with collecting() as said:
                tiles += _tiles(entry, task)
            notes += [f"{entry.name}: {note.removeprefix(f'{entry.name}: ')}" for note in said]
        except (InputError, OSError, ValueError) as error:
            if not task.skip or isinstance(error, OutputError):
                raise
            skipped.append(f"{entry.name}: {error}")
    found = _checked(work, tiles) if tiles else {}
    names = np.array([[each.name, str(each.row), str(each.column)] for each in tiles], dtype=str).reshape(-1, 3)
    arrays = found | {NAMES: names, SKIPPED: np.array(skipped, dtype=str), NOTES: np.array(notes, dtype=str)}
    write_whole(task.path, lambda part: save_arrays(part, arrays))
    return len(tiles)


def _checked(work: Work, tiles: list[Tiles]) -> Arrays:
    """Return the results of tiles; a refusal by the network is one of the images."""
    try:
        return work(tiles)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise error if isinstance(error, InputError) else InputError(" ".join(str(error).split())) from error


def _tiles(entry: OneImage, task: Task) -> list[Tiles]:
    """Return the tiles of an image; a remainder at its lower and right edges is left out."""
    values, phases = entry.read(task.reading)
    size = task.tile
    if size is None:
        return [Tiles(entry.name, values, phases, 0, 0)]
    height, width = values.shape
    if min(height, width) < size:
        raise InputError(f"{entry.name} is {height} x {width} px, smaller than a tile of {size}; --tile takes fewer")
    starts = [(i, j) for i in range(0, height - size + 1, size) for j in range(0, width - size + 1, size)]
    return [Tiles(entry.name, values[i : i + size, j : j + size], phases, i, j) for i, j in starts]


def _over_dask(work: Work, tasks: list[Task], address: str, what: str) -> Iterator[tuple[int, Outcome[int]]]:
    """Yield outcomes from the workers of a scheduler, few ahead; the tasks of a worker that dies go to others."""
    import importlib.util

    if importlib.util.find_spec("distributed") is None:
        raise InputError("--scheduler needs distributed: pip install '.[dask]' in a checkout")
    from distributed import Client, as_completed

    from twopoint.cli.terminal import counting

    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {address}: there is no scheduler that answers ({' '.join(str(error).split())[:200]})") from error
    with client, counting(what, "{:.0f} blocks") as progress:
        ahead = 4 * max(len(client.scheduler_info()["workers"]), 1)
        numbers = {client.submit(_guarded, work, task, pure=False): i for i, task in enumerate(tasks[:ahead])}
        waiting = as_completed(list(numbers))
        for done, future in enumerate(waiting, 1):
            at = numbers.pop(future)
            if future.status == "error":
                raise InputError(f"a worker failed: {' '.join(str(future.exception()).split())[:300]}")
            yield at, future.result()
            progress(done, len(tasks), float(done))
            if done + ahead <= len(tasks):
                more = client.submit(_guarded, work, tasks[done + ahead - 1], pure=False)
                numbers[more] = done + ahead - 1
                waiting.add(more)


def _guarded(work: Work, task: Task) -> Outcome[int]:
    """Return the outcome of a block on a worker of dask."""
    try:
        return Outcome(_block(work, task))
    except OutputError as error:
        return Outcome(None, str(error), output=True)
    except (InputError, OSError) as error:
        return Outcome(None, str(error))


def joined(paths: Sequence[Path], name: str) -> Iterator[np.ndarray]:
    """Yield an array of each block that has it."""
    for path in paths:
        found = load_arrays(path)
        if name in found:
            yield found[name]


def one_shape(paths: Sequence[Path], name: str, advice: str) -> tuple[int, ...]:
    """Return the shape of the rows of an array, which must be one for all blocks."""
    shapes = list(dict.fromkeys(each.shape[1:] for each in joined(paths, name)))
    if len(shapes) != 1:
        got = ", ".join(" x ".join(map(str, shape)) for shape in shapes[:4]) or "none"
        raise InputError(f"images must give {name} of one shape, got {got}; {advice}")
    return shapes[0]


def write_npz(path: Path, paths: Sequence[Path], names: Sequence[str]) -> None:
    """Write arrays of all blocks to one .npz file, one block in memory at a time."""

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name in names:
                _write_rows(archive, name, paths)

    write_whole(path, write)


def _write_rows(archive: zipfile.ZipFile, name: str, paths: Sequence[Path]) -> None:
    """Write one array of all blocks as a member of an archive."""
    heads = [(each.shape, each.dtype) for each in joined(paths, name) if len(each)]
    dtype = np.result_type(*[dtype for _, dtype in heads]) if heads else np.dtype(np.float32)
    shape = (sum(shape[0] for shape, _ in heads), *(heads[0][0][1:] if heads else ()))
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        for each in joined(paths, name):
            file.write(np.ascontiguousarray(each, dtype=dtype).tobytes())


def write_csv(path: Path, head: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    """Write a table, a row at a time; numbers have 7 significant digits."""

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(head)
            for row in rows:
                writer.writerow([f"{each:.7g}" if isinstance(each, float) else each for each in row])

    write_whole(path, write)


def write_summary(folder: RunFolder, paths: Sequence[Path], told: dict[str, Any]) -> dict[str, Any]:
    """Write summary.json: what was done, and the images that were left out with the reason; remove the files of the blocks."""
    skipped = [text for each in joined(paths, SKIPPED) for text in each.tolist()]
    notes = [text for each in joined(paths, NOTES) for text in each.tolist()]
    for text in notes[:FEW]:
        say("note:", text)
    if len(notes) > FEW:
        say(f"note: {len(notes) - FEW} more notes on images are in {folder.path / 'summary.json'}")
    if skipped:
        say(f"note: {len(skipped)} images were left out; {folder.path / 'summary.json'} says why")
    summary = told | {"settings": folder.settings, "skipped": skipped, "notes": notes}
    write_text(folder.path / "summary.json", json.dumps(summary, indent=2) + "\n")
    return summary


def write_text(path: Path, text: str) -> None:
    """Write a text completely or not at all."""

    def write(part: Path) -> None:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")

    write_whole(path, write)


def finish(folder: RunFolder) -> None:
    """Remove the files of the blocks, after everything was written."""
    shutil.rmtree(folder.path / PARTS, ignore_errors=True)
