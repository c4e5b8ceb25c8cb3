"""The machinery of torch and jax: compiled, traced, mapped, differentiated twice, under autocast; one small shape a public function."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import twopoint as tp
from support import evaluate, oracles

jax.config.update("jax_enable_x64", True)

# Tracers and fake tensors are no arrays that the annotations know.
pytestmark = [
    pytest.mark.usefixtures("unchecked"),
    # torch.func.vmap knows no batched complex conjugate, which the derivative of every product of spectra takes too.
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),
]

_rng = np.random.default_rng(11)
SPACE = (4, 3)
MASK = np.array([[1, 1, 0], [0, 1, 1], [1, 1, 1], [1, 0, 1]], bool)
MODES = {
    "periodic": {},
    "implied": {"implied_phase": True},
    "open": {"boundary": "open", "implied_phase": True},
    "masked": {"mask": MASK},
    "masked_open": {"mask": MASK, "boundary": "open"},
    "crop": {"crop": (2, 3)},
    "cumulative": {"cumulative": True},
}


def soft(*shape: int, phases: int = 2) -> np.ndarray:
    """Phases well inside 0..1 that sum to one, (*shape, phases, *SPACE)."""
    x = _rng.uniform(0.3, 1.0, (*shape, phases, *SPACE))
    return x / x.sum(-3, keepdims=True)


TRIPLES = [((0, 1), (2, -1)), ((1, 0), (0, 0))]
P, T = soft(2), soft(2)  # (2, 2, 4, 3)
X = P[:, 1]


def of(mode: str, make) -> dict:
    """The options of a mode, in a library's arrays."""
    return {name: make(value) if name == "mask" else value for name, value in MODES[mode].items()}


def given(m: np.ndarray, mode: str) -> np.ndarray:
    """Take the explicit phases."""
    return m[..., 1:, :, :] if MODES[mode].get("implied_phase") else m


LOSSES = {
    "msess": tp.msess,
    "energy": partial(tp.msess, weight="energy", zero_weight=2.0),
    "cess": tp.cess,
    "excess": partial(tp.cess, excess=True),
    "mse_cess": partial(tp.mse_cess, alpha=0.7),
    "clamp": lambda p, t, **options: tp.clamp(
        p, sigma=0.1, **{name: value for name, value in options.items() if name in ("mask", "implied_phase", "reduction")}
    ),
    "style_loss": lambda p, t, reduction="mean", **_: tp.style_loss([p], [t], reduction=reduction, weights=[10.0]),
    "descriptor_loss_path": partial(tp.descriptor_loss, descriptor="lineal_path"),
    "descriptor_loss_triples": partial(tp.descriptor_loss, descriptor="three_point", options={"lags": TRIPLES}),
    "descriptor_loss_euler": partial(tp.descriptor_loss, descriptor="euler_number", weights=1e-2),
}
WITHOUT_LAGS = ("periodic", "implied", "open", "masked", "masked_open")
OWN_MODES = {
    "clamp": ("periodic", "implied", "masked"),
    "style_loss": ("periodic",),
    "energy": ("periodic", "implied"),
    "descriptor_loss_path": WITHOUT_LAGS,
    "descriptor_loss_triples": WITHOUT_LAGS,
    "descriptor_loss_euler": WITHOUT_LAGS[:3],
}
BOTH = [  # clamp knows no lags, style_loss no options, the Euler number no mask
    (name, mode) for name in LOSSES for mode in MODES if mode in OWN_MODES.get(name, MODES)
]
FUNCTIONS = {
    "one_hot": lambda p, t: tp.one_hot(p[:, 1] > 0.5, 2),
    "two_phase": lambda p, t: tp.two_phase(p[:, 1]),
    "volume_fractions": lambda p, t: tp.volume_fractions(p),
    "correlations": lambda p, t: tp.correlations(p),
    "correlations_open": lambda p, t: tp.correlations(p, boundary="open", centered=True, pairs="unique"),
    "correlations_crop": lambda p, t: tp.correlations(p, crop=2, implied_phase=True),
    "correlations_cumulative": lambda p, t: tp.correlations(p, boundary="open", cumulative=True),
    "autocorrelation": lambda p, t: tp.autocorrelation(p[:, 1]),
    "cross_correlation": lambda p, t: tp.cross_correlation(p[:, 1], t[:, 0], boundary="open"),
    "pair_counts": lambda p, t: tp.pair_counts(p[0, 0] > 0.5),
    "radial_average": lambda p, t: tp.radial_average(p[:, 1])[1],
    "power_spectrum": lambda p, t: tp.power_spectrum(p[:, 1]),
    "target_statistics": lambda p, t: tp.cess(p, tp.target_statistics(t)),
    "from_correlations": lambda p, t: tp.msess(p, tp.TargetStatistics.from_correlations(tp.correlations(t), shape=SPACE)),
    "volume_fractions_of_statistics": lambda p, t: tp.target_statistics(t).volume_fractions,
    "gram": lambda p, t: tp.gram(p),
    "lineal_path": lambda p, t: tp.lineal_path(p, lengths=[0, 2]),
    "lineal_path_all": lambda p, t: tp.lineal_path(p, boundary="open", implied_phase=True),
    "three_point": lambda p, t: tp.three_point(p, TRIPLES),
    "euler_number": lambda p, t: tp.euler_number(p, connectivity="corners", boundary="open"),
    "value_and_grad": lambda p, t: tp.value_and_grad([(1.0, tp.cess, {}), (0.1, tp.clamp, {"sigma": 0.1})])(p, t)[1],
    "value_and_grad_statistics": lambda p, t: tp.value_and_grad(tp.msess)(p, tp.target_statistics(t))[1],
    **LOSSES,
}


