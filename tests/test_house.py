"""Who may import whom: a walk over the syntax trees of src/, and planted sources that show that each check can fail."""

import ast
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from sys import stdlib_module_names

import pytest

from support.imports import Import, Module, Tree, circles, modules_used, real_tree, tree_of

pytestmark = pytest.mark.numpy_only

# Lowest first: a room imports from lower rooms, and its files from each other without a circle. Where a room may know fewer rooms than
# those below it, ONLY_KNOWS lists them.
ROOMS = ("arrays", "statistics", "descriptors", "losses", "reconstruction", "backend synthetic", "__init__", "adapters cli", "__main__")
HEIGHT = {name: height for height, names in enumerate(ROOMS) for name in names.split()}
ONLY_KNOWS = {"backend": {"arrays"}, "synthetic": {"arrays"}, "__main__": {"cli"}}
MOST_ROOMS, MOST_LINES, MOST_BODY = 12, 400, 40

MAY_NAME_FRAMEWORKS = (
    "twopoint.arrays.frameworks",
    "twopoint.arrays.torch_function",
    "twopoint.losses.gradient",
    "twopoint.adapters.*",
    "twopoint.cli.doctor",
    "twopoint_models.*",
)
# Inside the command line, lowest first; what it has beside these is for all of it.
IN_CLI = (
    "options terminal memory surface",
    "reading",
    "measures directions descriptors",
    "saved_statistics known_answers",
    "showing",
    "analysis",
    "many",
    "COMMANDS",
    "commands",
    "app",
)
CLI_HEIGHT = {name: height for height, names in enumerate(IN_CLI) for name in names.split()}
WITHOUT_BRANCHES = ("statistics", "descriptors", "losses", "reconstruction", "synthetic")  # but losses.gradient
PREDICATES = {"is_numpy", "is_torch", "is_jax"}
LIGHTNING = ("twopoint_models.training", "twopoint_models.training.*", "twopoint_models.data.modules.*", "twopoint_models.*_vae.train")
FIGURES = ("twopoint.cli.showing.figures", "twopoint.cli.showing.dendrograms", "twopoint.cli.showing.vector", "twopoint_models.*.figures")
FIGURES += ("twopoint_models.evaluation.fields", "twopoint_models.evaluation.histograms")
FIGURES += ("twopoint_models.manifold.pictures", "twopoint_models.manifold.reports")
SWEEPS = ("twopoint_models.*.sweep",)
ONLY_IN = {
    "array_api_compat": ("twopoint.arrays.frameworks", "twopoint.arrays.namespace"),
    "torch": MAY_NAME_FRAMEWORKS,
    "jax": MAY_NAME_FRAMEWORKS,
    "matplotlib": FIGURES,
    "mpl_toolkits": FIGURES,
    "lightning": LIGHTNING,
    "pytorch_lightning": LIGHTNING,
    "optuna": SWEEPS,
    "pooch": ("twopoint_models.weights",),
    "sqlalchemy": SWEEPS,
    "h5py": (
        "twopoint.arrays.stored",
        "twopoint_models.data.layout",
        "twopoint_models.data.micro2d*",
        "twopoint.cli.reading.formats",
        "twopoint.adapters.dask_statistics.reading",
    ),
    "sklearn": ("twopoint_models.manifold.embedding", "twopoint_models.*regression*", "twopoint.adapters.sklearn_transformer.transformer"),
    "torchvision": (),
    "twopoint_models": ("twopoint_models", "twopoint_models.*", "twopoint.cli.commands"),  # the commands twopoint model
    **dict.fromkeys(("examples", "benchmarks", "tests", "conftest", "backends", "oracles", "strategies"), ()),
}
IN_NETS = {"torch", "jaxtyping", "safetensors", *stdlib_module_names}
COMMAND_LINE = ("twopoint_models.cli", "twopoint_models.cli.*", "twopoint_models.images")  # use that of twopoint too
DOORS = {"twopoint.backend", "twopoint.synthetic"}  # besides the names of twopoint itself and the adapters


