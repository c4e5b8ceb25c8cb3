"""The result files of benchmarks/results, and figures as pages show them."""

import json
import math
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks/results"


def of(name: str) -> dict[str, Any]:
    """Return the results of one file."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def figure(value: float) -> str:
    """Return a figure with three significant digits, small ones as powers of ten."""
    if value and abs(value) < 1e-3:
        power = math.floor(math.log10(abs(value)))
        return f"{value / 10**power:.2f}e{power}"
    return f"{value:.3g}"


def markdown(rows: list[list[str]]) -> str:
    """Return a table of rows, of which the first is the head."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])


def aims_table(rows: list[tuple[str, str, bool]]) -> str:
    """Return a table of aims: what, what came out, and whether it holds; misses are bold."""
    lines = (f"| {aim} | {came if held else f'**{came}**'} |" for aim, came, held in rows)
    return "| aim | came out |\n|---|---|\n" + "\n".join(lines)
