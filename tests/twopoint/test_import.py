"""What importing the package loads, and that it works where nothing but numpy and scipy is installed; each in a process of its own."""

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "jax",
    "jaxlib",
    "matplotlib",
    "typer",
    "rich",
    "array_api_strict",
    "pandas",
    "dask",
    "distributed",
    "zarr",
    "h5py",
    "sklearn",
)

BLOCK = """
import sys

class Blocker:
    blocked = {blocked!r}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.blocked:
            raise ImportError(f"{{name}} is blocked")

sys.meta_path.insert(0, Blocker())
for name in Blocker.blocked:
    try:
        __import__(name)
    except ImportError as error:
        assert "is blocked" in str(error)
    else:
        raise AssertionError(name)
"""

EVERYTHING = """
import numpy as np
import twopoint as tp

make, read = ({make}), ({read})
rng = np.random.default_rng(0)
image = rng.random((2, 6, 5))
used = set(tp.__all__) - {{"Reconstruction"}}

def public(name):
    used.discard(name)
    return getattr(tp, name)

labels = make((image > 0.5).astype(np.int64))
m, x = public("two_phase")(make(image)), make(image)
b = public("one_hot")(labels, 2)
mask = make(np.ones((6, 5), bool))
results = [b, public("volume_fractions")(m), public("power_spectrum")(x), *public("radial_average")(public("autocorrelation")(x))]
results += [public("cross_correlation")(x, x, boundary="open"), public("pair_counts")(mask), public("gram")(m)]
f = public("correlations")(m, mask=mask)
statistics = public("target_statistics")(m)
also = public("TargetStatistics").from_correlations(public("correlations")(m), shape=(6, 5))
for loss, target, options in (
    (public("cess"), statistics, {{}}),
    (public("msess"), also, {{}}),
    (public("mse_cess"), m, dict(alpha=1.0)),
    (public("clamp"), None, dict(sigma=0.1)),
):
    results += [loss(b * 0.9, **options) if target is None else loss(b * 0.9, target, **options)]
    results += public("value_and_grad")(loss)(b * 0.9, target, **options)
results += [public("style_loss")([m], [b * 1.0])]
results += [public("lineal_path")(b), public("euler_number")(b), public("three_point")(b, [((0, 1), (1, 0))])]
results += [public("chord_lengths")(b), public("cluster_correlation")(b)]
results += [public("descriptor_loss")(b * 0.9, b, descriptor="lineal_path")]
results += public("value_and_grad")(tp.style_loss)([m], [b * 1.0])[1]
for result in results:
    assert np.isfinite(read(result)).all()
if "reconstruct" in used:  # numpy only
    if {numpy_too}:
        stripes = tp.two_phase(np.arange(64).reshape(8, 8) % 4 < 2)
        found = public("reconstruct")(stripes, iterations=2)
        assert found.labels.shape == (8, 8)
        assert public("statistics_error")(found.labels, stripes) < 2
    used -= {{"reconstruct", "statistics_error"}}
print("not called:", sorted(used))
"""

LIBRARIES = {
    "numpy": (HEAVY, "np.array", "np.asarray"),
    "torch": (("jax", "jaxlib", "matplotlib", "typer"), "__import__('torch').tensor", "lambda a: a.numpy()"),
    "jax": (("torch", "matplotlib", "typer"), "__import__('jax').numpy.array", "np.asarray"),
}


def run(script: str) -> str:
    """Run a script in a fresh process; return what it prints, or fail with what it says."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.numpy_only
def test_importing_loads_no_framework():
    assert run(f"import sys, twopoint; print([name for name in {HEAVY} if name in sys.modules])") == "[]"


@pytest.mark.numpy_only
def test_importing_every_module_of_the_core_needs_numpy_and_scipy_alone():
    script = BLOCK.format(blocked=HEAVY) + (
        "import importlib, pkgutil, twopoint\n"
        "rooms = [m.name for m in pkgutil.iter_modules(twopoint.__path__) if m.name not in ('adapters', 'cli', '__main__')]\n"
        "for room in rooms:\n"
        "    package = importlib.import_module(f'twopoint.{room}')\n"
        "    files = pkgutil.iter_modules(getattr(package, '__path__', ()))\n"
        "    names = [file.name for file in files if file.name != 'torch_function']\n"
        "    for name in names:\n        importlib.import_module(f'twopoint.{room}.{name}')\n"
        "    assert names or room == 'backend', room\n"
        "print(sorted(rooms))"
    )
    assert run(script) == "['arrays', 'backend', 'descriptors', 'losses', 'reconstruction', 'statistics', 'synthetic']"


@pytest.mark.long_on_jax
@pytest.mark.parametrize("library", [pytest.param("numpy", marks=pytest.mark.numpy_only), "torch", "jax"])
def test_the_package_works_where_the_others_are_missing(library):
    blocked, make, read = LIBRARIES[library]
    body = EVERYTHING.format(make=make, read=read, numpy_too=library == "numpy")
    assert run(BLOCK.format(blocked=blocked) + body) == "not called: []"


@pytest.mark.numpy_only
def test_numpy_work_loads_no_framework():
    body = EVERYTHING.format(make="np.array", read="np.asarray", numpy_too=True)
    out = run(body + f"import sys\nprint([name for name in {HEAVY} if name in sys.modules])")
    assert out.splitlines() == ["not called: []", "[]"]
