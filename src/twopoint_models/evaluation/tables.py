"""Tables in Markdown."""

import math
from collections.abc import Sequence


def rounded(value: float | None) -> str:
    """Return a number with three significant digits."""
    return "" if value is None or math.isnan(value) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def markdown_table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown whose columns are aligned in plain text too, numbers to the right."""
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in [heads, *lines]]
    widths = [max(map(len, column)) for column in zip(*escaped, strict=True)]
    rows = [[cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))] for line in escaped]
    rule = ["-" * (w + 1) + ":" if i else "-" * (w + 2) for i, w in enumerate(widths)]
    head, *rest = ["| " + " | ".join(row) + " |\n" for row in rows]
    return head + "|" + "|".join(rule) + "|\n" + "".join(rest)
