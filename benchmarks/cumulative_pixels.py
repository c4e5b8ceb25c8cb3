"""Reconstruction pixel by pixel from noise, by CESS, cumulative CESS, their sums, and schedules that end in CESS.

    TWOPOINT_DATA=... python -m benchmarks.cumulative_pixels [--small] [--starts 10 10] [--output benchmarks/results/cumulative_pixels.json]

A start is found if the intersection over union of its phase 1 and the target's is at least .9, up to a shift and an inversion. It is
counted after the threshold alone, and after the exchange of pixels, which lowers the squared error lag by lag whatever the loss of the
descent was. A run that was killed resumes from its output.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import twopoint as tp
from twopoint.reconstruction.exchange import exchange
from twopoint_models.data import MICRO2D
from twopoint_models.evaluation.reconstructions import periodic_overlap

from . import machine
from .intervals import shown, wilson, write

CESS = (1.0, tp.cess, {"excess": True})
CUMULATIVE = (1.0, tp.cess, {"excess": True, "cumulative": True})
ENERGY = (1.0, tp.msess, {"weight": "energy"})
LOSSES: dict[str, list[list[tuple[float, Any, dict[str, Any]]]]] = {  # the stages of a search, each a sum of losses
    "CESS": [[CESS]],
    "cumulative": [[CUMULATIVE]],
    "CESS + cumulative": [[CESS, CUMULATIVE]],
    "CESS + 100 cumulative": [[CESS, (100.0, *CUMULATIVE[1:])]],
    "cumulative, then CESS": [[CUMULATIVE], [CESS]],
    "energy, then CESS": [[ENERGY], [CESS]],
    "energy, cumulative, CESS": [[ENERGY], [CUMULATIVE], [CESS]],
}
SIZES = (128, 224)
POLISH = 5000  # steps of the exchange, the most that reconstruct takes by default
IMAGES = 5  # of MICRO2D, the first of volume fraction below .05


class Target(NamedTuple):
    """A target: its name and the phase of each point."""

    name: str
    labels: np.ndarray


def two_lines(size: int) -> np.ndarray:
    """Return two rows whose spacing is 100 px of 224."""
    labels = np.zeros((size, size), int)
    labels[[0, round(100 / 224 * size)]] = 1
    return labels


def five_dots(size: int) -> np.ndarray:
    """Return five squares of 3 x 3 px in different places."""
    rng, labels, free = np.random.default_rng(5), np.zeros((size, size), int), np.ones((size, size), bool)
    for _ in range(5):
        row, column = rng.choice(np.argwhere(free[:-2, :-2]))
        labels[row : row + 3, column : column + 3] = 1
        free[max(0, row - 6) : row + 7, max(0, column - 6) : column + 7] = False
    return labels


def three_lines(size: int) -> np.ndarray:
    """Return a row, a column and a diagonal, each as long as half the side.

    Lines across the whole periodic image would not do: wherever they are, their statistics differ at their crossings only.
    """
    labels, along = np.zeros((size, size), int), np.arange(size // 2)
    labels[size // 5, along + size // 3] = 1
    labels[along + size // 4, size // 7] = 1
    labels[along + size // 3, size - 1 - along] = 1
    return labels


def voids(size: int) -> list[Target]:
    """Return images of MICRO2D's class VoidSmall whose volume fraction is below .05."""
    dataset = MICRO2D(Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5", classes=["VoidSmall"], size=size)
    images = (np.asarray(dataset[i]["image"][0]) > 0.5 for i in range(len(dataset)))
    few = [image.astype(int) for image in images if image.mean() < 0.05][:IMAGES]
    return [Target(f"VoidSmall {i}", labels) for i, labels in enumerate(few)]


SHAPES: dict[str, Callable[[int], np.ndarray]] = {"two lines": two_lines, "five dots": five_dots, "three lines": three_lines}


def targets(size: int, small: bool) -> dict[str, list[Target]]:
    """Return the targets of each kind; the starts of a kind take turns among them."""
    kinds = {name: [Target(name, make(size))] for name, make in SHAPES.items()}
    return kinds if small else kinds | {"VoidSmall": voids(size)}


def search(labels: np.ndarray, name: str, seed: int, iterations: int, polish: int) -> dict[str, Any]:
    """Return what one start of one loss comes to."""
    known = tp.target_statistics(tp.two_phase(labels))
    initial = None
    *before, last = LOSSES[name]
    for stage in before:
        initial = tp.reconstruct(known, loss=stage, initial=initial, seed=seed, pulls=(), polish=0, iterations=iterations).field
    thresholded = tp.reconstruct(known, loss=last, initial=initial, seed=seed, polish=0, iterations=iterations).labels
    exchanged = exchange(thresholded, known, most=polish, rng=np.random.default_rng([seed, 0, 1]))
    row: dict[str, Any] = {}
    for stage, got in (("threshold", thresholded), ("exchange", exchanged)):
        row[stage] = {"overlap": round(periodic_overlap(labels, got), 4), "error": float(f"{tp.statistics_error(got, known):.3g}")}
    return row


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a line of the table for each kind of target, size and loss, and one for each loss over all."""
    lines = []
    kinds = list(dict.fromkeys((row["kind"], row["size"]) for row in rows))
    for kind, size in [*kinds, ("all", None)]:
        for name in LOSSES:
            own = [row for row in rows if row["loss"] == name and (kind == "all" or (row["kind"], row["size"]) == (kind, size))]
            if own:
                line: dict[str, Any] = {"kind": kind, "size": size, "loss": name}
                for stage in ("threshold", "exchange"):
                    line[stage] = wilson(sum(row[stage]["overlap"] >= 0.9 for row in own), len(own))
                    line[f"{stage}_error"] = float(np.median([row[stage]["error"] for row in own]))
                lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, nargs=2, default=(10, 10), help="numbers of starts of 128 and of 224 px")
    parser.add_argument("--small", action="store_true", help="two starts of 24 px, without MICRO2D: seconds, for a test")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/cumulative_pixels.json")
    options = parser.parse_args()
    starts, iterations, polish = ({24: 2}, 20, 200) if options.small else (dict(zip(SIZES, options.starts, strict=True)), 60, POLISH)
    kinds = {size: targets(size, options.small) for size in starts}
    found = json.loads(options.output.read_text(encoding="utf-8")) if options.output.exists() else {"rows": []}
    found["machine"] = machine.describe() | {"command": " ".join(["python -m benchmarks.cumulative_pixels", *sys.argv[1:]])}
    done = {tuple(row[key] for key in ("kind", "size", "loss", "start")) for row in found["rows"]}
    rounds = sorted(((start + 1) / n, size, start) for size, n in starts.items() for start in range(n))  # sizes take turns
    ways = [(kind, size, name, start) for _, size, start in rounds for kind in kinds[size] for name in LOSSES]
    for number, way in enumerate(ways):
        if way in done:
            continue
        kind, size, name, start = way
        target = kinds[size][kind][start % len(kinds[size][kind])]
        row = {"kind": kind, "size": size, "loss": name, "start": start, "target": target.name}
        found["rows"].append(row | search(target.labels, name, start, iterations, polish))
        write(options.output, found)
        print(f"{number + 1} of {len(ways)}: {found['rows'][-1]}", flush=True)
    found["summary"] = summary(found["rows"])
    write(options.output, found)
    for line in found["summary"]:
        print(
            f"{line['kind']:12} {line['size'] or '':>4} {line['loss']:26} threshold {shown(line['threshold'])}, "
            f"exchange {shown(line['exchange'])}"
        )


if __name__ == "__main__":
    main()
