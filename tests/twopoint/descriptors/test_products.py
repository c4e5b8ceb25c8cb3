"""lineal_path, three_point and euler_number against loops, known answers and invariances; their options and bad input."""

import itertools

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays
from twopoint.descriptors import segments
from twopoint.descriptors.segments import Segments, steps_to

LAGS = {1: [((1,), (2,)), ((0,), (-3,))], 2: [((0, 1), (1, 0)), ((-2, 1), (1, -1)), ((0, 0), (3, 3))], 3: [((0, 1, 1), (1, 0, -1))]}


def window(space, periodic, points):
    """Return flat indices of the points x + r of each x, (starts, len(points)); an open space has the starts that keep all inside."""
    found = []
    for x in itertools.product(*map(range, space)):
        at = [[a + b for a, b in zip(x, r, strict=True)] for r in points]
        if periodic or all(0 <= a < size for r in at for a, size in zip(r, space, strict=True)):
            found.append([int(np.ravel_multi_index([a % size for a, size in zip(r, space, strict=True)], space)) for r in at])
    return np.array(found, int).reshape(-1, len(points))


def mean_product(phases, w, at):
    """Return sum of prod(w m) / sum of prod(w), for one field per point of the windows at."""
    weight = np.prod(w.ravel()[at], axis=1)
    product = np.prod([f.ravel()[at[:, i]] for i, f in enumerate(phases)], axis=0)
    return (weight * product).sum() / weight.sum() if weight.sum() > 0 else 0.0


def lineal_path_loops(m, w, periodic, lengths):
    space = m.shape[1:]
    found = np.zeros((len(m), len(space), len(lengths)))
    for h, axis, (i, r) in itertools.product(range(len(m)), range(len(space)), enumerate(lengths)):
        at = window(space, periodic, [tuple(k * (a == axis) for a in range(len(space))) for k in range(r + 1)])
        found[h, axis, i] = mean_product([m[h]] * (r + 1), w, at)
    return found


def three_point_loops(m, w, periodic, lags):
    n, space = len(m), m.shape[1:]
    found = np.zeros((n, n, n, len(lags)))
    for i, pair in enumerate(lags):
        at = window(space, periodic, [(0,) * len(space), *pair])
        for h, k, j in itertools.product(range(n), repeat=3):
            found[h, k, j, i] = mean_product([m[h], m[k], m[j]], w, at) if len(at) else 0.0
    return found


def euler_loops(m, periodic, corners):
    """Return the alternating sum over blocks of 1 or 2 points along each axis, of m or, in an open space padded, of its complement."""
    m = 1 - m if corners else m
    if corners and not periodic:
        m = np.pad(m, [(0, 0)] + [(1, 1)] * (m.ndim - 1), constant_values=1.0)
    ndim, total = m.ndim - 1, np.zeros(len(m))
    for sides in itertools.product((1, 2), repeat=ndim):
        at = window(m.shape[1:], periodic, list(itertools.product(*map(range, sides))))
        total += (-1) ** (sum(sides) - ndim) * m.reshape(len(m), -1)[:, at].prod(axis=2).sum(axis=1)
    return (-1) ** ndim * ((not periodic) - total) if corners else total


@pytest.mark.matrix(keep=2)
@pytest.mark.long_on_jax
@pytest.mark.parametrize("mask", ["none", "booleans", "confidences"])
@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("space", [(6, 5), (9,), (4, 5, 3)], ids=str)
def test_loops(backend, space, boundary, mask):
    n, ndim, periodic = 2, len(space), boundary == "periodic"
    rng = np.random.default_rng(1)
    m = np.stack([arrays(i, n, space, "soft") for i in range(2)]) * (rng.random((2, n, *space)) < 0.8)
    w = {"none": np.ones(space), "booleans": rng.random(space) < 0.8, "confidences": rng.random(space) * (rng.random(space) < 0.9)}[mask]
    options = dict(ndim=ndim, boundary=boundary, mask=None if mask == "none" else backend.make(w))
    with_nan = np.where(w > 0, m, np.nan)  # outside the mask any value may stand
    for lengths in (None, [0, 2, 1]):
        got = tp.lineal_path(backend.make(with_nan), lengths=lengths, **options)
        want = [lineal_path_loops(one, w.astype(float), periodic, lengths or range(min(space))) for one in m]
        oracles.close(backend.read(got), want, 1e-12)
    got = tp.three_point(backend.make(with_nan), LAGS[ndim], **options)
    oracles.close(backend.read(got), [three_point_loops(one, w.astype(float), periodic, LAGS[ndim]) for one in m], 1e-12)
    if mask == "none":
        del options["mask"]
        for connectivity in ("faces", "corners"):
            got = tp.euler_number(backend.make(m), connectivity=connectivity, **options)
            oracles.close(backend.read(got), [euler_loops(one, periodic, connectivity == "corners") for one in m], 1e-12)