def room(name: str) -> str:
    """The room of a module of twopoint, by the name that ROOMS has for it."""
    return name.split(".")[1] if "." in name else "__init__"


def within(module: Module, tree: Tree) -> Iterator[tuple[str, Import]]:
    """The modules of twopoint that one imports: the submodule where the name is one, else where the name stands."""
    for found in module.imports():
        if found.package == "twopoint":
            is_module = found.path in tree or (found.path.count(".") == 1 and room(found.path) in HEIGHT)
            target = found.path if is_module else found.source
            yield target, found


def core(tree: Tree) -> Iterator[Module]:
    return (module for name, module in tree.items() if name.split(".")[0] == "twopoint")


def check_rooms(tree: Tree) -> list[str]:
    """Only downward, lazily too."""
    complaints = []
    for module in core(tree):
        own = room(module.name)
        if own not in HEIGHT:
            complaints.append(f"{module.name} has no place in ROOMS")
            continue
        for target, found in within(module, tree):
            other = room(target)
            known = other == own or other in ONLY_KNOWS.get(own, {other})
            if HEIGHT.get(other, -1) > HEIGHT[own] or not known or (other != own and HEIGHT.get(other) == HEIGHT[own]):
                complaints.append(f"{module.name}:{found.line} imports {target}, which is no room below it")
    return complaints


def check_synthetic(tree: Tree) -> list[str]:
    """The statistics and losses do not know the synthetic microstructures that they are tried on."""
    return [
        f"{module.name}:{found.line} imports {target}, which stands apart"
        for module in core(tree)
        for target, found in within(module, tree)
        if room(target) == "synthetic" and room(module.name) not in ("adapters", "cli", "synthetic")
    ]


def check_circles(tree: Tree) -> list[str]:
    """No circle anywhere in either package; an import inside a function closes one too."""
    return circles({name: sorted(modules_used(module, tree)) for name, module in tree.items()})


def check_cli(tree: Tree) -> list[str]:
    """Inside the command line: what reads, what measures, what shows, and one file a command above them."""

    def height(name: str) -> int:
        part = name.split(".")[2] if name.count(".") > 1 else "terminal"
        return CLI_HEIGHT.get(part, CLI_HEIGHT["COMMANDS"])

    return [
        f"{module.name}:{found.line} imports {target}, which is above it in the command line"
        for module in core(tree)
        for target, found in within(module, tree)
        if room(module.name) == room(target) == "cli" and height(target) > height(module.name)
    ]


def check_branches(tree: Tree) -> list[str]:
    """Statistics and losses do not ask which library an array is of: frameworks answers what they need to know."""
    return [
        f"{module.name}:{found.line} asks {found.name}"
        for module in core(tree)
        for found in module.imports()
        if room(module.name) in WITHOUT_BRANCHES and found.name in PREDICATES and module.name != "twopoint.losses.gradient"
    ]


def check_names(tree: Tree) -> list[str]:
    """File names carry no underscore in front, rooms are few, and no two classes have one name."""
    last = {module.name: module.name.split(".")[-1] for module in core(tree)}
    complaints = [f"{name} begins with an underscore" for name, own in last.items() if own.startswith("_") and own != "__main__"]
    rooms = {room(module.name) for module in core(tree)}
    complaints += [f"twopoint has {len(rooms)} rooms, more than {MOST_ROOMS}"] if len(rooms) > MOST_ROOMS else []
    seen: dict[str, str] = {}
    for module in core(tree):
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                if node.name in seen:
                    complaints.append(f"{module.name} has a class {node.name}, and so has {seen[node.name]}")
                seen[node.name] = module.name
    return complaints


