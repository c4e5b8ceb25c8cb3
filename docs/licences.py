"""Licences of the packages that twopoint needs, from the metadata of what is installed.

    python docs/licences.py [--check]

Writes the table of docs/licences.md; with --check nothing is written, and the status is 1 if the table differs. It needs an environment
with all extras of EXTRAS. Versions of a package can word their licence differently, so the test compares names only.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

PAGE = Path(__file__).with_name("licences.md")
BETWEEN = re.compile(r"(<!-- licences -->\n\n).*?(\n\n<!-- end of licences -->)", re.DOTALL)
EXTRAS = ("torch", "jax", "fast", "cli", "models", "models-jax", "dask", "sklearn")  # what users install; the others are for developers
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def direct() -> dict[str, list[str]]:
    """Return the packages that pyproject.toml names, each with its extras; none for those that are always installed."""
    project = tomllib.loads((PAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {canonical(line): list[str]() for line in project["dependencies"]}
    for extra in EXTRAS:
        for line in project["optional-dependencies"][extra]:
            found.setdefault(canonical(line), []).append(extra)
    return found


def canonical(requirement: str) -> str:
    """Return the name of a package in a requirement, such as "dask" in "dask[array]>=2024.12"."""
    name = _NAME.match(requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def indirect() -> list[str]:
    """Return the packages that are installed because others need them, in alphabetical order."""
    known, waiting = set(direct()), list(direct())
    while waiting:
        for need in _needs(waiting.pop()):
            if need not in known:
                known.add(need)
                waiting.append(need)
    return sorted(known - set(direct()))


def _needs(name: str) -> Iterator[str]:
    """Yield the installed packages that a package needs, without those of its extras."""
    for line in metadata.requires(name) or ():
        if "extra ==" not in line and _installed(need := canonical(line)):
            yield need


def _installed(name: str) -> bool:
    """Whether a package is installed: a requirement may be for another system or version of Python."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def licence(name: str) -> str:
    """Return the licence of an installed package: its SPDX expression, else its classifiers, else the first line of its free text."""
    about = metadata.metadata(name)
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [
        line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License :: OSI Approved ::")
    ]
    return ", ".join(classifiers) or str(about.get("License") or "not stated").strip().partition("\n")[0]


def table() -> str:
    """Return a table of the direct dependencies, and the indirect ones by licence."""
    rows = [
        f"| {name} | {', '.join(f'`{extra}`' for extra in extras) or 'always'} | {licence(name)} |"
        for name, extras in sorted(direct().items())
    ]
    groups: dict[str, list[str]] = {}
    for name in indirect():
        groups.setdefault(licence(name), []).append(name)
    more = [f"| {found} | {', '.join(names)} |" for found, names in sorted(groups.items(), key=lambda group: group[0].lower())]
    heads = "| package | extra | licence |\n|---|---|---|", "| licence | packages that the ones above need |\n|---|---|"
    return "\n\n".join("\n".join([head, *lines]) for head, lines in zip(heads, (rows, more), strict=True))


def main() -> None:
    """Write the table, or compare it."""
    page = PAGE.read_text(encoding="utf-8")
    made = BETWEEN.sub(lambda found: found[1] + table() + found[2], page)
    if "--check" in sys.argv[1:]:
        sys.exit("the table of docs/licences.md differs" if made != page else 0)
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
