"""cluster_correlation against flood fills and sums over pairs, known answers, closed forms, and bad input."""

from itertools import product

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from twopoint.descriptors import cluster_pairs
from twopoint.descriptors.components import boxes_of, label_clusters

CASES = [(boundary, connectivity) for boundary in ("periodic", "open") for connectivity in ("faces", "corners")]
SHAPES = [(13,), (9, 8), (1, 7), (2, 3), (4, 5, 3), (3, 1, 4)]


def filled(phase, boundary, connectivity):
    """Return the clusters of a phase as booleans, by a flood fill from point to point."""
    steps = [s for s in product((-1, 0, 1), repeat=phase.ndim) if any(s) and (connectivity == "corners" or sum(map(abs, s)) == 1)]
    left, found = set(map(tuple, np.argwhere(phase).tolist())), []
    while left:
        cluster, edge = np.zeros(phase.shape, bool), [left.pop()]
        while edge:
            at = edge.pop()
            cluster[at] = True
            for step in steps:
                other = tuple(i + d for i, d in zip(at, step, strict=True))
                other = tuple(i % n for i, n in zip(other, phase.shape, strict=True)) if boundary == "periodic" else other
                if other in left:
                    left.remove(other)
                    edge.append(other)
        found.append(cluster)
    return found


def summed(phase, boundary, connectivity, crop=None):
    """Return C2 of one phase, pair by pair."""
    axes = oracles.lag_vectors(phase.shape, boundary, crop)
    clusters = [cluster.astype(float) for cluster in filled(phase, boundary, connectivity)]
    c2 = np.zeros([len(axis) for axis in axes])
    for at in np.ndindex(*c2.shape):
        r = [axis[i] for axis, i in zip(axes, at, strict=True)]
        count = oracles.pair_sum(np.ones(phase.shape), np.ones(phase.shape), r, boundary)
        c2[at] = sum(oracles.pair_sum(cluster, cluster, r, boundary) for cluster in clusters) / count
    return c2


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("boundary", "connectivity"), CASES)
def test_flood_fills_and_pairs(shape, boundary, connectivity, rng):
    ndim = len(shape)
    labels = (rng.random((4, *shape)) < np.array([0.2, 0.4, 0.5, 0.7]).reshape(-1, *(1,) * ndim)).astype(int)
    m = tp.one_hot(labels, 2, ndim=ndim)
    options = dict(ndim=ndim, boundary=boundary, connectivity=connectivity, centered=False)
    got = tp.cluster_correlation(m, **options)
    want = np.array([[summed(phase == 1, boundary, connectivity) for phase in image] for image in m])
    oracles.close(got, want, 1e-14)
    oracles.close(tp.cluster_correlation(m[:, 1:] == 1, implied_phase=True, **options), want, 1e-14)
    sizes = [[sum(c.sum() ** 2 for c in filled(phase == 1, boundary, connectivity)) for phase in image] for image in m]
    count = tp.pair_counts(np.ones(shape), ndim=ndim, boundary=boundary)
    oracles.close((got * count).sum(axis=tuple(range(-ndim, 0))), sizes, 1e-13)
    oracles.close(got[(..., *(0,) * ndim)], tp.volume_fractions(m, ndim=ndim), 1e-14)
    assert (got <= tp.autocorrelation(m, ndim=ndim, boundary=boundary) + 1e-12).all()


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(("boundary", "connectivity"), CASES)
def test_both_ways_of_counting(small, boundary, connectivity, rng, monkeypatch):
    """Matrix products and transforms agree with pair sums, in one portion and in many."""
    monkeypatch.setattr(cluster_pairs, "_small", lambda group: small)
    x = rng.random((3, 11, 10)) < np.array([0.3, 0.5, 0.7]).reshape(3, 1, 1)
    for stored, at_once in ((cluster_pairs._STORED, cluster_pairs._AT_ONCE), (40, 30)):
        monkeypatch.setattr(cluster_pairs, "_STORED", stored)
        monkeypatch.setattr(cluster_pairs, "_AT_ONCE", at_once)
        got = tp.cluster_correlation(x, boundary=boundary, connectivity=connectivity, centered=False)
        oracles.close(got, [summed(phase, boundary, connectivity) for phase in x], 1e-14)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_many_clusters_of_all_sizes(boundary):
    """Clusters of 1 to thousands of points, of which each is correlated alone."""
    field = np.random.default_rng(3).normal(size=(120, 90))
    spectrum = np.fft.rfft2(field) * np.exp(-((np.hypot(*np.meshgrid(np.fft.fftfreq(120), np.fft.rfftfreq(90), indexing="ij")) * 9) ** 2))
    smooth = np.fft.irfft2(spectrum, s=field.shape)
    x = (smooth > np.quantile(smooth, 0.55)) ^ (field > 1.8)
    clusters = np.array(filled(x, boundary, "faces"))
    assert {1, 2} < set(clusters.sum(axis=(1, 2)).tolist())
    assert clusters.sum(axis=(1, 2)).max() > 1000
    want = sum(tp.autocorrelation(part.astype(float), boundary=boundary) for part in clusters)
    oracles.close(tp.cluster_correlation(x[None], boundary=boundary, centered=False)[0], want, 1e-11)


