"""Relative error of the float32 gradient of CESS against float64, max |difference| / max |reference|, and of its value.

    python benchmarks/float32_gradient.py [--size 224] [--crop 112] [--x64]

224x224, volume fractions .005 to .995, soft and binary, periodic, open and masked, one explicit phase (the other implied) and two,
on numpy, torch and jax; jax without x64 unless --x64 is given, so that its open and masked rows show the error that stays.
Prints a row a case and the worst of each column. Bar: 1e-4 (jax without x64 excepted under an open boundary or a mask).
"""

import argparse

import jax
import numpy as np
import torch

import twopoint as tp

FRACTIONS = (0.005, 0.05, 0.3, 0.5, 0.95, 0.995)
BOUNDARIES = {"periodic": {}, "open": {"boundary": "open"}, "masked": {"mask": True}, "masked open": {"mask": True, "boundary": "open"}}


def blobs(size: int, fraction: float, *, soft: bool, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random field as phase 1 of a given volume fraction, (1, size, size)."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij"))
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * np.exp(-((frequency * 12) ** 2))).real
    noise = (noise - np.quantile(noise, 1 - fraction)) / noise.std()
    return (1 / (1 + np.exp(-noise / 0.05)) if soft else (noise > 0).astype(float))[None]


def gradient(array, p, t, options):
    """Return value and gradient of CESS in the library and dtype that array makes."""
    options = {k: array(v) if k == "mask" else v for k, v in options.items()}
    value, g = tp.value_and_grad(tp.cess)(array(p), array(t), **options)
    return float(value), np.asarray(g, np.float64)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--crop", type=int, default=None)
    parser.add_argument("--x64", action="store_true")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", arguments.x64)

    def cast(a):
        return a if a.dtype == bool else a.astype(np.float32)

    libraries = {
        "numpy": cast,
        "torch": lambda a: torch.from_numpy(np.ascontiguousarray(cast(a))),
        "jax": lambda a: jax.numpy.asarray(cast(a)),
    }
    rng = np.random.default_rng(0)
    mask = rng.random((arguments.size, arguments.size)) > 0.3
    mask[: arguments.size // 4, : arguments.size // 3] = False
    worst: dict[str, dict[str, float]] = {name: {} for name in libraries}
    for fraction in FRACTIONS:
        for soft in (False, True):
            p, t = (blobs(arguments.size, fraction, soft=soft, rng=rng).astype(np.float32).astype(float) for _ in range(2))
            for boundary, options in BOUNDARIES.items():
                for implied in (True, False):
                    own = {**options, "crop": arguments.crop, "implied_phase": implied, **({"mask": mask} if "mask" in options else {})}
                    a, b = (p, t) if implied else (np.concatenate([1 - p, p]), np.concatenate([1 - t, t]))
                    value, reference = gradient(lambda x: x, a, b, own)
                    row = []
                    for name, array in libraries.items():
                        v, g = gradient(array, a, b, own)
                        error = np.abs(g - reference).max() / np.abs(reference).max()
                        worst[name][boundary] = max(worst[name].get(boundary, 0), error)
                        row.append(f"{name} {error:.1e} (value {abs(v - value) / abs(value):.0e})")
                    kind = f"{'soft' if soft else 'binary'} {'implied' if implied else 'explicit'}"
                    print(f"v={fraction:<6} {kind:16} {boundary:12} " + "   ".join(row))
    for name, row in worst.items():
        print(f"worst {name:6}" + "".join(f"  {boundary} {error:.1e}" for boundary, error in row.items()))


if __name__ == "__main__":
    main()
