"""A table of the properties of your own microstructures, predicted from latents in milliseconds, some checked by homogenisation.

    python examples/predict_properties.py --runs runs/sharp --data own.h5 [--predictor DIR] [--out DIR] [--count 2500] [--small] [--seed 0]

--runs is a folder of one network of `train_cess_vae.py`, --data a file in MICRO2D's layout. Without --predictor one is trained: on --count
generated images, homogenised, and kept in DIR/predictor. Writes DIR/properties.csv: class and index of each image, each property with its
interval, which tells how far to trust it. Prints, and writes to DIR/summary.json, the relative error for --check of the images,
homogenised. Phases 0 and 1 have 10 and 1 GPa, Poisson's ratio 0.3, plane strain; conductivities 10 and 1.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.cli.many import write_csv
from twopoint_models.cli.properties import predicted_columns, predicted_numbers
from twopoint_models.data import MICRO2D, generate_images
from twopoint_models.design import ImagePredictor, Materials, labelled, train_predictor


def trained(options: argparse.Namespace, size: int) -> ImagePredictor:
    """Return the predictor, and keep one that had to be trained."""
    if options.predictor:
        return ImagePredictor.load(options.predictor)
    images = generate_images(options.count, size, seed=options.seed)[:, 0]
    with counting("labels, then passes", "") as bar:
        how = dict(epochs=options.epochs, seed=options.seed, kept=options.out / "labels.npz", progress=bar)
        found = train_predictor(CESSVAE.load(options.runs), images, Materials(), **how)
    found.save(options.out / "predictor")
    return found


def predict(options: argparse.Namespace) -> dict[str, float]:
    """Write the table, and return the error of each property for the images that are checked."""
    dataset = MICRO2D(options.data, size=options.size)
    items = [dataset[i] for i in range(len(dataset))]
    images = np.concatenate([item["image"] for item in items])
    predictor = trained(options, images.shape[-1])
    numbers = predicted_numbers(predictor, images)
    rows = ([item["name"], item["index"], *row] for item, row in zip(items, numbers.tolist(), strict=True))
    write_csv(options.out / "properties.csv", ["class", "index", *predicted_columns(predictor)], rows)
    chosen = np.random.default_rng(options.seed).permutation(len(images))[: options.check]
    errors = np.abs(numbers[chosen, ::3] / labelled(images[chosen, None], predictor.properties) - 1)
    return dict(zip(predictor.properties, np.median(errors, axis=0).tolist(), strict=True))


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("properties"))
    parser.add_argument("--runs", type=Path, required=True, help="folder of a trained network")
    parser.add_argument("--data", type=Path, required=True, help="images in MICRO2D's layout")
    parser.add_argument("--predictor", type=Path, help="folder that an earlier call left, DIR/predictor")
    parser.add_argument("--size", type=int, help="pixels to which images are resized")
    numbers = {"count": (2500, "images learnt"), "epochs": (200, "at most"), "check": (20, "images homogenised"), "seed": (0, "")}
    for name, (value, text) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=text)
    parser.add_argument("--small", action="store_true", help="20 images, 2 passes: seconds, for a test")
    options = parser.parse_args()
    options.count, options.epochs = (20, 2) if options.small else (options.count, options.epochs)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        summary = predict(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print("median relative error: " + ", ".join(f"{name} {value:.2%}" for name, value in summary.items()))


if __name__ == "__main__":
    main()
