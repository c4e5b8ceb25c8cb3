"""Train the spatial-statistics VAE and a vanilla one on images of lines.

    python examples/train_statistics_vae.py [--out statistics] [--compare statistics data] [--n-lines 1 5] [--small] [--seed 0] ...

`--help` lists every choice. DIR/statistics and DIR/data get a network each (`ResNetVAE.load`), its config, logs, pictures of each epoch and
checkpoints: one compares autocorrelations, the other, vanilla, pixels, with alpha = 1. Call it again to go on after a kill. `--small` is
the form for two cores: 64 x 64, ResNet-18, from scratch. Prints, and writes to DIR/summary.json, how long it took.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from twopoint_models.data.modules import LinesModule
from twopoint_models.training import StatisticsConfig, train_statistics_vae

PAPER = dict(epochs=1500, restart_every=1500)
SMALL = dict(size=64, layout=18, epochs=30, restart_every=30, learning_rate=2e-3, gradient_clip=1.0, width=4, alpha=100.0)
COUNTS = (80_000, 10_000, 10_000)


def main() -> None:
    """Run the example."""
    small = "--small" in sys.argv
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("statistics"))
    parser.add_argument("--compare", nargs="+", choices=("statistics", "data"), default=["statistics", "data"], help="a network for each")
    parser.add_argument("--counts", type=int, nargs=3, default=(10_000, 500, 500) if small else COUNTS, help="to train, validate and test")
    parser.add_argument("--n-lines", type=int, nargs=2, default=(1, 5), help="fewest and most lines; 3 7 is the harder set")
    parser.add_argument("--small", action="store_true", help="the form for two cores")
    StatisticsConfig.add_arguments(parser, omit=["compared"], **(SMALL if small else PAPER))
    options, summary = parser.parse_args(), {}
    try:
        for compared in options.compare:
            began, alpha = time.perf_counter(), options.alpha if compared == "statistics" else 1.0
            config = StatisticsConfig.from_arguments(vars(options), compared=compared, alpha=alpha)
            module = LinesModule(
                options.counts,
                size=config.size,
                n_lines=tuple(options.n_lines),
                seed=config.seed,
                batch_size=config.batch_size,
                workers=config.workers,
            )
            train_statistics_vae(config, options.out / compared, module)
            summary[compared] = {"seconds": time.perf_counter() - began, "counts": options.counts, "n_lines": options.n_lines}
            print(f"{compared}: {options.out / compared}, {summary[compared]['seconds']:.0f} s")
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
