"""Descriptors beyond two points: clusters and lineal path beside two points, chords and lineal path beside PoreSpy.

    python -m benchmarks.descriptors [--porespy-python PATH] [--rounds 9] [--only-paths] [--output FILE]

The cluster function of one phase, 1000 x 1000: exact, and by eight draws of random signs, beside one autocorrelation, on level cuts with
10^4 clusters and with few large ones. The loss of the lineal path of some lengths along both axes, with its gradient, beside that of CESS,
in numpy and torch. With --porespy-python, the python of an environment that has PoreSpy (peers.md), also chord lengths
and the lineal path of the same images by both. Contenders take turns in one process, PoreSpy's times are those of its own, and results
are compared first. --only-paths times the losses alone, and keeps the other figures of the file.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import twopoint as tp
from twopoint.synthetic import random_field

from . import machine
from .bars import Bar, Verdict, at_most
from .jobs import Job, call_torch, inputs
from .peers import Peer, versions
from .timing import Contender, compare, interleave, quartiles

SIZE, DRAWS, SEED = 1000, 8, 0
FIELDS = {  # correlation length in pixels, volume fraction
    "10^4 clusters": (2.4, 0.3),
    "2000 clusters": (7.0, 0.3),
    "one large cluster": (7.0, 0.55),
}
LENGTHS = (1, 2, 4, 8, 16, 32, 64)
CESS, PATH, BOTH = "cess", "lineal path", "lineal path of both phases"
EXACT, SAMPLED, ONE = "exact", f"{DRAWS} draws of signs", "one autocorrelation"


def level_cut(length: float, fraction: float, *, size: int = SIZE) -> np.ndarray:
    """Return one phase of a level cut as booleans (size, size)."""
    field = random_field((size, size), lambda r: np.exp(-((r / length) ** 2)), (1 - fraction, fraction), rng=np.random.default_rng(SEED))
    return field == 1


def clusters(name: str, rounds: int, *, size: int = SIZE) -> dict[str, Any]:
    """Time the cluster function of one field, periodic and open, and judge it."""
    x = level_cut(*FIELDS[name], size=size)
    cases = {}
    for boundary in ("periodic", "open"):
        contenders = {
            ONE: Contender(lambda boundary=boundary: tp.autocorrelation(x, boundary=boundary)),
            EXACT: Contender(lambda boundary=boundary: tp.cluster_correlation(x[None], boundary=boundary)),
            SAMPLED: Contender(lambda boundary=boundary: tp.cluster_correlation(x[None], boundary=boundary, samples=DRAWS)),
        }
        times = interleave(contenders, rounds, f"{name}, {boundary}")
        exact, sampled = contenders[EXACT].call(), contenders[SAMPLED].call()
        rms = float(np.sqrt(np.mean((sampled - exact) ** 2))) / float(x.mean())  # C2(0)
        bars: list[Verdict] = []
        if name == "10^4 clusters":
            bars = [Bar(EXACT, ONE, most=5).judge(times), at_most(f"rms of {SAMPLED} / C2(0), {boundary}", rms, 0.01)]
        ratios = {who: quartiles(np.array(times[who]) / np.array(times[ONE])) for who in (EXACT, SAMPLED)}
        cases[boundary] = {"milliseconds": milliseconds(times), "ratios": ratios, "rms": rms, "bars": bars}
    return {"clusters": number_of_clusters(x), "volume_fraction": float(x.mean()), **cases}


def number_of_clusters(x: np.ndarray) -> int:
    """Return the number of clusters of a phase on the torus."""
    from twopoint.descriptors.components import label_clusters

    return label_clusters(x, periodic=True, connectivity="faces").number


def paths(rounds: int, *, batch: int = 64, size: int = 224) -> dict[str, Any]:
    """Time the losses of the lineal path and CESS with their gradients, of the same images, with statistics of the target given."""
    job, found = Job(CESS, batch, 2, (size, size)), {}
    lengths = [r for r in LENGTHS if r < size]
    for library, contenders in path_contenders(job, lengths).items():
        times = interleave(contenders, rounds, library)
        bars = [Bar(PATH, CESS, most=2).judge(times)]
        ratios = {who: quartiles(np.array(times[who]) / np.array(times[CESS])) for who in (PATH, BOTH)}
        found[library] = {"milliseconds": milliseconds(times), "ratios": ratios, "bars": bars}
    return {"images": list(job.shape), "lengths": lengths, **found}


def path_contenders(job: Job, lengths: list[int]) -> dict[str, dict[str, Contender]]:
    """Return CESS, and the loss of the lineal path of the one given phase and of both phases, for numpy and torch."""
    import torch

    found, options = {}, {"descriptor": "lineal_path", "options": {"lengths": lengths}}
    for library, convert in {"numpy": np.asarray, "torch": torch.tensor}.items():
        prediction, target = map(convert, inputs(job))
        both = tp.target_statistics(target, implied_phase=True)
        one = tp.target_statistics(target).with_descriptor("lineal_path", tp.lineal_path(target, lengths=lengths), lengths=lengths)
        path = tp.lineal_path(target, lengths=lengths, implied_phase=True)
        losses = {
            CESS: (tp.cess, both, {}),
            PATH: (tp.descriptor_loss, one, options),
            BOTH: (tp.descriptor_loss, both.with_descriptor("lineal_path", path, lengths=lengths), options),
        }
        if library == "numpy":
            calls = {who: partial(tp.value_and_grad(f), prediction, s, **o) for who, (f, s, o) in losses.items()}
        else:
            calls = {who: call_torch(lambda p, f=f, s=s, o=o: f(p, s, **o), prediction) for who, (f, s, o) in losses.items()}
        found[library] = {who: Contender(call) for who, call in calls.items()}
    return found


def milliseconds(times: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return the quartiles of each contender."""
    return {name: quartiles(1e3 * np.array(seconds)) for name, seconds in times.items()}


