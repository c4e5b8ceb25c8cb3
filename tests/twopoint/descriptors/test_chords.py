"""chord_lengths against walks along lines, known answers, closed forms, and bad input."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles


def walked(phase, axis, boundary):
    """Return the counts of chords of one phase along one axis, by walking along each line."""
    counts = np.zeros(1 + max(phase.shape), int)
    for line in np.moveaxis(phase, axis, -1).reshape(-1, phase.shape[axis]).tolist():
        if all(line):
            continue
        if boundary == "periodic":  # begin at a point outside the phase, and come back to it
            start = line.index(False)
            line = [*line[start:], *line[: start + 1]]
        run, closed = 0, False
        for inside in line:
            if inside:
                run += 1
                continue
            if run and closed:
                counts[run] += 1
            run, closed = 0, True
    return counts


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("shape", [(1,), (2,), (13,), (7, 9), (1, 6), (4, 5, 6)], ids=str)
def test_walks(shape, boundary, rng):
    labels = rng.integers(0, 3, size=(5, *shape))
    labels[0] = 1
    m = tp.one_hot(labels, 3, ndim=len(shape))
    got = tp.chord_lengths(m, ndim=len(shape), boundary=boundary)
    want = [[[walked(phase == 1, axis, boundary) for axis in range(len(shape))] for phase in image] for image in m]
    assert got.shape == (5, 3, len(shape), 1 + max(shape))
    assert (got == np.array(want)).all()
    assert (tp.chord_lengths(m[:, 1:] == 1, ndim=len(shape), boundary=boundary, implied_phase=True) == got).all()


def test_known_answers(backend, shared_data):
    archive = np.load(shared_data / "vectors" / "descriptors.npz")
    for case in sorted({key.split("/")[0] for key in archive.files}):
        labels, n = archive[f"{case}/labels"], len(archive[f"{case}/soft"])
        for boundary in ("periodic", "open"):
            m = backend.make(np.stack([labels == h for h in range(n)]).astype(np.float32))
            got = backend.read(tp.chord_lengths(m, ndim=labels.ndim, boundary=boundary))
            assert got.dtype.kind == "i"
            assert (got == archive[f"{case}/chord_counts_{boundary}"]).all(), case


def test_checkerboard_and_laminate():
    """Every chord of a checkerboard is as long as a cell; along a laminate there is none."""
    for n_cells in (2, 4, 6):
        labels = np.kron(np.indices((n_cells, n_cells)).sum(axis=0) % 2, np.ones((5, 5), int))
        counts = tp.chord_lengths(tp.one_hot(labels, 2))
        assert (counts[..., 5] == 5 * n_cells * n_cells // 2).all()
        assert counts.sum() == counts[..., 5].sum()
        opened = tp.chord_lengths(tp.one_hot(labels, 2), boundary="open")
        assert opened.sum() == opened[..., 5].sum() == 2 * 5 * n_cells * (n_cells - 2)
    layers = np.tile(np.repeat([0, 1, 0, 1], [3, 2, 4, 3])[:, None], (1, 7))
    counts = tp.chord_lengths(tp.one_hot(layers, 2))
    assert not counts[:, 1].any()
    assert np.flatnonzero(counts[0, 0]).tolist() == [3, 4]
    assert np.flatnonzero(counts[1, 0]).tolist() == [2, 3]


def test_chords_end_where_the_autocorrelation_falls(rng):
    """Along an axis there are S2(0) - S2(1) chords a point, and their lengths add up to the points of lines that are not full."""
    x = rng.random((3, 40, 31)) < 0.6
    counts = tp.chord_lengths(x[:, None])[:, 0]
    s2 = tp.autocorrelation(x)
    for axis, lag in enumerate(((1, 0), (0, 1))):
        fall = (s2[:, 0, 0] - s2[(slice(None), *lag)]) * x[0].size
        assert (counts[:, axis].sum(axis=-1) == np.rint(fall)).all()
        partial = x & ~x.all(axis=axis + 1, keepdims=True)
        assert (counts[:, axis] @ np.arange(counts.shape[-1]) == partial.sum(axis=(1, 2))).all()


def test_random_points_have_geometric_chords():
    """Of independent points of a phase of fraction v, a chord has length L with probability v^(L-1) (1-v)."""
    v = 0.7
    counts = tp.chord_lengths(np.random.default_rng(1).random((1, 1000, 1000)) < v).sum(axis=(0, 1))
    lengths = np.arange(1, 21)
    expected = counts.sum() * v ** (lengths - 1) * (1 - v)
    assert (np.abs(counts[1:21] - expected) < 5 * np.sqrt(expected)).all()  # five standard deviations of a count


def test_bad_input(unchecked):
    import jax
    import torch

    soft = np.full((2, 6, 6), 0.5)
    with pytest.raises(ValueError, match=r"chord_lengths needs indicators, m of 0 and 1 only, got values of 0\.5\.\.0\.5"):
        tp.chord_lengths(soft)
    with pytest.raises(ValueError, match="got values of NaN"):
        tp.chord_lengths(np.where(np.arange(6) > 2, np.nan, 0.0)[None], ndim=1)
    with pytest.raises(TypeError, match="one_hot"):
        tp.chord_lengths(np.zeros((6, 6), int)[None])
    with pytest.raises(ValueError, match="boundary must be one of 'periodic', 'open', got 'reflect'"):
        tp.chord_lengths(np.ones((1, 6, 6)), boundary="reflect")
    with pytest.raises(ValueError, match="must have at least 3 axes"):
        tp.chord_lengths(np.ones((6, 6)))
    with pytest.raises(ValueError, match="must not be empty"):
        tp.chord_lengths(np.ones((1, 6, 0)))
    with pytest.raises(ValueError, match="at most one is 1 at a point"):
        tp.chord_lengths(np.ones((2, 6, 6)), implied_phase=True)
    with pytest.raises(TypeError, match="m must be an array"):
        tp.chord_lengths([[[1.0]]])
    learnt = torch.ones((1, 6, 6), requires_grad=True)
    with pytest.raises(TypeError, match=r"chord_lengths has no gradient, but m requires one; pass m\.detach"):
        tp.chord_lengths(learnt)
    with torch.no_grad():
        assert not tp.chord_lengths(learnt).any()
    for transformed in (jax.jit(tp.chord_lengths), jax.grad(lambda m: tp.chord_lengths(m).sum().astype(float))):
        with pytest.raises(TypeError, match="chord_lengths has no gradient and needs known values, but m is traced"):
            transformed(jax.numpy.ones((1, 6, 6)))


@pytest.mark.parametrize("planted", [lambda counts: counts[:, ::-1], lambda counts: counts + (counts > 1)])
def test_walks_see_a_planted_error(planted, rng):
    x = rng.random((1, 9, 9)) < 0.5
    counts = tp.chord_lengths(x)
    want = np.array([[walked(x[0], axis, "periodic") for axis in range(2)]])
    assert (counts == want).all()
    with pytest.raises(AssertionError):
        oracles.close(planted(counts), want, 0)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("shape", [(1,), (13,), (7, 9), (1, 6), (4, 5, 6)], ids=str)
def test_the_lineal_path_of_booleans_comes_from_their_runs(backend, shape, boundary, rng):
    """It equals that of the same phases as floats, which are multiplied along all segments."""
    ndim = len(shape)
    x = rng.random((2, *shape)) < 0.7
    x[0] = True
    m = np.stack([~x, x], axis=1)
    for lengths in (None, [0], [min(shape) - 1, 0, min(shape) // 2]):
        options = dict(ndim=ndim, boundary=boundary, lengths=lengths)
        want = tp.lineal_path(m.astype(float), **options)
        oracles.close(backend.read(tp.lineal_path(backend.make(m), **options)), want, 1e-6 if backend.name == "torch" else 1e-13)
        implied = backend.read(tp.lineal_path(backend.make(m[:, 1:]), implied_phase=True, **options))
        oracles.close(implied, want, 1e-6 if backend.name == "torch" else 1e-13)
    with pytest.raises(ValueError, match="lengths must be at most"):
        tp.lineal_path(backend.make(m), ndim=ndim, boundary=boundary, lengths=[min(shape)])
