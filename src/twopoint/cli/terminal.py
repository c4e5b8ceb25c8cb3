"""Messages to the user, all on the error stream: notes, errors of one sentence, and the progress of work."""

import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

PARTLY, REFUSED, INTERRUPTED = 1, 2, 130  # exit codes: some files were refused; nothing was done; Ctrl-C
_NOTES: ContextVar[list[str] | None] = ContextVar("notes", default=None)  # where notes are kept instead of being printed
_DESCRIPTION = TextColumn("{task.description}", markup=False)  # may hold a file's name


class InputError(ValueError):
    """A file or an option that the command cannot use."""


def printable(text: object) -> str:
    """Return text for a terminal or a figure: one line, without control characters and broken surrogates."""
    kept = str(text).encode(errors="replace").decode()
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in kept)


class OutputError(InputError):
    """A file that cannot be written, which ends a run over many files."""


@contextmanager
def collecting() -> Iterator[list[str]]:
    """Keep notes in a list instead of printing them, and show no progress: the image is one of many."""
    notes: list[str] = []
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def say(*parts: str) -> None:
    """Print a note on the error stream, so that standard output holds results only."""
    notes = _NOTES.get()
    if notes is not None:
        notes.append(printable(" ".join(parts)).removeprefix("note: "))
        return
    Console(stderr=True, soft_wrap=True).print(Text(printable(" ".join(parts))))


@contextmanager
def clear_errors() -> Iterator[None]:
    """Print an error as one sentence and exit with status 2, or 130 after Ctrl-C; never print a traceback for bad input."""
    try:
        yield
    except KeyboardInterrupt as error:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError:  # the reader of the output has closed it; typer exits quietly
        raise
    except MemoryError as error:
        _print_error("there is not enough memory for this; --window takes a part of the image")
        raise typer.Exit(REFUSED) from error
    except (InputError, OSError) as error:
        _print_error(sentence(error))
        raise typer.Exit(REFUSED) from error


@contextmanager
def decoding(name: object) -> Iterator[None]:
    """Turn any exception of a file's decoder into an InputError; a damaged file may raise anything."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{name} cannot be read: {sentence(error)}") from error


def sentence(error: BaseException) -> str:
    """Return the message of an exception, or its class where it has none; for a system error the file and the cause."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return str(error) or type(error).__name__


def _print_error(sentence: str) -> None:
    """Print a sentence as an error."""
    text = Text.assemble(("error: ", "bold red"), printable(sentence))
    Console(stderr=True, soft_wrap=True).print(text)


@contextmanager
def working(description: str) -> Iterator[None]:
    """Show a spinner during work of unknown length."""
    with _progress(SpinnerColumn(), _DESCRIPTION, TimeElapsedColumn()) as bar:
        bar.add_task(printable(description), total=None)
        yield


class ReportProgress(Protocol):
    """A function that moves a progress bar."""

    def __call__(self, done: int, total: int, value: float = 0.0, /) -> None:
        """Show how much is done, of how much, and a value such as a loss, an error or a rate."""


@contextmanager
def counting(description: str, form: str = "{:.2e}") -> Iterator[ReportProgress]:
    """Show a progress bar, and yield the function (done, total, value) that moves it; form is the format of the value."""
    value_column = TextColumn("{task.fields[value]}")
    with _progress(_DESCRIPTION, BarColumn(), value_column, TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(description, total=None, value="")

        def progress(done: int, total: int, value: float = 0.0) -> None:
            bar.update(task, completed=done, total=total, value=form.format(value))

        yield progress


def _progress(*columns: ProgressColumn) -> Progress:
    """Return a bar that is removed at the end; none is shown outside a terminal, because a notebook cannot overwrite its lines."""
    hidden = _NOTES.get() is not None or not sys.stderr.isatty()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)
