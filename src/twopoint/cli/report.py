"""What ``doctor`` prints."""

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from .. import __version__
from . import tables
from .errors import printable
from .memory import size


def show(found: dict[str, Any], path: Path | None) -> None:
    """Print what was found: the machine, packages, libraries and their self-tests.

    Parameters
    ----------
    found : dict
        As ``doctor.look`` returns it.
    path : Path or None
        The file of figures that was written.
    """
    tables.show(_machine(found), _libraries(found["libraries"]), files=[("figures", path)])


def _machine(found: dict[str, Any]) -> Table:
    """Lay out versions, platform and threads."""
    threads, memory = found["threads"], found["memory_available"]
    pools = ", ".join(f"{pool['name']} {pool['threads']}" for pool in threads["pools"])
    set_ = ", ".join(f"{name}={value}" for name, value in threads["environment"].items())
    rows = [
        ("python", found["python"]),
        ("platform", found["platform"]),
        ("cores", str(found["cores"])),
        (
            "threads",
            f"scipy.fft {threads['scipy.fft workers']} (small arrays {threads['scipy.fft workers, small']})"
            + "".join(f"; {part}" for part in (pools, set_) if part),
        ),
        ("memory available", "unknown" if memory is None else size(memory)),
    ]
    for extra, packages in found["packages"].items():
        missing = [name for name, version in packages.items() if version is None]
        versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version is not None)
        advice = f"{', '.join(missing)} missing: pip install '{f'.[{extra}]' if extra else '.'}' in a checkout" if missing else ""
        rows.append((f"extra {extra}" if extra else "needed", "; ".join(part for part in (versions, advice) if part)))
    rows += [(f"{name} runs on", _where(library)) for name, library in found["libraries"].items() if "version" in library]
    return tables.facts(f"twopoint {__version__}", rows)


def _where(library: dict[str, Any]) -> str:
    """Name the devices and settings of a library."""
    settings = [f"{key} {value}" for key, value in library["settings"].items() if value is not None]
    return "; ".join([", ".join(library["devices"]), *settings])


def _libraries(found: dict[str, dict[str, Any]]) -> Table:
    """Lay out how the self-test went, library by library and device by device."""
    table = Table("self-test", "on", "largest error, bound", "")
    for name, library in found.items():
        if not library["installed"]:
            table.add_row(name, "", "not installed", "–")
        elif "error" in library:
            table.add_row(name, "", Text(printable(library["error"])), Text("FAILED", "bold red"))
        else:
            for device, test in library["tests"].items():
                verdict = Text(f"passed, {test['seconds']:.1f} s", "green") if test["passed"] else Text("FAILED", "bold red")
                largest = f"{max(test['errors'].values()):.1e}, {test['bound']:.0e}"
                table.add_row(f"{name} {library['version']}", f"{device}, {test['dtype']}", largest, verdict)
    return table
