"""A picture of what each choice that the paper does not state does to Table I.

python -m benchmarks.table_one_figures [--output docs/images/manifold_choices.png]
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from twopoint_models.manifold.tables import PAPER

from .table_one import INPUTS, RESULTS
from .table_one_rule import SCALINGS

MEASURES = {"r2_k": "R² of k", "r2_noise": "R² of A"}
DIMENSIONS = {4: "o", 6: "s", 10: "^"}


def short(noise: dict[str, Any]) -> str:
    """Return a noise in few letters: octaves, persistence, base frequency, kind, displacement."""
    kind = "".join(f" {name}" for name in ("absolute", "shared") if noise[name])
    return f"{noise['octaves']}, {noise['persistence']:g}, {noise['base_frequency']:g}{kind}, {noise['displacement']:.3g}"


def draw(axes: Axes, rows: list[dict[str, Any]], measure: str, levels: dict[str, str]) -> None:
    """Draw the entries of the rows over the levels of a choice; a dashed line is the paper's entry.

    ``levels`` maps the text of a level to the name of the choice: "noise", "input" or "scaling".
    """
    for i, (d, mark) in enumerate(DIMENSIONS.items()):
        colour = f"C{i}"
        axes.axhline(PAPER[measure][d], color=colour, linestyle="--", linewidth=1)
        for x, (level, choice) in enumerate(levels.items()):
            of = [row["table"] for row in rows if (short(row["noise"]) if choice == "noise" else row[choice]) == level]
            values = [row[measure][row["dimensions"].index(d)] for row in of]
            at = x + 0.25 * (i - 1)
            axes.plot(np.full(len(values), at), values, mark, color=colour, alpha=0.35, markersize=4, label=f"D* = {d}" if not x else None)
            axes.plot(at, np.median(values), "_", color=colour, markersize=12, markeredgewidth=2)
    axes.set_xticks(range(len(levels)), levels, rotation=90 if len(levels) > 3 else 0, fontsize="small")
    axes.set(xlim=(-0.6, len(levels) - 0.4))
    axes.grid(alpha=0.3, axis="y")


def median_of(rows: list[dict[str, Any]], noise: str) -> float:
    """Return the median R2 of A at four dimensions over the settings of a noise, by which noises are sorted."""
    of = [row["table"] for row in rows if short(row["noise"]) == noise]
    return float(np.median([row["r2_noise"][row["dimensions"].index(4)] for row in of]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS / "table_one.json")
    parser.add_argument("--output", type=Path, default=RESULTS.parents[1] / "docs/images/manifold_choices.png")
    options = parser.parse_args()
    rows = json.loads(options.results.read_text(encoding="utf-8"))["settings"]
    apart = [row for row in rows if not row["noise"]["shared"]]
    noises = {name: median_of(rows, name) for name in {short(row["noise"]) for row in rows}}
    choices = [(rows, dict.fromkeys(sorted(noises, key=lambda name: noises[name]), "noise"))]
    choices += [(apart, dict.fromkeys(INPUTS, "input")), (apart, dict.fromkeys(SCALINGS, "scaling"))]
    figure, axes = plt.subplots(2, 3, figsize=(11, 7.5), layout="constrained", width_ratios=(2.4, 1, 0.8), sharex="col")
    for line, (measure, label) in zip(axes, MEASURES.items(), strict=True):
        for each, (drawn, levels) in zip(line, choices, strict=True):
            draw(each, drawn, measure, levels)
            each.set_ylim((0.84, 1) if measure == "r2_k" else (0, 1))
        line[0].set_ylabel(label)
    heads = ("noise: octaves, persistence, base frequency, displacement", "input, noises not shared", "scaling, noises not shared")
    for each, head in zip(axes[0], heads, strict=True):
        each.set_title(head, fontsize="medium")
    axes[0, 0].legend(title="dashed: the paper", fontsize="small")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.output, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
