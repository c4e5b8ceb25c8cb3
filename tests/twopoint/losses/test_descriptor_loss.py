"""descriptor_loss: values, gradients and second derivatives, in sums of losses, with target statistics, and bad input."""

import copy

import numpy as np
import pytest

import twopoint as tp
from support import backends, oracles
from support.strategies import arrays
from twopoint.losses.gradient import each_value_and_grad

SPACE = (6, 5)
P, T = (np.stack([arrays(i + j, 2, SPACE, "soft") for i in range(2)]) for j in (0, 10))
P[np.random.default_rng(5).random(P.shape) < 0.2] = 0.0  # where a division by m would fail
MASK = np.random.default_rng(3).random(SPACE) * (np.random.default_rng(4).random(SPACE) < 0.8)
LAGS = [((0, 1), (2, -1)), ((1, 0), (0, 0)), ((4, 4), (-4, -4))]
CASES = {
    "lineal_path": dict(descriptor="lineal_path"),
    "lineal_path lengths": dict(descriptor="lineal_path", options={"lengths": [0, 1, 2, 4]}),
    "three_point": dict(descriptor="three_point", options={"lags": LAGS}),
    "euler_number": dict(descriptor="euler_number"),
    "euler_number corners": dict(descriptor="euler_number", options={"connectivity": "corners"}),
}
MASKED = ("lineal_path", "lineal_path lengths", "three_point")  # the Euler number takes no mask


def evaluated(m, case, **options):
    """Return the descriptor of a case."""
    return getattr(tp, case["descriptor"])(m, **case.get("options", {}), **options)


@pytest.mark.matrix(keep=3)
@pytest.mark.long_on_jax
@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize(("name", "mask"), [*((name, False) for name in CASES), *((name, True) for name in CASES if name in MASKED)])
def test_libraries_agree_with_finite_differences_and_numpy(backend, name, boundary, mask):
    """Gradients are within 1e-6 of finite differences, and 1e-10 among the libraries."""
    case = CASES[name] | {"boundary": boundary}
    for implied in (False, True):
        options = case | {"implied_phase": implied, "reduction": "sum"}
        p, t = P[:, implied:], T[:, implied:]
        here = {"mask": backend.make(MASK)} if mask else {}
        value, gradient = tp.value_and_grad(tp.descriptor_loss)(backend.make(p), backend.make(t), **options, **here)
        there = {"mask": MASK} if mask else {}
        reference = tp.value_and_grad(tp.descriptor_loss)(p, t, **options, **there)
        oracles.close(backend.read(value), reference[0], 1e-12)
        oracles.close(backend.read(gradient), reference[1], 1e-10)
        if backend.name == "numpy":
            for d in np.random.default_rng(1).normal(size=(3, *p.shape)):
                slope = oracles.slope(lambda x, o=options, t=t, m=there: tp.descriptor_loss(x, t, **o, **m), p, d, 1e-5)
                oracles.close(np.sum(gradient * d), slope, 1e-6)


@pytest.mark.parametrize("name", CASES)
def test_value_is_the_mean_squared_difference(name):
    case = CASES[name]
    difference = (evaluated(P, case) - evaluated(T, case)) ** 2
    axes = tuple(range(1, difference.ndim))
    oracles.close(tp.descriptor_loss(P, T, reduction="none", **case), difference.mean(axis=axes), 1e-12)
    oracles.close(tp.descriptor_loss(P, T, **case), difference.mean(), 1e-12)
    weights = np.random.default_rng(0).random(difference.shape[1:])
    for given in (weights, weights.tolist()):
        oracles.close(tp.descriptor_loss(P, T, weights=given, **case), (weights * difference).mean(), 1e-12)
    function = getattr(tp, case["descriptor"])
    assert tp.descriptor_loss(P, T, **case | {"descriptor": function}) == tp.descriptor_loss(P, T, **case)


def test_what_does_not_count_is_left_out():
    """Segments that no mask holds, and triples beyond an open space, are left out of the mean."""
    mask = np.zeros(SPACE, bool)
    mask[:, :2] = True
    difference = tp.lineal_path(P, mask=mask, boundary="open") - tp.lineal_path(T, mask=mask, boundary="open")
    counted = 5 + 2  # all lengths along the first axis, 0 and 1 along the second
    want = np.sum(difference**2, axis=(1, 2, 3)) / (2 * counted)
    oracles.close(tp.descriptor_loss(P, T, descriptor="lineal_path", mask=mask, boundary="open", reduction="none"), want, 1e-12)
    difference = tp.three_point(P, LAGS, boundary="open") - tp.three_point(T, LAGS, boundary="open")
    want = np.sum(difference**2) / 2 / (2 * 8)
    oracles.close(tp.descriptor_loss(P, T, descriptor="three_point", options={"lags": LAGS}, boundary="open"), want, 1e-12)
    assert tp.descriptor_loss(P, T, descriptor="lineal_path", mask=np.zeros(SPACE, bool)) == 0


