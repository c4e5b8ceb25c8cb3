"""Tables of docs/texture_vae.md, from benchmarks/results/texture_ablation.json and texture_samples.json."""

from collections.abc import Callable
from typing import Any

from results import markdown, of


def similarities(file: str) -> str:
    """Return similarities of reconstructions by network, such as one without one of the changes, and of trivial ones."""
    run = of(file)
    found: dict[str, dict[str, Any]] = run["similarities"]
    rows = [["", *next(iter(found.values()))]]
    for name, row in found.items():
        told = run.get("names", {}).get(name.split(",")[0], name)
        rows.append([told, *("{:.3f} ({:.3f} to {:.3f})".format(each["mean"], *each["interval"]) for each in row.values())])
    return markdown(rows)


def samples(kind: str) -> str:
    """Return errors of properties of whole samples by description, with the ridge regression and the support vectors."""
    told = of("texture_samples")[kind]["predicted"]
    rows = [["description", *(f"{quantity}, {regression}" for quantity in told for regression in ("ridge", "SVR"))]]
    for name in next(iter(told.values())):
        cells = []
        for found in told.values():
            ways = found[name]
            cells += [percent(ways[way]) if way in ways else "" for way in ("mean" if "mean" in ways else "ridge", "svr")]
        rows.append([name, *cells])
    return markdown(rows)


def percent(found: dict[str, Any]) -> str:
    """Return an error in percent with its interval."""
    return "{:.3g} ({:.3g} to {:.3g})".format(found["mape"], *found["interval"])


TEXTURE: dict[str, Callable[[], str]] = {
    "texture_ablation": lambda: similarities("texture_ablation"),
    "texture_real": lambda: similarities("texture_samples"),
    "texture_samples": lambda: samples("castings"),
    "texture_real_samples": lambda: samples("real micrographs"),
}
