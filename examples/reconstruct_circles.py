"""Figures 2 and 3 of Cai et al.: five discs from their 2-point statistics, by MSESS and CESS, with and without clamp.

    python examples/reconstruct_circles.py [--out DIR] [--seed 0] [--starts 10] [--targets 3] [--small]

Prints for each loss the share of the starts that find the original up to translation and inversion (intersection over union of the discs of
at least 0.9 after alignment), by target; draws the best start of each loss, and writes the figures to DIR/summary.json.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

import twopoint as tp
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.showing.figures import draw, save
from twopoint.cli.showing.panels import Field
from twopoint.synthetic import circles
from twopoint_models.evaluation.reconstructions import periodic_overlap

CLAMP = (1e-7, tp.clamp, {"sigma": 0.05})  # at its largest; the schedule comes to it in steps
RISE = {"pulls": (0.0,) * 9, "clamps": (0.0, *np.geomspace(1e-3, 1.0, 9))}
PLAIN = {"pulls": (), "tries": 1, "polish": 0}  # the descent alone, as in Fig. 2
LOSSES = {"MSESS": (1.0, tp.msess, {}), "CESS": (1.0, tp.cess, {"excess": True})}


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reconstruct_circles"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--targets", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="56 x 56, one target, two starts: seconds, for a test")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    size, starts, targets = (56, 2, 1) if options.small else (224, options.starts, options.targets)
    summary: dict[str, list[dict[str, object]]] = {}
    shown = []
    for number in range(targets):
        labels = circles((size, size), radius=20.0 * size / 224, rng=np.random.default_rng(options.seed + number)).astype(np.int64)
        known = tp.target_statistics(tp.two_phase(labels))
        panels = [Field(labels, "original", "phases", Spacing().along(2), 2)]
        for name, loss in LOSSES.items():
            for clamped in (False, True):
                begin = time.perf_counter()
                how = RISE if clamped else PLAIN
                found = tp.reconstruct(known, loss=[loss, CLAMP] if clamped else [loss], starts=starts, seed=options.seed, **how)
                seconds = (time.perf_counter() - begin) / starts
                overlaps = [periodic_overlap(labels, x) for x in found.labels]
                share, title = float(np.mean([x >= 0.9 for x in overlaps])), name + " + clamp" * clamped
                errors = [tp.statistics_error(x, known) for x in found.labels]
                figures = {"share": share, "overlaps": overlaps, "errors": errors, "seconds_a_start": seconds}
                summary.setdefault(title, []).append(figures)
                print(f"target {number}, {title:14} found by {share:.2f} of the starts, {seconds:.1f} s a start", flush=True)
                panels.append(Field(found.field[0, 1], f"{title}: overlap {overlaps[0]:.2f}", "gray", Spacing().along(2)))
                (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        shown += panels
    save(
        draw(shown, title="five discs from their 2-point statistics; soft phases of the best start", columns=5), options.out / "circles.png"
    )
    for title, results in summary.items():
        print(f"{title:14} found by {np.mean([result['share'] for result in results]):.2f} of the starts on average")


if __name__ == "__main__":
    main()