def test_the_table_holds_every_public_name():
    called = {name for name in tp.__all__ for key in FUNCTIONS if key.startswith(name)}
    assert set(tp.__all__) - called <= {
        "TargetStatistics",
        "Reconstruction",
        "reconstruct",
        "statistics_error",
        "chord_lengths",
        "cluster_correlation",
    }  # these are called by others, or numpy's, or need known values


# ---- compiled and traced ------------------------------------------------------------------------------------------------------------


GRADIENTS = [*(f"gradient_cess_{mode}" for mode in ("open", "masked_open", "crop", "cumulative")), "gradient_mse_cess_implied"]
GRADIENTS += ["gradient_descriptor_loss_path_open", "gradient_descriptor_loss_triples_masked", "gradient_descriptor_loss_euler_periodic"]


def compiled(name: str, backend: str) -> str:
    """Compile one entry of FUNCTIONS or GRADIENTS as a whole and compare with eager torch; return what is wrong."""
    torch.compiler.reset()
    try:
        if name in FUNCTIONS:
            p, t = torch.tensor(P), torch.tensor(T)
            got = torch.compile(FUNCTIONS[name], fullgraph=True, backend=backend)(p, t)
            oracles.close(got, FUNCTIONS[name](p, t), 1e-13)
            return ""
        name, mode = next((n, m) for n in LOSSES for m in MODES if name == f"gradient_{n}_{m}")
        options, gradients = of(mode, torch.tensor), []
        for loss in (LOSSES[name], torch.compile(LOSSES[name], fullgraph=True, backend=backend)):
            x = torch.tensor(given(P, mode), requires_grad=True)
            loss(x, torch.tensor(given(T, mode)), **options).backward()
            gradients.append(x.grad.numpy())
        oracles.close(gradients[1], gradients[0], 1e-12)
    except Exception as error:  # noqa: BLE001 (whatever it is goes into the report)
        return f"{type(error).__name__}: {error}"
    return ""


@cache
def report(backend: str, names: tuple[str, ...]) -> dict[str, str]:
    """Compile in a process without the checking of annotations, whose wrappers torch cannot trace; return what is wrong by name."""
    return evaluate(__file__, f"{{name: own.compiled(name, {backend!r}) for name in {names!r}}}")


@pytest.mark.long
def test_torch_compiles_without_a_break():
    """All in one process and one test: workers that share the names would compile them twice."""
    assert report("aot_eager", (*FUNCTIONS, *GRADIENTS)) == dict.fromkeys((*FUNCTIONS, *GRADIENTS), "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cess", "gradient_cess_periodic"])
def test_inductor_compiles_cess_and_its_gradient(name):
    assert report("inductor", ("cess", "gradient_cess_periodic"))[name] == ""


