"""What predicts properties best: latents of each network, thumbnails, or principal components of 2-point statistics.

    python examples/compare_property_features.py --runs RUN ... [--out DIR] [--count 2500] [--size 64] [--seeds 5] [--small] [--seed 0] ...

RUN is the folder of `train_cess_vae.py` or a published network; images are generated. Each seed deals four fifths to the predictor, with
--augment decoded samples of latents too, and judges it by the rest; --published takes --data's own k_x, k_y (logarithms), in folds.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models import load
from twopoint_models.data import MICRO2D, generate_images
from twopoint_models.design import compare_descriptions, labelled
from twopoint_models.design.descriptions import decoded_samples, folds, latents_of, pooled_latents, random_splits
from twopoint_models.design.figures import scores_chart
from twopoint_models.design.tables import KEYS, table_of_scores
from twopoint_models.homogenisation import PROPERTIES, Materials


def compare(options: argparse.Namespace) -> dict:
    """Fit and judge; return the scores by description."""
    folders = (x for run in options.runs for x in ([at.parent for at in sorted(Path(run).glob("*/model.json"))] or [run]))
    models, names, augmented = {Path(run).name: load(run) for run in folders}, PROPERTIES, {}
    with counting("labels and fits", "") as progress:
        if options.published:
            dataset = MICRO2D(options.data, size=options.size, properties=["homogenized_thermal"], contrast=-1)
            images, names = np.stack([dataset[i]["image"] for i in range(len(dataset))]), ["log k_x", "log k_y"]
            values = np.log10(dataset.properties.astype(float))
        else:
            images = generate_images(options.count, options.size, seed=options.seed)
            how = dict(materials=Materials((c := options.contrast, 1.0), conductivities=(c, 1.0), plane=options.plane), progress=progress)
            values = labelled(images, **how, kept=options.out / "labels.npz")
        splits = (folds if options.published else random_splits)(len(images), options.seeds, seed=options.seed)
        latents, shape = latents_of(models, images), (len(images), -1, *(n // 16 for n in images.shape[2:]))
        for name in models if options.augment and not options.published else ():
            drawn, made = decoded_samples(models[name], latents[name], options.augment, options.size // 16, seed=options.seed)
            augmented[name] = drawn, labelled(made, **how, kept=options.out / f"{name}.npz")
        fit = dict(members=options.members, epochs=options.epochs, augmented=augmented, passes=options.passes)
        latents |= {f"{name}, pooled": pooled_latents(x.reshape(shape)) for name, x in latents.items()}
        return compare_descriptions(latents, images, values, names, splits, progress=lambda row, n, of: progress(n, of), **fit)


def main() -> None:
    """Run the example."""
    small, parser = "--small" in sys.argv, argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("property_features"))
    parser.add_argument("--runs", nargs="+", required=True, help="folders of networks, or names of published ones")
    parser.add_argument("--data", type=Path, help="file in MICRO2D's layout, for --published")
    parser.add_argument("--published", action="store_true", help="predict --data's own conductivities")
    numbers = {"count": (40 if small else 2500, "images"), "size": (64, "pixels"), "seeds": (2 if small else 5, "splits"), "seed": (0, "")}
    numbers |= {"augment": (0, "decoded samples"), "members": (1, "networks of a predictor"), "epochs": (3 if small else 200, "at most")}
    for name, (value, text) in (numbers | {"passes": (0, "of a convolutional network, a row of its own")}).items():
        parser.add_argument(f"--{name}", type=int, default=value, help=text)
    parser.add_argument("--contrast", type=float, default=10.0, help="of moduli and conductivities of phase 0 over phase 1")
    parser.add_argument("--plane", choices=("strain", "stress"), default="strain")
    parser.add_argument("--small", action="store_true", help="40 images, 3 epochs: seconds, for a test")
    options, began = parser.parse_args(), time.perf_counter()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        scores = compare(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    save(scores_chart(scores), options.out / "scores.png")
    command = " ".join(["python examples/compare_property_features.py", *sys.argv[1:]])
    about = {"command": command, "seconds": time.perf_counter() - began, "scores": scores}
    (options.out / "summary.json").write_text(json.dumps(about, indent=2) + "\n")
    print(tables := "\n".join(table_of_scores(scores, key) for key in KEYS))
    (options.out / "tables.md").write_text(tables)


if __name__ == "__main__":
    main()