@pytest.mark.long_on_jax
def test_known_answers(backend, shared_data):
    archive = np.load(shared_data / "vectors" / "descriptors.npz")
    for case in sorted({key.split("/")[0] for key in archive.files}):
        labels, soft, mask = (archive[f"{case}/{name}"] for name in ("labels", "soft", "mask"))
        hard, ndim = np.stack([labels == h for h in range(len(soft))]).astype(float), labels.ndim
        lags = archive[f"{case}/lags"].tolist()
        for boundary in ("periodic", "open"):
            options = dict(ndim=ndim, boundary=boundary)
            for kind, m in (("soft", soft), ("hard", hard)):
                want = {name: archive[f"{case}/{name}_{kind}_{boundary}"] for name in ("lineal_path", "three_point")}
                oracles.close(backend.read(tp.lineal_path(backend.make(m), **options)), want["lineal_path"], 1e-12, case)
                oracles.close(backend.read(tp.three_point(backend.make(m), lags, **options)), want["three_point"], 1e-12, case)
            got = tp.lineal_path(backend.make(hard), mask=backend.make(mask), **options)
            oracles.close(backend.read(got), archive[f"{case}/lineal_path_hard_{boundary}_masked"], 1e-12, case)
            for connectivity in ("faces", "corners"):
                got = tp.euler_number(backend.make(hard), connectivity=connectivity, **options)
                oracles.close(backend.read(got), archive[f"{case}/euler_number_{boundary}_{connectivity}"], 1e-12, case)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_implied_phase_and_booleans(boundary, rng):
    m = tp.two_phase(rng.random((3, 6, 7)) < 0.6)
    for function, own in ((tp.lineal_path, {}), (tp.three_point, {"lags": LAGS[2]}), (tp.euler_number, {"connectivity": "corners"})):
        want = function(m, boundary=boundary, **own)
        oracles.close(function(m[:, 1:], boundary=boundary, implied_phase=True, **own), want, 1e-12)
        oracles.close(function(m == 1, boundary=boundary, **own), want, 1e-12)


def test_mask_of_ones_is_no_mask(rng):
    m, ones = tp.two_phase(rng.random((6, 7))), np.ones((6, 7))
    for boundary in ("periodic", "open"):
        for mask in (ones, 0.01 * ones):
            oracles.close(tp.lineal_path(m, boundary=boundary, mask=mask), tp.lineal_path(m, boundary=boundary), 1e-12)
            got = tp.three_point(m, LAGS[2], boundary=boundary, mask=mask)
            oracles.close(got, tp.three_point(m, LAGS[2], boundary=boundary), 1e-12)


def test_first_lengths_are_those_of_two_points(rng):
    """L(0) is the volume fraction, and L(1) the autocorrelation at lag 1; three points with r2 = r1 are two for indicators."""
    m = tp.one_hot(rng.integers(3, size=(8, 9)), 3)
    for boundary in ("periodic", "open"):
        path, f = tp.lineal_path(m, boundary=boundary), tp.correlations(m, boundary=boundary)
        oracles.close(path[..., 0], np.stack([tp.volume_fractions(m)] * 2, axis=-1), 1e-12)
        for h in range(3):
            oracles.close(path[h, :, 1], [f[h, h, 1, 0], f[h, h, 0, 1]], 1e-12)
        triple = tp.three_point(m, [((2, 1), (2, 1))], boundary=boundary)[..., 0]
        oracles.close(np.einsum("hkk->hk", triple), f[:, :, 2, 1], 1e-12)
        oracles.close(tp.three_point(m, LAGS[2], boundary=boundary).sum(axis=(0, 1, 2)), np.ones(3), 1e-12)