def test_a_break_is_reported():
    FUNCTIONS["broken"] = lambda p, t: p if bool(p.sum() > 0) else t
    try:
        assert "data-dependent" in compiled("broken", "aot_eager")
    finally:
        del FUNCTIONS["broken"]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("one_hot", "pair_counts")])
def test_shapes_alone_suffice(name):
    """The meta device has no values: nothing here looks at one."""
    p, t = (torch.empty(m.shape, dtype=torch.float64, device="meta") for m in (P, T))
    got = FUNCTIONS[name](p, t)
    assert got.device.type == "meta"
    assert got.shape == FUNCTIONS[name](torch.tensor(P), torch.tensor(T)).shape


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_jax_jits(name):
    p, t = jnp.asarray(P), jnp.asarray(T)
    oracles.close(jax.jit(FUNCTIONS[name])(p, t), FUNCTIONS[name](p, t), 1e-13)


@pytest.mark.parametrize("mode", ["masked", "masked_open"])
def test_jax_jits_with_a_traced_mask(mode):
    options = {name: value for name, value in MODES[mode].items() if name != "mask"}

    def loss(p, t, mask):
        return tp.cess(p, t, mask=mask, **options) + tp.mse_cess(p, t, alpha=1.0, mask=mask, **options) + tp.clamp(p, sigma=0.1, mask=mask)

    traced = jax.jit(jax.value_and_grad(loss))
    for mask in (np.stack([MASK, ~MASK]), np.stack([MASK, MASK & False])):
        arguments = jnp.asarray(P), jnp.asarray(T), jnp.asarray(mask)
        value, gradient = traced(*arguments)
        oracles.close(value, loss(P, T, mask), 1e-12)
        x = torch.tensor(P, requires_grad=True)
        loss(x, torch.tensor(T), torch.tensor(mask)).backward()
        oracles.close(gradient, x.grad, 1e-10)


def test_one_hot_does_not_look_at_traced_labels():
    labels = jnp.asarray([[0, 1], [2, 5]])
    with pytest.raises(ValueError, match="labels"):
        tp.one_hot(labels, 3)
    got = jax.jit(partial(tp.one_hot, n_phases=3))(labels)
    assert np.array_equal(got.sum(0), [[1, 1], [1, 0]])
    mapped = jax.vmap(partial(tp.one_hot, n_phases=3))(labels[None])
    assert np.array_equal(mapped[0], got)
    twin = torch.tensor(np.asarray(labels))
    assert np.array_equal(torch.func.vmap(partial(tp.one_hot, n_phases=3))(twin[None])[0], got)


@pytest.mark.parametrize(
    "transform", [jax.jit, jax.grad, jax.vmap, lambda f: jax.jit(jax.vmap(jax.grad(f)))], ids=["jit", "grad", "vmap", "all"]
)
def test_labels_that_jax_does_not_trace_are_checked(transform):
    labels, x = jnp.asarray([[0, 1], [1, 0]]), jnp.asarray(1.0)
    outside = labels + 1
    x = x if transform in (jax.jit, jax.grad) else x[None]
    for convert, error in ((partial(tp.one_hot, n_phases=2), "labels must lie in"), (tp.two_phase, "x of integers must hold 0 and 1 only")):
        assert float(jnp.squeeze(transform(lambda x: x * convert(labels)[1].sum())(x))) == 2
        with pytest.raises(ValueError, match=error):
            transform(lambda x: x * convert(outside).sum())(x)


def test_torch_compiles_wide_unsigned_labels():
    for dtype in (torch.uint16, torch.uint32, torch.uint64):
        labels = torch.tensor([[0, 1], [1, 0]]).to(dtype)
        for convert in (partial(tp.one_hot, n_phases=2), tp.two_phase):
            got = torch.compile(convert, backend="eager", fullgraph=True)(labels)
            assert got[1].tolist() == [[0, 1], [1, 0]]


def test_a_sigma_may_be_traced():
    p = jnp.asarray(P)
    slope = jax.jit(jax.grad(lambda sigma: tp.clamp(p, sigma=sigma)))(0.1)
    step = 1e-6
    want = (tp.clamp(p, sigma=0.1 + step) - tp.clamp(p, sigma=0.1 - step)) / (2 * step)
    oracles.close(slope, want, 1e-7)
    sigma = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    tp.clamp(torch.tensor(P), sigma=sigma).backward()
    oracles.close(sigma.grad, want, 1e-7)


