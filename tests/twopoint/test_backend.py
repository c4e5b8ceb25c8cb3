"""The door for packages built on this one: what it makes, transforms, repeats and tells, in each library."""

import numpy as np
import pytest

from support.oracles import close
from twopoint import backend as public

FUNCTIONS = ("is_concrete", "may_split", "on_cpu", "stop_gradient")


def test_all_names_are_there():
    assert sorted(public.__all__) == public.__all__
    assert all(hasattr(public, name) for name in public.__all__)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant(backend, dtype):
    like = backend.make(np.zeros((2, 0, 3), dtype))
    for values in (np.arange(6).reshape(2, 3), np.array(2.5), np.ones((1, 0)), np.arange(4.0)[::-2], np.broadcast_to(3.0, (2, 2))):
        got = public.constant(values, like=like)
        assert backend.read(got).dtype == dtype
        assert tuple(got.shape) == values.shape
        assert (backend.read(got) == values).all()


def test_constant_does_not_share_what_a_traced_function_would_write():
    import jax

    got = jax.jit(lambda x: x + public.constant(np.arange(3.0), like=x))(jax.numpy.ones(3, jax.numpy.float32))
    assert got.dtype == np.float32
    assert got.tolist() == [1, 2, 3]


@pytest.mark.parametrize("sizes", [(5,), (4, 3), (3, 4), (2, 3, 4), (1, 1)])
def test_transforms(backend, sizes, rng):
    """By numpy's own, divided; back; zeros where an axis is longer than the array."""
    x = rng.normal(size=(2, 3, *sizes))
    axes = tuple(range(-len(sizes), 0))
    got = public.rfftn(backend.make(x), sizes)
    want = np.fft.rfftn(x, axes=axes) / np.prod(sizes)
    assert np.abs(backend.read(got) - want).max() < 1e-15
    close(backend.read(public.irfftn(got, sizes)), x, 1e-14)
    longer = tuple(n + 2 for n in sizes)
    padded = np.pad(x, [(0, 0)] * 2 + [(0, 2)] * len(sizes))
    close(backend.read(public.irfftn(public.rfftn(backend.make(x), longer), longer)), padded, 1e-14)
    assert backend.read(public.rfftn(backend.make(x.astype(np.float32)), sizes)).dtype == np.complex64


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_array_is_refused(name):
    with pytest.raises(TypeError, match="x must be an array"):
        getattr(public, name)([1.0])


@pytest.mark.parametrize("call", [lambda f: f(1, like=[1.0]), lambda f: f(1, 2, 3, like=None)], ids=["list", "none"])
def test_what_is_no_model_is_refused(call):
    for function in (
        lambda *a, like: public.constant(np.ones(1), like=like),
        lambda *a, like: public.while_loop(None, None, None, like=like),
        lambda *a, like: public.compiled(print, like=like, static=()),
    ):
        with pytest.raises(TypeError, match=r"like|at least one array"):
            call(function)


def test_values_are_concrete_and_on_a_processor(backend):
    x = backend.make(np.ones(3))
    assert public.is_concrete(x)
    assert public.on_cpu(x) == (not backend.name.endswith("_gpu"))
    assert public.may_split(x)


def test_what_is_traced_is_not_concrete():
    import jax
    import torch

    seen = []

    def look(x):
        seen.append((public.is_concrete(x), public.on_cpu(x)))
        return x.sum()

    jax.jit(look)(jax.numpy.ones(3))
    jax.grad(look)(jax.numpy.ones(3))
    jax.vmap(look)(jax.numpy.ones((2, 3)))
    torch.func.grad(look)(torch.ones(3))
    torch.func.vmap(look)(torch.ones(2, 3))
    assert seen == [(False, True)] * 5
    leaf = torch.ones(3, requires_grad=True)
    assert public.is_concrete(leaf)  # torch records, but has values
    assert not public.may_split(leaf)
    assert public.may_split(leaf.detach())
    assert not public.on_cpu(torch.ones(3, device="meta"))


def test_loops(backend):
    """A nest of arrays, until the test fails; no step where it fails at once."""
    start = {"x": backend.make(np.array([1.0, 3.0])), "steps": [backend.make(np.array(0.0))]}
    xp = backend.xp

    def going(state):
        return xp.max(state["x"]) < 20.0

    def step(state):
        return {"x": 2 * state["x"], "steps": [state["steps"][0] + 1]}

    end = public.while_loop(going, step, start, like=start["x"])
    assert backend.read(end["x"]).tolist() == [8.0, 24.0]
    assert backend.read(end["steps"][0]) == 3
    again = public.while_loop(going, step, end, like=start["x"])
    assert backend.read(again["steps"][0]) == 3


def summed(*, x, n, xp):
    traced.append(n)
    return xp.sum(x) * n


traced = []


def test_compiled(backend):
    """One program for jax for each set of static arguments, kept from call to call; for others the function itself."""
    traced.clear()
    x = backend.make(np.arange(4.0))
    for n in (2, 2, 3, 2):
        assert float(backend.read(public.compiled(summed, like=x, static=("n", "xp"))(x=x, n=n, xp=backend.xp))) == 6 * n
    by_jax = backend.name in ("jax", "jax_gpu")
    assert traced == ([2, 3] if by_jax else [2, 2, 3, 2])
    if not by_jax:
        assert public.compiled(summed, like=x, static=("n", "xp")) is summed
