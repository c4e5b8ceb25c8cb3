"""Commands whose options are the fields of a config: each with its unit, default and what a preset sets instead."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Annotated, Any

import typer

from twopoint.cli.terminal import InputError

from ..training.choices import Choices

Presets = Mapping[str, Mapping[str, Any]]


def with_choices(function: Callable[..., None], config: type[Choices], presets: Presets, omit: tuple[str, ...] = ()) -> Callable[..., None]:
    """Return a command with the options of a function and those of a config.

    Parameters
    ----------
    function : callable
        A command with an argument ``choices``, which gets the values as :func:`chosen` returns them.
    config : type of Choices
        Its fields become options: ``--learning-rate`` for learning_rate; several numbers are separated by commas or blanks.
    presets : dict of str to dict
        Each becomes an option, ``--small``; its values replace defaults, and options replace these.
    omit : tuple of str
        Fields that get no option.
    """
    own = inspect.signature(function, eval_str=True)
    parameters = [each for name, each in own.parameters.items() if name != "choices"]
    for name in presets:
        text = f"Preset: {', '.join(f'{key} {_text(value)}' for key, value in presets[name].items()) or 'the defaults'}."
        parameters.append(_parameter(name, bool, typer.Option(f"--{name}", help=text), False))
    listed = [each for each in fields(config) if each.name not in omit and each.name not in own.parameters]
    parameters += [_option(each, presets) for each in listed]

    def command(**values: Any) -> None:
        mine = {name: values.pop(name) for name in list(values) if name in own.parameters}
        given = {name: values.pop(name) for name in presets}
        function(**mine, choices=(given, values))

    command.__doc__, command.__name__ = function.__doc__, function.__name__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def chosen(config: type[Choices], presets: Presets, choices: tuple[Mapping[str, bool], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields that a preset and options set; raise an error for two presets or a value that cannot be read."""
    flags, values = choices
    names = [name for name, on in flags.items() if on]
    if len(names) > 1:
        raise InputError(f"presets exclude each other, got --{' and --'.join(names)}")
    known: dict[str, Any] = {each.name: each for each in fields(config)}
    found = {name: value for name, value in (presets[names[0]] if names else {}).items() if name in known}
    for name, value in values.items():
        if value is not None:
            found[name] = _tuple(name, value, known[name].default) if isinstance(known[name].default, tuple) else value
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def _tuple(name: str, text: str, like: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the entries of an option, of the type of the default's."""
    kind = type(like[0]) if like else str
    try:
        return tuple(kind(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise InputError(f"--{name.replace('_', '-')} must be {kind.__name__}s separated by commas, got {text!r}") from None


def _option(each: Any, presets: Presets) -> inspect.Parameter:
    """Return the option of a field."""
    text = each.metadata["help"]
    text = text[0].upper() + text[1:]
    with_presets = [f"with --{name} {_text(values[each.name])}" for name, values in presets.items() if each.name in values]
    text += f" (default: {', '.join([_text(each.default), *with_presets])})"
    kind: Any = bool if isinstance(each.default, bool) else str if isinstance(each.default, (tuple, str)) else type(each.default)
    flag = f"--{each.name.replace('_', '-')}"
    declared = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
    metavar = "|".join(map(str, each.metadata["choices"])) if "choices" in each.metadata and len(each.metadata["choices"]) < 6 else None
    return _parameter(each.name, kind | None, typer.Option(declared, help=text, metavar=metavar, show_default=False), None)


def _parameter(name: str, kind: Any, option: Any, default: Any) -> inspect.Parameter:
    """Return a parameter that is an option."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])


def _text(value: Any) -> str:
    """Return a value as it is typed."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value)) or "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value) if value != "" else "none"
