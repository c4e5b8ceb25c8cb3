"""Rows of a summary, one per image, and the spread among images of one kind."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

MEASURES = ("volume_fraction", "specific_surface", "correlation_length")
_FIRST = ("source", "status", "shape", "phases", "boundary", "lags", "step", "unit", "segmentation", "thresholds", "points")
_LAST = ("field_large_enough", "field_of_view", "picture", "notes", "reason")

Record = dict[str, Any]


def light(record: Record) -> Record:
    """Return the numbers of an image without its curves, which a summary of many images does not hold."""
    kept = {name: value for name, value in record.items() if name not in ("radial", "twopoint", "format")}
    if "descriptors" in kept:
        kept["descriptors"] = {name: {**found, "curves": []} for name, found in kept["descriptors"].items()}
    return kept


def kind(record: Record) -> tuple[int, int, tuple[float, ...], str]:
    """Return what images must share so that their numbers can be averaged: phases, axes, spacing and its unit."""
    spacing = record["spacing"]
    return len(record["phases"]), len(record["shape"]), tuple(spacing["steps"]), spacing["unit"]


def kind_text(record: Record, number: int) -> str:
    """Return a number of images and their kind, for the user."""
    n, ndim, steps, unit = kind(record)
    step = " x ".join(f"{value:.6g}" for value in (steps[:1] if len(set(steps)) == 1 else steps))
    what = ("image" if ndim == 2 else "volume") + "s" * (number != 1)
    return f"{number} {what} of {n} phases" + ("" if unit == "px" else f", {step} {unit} per pixel")


def by_kind(records: Iterable[Record]) -> list[list[Record]]:
    """Return records of one kind together, the largest group first."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(kind(record), []).append(record)
    return sorted(groups.values(), key=len, reverse=True)


def spread(records: list[Record]) -> Record:
    """Return the mean and the spread of each measure over images of one kind.

    Parameters
    ----------
    records : list of dict
        Of one kind.

    Returns
    -------
    dict
        For each phase and measure the number of images in which it is known, their mean, standard deviation (with n - 1 in the
        denominator; None for one image), smallest and largest value.
    """
    n = len(records[0]["phases"])
    measured = [{"phase": h} | {name: _spread_of([record["phases"][h][name] for record in records]) for name in MEASURES} for h in range(n)]
    return {"images": len(records), "kind": kind_text(records[0], len(records)), "spacing": records[0]["spacing"], "phases": measured}


def _spread_of(values: list[float | None]) -> Record:
    """Return number, mean, standard deviation and range of the values that are known."""
    known = np.array([value for value in values if value is not None])
    if not len(known):
        return {"n": 0, "mean": None, "standard_deviation": None, "least": None, "most": None}
    deviation = float(known.std(ddof=1)) if len(known) > 1 else None
    return {
        "n": len(known),
        "mean": float(known.mean()),
        "standard_deviation": deviation,
        "least": float(known.min()),
        "most": float(known.max()),
    }


def csv_text(records: list[Record], refused: list[Record]) -> str:
    """Return a table for a spreadsheet, one row per image, those that were refused last.

    Lengths are in the unit in the column ``unit``, specific surfaces in one over it. The numbers of the requested descriptors follow those
    of the phases.
    """
    most = max((len(record["phases"]) for record in records), default=0)
    columns = [f"{measure}_{h}" for h in range(most) for measure in (*MEASURES, "covariance_far_away", "anisotropy")]
    columns += sorted({name for record in records for name in _quantities(record)})
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*_FIRST, *columns, *_LAST], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(record) for record in records)
    writer.writerows({"source": row["source"], "status": "refused", "reason": row["reason"]} for row in refused)
    return stream.getvalue()


def _row(record: Record) -> Record:
    """Return the cells of one image."""
    segmentation, spacing, view = record["segmentation"], record["spacing"], record["field_of_view"]
    row = {
        "source": record["source"],
        "status": "measured",
        "shape": _joined(record["shape"]),
        "phases": len(record["phases"]),
        "boundary": record["boundary"],
        "lags": _joined(record["crop"]),
        "step": _joined(spacing["steps"]),
        "unit": spacing["unit"],
        "segmentation": segmentation["method"],
        "thresholds": ";".join(f"{value:.9g}" for value in segmentation["thresholds"]),
        "points": record["points"],
        "field_large_enough": {True: "yes", False: "no", None: ""}[view["large_enough"]],
        "field_of_view": view["reason"],
        "picture": record["picture"] or "",
        "notes": "; ".join(record["notes"]),
    }
    for h, phase in enumerate(record["phases"]):
        row |= {f"{name}_{h}": _cell(phase[name]) for name in MEASURES}
        row[f"covariance_far_away_{h}"] = _cell(phase["tail"])
        row[f"anisotropy_{h}"] = _cell(record["directions"]["anisotropy"][h])
    return row | _quantities(record)


def _quantities(record: Record) -> dict[str, str]:
    """Return the cells of the numbers of the descriptors by column, such as ``mean_chord_axis_0_1`` for axis 0 and phase 1."""
    found = {}
    for descriptor in record.get("descriptors", {}).values():
        for quantity in descriptor["quantities"]:
            name = re.sub(r"\W+", "_", quantity["name"]) + (f"_axis_{quantity['axis']}" if "axis" in quantity else "")
            found[f"{name}_{quantity['phase']}"] = _cell(quantity["value"])
    return found


def _joined(values: list[float]) -> str:
    """Return sizes or steps in one cell."""
    return "x".join(f"{value:.9g}" for value in values)


def _cell(value: float | None) -> str:
    """Return a number in full; an empty cell for None."""
    return "" if value is None else repr(float(value))