def test_known_answers(backend, shared_data):
    """The archive has what the defaults return, open lags centred."""
    archive = np.load(shared_data / "vectors" / "descriptors.npz")
    for case in sorted({key.split("/")[0] for key in archive.files}):
        labels, n = archive[f"{case}/labels"], len(archive[f"{case}/soft"])
        m = backend.make(np.stack([labels == h for h in range(n)]).astype(float))
        for boundary, connectivity in CASES:
            options = dict(ndim=labels.ndim, boundary=boundary, connectivity=connectivity)
            got = backend.read(tp.cluster_correlation(m, **options))
            oracles.close(got, archive[f"{case}/cluster_correlation_{boundary}_{connectivity}"], 1e-12, case)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_lags_are_those_of_the_autocorrelation(boundary, rng):
    """One cluster has the autocorrelation of its phase, in every layout of the lags."""
    x = np.zeros((9, 8), bool)
    x[2:6, 3:7] = rng.random((4, 4)) < 0.7
    x[2:6, 4] = x[3, 3:7] = True
    x &= filled(x, boundary, "faces")[0] if len(filled(x, boundary, "faces")) == 1 else filled(x, boundary, "corners")[0]
    for crop, centered in ((None, False), (None, True), (3, False), (4, True), ((5, 2), False), ((9, 1), True), ((8, 8), False)):
        options = dict(boundary=boundary, crop=crop, centered=centered)
        oracles.close(tp.cluster_correlation(x[None], connectivity="corners", **options)[0], tp.autocorrelation(x, **options), 1e-12)
        for samples in (1, 3):
            sampled = tp.cluster_correlation(x[None], connectivity="corners", samples=samples, **options)
            oracles.close(sampled[0], tp.autocorrelation(x, **options), 1e-12)
    by_default = tp.cluster_correlation(x[None], connectivity="corners", boundary=boundary)[0]
    oracles.close(by_default, tp.autocorrelation(x, boundary=boundary, centered=boundary == "open"), 1e-12)


def test_checkerboard():
    """Cells of a x a: alone by faces, C2 = (1 - |x|/a)(1 - |y|/a)/2; by corners all are one cluster, and C2 is the autocorrelation."""
    a, n = 6, 4
    x = np.kron(np.indices((n, n)).sum(axis=0) % 2, np.ones((a, a)))
    lag = np.abs(np.fft.fftfreq(a * n, 1 / (a * n)))
    triangle = np.maximum(1 - lag / a, 0)
    oracles.close(tp.cluster_correlation(x[None])[0], np.outer(triangle, triangle) / 2, 1e-14)
    oracles.close(tp.cluster_correlation(x[None], connectivity="corners")[0], tp.autocorrelation(x), 1e-14)


def test_percolating_clusters_of_a_torus():
    """A cluster that wraps around counts at lags modulo the extents: a full phase has 1, a band the autocorrelation of its layer."""
    assert (tp.cluster_correlation(np.ones((1, 7, 6))) == 1).all()
    layers = np.zeros((1, 12, 5))
    layers[0, [0, 1, 2, 6, 7, 11]] = 1  # of 4 and 2 points; the first wraps around
    lag = np.abs(np.fft.fftfreq(12, 1 / 12))
    want = (np.maximum(4 - lag, 0) + np.maximum(2 - lag, 0)) / 12
    oracles.close(tp.cluster_correlation(layers)[0], np.repeat(want[:, None], 5, axis=1), 1e-14)
    cross = np.zeros((1, 10, 10))
    cross[0, 3], cross[0, :, 8] = 1, 1
    oracles.close(tp.cluster_correlation(cross)[0], tp.autocorrelation(cross[0]), 1e-14)
    open_full = tp.cluster_correlation(np.ones((1, 3, 4)), boundary="open")
    assert (open_full == 1).all()


