"""Every public name has a docstring in numpydoc's form, and its example runs."""

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import twopoint as tp
import twopoint_models
from support import ROOT

MODELS = [info.name for info in pkgutil.walk_packages(twopoint_models.__path__, "twopoint_models.")]
CORE = [info.name for info in pkgutil.walk_packages(tp.__path__, "twopoint.") if not info.name.startswith("twopoint.cli")]
MODULES = [name for name in CORE if name != "twopoint.__main__"] + MODELS
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


def documented() -> set[str]:
    """The dotted names that the documentation's directives take up; of an automodule with members all of its names."""
    found = set()
    for page in (ROOT / "docs").glob("*.md"):
        current = ""
        for line in page.read_text().splitlines():
            if at := re.match(r"\s*\.\. currentmodule:: (\S+)", line):
                current = at[1]
            elif at := re.match(r"\s*\.\. (?:auto(?:function|class|exception)|py:data):: (\S+)", line):
                found.add(at[1] if at[1].startswith("twopoint") else f"{current}.{at[1]}")
            elif at := re.match(r"\s*\.\. automodule:: (\S+)", line):
                found |= {f"{at[1]}.{name}" for name in importlib.import_module(at[1]).__all__}
    return found


PACKAGES = ["twopoint", "twopoint.synthetic", "twopoint.backend"]
PACKAGES += [f"twopoint.adapters.{name}" for name in ("accumulate", "dask_statistics", "sklearn_transformer", "torch_losses")]
PACKAGES += [info.name for info in pkgutil.iter_modules(twopoint_models.__path__, "twopoint_models.") if info.ispkg]
PACKAGES += ["twopoint_models.data.modules", "twopoint_models.cess_vae.on_jax"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_stands_in_the_documentation(package):
    names = getattr(importlib.import_module(package), "__all__", ())
    assert sorted({f"{package}.{name}" for name in names} - documented()) == []


@pytest.mark.parametrize("package", [name for name in PACKAGES if name.startswith("twopoint_models")])
def test_public_names_of_models_say_what_they_are(package):
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", ()):
        if callable(found := getattr(module, name)):
            text = inspect.getdoc(found) or ""
            assert len(text) > 20, f"{package}.{name} says nothing"
            if inspect.isfunction(found):
                for parameter in inspect.signature(found).parameters:
                    assert parameter in text, f"{package}.{name} does not speak of {parameter}"
