"""Losses of two lines against their spacing, and whether the cumulative ones grow with each pixel on both sides of the target's.

    python -m benchmarks.cumulative_spacing [--small] [--output benchmarks/results/cumulative_spacing.json] [--picture FILE.png]

Lines of one pixel, target spacing 100 in 224 x 224. Lines along an axis are computed as images of one column, whose losses are the same:
then a box of lags has the mean of its first axis. Diagonals are computed whole; their spacing is counted along an axis.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import twopoint as tp

from . import machine
from .intervals import write

SIZE, TARGET = 224, 100
EXCESS = {"excess": True}
CURVES: dict[str, tuple[Any, dict[str, Any]]] = {  # the losses of the figure
    "MSESS": (tp.msess, {}),
    "CESS": (tp.cess, EXCESS),
    "CESS, crop": (tp.cess, EXCESS),  # as large a part of the lags as 50 of 224
    "cumulative MSESS": (tp.msess, {"cumulative": True}),
    "cumulative CESS": (tp.cess, {**EXCESS, "cumulative": True}),
    "energy": (tp.msess, {"weight": "energy"}),
}
JUDGED = ("cumulative CESS", "cumulative MSESS")
COLOURS = ("tab:gray", "tab:blue", "tab:cyan", "tab:orange", "tab:red", "tab:green")
BATCH = 4

Draw = Callable[[int], np.ndarray]  # spacing -> phase 1, (*space)


def line(size: int, at: int, spacing: int, *, columns: bool = False) -> np.ndarray:
    """Return two rows of one pixel in an image of one column, or two columns in an image of one row."""
    m = np.zeros((size, 1))
    m[[at, at + spacing]] = 1.0
    return m.T if columns else m


def wrapped(size: int, at: int, spacing: int) -> np.ndarray:
    """Return two diagonals that run on from one edge to the opposite one, as a periodic image has them."""
    i, j = np.indices((size, size))
    return np.isin((i + j - at) % size, (0, spacing)).astype(float)


def crossing(size: int, spacing: int) -> np.ndarray:
    """Return two parallels of the main diagonal, at both sides of it, each from edge to edge of an open image."""
    i, j = np.indices((size, size))
    return np.isin(i - j, (-(spacing // 2), spacing - spacing // 2)).astype(float)


def planes(size: int, spacing: int) -> np.ndarray:
    """Return two planes of one voxel."""
    m = np.zeros((size, 4, 3))
    m[[0, spacing]] = 1.0
    return m


def curve(draw: Draw, target: int, spacings: Iterable[int], loss: Any, options: dict[str, Any], boundary: str) -> list[float]:
    """Return a loss at each spacing."""
    spacings = list(spacings)
    ndim = draw(target).ndim
    known = tp.target_statistics(draw(target)[None], ndim=ndim, implied_phase=True, boundary=boundary)
    values: list[float] = []
    for first in range(0, len(spacings), BATCH):
        m = np.stack([draw(spacing)[None] for spacing in spacings[first : first + BATCH]])
        values += np.asarray(loss(m, known, reduction="none", **options)).tolist()
    return values


def grows(draw: Draw, size: int, target: int, boundary: str, most: int) -> dict[str, Any]:
    """Return for the cumulative losses up to which spacings they grow strictly from the target's on, downwards and upwards."""
    found: dict[str, Any] = {"boundary": boundary, "asked": [max(2, 4 * size // SIZE), most]}
    for name in JUDGED:
        ends = []
        for spacings in (range(target, found["asked"][0] - 1, -1), range(target, most + 1)):
            steps = np.diff(curve(draw, target, spacings, *CURVES[name], boundary))
            ends.append(spacings[int(np.argmin(steps > 0)) if not np.all(steps > 0) else len(steps)])
        found[name] = {"grows": ends, "held": ends == found["asked"]}
    return found


def monotone(size: int, target: int) -> dict[str, dict[str, Any]]:
    """Return the ranges in which the cumulative losses grow, for each arrangement."""
    half, most = size // 2, 200 * size // SIZE
    cases: dict[str, tuple[Draw, str, int]] = {
        "rows, periodic": (partial(line, size, 0), "periodic", half),
        "columns, periodic": (partial(line, size, 0, columns=True), "periodic", half),
        "45 degrees, periodic": (partial(wrapped, size, 0), "periodic", half),
        "planes, periodic": (partial(planes, size), "periodic", half),
        "rows, open": (partial(line, size, 0), "open", most),
        "columns, open": (partial(line, size, 0, columns=True), "open", most),
        "45 degrees, open, on both sides of the main diagonal": (partial(crossing, size), "open", most),
        "planes, open": (partial(planes, size), "open", most),
    }
    cases |= {
        f"45 degrees, open, wrapped, the first from pixel {at}": (partial(wrapped, size, at), "open", most)
        for at in (0, size // 4, half, 3 * size // 4)
    }
    return {name: grows(draw, size, target, *way) for name, (draw, *way) in cases.items()}


def anywhere(size: int, target: int) -> dict[str, Any]:
    """Return whether the cumulative losses grow for two rows of an open image wherever the first of them is."""
    held = []
    for at in range(size - target - 1):
        found = grows(partial(line, size, at), size, target, "open", min(200 * size // SIZE, size - 1 - at))
        held.append(all(found[name]["held"] for name in JUDGED))
    return {"positions": len(held), "held": sum(held)}


def curves(size: int, target: int) -> dict[str, Any]:
    """Return the curves of the figure, two rows, each divided by its value one pixel beyond the target's spacing."""
    found: dict[str, Any] = {}
    for boundary, most in (("periodic", size // 2), ("open", 200 * size // SIZE)):
        spacings = range(max(2, 4 * size // SIZE), most + 1)
        own = found[boundary] = {"spacings": [spacings[0], spacings[-1]], "losses": {}}
        for name, (loss, options) in CURVES.items():
            if name == "energy" and boundary == "open":
                continue
            cropped = {"crop": (50 * size // SIZE, 1)} if name.endswith("crop") else {}
            values = np.array(curve(partial(line, size, 0), target, spacings, loss, options | cropped, boundary))
            one = values[target + 1 - spacings[0]]
            if one <= 1e-15:  # rounding: the loss does not see the spacing
                own["losses"][name] = {
                    "one": 0.0,
                    "sees": [spacing for spacing, value in zip(spacings, values, strict=True) if value > 1e-15],
                }
            else:
                own["losses"][name] = {"one": float(f"{one:.4g}"), "ratios": [float(f"{max(value, 0) / one:.4g}") for value in values]}
    return found


def draw_curves(found: dict[str, Any], target: int, file: Path) -> None:
    """Draw the curves, periodic and open."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from PIL import Image

    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.3), sharey=True, layout="constrained")
    for axes, (boundary, own) in zip(panels, found.items(), strict=True):
        low, high = own["spacings"]
        for (name, measured), colour in zip(own["losses"].items(), COLOURS, strict=False):
            if "ratios" not in measured:
                continue
            width = 3.5 if name == "MSESS" else 1.3  # CESS covers it
            axes.plot(
                range(low, high + 1),
                [ratio if ratio > 1e-6 else np.nan for ratio in measured["ratios"]],
                color=colour,
                label=name,
                lw=width,
            )
        axes.axvline(target, color="black", lw=0.6, ls=":")
        axes.set(title=boundary, xlabel="spacing of the two lines, pixels", yscale="log")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("loss over that at one pixel more")
    panels[0].legend(fontsize="x-small", loc="lower left")
    figure.savefig(file, dpi=90)
    plt.close(figure)
    with Image.open(file) as drawn:
        small = drawn.convert("RGB").quantize(32, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


def report(found: dict[str, Any]) -> None:
    """Print the ranges, and a few ratios of each curve."""
    for name, case in found["monotone"].items():
        for loss in JUDGED:
            (low, high), asked = case[loss]["grows"], "{} to {}".format(*case["asked"])
            print(f"{name:56} {loss:17} grows over {low} to {high}, asked {asked}{'' if case[loss]['held'] else ' missed'}")
    print("rows, open, wherever the first is:", json.dumps(found["rows, open, wherever the first is"]))
    for boundary, own in found["curves"].items():
        low, high = own["spacings"]
        for name, measured in own["losses"].items():
            if "ratios" not in measured:
                print(f"{boundary:9} {name:18} 0 at one pixel more; it sees {len(measured['sees'])} of {high - low + 1} spacings")
                continue
            spacings = [found["target"] + more for more in (1, 2, 4, 8, 12) if found["target"] + more <= high]
            at = ", ".join(f"{spacing}: {measured['ratios'][spacing - low]:.3g}" for spacing in spacings)
            print(f"{boundary:9} {name:18} {measured['one']:.3g} at one pixel more; ratios {at}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="28 pixels instead of 224: seconds, for a test")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/cumulative_spacing.json")
    parser.add_argument("--picture", type=Path, help="draw the curves of the output to this file")
    options = parser.parse_args()
    size, target = (28, 12) if options.small else (SIZE, TARGET)
    found = {
        "machine": machine.describe() | {"command": "python -m benchmarks.cumulative_spacing"},
        "size": size,
        "target": target,
        "monotone": monotone(size, target),
        "rows, open, wherever the first is": anywhere(size, target),
        "curves": curves(size, target),
    }
    write(options.output, found)
    report(found)
    if options.picture:
        draw_curves(found["curves"], target, options.picture)


if __name__ == "__main__":
    main()
