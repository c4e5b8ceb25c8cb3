"""Figures of reconstructed images of lines."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from ..evaluation.figures import gallery
from ..evaluation.histograms import histograms
from .lines import LineMeasures, nearest_in_statistics

SHOWN = 8


def figures_of_lines(
    images: np.ndarray, rows: Mapping[str, np.ndarray], measures: Mapping[str, LineMeasures], known: np.ndarray, *, seed: int = 0
) -> Iterator[tuple[str, Figure]]:
    """Draw reconstructions, the training images nearest to them in statistics, and histograms of the errors.

    Parameters
    ----------
    images : array (n, 1, H, W)
        Gray values, 0 black and 1 white.
    rows : dict of str to array like images
        Reconstructions by network.
    measures : dict of str to LineMeasures
        Measures of each row.
    known : array (m, 1, H, W)
        Training images.
    seed : int
        Seed that chooses the images that are shown.

    Yields
    ------
    (str, matplotlib.figure.Figure)
        The name of a file, and the figure.

    Raises
    ------
    ValueError
        If there is no row or image, or sizes differ.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024), appendix B.
    """
    shown = np.random.default_rng(seed).permutation(len(images))[:SHOWN]
    pictures = {row: {str(i): [1 - x[i]] for i in shown} for row, x in ({"image": images} | dict(rows)).items()}
    yield "reconstructions", gallery(pictures)
    near = {row: known[nearest_in_statistics(x[shown], known)[0]] for row, x in rows.items()}
    blocks = {row: {str(i): [1 - rows[row][i], 1 - x[j]] for j, i in enumerate(shown)} for row, x in near.items()}
    yield "nearest", gallery(blocks, title="reconstructions, and below each the nearest training image in statistics")
    columns = {
        name.replace("_mse", ""): {row: getattr(each, name) for row, each in measures.items()} for name in ("statistics_mse", "data_mse")
    }
    yield "histograms", histograms(columns, log=True, quantity="mean squared error")
