"""Are reconstructions recognised as of the class of their originals? By a classifier that has only seen originals.

    TWOPOINT_DATA=... python examples/recognise_reconstructions.py --runs DIR [--out DIR] [--data FILE] [--size 224] [--vgg FILE] [--small]

Logistic regression on texture vectors (Gram matrices of VGG-19, Lubbers et al., eqs. 2 to 4) is trained on the originals of four fifths
of the images, and asked for the class of the thresholded reconstructions, and of the originals, of the others.
Prints accuracies with 95 % intervals beside those of originals and blurred images; writes DIR/summary.json and DIR/confusion.png.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from evaluate_cess_vae import row_of
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.data import MICRO2D
from twopoint_models.evaluation.figures import confusion
from twopoint_models.evaluation.intervals import bootstrap_interval
from twopoint_models.evaluation.reconstructions import thresholded
from twopoint_models.evaluation.trivial import blurred
from twopoint_models.manifold import texture_vectors
from twopoint_models.weights import vgg19


def vectors(images: np.ndarray, network, at: str) -> np.ndarray:
    """Return a texture vector of each image; one phase alone, which has no texture, gets zeros."""
    some = images.min(axis=(1, 2, 3)) < images.max(axis=(1, 2, 3))
    one_more = np.indices(images.shape[2:]).sum(axis=0, keepdims=True) % 2  # so that there is always one
    with counting(f"texture vectors, {at}", "") as progress:
        found = texture_vectors(np.concatenate([images[some, 0], one_more], dtype=np.float32), network, progress=progress)
    return np.where(some[:, None], found[np.cumsum(some) - 1], 0)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, required=True, help="folder of folders with model.safetensors and model.json")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5")
    parser.add_argument("--out", type=Path, default=Path("recognised"))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--vgg", help="file of VGG-19's weights, or 'random'; by default fetched once")
    parser.add_argument("--small", action="store_true", help="one layer and few components: seconds, for a test")
    options = parser.parse_args()
    dataset = MICRO2D(options.data, size=options.size)
    images, classes = np.stack([item["image"] for item in dataset]), np.asarray(dataset.class_indices)
    layers = ("conv1_1", "conv2_1", "conv3_1")[: 1 if options.small else None]
    network = vgg19(options.vgg, layers=layers, pooling="mean", padding="circular")
    models = {path.parent.name: row_of(CESSVAE.load(path.parent), "cpu") for path in sorted(options.runs.glob("*/model.json"))}
    made = {"originals": lambda x: x, **models, "4-px blur": blurred}
    rows = {n: vectors(np.concatenate([thresholded(make(x)) for x in np.array_split(images, 20)]), network, n) for n, make in made.items()}
    found = {name: np.empty_like(classes) for name in made}
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(images, classes):
        judge = make_pipeline(PCA(5 if options.small else 60, whiten=True, random_state=0), LogisticRegression(max_iter=5000))
        judge.fit(rows["originals"][train], classes[train])
        for name, x in rows.items():
            found[name][test] = judge.predict(x[test])
    right = {name: (told == classes).astype(float) for name, told in found.items()}
    summary = {"images": len(images), "layers": layers, "rows": {}}
    for name, each in right.items():
        low, high = bootstrap_interval(each[None], np.mean)
        summary["rows"][name] = row = {"accuracy": each.mean(), "interval": [low, high], "share": each.mean() / right["originals"].mean()}
        print(f"{name:24} {row['accuracy']:.3f} ({low:.3f} to {high:.3f}), {row['share']:.2f} of that of originals")
    options.out.mkdir(parents=True, exist_ok=True)
    save(confusion({name: confusion_matrix(classes, told) for name, told in found.items()}, dataset.classes), options.out / "confusion.png")
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
