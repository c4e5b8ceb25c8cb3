"""Draw the picture of the README: a structure, its statistics, another structure that has them, and the stiffness of both.

    python docs/overview.py

Writes docs/images/overview.png.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import twopoint as tp
from twopoint.cli.showing.figures import save
from twopoint_models.data import generate, source
from twopoint_models.homogenisation import elastic_stiffness

CLASS, SIZE, NUMBER = "GRF", 128, 3
YOUNG, POISSON = (10.0, 1.0), (0.3, 0.3)  # of phase 0 and phase 1


def young_by_direction(labels: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Return Young's modulus in each direction, angles from the first axis."""
    compliance = np.linalg.inv(elastic_stiffness(tp.two_phase(labels.astype(float)), YOUNG, POISSON))
    c, s = np.cos(angles), np.sin(angles)
    stress = np.stack([c * c, s * s, c * s])  # Voigt order xx, yy, xy
    return 1 / np.einsum("ia,ij,ja->a", stress, compliance, stress)


def main() -> None:
    """Draw."""
    image = generate(CLASS, SIZE, rng=source(CLASS, NUMBER)).image
    found = tp.reconstruct(tp.target_statistics(tp.two_phase(image.astype(float))), seed=0).labels
    statistics = tp.autocorrelation(image.astype(float), centered=True)
    angles = np.linspace(0, 2 * np.pi, 181)
    figure = Figure(figsize=(12, 3.3), layout="constrained")
    axes = [figure.add_subplot(1, 4, i + 1) for i in range(3)]
    for axis, (title, shown) in zip(
        axes, {"a structure": image, "its 2-point statistics": statistics, "another with the same": found}.items(), strict=True
    ):
        axis.imshow(shown, cmap="viridis" if shown is statistics else "gray_r", interpolation="nearest")
        axis.set(title=title, xticks=[], yticks=[])
    polar = figure.add_subplot(1, 4, 4, projection="polar", theta_offset=-np.pi / 2)  # the first axis runs down
    for name, labels, style in (("the first", image, "-"), ("the other", found, "--")):
        polar.plot(angles, young_by_direction(labels, angles), style, label=name)
    polar.set(title="Young's modulus by direction", ylim=(0, None), xticklabels=[], yticklabels=[])
    polar.legend(loc="center", fontsize="small")
    save(figure, Path(__file__).parent / "images/overview.png")


if __name__ == "__main__":
    main()
