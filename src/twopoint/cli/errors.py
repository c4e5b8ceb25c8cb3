"""What the command line cannot work with: one sentence that says what to do, and never a traceback."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

REFUSED, INTERRUPTED = 2, 130


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
