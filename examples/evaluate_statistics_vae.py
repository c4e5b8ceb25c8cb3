"""How good spatial-statistics VAEs are: labels, volume fraction, pixels, statistics and stiffness of what they reconstruct.

    python examples/evaluate_statistics_vae.py --runs statistics [--out evaluation] [--count 500] [--threshold T] [--small] [--seed 0]

Of the test images of `train_statistics_vae.py`, whose folder --runs is: a row for each network, whose threshold validation images choose,
and one for the training image nearest in statistics; the same of training images. Writes reconstructions.png, histograms.png, nearest.png
(the training images nearest to each reconstruction in statistics) and summary.json; prints the tables.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.data import read_micrographs
from twopoint_models.statistics_vae import LineImages, ResNetVAE, StatisticsConfig, figures_of_lines
from twopoint_models.statistics_vae.evaluate import choose_threshold, evaluate_statistics_vaes


def drawn(runs: Path, told: dict, config: StatisticsConfig, part: str, count: int) -> tuple[np.ndarray, dict[str, np.ndarray] | None]:
    """Return images (n, 1, H, W) of a part, and of lines their labels."""
    if told["n_lines"] is None:
        return read_micrographs(runs / "micrographs").patches(part, config.size, count)[0], None
    train, validation, test = told["counts"]
    first, most = {"train": (0, train), "validation": (train, validation), "test": (train + validation, test)}[part]
    count = min(count, most)
    images = LineImages(count, size=config.size, n_lines=told["n_lines"], seed=config.seed, first=first)
    with counting("images", "") as progress:
        found = images.stacked(progress=progress)
    return found["image"], {name: found[name] for name in ("orientation", "n_lines")}


def evaluate(options: argparse.Namespace) -> None:
    """Measure, draw and write."""
    folders = sorted(path.parent for path in options.runs.glob("*/model.json"))
    if not folders or not (options.runs / "summary.json").is_file():
        raise FileNotFoundError(f"--runs must hold what train_statistics_vae.py left, there is none, or no summary.json, in {options.runs}")
    told, config = next(iter(json.loads((options.runs / "summary.json").read_text()).values())), StatisticsConfig.read(folders[0])
    models, count, summary = {folder.name: ResNetVAE.load(folder) for folder in folders}, 20 if options.small else options.count, {}
    known = drawn(options.runs, told, config, "train", options.known)[0]
    seen = drawn(options.runs, told, config, "validation", count)
    thresholds = {name: options.threshold or choose_threshold(model, *seen) for name, model in models.items()}
    for part in ("train", "test"):
        images, labels = drawn(options.runs, told, config, part, count)
        own = {image.tobytes() for image in images} if part == "train" else set()
        others = known[[image.tobytes() not in own for image in known]]
        among = others if len(others) > len(images) else known  # of few, all
        found = evaluate_statistics_vaes(models, images, among, labels, threshold=thresholds)
        summary[part] = found.summary
        print(f"{part}: {json.dumps(found.summary, indent=1)}", flush=True)
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    measures = {name: found.measures[name] for name in models}
    for name, figure in figures_of_lines(images, found.reconstructions, measures, known, seed=options.seed):
        save(figure, options.out / f"{name}.png")


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("statistics"))
    parser.add_argument("--out", type=Path, default=Path("evaluation"))
    parser.add_argument("--count", type=int, default=500, help="test images, and as many of the training; of micrographs, patches of each")
    parser.add_argument("--known", type=int, default=20_000, help="training images among which the nearest is sought")
    parser.add_argument("--threshold", type=float, help="darker pixels are black; chosen on validation images by default")
    parser.add_argument("--small", action="store_true", help="20 images")
    parser.add_argument("--seed", type=int, default=0, help="chooses the images that are shown")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        evaluate(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
