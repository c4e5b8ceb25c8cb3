"""Train the CESS VAE on microstructures by one regime or all of them, optionally after a sweep of their hyperparameters.

    python examples/train_cess_vae.py --data generated.h5 [--regimes sharp mse ...|all] [--trials 25] [--out runs] [--small] [--seed 0] ...

DIR/<regime> gets the network, its choices, logs, pictures and checkpoints; a second call resumes. `--help` lists all, such as presets.
"""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

from make_dataset import make

from twopoint.cli.reading.load import ReadingOptions, load
from twopoint.cli.terminal import counting
from twopoint_models import load as load_network
from twopoint_models.cess_vae import REGIMES, CESSConfig, sweep_regimes, train_regimes
from twopoint_models.cess_vae.presets import PRESETS
from twopoint_models.data import CLASSES, SlidingWindows
from twopoint_models.data.modules import PatchesModule


def own_images(files: list[str], config: CESSConfig) -> PatchesModule:
    """Return patches of micrographs; parts of a split are made of blocks of two patches by two, so that none overlap."""
    images = (load(name, ReadingOptions(phases=2)).segmentation.labels for name in files)
    windows = SlidingWindows.in_blocks(images, config.size, max(config.size // 4, 1))
    return PatchesModule(windows, fractions=config.fractions, batch_size=config.batch_size, workers=config.workers, order_seed=config.seed)


def train_cess_vae(options: argparse.Namespace) -> dict:
    """Make what is missing, sweep, train, and return how long it took and the results."""
    own = {} if options.data or options.images else {"data": str(options.out / "generated.h5")}
    configs = {name: CESSConfig.from_arguments(vars(options), regime=name, **own) for name in options.regimes}
    options.out.mkdir(parents=True, exist_ok=True)
    if own and not Path(own["data"]).is_file():
        make(argparse.Namespace(out=options.out, classes=CLASSES, seed=options.seed, workers=2), options.count, options.size)
    how, summary = dict(data=options.images and partial(own_images, options.images), processes=options.processes), {}
    with counting("sweeps, then training", "") as bar:
        if options.trials and not options.network:
            began = time.perf_counter()
            configs = sweep_regimes(configs, options.out, options.trials, options.trial_epochs, progress=bar, **how)
            summary["sweep_seconds"] = time.perf_counter() - began
        began, network = time.perf_counter(), options.network and load_network(options.network)
        train_regimes(configs, options.out, network=network, progress=bar if options.processes > 1 else None, **how)
    summary["training_seconds"] = time.perf_counter() - began
    summary |= {x: {k: getattr(c, k) for k in ("learning_rate", "start_learning_rate", *REGIMES[x].swept)} for x, c in configs.items()}
    return summary


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--regimes", nargs="+", default=["sharp"], choices=["all", *REGIMES])
    parser.add_argument("--images", nargs="+", help="your own micrographs in place of --data, segmented by Otsu's method")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--network", help="folder or name of a trained network to begin with, in place of a sweep and first halves")
    parser.add_argument("--count", type=int, default=1200, help="images of each class to generate where there are neither")
    begin.add_argument("--trials", type=int, default=0, help="trials of the sweep of each regime; 0 is no sweep")
    parser.add_argument("--trial-epochs", type=float, default=5, help="epochs of each; below 1 a share of one")
    parser.add_argument("--processes", type=int, default=1, help="regimes at a time, each on one core then")
    for name in PRESETS:
        parser.add_argument(f"--{name}", action="store_true", help=f"the preset {name!r}: {PRESETS[name]}".replace("%", "%%"))
    CESSConfig.add_arguments(parser)
    preset = next((PRESETS[name] for name in PRESETS if f"--{name}" in sys.argv), {})
    parser.set_defaults(**preset | ({"padding": "zeros"} if "--images" in sys.argv else {}))  # micrographs are not periodic
    options = parser.parse_args()
    options.regimes = list(REGIMES) if "all" in options.regimes else options.regimes
    try:
        print(text := json.dumps(train_cess_vae(options), indent=2))
        (options.out / "summary.json").write_text(text + "\n")
    except (ArithmeticError, OSError, TypeError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
