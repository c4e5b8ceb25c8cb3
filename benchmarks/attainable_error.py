"""How low an error of the statistics can any structure but the original have: an estimate from what a structure of its kind can store.

    TWOPOINT_DATA=... python benchmarks/attainable_error.py

The squared moduli of the Fourier coefficients that make up the statistics are numbers that a structure has to hit. A structure is worth
the bits of a lossless code of the original: a context model of 10 neighbours, as in JBIG. Shared out over the coefficients in the best way
(reverse water-filling, half a bit for each halving of a squared deviation) these bits leave the error printed. It is an estimate: the code
bounds the entropy from above, so structures of this kind may not come so low; those that are rougher than the original may come lower.
"""

import os
from pathlib import Path

import numpy as np

import twopoint as tp

NAMES = ("mcrpy_alloy_256", "mcrpy_carbonate_256", "mcrpy_copolymer_256", "mcrpy_composite_256")
NEIGHBOURS = [(-2, -1), (-2, 0), (-2, 1), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (0, -2), (0, -1)]


def coded_bits(labels: np.ndarray) -> float:
    """Return the length of an adaptive code of labels by the context of each point's causal neighbours."""
    n = int(labels.max()) + 1
    height, width = labels.shape
    known = np.pad(labels, ((2, 0), (2, 2)))  # beyond the edges phase 0: a context holds nothing that is not coded yet
    contexts = sum(n**i * known[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width] for i, (dy, dx) in enumerate(NEIGHBOURS))
    counts: dict[int, np.ndarray] = {}
    bits = 0.0
    for context, label in zip(contexts.ravel().tolist(), labels.ravel().tolist(), strict=True):
        seen = counts.setdefault(context, np.full(n, 0.5))
        bits -= np.log2(seen[label] / seen.sum())
        seen[label] += 1
    return bits


def attainable(labels: np.ndarray, bits: float) -> float:
    """Return the relative error that is left when bits are shared out over the independent squared deviations."""
    n = int(labels.max()) + 1
    f = tp.correlations(tp.one_hot(labels, n))
    power = np.sum(np.abs(np.fft.fft2(f)) ** 2, axis=(0, 1))
    power[0, 0] = 0.0
    kinds = (n - 1) ** 2  # real numbers that a coefficient and its opposite hold, of N-1 independent phases
    variances = np.repeat(power.ravel() / kinds, kinds)
    low, high = variances.max() * 1e-30, variances.max()
    for _ in range(200):
        level = np.sqrt(low * high)
        needed = 0.5 * np.sum(np.log2(np.maximum(variances / level, 1.0))) / 2  # a coefficient and its opposite share their numbers
        low, high = (level, high) if needed > bits else (low, level)
    return float(np.sqrt(np.minimum(variances, level).sum() / variances.sum()))


def main() -> None:
    """Print the table."""
    print(f"{'structure':24}{'bits':>8}{'error left':>12}")
    for name in NAMES:
        part = np.load(Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micrographs" / f"{name}.npy")[:128, :128]
        labels = np.unique(part, return_inverse=True)[1].reshape(part.shape)
        bits = coded_bits(labels)
        print(f"{name:24}{bits:8.0f}{attainable(labels, bits):12.3f}")


if __name__ == "__main__":
    main()
