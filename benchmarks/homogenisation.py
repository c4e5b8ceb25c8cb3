"""What homogenisation costs, beside scikit-fem's direct solver.

    python -m benchmarks.homogenisation [--rounds 9] [--small] [--gpu] [--only speed memory batch iterations] [--output FILE]

speed: one image of 224 x 224, contrast 100, three load cases, C to 1e-4, in turn by scikit-fem (peer_fem.py) and on numpy, torch and jax,
compiled before; medians and the median over rounds of scikit-fem's time by each. Results are compared before.
memory: the highest resident memory of a fresh process that homogenises 1024 x 1024 on numpy in float64.
batch: images a second, 64 of 224 x 224. iterations: how many of tolerance and contrast, and the difference from scikit-fem's C by the
largest entry. --gpu, on a machine with CUDA and instead of these: images a second, 256 of 224 x 224, and seconds of 128^3.
Bars: not slower than scikit-fem on any backend, aim 4 times as fast; 1024 x 1024 below 2 GB. Two cores.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import twopoint as tp
from twopoint_models.data import CLASSES, generate, source
from twopoint_models.homogenisation import elastic_stiffness

from . import machine
from .bars import Bar, at_most
from .memory import resident
from .timing import Contender, compare, interleave, quartiles

RATIO, CONTRAST = [0.3, 0.3], 100.0
PARTS = ("speed", "memory", "batch", "iterations")


def images(number: int, size: int) -> np.ndarray:
    """Return images of MICRO2D's classes in turn, (number, size, size)."""
    made = [(CLASSES[i % len(CLASSES)], i // len(CLASSES)) for i in range(number)]
    return np.stack([generate(name, size, rng=source(name, index)).image for name, index in made])


def ours(library: str, dtype: str, m: np.ndarray, device: str = "cpu", ndim: int = 2) -> Callable[[], Any]:
    """Return a call that gives C of memberships (..., 2, *space)."""
    options = {"young": [CONTRAST, 1.0], "poisson": RATIO, "ndim": ndim, "tolerance": 1e-4}
    if library == "numpy":
        whole = m.astype(dtype)
        return lambda: elastic_stiffness(whole, **options)
    if library == "torch":
        import torch

        tensor = torch.tensor(m, dtype=getattr(torch, dtype), device=device)
        return lambda: elastic_stiffness(tensor, **options)
    import jax

    array = jax.numpy.asarray(m, dtype=dtype)
    compiled = jax.jit(lambda x: elastic_stiffness(x, **options))
    return lambda: compiled(array).block_until_ready()


def speed(size: int, rounds: int) -> dict[str, Any]:
    """Return times of all, in turn, of one image, and by how much they differ from scikit-fem."""
    from .peer_fem import PeriodicCell

    image = images(8, size)[-1]  # VoronoiMedium
    m, cell, young = tp.two_phase(image.astype(float)), PeriodicCell(size), np.where(image == 0, CONTRAST, 1.0)
    contenders = {"scikit-fem": Contender(lambda: cell.stiffness(young, RATIO[0]))}
    for library in ("numpy", "torch", "jax"):
        for dtype in ("float64", "float32"):
            contenders[f"{library} {dtype}"] = Contender(ours(library, dtype, m), like="scikit-fem")
    found = compare(contenders)
    times = interleave(contenders, rounds, "speed")
    bars = [Bar(name, "scikit-fem", least=1.0, aim=4.0).judge(times) for name in found]
    return {"size": size, "seconds": {k: quartiles(v) for k, v in times.items()}, "differences": found, "bars": bars}


def in_child(size: int) -> None:
    """Print the highest resident memory of this process, in bytes."""
    m = tp.two_phase(images(8, size)[-1].astype(float))
    before = resident("VmRSS")
    begin = time.perf_counter()
    elastic_stiffness(m, [CONTRAST, 1.0], RATIO)
    print(json.dumps({"peak": resident("VmHWM"), "before": before, "seconds": time.perf_counter() - begin}))


def memory(size: int) -> dict[str, Any]:
    """Return the memory of a fresh process."""
    command = [sys.executable, "-m", "benchmarks.homogenisation", "--child", str(size)]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    told = json.loads(asked.stdout.splitlines()[-1])
    gigabytes = {key: told[key] / 1e9 for key in ("peak", "before")}
    return {"size": size, "gigabytes": gigabytes, "seconds": told["seconds"], "bars": [at_most("peak, GB", gigabytes["peak"], 2)]}


def rates(number: int, size: int, rounds: int, device: str = "cpu") -> dict[str, Any]:
    """Return images a second of a batch."""
    m, libraries = tp.two_phase(images(number, size).astype(float)), ("numpy", "torch") if device == "cpu" else ("torch",)
    times: dict[str, list[float]] = {}
    for name in (f"{library} {dtype}" for library in libraries for dtype in ("float64", "float32")):
        whole, few = (Contender(ours(*name.split(), part, device), cuda=device != "cpu") for part in (m, m[:2]))
        few.seconds()  # warm; so many images need no second round
        times[name] = [whole.seconds() for _ in range(rounds)]
    return {"images": number, "size": size, "images_a_second": {k: number / float(np.median(v)) for k, v in times.items()}}


def iterations(size: int, tolerances: Sequence[float], contrasts: Sequence[float]) -> dict[str, Any]:
    """Return the iterations, of the load that needs most, and the difference from scikit-fem's C."""
    from twopoint.backend import namespace
    from twopoint_models.homogenisation.laws import Elastic
    from twopoint_models.homogenisation.materials import elastic_phases, mixed
    from twopoint_models.homogenisation.solver import reference, solve

    from .peer_fem import PeriodicCell

    image, rows, cell = images(8, size)[-1], [], PeriodicCell(size)
    m, law = tp.two_phase(image.astype(float)), Elastic(2)
    xp = namespace(m=m)
    for contrast in contrasts:
        phases = elastic_phases([contrast, 1.0], RATIO, 2, "strain", 2, m, xp)
        at_points = [c[:, None] for c in mixed(m[None], phases, xp)]
        medium, exact = reference(law, phases, at_points[0][0, 0], xp), cell.stiffness(np.where(image == 0, contrast, 1.0), RATIO[0])
        for tolerance in tolerances:
            steps = solve(law, at_points, (0, 1, 2), medium, tolerance, 10_000, xp).steps
            c = elastic_stiffness(m, [contrast, 1.0], RATIO, tolerance=tolerance, iterations=10_000)
            difference = float(np.abs(c - exact).max() / np.abs(exact).max())
            rows.append({"contrast": contrast, "tolerance": tolerance, "iterations": int(steps), "difference": difference})
    return {"size": size, "rows": rows}


def on_gpu(number: int, size: int, edge: int) -> dict[str, Any]:
    """Return images a second on CUDA, and seconds and gigabytes of a volume: a level cut of smooth noise."""
    import torch

    found: dict[str, Any] = {"gpu": machine.gpu(), "batch": rates(number, size, 3, "cuda"), "volume": {}}
    k = 2 * np.pi * np.stack(np.meshgrid(np.fft.fftfreq(edge), np.fft.fftfreq(edge), np.fft.rfftfreq(edge), indexing="ij"))
    noise = np.fft.rfftn(np.random.default_rng(0).standard_normal((edge,) * 3)) * np.exp(-((edge / 32) ** 2) * (k**2).sum(axis=0))
    m = tp.two_phase((np.fft.irfftn(noise, (edge,) * 3) > 0).astype(float), ndim=3)
    for dtype in ("float64", "float32"):
        call = Contender(ours("torch", dtype, m, "cuda", ndim=3), cuda=True)
        call.seconds()
        torch.cuda.reset_peak_memory_stats()
        found["volume"][dtype] = {"edge": edge, "seconds": call.seconds(), "gigabytes": torch.cuda.max_memory_allocated() / 1e9}
    return found


def parts_of(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the parts; yield each as it is there."""
    small = options.small
    parts: dict[str, Callable[[], Any]] = {
        "speed": lambda: speed(32 if small else 224, options.rounds),
        "memory": lambda: memory(64 if small else 1024),
        "batch": lambda: rates(4 if small else 64, 32 if small else 224, 1),
        "iterations": lambda: iterations(32 if small else 224, (1e-2, 1e-4) if small else (1e-2, 1e-3, 1e-4, 1e-6, 1e-8), (10, 100, 1000)),
    }
    if options.gpu:
        parts, options.only = {"gpu": lambda: on_gpu(*((8, 32, 16) if small else (256, 224, 128)))}, ["gpu"]
    for name in options.only:
        yield name, parts[name]()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--small", action="store_true", help="tiny sizes: whether it runs, and no figure that means anything")
    parser.add_argument("--gpu", action="store_true", help="what is measured on CUDA, and no more")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--output", type=Path, help="JSON, what other parts are there stays; benchmarks/results/homogenisation.json")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        in_child(options.child)
        return
    if not options.gpu:
        machine.restrict(2)
    import jax
    import torch

    if options.gpu and not torch.cuda.is_available():
        parser.error("--gpu needs CUDA, and torch finds none")
    jax.config.update("jax_enable_x64", True)
    path = options.output or Path(__file__).parent / "results/homogenisation.json"
    described = machine.describe() | {"command": " ".join(["python -m benchmarks.homogenisation", *sys.argv[1:]])}
    known = json.loads(path.read_text()) if path.exists() else {}
    for name, part in parts_of(options):
        print(f"{name}: {json.dumps(part, indent=1)}", flush=True)
        known[name] = part | {"machine": described}
        path.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
