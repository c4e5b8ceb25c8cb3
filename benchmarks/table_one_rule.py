"""What a setting of the three-parameter task of Lubbers et al. gives, and the rule that chooses one without a look at Table I.

A setting holds conditions of three figures; the one that holds most is chosen. If several hold as many, it is the one whose stress bends
nearest to six dimensions; then the one whose power spectrum falls most as in Fig. 4; then the one that bends most sharply.

- Fig. 6: the power spectrum's error is above .2 rad at A = 1 and 4 and below .1 from 2 to 3.5; the CNN's is at most .05 at A = 1 and 4
- Fig. 7: the stress of the CNN is below that of the power spectrum, and both grow from A = 1 to 4
- Fig. 8: the stress of the CNN is below that of the power spectrum at 2, 4, 6 and 10 dimensions
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from twopoint_models.manifold import Embedding, angle_error, embed, linear_r2, regression_angle
from twopoint_models.nets.vgg import WIDTHS

SCALINGS = ("root", "printed")
CURVE = tuple(range(1, 11))  # dimensions of Fig. 8
FEW = (2, 4, 6, 10)
TABLE = (2, 3, 4, 5, 6, 10, 50)
CNN_FINDS = 0.05  # rad
FIGURES = ("power spectrum's window", "CNN's angles", "CNN's stress at each A", "stress grows with A", "CNN's stress at each dimension")


def combine(layers: np.ndarray, scaling: str, size: int) -> np.ndarray:
    """Return distances over all layers, (..., n, n), from those of each with the root's scaling, (..., 5, n, n).

    ``w / A`` is the square of ``sqrt(w / A) = 1 / (2 N M)``, with N channels of M points.
    """
    points = [(size >> i) ** 2 for i in range(len(WIDTHS))]
    factors = [1.0 if scaling == "root" else 1 / (2 * n * m) for n, m in zip(WIDTHS, points, strict=True)]
    return np.sqrt(np.einsum("...lij,l->...ij", layers.astype(np.float64) ** 2, np.square(factors)))


def angles(distances: np.ndarray) -> dict[str, list[float]]:
    """Return the error and the stress of the angle task, a number for each matrix of distances."""
    found = [embed(d, 2) for d in distances]
    true = np.arange(distances.shape[1]) * np.pi / distances.shape[1]
    return {"rmse": [angle_error(each.points, true).rmse for each in found], "stress": [each.stress for each in found]}


def knee(stress: np.ndarray, dimensions: np.ndarray) -> tuple[int, float]:
    """Return where two lines, which meet there, fit the logarithm of the stress best, and the second slope over the first."""
    logs, fits = np.log(stress), []
    for bend in dimensions[1:-1]:
        terms = np.stack([np.ones(len(logs)), dimensions, np.maximum(dimensions - bend, 0)], axis=1)
        found, *_ = np.linalg.lstsq(terms, logs, rcond=None)
        fits.append((float(((terms @ found - logs) ** 2).sum()), int(bend), float((found[1] + found[2]) / found[1])))
    return min(fits)[1:]


def embedded(grid: np.ndarray) -> dict[int, Embedding]:
    """Return the embeddings of all dimensions that the figures and Table I need."""
    return {d: embed(grid, d) for d in sorted({*CURVE, *TABLE}) if d <= len(grid) - 2}


def figures(found: Mapping[int, Embedding], ring: np.ndarray, spectrum: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Figs 6, 7 and 8 show of a setting: embeddings of the images of three parameters, distances of angles, (2, m, m)."""
    stress = [found[d].stress for d in CURVE]
    bend, ratio = knee(np.array(stress), np.array(CURVE))
    cnn = angles(ring) | {"stress_of_dimension": stress}
    weak, strong = (np.array(each["stress"]) for each in (cnn, spectrum))
    below = [found[d].stress < each for d, each in zip(FEW, spectrum["stress_of_dimension"], strict=True)]
    held = [spectrum["margin"] >= 0, max(cnn["rmse"]) <= CNN_FINDS, (weak < strong).all()]
    held += [weak[0] < weak[1] and strong[0] < strong[1], all(below)]
    return {"cnn": cnn, "knee": bend, "slopes": ratio, "held": dict(zip(FIGURES, map(bool, held), strict=True))}


def order(row: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the key by which settings are sorted, least first; no entry of Table I takes part."""
    return -sum(row["held"].values()), abs(row["knee"] - 6), row["off_peaks"], row["slopes"]


def table(found: Mapping[int, Embedding], k: np.ndarray, noise: np.ndarray) -> dict[str, Any]:
    """Return a row of Table I: coefficients of determination and the angle between the regression vectors, by dimension."""
    points = {d: found[d].points for d in TABLE if d in found}
    return {
        "dimensions": list(points),
        "r2_k": [linear_r2(each, k) for each in points.values()],
        "r2_noise": [linear_r2(each, noise) for each in points.values()],
        "regression_angle": [regression_angle(each, k, noise) for each in points.values()],
        "stress": [found[d].stress for d in points],
    }
