"""Train the CESS VAE on microstructures by one regime or all of them, optionally after a sweep of their hyperparameters.

    python examples/train_cess_vae.py --data generated.h5 [--regimes sharp mse ...|all] [--trials 25] [--out runs] [--small] [--seed 0] ...

DIR/<regime> gets the network (`CESSVAE.load`), its config, logs, pictures and checkpoints; a second call resumes a run that was
killed. `--images FILE ...` takes patches of your own micrographs, segmented by Otsu's method. `--small`, `--medium`, `--paper`: 64 x 64
and 224 x 224 on two cores, and the paper's choices. `--help` lists all. Prints, and writes to DIR/summary.json, time and sweep.
"""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from make_dataset import make

from twopoint.cli.reading.load import ReadingOptions, load
from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import REGIMES, CESSConfig, sweep_regimes, train_regimes
from twopoint_models.cess_vae.presets import PRESETS
from twopoint_models.data import CLASSES, SlidingWindows
from twopoint_models.data.modules import PatchesModule


def own_images(files: list[str], config: CESSConfig) -> PatchesModule:
    """Return patches of micrographs; parts of a split are made of blocks of two patches by two, so that none overlap."""
    images = (load(name, ReadingOptions(phases=2)).segmentation.labels for name in files)
    windows = SlidingWindows.in_blocks(images, config.size, max(config.size // 4, 1))
    return PatchesModule(windows, fractions=config.fractions, batch_size=config.batch_size, workers=config.workers, order_seed=config.seed)


def train_cess_vae(options: argparse.Namespace) -> dict[str, Any]:
    """Make what is missing, sweep, train, and return how long it took and the results."""
    own = {} if options.data or options.images else {"data": str(options.out / "generated.h5")}
    names = REGIMES if "all" in options.regimes else options.regimes
    configs = {name: CESSConfig.from_arguments(vars(options), regime=name, **own) for name in names}
    options.out.mkdir(parents=True, exist_ok=True)
    if own and not Path(own["data"]).is_file():
        make(argparse.Namespace(out=options.out, classes=CLASSES, seed=options.seed, workers=2), options.count, options.size)
    how, began = dict(data=options.images and partial(own_images, options.images), processes=options.processes), time.perf_counter()
    with counting("sweeps, then training", "") as bar:
        if options.trials:
            configs = sweep_regimes(configs, options.out, options.trials, options.trial_epochs, progress=bar, **how)
            sweeping, began = time.perf_counter() - began, time.perf_counter()
        train_regimes(configs, options.out, progress=bar if options.processes > 1 else None, **how)
    summary = {"training_seconds": time.perf_counter() - began} | ({"sweep_seconds": sweeping} if options.trials else {})
    print(f"training took {summary['training_seconds']:.0f} s")
    for name, config in configs.items():
        summary[name] = {field: getattr(config, field) for field in ("learning_rate", "start_learning_rate", *REGIMES[name].swept)}
        print(f"{name}: {options.out / name}; {', '.join(f'{key} {value:.3g}' for key, value in summary[name].items())}")
    return summary


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--regimes", nargs="+", default=["sharp"], choices=["all", *REGIMES])
    parser.add_argument("--images", nargs="+", help="your own micrographs, in place of --data")
    parser.add_argument("--count", type=int, default=1200, help="images of each class to generate where there are neither")
    parser.add_argument("--trials", type=int, default=0, help="trials of the sweep of each regime; 0 is no sweep")
    parser.add_argument("--trial-epochs", type=float, default=5, help="epochs of each; below 1 a share of one")
    parser.add_argument("--processes", type=int, default=1, help="regimes at a time, each on one core then")
    for name in PRESETS:
        parser.add_argument(f"--{name}", action="store_true", help="a preset")
    CESSConfig.add_arguments(parser)
    preset = next((PRESETS[name] for name in PRESETS if f"--{name}" in sys.argv), {})
    parser.set_defaults(**preset | ({"padding": "zeros"} if "--images" in sys.argv else {}))  # micrographs are not periodic
    options = parser.parse_args()
    try:
        (options.out / "summary.json").write_text(json.dumps(train_cess_vae(options), indent=2) + "\n")
    except (ArithmeticError, OSError, TypeError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
