"""All pictures of an evaluation, Figs 7 to 12 of the CESS paper, one after the other; nothing is shown, nothing is saved."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .comparisons import pairwise, valley
from .figures_of_reconstructions import line_sensitivity_chart, outliers, reconstructions
from .figures_of_scores import histograms, pairwise_chart
from .line_sensitivity import line_sensitivity
from .scores import ALL, OUTPUTS, SHARP, SOFT, Scores

Rows = Mapping[str, Callable[[np.ndarray], np.ndarray]]


def figures(
    scores: Mapping[str, Scores],
    rows: Rows,
    image: Callable[[int], np.ndarray],
    names: Sequence[str],
    *,
    trivial: Collection[str] = (),
    worst: int = 6,
    seed: int = 0,
) -> Iterator[tuple[str, Figure]]:
    """Draw what scores, images and reconstructions show, soft and thresholded, of two phases.

    Parameters
    ----------
    scores : dict of str to Scores
        By row; of two phases.
    rows : dict of str to callable
        By the same names: from images (k, 1, H, W) to reconstructions of this shape.
    image : callable
        From the place of an image in the scores to the image (1, H, W).
    names : list of str (n,)
        The class of each image.
    trivial : list of str
        Rows that only stand beside the others: without outliers, and not in the histograms of CESS itself, where a bad row would set the
        scale of all. If all rows are, none is.
    worst : int
        Outliers to draw of a row.
    seed : int
        Chooses the image of each class.

    Yields
    ------
    name : str
        ``histograms`` (Fig. 9), ``log_histograms`` (Fig. 10), ``pairwise`` (Fig. 11), ``line_sensitivity`` (Fig. 8), ``outliers/ROW``
        (Fig. 7), ``reconstructions/CLASS_soft`` and ``reconstructions/CLASS_thresholded`` (Fig. 12).
    figure : matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If scores, rows and names do not fit each other.

    References
    ----------
    Cai et al., section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_evaluations import figures
    >>> from twopoint_models.evaluation.scores import score_rows
    >>> from twopoint_models.evaluation.trivial import TRIVIAL
    >>> image = np.eye(32)[None]
    >>> scores, items = score_rows(TRIVIAL, [{"image": image, "name": "A"}])
    >>> [name for name, figure in figures(scores, TRIVIAL, lambda i: image, ["A"])][-2:]
    ['reconstructions/A_soft', 'reconstructions/A_thresholded']
    """
    if not names or not scores or list(scores) != list(rows) or any(len(s.excess[SOFT][ALL]) != len(names) for s in scores.values()):
        raise ValueError(f"scores, rows and names must fit, got scores of {list(scores)}, rows {list(rows)} and {len(names)} names")
    models = [row for row in rows if row not in trivial] or list(rows)
    yield from _of_scores(scores, models)
    yield "line_sensitivity", line_sensitivity_chart({f"blurred by {s} px" if s else "sharp": line_sensitivity(sigma=s) for s in (0, 1, 4)})
    for row in models:
        excess = scores[row].excess[SOFT][ALL]
        chosen = np.argsort(-excess)[:worst].tolist()
        images, told = np.stack([image(i) for i in chosen]), [f"{excess[i]:.3g}" for i in chosen]
        title = f"{row}: the highest soft excess CESS over all lags"
        yield f"outliers/{row}", outliers(images, rows[row](images), told, names=[names[i] for i in chosen], title=title)
    for name in dict.fromkeys(names):
        at = int(np.random.default_rng(seed).choice([i for i, each in enumerate(names) if each == name]))
        shown = image(at)
        made = {row: reconstruct(shown[None]) for row, reconstruct in rows.items()}
        for output in (SOFT, SHARP):
            notes = {row: f"{s.excess[output][ALL][at]:.3g}" for row, s in scores.items()}
            found = {row: OUTPUTS[output](x)[0, 0] for row, x in made.items()}
            title = f"{name}, {output}, with excess CESS over all lags"
            yield f"reconstructions/{name}_{output}", reconstructions(shown[0], found, notes=notes, title=title)


def _of_scores(scores: Mapping[str, Scores], models: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Draw histograms, and who is better how often."""
    values = {output: {row: s.excess[output][ALL] for row, s in scores.items()} for output in (SOFT, SHARP)}
    shown = {output: {row: by[row] for row in models} for output, by in values.items()}
    title = "excess CESS over all lags"
    yield "histograms", histograms(shown, title=f"{title}; the largest fifth of all numbers is cut off")
    valleys = {output: {row: valley(x) for row, x in by.items()} for output, by in values.items()}
    yield "log_histograms", histograms(values, log=True, valleys=valleys, title=f"{title}, logarithmic")
    first = next(iter(scores.values()))
    pairs = [(output, lags) for output, by in first.excess.items() for lags in by]
    matrices = {f"{output}, {lags}": pairwise({row: s.excess[output][lags] for row, s in scores.items()}) for output, lags in pairs}
    yield "pairwise", pairwise_chart(matrices, list(scores))