# ---- mapped -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(("name", "mode"), [pair for pair in BOTH if pair[0] == "cess" or pair[1] in ("periodic", "masked_open")])
def test_losses_map_over_a_batch(name, mode):
    p, t = (given(m, mode) for m in (P, T))
    for make, vmap in ((torch.tensor, torch.func.vmap), (jnp.asarray, jax.vmap)):
        loss = partial(LOSSES[name], **of(mode, make))
        want = np.asarray(loss(make(p), make(t), reduction="none"))
        oracles.close(np.asarray(vmap(loss)(make(p), make(t))), want, 1e-13, f"{vmap.__module__}")
        target = make(t[0])
        first = np.asarray(vmap(lambda a: loss(a, target))(make(p)))
        oracles.close(first[0], want[0], 1e-13, f"{vmap.__module__}, one target for all")


@pytest.mark.long
def test_correlations_map_over_any_axis():
    for make, vmap in ((torch.tensor, torch.func.vmap), (jnp.asarray, jax.vmap)):
        for options in ({}, {"boundary": "open", "centered": True}, {"crop": 2, "implied_phase": True}):
            f = partial(tp.correlations, **options)
            want = np.asarray(f(make(P)))
            oracles.close(np.asarray(vmap(f)(make(P))), want, 1e-13)
            oracles.close(np.asarray(vmap(f, 2)(make(np.moveaxis(P, 0, 2)))), want, 1e-13)
        spectra = np.asarray(vmap(tp.power_spectrum)(make(X)))
        oracles.close(spectra, np.asarray(tp.power_spectrum(make(X))), 1e-13)


@pytest.mark.long
def test_masks_map_with_their_images():
    masks = np.stack([MASK, ~MASK])
    for make, vmap in ((torch.tensor, torch.func.vmap), (jnp.asarray, jax.vmap)):
        got = vmap(lambda p, t, mask: tp.cess(p, t, mask=mask))(make(P), make(T), make(masks))
        want = tp.cess(make(P), make(T), mask=make(masks), reduction="none")
        oracles.close(np.asarray(got), np.asarray(want), 1e-13)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("mode", ["implied", "masked_open", "crop"])
@pytest.mark.parametrize("name", ["msess", "cess", "mse_cess", "clamp"])
def test_gradients_map_over_a_batch(name, mode):
    loss = {"mse_cess": tp.mse_cess, "clamp": tp.clamp, "cess": tp.cess, "msess": tp.msess}[name]
    own = {"mse_cess": {"alpha": 0.7}, "clamp": {"sigma": 0.1}}.get(name, {})
    p, t = (given(m, mode) for m in (P, T))
    evaluate = tp.value_and_grad(loss)
    for make, vmap in ((torch.tensor, torch.func.vmap), (jnp.asarray, jax.vmap)):
        options = of(mode, make) | own
        if name == "clamp":
            options = {key: value for key, value in options.items() if key in ("mask", "implied_phase", "sigma")}
        value, gradient = evaluate(make(p), make(t), reduction="sum", **options)
        values, gradients = vmap(lambda a, b: evaluate(a, b, **options))(make(p), make(t))
        oracles.close(np.asarray(values).sum(), np.asarray(value), 1e-13)
        oracles.close(np.asarray(gradients), np.asarray(gradient), 1e-12)


# ---- differentiated -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "mode"), BOTH)
def test_torch_holds_first_and_second_derivatives_to_finite_differences(name, mode):
    options = of(mode, torch.tensor)
    p, t = (torch.tensor(given(m, mode)[0]) for m in (P, T))
    loss = partial(LOSSES[name], **options)
    x = p.clone().requires_grad_()
    assert gradcheck(lambda x: loss(x, t), (x,), eps=1e-6, atol=1e-7, rtol=1e-5)
    assert gradgradcheck(lambda x: loss(x, t), (x,), eps=1e-6, atol=1e-6, rtol=1e-5, fast_mode=True)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("name", ["msess", "cess", "mse_cess"])
