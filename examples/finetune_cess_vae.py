"""Fine-tune a CESS VAE on real images in folds of indices, and compare it with the network that it begins with.

    TWOPOINT_DATA=... python examples/finetune_cess_vae.py RUN [--regime cumulative_finetuned] [--folds 5] [--out DIR] [--small]

RUN is a folder with a network of two phases or the name of a published one. In each fold the images of all classes at one fifth of the
indices are tested, and the others trained; DIR/fold-K/<regime> gets the network, and a second call resumes. Prints, and writes to
DIR/summary.json, by class and for all images together, the median excess CESS of thresholded reconstructions of both, and the share of
images on which the fine-tuned network is nearer, with 95 % intervals by bootstrap over the images.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
from evaluate_cess_vae import row_of

from twopoint.cli.terminal import counting
from twopoint_models import load
from twopoint_models.cess_vae import CESSConfig, score_rows, train_cess_vae
from twopoint_models.cess_vae.evaluation.pairs import compare_pair, pair_table
from twopoint_models.data import MICRO2D, MICRO2DWriter


def written(path: Path, dataset: MICRO2D, kept: np.ndarray) -> str:
    """Write the images of a dataset that are kept to a file, unless it is there, and return its name."""
    items = [dataset[int(i)] for i in np.flatnonzero(kept)] if not path.is_file() else []
    names = [item["name"] for item in items]
    if items:
        with MICRO2DWriter(path, {name: names.count(name) for name in dataset.classes}, size=items[0]["image"].shape[-1]) as writer:
            for name in dataset.classes:
                writer.write(name, np.stack([item["image"][0] for item in items if item["name"] == name]).astype(np.uint8))
    return str(path)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder with a network, or the name of a published one")
    parser.add_argument("--out", type=Path, default=Path("finetuned"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--tested", type=Path, default=Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5")
    parser.add_argument("--small", action="store_true", help="two folds of 32 x 32, two epochs: seconds, for a test")
    CESSConfig.add_arguments(parser, omit=["data", "classes", "phases", "width", "depth", "latent_channels", "padding"])
    parser.set_defaults(regime="cumulative_finetuned", epochs=20, batch_size=8, learning_rate=3e-4, precision="fast")
    parser.set_defaults(fractions=(0.9, 0.1, 0.0))
    if "--small" in sys.argv:
        parser.set_defaults(folds=2, size=32, epochs=2, fractions=(0.5, 0.5, 0.0), precision="32-true")
    options = parser.parse_args()
    network, dataset = load(options.run), MICRO2D(options.tested, size=options.size)
    excess, names = {"before": [], "after": []}, []
    with counting("folds", "") as progress:
        for fold in range(options.folds):
            tested, folder = dataset.indices % options.folds == fold, options.out / f"fold-{fold}"
            folder.mkdir(parents=True, exist_ok=True)
            config = CESSConfig.from_arguments(vars(options), data=written(folder / "images.h5", dataset, ~tested))
            tuned = train_cess_vae(config, folder / config.regime, network=network, progress=False)
            rows = {"before": row_of(network, "cpu"), "after": row_of(tuned, "cpu")}
            scores, items = score_rows(rows, (dataset[int(i)] for i in np.flatnonzero(tested)))
            names += [item["name"] for item in items]
            for row, found in excess.items():
                found.append(scores[row].excess["thresholded"]["all lags"])
            progress(fold + 1, options.folds)
    table = compare_pair(np.concatenate(excess["before"]), np.concatenate(excess["after"]), names)
    about = {"command": " ".join(["python examples/finetune_cess_vae.py", *sys.argv[1:]]), "images": len(names)}
    (options.out / "summary.json").write_text(json.dumps(about | {"classes": table}, indent=2) + "\n")
    print(pair_table(table, "trained on generated images", "fine-tuned on real ones"))


if __name__ == "__main__":
    main()
