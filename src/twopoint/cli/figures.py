"""Figures of the command line: arrays in, a Figure out; nothing is shown and nothing saved."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

# Dark to light, told apart in gray and by the colour-blind; the first N are used.
_PHASES = ("#1d2f4f", "#f2c14e", "#3a9188", "#d1495b", "#8ea8c3", "#7b4b94", "#e8e1d0", "#6b705c")


def reconstruction_panels(
    target: np.ndarray, found: np.ndarray, wanted: np.ndarray, got: np.ndarray, *, title: str, phase: int = 1
) -> Figure:
    """Draw target, reconstruction, the target's autocorrelation, and how far the reconstruction's is from it.

    Parameters
    ----------
    target, found : int arrays (H, W)
        Labels.
    wanted, got : float arrays (H, W)
        Autocorrelation of one phase of the target and of the reconstruction, zero lag at the centre.
    title : str
        Above the panels.
    phase : int
        Whose autocorrelations these are.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.cli.figures import reconstruction_panels
    >>> labels, f = np.eye(4, dtype=int), np.ones((4, 4))
    >>> len(reconstruction_panels(labels, labels, f, f, title="four pixels").axes)
    8
    """
    figure = Figure(figsize=(16.5, 4.2), layout="constrained")
    figure.suptitle(title, fontsize=13)
    axes = figure.subplots(1, 4)
    n_phases = int(max(target.max(), found.max())) + 1
    _labels(axes[0], target, n_phases, "target")
    _labels(axes[1], found, n_phases, "reconstruction")
    _lags(axes[2], wanted, f"target's autocorrelation of phase {phase}", "viridis", None)
    reach = max(float(np.abs(got - wanted).max()), 1e-12)  # equal statistics still need a scale
    _lags(axes[3], got - wanted, "reconstruction's minus target's", "RdBu_r", reach)
    return figure


def _labels(axes: Axes, labels: np.ndarray, n_phases: int, title: str) -> None:
    """Draw labels with one colour a phase."""
    norm = BoundaryNorm(np.arange(n_phases + 1) - 0.5, n_phases)
    image = axes.imshow(labels, cmap=ListedColormap(_PHASES[:n_phases]), norm=norm, interpolation="nearest")
    bar = _finish(axes, image, title, "pixel")
    bar.set_ticks(range(n_phases))
    bar.set_label("phase")


def _lags(axes: Axes, f: np.ndarray, title: str, colours: str, reach: float | None) -> None:
    """Draw statistics over the lags, on a scale symmetric about 0 if its reach is given."""
    (bottom, left), (height, width) = (-(n // 2) - 0.5 for n in f.shape), f.shape
    extent = (left, left + width, bottom + height, bottom)
    low = None if reach is None else -reach
    image = axes.imshow(f, cmap=colours, vmin=low, vmax=reach, extent=extent, interpolation="nearest")
    _finish(axes, image, title, "lag in pixels").ax.ticklabel_format(axis="y", scilimits=(-2, 3))


def _finish(axes: Axes, image: ScalarMappable, title: str, unit: str) -> Colorbar:
    """Add title, axis label and colour bar; return the bar."""
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(unit)
    return axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