def test_the_target_has_derivatives_too(name):
    p, t = (torch.tensor(m[0]) for m in (P, T))
    assert gradcheck(lambda t: LOSSES[name](p, t), (t.clone().requires_grad_(),), eps=1e-6, atol=1e-7, rtol=1e-5)
    want = torch.func.grad(LOSSES[name], argnums=1)(p, t).numpy()
    oracles.close(jax.grad(LOSSES[name], argnums=1)(jnp.asarray(P[0]), jnp.asarray(T[0])), want, 1e-10)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(("name", "mode"), [pair for pair in BOTH if pair[0] == "cess" or pair[1] == "implied" or pair[0] == "style_loss"])
def test_torch_and_jax_agree_in_all_derivatives(name, mode):
    p, t, v = (given(m, mode)[0] for m in (P, T, soft(1)))
    here = partial(LOSSES[name], **of(mode, torch.tensor))
    there = partial(LOSSES[name], **of(mode, jnp.asarray))
    a, b, tangent = (torch.tensor(x) for x in (p, t, v))
    first = torch.func.grad(here)(a, b).numpy()
    second = torch.func.hessian(here)(a, b).numpy()
    oracles.close(jax.jit(jax.grad(there))(jnp.asarray(p), jnp.asarray(t)), first, 1e-10, "gradient")
    oracles.close(jax.jit(jax.hessian(there))(jnp.asarray(p), jnp.asarray(t)), second, 1e-9, "hessian")
    value, along = jax.jit(lambda x, v: jax.jvp(lambda x: there(x, jnp.asarray(t)), (x,), (v,)))(jnp.asarray(p), jnp.asarray(v))
    oracles.close(value, here(a, b).numpy(), 1e-12, "value")
    oracles.close(along, np.sum(first * v), 1e-10, "jvp")
    oracles.close(torch.func.jvp(lambda x: here(x, b), (a,), (tangent,))[1], np.sum(first * v), 1e-10, "torch's jvp")
    oracles.close(torch.func.jacrev(here)(a, b).numpy(), first, 1e-12, "jacrev")


def test_torch_maps_gradients_of_each_member():
    p, t = torch.tensor(P), torch.tensor(T)
    each = torch.func.vmap(torch.func.grad(tp.cess))(p, t)
    x = p.clone().requires_grad_()
    tp.cess(x, t, reduction="sum").backward()
    oracles.close(each.numpy(), x.grad.numpy(), 1e-12)


@pytest.mark.parametrize("mode", ["periodic", "masked_open"])
def test_second_derivatives_pass_through_value_and_grad(mode):
    def slope(x, t, **options):
        return (tp.value_and_grad(tp.cess)(x, t, **options)[1] ** 2).sum()

    options = of(mode, torch.tensor)
    a, b = torch.tensor(P[0]), torch.tensor(T[0])
    gradient = torch.func.grad(partial(tp.cess, **options))(a, b).numpy()
    hessian = torch.func.hessian(partial(tp.cess, **options))(a, b).numpy()
    want = 2 * np.tensordot(gradient, hessian, axes=3)
    x = a.clone().requires_grad_()
    oracles.close(torch.autograd.grad(slope(x, b, **options), x)[0].numpy(), want, 1e-10, "autograd")
    oracles.close(torch.func.grad(partial(slope, **options))(a, b).numpy(), want, 1e-10, "torch.func")
    jitted = jax.jit(jax.grad(lambda x, t: slope(x, t, **of(mode, jnp.asarray))))
    oracles.close(jitted(jnp.asarray(P[0]), jnp.asarray(T[0])), want, 1e-10, "jax")


def test_value_and_grad_in_jit_and_in_autograd():
    terms = [(1.0, tp.cess, {}), (2.0, tp.msess, {"crop": 3}), (0.1, tp.clamp, {"sigma": 0.1})]
    want = tp.value_and_grad(terms)(P, T)
    got = jax.jit(tp.value_and_grad(terms))(jnp.asarray(P), jnp.asarray(T))
    x = torch.tensor(P, requires_grad=True)
    value, gradient = tp.value_and_grad(terms)(x, torch.tensor(T))
    for mine, other in zip(want, got, strict=True):
        oracles.close(other, mine, 1e-10)
    oracles.close(value.detach(), want[0], 1e-10)
    oracles.close(gradient.detach(), want[1], 1e-10)
    with torch.no_grad():
        oracles.close(tp.value_and_grad(terms)(x, torch.tensor(T))[1], want[1], 1e-10)
    with torch.inference_mode():
        oracles.close(tp.cess(x, torch.tensor(T)), tp.cess(P, T), 1e-12)


