"""Descriptors in reconstruct: changes by single points against whole evaluations, errors kept up to date, the exchange, bad input."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from twopoint import synthetic
from twopoint.reconstruction.compiled_increments import increments
from twopoint.reconstruction.described import DescribedIncrements, DescriptorError, with_descriptors
from twopoint.reconstruction.exchange import exchange

LAGS = {1: ((((1,), (2,))), ((0,), (-3,))), 2: (((0, 1), (1, 0)), ((-2, 1), (1, -1)), ((0, 0), (3, 3))), 3: (((0, 1, 1), (1, 0, -1)),)}


def own_options(ndim):
    """Return each descriptor with its own options."""
    return [
        ("lineal_path", {"lengths": (0,)}),
        ("lineal_path", {"lengths": None}),
        ("three_point", {"lags": LAGS[ndim]}),
        ("euler_number", {"connectivity": "faces"}),
        ("euler_number", {"connectivity": "corners"}),
    ]


def state_of(labels, target, boundary, mask):
    """Return labels with their statistics and descriptors, beside those of a target."""
    ndim, n = labels.ndim, 3
    m = tp.one_hot(target, n, ndim=ndim)
    known = tp.target_statistics(m, ndim=ndim, boundary=boundary, mask=mask)
    found = [(name, own) for name, own in own_options(ndim) if mask is None or name != "euler_number"]
    for name, own in found:
        masked = {} if mask is None else {"mask": mask}
        known = known.with_descriptor(name, getattr(tp, name)(m, ndim=ndim, boundary=boundary, **masked, **own), **own)
    return with_descriptors(increments(labels, known), known, found), found


def expected(labels, target, boundary, mask, name, own):
    """Return the difference of a descriptor between labels and target."""
    options = dict(ndim=labels.ndim, boundary=boundary, **own) | ({} if mask is None else {"mask": mask})
    function = getattr(tp, name)
    return function(tp.one_hot(labels, 3, ndim=labels.ndim), **options) - function(tp.one_hot(target, 3, ndim=labels.ndim), **options)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("space", [(11,), (7, 6), (4, 3, 5)], ids=str)
def test_errors_are_kept_up_to_date(space, boundary, masked, rng):
    """After each exchange the errors are those of the labels, computed whole."""
    labels, target = rng.integers(0, 3, (2, *space))
    mask = rng.random(space) < 0.8 if masked else None
    state, found = state_of(labels, target, boundary, mask)
    assert isinstance(state, DescribedIncrements)
    for _ in range(30):
        a, b = rng.choice(np.flatnonzero(state.point_mask), 2, replace=False)
        if state.labels[a] == state.labels[b]:
            continue
        state.swap(int(a), int(b))
        for (name, own), each in zip(found, state.errors, strict=True):
            oracles.close(each.error, expected(state.labels.reshape(space), target, boundary, mask, name, own), 1e-11, name)
    whole = state.increments.error**2 + sum((np.linalg.norm(each.error) / each.scale) ** 2 for each in state.errors)
    oracles.close(state.error, np.sqrt(whole), 1e-12)
    before = state.error
    state.refresh()
    oracles.close(state.error, before, 1e-9)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("space", [(1,), (2, 5), (1, 6), (2, 2), (3, 1, 2), (3, 3, 3)], ids=str)
def test_flips_in_small_spaces(space, boundary, rng):
    """Segments and cells that meet a point twice change as a whole evaluation says."""
    ndim = len(space)
    labels = rng.integers(0, 3, space)
    for name, own in own_options(ndim):
        if name == "three_point":
            continue
        own = own if name == "euler_number" else {"lengths": None}
        m = tp.one_hot(labels, 3, ndim=ndim)
        known = tp.target_statistics(m, ndim=ndim, boundary=boundary)
        known = known.with_descriptor(name, getattr(tp, name)(m, ndim=ndim, boundary=boundary, **own), **own)
        it = DescriptorError(name, own, known, labels)
        for point in range(labels.size):
            after = labels.copy()
            p = int(labels.reshape(-1)[point])
            q = (p + 1) % 3
            after.reshape(-1)[point] = q
            want = expected(after, labels, boundary, None, name, own)
            oracles.close(it.flips(labels, np.array([point]), p, q)[0], want, 1e-12, name)


def test_slopes_are_derivatives_of_the_squared_error(rng):
    """Finite differences of the squared relative error by soft phases."""
    labels, target = rng.integers(0, 3, (2, 6, 5))
    state, found = state_of(labels, target, "periodic", None)
    m, d = tp.one_hot(labels, 3), rng.normal(size=(3, 6, 5))
    for (name, own), each in zip(found, state.errors, strict=True):
        known = getattr(tp, name)(tp.one_hot(target, 3), **own)

        def squared(x, name=name, own=own, known=known):
            return np.sum((getattr(tp, name)(x, **own) - known) ** 2) / np.sum(known**2)

        oracles.close(np.sum(each.slopes(labels) * d.reshape(3, -1)), oracles.slope(squared, m, d, 1e-5), 1e-6, name)


def test_the_exchange_lowers_the_errors_of_descriptors():
    """From the labels of the 2-point statistics alone: the volume fractions stay, and the sum of the squared errors falls."""
    target = synthetic.checkerboard((16, 16), 4)
    rough = np.random.default_rng(0).permutation(target.ravel()).reshape(target.shape)
    m = tp.one_hot(target, 2)
    own = {"connectivity": "faces"}
    known = tp.target_statistics(m).with_descriptor("euler_number", tp.euler_number(m), **own)
    known = known.with_descriptor("lineal_path", tp.lineal_path(m, lengths=(1, 2)), lengths=(1, 2))
    described = [("euler_number", own), ("lineal_path", {"lengths": (1, 2)})]
    errors = []
    found = exchange(
        rough, known, most=200, rng=np.random.default_rng(0), report=lambda _, error: errors.append(error), descriptors=described
    )
    assert errors == sorted(errors, reverse=True)
    assert found.sum() == target.sum()
    for function, options in ((tp.euler_number, {}), (tp.lineal_path, {"lengths": [1, 2]})):
        off = [np.linalg.norm(function(tp.one_hot(x, 2), **options) - function(m, **options)) for x in (found, rough)]
        assert off[0] < 0.2 * off[1]


TERMS = [(1.0, tp.cess, {"excess": True}), (1.0, tp.descriptor_loss, {"descriptor": "lineal_path", "options": {"lengths": [1, 2, 4]}})]
TERMS.append((1e-4, tp.descriptor_loss, {"descriptor": "euler_number"}))


def test_reconstruct_with_descriptors():
    """The lineal path and the Euler number of the result are nearer to the target than those of 2-point statistics alone."""
    m = tp.one_hot(synthetic.checkerboard((24, 24), 6), 2)
    alone, with_all = (tp.reconstruct(m, loss=loss, seed=1, iterations=30, polish=300) for loss in (None, TERMS))
    off = []
    for result in (alone, with_all):
        found = tp.one_hot(result.labels, 2)
        assert found.sum(axis=(1, 2)).tolist() == m.sum(axis=(1, 2)).tolist()
        off.append([np.max(np.abs(f(found) - f(m))) for f in (tp.lineal_path, tp.euler_number)])
    assert off[1][1] <= off[0][1]
    assert off[1][0] <= off[0][0] + 1e-12
    assert off[1][1] <= 1


def test_statistics_with_descriptors_are_as_good_as_the_microstructure():
    m = tp.one_hot(synthetic.checkerboard((12, 12), 3), 2)
    known = tp.target_statistics(m).with_descriptor("lineal_path", tp.lineal_path(m, lengths=[1, 2, 4]), lengths=[1, 2, 4])
    known = known.with_descriptor("euler_number", tp.euler_number(m), connectivity="faces")
    results = [tp.reconstruct(target, loss=TERMS, iterations=5, polish=20) for target in (m, known)]
    assert (results[0].labels == results[1].labels).all()


@pytest.mark.parametrize(
    ("term", "error", "message"),
    [
        ({"descriptor": "lineal_path", "options": {"boundary": "open"}}, ValueError, "boundary must be options of reconstruct"),
        ({"descriptor": "chord_lengths"}, ValueError, "descriptor 'chord_lengths' has no gradient"),
        ({}, ValueError, "descriptor must be one of"),
        ({"descriptor": "three_point"}, TypeError, "options must hold lags for three_point"),
        ({"descriptor": "lineal_path", "options": {"lengths": [12]}}, ValueError, "lengths must be at most 11"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_terms(term, error, message):
    m = tp.one_hot(synthetic.checkerboard((12, 12), 3), 2)
    with pytest.raises(error, match=message):
        tp.reconstruct(m, loss=[(1.0, tp.cess, {}), (1.0, tp.descriptor_loss, term)], iterations=1, polish=0)


@pytest.mark.usefixtures("unchecked")
def test_statistics_without_the_descriptor_are_refused():
    known = tp.target_statistics(tp.one_hot(synthetic.checkerboard((12, 12), 3), 2))
    with pytest.raises(ValueError, match="the target statistics lack lineal_path"):
        tp.reconstruct(known, loss=TERMS, iterations=1, polish=0)
