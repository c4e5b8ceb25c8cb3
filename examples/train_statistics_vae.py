"""Train the spatial-statistics VAE and a vanilla one on images of lines.

    python examples/train_statistics_vae.py [--out statistics] [--n-lines 1 5 | --images FILE ...] [--small | --invariant | --paper] ...

`--help` lists every choice. DIR/data and DIR/statistics get a network each (`ResNetVAE.load`), its config, logs, pictures of each epoch and
checkpoints: one, vanilla, compares pixels, with alpha = 1, the other autocorrelations; `--compare data cumulative` trains one by cumulative
statistics. `--finetune`, what `--small` does, starts from what the vanilla one learnt, at half the learning rate. A second call resumes a
run that was killed. `--small` is a form for two cores: 64 x 64, ResNet-18, from scratch. `--invariant` is another: it encodes statistics,
and its first network, DIR/aligned, compares pixels of aligned images. `--paper`, the default, is the paper's. summary.json has the seconds.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from twopoint.cli.reading.image import read
from twopoint_models.checks import NotFiniteError
from twopoint_models.data import keep_images, read_micrographs
from twopoint_models.data.modules import PatchesModule
from twopoint_models.data.modules.parts import PartsModule
from twopoint_models.statistics_vae import LinesModule, StatisticsConfig, train_statistics_vae
from twopoint_models.statistics_vae.config import COMPARED, PIXELS, PRESETS

COUNTS = (80_000, 10_000, 10_000)
FORMS = {"small": "for two cores", "invariant": "for two cores, without positions in the latents", "paper": "as in the paper, the default"}


def made_module(options: argparse.Namespace, config: StatisticsConfig) -> PartsModule:
    """Return images of lines, or patches of your own micrographs."""
    loading = dict(seed=config.seed, batch_size=config.batch_size, workers=config.workers)
    if options.images:
        keep_images(options.out / "micrographs", options.images, lambda path: read(path).values)
        parts = read_micrographs(options.out / "micrographs").windows(config.size, config.size // 4)
        return PatchesModule(parts, white=255, **loading)
    return LinesModule(options.counts, size=config.size, n_lines=tuple(options.n_lines), **loading)


def main() -> None:
    """Run the example."""
    form = next((each for each in PRESETS if f"--{each}" in sys.argv), "paper")
    quick, pixels = form != "paper", "aligned" if form == "invariant" else "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("statistics"))
    parser.add_argument("--compare", nargs="+", choices=COMPARED, default=[pixels, "statistics"], help="a network for each")
    parser.add_argument(
        "--finetune", action=argparse.BooleanOptionalAction, default=quick, help="start from the first by pixels, at half the rate"
    )
    parser.add_argument("--counts", type=int, nargs=3, default=(20_000, 500, 500) if quick else COUNTS, help="to train, validate and test")
    parser.add_argument("--n-lines", type=int, nargs=2, default=(1, 5), help="fewest and most lines; 3 7 is the harder set")
    parser.add_argument("--images", nargs="+", help="your own micrographs, in place of lines")
    for each, text in FORMS.items():
        parser.add_argument(f"--{each}", action="store_true", help=text)
    StatisticsConfig.add_arguments(parser, omit=["compared", "start"], **PRESETS[form])
    options, summary = parser.parse_args(), {}
    try:
        for compared in options.compare:
            began, vanilla = time.perf_counter(), compared in PIXELS
            first = next((each for each in options.compare if each in PIXELS), pixels)
            start = str(options.out / first) if options.finetune and not vanilla else ""
            own = dict(compared=compared, start=start) | (dict(alpha=1.0, aligned_weight=0.0) if vanilla else {})
            config = StatisticsConfig.from_arguments(vars(options), **own)
            if start:
                config = config.changed(learning_rate=config.learning_rate / 2)
            train_statistics_vae(config, options.out / compared, made_module(options, config))
            about = {"counts": options.counts, "n_lines": None if options.images else options.n_lines}
            summary[compared] = about | {"seconds": time.perf_counter() - began}
            print(f"{compared}: {options.out / compared}, {summary[compared]['seconds']:.0f} s")
    except (OSError, TypeError, ValueError, NotFiniteError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
