"""The documentation of the public names, and that twopoint alone does not import dask."""

import doctest
import importlib
import inspect
import subprocess
import sys

import pytest

from twopoint.adapters import dask_statistics as ds


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["volume", "dataset", "components", "reading", "writing"])
def test_examples_run(name):
    module = importlib.import_module(f"twopoint.adapters.dask_statistics.{name}")
    assert doctest.testmod(module).failed == 0
    assert module.__doc__


@pytest.mark.parametrize("name", [n for n in ds.__all__ if n[0].islower()])
def test_docstrings_say_all(name):
    text = inspect.getdoc(getattr(ds, name))
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n{section}\n---" in text, f"{name} has no section {section}"
    for parameter in inspect.signature(getattr(ds, name)).parameters.values():
        assert parameter.name in text
        assert parameter.default is parameter.empty or parameter.kind is parameter.KEYWORD_ONLY


def test_twopoint_alone_loads_no_dask():
    script = "import sys, twopoint, twopoint.adapters; print([n for n in ('dask', 'zarr', 'h5py') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"
