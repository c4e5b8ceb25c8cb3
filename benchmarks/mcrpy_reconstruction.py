"""Reconstruction by MCRpy and by twopoint: the same targets, the same time, one measure of the error.

    TWOPOINT_DATA=... python benchmarks/mcrpy_reconstruction.py --mcrpy-python PATH [--settings NAME ...] [--seeds 3] [--output FILE]

MCRpy 0.2.0 needs numpy below 2, hence an environment of its own, whose python is PATH:

    python3.11 -m venv mcrpy && mcrpy/bin/pip install "tensorflow-cpu==2.15.1" "numpy<2" "scipy<1.15" matplotlib pyevtk
    mcrpy/bin/pip install --no-deps mcrpy==0.2.0

Targets: 64x64 crops of two micrographs. MCRpy gets the minority phase as its phase 1, as its documentation advises for the alloy, and runs
by `match` with its defaults (L-BFGS-B, 500 evaluations, periodic) but for what SETTINGS states; limit_to n stands for lags up to n - 1. Its
descriptor Correlations holds 2- and 3-point statistics: it is given more than twopoint is. Its time is that of `match`, which builds its
graph again in each call, imports left out. twopoint gets what fits into that time: a descent
alone, a start with the exchange of pixels, or as many starts as fit, --most-starts at most.

Error: norm(f - f*) / norm(f* - mean over lags of f*), all pairs, periodic, over all lags and ("near") over lags up to 16. For MCRpy's gray
result cut at 0.5, cut at the target's volume fraction, and clipped to 0..1 (soft); of twopoint's labels. The table has medians over seeds.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import scipy

if "--run-mcrpy" not in sys.argv:  # not there in MCRpy's environment
    import twopoint as tp

TWO, THREE = {"descriptor_types": ["FFTCorrelations"]}, {"descriptor_types": ["Correlations"]}
SETTINGS: dict[str, dict[str, Any]] = {
    "2-point 16": TWO | {"limit_to": 16},
    "2-point 16, multigrid": TWO | {"limit_to": 16, "use_multigrid_reconstruction": True},
    "2-point 32": TWO | {"limit_to": 32},
    "2-point 32, 2000": TWO | {"limit_to": 32, "max_iter": 2000},
    "3-point 16": THREE | {"limit_to": 16},
    "3-point 16, multigrid": THREE | {"limit_to": 16, "use_multigrid_reconstruction": True},
    "3-point 16, variation": {"descriptor_types": ["Correlations", "Variation"], "descriptor_weights": [1.0, 100.0], "limit_to": 16},
    "3-point 32": THREE | {"limit_to": 32},  # half an hour a run
}


def run_mcrpy(file: Path) -> None:
    """Do the jobs of a file, in MCRpy's own environment, and write what comes out in their place."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import mcrpy
    import tensorflow

    tensorflow.get_logger().setLevel("ERROR")
    runs = []
    for job in json.loads(file.read_text()):
        np.random.seed(job["seed"])  # noqa: NPY002 - the generator that MCRpy draws from
        settings = mcrpy.MatchingSettings(**job["settings"], logging_level=40, convergence_data_steps=10**9)
        start = time.perf_counter()
        _, progress, last = mcrpy.match(mcrpy.Microstructure(np.array(job["phase"], dtype=float)), settings=settings)
        seconds = time.perf_counter() - start
        evaluations = len(progress["line_data"]) - 1  # the last entry repeats the one before
        runs.append({"seconds": seconds, "evaluations": evaluations, "field": last.numpy()[..., 0].tolist()})
    versions = {name: metadata.version(name) for name in ("mcrpy", "tensorflow-cpu", "numpy", "scipy")}
    file.write_text(json.dumps({"runs": runs, "versions": versions | {"python": platform.python_version()}}))


def crop(name: str) -> np.ndarray:
    """The target as labels, the minority phase as phase 1."""
    image = np.load(Path(os.environ.get("TWOPOINT_DATA", ".")) / f"data/micrographs/mcrpy_{name}_256.npy")[:64, :64]
    labels = np.unique(image, return_inverse=True)[1].reshape(image.shape)
    return labels if labels.mean() <= 0.5 else 1 - labels