def test_half_precision_and_dtypes(backend, rng):
    x = rng.random((2, 8, 8)).astype(np.float32)
    for function, own in ((tp.lineal_path, {}), (tp.three_point, {"lags": LAGS[2]}), (tp.euler_number, {})):
        got = function(backend.make(x), **own)
        assert str(got.dtype).endswith("float32")
        oracles.close(backend.read(got), function(x.astype(float), **own), 1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_products_fade_to_zero(backend, dtype):
    """Products of hundreds of memberships are below the smallest number; they are 0 there, and nothing is NaN."""
    m = np.full((1, 2000), 0.5, dtype)
    path = backend.read(tp.lineal_path(backend.make(m), ndim=1, lengths=[0, 1, 10, 1999]))[0, 0]
    oracles.close(path, 0.5 ** np.array([1.0, 2, 11, 2000]), 1e-5)
    m[:, 7] = 0
    value, gradient = tp.value_and_grad(tp.descriptor_loss)(
        backend.make(m), backend.make(np.ones_like(m)), descriptor="lineal_path", options={"lengths": [1, 1999]}, ndim=1
    )
    assert np.isfinite(backend.read(value))
    assert np.isfinite(backend.read(gradient)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_too_small_to_count(backend, dtype):
    """Some points have memberships near the smallest number: what the loops leave out changes neither the values nor the gradient."""
    rng = np.random.default_rng(2)
    m, t = (rng.random((2, 12, 40)) ** 0.1 * np.where(rng.random((2, 12, 40)) < 0.1, 1e-30, 1.0) for _ in range(2))
    case = dict(descriptor="lineal_path", options={"lengths": [1, 2, 5, 11]})
    want = tp.value_and_grad(tp.descriptor_loss)(m, t, **case)
    value, gradient = tp.value_and_grad(tp.descriptor_loss)(backend.make(m.astype(dtype)), backend.make(t.astype(dtype)), **case)
    oracles.close(backend.read(value), want[0], 1e-4 if dtype == np.float32 else 1e-12)
    oracles.close(backend.read(gradient), want[1], 1e-4 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("points", [range(1, 60), [2, 3, 5, 9, 17, 33, 65], [100], [1], [7, 7, 3]], ids=str)
def test_steps_lead_to_each_length(points):
    steps, known = steps_to(points), {1}
    for n, a, b in steps:
        assert n == a + b
        assert {a, b} <= known
        known.add(n)
    assert set(points) <= known
    assert len(steps) <= max(len(points), 1) + 2 * max(points).bit_length()


@pytest.mark.parametrize("held", [1, 300, 1 << 19])
@pytest.mark.parametrize("compiled", [False, True])
def test_adjoint_of_segments_with_and_without_loops(compiled, held, rng, monkeypatch):
    if not compiled:
        monkeypatch.setattr(segments, "_compiled", lambda *_: False)
    monkeypatch.setattr(segments, "_HELD", held)
    for space, periodic in itertools.product([(9,), (7, 8), (4, 5, 6)], [True, False]):
        m = rng.random((2, 3, *space)) * (rng.random((2, 3, *space)) < 0.8)
        for points in (range(1, min(space) + 1), [4, 2, 2]):
            it = Segments.of(space, periodic, points)
            cotangent, d = rng.normal(size=(2, 3, len(space), len(points))), rng.normal(size=m.shape)
            want = oracles.slope(lambda x, it=it, c=cotangent: np.sum(c * it.means(x, np)), m, d, 1e-5)
            oracles.close(np.sum(it.transpose(cotangent, m, np) * d), want, 1e-6)


def test_threads_have_one_result(rng, monkeypatch):
    m = rng.random((16, 2, 96, 96))
    whole = tp.lineal_path(m, lengths=[1, 4, 9])
    monkeypatch.setattr(segments, "_WORTH_THREADS", 1 << 60)
    oracles.close(tp.lineal_path(m, lengths=[1, 4, 9]), whole, 1e-14)


M = np.ones((2, 6, 7))
BAD = [
    (lambda: tp.lineal_path(M, lengths=[6]), ValueError, "lengths must be at most 5, got 6"),
    (lambda: tp.lineal_path(M, lengths=[-1]), ValueError, "lengths must be at least 0"),
    (lambda: tp.lineal_path(M, lengths=[1.5]), TypeError, "lengths must be an integer"),
    (lambda: tp.lineal_path(M, lengths=[]), ValueError, "lengths must hold at least one length"),
    (lambda: tp.lineal_path(M, lengths=3), TypeError, "lengths must be a list of integers, got 3"),
    (lambda: tp.lineal_path(np.ones((6, 7), int)[None]), TypeError, "m must be of a real floating dtype, got int64; one_hot"),
    (lambda: tp.lineal_path(M, boundary="wrap"), ValueError, "boundary must be one of"),
    (lambda: tp.lineal_path(M, mask=np.ones((6, 6))), ValueError, "mask must have shape"),
    (lambda: tp.lineal_path(M, mask=np.full((6, 7), 2.0)), ValueError, "mask must hold"),
    (lambda: tp.lineal_path(M, ndim=4), ValueError, "ndim must be 1, 2 or 3"),
    (lambda: tp.lineal_path(M[0, 0]), ValueError, "m must have at least 3 axes"),
    (lambda: tp.three_point(M, []), ValueError, "lags must hold at least one pair"),
    (lambda: tp.three_point(M, 3), TypeError, "lags must be a list of pairs of lags"),
    (lambda: tp.three_point(M, [(1, 2, 3)]), TypeError, "lags must hold pairs of lags"),
    (lambda: tp.three_point(M, [((1, 0), 2)]), ValueError, "lags must have 2 entries, one per axis, got 2"),
    (lambda: tp.three_point(M, [((1, 0.5), (0, 0))]), TypeError, "lags must be an integer"),
    (lambda: tp.three_point(M, [((6, 0), (0, 0))], boundary="open"), ValueError, "lags must lie inside the space"),
    (lambda: tp.euler_number(M, connectivity="edges"), ValueError, "connectivity must be one of 'faces', 'corners'"),
    (lambda: tp.euler_number(np.zeros((6, 7), int)), TypeError, "m must be of a real floating dtype"),
    (lambda: tp.euler_number([[1.0]]), TypeError, "m must be an array"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("call", "error", "message"), BAD, ids=[message for *_, message in BAD])
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_triples_beyond_an_open_space_are_zero():
    """Each lag lies inside, but no x has all three points inside."""
    lags = [((4, 0), (-4, 0)), ((1, 0), (0, 1))]
    assert (tp.three_point(M, lags, boundary="open")[..., 0] == 0).all()
    assert (tp.three_point(M, lags, boundary="open")[..., 1] == 1).all()
