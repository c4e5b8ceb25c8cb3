"""Parts of the reference pages that are made from the application itself; ``docs/tables.py`` writes them into the pages.

The commands are those that ``twopoint --help`` lists, the keys those of the JSON schema in the package. What each command writes is listed
in outputs.py and held to real runs by ``tests/twopoint_models/cli/test_outputs.py``.
"""

import inspect
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import resources
from types import NoneType
from typing import Any, get_args, get_origin

import typer
from outputs import OUTPUTS, PRINTED
from typer.models import ArgumentInfo

from twopoint.cli import terminal
from twopoint.cli.commands import app

_DEFAULT = re.compile(r"\s*(?:Default: (.*)\.|\(default: (.*)\))$")
KEPT = "twopoint-run.json"  # in every folder of results; the page tells it once
_KINDS = {str: "text", int: "integer", float: "number"}


def walk(group: typer.Typer = app, path: tuple[str, ...] = ("twopoint",)) -> Iterator[tuple[str, Any]]:
    """Yield the words and the function of each command."""
    for each in group.registered_commands:
        yield " ".join((*path, str(each.name))), each.callback
    for found in group.registered_groups:
        yield from walk(found.typer_instance, (*path, str(found.name)))


def commands() -> str:
    """Return a section for each command: usage, what it does, its arguments and options, what it writes."""
    return "\n\n".join(section(words, function) for words, function in walk())


def section(words: str, function: Any) -> str:
    """Return the section of a command."""
    rows, usage = [], [words, "[OPTIONS]"]
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        kind, info = get_args(parameter.annotation)[:2]
        required = parameter.default is inspect.Parameter.empty
        name = names_of(parameter.name, kind, info)
        if isinstance(info, ArgumentInfo):
            usage.append(name if required else f"[{name}]")
        text, default = split(info.help or "", "required" if required else parameter.default)
        rows.append(f"| `{cell(name, code=True)}` | {cell(value_of(kind, info))} | {cell(default)} | {cell(text)} |")
    head = "| argument or option | value | default | meaning |\n|---|---|---|---|\n"
    told = "\n\n".join(plain(" ".join(part.split())) for part in (inspect.getdoc(function) or "").split("\n\n"))
    key = words.removeprefix("twopoint ")
    files = [f"`{name}`" for name in OUTPUTS[key] if not name.endswith(KEPT)]
    ending = f"Prints {PRINTED[key]}." + (f" Writes {', '.join(files)}." if files else "")
    return f"### {words}\n\n```text\n{' '.join(usage)}\n```\n\n{told}\n\n{head}" + "\n".join([*rows, "", ending])


def names_of(name: str, kind: Any, info: Any) -> str:
    """Return the names under which an argument or option is typed."""
    if isinstance(info, ArgumentInfo):
        return str(info.metavar or name.upper())
    given = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str) and each.startswith("-")]
    flag = f"--{name.replace('_', '-')}"
    return ", ".join(given) or (f"{flag}/--no-{flag[2:]}" if kind is bool else flag)


def value_of(kind: Any, info: Any) -> str:
    """Return what an option takes; nothing for a switch."""
    kinds = [each for each in get_args(kind) if each is not NoneType] if NoneType in get_args(kind) else [kind]
    kind = kinds[0]
    if kind is bool:
        return ""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(kind)
    if info.metavar and not isinstance(info, ArgumentInfo):
        return str(info.metavar).replace("|", " or ")
    if get_origin(kind) is tuple:
        return f"{len(get_args(kind))} numbers"
    if get_origin(kind) is list:
        return "one or more names" if isinstance(info, ArgumentInfo) else "text; the option can be repeated"
    limits = {(True, True): f", {info.min} to {info.max}", (True, False): f", at least {info.min}", (False, True): f", at most {info.max}"}
    return _KINDS.get(kind, "file or folder") + limits.get((info.min is not None, info.max is not None), "")


def split(text: str, default: Any) -> tuple[str, str]:
    """Return the meaning of an option without its default, and the default."""
    said = _DEFAULT.search(text)
    if said and default in (None, ""):
        return text[: said.start()], said[1] or said[2]
    if isinstance(default, bool):
        return text, "on" if default else "off"
    if isinstance(default, tuple):
        return text, " ".join(f"{each:g}" for each in default)
    return text, "" if default is None else str(default)