def errors(target: np.ndarray, **made: np.ndarray) -> dict[str, float]:
    """The errors of labels or phases made, over all lags and near."""
    known = [tp.target_statistics(tp.two_phase(target.astype(float)), crop=crop) for crop in (None, 33)]
    return {name + near: tp.statistics_error(m, f) for name, m in made.items() for near, f in zip(("", " near"), known, strict=True)}


def theirs(python: str, rows: list[dict[str, Any]], targets: dict[str, np.ndarray]) -> dict[str, str]:
    """Add what MCRpy does to the rows; return the versions there."""
    jobs = [{"seed": r["seed"], "settings": SETTINGS[r["settings"]], "phase": targets[r["target"]].tolist()} for r in rows]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jobs.json"
        file.write_text(json.dumps(jobs))
        subprocess.run([python, __file__, "--run-mcrpy", str(file)], check=True, stdout=subprocess.DEVNULL)
        done = json.loads(file.read_text())
    for row, run in zip(rows, done["runs"], strict=True):
        field, labels = np.array(run.pop("field")), targets[row["target"]]
        cut = np.zeros(field.size, dtype=int)
        cut[np.argsort(-field, axis=None, kind="stable")[: labels.sum()]] = 1
        made = {"at 0.5": (field >= 0.5).astype(int), "at v": cut.reshape(field.shape), "soft": tp.two_phase(np.clip(field, 0, 1))}
        row["MCRpy"] = run | errors(labels, **made)
    return done["versions"]


def ours(labels: np.ndarray, seed: int, seconds: float, most: int) -> dict[str, float]:
    """Reconstruct with as much effort as takes the time given: the descent alone, with the exchange of pixels, from more starts."""

    def run(**effort: int) -> dict[str, float]:
        start = time.perf_counter()
        found = tp.reconstruct(tp.two_phase(labels.astype(float)), seed=seed, **effort).labels
        spent = {"seconds": time.perf_counter() - start, "starts": effort["starts"]}
        return spent | errors(labels, labels=found.reshape(-1, *labels.shape)[0])

    least = run(starts=1, tries=1, polish=0)
    if 3 * least["seconds"] > seconds:
        return least
    one = run(starts=1)
    if one["seconds"] > seconds:
        return run(starts=1, tries=2, polish=1000)
    room = min(most, int(seconds / one["seconds"]))
    return run(starts=room) if room > 1 else one


def table(rows: list[dict[str, Any]]) -> str:
    """The medians over seeds."""
    lines = []
    for kind in dict.fromkeys((r["target"], r["settings"]) for r in rows):
        some = [r for r in rows if (r["target"], r["settings"]) == kind]
        found = {tool: {key: np.median([r[tool][key] for r in some]) for key in some[0][tool]} for tool in ("MCRpy", "twopoint")}
        if not lines:
            lines.append(" " * 35 + " ".join(f"{key:>11}" for keys in found.values() for key in keys))
        lines.append(f"{kind[0]:10}{kind[1]:25}" + " ".join(f"{value:11.4g}" for values in found.values() for value in values.values()))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mcrpy-python", help="python of MCRpy's environment")
    parser.add_argument("--run-mcrpy", type=Path, metavar="FILE", help="what the script calls itself with there")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=[name for name in SETTINGS if name != "3-point 32"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most-starts", type=int, default=32)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "mcrpy_reconstruction.json")
    given = parser.parse_args()
    if given.run_mcrpy:
        return run_mcrpy(given.run_mcrpy)
    targets = {name: crop(name) for name in ("copolymer", "alloy")}
    rows = [{"target": t, "settings": s, "seed": seed} for s in given.settings for t in targets for seed in range(given.seeds)]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before"
    versions = {"MCRpy": theirs(given.mcrpy_python, rows, targets)}
    ours(targets["alloy"], 0, 0.0, 1)  # once to warm up
    for row in rows:
        row["twopoint"] = ours(targets[row["target"]], row["seed"], row["MCRpy"]["seconds"], given.most_starts)
    versions["twopoint"] = {module.__name__: module.__version__ for module in (tp, np, scipy)} | {"python": platform.python_version()}
    given.output.write_text(json.dumps({"machine": machine, "versions": versions, "runs": rows}, indent=1) + "\n")
    print(machine, json.dumps(versions), table(rows), sep="\n")


if __name__ == "__main__":
    main()
