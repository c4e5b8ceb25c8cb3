"""The command ``list``: the networks that come with the package."""

from typing import Annotated

import typer

from twopoint.cli.terminal import clear_errors

from ..pretrained.loading import card, kind_of, names
from .runs import TITLES


def list_models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Print the card of this network: data, figures, licence.")] = None,
) -> None:
    """List the networks that come with the package, or print the card of one."""
    with clear_errors():
        if name is not None:
            if name not in names():
                from twopoint.cli.terminal import InputError

                raise InputError(f"there is no network {name!r} in the package; there are {', '.join(names())}")
            typer.echo(card(name))
            return
        for each in names():
            first = next(line for line in card(each).splitlines()[1:] if line.strip())
            typer.echo(f"{each}: {TITLES[kind_of(each)]}. {first}")
        typer.echo("'twopoint model list NAME' prints a card; 'twopoint model train' makes others, which are named by their folder.")
