"""Descent on the positions of lines: how often it finds their spacings, by each loss.

    python -m benchmarks.cumulative_positions [--small] [--output benchmarks/results/cumulative_positions.json]

Soft lines with the profile of a Gaussian of standard deviation .7 px, in periodic images of 224 px, start at random positions and move
by Adam, rate .5 with a cosine to zero, 1000 steps, by the gradient of a loss on the statistics of as many lines. A start has found the
target if each gap between neighbouring lines is right to 1 px, up to a shift and a mirror. Images have one column: lines across a
periodic image of any width have the same losses, because a box of lags has the mean of its first axis.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import twopoint as tp
from twopoint.cli.terminal import counting

from . import machine
from .intervals import shown, wilson, write

SIZE, WIDTH, RATE = 224, 0.7, 0.5
EXCESS = {"excess": True}
CUMULATIVE = {**EXCESS, "cumulative": True}
LOSSES: dict[str, list[tuple[float, Any, dict[str, Any]]]] = {
    "MSESS": [(1.0, tp.msess, {})],
    "CESS": [(1.0, tp.cess, EXCESS)],
    "cumulative MSESS": [(1.0, tp.msess, {"cumulative": True})],
    "cumulative CESS": [(1.0, tp.cess, CUMULATIVE)],
    "CESS + cumulative CESS": [(1.0, tp.cess, EXCESS), (1.0, tp.cess, CUMULATIVE)],
    "energy": [(1.0, tp.msess, {"weight": "energy"})],
}
SCHEDULES = {  # losses of the thirds of a descent
    "energy, cumulative, CESS": ("energy", "cumulative CESS", "CESS"),
    "cumulative, cumulative, CESS": ("cumulative CESS", "cumulative CESS", "CESS"),
}
TARGETS = {"two lines": (0.0, 100.0), "three lines": (0.0, 40.0, 100.0), "five lines": (0.0, 20.0, 65.0, 100.0, 160.0)}
BARS = {("two lines", "cumulative CESS"): 0.80, ("three lines", "cumulative CESS"): 0.80}


def lines(positions: torch.Tensor, size: int) -> torch.Tensor:
    """Return phase 1, (..., 1, size, 1), of lines at positions (..., lines): one minus the product of what is beside each line."""
    distance = torch.arange(size, dtype=positions.dtype) - positions[..., None]  # (..., lines, size)
    distance = distance - size * torch.round(distance / size)
    beside = 1 - torch.exp(-(distance**2) / (2 * WIDTH**2))
    return 1 - torch.prod(beside, dim=-2)[..., None, :, None]


def found(positions: np.ndarray, target: np.ndarray, size: int) -> np.ndarray:
    """Return for each start whether its gaps are those of the target within 1 px, up to a shift and a mirror."""
    ordered = np.sort(np.mod(positions, size), axis=-1)
    gaps = np.mod(np.roll(ordered, -1, axis=-1) - ordered, size)
    own = np.mod(np.roll(np.sort(target), -1) - np.sort(target), size)
    same = [np.all(np.abs(gaps - np.roll(each, shift)) <= 1, axis=-1) for each in (own, own[::-1]) for shift in range(len(own))]
    return np.any(same, axis=0)


def descend(stages: tuple[str, ...], target: np.ndarray, begin: np.ndarray, size: int, steps: int) -> np.ndarray:
    """Return the positions (starts, lines) after the descent; the stages follow each other in equal parts of the steps."""
    known = tp.target_statistics(lines(torch.tensor(target), size), implied_phase=True)
    positions = torch.tensor(begin, requires_grad=True)
    adam = torch.optim.Adam([positions], lr=RATE)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for step in range(steps):
        terms = LOSSES[stages[step * len(stages) // steps]]
        adam.zero_grad()
        m = lines(positions, size)
        sum(weight * loss(m, known, reduction="sum", **options) for weight, loss, options in terms).backward()
        adam.step()
        rate.step()
    return positions.detach().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="20 starts of 30 steps in 56 px: seconds, for a test")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/cumulative_positions.json")
    options = parser.parse_args()
    size, starts, steps = (56, 20, 30) if options.small else (SIZE, 200, 1000)
    torch.set_num_threads(1)
    ways = {name: (name,) for name in LOSSES} | SCHEDULES
    rows: list[dict[str, Any]] = []
    with counting(f"{len(TARGETS) * len(ways)} descents", "") as progress:
        for number, (kind, places) in enumerate(TARGETS.items()):
            target = np.array(places) * size / SIZE
            begin = np.random.default_rng([number, 7]).uniform(0, size, (starts, len(target)))
            for name, stages in ways.items():
                begun = time.perf_counter()
                share = wilson(int(found(descend(stages, target, begin, size, steps), target, size).sum()), starts)
                row: dict[str, Any] = {"lines": kind, "loss": name} | share | {"seconds": round(time.perf_counter() - begun, 1)}
                if (kind, name) in BARS:
                    row |= {"limit": f">= {BARS[kind, name]:g}", "held": share["figure"] >= BARS[kind, name]}
                rows.append(row)
                print(f"{kind:12}{name:30}{shown(share)}{'' if row.get('held', True) else ' missed, required ' + row['limit']}", flush=True)
                progress(len(rows), len(TARGETS) * len(ways), 0.0)
    by_chance = {kind: wilson(*_by_chance(np.array(places))) for kind, places in TARGETS.items()}
    about = machine.describe() | {"command": "python -m benchmarks.cumulative_positions"}
    write(options.output, {"machine": about, "size": size, "starts": starts, "steps": steps, "rows": rows, "by_chance": by_chance})


def _by_chance(target: np.ndarray, draws: int = 100_000) -> tuple[int, int]:
    """Return how many of many random positions are found without a descent."""
    drawn = np.random.default_rng(0).uniform(0, SIZE, (draws, len(target)))
    return int(found(drawn, target, SIZE).sum()), draws


if __name__ == "__main__":
    main()
