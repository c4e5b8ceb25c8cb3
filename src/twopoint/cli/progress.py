"""What a person sees while waiting, on the error stream; nothing where that is no terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .errors import printable

_WHAT = TextColumn("{task.description}", markup=False)  # which may be a file's name


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show what is being done, for work whose length is not known."""
    with _shown(SpinnerColumn(), _WHAT, TimeElapsedColumn()) as bar:
        bar.add_task(printable(what), total=None)
        yield


class Moves(Protocol):
    """What moves a bar."""

    def __call__(self, done: int, total: int, now: float = 0.0, /) -> None:
        """Show how much is done, of how much, and a loss, error or rate."""


@contextmanager
def counting(what: str, form: str = "{:.2e}") -> Iterator[Moves]:
    """Show a bar; give the function (done, total, loss, error or rate) that moves it; the form is that of the last."""
    state = TextColumn("{task.fields[state]}")
    with _shown(_WHAT, BarColumn(), state, TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(what, total=None, state="")

        def progress(done: int, total: int, now: float = 0.0) -> None:
            bar.update(task, completed=done, total=total, state=form.format(now))

        yield progress


def _shown(*columns: ProgressColumn) -> Progress:
    """Return a bar that leaves nothing behind; a notebook asks for colours, but cannot go back in its lines."""
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
