"""``compare`` on many images: measured in several processes, then every two are compared, and all is written to a folder."""

import csv
import io
import math
from dataclasses import dataclass
from typing import Any

from ..analysis import AnalysisOptions
from ..reading.collect import Input
from ..showing import outputs, panels
from ..terminal import InputError, say
from .distances import MEASURES, Group, MeasuredImage, compare_all, cut_height, measure_for_distances
from .folder import RunFolder
from .pool import work_on_all
from .rows import Record, kind_text

FORMAT = "twopoint distances 1"
PICTURE, MATRIX, PAIRS, NUMBERS = "distances.png", "distances.csv", "pairs.csv", "distances.json"
UNITS = {
    "excess_cess": "square root of the excess CESS",
    "cumulative_excess_cess": "square root of the cumulative excess CESS",
    "error": "relative error of the statistics",
}


@dataclass(frozen=True)
class Comparison:
    """Groups of images that can be compared, and images that were refused."""

    groups: list[Group]
    refused: list[Record]

    def content(self, settings: dict[str, Any], by: str) -> dict[str, Any]:
        """Return all for a .json file."""
        return {"settings": settings, "by": by, "groups": [_content(group) for group in self.groups], "refused": self.refused}


def compare_many(images: list[Input], options: AnalysisOptions, folder: RunFolder, *, by: str, jobs: int | None) -> Comparison:
    """Compare every two images and write the picture, the matrix, the list of pairs, and all numbers.

    Parameters
    ----------
    images : list of Input
        The images.
    options : AnalysisOptions
        How each is measured.
    folder : RunFolder
        Where the results go; it is open.
    by : str
        The measure that orders the images, a key of MEASURES.
    jobs : int or None
        Number of processes.
    """
    for old in (PICTURE, MATRIX, PAIRS, NUMBERS):  # of an earlier call: they would not be of these images
        (folder.path / old).unlink(missing_ok=True)
    found: dict[int, MeasuredImage] = {}
    refused: dict[int, Record] = {}
    tasks = [(image, options) for image in images]
    for at, outcome in work_on_all(measure_for_distances, tasks, jobs, f"measuring {len(images)} images"):
        if outcome.result is not None:
            found[at] = outcome.result
        else:
            refused[at] = {"source": images[at].text, "reason": outcome.reason}
    groups = compare_all([found[at] for at in sorted(found)], options.crop, MEASURES[by])
    comparison = Comparison(groups, [refused[at] for at in sorted(refused)])
    if len(groups) > 1:
        listed = "; ".join(_kind(group) for group in groups)
        say(f"note: images that cannot be compared are kept apart: {listed}")
    _write(comparison, folder, by)
    return comparison


def _kind(group: Group) -> str:
    """Return how many images a group has, and what they share, for the user."""
    first = group.images[0]
    values = f" of the values {', '.join(f'{value:g}' for value in first.values)}" if first.values else ""
    return kind_text(first.record, len(group.images)) + values


def _write(comparison: Comparison, folder: RunFolder, by: str) -> None:
    """Write all results."""
    drawn = [group for group in comparison.groups if len(group.images) > 1]
    if not drawn:
        listed = "; ".join(row["reason"] for row in comparison.refused)
        raise InputError("there are no two images that can be compared" + (f": {listed}" if listed else ""))
    outputs.write_whole(folder.path / PICTURE, lambda part: _draw(drawn, part))
    folder.write(folder.path / MATRIX, _matrix_text(comparison.groups))
    folder.write(folder.path / PAIRS, _pairs_text(comparison.groups))
    folder.write(folder.path / NUMBERS, outputs.json_text(FORMAT, comparison.content(folder.settings, by)))


def _draw(groups: list[Group], path: Any) -> None:
    """Draw the picture."""
    from ..showing import dendrograms, figures  # import matplotlib, which --help does not need

    shown = [
        dendrograms.Dendrogram(
            [image.record["name"] for image in group.images],
            [image.thumbnail for image in group.images],
            group.links,
            group.clusters,
            cut_height(group.links),
            group.distance,
            f"{panels.short(_kind(group))}\n{clusters_text(group)}",
            UNITS[group.by],
        )
        for group in groups
    ]
    number = sum(len(group.images) for group in groups)
    figures.save(dendrograms.draw_dendrograms(shown, f"which of {number} images are similar, by their 2-point statistics"), path)


def clusters_text(group: Group) -> str:
    """Return how many groups there are, for the user."""
    number = max(group.clusters)
    return f"{number} groups at the widest gap" if number > 1 else "no separate groups"


def _content(group: Group) -> dict[str, Any]:
    """Return one group for a .json file."""
    return {
        "images": [image.record | {"cluster": cluster} for image, cluster in zip(group.images, group.clusters, strict=True)],
        "lags": list(group.lags),
        "matrices": {name: matrix.tolist() for name, matrix in group.matrices.items()},
        "dendrogram": group.links.tolist(),
        "cut": cut_height(group.links) if len(group.images) > 1 else None,
    }


def _matrix_text(groups: list[Group]) -> str:
    """Return the matrix of the measure that orders the images, over all images; a cell is empty if two cannot be compared."""
    names = [image.record["name"] for group in groups for image in group.images]
    rows, at = [["", "cluster", *names]], 0
    for number, group in enumerate(groups):
        for image, cluster, own in zip(group.images, group.clusters, group.matrices[group.by], strict=True):
            cells = ["" for _ in range(at)] + [repr(float(value)) for value in own]
            label = str(cluster) if len(groups) == 1 else f"{number + 1}.{cluster}"
            rows.append([image.record["name"], label, *cells, *["" for _ in range(len(names) - len(cells))]])
        at += len(group.images)
    return _csv(rows)


def _pairs_text(groups: list[Group]) -> str:
    """Return a list of all ordered pairs with all measures."""
    rows = [["a", "b", *MEASURES.values()]]
    for group in groups:
        for i, a in enumerate(group.images):
            for j, b in enumerate(group.images):
                if i != j:
                    values = [repr(float(group.matrices[name][i, j])) for name in MEASURES.values()]
                    rows.append([a.record["source"], b.record["source"], *values])
    return _csv(rows)


def _csv(rows: list[list[str]]) -> str:
    """Return rows as text."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def nearest(group: Group, at: int) -> tuple[int, float]:
    """Return the image that is nearest to one, and its distance."""
    distance = group.distance[at].copy()
    distance[at] = math.inf
    closest = int(distance.argmin())
    return closest, float(distance[closest])
