"""Tables and panels of descriptors beyond two points."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from rich.table import Table

from ..descriptors import Descriptors, Series
from .panels import Curve, Curves
from .tables import number

TITLES = {
    "lineal_path": "lineal path",
    "chord_lengths": "shares of chords by length",
    "cluster_correlation": "cluster function, radial",
    "three_point": "three points, legs of a right angle",
}
_COMMON = 0.999  # share of the chords, and of the sum of a lineal path, that a panel shows


def descriptor_table(found: Descriptors) -> Table:
    """Return a table of the numbers, one row per quantity and a column per phase."""
    phases = sorted({quantity.phase for quantity in found.quantities})
    table = Table("", *(f"phase {h}" for h in phases))
    for title, values in _by_title(found).items():
        table.add_row(title, *(number(values[h]) for h in phases))
    return table


def facts(found: Descriptors) -> list[tuple[str, str]]:
    """Return a row of a table of facts for each quantity, with its value in each phase."""
    rows = _by_title(found).items()
    return [(title, ", ".join(f"phase {h} {number(value)}" for h, value in sorted(values.items()))) for title, values in rows]


def _by_title(found: Descriptors) -> dict[str, dict[int, float | None]]:
    """Return the values of each quantity by phase."""
    rows: dict[str, dict[int, float | None]] = {}
    for quantity in found.quantities:
        rows.setdefault(quantity.title, {})[quantity.phase] = quantity.value
    return rows


def comparison_table(rows: Iterable[dict[str, Any]]) -> Table:
    """Return a table of the differences between the descriptors of two images."""
    table = Table("", "A", "B", "difference")
    for row in rows:
        axis, unit = (f", axis {row['axis']}" if "axis" in row else ""), (f", {row['unit']}" if "unit" in row else "")
        descriptor = f"{row['descriptor']}: " if "a" not in row else ""
        table.add_row(
            f"{descriptor}{row['name']}{axis}{unit}, phase {row['phase']}", *(number(row.get(k)) for k in ("a", "b", "difference"))
        )
    return table


def panels_of_descriptors(found: Descriptors) -> list[Curves]:
    """Return a panel of curves for each descriptor that has some: phases in their colours, the second and third axes dashed."""
    return [_panel(name, [s for s in found.series if s.descriptor == name], found.unit) for name in _names(found)]


def _names(found: Descriptors) -> list[str]:
    """Return the descriptors that have curves."""
    return list(dict.fromkeys(series.descriptor for series in found.series))


def _panel(name: str, series: list[Series], unit: str) -> Curves:
    """Return one panel, on the distances of the curve that reaches furthest."""
    ends = [_end(part) for part in series]
    longest = max(series, key=lambda part: part.r[-1])
    r = longest.r[longest.r <= max(ends)]
    r = r if len(r) > 1 else longest.r[:2]
    lines = tuple(Curve(np.interp(r, part.r, part.values, right=0.0), _legend(part), part.phase, dashed=bool(part.axis)) for part in series)
    return Curves(r, lines, TITLES[name], unit)


def _end(series: Series) -> float:
    """Return the distance up to which a curve is shown: all of it, but chords and lineal paths without their long, rare rest."""
    if series.descriptor not in ("chord_lengths", "lineal_path"):
        return float(series.r[-1])
    at = int(np.searchsorted(np.cumsum(series.values), _COMMON * series.values.sum()))
    return float(series.r[min(at + 1, len(series.r) - 1)])


def _legend(series: Series) -> str:
    """Return the name of a curve."""
    return f"phase {series.phase}" + ("" if series.axis is None else f", axis {series.axis}")
