"""The numbers of PyMKS and PoreSpy for one small image, beside those of twopoint: ``docs/from_other_tools.md`` states them.

    python -m benchmarks.peer_values --pymks-python PATH --porespy-python PATH [--output FILE]

Each path is the python of an environment that has the tool (peers.md). A tool without a path keeps its numbers of the last run.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

import twopoint as tp

from .peers import Peer, versions

JOBS = {"pymks": ("two_point_stats",), "porespy": ("shells", "lineal path")}
RESULTS = Path(__file__).parent / "results/peer_values.json"


def image() -> np.ndarray:
    """Return the image (24, 24), 0 and 1."""
    field = gaussian_filter(np.random.default_rng(0).standard_normal((24, 24)), 1.5, mode="wrap")
    return (field > np.quantile(field, 0.6)).astype(np.float64)


def ours(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the same numbers by twopoint, in the layout of each tool."""
    periodic = tp.correlations(tp.two_phase(x), pairs=[(0, 0), (0, 1), (1, 1)], crop=23)
    opened = tp.autocorrelation(x, boundary="open", crop=25)
    return {
        "two_point_stats": np.moveaxis(periodic, 0, -1),
        "shells": tp.radial_average(opened, centered=True)[1],
        "lineal path": tp.lineal_path(x[None], boundary="open")[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for peer in JOBS:
        parser.add_argument(f"--{peer}-python", help=f"python of an environment that has {peer}, see peers.md")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    found: dict[str, Any] = json.loads(given.output.read_text()) if given.output.exists() else {}
    x, here = image(), ours(image())
    for peer, jobs in JOBS.items():
        python = getattr(given, f"{peer}_python")
        if python is None:
            continue
        worker = Peer(peer, python, x[None].astype(np.float32), x[None].astype(np.float32))
        try:
            values = {job: worker.result(job)[0][0] for job in jobs}
        finally:
            worker.close()
        differences = {job: float(np.abs(value - here[job]).max()) for job, value in values.items()}
        lists = {job: value.tolist() for job, value in values.items()}
        found[peer] = {"versions": versions(peer, python), "values": lists, "largest_difference": differences}
        for job, difference in differences.items():
            print(f"{peer} {job}: largest difference {difference:.1e}")
    found["command"] = "python -m benchmarks.peer_values --pymks-python PYTHON --porespy-python PYTHON"
    given.output.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
