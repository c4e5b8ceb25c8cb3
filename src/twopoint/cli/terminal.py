"""What the commands say to a person: remarks, refusals in one sentence, and bars while work goes on, all on the error stream."""

import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

REFUSED, INTERRUPTED = 2, 130
_WHAT = TextColumn("{task.description}", markup=False)  # which may be a file's name


class InputError(ValueError):
    """A file or an option that the command cannot work with."""


def printable(text: object) -> str:
    """Return text for a terminal or a figure: on one line, without control characters and broken surrogates."""
    kept = str(text).encode(errors="replace").decode()
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in kept)


def say(*parts: str) -> None:
    """Write a remark to the error stream, so that the standard output holds results alone."""
    Console(stderr=True, soft_wrap=True).print(Text(printable(" ".join(parts))))


@contextmanager
def clear_errors() -> Iterator[None]:
    """Print what cannot be worked with as one sentence and leave with status 2, or 130 after Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt as error:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError:  # whoever read the output has left; typer ends quietly
        raise
    except MemoryError as error:
        _refuse("there is not enough memory for this; --window takes a part of the image")
        raise typer.Exit(REFUSED) from error
    except (InputError, OSError) as error:
        _refuse(_sentence(error))
        raise typer.Exit(REFUSED) from error


@contextmanager
def reading(name: object) -> Iterator[None]:
    """Turn whatever a file's decoder raises into an InputError; a damaged file may raise anything."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{name} cannot be read: {_sentence(error)}") from error


def _sentence(error: BaseException) -> str:
    """Return what an exception says, or its name where it says nothing; of a system error the cause and the file."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return str(error) or type(error).__name__


def _refuse(sentence: str) -> None:
    """Print a sentence as an error."""
    text = Text.assemble(("error: ", "bold red"), printable(sentence))
    Console(stderr=True, soft_wrap=True).print(text)


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
