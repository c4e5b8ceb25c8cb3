"""Every public name has a docstring in numpydoc's form, and its example runs."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import twopoint as tp
import twopoint_models

MODELS = [info.name for info in pkgutil.walk_packages(twopoint_models.__path__, "twopoint_models.")]
MODULES = [info.name for info in pkgutil.iter_modules(tp.__path__, "twopoint.") if info.name != "twopoint.cli"] + MODELS
PUBLIC = [name for name in tp.__all__ if name not in ("TargetStatistics", "Reconstruction")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, unchecked):
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.failed == 0
    assert module.__doc__


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_say_all(name):
    text = inspect.getdoc(getattr(tp, name))
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n{section}\n---" in text, f"{name} has no section {section}"
    signature = inspect.signature(getattr(tp, name))
    for parameter in signature.parameters:
        assert parameter in text, f"{name} does not speak of {parameter}"


@pytest.mark.numpy_only
@pytest.mark.parametrize("name", PUBLIC)
def test_options_are_keywords(name):
    parameters = inspect.signature(getattr(tp, name)).parameters.values()
    for parameter in parameters:
        assert parameter.default is parameter.empty or parameter.kind is parameter.KEYWORD_ONLY, f"{name}({parameter.name})"
