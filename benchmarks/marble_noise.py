"""Which noise have the marble textures of Lubbers et al.? Shapes of noise judged by the power spectrum, without a network or a regression.

    python -m benchmarks.marble_noise [--count 50] [--size 128] [--trials 1] [--output benchmarks/results/marble_noise.json]

Shapes that the output has are not measured again. The paper says neither the shape of its noise nor the unit of A. Its Fig. 6 says where
the power spectrum finds angles: 2 <= A <= 3.5, and not at A = 1 or 4. Its Fig. 4 says how its peak falls: 1, 1/3, 1/100 (of which A, it
does not say; those of Fig. 5 are taken). For each shape the error is measured over A times displacement. Then the displacement is the one
with the largest margin of three bars: the error above .2 rad at A = 1, above .2 at A = 4, below .1 from 2 to 3.5. The margin is the least
logarithm of error over bar (below: bar over error); 0 or more means that all bars are held.
"""

import argparse
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from twopoint.cli.terminal import counting
from twopoint.synthetic import perlin_noise
from twopoint_models.manifold import Marbles, angle_error, distance_matrix, embed, power_spectra

from . import machine

STRENGTHS = np.geomspace(0.01, 0.8, 23)  # A times displacement, in sides of the image
DISPLACEMENTS = sorted({float(f"{d:.2g}") for d in np.geomspace(0.01, 0.2, 121)})
FAILS, FINDS = 0.2, 0.1  # rad, the bars
AMPLITUDES = 1.0, 2.5, 4.0  # of Fig. 5
PEAKS = 1.0, 1 / 3, 1 / 100  # of Fig. 4


