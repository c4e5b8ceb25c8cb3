"""Tables of docs/manifold.md on Table I of Lubbers et al., from benchmarks/results/table_one.json."""

import json
from collections.abc import Sequence
from typing import Any

from results import aims_table, markdown, of

from twopoint_models.manifold.tables import PAPER, off_paper

SHOWN = {"r2_k": "k", "r2_noise": "A"}  # the measures whose entries are shown, and their names
DIMENSIONS = (4, 6, 10)
NOISES = (0.65, 4.0, 0.0785), (0.65, 8.0, 0.0678), (0.8, 3.0, 0.1)  # persistence, base frequency, displacement: older, finer, chosen


def table_one() -> str:
    """Return entries of Table I of Lubbers et al. beside those of the setting that the rule chooses, and of the nearest setting."""
    settings, full = of("table_one")["settings"], of("table_one")["full"]["rows"]
    chosen, nearest = settings[0], min(settings, key=lambda row: off_paper(row["table"]))
    rows = [["", *heads(), "largest difference from D* = 4 on", "figures held, of 5"]]
    rows.append(["the paper", *(f"{PAPER[measure][d]:.3f}" for measure in SHOWN for d in DIMENSIONS), "", ""])
    for name, row in {f"chosen without Table I: {told(chosen)}": chosen, f"nearest of {len(settings)}: {told(nearest)}": nearest}.items():
        entries = (f"{value:.3f}" for value in entries_of(row["table"]))
        rows.append([name, *entries, f"{off_paper(row['table']):.3f}", str(sum(row["held"].values()))])
    by_name = {"the chosen one": full} | {name: [row["beside"][name] for row in full] for name in full[0]["beside"]}
    for name, tables in by_name.items():
        entries = (over_seeds(values) for values in zip(*map(entries_of, tables), strict=True))
        rows.append([f"{name}, 1000 images, seeds: {len(tables)}", *entries, over_seeds([off_paper(table) for table in tables]), ""])
    return markdown(rows)


def over_seeds(values: Sequence[float]) -> str:
    """Return the mean of an entry over seeds, and the least and the largest."""
    mean = f"{sum(values) / len(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def heads() -> list[str]:
    """Return the heads of the columns of entries."""
    return [f"{name}, D* = {d}" for name in SHOWN.values() for d in DIMENSIONS]


def entries_of(table: dict[str, Any]) -> list[float]:
    """Return the entries of a row of Table I that are shown."""
    return [table[measure][table["dimensions"].index(d)] for measure in SHOWN for d in DIMENSIONS]


def told(row: dict[str, Any]) -> str:
    """Return the noise, the input and the scaling of a setting."""
    noise = row["noise"]
    shape = f"{noise['octaves']} octaves, persistence {noise['persistence']:g}, base frequency {noise['base_frequency']:g}"
    kind = "".join(f", {word}" for word in ("absolute", "shared") if noise[word])
    return f"{shape}{kind}, displacement {noise['displacement']:g}; input {row['input']}, {row['scaling']} scaling"


def table_one_moves() -> str:
    """Return by how much each unstated choice moves the entries of Table I on average, all other choices held; shared noises left out."""
    rows = [row for row in of("table_one")["settings"] if not row["noise"]["shared"]]
    by = {(json.dumps(row["noise"]), row["input"], row["scaling"]): row["table"] for row in rows}
    drawn = {(n["persistence"], n["base_frequency"], n["displacement"]): json.dumps(n) for n in (row["noise"] for row in rows)}
    older, finer, chosen = (drawn[each] for each in NOISES)
    changes = {
        "input: times 255, instead of less the mean too": (1, "255 - mean", "255"),
        "input: phi in [-1, 1], instead of times 255 less the mean": (1, "255 - mean", "raw"),
        "scaling: as printed, instead of the root": (2, "root", "printed"),
        "noise: base frequency 8, instead of 4 (five octaves of persistence .65)": (0, older, finer),
        "noise: the chosen one, instead of the older one": (0, older, chosen),
    }
    lines = [["mean change", *heads()]]
    for what, (place, before, after) in changes.items():
        pairs = [(table, by[*key[:place], after, *key[place + 1 :]]) for key, table in by.items() if key[place] == before]
        changed = zip(*([b - a for a, b in zip(*map(entries_of, pair), strict=True)] for pair in pairs), strict=True)
        lines.append([what, *(f"{sum(each) / len(pairs):+.3f}" for each in changed)])
    return markdown(lines)


def table_one_bars() -> str:
    """Return what was aimed at for Table I, and what came out; misses are bold."""
    found = of("table_one")
    chosen, errors = found["settings"][0], found["angles"]["rmse"]
    mean = {name: {float(a): sum(each) / len(each) for a, each in row.items()} for name, row in errors.items()}
    spectrum, trials = mean["spectrum"], len(next(iter(errors["spectrum"].values())))
    inner = {a: value for a, value in spectrum.items() if 2 <= a <= 3.5}
    told = {a: f"{value:.3f}" for a, value in spectrum.items()}
    failing = min(spectrum[1.0], spectrum[4.0]) > 0.2
    rows = [(f"power spectrum, {trials} trials: above .2 rad at A = 1 and 4", f"{told[1.0]} and {told[4.0]}", failing)]
    rows.append((f"below .1 at A = {', '.join(f'{a:g}' for a in inner)}", ", ".join(told[a] for a in inner), max(inner.values()) < 0.1))
    for scaling in ("printed", "root"):
        row = mean[f"CNN, {scaling}"]
        count = len(next(iter(errors[f"CNN, {scaling}"].values())))
        at = ", ".join(f"{a:g}" for a in row)
        what = f"CNN, {scaling} scaling, {found['angles']['count']} angles, {count} trials: at most .05 rad at A = {at}"
        rows.append((what, ", ".join(f"{value:.3f}" for value in row.values()), max(row.values()) <= 0.05))
    for images, tables in {"216 images": [chosen["table"]], "1000 images": found["full"]["rows"]}.items():
        far, seeds = max(map(off_paper, tables)), f"{len(tables)} seed" + "s" * (len(tables) > 1)
        rows.append(
            (f"chosen setting, {images}, {seeds}: each entry from D* = 4 on within .03", f"largest difference {far:.3f}", far <= 0.03)
        )
    return aims_table(rows)


MANIFOLD = {"table_one": table_one, "table_one_bars": table_one_bars, "table_one_moves": table_one_moves}
