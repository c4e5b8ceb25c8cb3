"""Which of MICRO2D's classes is a real image in? A linear classifier that has only seen generated ones.

    TWOPOINT_DATA=... python examples/classify_micro2d.py [--out DIR] [--data FILE] [--images 200] [--workers 2] [--seed 0] [--small]

Logistic regression on 40 principal components of the autocorrelation, 64 x 64 lags, once trained on generated images and tested on all
real ones, once trained and tested on real ones, in five folds. Prints both accuracies and what is mistaken most, draws DIR/confusion.png,
and writes accuracies and matrices to DIR/summary.json.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from gallery_micro2d import made_images, real_images
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twopoint.adapters.sklearn_transformer import TwoPointTransformer
from twopoint.cli.showing.figures import save
from twopoint_models.data import CLASSES
from twopoint_models.evaluation.figures import confusion


def table(images: dict[str, np.ndarray], crop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a row of statistics and the class of each image."""
    statistics = TwoPointTransformer(n_phases=2, crop=crop, half_lags=True, dtype=np.float32)
    return statistics.fit_transform(np.concatenate(list(images.values()))), np.repeat(np.arange(len(images)), [*map(len, images.values())])


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("classify_micro2d"))
    parser.add_argument("--data", type=Path, help="by default the 500 images in TWOPOINT_DATA")
    parser.add_argument("--images", type=int, default=200, help="generated ones of each class")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="20 images of 64 x 64 of each class: seconds, for a test")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.data or Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5"
    number, workers = (20, 1) if options.small else (options.images, options.workers)
    real = real_images(path, 64 if options.small else None, 20 if options.small else None)
    size, crop = next(iter(real.values())).shape[1], 16 if options.small else 64
    X, y = table(real, crop)
    X_made, y_made = table(made_images(number, size, options.seed, workers), crop)
    model = make_pipeline(PCA(40, random_state=0), StandardScaler(), LogisticRegression(max_iter=5000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = {"real": cross_val_predict(model, X, y, cv=folds), "generated": model.fit(X_made, y_made).predict(X)}
    summary = {}
    for name, predicted in found.items():
        matrix = confusion_matrix(y, predicted)
        summary[name] = {"accuracy": float((predicted == y).mean()), "confusion": matrix.tolist()}
        wrong = matrix * (1 - np.eye(len(CLASSES), dtype=int))
        most = np.argsort(-wrong, axis=None)[:3].tolist()
        worst = [f"{CLASSES[i]} as {CLASSES[j]} {wrong[i, j]}" for i, j in (divmod(at, len(CLASSES)) for at in most)]
        print(
            f"trained on {name + ' images,':19} tested on {len(y)} real ones: accuracy {summary[name]['accuracy']:.3f}; {', '.join(worst)}"
        )
    summary["share"] = summary["generated"]["accuracy"] / summary["real"]["accuracy"]
    print(f"share of the accuracy that generated images give: {summary['share']:.3f}")
    titles = {f"trained on {name} images: {summary[name]['accuracy']:.3f}": np.array(summary[name]["confusion"]) for name in found}
    save(confusion(titles, CLASSES), options.out / "confusion.png")
    summary["classes"] = list(CLASSES)
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
