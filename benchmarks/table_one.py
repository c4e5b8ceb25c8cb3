"""Table I of Lubbers et al.: the choices that the paper does not state, over images that it does.

    python -m benchmarks.table_one [--minutes 40] [--sizes 224] [--inputs raw "255 - mean" 255] [--kept DIR]   # distances, resumable
    python -m benchmarks.table_one --judge [--output benchmarks/results/table_one.json]      # figures, rule, then Table I
    python -m benchmarks.table_one --full 3                                                  # the choice with 1000 images, three seeds
    python -m benchmarks.table_one --angles 20 2                                             # 50 angles in its noise, in so many trials

The noises are the best of each kind in benchmarks/results/marble_noise.json, and today's. An input is what the network gets: gray values
times 255 less the channels' means, times 255, or phi itself in [-1, 1]. 216 images of three parameters and 20 of angles at A = 1 and 4 are
described once for each noise, size and input, and the distances of each layer kept; both scalings of the distances come from these.
Convolutions are in bfloat16, which changes a distance by .2 % (with --full: float32).
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from twopoint.cli.terminal import counting
from twopoint_models.manifold import Marbles, distance_matrix, embed, power_spectra, texture_vectors, three_parameters
from twopoint_models.manifold.tables import off_paper
from twopoint_models.nets.names import LUBBERS
from twopoint_models.nets.vgg import WIDTHS
from twopoint_models.weights import vgg19

from . import machine
from .marble_noise import AMPLITUDES, Noise, bars, fall, shape_of
from .table_one_rule import FEW, SCALINGS, angles, combine, embedded, figures, order, table

RESULTS = Path(__file__).parent / "results"
INPUTS = {"255 - mean": None, "255": (255.0, 0.0), "raw": (2.0, 1.0)}  # scale and shift of gray values in [0, 1]
TODAY = [Noise(displacement=0.0785), Noise(base_frequency=8.0, displacement=0.0678)]
SPECTRUM = "spectrum"
RING = (1.0, 4.0)  # amplitudes of the images of angles


class Input(nn.Module):
    """VGG-19 up to conv5_1 with one of the inputs; its convolutions may be in bfloat16."""

    def __init__(self, weights: str, kind: str, *, exact: bool = False) -> None:
        super().__init__()
        self.network, self.exact = vgg19(weights, layers=LUBBERS, pooling="mean"), exact
        if (step := INPUTS[kind]) is not None:
            self.network.scale.fill_(step[0])
            self.network.shift.fill_(step[1])

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return feature maps in float32."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not self.exact):
            return [each.float() for each in self.network(images)]


def noises(found: dict[str, Any]) -> list[Noise]:
    """Return today's noises and the best of each kind: of all, of one octave, of each base frequency, of absolute values, shared."""
    rows = [(shape_of(row), row) for row in found["rows"]]
    kinds = [
        lambda n: True,
        lambda n: n.absolute and not n.shared,
        lambda n: n.shared and not n.absolute,
        lambda n: n.octaves == 1 and not n.absolute and not n.shared,
        lambda n: n.base_frequency == 8 and not n.absolute and not n.shared,
        lambda n: n.base_frequency == 2 and not n.absolute and not n.shared,
        lambda n: n.base_frequency == 12,
        lambda n: n.absolute and n.shared,
    ]
    best = [max((each for each in rows if kind(each[0])), key=lambda each: each[1]["margin"])[0] for kind in kinds]
    return list(dict.fromkeys([*best[:1], *TODAY[:1], *best[1:], *TODAY[1:]]))


def curve_of(noise: Noise, found: dict[str, Any]) -> dict[str, Any]:
    """Return the bars of Fig. 6 and the peaks of Fig. 4 of a noise, from the curves of its shape."""
    shape = asdict(replace(noise, displacement=0))
    row = next(row for row in found["rows"] if all(row[name] == value for name, value in shape.items() if name != "displacement"))
    return bars(np.array(row["errors"]), noise.displacement) | fall(np.array(row["fig_4"]), noise.displacement)


@dataclass(frozen=True)
class Form:
    """How many images of how many pixels: steps of each parameter, and angles."""

    size: int = 224
    per_axis: int = 6
    count: int = 20
    seed: int = 0

    def grid(self, noise: Noise) -> Marbles:
        """Return the images of three parameters."""
        drawn = three_parameters(self.per_axis, size=1)  # for the parameters alone
        return noise.marbles(drawn.angle, drawn.k, drawn.noise, self.size, self.seed)

    def ring(self, noise: Noise, amplitude: float) -> np.ndarray:
        """Return the images of angles."""
        angle = np.arange(self.count) * math.pi / self.count
        return noise.marbles(angle, np.full(self.count, 15.0), np.full(self.count, amplitude), self.size, self.seed).images


