"""Train the CESS VAE's regimes with several seeds and compare them by both measures, with intervals over images and seeds.

    python examples/compare_cess_regimes.py --small [--seeds 0 1 2] [--regimes mse ...] [--data generated.h5] [--rates FILE] [--out DIR]

DIR/seed-N/<regime> gets the networks; a second call resumes a run that was killed. Learning rates come from --rates, which a sweep by
train_cess_vae.py wrote; a regime that is missing there is swept first. Prints medians with 95 % intervals, also to DIR/summary.json.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import torch
from evaluate_cess_vae import row_of
from make_dataset import make

from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import REGIMES, CESSConfig, compare_seeds, score_rows, sweep_regime, train_cess_vae
from twopoint_models.cess_vae.evaluation.tables import seeds_table
from twopoint_models.cess_vae.presets import PRESETS
from twopoint_models.cess_vae.train import begin
from twopoint_models.data import CLASSES, MICRO2D
from twopoint_models.evaluation.trivial import TRIVIAL


def configs_of(options: argparse.Namespace) -> dict[str, CESSConfig]:
    """Return a config for each regime, with the numbers of a sweep."""
    given, configs, first = json.loads(options.rates.read_text()) if options.rates else {}, {}, options.out / f"seed-{options.seeds[0]}"
    given = given.get("trained", given)
    for name in options.regimes:
        found = given.get(name, {"start_learning_rate": given.get("mse", {}).get("learning_rate", 0.0)})
        config = CESSConfig.from_arguments(vars(options) | found, regime=name, seed=options.seeds[0])
        if options.rate:
            config = config.changed(start_learning_rate=config.start_learning_rate or config.learning_rate, learning_rate=options.rate)
        elif name not in given and options.trials:
            config = sweep_regime(config, first, trials=options.trials, epochs=options.trial_epochs, start=begin(config, first))
        configs[name] = config
    return configs


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("compared"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of weights, order and noise; the images are the same")
    parser.add_argument("--regimes", nargs="+", default=[name for name in REGIMES if "style" not in name], choices=REGIMES)
    parser.add_argument("--rates", type=Path, help="summary.json of train_cess_vae.py, or a result that holds it")
    parser.add_argument("--rate", type=float, help="learning rate of all second halves, in place of those of --rates")
    parser.add_argument("--count", type=int, default=1200, help="images of each class to generate where there is no --data")
    parser.add_argument("--trials", type=int, default=6, help="trials of the sweep of a regime without rates; 0 is no sweep")
    parser.add_argument("--trial-epochs", type=float, default=0.5, help="epochs of each; below 1 a share of one")
    tested = Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5"
    parser.add_argument("--tested", type=Path, default=tested, help="images to evaluate on; by default the 500 images in TWOPOINT_DATA")
    parser.add_argument("--small", action="store_true", help="the form for one core: 64 x 64, bfloat16 if the processor has it")
    CESSConfig.add_arguments(parser, omit=["regime", "seed"])
    if "--small" in sys.argv:
        parser.set_defaults(**(PRESETS["small"] | {"precision": "fast", "regimes": parser.get_default("regimes")}))
    options = parser.parse_args()
    options.data = options.data or str(options.out / "generated.h5")
    if not Path(options.data).is_file():
        make(argparse.Namespace(out=options.out, classes=CLASSES, seed=0, workers=1), options.count, options.size)
    torch.set_flush_denormal(True)  # without it a network of very small values is ten times slower
    runs = [(name, config, seed) for name, config in configs_of(options).items() for seed in options.seeds]
    images, scores = list(MICRO2D(options.tested, size=options.size)), {name: [] for name in options.regimes}
    with counting("runs", "") as progress:
        for done, (name, config, seed) in enumerate(runs):
            model = train_cess_vae(config.changed(seed=seed), options.out / f"seed-{seed}" / name, progress=False)
            scores[name].append(score_rows({name: row_of(model, "cpu")}, images)[0][name])
            progress(done + 1, len(runs))
    scores |= {row: [found] for row, found in score_rows(TRIVIAL, images)[0].items()}
    about = {"command": " ".join(["python examples/compare_cess_regimes.py", *sys.argv[1:]]), "seeds": options.seeds}
    summary = about | {"rates": {name: config.learning_rate for name, config, _ in runs}} | compare_seeds(scores)
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(seeds_table(summary))


if __name__ == "__main__":
    main()