def test_style_loss_gives_a_list_of_gradients_under_transformation():
    features = [(P, T), (soft(2, phases=3), soft(2, phases=3))]
    a, b = ([pair[i] for pair in features] for i in (0, 1))
    _, want = tp.value_and_grad(tp.style_loss)(a, b, weights=[1.0, 3.0])
    evaluate = partial(tp.value_and_grad(tp.style_loss), weights=[1.0, 3.0])
    _, jitted = jax.jit(evaluate)([jnp.asarray(x) for x in a], [jnp.asarray(x) for x in b])
    _, mapped = torch.func.vmap(evaluate)([torch.tensor(x) for x in a], [torch.tensor(x) for x in b])
    assert isinstance(jitted, list)
    assert isinstance(mapped, list)
    for layer in range(2):
        oracles.close(jitted[layer], want[layer], 1e-10)
        oracles.close(mapped[layer].numpy() / 2, want[layer], 1e-10)


# ---- target statistics --------------------------------------------------------------------------------------------------------------


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("mode", ["implied", "masked_open", "crop"])
def test_statistics_pass_through_jax_as_a_pytree(mode):
    options = of(mode, jnp.asarray)
    p, t = (jnp.asarray(given(m, mode)) for m in (P, T))
    statistics = tp.target_statistics(t, **options)
    leaves, structure = jax.tree.flatten(statistics)
    assert all(isinstance(leaf, jax.Array) for leaf in leaves)
    again = jax.tree.unflatten(structure, leaves)
    assert (again.shape, again.n_phases, again.crop, again.boundary) == (SPACE, 2, statistics.crop, statistics.boundary)
    want = tp.cess(p, t, **options)
    oracles.close(tp.cess(p, again), want, 1e-13)
    oracles.close(jax.jit(tp.cess)(p, statistics), want, 1e-13, "jit")
    oracles.close(jax.jit(lambda p: tp.cess(p, statistics))(p), want, 1e-13, "closed over")
    made = jax.jit(lambda t: tp.target_statistics(t, **options))(t)
    oracles.close(tp.cess(p, made), want, 1e-13, "made inside jit")
    each = jax.vmap(tp.cess)(p, statistics)
    oracles.close(each, tp.cess(p, t, reduction="none", **options), 1e-13, "vmap")
    vmapped = jax.vmap(lambda t: tp.target_statistics(t, **options))(t)
    oracles.close(tp.cess(p, vmapped, reduction="none"), each, 1e-13, "made inside vmap")
    value, gradient = jax.jit(tp.value_and_grad(tp.cess))(p, statistics)
    oracles.close(gradient, jax.grad(tp.cess)(p, t, **options), 1e-12, "value_and_grad")
    oracles.close(value, want, 1e-13)


def test_statistics_map_as_a_tree():
    statistics = tp.target_statistics(jnp.asarray(T))
    doubled = jax.tree.map(lambda leaf: 2 * leaf, statistics)
    oracles.close(doubled.correlations, 2 * statistics.correlations, 1e-15)
    for i in range(2):
        oracles.close(jax.tree.map(lambda leaf: leaf[i], statistics).correlations, statistics[i].correlations, 1e-15)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *statistics)
    oracles.close(stacked.correlations, statistics.correlations, 1e-15)


def test_statistics_carry_through_a_scan():
    statistics = tp.target_statistics(jnp.asarray(T))

    def step(carry, _):
        m, known = carry
        value, gradient = tp.value_and_grad(tp.msess)(m, known)
        return (m - gradient, known), value

    _, values = jax.lax.scan(step, (jnp.asarray(P), statistics), length=3)
    assert values[2] < values[0]