def layer_distances(images: np.ndarray, network: nn.Module, name: str) -> np.ndarray:
    """Return the distances of each layer with the root's scaling, (5, n, n)."""
    with counting(name, "") as progress:
        vectors = texture_vectors(images, network, progress=lambda done, total: progress(done, total, 0.0), device="cpu")
    ends = np.cumsum([0, *(n * (n + 1) // 2 for n in WIDTHS)])
    return np.stack([distance_matrix(vectors[:, a:b]) for a, b in pairwise(ends)]).astype(np.float32)


def kept_at(noise: Noise, kind: str, form: Form, folder: Path) -> Path:
    """Return the file of the distances of a setting."""
    parts = [str(noise), f"displacement {noise.displacement:.4g}", *(f"{name} {value}" for name, value in asdict(form).items()), kind]
    return folder / f"{', '.join(parts).replace(', ', '_').replace(' ', '-')}.npz"


def described(noise: Noise, kind: str, form: Form, o: argparse.Namespace) -> dict[str, np.ndarray]:
    """Return the distances of a noise and an input, or of its power spectra: "grid" (..., n, n), "ring" (2, ..., m, m); keep them."""
    file = kept_at(noise, kind, form, o.kept)
    if not file.exists():
        images = [form.grid(noise).images, *(form.ring(noise, a) for a in RING)]
        if kind == SPECTRUM:
            found = [distance_matrix(power_spectra(each)) for each in images]
        else:
            network = Input(o.vgg, kind).eval()
            found = [layer_distances(each, network, file.stem) for each in images]
        o.kept.mkdir(parents=True, exist_ok=True)
        np.savez(file, grid=found[0], ring=np.stack(found[1:]))
        print(file.stem, flush=True)
    with np.load(file) as kept:
        return {name: kept[name] for name in kept.files}


def sweep(o: argparse.Namespace) -> None:
    """Describe the images of all settings, until the minutes are over."""
    began = time.perf_counter()
    for noise in noises(json.loads(o.noise.read_text(encoding="utf-8"))):
        described(noise, SPECTRUM, o.form, o)
        for kind in o.inputs:
            if time.perf_counter() - began > 60 * o.minutes:
                print("the minutes are over; the same command goes on")
                return
            described(noise, kind, o.form, o)
    print("all settings are described")


def settings(o: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of all settings whose distances are kept, the chosen one first, with the rows of Table I apart."""
    found, rows = json.loads(o.noise.read_text(encoding="utf-8")), []
    for noise, size in product(noises(found), o.sizes):
        form = replace(o.form, size=size)
        kinds = [kind for kind in INPUTS if kept_at(noise, kind, form, o.kept).exists()]
        if not kinds:
            continue
        known, power = curve_of(noise, found), described(noise, SPECTRUM, form, o)
        spectrum = known | angles(power["ring"]) | {"stress_of_dimension": [embed(power["grid"], d).stress for d in FEW]}
        for kind, scaling in product(kinds, SCALINGS):
            file = kept_at(noise, f"{kind}, {scaling}", form, o.kept).with_suffix(".json")
            if not file.exists():
                row = {"noise": asdict(noise), "size": size, "input": kind, "scaling": scaling, "off_peaks": known["off_peaks"]}
                file.write_text(json.dumps(row | judged(described(noise, kind, form, o), scaling, form, spectrum)), encoding="utf-8")
            rows.append(json.loads(file.read_text(encoding="utf-8")))
    return sorted(rows, key=order)


def judged(kept: dict[str, np.ndarray], scaling: str, form: Form, spectrum: dict[str, Any]) -> dict[str, Any]:
    """Return what the rule sees of a setting and, under "table", what it does not."""
    whole, around = (combine(kept[name], scaling, form.size) for name in ("grid", "ring"))
    drawn, found = three_parameters(form.per_axis, size=1), embedded(whole)
    return figures(found, around, spectrum) | {"spectrum": spectrum, "table": table(found, drawn.k, drawn.noise)}


def told(row: dict[str, Any]) -> str:
    """Return a line on a setting: what the rule sees, then k and A at 4, 6 and 10 dimensions."""
    shown, at = row["table"], [row["table"]["dimensions"].index(d) for d in (4, 6, 10)]
    k, a = (" ".join(f"{shown[name][i]:.3f}" for i in at) for name in ("r2_k", "r2_noise"))
    rule = f"held {sum(row['held'].values())}, knee {row['knee']}, peaks off {row['off_peaks']:.2f}, slopes {row['slopes']:.2f}"
    angle = shown["regression_angle"][at[1]]
    cnn = ", ".join(f"{value:.3f}" for value in row["cnn"]["rmse"])
    who = f"{Noise(**row['noise'])}, {row['noise']['displacement']:.3g}; {row['size']} px, {row['input']}, {row['scaling']}"
    return f"{who}: {rule}, CNN {cnn}; k {k}, A {a}, {angle:.0f} degrees, off {off_paper(shown):.3f}"


def full(chosen: dict[str, Any], o: argparse.Namespace) -> dict[str, Any]:
    """Return the rows of Table I of the choice with 1000 images, one for each seed, in float32."""
    noise, network, rows = Noise(**chosen["noise"]), Input(o.vgg, chosen["input"], exact=True).eval(), []
    for seed in range(o.full):
        form = Form(chosen["size"], o.full_per_axis, 0, seed)
        file, drawn = kept_at(noise, chosen["input"], form, o.kept), form.grid(noise)
        if not file.exists():
            o.kept.mkdir(parents=True, exist_ok=True)
            np.savez(file, grid=layer_distances(drawn.images, network, file.stem))
        with np.load(file) as kept:
            both = {name: table(embedded(combine(kept["grid"], name, form.size)), drawn.k, drawn.noise) for name in SCALINGS}
        both["power spectrum"] = table(embedded(distance_matrix(power_spectra(drawn.images))), drawn.k, drawn.noise)
        rows.append(both[chosen["scaling"]])
        rows[-1] |= {"seed": seed, "images": len(drawn.k), "off": off_paper(rows[-1])}
        rows[-1]["beside"] = {f"its noise, {name}": row for name, row in both.items() if name != chosen["scaling"]}
        print(json.dumps({name: value for name, value in rows[-1].items() if name != "beside"}), flush=True)
    return {name: chosen[name] for name in ("noise", "size", "input", "scaling")} | {"rows": rows}


def angle_bars(chosen: dict[str, Any], o: argparse.Namespace) -> dict[str, Any]:
    """Return the errors of 50 angles in the noise of the choice, a list over trials for each amplitude: power spectrum, and CNN."""
    noise, network, found = Noise(**chosen["noise"]), Input(o.vgg, chosen["input"]).eval(), {}
    for amplitude, (name, trials) in product((1.0, 2.0, 2.5, 3.0, 3.5, 4.0), zip(("spectrum", "CNN"), o.angles, strict=True)):
        if name == "CNN" and amplitude not in AMPLITUDES:
            continue
        for seed in range(trials):
            images = Form(chosen["size"], o.per_axis, o.full_count, seed).ring(noise, amplitude)
            if name == "spectrum":
                rows = {name: angles(distance_matrix(power_spectra(images))[None])}
            else:
                layers = layer_distances(images, network, f"CNN, A = {amplitude:g}, trial {seed}")
                rows = {f"CNN, {scaling}": angles(combine(layers, scaling, chosen["size"])[None]) for scaling in SCALINGS}
            for who, row in rows.items():
                found.setdefault(who, {}).setdefault(f"{amplitude:g}", []).append(row["rmse"][0])
    for who, row in found.items():
        print(who, {a: f"mean {np.mean(values):.3f}, at most {max(values):.3f}" for a, values in row.items()}, flush=True)
    return {name: chosen[name] for name in ("noise", "size", "input")} | {"count": o.full_count, "rmse": found}


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", nargs="+", choices=INPUTS, default=list(INPUTS))
    parser.add_argument("--minutes", type=float, default=40.0, help="of the distances; a setting that has begun is ended")
    parser.add_argument("--sizes", nargs="+", type=int, default=[224], help="the first is described; all that are kept are judged")
    parser.add_argument("--per-axis", type=int, default=6)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--full", type=int, default=0, help="so many seeds of the chosen setting")
    parser.add_argument("--full-per-axis", type=int, default=10)
    parser.add_argument("--angles", nargs=2, type=int, help="trials of 50 angles in the chosen setting: power spectrum, CNN")
    parser.add_argument("--full-count", type=int, default=50)
    parser.add_argument("--vgg", default="", help='a file of weights, or "random"')
    parser.add_argument("--kept", type=Path, default=Path("table_one_kept"))
    parser.add_argument("--noise", type=Path, default=RESULTS / "marble_noise.json")
    parser.add_argument("--output", type=Path, default=RESULTS / "table_one.json")
    found = parser.parse_args()
    found.form = Form(found.sizes[0], found.per_axis, found.count)
    return found


def main() -> None:
    o = parsed()
    torch.set_num_threads(1)
    results = json.loads(o.output.read_text(encoding="utf-8")) if o.output.exists() else {}
    if o.full:
        results["full"] = full(results["settings"][0], o)
    elif o.angles:
        results["angles"] = angle_bars(results["settings"][0], o)
    elif o.judge:
        rows = settings(o)
        print(*map(told, rows), sep="\n")
        about = machine.describe() | {"command": "python -m benchmarks.table_one --judge"}
        kept = {name: results[name] for name in ("full", "angles") if name in results}
        results = {"machine": about, "settings": rows} | kept
    else:
        sweep(o)
        return
    o.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