def plain(text: str) -> str:
    """Return text in which no letter begins markup."""
    return re.sub(r"([\\`*_\[\]<>$|~])", r"\\\1", text).replace("\\`\\`", "`")


def cell(text: str, *, code: bool = False) -> str:
    """Return text for a cell of a table."""
    return text.replace("|", r"\|") if code else plain(text)


def exit_codes() -> str:
    """Return the table of exit codes."""
    codes = {
        0: "all is done",
        terminal.PARTLY: "some of several files were left out, and are listed; `twopoint doctor`: a library failed its known answers",
        terminal.REFUSED: "nothing was done; one sentence on the error stream names the argument or the file, and says what is required",
        terminal.INTERRUPTED: "Ctrl-C; the same command resumes work on many images, and a training",
    }
    return "| exit code | meaning |\n|---|---|\n" + "\n".join(f"| {code} | {meaning} |" for code, meaning in codes.items())


def schema() -> dict[str, Any]:
    """Return the parts of the JSON schema by name."""
    text = resources.files("twopoint.cli").joinpath("output_schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["$defs"]
    return found


def json_keys() -> str:
    """Return a table of keys for each kind of JSON file in the schema; what stats has already is not told again."""
    parts = schema()
    kinds = [name for name, part in parts.items() if "format" in part.get("properties", {})]
    of_stats = dict(_rows(parts["stats"], parts))
    return "\n\n".join(_keys(parts[name], parts, {} if name == "stats" else of_stats) for name in kinds)


def _keys(part: dict[str, Any], parts: dict[str, Any], shown: dict[str, str]) -> str:
    """Return the table of keys of one kind of file; nested keys are joined by dots, and [] stands for each entry of a list."""
    name, rows, same = part["properties"]["format"]["const"], [], list[str]()
    for key, meaning in _rows(part, parts):
        whole = re.sub(r"^(a|b|images\[\]|groups\[\]\.images\[\])\.", "", key)
        if whole != "format" and shown.get(whole) == meaning:
            same += [whole] if "." not in whole and whole not in same else []
        else:
            rows.append(f"| `{key}` | {meaning} |")
    again = f"\n\nAs in `twopoint stats 1`: {', '.join(f'`{key}`' for key in same)}." if same else ""
    return f"### {name}\n\n{plain(part['description'])}\n\n| key | meaning |\n|---|---|\n" + "\n".join(rows) + again


def _rows(part: dict[str, Any], parts: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield keys and what they hold."""
    seen = set[str]()
    for name, value in part.get("properties", {}).items():
        listed, inner, refers = _resolved(value, parts)
        key = f"{before}{name}" + ("[]" if listed and "properties" in inner else "")
        constant = f"`{value['const']}`" if "const" in value else ""
        yield key, cell(value.get("description") or inner.get("description", "")) or constant
        if refers and refers in seen:  # the three spreads of a phase have one table
            continue
        seen.add(refers)
        yield from _rows(inner, parts, f"{key}.")
        named = inner.get("additionalProperties")
        if isinstance(named, dict):
            yield from _rows(named, parts, f"{key}.NAME.")


def _resolved(value: dict[str, Any], parts: dict[str, Any]) -> tuple[bool, dict[str, Any], str]:
    """Return whether a value is a list, the schema of the value or of its entries, and the name of that schema."""
    items = value.get("items", {})
    inner = items or value
    refers = inner.get("$ref", "").rpartition("/")[2]
    return bool(items), parts[refers] if refers else inner, refers


def written() -> str:
    """Return the table of what each command writes; a command that writes some of the files of another refers to it."""
    rows, told = [], dict[str, dict[str, str]]()
    for words, files in OUTPUTS.items():
        like = next((other for other, theirs in told.items() if files and files.items() <= theirs.items()), None)
        if like:
            lacking = ", ".join(f"`{name}`" for name in told[like] if name not in files)
            rows.append(f"| `{words}` | | as `{like}`{f', without {lacking}' if lacking else ''} |")
        else:
            listed = [(name, meaning) for name, meaning in files.items() if not name.endswith(KEPT)]
            rows += [f"| {f'`{words}`' if not i else ''} | `{name}` | {meaning} |" for i, (name, meaning) in enumerate(listed)]
        told[words] = files
    return "| command | file | contents |\n|---|---|---|\n" + "\n".join(rows)


REFERENCE = {"commands": commands, "exit_codes": exit_codes, "json_keys": json_keys, "written": written}
