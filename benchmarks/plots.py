"""Time against pixels, phases and batch: ours, the literal formula, the floor."""

from pathlib import Path

import matplotlib
import numpy as np

from .bars import Times
from .series import Series, is_log, title

matplotlib.use("Agg")
from matplotlib import pyplot as plt

MARKS = ("o-", "s--", "^:")


def draw(series: Series, times: Times, folder: Path) -> Path:
    """Draw medians and quartiles, milliseconds an image; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(5.5, 4), layout="constrained")
    for (who, (sizes, rounds)), mark in zip(series.curves(times).items(), MARKS, strict=True):
        low, median, high = 1e3 * np.percentile(rounds, [25, 50, 75], axis=1)
        axes.errorbar(sizes, median, yerr=(median - low, high - median), fmt=mark, capsize=2, label=who)
    sizes = next(iter(series.curves(times).values()))[0]
    axes.set(xlabel=series.axis, ylabel="forward and backward, ms an image", yscale="log", xscale="log" if is_log(series) else "linear")
    axes.set_xticks(sizes, [f"{round(x**0.5)}²" if series.name == "pixels" else str(x) for x in sizes])
    axes.minorticks_off()
    axes.set_title(title(series), fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend()
    file = folder / f"speed_{series.name}.png"
    figure.savefig(file, dpi=150)
    plt.close(figure)
    return file