def test_translations_of_a_torus(rng):
    x = rng.random((1, 14, 15)) < 0.5
    c2 = tp.cluster_correlation(x)
    for shift in ((1, 0), (5, 9), (13, 14)):
        assert (tp.cluster_correlation(np.roll(x, shift, axis=(1, 2))) == c2).all()


def test_boxes_hold_the_points_and_wrap_around(rng):
    x = rng.random((15, 12)) < 0.45
    for periodic in (True, False):
        clusters = label_clusters(x, periodic=periodic, connectivity="faces")
        points = np.flatnonzero(clusters.labels)
        of = clusters.of_label[clusters.labels.ravel()[points] - 1]
        boxes = boxes_of(clusters, points, of)
        for cluster in range(clusters.number):
            for axis, size in enumerate(x.shape):
                at = np.unique(np.unravel_index(points[of == cluster], x.shape)[axis])
                starts = range(size) if periodic else [at.min()]
                extents = [1 + ((at - start) % size if periodic else at - start).max() for start in starts]
                assert boxes.extent[cluster, axis] == min(extents)
                start = boxes.start[cluster, axis]
                assert 1 + ((at - start) % size if periodic else at - start).max() == min(extents)


def test_random_signs(rng):
    """The estimate is seeded, unbiased, exact at lag zero, and its error falls as one over the root of the number of draws."""
    x = np.random.default_rng(0).random((1, 64, 64)) < 0.4
    exact = tp.cluster_correlation(x)
    one = tp.cluster_correlation(x, samples=4, seed=7)
    assert (one == tp.cluster_correlation(x, samples=4, seed=7)).all()
    assert (one != tp.cluster_correlation(x, samples=4, seed=8)).any()
    oracles.close(one[0, 0, 0], exact[0, 0, 0], 1e-12)

    def rms(samples, seed):
        return float(np.sqrt(np.mean((tp.cluster_correlation(x, samples=samples, seed=seed) - exact) ** 2)))

    few, many = (np.mean([rms(samples, seed) for seed in range(8)]) for samples in (4, 64))
    assert 0.8 * 4 < few / many < 1.25 * 4
    mean = np.mean([tp.cluster_correlation(x, samples=8, seed=seed) for seed in range(100)], axis=0)
    assert np.sqrt(np.mean((mean - exact) ** 2)) < 1.2 * few * np.sqrt(4 / 800)


def test_dtypes(backend, rng):
    x = rng.random((2, 1, 6, 7)) < 0.5
    reference = tp.cluster_correlation(x)
    for dtype in (np.float32, np.float64):
        got = backend.read(tp.cluster_correlation(backend.make(x.astype(dtype))))
        assert got.dtype == dtype
        oracles.close(got, reference, 1e-6 if dtype == np.float32 else 1e-14)
    assert backend.read(tp.cluster_correlation(backend.make(x))).shape == (2, 1, 6, 7)


def test_bad_input(unchecked):
    import jax
    import torch

    m = np.ones((1, 6, 6))
    with pytest.raises(ValueError, match=r"cluster_correlation needs indicators, m of 0 and 1 only, got values of 0\.3\.\.0\.3"):
        tp.cluster_correlation(0.3 * m)
    with pytest.raises(ValueError, match="connectivity must be one of 'faces', 'corners', got 'edges'"):
        tp.cluster_correlation(m, connectivity="edges")
    with pytest.raises(ValueError, match="crop must not exceed the number of lags"):
        tp.cluster_correlation(m, crop=7)
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        tp.cluster_correlation(m, samples=0)
    with pytest.raises(TypeError, match="samples must be an integer, got float"):
        tp.cluster_correlation(m, samples=2.0)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        tp.cluster_correlation(m, samples=2, seed=-1)
    with pytest.raises(TypeError, match="one_hot"):
        tp.cluster_correlation(m.astype(int))
    with pytest.raises(TypeError, match=r"cluster_correlation has no gradient, but m requires one; pass m\.detach"):
        tp.cluster_correlation(torch.ones((1, 6, 6), requires_grad=True))
    with pytest.raises(TypeError, match="cluster_correlation has no gradient and needs known values, but m is traced"):
        jax.grad(lambda x: tp.cluster_correlation(x).sum())(jax.numpy.ones((1, 6, 6)))
    with pytest.raises(TypeError, match="cluster_correlation has no gradient and needs known values, but m is traced"):
        torch.func.grad(lambda x: tp.cluster_correlation(x).sum())(torch.ones((1, 6, 6)))
