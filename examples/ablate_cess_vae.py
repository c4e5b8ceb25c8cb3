"""Take our regimes of the CESS VAE apart: train a network once with all parts and once without each, for equally many steps.

    python examples/ablate_cess_vae.py NETWORK --data generated.h5 [--rows whole "no noise" ...] [--out DIR] [--small]

NETWORK is a folder with a network trained by MSE, or the name of a published one; all rows begin with it, and --data holds images in
MICRO2D's layout. DIR/<row>/<regime> gets the networks; a second call resumes a run that was killed. Evaluates them on --tested and prints
medians with 95 % intervals by bootstrap over the images, and the share of images on which each is nearer than the first, thresholded.
Writes DIR/summary.json.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import torch
from evaluate_cess_vae import row_of

from twopoint.cli.terminal import counting
from twopoint_models import load
from twopoint_models.cess_vae import CESSConfig, score_rows, train_cess_vae
from twopoint_models.cess_vae.evaluation.tables import overview, summarise
from twopoint_models.data import MICRO2D

OURS = dict(regime="adversarial", adversarial_weight=0.0, cess_weight=100.0, cumulative_weight=25.0)
ROWS = {
    "whole": OURS,
    "no noise": OURS | dict(noise="never"),
    "no CESS": OURS | dict(cess_weight=0.0),
    "no cumulative statistics": OURS | dict(cumulative_weight=0.0),
    "no means over blocks": OURS | dict(means_weight=0.0),
    "no distance of patches": OURS | dict(patches_weight=0.0),
    "no deeper decoder": OURS | dict(decoder_depth=(1, 1, 1, 1, 1)),
    "with a discriminator": OURS | dict(adversarial_weight=1.0, discriminator_rate=0.5),
    "sharp": dict(regime="sharp"),
    "sharp, no noise": dict(regime="sharp", noise="never"),
    "sharp, no threshold": dict(regime="sharp", threshold=False),
    "sharp, no short lags": dict(regime="sharp", short_weight=0.0),
    "crop": dict(regime="crop_finetuned"),
    "crop with noise": dict(regime="crop_finetuned", noise="always"),
    "cumulative": dict(regime="cumulative_finetuned"),
    "cumulative with noise": dict(regime="cumulative_finetuned", noise="always"),
}
VARIED = sorted({name for row in ROWS.values() for name in row})


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", help="folder with a network, or the name of a published one")
    parser.add_argument("--out", type=Path, default=Path("ablated"))
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS, metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--tested", type=Path, default=Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5")
    parser.add_argument("--small", action="store_true", help="two epochs of 32 x 32: seconds, for a test")
    CESSConfig.add_arguments(parser, omit=[*VARIED, "classes", "phases", "width", "depth", "latent_channels", "padding"])
    parser.set_defaults(epochs=2, restart_every=2, batch_size=8, learning_rate=2e-3, precision="fast", fractions=(0.95, 0.05, 0.0))
    if "--small" in sys.argv:
        parser.set_defaults(size=32, epochs=1, fractions=(0.5, 0.5, 0.0), precision="32-true")
    options = parser.parse_args()
    torch.set_flush_denormal(True)  # without it a network of very small values is ten times slower
    start, images, rows = load(options.network), list(MICRO2D(options.tested, size=options.size)), {}
    with counting("rows", "") as progress:
        for done, name in enumerate(options.rows):
            config = CESSConfig.from_arguments(vars(options), **ROWS[name])
            rows[name] = row_of(train_cess_vae(config, options.out / name / config.regime, network=start, progress=False), "cpu")
            progress(done + 1, len(options.rows))
    summary = summarise(score_rows(rows, images)[0], [item["name"] for item in images])
    about = {"command": " ".join(["python examples/ablate_cess_vae.py", *sys.argv[1:]]), "size": options.size}
    (options.out / "summary.json").write_text(json.dumps(about | summary, indent=2) + "\n")
    print(overview(summary))
    for name in options.rows[1:]:
        print(f"{name}: nearer than {options.rows[0]} on {summary['pairwise']['thresholded']['all lags'][name][options.rows[0]]:.2f}")


if __name__ == "__main__":
    main()
