"""Relative difference of float64 gradients between numpy's adjoints, torch and jax, max |difference| / max |numpy's|.

    python benchmarks/gradient_agreement.py [--size 224]

msess, cess, mse_cess and their sum with clamp; periodic, open, masked, both; all lags and an even crop; one phase with the other implied,
and three, of phases drawn at random from 0 to 1 at every point. Prints a row each, the worst of both, and the worst of all. Bar: 1e-10.
Open and uncropped, the furthest lags have one pair, where f may be little above the floor 1e-6 and the rounding of a transform over all
pairs, 1e-13, is then 1e-7 of it: there CESS is ill-conditioned in float64 too, in every library alike.
"""

import argparse
import itertools

import jax
import numpy as np
import torch

import twopoint as tp

LOSSES = {
    "msess": (tp.msess, {}),
    "cess": (tp.cess, {}),
    "mse_cess": (tp.mse_cess, {"alpha": 2.0}),
    "cess + clamp": ([(1.0, tp.cess, {}), (1e-4, tp.clamp, {"sigma": 0.05})], {}),
}
BOUNDARIES = {"periodic": {}, "open": {"boundary": "open"}, "masked": {"mask": True}, "masked open": {"mask": True, "boundary": "open"}}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=224)
    size = parser.parse_args().size
    jax.config.update("jax_enable_x64", True)
    libraries = {"torch": torch.tensor, "jax": jax.numpy.asarray}
    rng = np.random.default_rng(0)
    mask = rng.random((size, size)) > 0.3
    worst = dict.fromkeys(libraries, 0.0)
    for (name, (loss, own)), (boundary, options), crop in itertools.product(LOSSES.items(), BOUNDARIES.items(), (None, 50)):
        row = dict.fromkeys(libraries, 0.0)
        for phases in (1, 3):
            p, t = (rng.dirichlet(np.ones(max(phases, 2)), size=(size, size)).transpose(2, 0, 1)[:phases].copy() for _ in range(2))
            given = own | options | {"crop": crop, "implied_phase": phases == 1} | ({"mask": mask} if "mask" in options else {})
            _, want = tp.value_and_grad(loss)(p, t, **given)
            for library, make in libraries.items():
                made = given | ({"mask": make(mask)} if "mask" in options else {})
                _, got = tp.value_and_grad(loss)(make(p), make(t), **made)
                row[library] = max(row[library], float(np.abs(np.asarray(got) - want).max() / np.abs(want).max()))
        worst = {library: max(worst[library], row[library]) for library in libraries}
        print(
            f"{name:13} {boundary:12} {f'crop {crop}' if crop else 'all lags'}  "
            + "   ".join(f"{library} {error:.1e}" for library, error in row.items())
        )
    print("worst".ljust(37) + "   ".join(f"{library} {error:.1e}" for library, error in worst.items()))


if __name__ == "__main__":
    main()