def test_options_may_stand_in_the_dict():
    options = {"lengths": [1, 2], "boundary": "open", "mask": MASK, "ndim": 2, "implied_phase": True}
    want = tp.descriptor_loss(P, T, descriptor="lineal_path", options={"lengths": [1, 2]}, boundary="open", mask=MASK, implied_phase=True)
    assert tp.descriptor_loss(P, T, descriptor="lineal_path", options=options) == want
    assert tp.descriptor_loss(P, T, descriptor="lineal_path", options=options, boundary="periodic") == want


def test_sums_of_losses(backend):
    terms = [(1.0, tp.cess, {"excess": True}), (3.0, tp.descriptor_loss, CASES["lineal_path lengths"]), (1e-3, tp.clamp, {"sigma": 0.1})]
    terms.append((1e-2, tp.descriptor_loss, CASES["euler_number corners"]))
    p, t = backend.make(P[:, 1:]), backend.make(T[:, 1:])
    value, gradient = tp.value_and_grad(terms)(p, t, implied_phase=True)
    parts = []
    for weight, loss, own in terms:
        part, slope = tp.value_and_grad(loss)(p, t, implied_phase=True, **own)
        parts.append((weight * backend.read(part), weight * backend.read(slope)))
    oracles.close(backend.read(value), sum(part for part, _ in parts), 1e-12)
    oracles.close(backend.read(gradient), sum(slope for _, slope in parts), 1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("implied", [False, True])
def test_target_statistics_with_descriptors(backend, name, implied):
    case = CASES[name]
    m = backend.make(T[:, implied:])
    values = evaluated(m, case, implied_phase=implied)
    statistics = tp.target_statistics(m, implied_phase=implied).with_descriptor(case["descriptor"], values, **case.get("options", {}))
    statistics = copy.copy(statistics).map(lambda x: x)
    p = backend.make(P[:, implied:])
    want = tp.value_and_grad(tp.descriptor_loss)(p, m, implied_phase=implied, **case)
    got = tp.value_and_grad(tp.descriptor_loss)(p, statistics, **case)
    for a, b in zip(got, want, strict=True):
        oracles.close(backend.read(a), backend.read(b), 1e-14)
    one = tp.descriptor_loss(p[1, ...], statistics[1], **case)
    oracles.close(backend.read(one), backend.read(tp.descriptor_loss(p[1, ...], m[1, ...], implied_phase=implied, **case)), 1e-14)
    sums = tp.value_and_grad([(1.0, tp.msess, {}), (2.0, tp.descriptor_loss, case)])(p, statistics)
    assert np.isfinite(backend.read(sums[1])).all()


def test_options_of_target_statistics():
    """Defaults may be left out or given, lists are as good as tuples; boundary and mask are those of the statistics."""
    lengths, m = np.array([1, 2]), T
    statistics = tp.target_statistics(m, boundary="open", mask=MASK)
    statistics = statistics.with_descriptor("lineal_path", tp.lineal_path(m, boundary="open", mask=MASK, lengths=[1, 2]), lengths=lengths)
    got = tp.descriptor_loss(P, statistics, descriptor="lineal_path", options={"lengths": (1, 2)})
    want = tp.descriptor_loss(P, m, descriptor="lineal_path", options={"lengths": [1, 2]}, boundary="open", mask=MASK)
    oracles.close(got, want, 1e-14)
    with pytest.raises(ValueError, match="boundary='periodic' differs"):
        tp.descriptor_loss(P, statistics, descriptor="lineal_path", options={"lengths": (1, 2)}, boundary="periodic")
    with pytest.raises(ValueError, match="mask must be None for euler_number"):
        tp.descriptor_loss(P, statistics.with_descriptor("euler_number", np.zeros((2, 2))), descriptor="euler_number")
    euler = tp.target_statistics(m).with_descriptor("euler_number", tp.euler_number(m), connectivity="faces")
    assert tp.descriptor_loss(m, euler, descriptor="euler_number") == 0


def test_a_member_at_a_time():
    values, gradients = each_value_and_grad(tp.descriptor_loss)(P, T, **CASES["lineal_path"])
    for i in range(2):
        value, gradient = tp.value_and_grad(tp.descriptor_loss)(P[i], T[i], **CASES["lineal_path"])
        oracles.close(values[i], value, 1e-14)
        oracles.close(gradients[i], gradient, 1e-14)


@pytest.mark.parametrize("name", CASES)
def test_torch_differentiates_twice(name):
    import torch

    case, d = CASES[name], np.random.default_rng(2).normal(size=P.shape)
    step = 1e-5
    want = [tp.value_and_grad(tp.descriptor_loss)(P + sign * step * d, T, **case)[1] for sign in (1, -1)]
    want = (want[0] - want[1]) / (2 * step)
    p, t = torch.tensor(P, requires_grad=True), torch.tensor(T)
    value = tp.descriptor_loss(p, t, **case)
    (gradient,) = torch.autograd.grad(value, p, create_graph=True)
    (product,) = torch.autograd.grad((gradient * torch.tensor(d)).sum(), p)
    oracles.close(product.numpy(), want, 1e-6)
    of_target = torch.tensor(T, requires_grad=True)
    tp.descriptor_loss(torch.tensor(P), of_target, **case).backward()
    oracles.close(of_target.grad.numpy(), tp.value_and_grad(tp.descriptor_loss)(T, P, **case)[1], 1e-10)
    mapped = torch.func.vmap(lambda a, b: tp.descriptor_loss(a, b, **case))(torch.tensor(P), t)
    oracles.close(mapped.numpy(), tp.descriptor_loss(P, T, reduction="none", **case), 1e-12)


@pytest.mark.parametrize("name", ["lineal_path lengths", pytest.param("three_point", marks=pytest.mark.long), "euler_number corners"])
def test_jax_compiles_maps_and_differentiates_twice(name):
    import jax

    backends.backend("jax")
    case = CASES[name]
    d = np.random.default_rng(2).normal(size=P[0].shape)

    @jax.jit
    def loss(p, t):
        return tp.descriptor_loss(p, t, **case)

    values = jax.vmap(loss)(P, T)
    oracles.close(values, tp.descriptor_loss(P, T, reduction="none", **case), 1e-12)
    want = [tp.value_and_grad(tp.descriptor_loss)(P[0] + sign * 1e-5 * d, T[0], **case)[1] for sign in (1, -1)]
    _, product = jax.jvp(jax.grad(loss), (P[0], T[0]), (d, np.zeros_like(d)))
    oracles.close(product, (want[0] - want[1]) / 2e-5, 1e-6)
    m = jax.numpy.asarray(T[0])
    held = tp.target_statistics(m).with_descriptor(case["descriptor"], evaluated(m, case), **case["options"])
    oracles.close(jax.jit(lambda p, s: tp.descriptor_loss(p, s, **case))(P[0], held), values[0], 1e-12)


def test_float32_and_half(backend):
    for name, case in CASES.items():
        p, t = backend.make(P.astype(np.float32)), backend.make(T.astype(np.float32))
        value, gradient = tp.value_and_grad(tp.descriptor_loss)(p, t, **case)
        assert str(gradient.dtype).endswith("float32")
        want = tp.value_and_grad(tp.descriptor_loss)(P, T, **case)
        oracles.close(backend.read(value), want[0], 1e-4, name)
        oracles.close(backend.read(gradient), want[1], 1e-4, name)


BAD = [
    (dict(descriptor="chord_lengths"), ValueError, "descriptor 'chord_lengths' has no gradient"),
    (dict(descriptor=tp.cluster_correlation), ValueError, "descriptor 'cluster_correlation' has no gradient"),
    (dict(descriptor="path"), ValueError, "descriptor must be one of 'lineal_path', 'three_point', 'euler_number', got 'path'"),
    (dict(descriptor="lineal_path", options=[1]), TypeError, "options must be a dict of options of lineal_path, got list"),
    (dict(descriptor="lineal_path", options={"lags": 1}), TypeError, "lags is not an option of lineal_path"),
    (dict(descriptor="three_point"), TypeError, "options must hold lags for three_point"),
    (dict(descriptor="lineal_path", options={"lengths": [5]}), ValueError, "lengths must be at most 4"),
    (dict(descriptor="lineal_path", weights="x"), TypeError, "weights must be an array or nested lists"),
    (dict(descriptor="lineal_path", weights=np.ones(4)), ValueError, "weights must broadcast to the shape"),
    (dict(descriptor="lineal_path", weights=-1.0), ValueError, "weights must be finite and not below 0"),
    (dict(descriptor="euler_number", mask=np.ones(SPACE, bool)), ValueError, "mask must be None for euler_number"),
    (dict(descriptor="lineal_path", reduction="max"), ValueError, "reduction must be one of"),
    (dict(descriptor="lineal_path", boundary="wrap"), ValueError, "boundary must be one of"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("options", "error", "message"), BAD, ids=[message for *_, message in BAD])
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        tp.descriptor_loss(P, T, **options)


@pytest.mark.usefixtures("unchecked")
def test_bad_arrays():
    statistics = tp.target_statistics(T)
    with pytest.raises(ValueError, match=r"lack lineal_path of lengths=\[1\]: pass the microstructure"):
        tp.descriptor_loss(P, statistics, descriptor="lineal_path", options={"lengths": [1]})
    with pytest.raises(ValueError, match="nothing is broadcast"):
        tp.descriptor_loss(P, T[0], descriptor="lineal_path")
    with pytest.raises(TypeError, match="prediction must be of a real floating dtype"):
        tp.descriptor_loss(P > 0, T, descriptor="lineal_path")
    with pytest.raises(ValueError, match="of the target statistics must have shape"):
        tp.descriptor_loss(P, statistics.with_descriptor("lineal_path", np.zeros((2, 2, 2, 4))), descriptor="lineal_path")
    with pytest.raises(ValueError, match='reduction must be "mean" or "sum"'):
        tp.value_and_grad(tp.descriptor_loss)(P, T, descriptor="lineal_path", reduction="none")