def beside_porespy(python: str, rounds: int, *, size: int = 300, number: int = 2) -> dict[str, Any]:
    """Time chords and the lineal path of the same images by twopoint and by PoreSpy."""
    x = np.stack([level_cut(7.0, fraction, size=size) for fraction in np.linspace(0.3, 0.6, number)])
    images = x.astype(np.float32)
    found: dict[str, Any] = {"images": list(x.shape), "versions": versions("porespy", python)}
    worker = Peer("porespy", python, images, images)
    try:
        for job, ours in jobs(x).items():
            contenders = {name: Contender(call) for name, call in ours.items()}
            contenders["PoreSpy"] = worker.contender(job, list(ours)[-1])
            contenders["PoreSpy"].close = lambda: None
            differences = compare(contenders)
            times = interleave(contenders, rounds, job)
            bars = [Bar("twopoint", "PoreSpy", least=5).judge(times)]
            found[job] = {"differences": differences, "milliseconds": milliseconds(times), "bars": bars}
    finally:
        worker.close()
    return found


def jobs(x: np.ndarray) -> dict[str, dict[str, Callable[[], np.ndarray]]]:
    """Return what twopoint does beside PoreSpy, by job; the last of each has the lines that PoreSpy has.

    PoreSpy draws chords on every second or on every line, but none on the first and the last.
    """

    def chords(step: int) -> np.ndarray:
        lines = x[:, :, step:-step:step], x[:, step:-step:step]
        return np.stack([tp.chord_lengths(part[:, None], boundary="open")[:, 0, axis] for axis, part in enumerate(lines)], axis=1)

    def all_lines() -> np.ndarray:
        return tp.chord_lengths(x[:, None], boundary="open")[:, 0]

    return {
        "chords": {"twopoint": all_lines, "twopoint, lines of PoreSpy": lambda: chords(2)},
        "all chords": {"twopoint": all_lines, "twopoint, lines of PoreSpy": lambda: chords(1)},
        "lineal path": {"twopoint": lambda: tp.lineal_path(x[:, None], boundary="open")[:, 0]},
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return a line for each bar."""
    parts = [part[b] for part in found["clusters"].values() for b in ("periodic", "open")]
    parts += [*(found.get("paths") or {}).values(), *(found.get("porespy") or {}).values()]
    bars = [bar for part in parts if isinstance(part, dict) for bar in part.get("bars", ())]
    return [f"{bar['what']}: {bar['figure']:.3g}; the limit is {bar['limit']}{'' if bar['held'] else '  MISSED'}" for bar in bars]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--porespy-python", help="python of an environment that has PoreSpy, see peers.md")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/descriptors.json")
    parser.add_argument("--only-paths", action="store_true", help="keep the other figures of the file")
    given = parser.parse_args()
    command = f"python -m benchmarks.descriptors --rounds {given.rounds}" + " --porespy-python PYTHON" * (given.porespy_python is not None)
    found: dict[str, Any] = json.loads(given.output.read_text()) if given.only_paths else machine.describe() | {"command": command}
    here = machine.describe() | {"command": command + " --only-paths" * given.only_paths}
    found["paths"] = here | paths(given.rounds)
    if not given.only_paths:
        found["clusters"] = {name: clusters(name, given.rounds) for name in FIELDS}
        found["porespy"] = None if given.porespy_python is None else beside_porespy(given.porespy_python, given.rounds)
    given.output.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    print(*lines(found), sep="\n")


if __name__ == "__main__":
    main()
