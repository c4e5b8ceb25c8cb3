"""The project's archive of known answers, direct summation in float64, on every library."""

import numpy as np
import pytest

import twopoint as tp
from support import backends, oracles

CROPS = {"": None, "_crop3": 3, "_crop4": 4, "_crop_mixed": (3, 4, 2)}
TRUE_ZERO = 300  # float32 rounding of a true zero, over the floor


def crop_of(crop, lags, p):
    """Return the crop that the archive means for a case."""
    if isinstance(lags, tuple):
        return lags[: p.ndim - 1]
    return 3 if crop == "_crop4" and min(p.shape[1:]) < 4 else lags


def hold(backend, got, want, tolerance, what):
    """Lags that no pair spans are NaN in the archive and 0 in twopoint."""
    got = backend.read(got)
    assert np.abs(got[~np.isfinite(want)]).max(initial=0) <= 1e-12, what
    oracles.close(np.where(np.isfinite(want), got, 0), np.nan_to_num(want), tolerance, what)


@pytest.mark.matrix(keep=1)
@pytest.mark.long_on_jax
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_archive(backend, dtype, shared_data):
    """On jax, which compiles a program for each shape, every twelfth case, in float32 every thirty-sixth; the slow form has all."""
    archive = np.load(shared_data / "vectors" / "two_point.npz")
    every = (12 if dtype is np.float64 else 36) if backend.name.startswith("jax") else 1
    hold_cases(backend, dtype, archive, cases_of(archive)[::every])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_archive_on_jax(dtype, shared_data):
    archive = np.load(shared_data / "vectors" / "two_point.npz")
    hold_cases(backends.backend("jax"), dtype, archive, cases_of(archive))


def cases_of(archive):
    """Return the names of the archive's cases."""
    return sorted({key.split("/")[0] for key in archive.files})


def hold_cases(backend, dtype, archive, cases):
    value, cess, grad = (1e-10, 1e-9, 1e-6) if dtype is np.float64 else (2e-5, 1e-4, 2e-3)
    for case in cases:
        p, t, p2, t2, mask = (archive[f"{case}/{name}"] for name in ("prediction", "target", "prediction2", "target2", "mask"))
        make, ndim = lambda a: backend.make(a.astype(dtype)), p.ndim - 1
        zero = TRUE_ZERO if "binary" in case and dtype is np.float32 else 1
        for mode, options in oracles.MODES.items():
            options = {"ndim": ndim} | options | ({"mask": backend.make(mask)} if "mask" in options else {})
            want, centred = archive[f"{case}/stats_{mode}"], "open" in mode
            hold(backend, tp.correlations(make(p), centered=centred, **options), want, value, f"{case} {mode}")
            got = tp.correlations(make(p[1:]), centered=centred, implied_phase=True, **options)
            hold(backend, got, want, value, f"{case} {mode} implied")
            for (name, tolerance), (crop, lags) in ((a, b) for a in (("msess", value), ("cess", cess * zero)) for b in CROPS.items()):
                key, loss = f"{case}/{name}_{mode}{crop}", getattr(tp, name)
                own = options | {"crop": crop_of(crop, lags, p)}
                hold(backend, loss(make(p), make(t), **own), archive[key], tolerance, key)
                hold(backend, loss(make(p[1:]), make(t[1:]), implied_phase=True, **own), archive[key], tolerance, key + " implied")
                hold(backend, loss(make(p), tp.target_statistics(make(t), **own)), archive[key], tolerance, key + " statistics")
                if key + "_grad" in archive.files:
                    hold(backend, tp.value_and_grad(loss)(make(p), make(t), **own)[1], archive[key + "_grad"], grad, key + " gradient")
        both = [make(np.stack(pair)) for pair in ((p, p2), (t, t2))]
        clamp = 1e-3 if dtype is np.float32 else value
        hold(backend, tp.clamp(make(p), sigma=0.05, ndim=ndim), archive[f"{case}/clamp_sigma_0.05"], clamp, case + " clamp")
        for reduction in ("none", "sum", "mean"):
            hold(backend, tp.cess(*both, ndim=ndim, reduction=reduction), archive[f"{case}/cess_{reduction}"], cess * zero, case)
        got = tp.mse_cess(*both, ndim=ndim, alpha=3.0, reduction="none")
        hold(backend, got, archive[f"{case}/mse_cess_alpha_3_none"], cess * zero, case + " mse_cess")