# ---- precision ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "mode"), BOTH)
def test_autocast_changes_nothing(name, mode):
    options = of(mode, torch.tensor)
    p, t = (torch.tensor(given(m, mode), dtype=torch.float32) for m in (P, T))
    loss = partial(LOSSES[name], **options)
    x = p.clone().requires_grad_()
    want = loss(x, t)
    (wanted,) = torch.autograd.grad(want, x)
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype=dtype):
            value = loss(x, t)
        (gradient,) = torch.autograd.grad(value, x)
        assert value.dtype == gradient.dtype == torch.float32
        assert torch.equal(value, want)
        assert torch.equal(gradient, wanted)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("one_hot", "pair_counts")])
def test_autocast_keeps_single_precision(name):
    p, t = (torch.tensor(m, dtype=torch.float32) for m in (P, T))
    want = FUNCTIONS[name](p, t)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = FUNCTIONS[name](p, t)
    assert got.dtype == torch.float32
    assert torch.equal(got, want)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(("name", "mode"), BOTH)
def test_half_precision_is_computed_in_single(name, mode):
    """Equal to the last bit: what is rounded is the input, never the arithmetic."""
    for make, halves, single in (
        (torch.tensor, (torch.float16, torch.bfloat16), torch.float32),
        (jnp.asarray, (jnp.float16, jnp.bfloat16), jnp.float32),
    ):
        loss = partial(LOSSES[name], **of(mode, make))
        for half in halves:
            p, t = (make(given(m, mode), dtype=half) for m in (P, T))
            if make is torch.tensor:
                got, want = loss(p, t), loss(p.to(single), t.to(single))
            else:
                got, want = loss(p, t), loss(p.astype(single), t.astype(single))
            assert got.dtype == single, half
            assert np.array_equal(np.asarray(got), np.asarray(want)), half


@pytest.mark.parametrize("name", ["cess", "mse_cess", "clamp", "style_loss"])
def test_value_and_grad_under_autocast_changes_nothing(name):
    p, t = (torch.tensor(m, dtype=torch.float32) for m in (P, T))
    own = {"mse_cess": {"alpha": 0.7}, "clamp": {"sigma": 0.1}}.get(name, {})
    evaluate = tp.value_and_grad(getattr(tp, name))
    arguments = ([p], [t]) if name == "style_loss" else (p, t)
    want = evaluate(*arguments, **own)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = evaluate(*arguments, **own)
    for a, b in zip(got, want, strict=True):
        a, b = (x[0] if isinstance(x, list) else x for x in (a, b))
        assert a.dtype == torch.float32
        assert torch.equal(a, b)


def test_the_output_of_a_network_under_autocast_has_a_gradient():
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(1, 1, 3, padding=1)
    t = torch.tensor(T[:, 1:], dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = torch.sigmoid(layer(t))
        assert out.dtype == torch.bfloat16
        loss = tp.cess(out, t, implied_phase=True)
    assert loss.dtype == torch.float32
    loss.backward()
    assert torch.isfinite(layer.weight.grad).all()
    assert layer.weight.grad.abs().max() > 0


def test_statistics_of_single_precision_serve_half_predictions():
    t = torch.tensor(T, dtype=torch.float32)
    p = torch.tensor(P, dtype=torch.bfloat16)
    got = tp.cess(p, tp.target_statistics(t))
    assert got.dtype == torch.float32
    assert torch.equal(got, tp.cess(p.float(), t))


def compiled_transform(name: str) -> str:
    """Compile a transform of torch.func of a loss; return what is wrong."""
    torch.compiler.reset()
    p, t = (torch.tensor(x) for x in (P, T))
    known = tp.target_statistics(t)
    function = {
        "grad": torch.func.grad(lambda m: tp.cess(m, known)),
        "vmap": torch.func.vmap(lambda m: tp.cess(m, t[0])),
        "hessian": torch.func.jacrev(torch.func.grad(lambda m: tp.cess(m, t[:1]))),
    }[name]
    m = p[:1] if name == "hessian" else p
    try:
        oracles.close(torch.compile(function, fullgraph=True, backend="aot_eager")(m), function(m), 1e-13)
    except Exception as error:  # noqa: BLE001 (whatever it is goes into the report)
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.long
def test_transforms_of_torch_func_compile():
    names = ("grad", "vmap", "hessian")
    assert evaluate(__file__, f"[own.compiled_transform(name) for name in {names!r}]") == [""] * len(names)