@dataclass(frozen=True)
class Noise:
    """A shape of the noise and its displacement.

    Attributes
    ----------
    octaves, persistence, base_frequency, displacement
        As for :func:`twopoint.synthetic.marble`.
    absolute : bool
        Whether octaves are sums of absolute values, the turbulence of Perlin's own marble.
    shared : bool
        Whether both components of h are one noise.
    """

    octaves: int = 5
    persistence: float = 0.65
    base_frequency: float = 4.0
    absolute: bool = False
    shared: bool = False
    displacement: float = 1.0

    def __str__(self) -> str:
        extra = ", absolute" * self.absolute + ", shared" * self.shared
        return f"{self.octaves} octaves, persistence {self.persistence:g}, base frequency {self.base_frequency:g}{extra}"

    def field(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return h(r) times the displacement, (2, size, size)."""
        h = self._component(size, rng)
        return self.displacement * np.stack([h, h if self.shared else self._component(size, rng)])

    def _component(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return one noise."""
        octaves = dict(octaves=self.octaves, persistence=self.persistence, base_frequency=self.base_frequency)
        if not self.absolute:
            return perlin_noise((size, size), rng=rng, **octaves)
        total = np.zeros((size, size))
        for octave in range(self.octaves):
            part = perlin_noise((size, size), rng=rng, octaves=1, base_frequency=self.base_frequency * 2**octave)
            total += self.persistence**octave * np.abs(part)
        return total / math.fsum(self.persistence**octave for octave in range(self.octaves))

    def marbles(self, angle: np.ndarray, k: np.ndarray, noise: np.ndarray, size: int, seed: int) -> Marbles:
        """Draw one image for each triple; without `absolute` and `shared`, those of the library's tasks."""
        images = np.empty((len(angle), size, size), dtype=np.float32)
        for i, rng in enumerate(np.random.default_rng(seed).spawn(len(angle))):
            images[i] = (1 + wave(noise[i] * self.field(size, rng), float(angle[i]), float(k[i]))) / 2
        return Marbles(images, angle, k, noise)


def wave(displaced: np.ndarray, angle: float, k: float) -> np.ndarray:
    """Return ``cos(2 pi k u·n)``, eq. (9), for a field of displacements, (2, size, size)."""
    grid = np.arange(displaced.shape[1]) / displaced.shape[1]
    phase = math.cos(angle) * (grid[:, None] + displaced[0]) + math.sin(angle) * (grid + displaced[1])
    return np.cos(2 * math.pi * k * phase)


def shapes() -> list[Noise]:
    """Return the shapes that are tried."""
    sums = [(1, 0.5), (3, 0.5), (5, 0.35), (5, 0.5), (5, 0.65), (5, 0.8)]
    found = [Noise(*each, base) for base in (1.0, 2.0, 4.0, 8.0, 12.0) for each in sums]
    found += [Noise(*each, base) for base in (3.0, 5.0, 6.0) for each in ((5, 0.65), (5, 0.8), (5, 1.0))]
    found += [Noise(*each, base) for base in (3.0, 4.0, 6.0) for each in ((4, 1.0), (6, 0.8))]
    for base in (2.0, 4.0, 8.0):
        for each in ((1, 0.5), (5, 0.5), (5, 0.65)):
            found += [Noise(*each, base, absolute=True), Noise(*each, base, shared=True), Noise(*each, base, absolute=True, shared=True)]
    return found


def curves(shape: Noise, count: int, size: int, seeds: Iterable[int], k: float = 15.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the error of angles and the peak of the power spectrum over strengths, (2, strengths): mean, and median of images."""
    angles, errors, peaks = np.arange(count) * math.pi / count, [], []
    for seed in seeds:
        fields = [shape.field(size, rng) for rng in np.random.default_rng(seed).spawn(count)]
        for strength in STRENGTHS:
            images = np.stack([wave(strength * h, angle, k) for h, angle in zip(fields, angles, strict=True)])
            spectra = power_spectra(images)
            errors.append(angle_error(embed(distance_matrix(spectra), 2).points, angles).rmse)
            peaks.append(np.median(spectra.max(axis=1)))
    each = (-1, len(STRENGTHS))
    return np.mean(np.reshape(errors, each), axis=0), np.mean(np.reshape(peaks, each), axis=0)


def at(values: np.ndarray, strength: float) -> float:
    """Return the value at a strength, straight between logarithms."""
    return math.exp(np.interp(math.log(strength), np.log(STRENGTHS), np.log(values)))


def bars(errors: np.ndarray, displacement: float) -> dict[str, float]:
    """Return the errors at A = 1 and 4, the largest between 2 and 3.5, and the margin."""
    weak, strong = at(errors, displacement), at(errors, 4 * displacement)
    between = max(at(errors, a * displacement) for a in np.linspace(2, 3.5, 7))
    margin = min(math.log(weak / FAILS), math.log(strong / FAILS), math.log(FINDS / between))
    return {"at_1": weak, "at_4": strong, "from_2_to_3.5": between, "margin": margin}


def fall(peaks: np.ndarray, displacement: float) -> dict[str, Any]:
    """Return the peaks over the first, and the mean logarithm by which they differ from those of Fig. 4."""
    found = [at(peaks, a * displacement) / at(peaks, displacement) for a in AMPLITUDES]
    return {"peaks": found, "off_peaks": float(np.mean(np.abs(np.log(found) - np.log(PEAKS))[1:]))}


def judge(shape: Noise, errors: np.ndarray, peaks: np.ndarray) -> dict[str, Any]:
    """Return a row: the shape with the displacement of the largest margin, what it gives, and the curves."""
    best = max(DISPLACEMENTS, key=lambda d: bars(errors, d)["margin"])
    found = asdict(shape) | {"displacement": best} | bars(errors, best) | fall(peaks, best)
    return found | {"errors": errors.round(4).tolist(), "fig_4": peaks.round(1).tolist()}


def shape_of(row: dict[str, Any]) -> Noise:
    """Return the noise of a row."""
    return Noise(**{name: row[name] for name in asdict(Noise())})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in {"count": 50, "size": 128, "trials": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/marble_noise.json")
    options = parser.parse_args()
    about = {"machine": machine.describe() | {"command": "python -m benchmarks.marble_noise"}}
    about |= {name: getattr(options, name) for name in ("count", "size", "trials")} | {"strengths": STRENGTHS.tolist()}
    rows, tried = [], shapes()
    if options.output.exists():
        before = json.loads(options.output.read_text(encoding="utf-8"))
        rows = before["rows"] if all(before.get(name) == about[name] for name in ("count", "size", "trials", "strengths")) else []
    rows = [judge(shape_of(row), np.array(row["errors"]), np.array(row["fig_4"])) for row in rows]
    known = {replace(shape_of(row), displacement=1.0) for row in rows}
    with counting(f"{len(tried)} shapes", "") as progress:
        for number, shape in enumerate(shape for shape in tried if shape not in known):
            rows.append(judge(shape, *curves(shape, options.count, options.size, range(options.trials))))
            rows.sort(key=lambda row: (-min(0.0, row["margin"]), row["off_peaks"]))
            options.output.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n")
            progress(number + 1, len(tried), 0.0)
    for row in rows:
        figures = ("displacement", "at_1", "from_2_to_3.5", "at_4", "margin", "off_peaks")
        print(shape_of(row), *(f"{name} {row[name]:.3g}" for name in figures), sep=", ")


if __name__ == "__main__":
    main()
