"""Tables of docs/statistics_vae.md, from benchmarks/results/statistics_vae.json."""

from typing import Any

from results import aims_table, figure, markdown, of

ROWS = {  # of the network that encodes statistics, beside what costs nothing
    "statistics": "encodes statistics, `--invariant`, 24 epochs",
    "aligned": "its first stage, by aligned pixels",
    "nearest training image": "the training image nearest in statistics, of 20,000",
}
MEASURES = ("orientation_right", "number_right", "volume_fraction_difference", "statistics_mse")


def invariant() -> str:
    """Return the measures of the network that encodes statistics, with their intervals, beside rows that need no training."""
    found = of("statistics_vae")
    test, small = found["invariant"]["evaluation"]["test"], found["evaluation"]["test"]["means"]
    heads = ["", "threshold", "direction right", "number right", "volume fraction apart", "statistics, MSE"]
    rows = []
    for name, shown in ROWS.items():
        cells = [interval(test["means"][name][key], test["intervals"][name][key]) for key in MEASURES]
        rows.append([shown, f"{test['thresholds'][name]:.3g}", *cells])
    for name in ("statistics", "aligned"):
        cells = [figure(test["paper_means"][name][key]) for key in MEASURES]
        rows.append([f"{ROWS[name]}, at the paper's threshold", ".05", *cells])
    rows.append(["nine principal components of statistics", "", "", "", "", figure(test["components"]["9"])])
    for name, shown in {"statistics": "`--small`, by statistics", "data": "`--small`, vanilla"}.items():
        rows.append([shown, ".294", *(figure(small[name][key]) for key in MEASURES)])
    rows.append(["the paper, 224 x 224", ".05", ".98", ".63", ".17", "2.9e-5"])
    return markdown([heads, *rows])


def interval(value: float, ends: list[float]) -> str:
    """Return a mean with its 95 % interval."""
    return f"{figure(value)} ({' to '.join(map(figure, ends))})"


def invariant_aims() -> str:
    """Return the aims of the network that encodes statistics: at least as good as the nearest training image, within an hour."""
    found = of("statistics_vae")["invariant"]
    ours, nearest = (found["evaluation"]["test"]["means"][name] for name in ("statistics", "nearest training image"))
    rows: list[Any] = [("direction right in .99", figure(ours["orientation_right"]), ours["orientation_right"] >= 0.99)]
    for key, shown in {"number_right": "number of lines right as often", "volume_fraction_difference": "volume fraction as near"}.items():
        better = ours[key] >= nearest[key] if key == "number_right" else ours[key] <= nearest[key]
        rows.append((f"{shown} as the nearest training image's, {figure(nearest[key])}", figure(ours[key]), better))
    key = "statistics_mse"
    rows.append(
        (f"statistics as near as the nearest training image's, {figure(nearest[key])}", figure(ours[key]), ours[key] <= nearest[key])
    )
    minutes = found["processor_minutes"]
    rows.append(("60 minutes on two cores", f"{minutes} minutes of processor time", minutes <= 120))
    return aims_table(rows)


STATISTICS = {"invariant": invariant, "invariant_aims": invariant_aims}
