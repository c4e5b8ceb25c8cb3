"""The report of an evaluation: tables and figures in a folder."""

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .evaluate import SHARP, Scores
from .sensitivity import line_sensitivity
from .tables import Summary, markdown, per_image, summarise

SPARSE = 0.05  # volume fraction below which a phase is easily lost


def write_report(
    folder: str | os.PathLike[str],
    scores: Mapping[str, Scores],
    items: Sequence[Mapping[str, Any]],
    rows: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    image: Callable[[int], np.ndarray],
    *,
    trivial: Collection[str] = (),
    about: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Summary:
    """Write the tables and, for two phases, the figures of an evaluation, and return its summary.

    Parameters
    ----------
    folder : str or path
        Gets ``summary.json`` and ``summary.md``, ``images.csv`` with the excess CESS of each image, and the figures of
        :func:`twopoint_models.cess_vae.evaluation.figures.figures` as PNG.
    scores, items
        Result of :func:`twopoint_models.cess_vae.score_rows`; items have ``name`` and ``index``.
    rows, image, trivial, seed
        As for ``figures``.
    about : dict, optional
        More entries of ``summary.json``, which come first.
    progress : callable, optional
        Called with the number of figures drawn and their total.

    Returns
    -------
    dict
        ``about``, ``lines_100_px_apart``, the first curve of Fig. 8 by distance, the result of
        :func:`twopoint_models.cess_vae.summarise`, and for two phases ``sparse``: the number of ``images`` with a volume fraction
        below .05, and by row ``shown``, the share of them in which the thresholded reconstruction has both phases.

    Raises
    ------
    ValueError
        If scores, items and rows do not match.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from twopoint_models.cess_vae import score_rows
    >>> from twopoint_models.cess_vae.evaluation.report import write_report
    >>> from twopoint_models.evaluation.trivial import TRIVIAL
    >>> image = np.eye(32)[None]
    >>> scores, items = score_rows(TRIVIAL, [{"image": image, "name": "A", "index": 0}])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = write_report(folder, scores, items, TRIVIAL, lambda i: image)
    ...     sorted(path.name for path in Path(folder).glob("*.csv"))
    ['images.csv']
    """
    from .figures import figures

    folder, names = Path(folder), [str(item["name"]) for item in items]
    distances, excess = line_sensitivity()
    summary = dict(about or {}) | {"lines_100_px_apart": dict(zip(distances.tolist(), excess.tolist(), strict=True))}
    summary |= summarise(scores, names)
    channels, height, width = image(0).shape
    if channels == 1:
        summary |= _sparse(scores, np.array([image(i).mean() for i in range(len(names))]))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (folder / "summary.md").write_text(markdown(summary, title=f"Reconstructions of images of {height} x {width} px"))
    (folder / "images.csv").write_text(per_image(scores, names, [item["index"] for item in items]))
    if channels > 1:
        return summary
    total = 4 + max(sum(row not in trivial for row in rows), 1) + 2 * len(set(names))
    for done, (name, figure) in enumerate(figures(scores, rows, image, names, trivial=trivial, seed=seed)):
        (folder / name).parent.mkdir(exist_ok=True)
        figure.savefig(folder / f"{name}.png", dpi=100)
        if progress is not None:
            progress(done + 1, total)
    return summary


def _sparse(scores: Mapping[str, Scores], fractions: np.ndarray) -> Summary:
    """Return in how many images with little of phase 1 the reconstructions show it; fractions are the images' volume fractions."""
    rare = (fractions > 0) & (fractions < SPARSE)
    if not rare.any():
        return {}
    shown = {row: float((each.interface_ratio[SHARP][rare] > 0).mean()) for row, each in scores.items()}
    return {"sparse": {"images": int(rare.sum()), "shown": shown}}