def check_sizes(tree: Tree) -> list[str]:
    """A file has one subject and a body fits the eye."""
    complaints = []
    for module in core(tree):
        lines = max((node.end_lineno or 0 for node in module.tree.body), default=0)
        complaints += [f"{module.name} has {lines} lines"] if lines > MOST_LINES else []
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                complaints += [f"{module.name}:{node.lineno} {node.name} has a body of {length} lines"] if length > MOST_BODY else []
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
    """Outside of adapters and torch_function twopoint imports torch and jax inside functions, so that its own import loads neither."""
    return [
        f"{module.name}:{found.line} imports {found.path} when it is imported itself"
        for module in core(tree)
        for found in module.imports()
        if found.package in ("torch", "jax")
        and not found.lazy
        and room(module.name) != "adapters"
        and module.name != "twopoint.arrays.torch_function"
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
        own = any(fnmatchcase(module.name, pattern) for pattern in COMMAND_LINE)
        used = [(path, line) for path, line in used if not (own and path.startswith("twopoint.cli."))]
        complaints += [f"{module.name}:{line} uses {path}" for path, line in used if not is_public(path, names)]
    return complaints


def check_models(tree: Tree) -> list[str]:
    """Hold the layers of twopoint_models: nets know torch and nets, data no nets, homogenisation no framework, evaluation no training."""
    complaints = []
    for module in tree.values():
        own = module.name.split(".")
        if own[0] != "twopoint_models":
            continue
        place = own[1] if len(own) > 1 else "__init__"
        for found in module.imports():
            other = found.path.split(".")[1] if found.package == "twopoint_models" and "." in found.path else ""
            refused = {
                "__init__": found.package not in {"twopoint", "twopoint_models", *stdlib_module_names}
                or other not in ("", "images", "lazy", "pretrained"),
                "nets": found.package not in IN_NETS and other not in ("nets", "lazy"),
                "data": other == "nets",
                "homogenisation": found.package in ("torch", "jax"),
                "evaluation": other == "training",
            }
            if refused.get(place, False):
                complaints.append(f"{module.name}:{found.line} imports {found.path}")
    return complaints


CHECKS = (
    check_rooms,
    check_synthetic,
    check_circles,
    check_cli,
    check_branches,
    check_names,
    check_sizes,
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
    assert {"twopoint", "twopoint.statistics.correlation", "twopoint.arrays.frameworks"} <= set(tree)
    assert "twopoint.arrays.checks" in {target for target, _ in within(tree["twopoint.statistics.plan"], tree)}
    lazy = {found.path for found in tree["twopoint.arrays.frameworks"].imports() if found.lazy}
    assert {"torch", "jax", "twopoint.arrays.torch_function"} <= lazy


INIT = "__all__ = ['cess']\n"
PLANTED = [
    (check_rooms, "twopoint/statistics/lags.py", "from ..losses.spatial import cess", "no room below"),
    (check_rooms, "twopoint/statistics/lags.py", "from .. import losses", "no room below"),
    (check_rooms, "twopoint/statistics/lags.py", "import twopoint.losses", "no room below"),
    (check_rooms, "twopoint/statistics/lags.py", "if True:\n    from twopoint.losses import cess", "no room below"),
    (check_rooms, "twopoint/statistics/lags.py", "def f():\n    from .. import losses", "no room below"),
    (check_rooms, "twopoint/arrays/frameworks.py", "def f():\n    from ..statistics import lags", "no room below"),
    (check_rooms, "twopoint/losses/spatial.py", "from .. import cess", "no room below"),
    (check_rooms, "twopoint/__init__.py", "from .cli import app", "no room below"),
    (check_rooms, "twopoint/reconstruction/descent.py", "from ..adapters.torch_losses import CESS", "no room below"),
    (check_rooms, "twopoint/cli/app.py", "from ..adapters.torch_losses import CESS", "no room below"),
    (check_rooms, "twopoint/backend.py", "from .statistics import lags", "no room below"),
    (check_rooms, "twopoint/synthetic/boxes.py", "def f():\n    from twopoint.statistics import lags", "no room below"),
    (check_rooms, "twopoint/novel.py", "", "no place in ROOMS"),
    (check_synthetic, "twopoint/losses/spatial.py", "from ..synthetic import circles", "stands apart"),
    (check_cli, "twopoint/cli/reading/load.py", "from ..showing import tables", "above it in the command line"),
    (check_cli, "twopoint/cli/measures.py", "def f():\n    from .stats import run", "above it in the command line"),
    (check_branches, "twopoint/statistics/chunks.py", "from ..arrays.frameworks import is_jax", "asks is_jax"),
    (check_branches, "twopoint/losses/spatial.py", "def f():\n    from twopoint.arrays.frameworks import is_torch", "asks is_torch"),
    (check_names, "twopoint/statistics/_hidden.py", "", "begins with an underscore"),
    (check_names, "twopoint/statistics/plan.py", "class A:\n    pass\n\n\nclass A:\n    pass", "has a class A"),
    (check_sizes, "twopoint/statistics/plan.py", "\n" * 400 + "x = 1", "has 401 lines"),
    (check_sizes, "twopoint/statistics/plan.py", "def f():\n    " + "x = 1\n    " * 41, "body of 41 lines"),
    (check_packages, "twopoint/statistics/lags.py", "import array_api_compat.torch", "imports array_api_compat"),
    (check_packages, "twopoint/losses/spatial.py", "def f():\n    import torch", "imports torch"),
    (check_packages, "twopoint/losses/spatial.py", "from jax import numpy", "imports jax"),
    (check_packages, "twopoint/cli/app.py", "import torch", "imports torch"),
    (check_packages, "twopoint/cli/app.py", "import matplotlib.pyplot as plt", "imports matplotlib"),
    (
        check_packages,
        "twopoint/losses/spatial.py",
        "class A:\n    def f():\n        import twopoint_models.nets",
        "imports twopoint_models",
    ),
    (check_packages, "twopoint/losses/spatial.py", "from tests import oracles", "imports tests"),
    (check_packages, "twopoint/losses/spatial.py", "import oracles", "imports oracles"),
    (check_packages, "twopoint_models/design.py", "from examples import demo", "imports examples"),
    (check_packages, "twopoint_models/nets/blocks.py", "import pytorch_lightning", "imports pytorch_lightning"),
    (check_packages, "twopoint_models/training/run.py", "import optuna", "imports optuna"),
    (check_packages, "twopoint_models/cess_vae/sweep.py", "def f():\n    import pytorch_lightning", "imports pytorch_lightning"),
    (check_packages, "twopoint_models/cess_vae/tables.py", "import matplotlib", "imports matplotlib"),
    (check_packages, "twopoint_models/data/patches.py", "import h5py", "imports h5py"),
    (check_packages, "twopoint_models/design.py", "from sklearn.manifold import MDS", "imports sklearn"),
    (check_packages, "twopoint_models/nets/vgg.py", "import torchvision", "imports torchvision"),
    (check_frameworks_wait, "twopoint/arrays/frameworks.py", "import torch", "when it is imported"),
    (check_frameworks_wait, "twopoint/losses/gradient.py", "try:\n    from jax import grad\nfinally:\n    pass", "when it is imported"),
    (check_future, "twopoint/statistics/lags.py", "from __future__ import annotations", "postpones"),
    (check_future, "twopoint_models/design.py", "from __future__ import annotations", "postpones"),
    (check_excepts, "twopoint/statistics/lags.py", "try:\n    pass\nexcept:\n    pass", "everything"),
    (check_excepts, "twopoint/statistics/lags.py", "try:\n    pass\nexcept ImportError:\n    pass", "ImportError"),
    (
        check_excepts,
        "twopoint/statistics/lags.py",
        "try:\n    pass\nexcept (ValueError, ModuleNotFoundError) as e:\n    pass",
        "ModuleNotFoundError",
    ),
    (check_excepts, "twopoint/statistics/lags.py", "with contextlib.suppress(ImportError):\n    pass", "suppresses"),
    (check_public, "twopoint_models/design.py", "from twopoint.arrays import checks", "uses twopoint.arrays.checks"),
    (
        check_public,
        "twopoint_models/design.py",
        "from twopoint.statistics.correlation import correlate",
        "uses twopoint.statistics.correlation",
    ),
    (check_public, "twopoint_models/design.py", "from twopoint.cli.terminal import say", "uses twopoint.cli.terminal"),
    (check_public, "twopoint_models/cli/app.py", "from twopoint.losses import spatial", "uses twopoint.losses"),
    (check_public, "twopoint_models/design.py", "from twopoint import statistics", "uses twopoint.statistics"),
    (check_public, "twopoint_models/design.py", "import twopoint as tp\ntp.arrays", "uses twopoint.arrays"),
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
    {"statistics/phases": "from . import lags", "statistics/lags": "from .phases import one_hot"},
    {
        "losses/spatial": "import twopoint.losses.style",
        "losses/style": "from . import prepare",
        "losses/prepare": "def f():\n    from .spatial import cess",
    },
    {"cli/stats": "from .reading import load", "cli/reading/load": "from ..stats import run"},
    {"losses/spatial": "from . import cess", "losses/__init__": "from .style import cess", "losses/style": "from .spatial import cess"},
]


@pytest.mark.parametrize("sources", ROUND, ids=["two", "three", "cli", "through a face"])
def test_a_planted_circle_is_found(sources):
    tree = tree_of({f"twopoint/{name}.py": text for name, text in sources.items()})
    assert any("a circle: " in complaint for complaint in check_circles(tree))
    first = f"twopoint.{next(iter(sources)).replace('/', '.')}"
    assert check_circles({name: module for name, module in tree.items() if name != first}) == []


ALLOWED = {
    "twopoint/__init__.py": INIT + "from .losses import cess",
    "twopoint/arrays/frameworks.py": "import array_api_compat\ndef f():\n    import torch, jax\n    from . import torch_function",
    "twopoint/arrays/torch_function.py": "import torch",
    "twopoint/arrays/namespace.py": "from .frameworks import is_jax",
    "twopoint/backend.py": "from .arrays import frameworks",
    "twopoint/statistics/phases.py": "from ..arrays import namespace\nimport numpy as np",
    "twopoint/losses/__init__.py": "from .spatial import cess",
    "twopoint/losses/spatial.py": "from .prepare import prepare\ntry:\n    pass\nexcept ValueError:\n    pass",
    "twopoint/losses/prepare.py": "from ..statistics import phases",
    "twopoint/losses/gradient.py": "from ..arrays.frameworks import is_torch\ndef f():\n    import torch",
    "twopoint/synthetic/boxes.py": "import numpy as np\nfrom ..arrays import namespace",
    "twopoint/adapters/torch_losses/spatial.py": "import torch\nfrom twopoint import cess\nfrom ...losses import msess",
    "twopoint/cli/__init__.py": "",
    "twopoint/cli/app.py": "from .showing import figures\nfrom .. import synthetic\nfrom .showing.figures import panel",
    "twopoint/cli/showing/figures.py": "import matplotlib.pyplot",
    "twopoint_models/__init__.py": "",
    "twopoint_models/nets/vgg.py": "import math\nfrom torch import nn\nfrom .blocks import A\nfrom twopoint_models.nets import blocks",
    "twopoint_models/nets/blocks.py": "import torch",
    "twopoint_models/data/modules/parts.py": "import pytorch_lightning",
    "twopoint_models/cess_vae/train.py": "import pytorch_lightning as pl\nfrom ..training import tasks",
    "twopoint_models/cess_vae/sweep.py": "import optuna",
    "twopoint_models/manifold/figures.py": "from matplotlib.figure import Figure",
    "twopoint_models/training/tasks.py": "import pytorch_lightning, torch\nfrom twopoint import cess\nfrom ..nets import vgg",
    "twopoint_models/homogenisation.py": "import twopoint as tp\nfrom twopoint.backend import namespace\ntp.cess",
    "twopoint_models/evaluation/figures.py": "import matplotlib\nimport twopoint.synthetic",
}


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_what_is_allowed_passes(check):
    assert check(tree_of(ALLOWED)) == []
