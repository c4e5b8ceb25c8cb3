"""The application: all commands under their names, and --version."""

from typing import Annotated

import typer

from twopoint_models.cli.app import app as model

from .. import __version__
from . import compare, demo, doctor, reconstruct, report, stats

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(requested: bool) -> bool:
    """Print the version and exit, if it is requested."""
    if requested:
        typer.echo(f"twopoint {__version__}")
        raise typer.Exit
    return requested


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    """2-point spatial statistics of microstructures."""


_COMMANDS = {"demo": demo, "stats": stats, "report": report, "compare": compare, "reconstruct": reconstruct, "doctor": doctor}
for _name, _module in _COMMANDS.items():
    app.command(_name)(_module.command)
app.add_typer(model, name="model")
