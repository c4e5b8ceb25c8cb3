"""Tables for the terminal: numbers in, a table out."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.table import Column, Table
from rich.text import Text

from ... import __version__
from ..memory import size
from ..reading.spacing import Spacing
from ..terminal import printable

_UNKNOWN = "–"


def show(*tables: Table, files: Iterable[tuple[str, object]] = ()) -> None:
    """Print tables, and below them what was written, one line per file."""
    lines = [Text(f"{name}: {printable(path)}") for name, path in files if path is not None]
    Console(soft_wrap=True).print(Group(*tables), *lines, sep="\n", highlight=False)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with this many significant digits; a dash for None."""
    return _UNKNOWN if value is None else f"{value:.{digits}g}"


def verdict(value: bool | None) -> str:
    """Return yes, no, or a dash for None."""
    return {None: _UNKNOWN, True: "yes", False: "no"}[value]


def duration(seconds: float) -> str:
    """Return a time with one significant digit and a readable unit.

    Examples
    --------
    >>> from twopoint.cli.showing.tables import duration
    >>> duration(17.3), duration(170), duration(40_000)
    ('20 s', '3 min', '10 h')
    """
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{float(f'{seconds / length:.1g}'):g} {unit}"
    return f"{max(float(f'{seconds:.1g}'), 1):g} s"


def extent(shape: tuple[int, ...], spacing: Spacing) -> str:
    """Return the size of an image in pixels, and in the unit of its spacing.

    Examples
    --------
    >>> from twopoint.cli.showing.tables import extent
    >>> from twopoint.cli.reading.spacing import Spacing
    >>> extent((100, 200), Spacing((0.5, 0.5), "µm"))
    '100 x 200 px, 50 x 100 µm'
    """
    pixels = " x ".join(map(str, shape)) + " px"
    lengths = " x ".join(f"{n * step:.6g}" for n, step in zip(shape, spacing.steps, strict=True))
    return f"{pixels}, {lengths} {spacing.unit}" if spacing.physical else pixels


