"""Several processes that work on many images, with a progress bar; an image that is refused, or ends a process, stops no other."""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Generic, TypeVar

import typer

from .. import memory
from ..reading.collect import Input, path_of
from ..showing import outputs
from ..showing.tables import duration
from ..terminal import PARTLY, InputError, OutputError, counting, say, sentence

Task = TypeVar("Task")
Result = TypeVar("Result")
_FEW = 8  # images for each process, at least, because a process takes seconds to start
_SILENCE = 30.0  # seconds between two lines on the progress outside of a terminal
INTERNAL = "internal error"  # the beginning of a reason that is a defect of the program


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """The result of one task, or the reason why there is none."""

    result: Result | None
    reason: str = ""
    output: bool = False  # whether a file cannot be written, which ends the run


def number_of_processes(jobs: int | None, tasks: int) -> int:
    """Return the number of processes: jobs, or as many as there are cores if there is enough work; never more than tasks."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(jobs if jobs is not None else min(cores, tasks // _FEW), tasks), 1)


def work_on_all(
    function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int | None, description: str
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Yield the number and the outcome of each task, as they end, and show how many are done and the time left.

    Parameters
    ----------
    function : callable
        A function of a module, of one task; InputError, OSError and MemoryError refuse this task only.
    tasks : sequence
        Its arguments.
    jobs : int or None
        Number of processes; 1 works in this one. None for one per core.
    description : str
        The work, for the progress bar.

    Raises
    ------
    OutputError
        If a function cannot write a file, as on a full disk.
    """
    began = said = time.monotonic()
    with counting(description, "{:.1f} images/s") as progress:
        progress(0, len(tasks))
        for done, (at, outcome) in enumerate(_each(function, tasks, number_of_processes(jobs, len(tasks))), 1):
            if outcome.output:
                raise OutputError(outcome.reason)
            now = time.monotonic()
            progress(done, len(tasks), done / max(now - began, 1e-9))
            if now - said > _SILENCE:
                said = now
                left = duration((now - began) / done * (len(tasks) - done))
                say(f"{done} of {len(tasks)} images, about {left} left")
            yield at, outcome


def _each(function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[tuple[int, Outcome[Result]]]:
    """Yield outcomes; if a process ends, the tasks that were under way are repeated one at a time, and the one that ends it again fails."""
    left = list(range(len(tasks)))
    if jobs == 1:
        for at in left:
            yield at, _outcome(function, tasks[at])
        return
    while left:
        suspects, left = yield from _in_pool(function, tasks, left, jobs)
        for at in suspects:
            again, _ = yield from _in_pool(function, tasks, [at], 1)
            if again:
                yield at, Outcome(None, "the process that worked on it ended, perhaps for lack of memory; --jobs 1 uses less")


def _in_pool(
    function: Callable[[Task], Result], tasks: Sequence[Task], numbers: list[int], jobs: int
) -> Generator[tuple[int, Outcome[Result]], None, tuple[list[int], list[int]]]:
    """Yield outcomes from processes; return the tasks under way when one of these ended, and those that had not begun."""
    waiting, running = numbers[::-1], dict[Future[Outcome[Result]], int]()
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(jobs,))
    try:
        while waiting or running:
            while waiting and len(running) < 2 * jobs:
                running[pool.submit(partial(_outcome, function), tasks[waiting[-1]])] = waiting[-1]
                waiting.pop()  # after submit, which raises if a process has ended
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                outcome = future.result()
                yield running.pop(future), outcome
    except BrokenProcessPool:
        return sorted(running.values()), waiting[::-1]
    finally:
        pool.shutdown(cancel_futures=True)
    return [], []


def _begin(jobs: int) -> None:
    """Prepare a process: one thread, its share of the memory, Ctrl-C left to the first process, and an end when that one ends."""
    import scipy.fft
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    scipy.fft.set_workers(1).__enter__()
    memory.divide(jobs)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """End this process when the first one has ended, killed for instance."""
    parent.join()
    os._exit(1)


def _outcome(function: Callable[[Task], Result], task: Task) -> Outcome[Result]:
    """Return the outcome of one task."""
    try:
        return Outcome(function(task))
    except OutputError as error:
        return Outcome(None, sentence(error), output=True)
    except MemoryError:
        return Outcome(None, "there is not enough memory for this; --window takes a part of the image")
    except (InputError, OSError) as error:
        return Outcome(None, sentence(error))
    except Exception as error:  # noqa: BLE001, a defect at one image of hundreds must not lose the others; its reason says so
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Outcome(None, f"{INTERNAL}, please report it: {type(error).__name__}: {error} ({place.filename}:{place.lineno})")


def check_json(path: Path | None, images: list[Input], *, force: bool) -> None:
    """Raise an error for a .json file that cannot be written, or is one of the images."""
    sources = [found for image in images if (found := path_of(image.text)) is not None]
    outputs.check([outputs.OutputFile(path, outputs.JSON)], sources, force=force)


def say_refused(refused: list[dict[str, str]], images: int) -> None:
    """List images that were refused, and end with status 1 if there are any."""
    for row in refused:
        say(f"refused: {row['reason'] if row['source'] in row['reason'] else row['source'] + ': ' + row['reason']}")
    if refused:
        say(f"{len(refused)} of {images} images were refused")
        raise typer.Exit(PARTLY)
