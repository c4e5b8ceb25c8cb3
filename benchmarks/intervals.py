"""Shares with their intervals, and results that are kept while a long benchmark runs."""

import json
import math
from pathlib import Path
from typing import Any

NORMAL = 1.959963984540054  # 97.5 % of the standard normal distribution lie below


def wilson(found: int, total: int) -> dict[str, float]:
    """Return a share with its 95 % interval by Wilson's score."""
    if total < 1:
        raise ValueError(f"total must be at least 1, got {total}")
    share, z2 = found / total, NORMAL**2 / total
    middle = (share + z2 / 2) / (1 + z2)
    half = NORMAL * math.sqrt(share * (1 - share) / total + z2 / (4 * total)) / (1 + z2)
    return {"figure": share, "low": max(0.0, middle - half), "high": min(1.0, middle + half), "of": total}


def shown(share: dict[str, float]) -> str:
    """Return a share as tables have it."""
    return f"{share['figure']:.2f} ({share['low']:.2f} to {share['high']:.2f})"


def write(path: Path, found: dict[str, Any]) -> None:
    """Write results; a benchmark that is killed leaves either the old file or the new one."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
