"""Tables of properties and designs, written from benchmarks/results."""

from collections.abc import Callable
from typing import Any

from results import figure, markdown, of

THEIRS = "the paper's way, cess-vae-224-cess"  # on a network of the paper's own training
SEVERAL = "E_x, E_y, G_xy"


def features(file: str) -> str:
    """Return the errors of properties by description at 224 x 224."""
    scores = of(file)["scores"]
    columns = {"over_deviation": "standard deviation", "over_range": "range", "over_mean": "mean"}
    rows = [["description", *(f"mean error over the {name}" for name in columns.values()), "E_x", "nu_xy"]]
    for name, row in sorted(scores.items(), key=lambda item: item[1]["mean"]["over_deviation"]):
        means = [f"{row['mean'][key]:.3f} ± {row['mean'][f'{key}_spread']:.3f}" for key in columns]
        rows.append([name, *means, *(f"{row[key]['over_deviation']:.3f}" for key in ("E_x", "nu_xy"))])
    return markdown(rows)


def error(found: dict[str, Any]) -> str:
    """Return an error with its interval."""
    return f"{figure(found['all'])} ({' to '.join(map(figure, found['interval']))})"


def designs_of(run: dict[str, Any]) -> str:
    """Return the errors of designs by target and method."""
    rows = [["target", "method", "error over the standard deviation", "largest", "before thresholding", "plausible"]]
    for kind, ways in run["groups"].items():
        for way, found in sorted(ways.items(), key=lambda item: item[1]["all"]):
            before = figure(found["soft"]) if "soft" in found else ""
            rows.append([kind, way, error(found), figure(found["largest"]), before, f"{found['plausible']} of {found['designs']}"])
    return markdown(rows)


def predictor() -> str:
    """Return the errors of the published predictor beside trivial ones, and the shares of its intervals that hold."""
    run = of("properties_224")["sets"]
    names = list(next(iter(run.values()))["coverage"])
    rows = [["images", "prediction", *names]]
    for kind, found in run.items():
        for name, scores in found["errors"].items():
            rows.append([f"{kind}, {found['images']}", name, *(f"{scores[x]['over_deviation']:.3f}" for x in names)])
        shares = (found["coverage"][x] for x in names)
        held = [f"{each['share']:.2f} ({' to '.join(f'{end:.2f}' for end in each['interval'])})" for each in shares]
        rows.append([f"{kind}, {found['images']}", "share in the 90 % interval", *held])
    return markdown(rows)


DESIGN: dict[str, Callable[[], str]] = {
    "features": lambda: features("property_features_224"),
    "features_augmented": lambda: features("property_augmented_224"),
    "designs": lambda: designs_of(of("designs")),
    "designs_100": lambda: designs_of(of("designs_100")),
    "predictor": predictor,
}