def facts(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """Return a table of facts, one per row."""
    table = Table("", "", title=Text(printable(title)), title_justify="left", show_header=False)
    for name, value in rows:
        table.add_row(Text(name), Text(printable(value)))
    return table


def phases(measured: list[dict[str, Any]], unit: str) -> Table:
    """Return a table of the measures of each phase, one phase per row."""
    lengths = (f"specific\nsurface, 1/{unit}", f"correlation\nlength, {unit}")
    table = Table("phase", "volume\nfraction", *lengths, "covariance\nfar away")
    for row in measured:
        values = (number(row[name]) for name in ("volume_fraction", "specific_surface", "correlation_length"))
        table.add_row(str(row["phase"]), *values, number(row["tail"], 2))
    return table


def summary(records: list[dict[str, Any]], spread: dict[str, Any]) -> Table:
    """Return a table of many images of one kind, a row per image, and their mean and standard deviation.

    Phase 1 is shown of two phases, and all phases of more, one after the other in a cell.

    Parameters
    ----------
    records : list of dict
        The numbers of each image.
    spread : dict
        Their mean and standard deviation.
    """
    n, unit = len(records[0]["phases"]), records[0]["spacing"]["unit"]
    shown = [1] if n == 2 else list(range(n))
    of = "of phase 1" if n == 2 else f"of phases 0 to {n - 1}"
    headers = ("volume\nfraction", f"surface\n1/{unit}", f"corr.\nlength\n{unit}")
    title = Text(f"{spread['kind']}: volume fraction, specific surface and correlation length {of}")
    name = Column("", overflow="fold", min_width=12)
    table = Table(name, "size, px", *headers, "large\nenough", "notes", title=title, title_justify="left")
    names = ("volume_fraction", "specific_surface", "correlation_length")
    for record in records:
        cells = [" ".join(number(record["phases"][h][name]) for h in shown) for name in names]
        large = verdict(record["field_of_view"]["large_enough"])
        size = " x ".join(map(str, record["shape"]))
        table.add_row(Text(printable(record["name"])), size, *cells, large, str(len(record["notes"]) or ""))
    if len(records) > 1:
        table.add_section()
        for row, key in (("mean", "mean"), ("standard deviation", "standard_deviation")):
            table.add_row(row, "", *(" ".join(number(spread["phases"][h][name][key], 3) for h in shown) for name in names), "", "")
    return table


def neighbours(title: str, rows: Iterable[tuple[str, int, str, float | None]]) -> Table:
    """Return a table of images, each with its group, the image nearest to it and their distance.

    Parameters
    ----------
    title : str
        Title.
    rows : iterable of (name, group, nearest image, distance)
        The images.
    """
    table = Table("", Column("", overflow="fold"), "group", Column("most similar", overflow="fold"), "distance")
    table.title, table.title_justify = Text(printable(title)), "left"
    for at, (name, group, nearest, value) in enumerate(rows, 1):
        table.add_row(str(at), Text(printable(name)), str(group), Text(printable(nearest)), number(value, 3))
    return table


def matrix(values: np.ndarray) -> Table:
    """Return a table of the distances (n, n) of few images, which have the numbers of :func:`neighbours`."""
    table = Table("", *(str(at + 1) for at in range(len(values))), title="distances", title_justify="left")
    for at, row in enumerate(values, 1):
        table.add_row(str(at), *(number(float(value), 2) for value in row))
    return table


def comparison(measured: dict[str, Any], names: tuple[str, str]) -> Table:
    """Return a table of the differences between the statistics of two images."""
    table = Table("", *names, "difference")
    for phase, (a, b) in enumerate(zip(measured["volume_fractions_a"], measured["volume_fractions_b"], strict=True)):
        table.add_row(f"volume fraction of phase {phase}", f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}")
    meaning = "relative error of the statistics\n(0 equal, about 1 a random arrangement)"
    table.add_row(meaning, "", "", f"{measured['error']:.4f}")
    table.add_row("largest difference of the radial averages", "", "", f"{measured['radial_difference']:.4f}")
    cess, msess = ("cumulative excess CESS", "cumulative MSESS") if measured["cumulative"] else ("excess CESS", "MSESS")
    table.add_row(f"{cess}, nats", "", "", f"{measured['excess_cess']:.3e}")
    table.add_row(msess, "", "", f"{measured['msess']:.3e}")
    return table


def reconstruction(measured: dict[str, Any]) -> Table:
    """Return a table of the losses and errors of a reconstruction."""
    table = Table("", "soft", "thresholded")
    unit = "excess CESS in nats" if measured["loss"] == "cess" else "MSESS"
    unit = f"cumulative {unit}" if measured["cumulative"] else unit
    table.add_row(f"loss: {unit}", f"{measured['loss_soft']:.3e}", f"{measured['loss_thresholded']:.3e}")
    table.add_row("relative error of the statistics", f"{measured['error_soft']:.4f}", f"{measured['error_thresholded']:.4f}")
    fractions = zip(measured["volume_fractions_wanted"], measured["volume_fractions_got"], strict=True)
    for phase, (target, result) in enumerate(fractions):
        table.add_row(f"volume fraction of phase {phase}, target {target:.4f}", "", f"{result:.4f}")
    table.add_row(f"seconds for {measured['starts']} start{'s' * (measured['starts'] > 1)}", "", f"{measured['seconds']:.1f}")
    return table


def machine(report: dict[str, Any]) -> Table:
    """Return a table of versions, platform and threads, from the report of ``doctor``."""
    threads, memory = report["threads"], report["memory_available"]
    pools = ", ".join(f"{pool['name']} {pool['threads']}" for pool in threads["pools"])
    variables = ", ".join(f"{name}={value}" for name, value in threads["environment"].items())
    rows = [
        ("python", report["python"]),
        ("platform", report["platform"]),
        ("cores", str(report["cores"])),
        (
            "threads",
            f"scipy.fft {threads['scipy.fft workers']} (small arrays {threads['scipy.fft workers, small']})"
            + "".join(f"; {part}" for part in (pools, variables) if part),
        ),
        ("memory available", "unknown" if memory is None else size(memory)),
    ]
    for extra, packages in report["packages"].items():
        missing = [name for name, version in packages.items() if version is None]
        versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version is not None)
        advice = f"{', '.join(missing)} missing: pip install '{f'.[{extra}]' if extra else '.'}' in a checkout" if missing else ""
        rows.append((f"extra {extra}" if extra else "needed", "; ".join(part for part in (versions, advice) if part)))
    rows += [(f"{name} runs on", _devices(library)) for name, library in report["libraries"].items() if "version" in library]
    return facts(f"twopoint {__version__}", rows)


def _devices(library: dict[str, Any]) -> str:
    """Return the devices and settings of a library as text."""
    settings = [f"{key} {value}" for key, value in library["settings"].items() if value is not None]
    return "; ".join([", ".join(library["devices"]), *settings])


def self_tests(libraries: dict[str, dict[str, Any]]) -> Table:
    """Return a table of the self-tests, one row per library and device."""
    table = Table("self-test", "on", "largest error, bound", "")
    for name, library in libraries.items():
        if not library["installed"]:
            table.add_row(name, "", "not installed", "–")
        elif "error" in library:
            table.add_row(name, "", Text(printable(library["error"])), Text("FAILED", "bold red"))
        else:
            for device, test in library["tests"].items():
                outcome = Text(f"passed, {test['seconds']:.1f} s", "green") if test["passed"] else Text("FAILED", "bold red")
                largest = f"{max(test['errors'].values()):.1e}, {test['bound']:.0e}"
                table.add_row(f"{name} {library['version']}", f"{device}, {test['dtype']}", largest, outcome)
    return table
