"""Choose the noise of the marble textures of Lubbers et al., which do not say theirs, by the power spectrum's window alone.

    python -m benchmarks.marble_noise [--count 50] [--size 256] [--trials 1] [--output benchmarks/results/marble_noise.json]

In their Fig. 6 the power spectrum reconstructs angles where 2 <= A <= 3.5 and fails beside it. The window of A times displacement is found
here for some shapes of the noise: where the mean error is below twice the least. Its ends' ratio (theirs: 1.75) tells how well a shape
fits, its middle which displacement puts it there. No CNN and no regression takes part, so that Table I is not looked at.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np

from twopoint.cli.terminal import counting
from twopoint_models.manifold import angle_error, angle_images, distance_matrix, embed, power_spectra

from . import machine

SHAPES = [(octaves, persistence, base) for base in (2.0, 4.0, 8.0) for octaves, persistence in ((1, 0.5), (5, 0.35), (5, 0.5), (5, 0.65))]
STRENGTHS = np.geomspace(0.05, 0.8, 13)  # A times displacement, in sides of the image
THEIRS = 2.0, 3.5


def error(strength: float, shape: tuple[int, float, float], seed: int, options: argparse.Namespace) -> float:
    """Return the RMSE of angles from the power spectrum, in radians."""
    octaves, persistence, base = shape
    noise = dict(octaves=octaves, persistence=persistence, base_frequency=base, displacement=strength)
    drawn = angle_images(options.count, 1.0, size=options.size, seed=seed, **noise)
    points = embed(distance_matrix(power_spectra(drawn.images)), 2).points
    return float(angle_error(points, drawn.angle).rmse)


def window(errors: np.ndarray) -> tuple[float, float]:
    """Return the ends of the strengths around the best one where errors stay below twice the least, straight between strengths."""
    logs, high, best = np.log(STRENGTHS), 2 * errors.min(), int(errors.argmin())
    left = next((i for i in range(best, -1, -1) if errors[i] > high), None)
    right = next((i for i in range(best, len(errors)) if errors[i] > high), None)
    ends = []
    for outside, inside in ((left, None if left is None else left + 1), (right, None if right is None else right - 1)):
        if outside is None:
            ends.append(math.nan)
            continue
        share = (high - errors[inside]) / (errors[outside] - errors[inside])
        ends.append(math.exp(logs[inside] + share * (logs[outside] - logs[inside])))
    return ends[0], ends[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/marble_noise.json")
    options = parser.parse_args()
    rows = []
    with counting(f"{len(SHAPES)} shapes", "") as progress:
        for number, shape in enumerate(SHAPES):
            errors = np.mean([[error(s, shape, seed, options) for s in STRENGTHS] for seed in range(options.trials)], axis=0)
            low, high = window(errors)
            row = dict(zip(("octaves", "persistence", "base_frequency"), shape, strict=True))
            row |= {"errors": errors.round(4).tolist(), "from": low, "to": high, "ratio": high / low}
            rows.append(row | {"displacement": math.sqrt(low * high / (THEIRS[0] * THEIRS[1]))})
            progress(number + 1, len(SHAPES), 0.0)
    rows.sort(key=lambda row: abs(math.log(row["ratio"] / (THEIRS[1] / THEIRS[0]))) if row["ratio"] > 0 else math.inf)
    for row in rows:
        print(", ".join(f"{name} {value:.3g}" for name, value in row.items() if name != "errors"), f"least {min(row['errors']):.3f}")
    found = {
        "machine": machine.describe() | {"command": "python -m benchmarks.marble_noise"},
        "strengths": STRENGTHS.tolist(),
        "rows": rows,
    }
    options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
