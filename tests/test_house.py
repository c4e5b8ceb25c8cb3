"""Who may import whom: a walk over the syntax trees of src/, and planted sources that show that each check can fail."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from sys import stdlib_module_names

import pytest

from support import ROOT

pytestmark = pytest.mark.numpy_only
SRC = ROOT / "src"

# Lowest first: a module imports from lower floors, and inside its floor without a circle.
FLOORS = (
    "_namespace _check pairs",
    "phases lags measures",
    "plan lag_transforms",
    "chunks stacking fluctuations",
    "correlation spectrum fields radial",
    "adjoint carried",
    "goals",
    "_torch_gradient _rules backend",
    "statistics problem losses style comparison",
    "loss_adjoints gradient",
    "_lbfgs _noise _increments _exchange _descent _thresholding _request reconstruction",
    "__init__",  # its names are for those above; the core does not reach round through it
    "adapters cli",
    "__main__",
)
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names.split()}

FRAMEWORKS = (
    "twopoint._rules",
    "twopoint._torch_gradient",
    "twopoint.gradient",
    "twopoint.adapters.*",
    "twopoint.cli.doctor",
    "twopoint_models.*",
)
LIGHTNING = ("twopoint_models.training", "twopoint_models.training.*", "twopoint_models.data.modules", "twopoint_models.data.modules.*")
FIGURES = ("twopoint.cli.figures", "twopoint_models.evaluation.figures*")
ONLY_IN = {
    "array_api_compat": ("twopoint._namespace",),
    "torch": FRAMEWORKS,
    "jax": FRAMEWORKS,
    "matplotlib": FIGURES,
    "mpl_toolkits": FIGURES,
    "lightning": LIGHTNING,
    "pytorch_lightning": LIGHTNING,
    "optuna": ("twopoint_models.training.sweep",),
    "pooch": ("twopoint_models.weights",),
    "sqlalchemy": ("twopoint_models.training.sweep",),
    "h5py": (
        "twopoint_models.data.layout",
        "twopoint_models.data.micro2d*",
        "twopoint.cli.files",
        "twopoint.adapters.dask_statistics.reading",
    ),
    "sklearn": ("twopoint_models.manifold.embedding", "twopoint_models.*regression*", "twopoint.adapters.sklearn_transformer.transformer"),
    "torchvision": (),
    "twopoint_models": ("twopoint_models", "twopoint_models.*"),
    **dict.fromkeys(("examples", "benchmarks", "tests", "conftest", "backends", "oracles", "strategies"), ()),
}
IN_NETS = {"torch", "jaxtyping", "safetensors", *stdlib_module_names}
DOORS = {"twopoint.backend", "twopoint.synthetic"}  # besides the names of twopoint itself and the adapters


@dataclass(frozen=True)
class Import:
    """One imported module, or name of a module."""

    source: str  # the module that stands after "import" or "from"
    name: str | None  # what is imported from it
    line: int
    lazy: bool  # inside a function

    @property
    def path(self) -> str:
        """The dotted path of what is imported."""
        return self.source if self.name is None else f"{self.source}.{self.name}"

    @property
    def package(self) -> str:
        """The outermost package."""
        return self.source.split(".")[0]


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str  # dotted, a package by its own name
    tree: ast.Module
    is_package: bool

    @property
    def parent(self) -> str:
        """What one dot means in this file."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def imports(self) -> Iterator[Import]:
        """All import statements, those inside functions marked lazy."""
        yield from self._walk(self.tree, lazy=False)

    def _walk(self, node: ast.AST, *, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, None, child.lineno, lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                source = self._source(child)
                yield from (Import(source, alias.name, child.lineno, lazy) for alias in child.names)
            else:
                yield from self._walk(child, lazy=lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))

    def _source(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        base = self.parent.split(".")
        base = base[: len(base) - node.level + 1]
        return ".".join([*base, node.module] if node.module else base)


Tree = dict[str, Module]


def tree_of(sources: dict[str, str]) -> Tree:
    """Parse sources by their path below src/."""
    modules = {}
    for path, text in sources.items():
        parts = path.removesuffix(".py").split("/")
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = Module(name, ast.parse(text), is_package)
    return modules


@cache
def real_tree() -> Tree:
    return tree_of({path.relative_to(SRC).as_posix(): path.read_text() for path in SRC.rglob("*.py")})


def room(name: str) -> str:
    """The name by which FLOORS knows a module of twopoint: adapters and cli are one room each."""
    return name.split(".")[1] if "." in name else "__init__"


def within(module: Module, tree: Tree) -> Iterator[tuple[str, Import]]:
    """The modules of twopoint that one imports: the submodule where the name is one, else where the name stands."""
    for found in module.imports():
        if found.package == "twopoint":
            is_module = found.path in tree or (found.path.count(".") == 1 and room(found.path) in {*FLOOR, "synthetic"})
            target = found.path if is_module else found.source
            yield target, found


def core(tree: Tree) -> Iterator[Module]:
    return (module for name, module in tree.items() if name.split(".")[0] == "twopoint")


def check_floors(tree: Tree) -> list[str]:
    """Only downward; the one import upward is that of _rules, inside a function."""
    complaints = []
    for module in core(tree):
        own = room(module.name)
        if own == "synthetic":
            continue
        if own not in FLOOR:
            complaints.append(f"{module.name} has no place in FLOORS")
            continue
        for target, found in within(module, tree):
            other = room(target)
            allowed = FLOOR[own] >= FLOOR.get(other, -1) or (found.lazy and other == "_rules")
            if not allowed:
                complaints.append(f"{module.name}:{found.line} imports {target}, from a higher floor")
    return complaints


def check_circles(tree: Tree) -> list[str]:
    """Return the circles inside a floor; an import inside a function closes one too."""
    edges = {module.name: [] for module in core(tree)}
    for module in core(tree):
        for target, _ in within(module, tree):
            if target in tree and target != module.name and FLOOR.get(room(target)) == FLOOR.get(room(module.name)):
                edges[module.name].append(target)
    complaints, done = [], set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            complaints.append("a circle: " + " -> ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for target in edges[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())
    return complaints


def check_synthetic(tree: Tree) -> list[str]:
    """Let synthetic stand apart: it imports nothing of twopoint, and the core does not import it."""
    complaints = []
    for module in core(tree):
        for target, found in within(module, tree):
            if room(module.name) == "synthetic" and room(target) != "synthetic":
                complaints.append(f"{module.name}:{found.line} imports {target}")
            if room(target) == "synthetic" and room(module.name) not in ("__init__", "adapters", "cli", "synthetic"):
                complaints.append(f"{module.name}:{found.line} imports {target}, which stands apart")
    return complaints


def check_packages(tree: Tree) -> list[str]:
    """Some packages are imported in some places only."""
    return [
        f"{module.name}:{found.line} imports {found.path}"
        for module in tree.values()
        for found in module.imports()
        if found.package in ONLY_IN and not any(fnmatchcase(module.name, pattern) for pattern in ONLY_IN[found.package])
    ]


def check_frameworks_wait(tree: Tree) -> list[str]:
    """Outside adapters and _torch_gradient twopoint imports torch and jax inside functions, so that its own import loads neither."""
    return [
        f"{module.name}:{found.line} imports {found.path} when it is imported itself"
        for module in core(tree)
        for found in module.imports()
        if found.package in ("torch", "jax") and not found.lazy and room(module.name) not in ("adapters", "_torch_gradient")
    ]


def check_future(tree: Tree) -> list[str]:
    """Annotations are objects, or jaxtyping cannot check them."""
    return [
        f"{module.name}:{found.line} postpones its annotations"
        for module in tree.values()
        for found in module.imports()
        if found.path == "__future__.annotations"
    ]


def check_excepts(tree: Tree) -> list[str]:
    """No bare except, and nothing that swallows a missing dependency."""
    missing, complaints = {"ImportError", "ModuleNotFoundError"}, []
    for module in tree.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler):
                names = set() if node.type is None else {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
                if node.type is None or names & missing:
                    complaints.append(f"{module.name}:{node.lineno} catches {', '.join(sorted(names)) or 'everything'}")
            elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
                names = {ast.unparse(argument) for argument in node.args}
                if names & missing:
                    complaints.append(f"{module.name}:{node.lineno} suppresses {', '.join(sorted(names))}")
    return complaints


def public_names(tree: Tree) -> set[str]:
    """The names in twopoint's __all__."""
    for node in tree["twopoint"].tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return set(ast.literal_eval(node.value))
    raise AssertionError("twopoint has no __all__")


def is_public(path: str, names: set[str]) -> bool:
    """Whether a dotted path is a public name of twopoint, or lies in one of its public modules."""
    parts = path.split(".")
    if any(part.startswith("_") for part in parts):
        return path == "twopoint.__version__"
    door = path in DOORS or path.rpartition(".")[0] in DOORS or parts[:2] == ["twopoint", "adapters"]
    return path == "twopoint" or door or (len(parts) == 2 and parts[1] in names)


def check_public(tree: Tree) -> list[str]:
    """twopoint_models uses public names of twopoint only."""
    complaints, names = [], public_names(tree)
    for module in tree.values():
        if not module.name.startswith("twopoint_models"):
            continue
        aliases = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                aliases |= {alias.asname or "twopoint" for alias in node.names if alias.name == "twopoint"}
        used = [(found.path, found.line) for found in module.imports() if found.package == "twopoint"]
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
                used.append((f"twopoint.{node.attr}", node.lineno))
        complaints += [f"{module.name}:{line} uses {path}" for path, line in used if not is_public(path, names)]
    return complaints


def check_models(tree: Tree) -> list[str]:
    """Hold the floors of twopoint_models: nets know torch and nets, data no nets, homogenisation no framework, evaluation no training."""
    complaints = []
    for module in tree.values():
        own = module.name.split(".")
        if own[0] != "twopoint_models":
            continue
        place = own[1] if len(own) > 1 else "__init__"
        for found in module.imports():
            other = found.path.split(".")[1] if found.package == "twopoint_models" and "." in found.path else ""
            refused = {
                "__init__": found.package not in {"twopoint", "twopoint_models", *stdlib_module_names} or bool(other),
                "nets": found.package not in IN_NETS and other != "nets",
                "data": other == "nets",
                "homogenisation": found.package in ("torch", "jax"),
                "evaluation": other == "training",
            }
            if refused.get(place, False):
                complaints.append(f"{module.name}:{found.line} imports {found.path}")
    return complaints


CHECKS = (
    check_floors,
    check_circles,
    check_synthetic,
    check_packages,
    check_frameworks_wait,
    check_future,
    check_excepts,
    check_public,
    check_models,
)


def by_name(check: Callable[[Tree], list[str]]) -> str:
    return check.__name__


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_the_house_is_in_order(check):
    assert check(real_tree()) == []


def test_the_walk_sees_the_sources():
    tree = real_tree()
    assert {"twopoint", "twopoint.correlation", "twopoint._rules"} <= set(tree)
    assert "twopoint._check" in {target for target, _ in within(tree["twopoint.correlation"], tree)}
    lazy = {found.path for found in tree["twopoint._rules"].imports() if found.lazy}
    assert {"torch", "jax"} <= lazy


INIT = "__all__ = ['cess']\n"
PLANTED = [
    (check_floors, "twopoint/lags.py", "from .losses import cess", "higher floor"),
    (check_floors, "twopoint/lags.py", "from . import losses", "higher floor"),
    (check_floors, "twopoint/lags.py", "import twopoint.losses", "higher floor"),
    (check_floors, "twopoint/lags.py", "if True:\n    from twopoint.losses import cess", "higher floor"),
    (check_floors, "twopoint/lags.py", "def f():\n    from . import losses", "higher floor"),
    (check_floors, "twopoint/lags.py", "from . import _rules", "higher floor"),
    (check_floors, "twopoint/losses.py", "from . import cess", "higher floor"),
    (check_floors, "twopoint/__init__.py", "from .cli import app", "higher floor"),
    (check_floors, "twopoint/reconstruction.py", "from .adapters.torch_losses import CESS", "higher floor"),
    (check_floors, "twopoint/novel.py", "", "no place in FLOORS"),
    (check_synthetic, "twopoint/synthetic.py", "from . import _check", "imports twopoint._check"),
    (check_synthetic, "twopoint/synthetic.py", "def f():\n    from twopoint import cess", "imports twopoint"),
    (check_synthetic, "twopoint/losses.py", "from .synthetic import circles", "stands apart"),
    (check_packages, "twopoint/lags.py", "import array_api_compat.torch", "imports array_api_compat"),
    (check_packages, "twopoint/losses.py", "def f():\n    import torch", "imports torch"),
    (check_packages, "twopoint/losses.py", "from jax import numpy", "imports jax"),
    (check_packages, "twopoint/cli/app.py", "import torch", "imports torch"),
    (check_packages, "twopoint/cli/app.py", "import matplotlib.pyplot as plt", "imports matplotlib"),
    (
        check_packages,
        "twopoint/losses.py",
        "class A:\n    def f():\n        import twopoint_models.nets",
        "imports twopoint_models",
    ),
    (check_packages, "twopoint/losses.py", "from tests import oracles", "imports tests"),
    (check_packages, "twopoint/losses.py", "import oracles", "imports oracles"),
    (check_packages, "twopoint_models/design.py", "from examples import demo", "imports examples"),
    (check_packages, "twopoint_models/nets/blocks.py", "import pytorch_lightning", "imports pytorch_lightning"),
    (check_packages, "twopoint_models/training/run.py", "import optuna", "imports optuna"),
    (check_packages, "twopoint_models/data/patches.py", "import h5py", "imports h5py"),
    (check_packages, "twopoint_models/design.py", "from sklearn.manifold import MDS", "imports sklearn"),
    (check_packages, "twopoint_models/nets/vgg.py", "import torchvision", "imports torchvision"),
    (check_frameworks_wait, "twopoint/_rules.py", "import torch", "when it is imported"),
    (check_frameworks_wait, "twopoint/gradient.py", "try:\n    from jax import grad\nfinally:\n    pass", "when it is imported"),
    (check_future, "twopoint/lags.py", "from __future__ import annotations", "postpones"),
    (check_future, "twopoint_models/design.py", "from __future__ import annotations", "postpones"),
    (check_excepts, "twopoint/lags.py", "try:\n    pass\nexcept:\n    pass", "everything"),
    (check_excepts, "twopoint/lags.py", "try:\n    pass\nexcept ImportError:\n    pass", "ImportError"),
    (check_excepts, "twopoint/lags.py", "try:\n    pass\nexcept (ValueError, ModuleNotFoundError) as e:\n    pass", "ModuleNotFoundError"),
    (check_excepts, "twopoint/lags.py", "with contextlib.suppress(ImportError):\n    pass", "suppresses"),
    (check_public, "twopoint_models/design.py", "from twopoint import _check", "uses twopoint._check"),
    (check_public, "twopoint_models/design.py", "from twopoint.correlation import correlate", "uses twopoint.correlation"),
    (check_public, "twopoint_models/design.py", "from twopoint import correlation", "uses twopoint.correlation"),
    (check_public, "twopoint_models/design.py", "import twopoint as tp\ntp._check", "uses twopoint._check"),
    (check_models, "twopoint_models/__init__.py", "import torch", "imports torch"),
    (check_models, "twopoint_models/__init__.py", "from . import nets", "imports twopoint_models.nets"),
    (check_models, "twopoint_models/nets/vgg.py", "import numpy", "imports numpy"),
    (check_models, "twopoint_models/nets/vgg.py", "from ..data import micro2d", "imports twopoint_models.data"),
    (check_models, "twopoint_models/data/micro2d.py", "from twopoint_models.nets import vgg", "imports twopoint_models.nets"),
    (check_models, "twopoint_models/homogenisation.py", "def f():\n    import jax", "imports jax"),
    (check_models, "twopoint_models/evaluation/measures.py", "from ..training import run", "imports twopoint_models.training"),
]


@pytest.mark.parametrize(("check", "path", "source", "complaint"), PLANTED)
def test_a_planted_violation_is_found(check, path, source, complaint):
    found = check(tree_of({"twopoint/__init__.py": INIT, path: source}))
    assert len(found) == 1
    assert complaint in found[0]
    assert path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") in found[0]


ROUND = [
    {"phases": "from . import lags", "lags": "from .phases import one_hot"},
    {"losses": "import twopoint.style", "style": "from . import problem", "problem": "def f():\n    from .losses import cess"},
    {"cli/app": "from . import files", "cli/files": "from .app import main"},
]


@pytest.mark.parametrize("sources", ROUND, ids=["two", "three", "cli"])
def test_a_planted_circle_is_found(sources):
    tree = tree_of({f"twopoint/{name}.py": text for name, text in sources.items()})
    assert any("a circle: " in complaint for complaint in check_circles(tree))
    first = f"twopoint.{next(iter(sources)).replace('/', '.')}"
    assert check_circles({name: module for name, module in tree.items() if name != first}) == []


ALLOWED = {
    "twopoint/__init__.py": INIT + "from .losses import cess",
    "twopoint/_namespace.py": "import array_api_compat\ndef f():\n    from . import _rules",
    "twopoint/_rules.py": "from ._namespace import Array\ndef f():\n    import torch, jax",
    "twopoint/phases.py": "from . import _check\nimport numpy as np",
    "twopoint/losses.py": "from .problem import pose\ntry:\n    pass\nexcept ValueError:\n    pass",
    "twopoint/problem.py": "from . import _check, correlation",
    "twopoint/synthetic.py": "import numpy as np",
    "twopoint/adapters/torch_losses/spatial.py": "import torch\nfrom twopoint import cess\nfrom ...losses import msess",
    "twopoint/cli/__init__.py": "",
    "twopoint/cli/app.py": "from . import figures\nfrom .. import synthetic\nfrom .figures import panel",
    "twopoint/cli/figures.py": "import matplotlib.pyplot",
    "twopoint_models/__init__.py": "",
    "twopoint_models/nets/vgg.py": "import math\nfrom torch import nn\nfrom .blocks import A\nfrom twopoint_models.nets import blocks",
    "twopoint_models/nets/blocks.py": "import torch",
    "twopoint_models/data/modules.py": "import pytorch_lightning",
    "twopoint_models/training/tasks.py": "import pytorch_lightning, torch\nfrom twopoint import cess\nfrom ..nets import vgg",
    "twopoint_models/homogenisation.py": "import twopoint as tp\nfrom twopoint.backend import namespace\ntp.cess",
    "twopoint_models/evaluation/figures.py": "import matplotlib\nimport twopoint.synthetic",
}


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_what_is_allowed_passes(check):
    assert check(tree_of(ALLOWED)) == []
