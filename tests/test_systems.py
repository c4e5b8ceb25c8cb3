"""Who uses what in twopoint_models: what one system alone uses lives in its folder; and planted sources show that each check can fail."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from support import ROOT
from support.imports import Module, Tree, circles, defining, modules_used, real_tree, tree_of

pytestmark = pytest.mark.numpy_only
MODELS = "twopoint_models"
SYSTEMS = ("cess_vae", "statistics_vae", "texture_vae", "manifold", "design")
LAYERS = ("data", "evaluation", "homogenisation", "nets", "training")
MAY_IMPORT = {"design": {"cess_vae"}, "cli": {*SYSTEMS}}  # a design is a latent of the CESS VAE; commands are above all
MOST_FILES, MOST_LINES, MOST_BODY = 14, 400, 40
HEAVY = ("torch", "pytorch_lightning", "jax", "matplotlib", "sklearn", "optuna", "pandas", "h5py", "pooch")

# Each example is of a system, or of none: then it counts as one more user of what it imports.
EXAMPLES = {
    "train_cess_vae": "cess_vae",
    "evaluate_cess_vae": "cess_vae",
    "sample_cess_vae": "",  # of a published network too, by the loader that is no system's
    "compare_cess_regimes": "cess_vae",
    "sweep_divergence": "cess_vae",
    "finetune_cess_vae": "cess_vae",
    "ablate_cess_vae": "cess_vae",
    "train_jax_vae": "cess_vae",
    "train_statistics_vae": "statistics_vae",
    "evaluate_statistics_vae": "statistics_vae",
    "train_texture_vae": "texture_vae",
    "evaluate_texture_vae": "texture_vae",
    "predict_from_textures": "texture_vae",
    "predict_samples": "texture_vae",
    "manifold": "manifold",
    "embed_micrographs": "manifold",
    "synthesise_texture": "manifold",
    "design": "design",
    "compare_designs": "design",
    "compare_property_features": "design",
    "predict_properties": "design",
    "classify_micro2d": "",
    "gallery_micro2d": "",
    "homogenise": "",
    "homogenise_field": "",
    "homogenise_micro2d": "",
    "make_dataset": "",
    "recognise_reconstructions": "",  # two: the networks of one, texture vectors of the other
    "reconstruct_circles": "",
    "reconstruct_descriptors": "",
    "reconstruct_micrographs": "",
}

# Modules of a layer that one system alone uses so far, and why they stay.
REASONS = {
    "data.modules.micro2d": "the public way to train a network of one's own on MICRO2D's files (docs/data.md), beside the reader",
    "evaluation.similarity": "DISTS and STSIM-2 compare any two textures; docs/manifold.md takes them for syntheses",
    "evaluation.pyramid": "the subbands of STSIM-2, public beside it",
}

# Files beside the layers, and why they have no room in one.
BESIDE = {
    "arrays": "the networks of all systems take arrays of the user's by it",
    "cli": "the commands are above all systems",
    "checks": "all layers and systems refuse arguments with it",
    "images": "files, folders, arrays and datasets of the user's, for all networks; it reads as the command line of twopoint",
    "lazy": "every package's face uses it",
    "pretrained": "it holds the networks of all systems, and loads each by its name",
    "processes": "generators, homogenisation and training start their processes with it",
    "properties": "it joins two layers, data and homogenisation, of which neither imports the other",
    "weights": "who only fetches weights loads no torch, which importing nets.vgg does",
}


@cache
def examples() -> Tree:
    return {path.stem: Module(path.stem, ast.parse(path.read_text()), False) for path in (ROOT / "examples").glob("*.py")}


def models(tree: Tree) -> Iterator[Module]:
    return (module for name, module in tree.items() if name.split(".")[0] == MODELS)


def place(name: str) -> str:
    """The folder of a module of twopoint_models, or the name of one that lies beside the layers."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == MODELS else ""


def users(tree: Tree, scripts: Tree) -> dict[str, set[str]]:
    """Return by module of a layer, or beside the layers, the systems and the other examples that use it, directly or through layers."""
    edges = {module.name: modules_used(module, tree) for module in models(tree) if not module.is_package}  # a face is no user of its names
    found: dict[str, set[str]] = {name: set() for name in edges if place(name) not in (*SYSTEMS, "cli")}
    starts = [(place(name), used) for name, used in edges.items() if place(name) in (*SYSTEMS, "cli")]
    starts += [(EXAMPLES.get(script.name) or f"examples/{script.name}.py", modules_used(script, tree)) for script in scripts.values()]
    for user, used in starts:
        waiting = [name for name in used if name in found]
        while waiting:
            name = waiting.pop()
            if user not in found[name]:
                found[name].add(user)
                waiting += [each for each in edges[name] if each in found]
    return found


def check_alone(tree: Tree, scripts: Tree) -> list[str]:
    """No module of a layer is used by one system alone without a reason, and no reason is out of date."""
    complaints = []
    for name, found in users(tree, scripts).items():
        own, alone = name.removeprefix(f"{MODELS}."), len(found) == 1 and found <= set(SYSTEMS)
        if alone and own not in REASONS:
            complaints.append(f"{name} is used by {min(found)} alone: move it there, or give the reason")
        if own in REASONS and not alone:
            complaints.append(f"{name} has a reason in REASONS, and is used by {', '.join(sorted(found)) or 'nobody'}")
    return complaints


def check_apart(tree: Tree, scripts: Tree) -> list[str]:
    """A system imports no other one, and nothing outside of the systems imports one."""
    complaints = []
    for module in models(tree):
        own = place(module.name)
        for found in module.imports():
            other = place(defining(tree, found) or found.path)
            allowed = other not in SYSTEMS or other == own or other in MAY_IMPORT.get(own, ())
            if not allowed:
                complaints.append(f"{module.name}:{found.line} imports {found.path}, of the system {other}")
    return complaints


def check_circles(tree: Tree, scripts: Tree) -> list[str]:
    """No module imports itself through others, also not inside a function or for its types alone."""
    names = {module.name for module in models(tree)}
    return circles({name: sorted(modules_used(tree[name], tree) & names) for name in sorted(names)})


def check_counts(tree: Tree, scripts: Tree) -> list[str]:
    """A folder of a system has few enough files to be read, those of folders within counted apart, and so has evaluation."""
    files = [m.name for m in models(tree) if place(m.name) in (*SYSTEMS, "evaluation", "cli")]
    folders = {name.rpartition(".")[0] for name in files} - {MODELS}
    counts = Counter(name if name in folders else name.rpartition(".")[0] for name in files)  # an __init__ in its own folder
    return [f"{folder} has {count} files, more than {MOST_FILES}" for folder, count in counts.items() if count > MOST_FILES]


def check_places(tree: Tree, scripts: Tree) -> list[str]:
    """A module lies in a system or a layer, or beside the layers with its reason; no file's name begins with an underscore."""
    complaints = []
    for module in models(tree):
        if place(module.name) not in ("", *SYSTEMS, *LAYERS, *BESIDE):
            complaints.append(f"{module.name} lies in no system and no layer, and BESIDE has no reason for it")
        if module.name.rpartition(".")[2].startswith("_"):
            complaints.append(f"{module.name} begins with an underscore; the package's __init__ says what is public")
    return complaints


def check_lengths(tree: Tree, scripts: Tree) -> list[str]:
    """A file has 400 lines at most, and a function's body 40."""
    complaints = []
    for module in models(tree):
        if module.tree.body and module.tree.body[-1].end_lineno > MOST_LINES:
            complaints.append(f"{module.name} has {module.tree.body[-1].end_lineno} lines, more than {MOST_LINES}")
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[ast.get_docstring(node) is not None :]
                if body and body[-1].end_lineno - body[0].lineno >= MOST_BODY:
                    complaints.append(f"{module.name}:{node.lineno} {node.name} has a body of more than {MOST_BODY} lines")
    return complaints


def check_faces(tree: Tree, scripts: Tree) -> list[str]:
    """A face's three lists of names agree, and none of its names is that of a module beside it, which an import would put in its place."""
    complaints = []
    for module in models(tree):
        listed = {"__all__": None, "lazily": None}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                listed["__all__"] = set(ast.literal_eval(node.value))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "lazily":
                listed["lazily"] = {name for names in ast.literal_eval(node.args[1]).values() for name in names.split()}
        if not module.is_package or listed["__all__"] is None:
            continue
        typed = {found.name for found in module.imports() if found.package == MODELS and found.name != "lazily"}
        if typed != listed["__all__"] or listed["lazily"] not in (None, typed):
            complaints.append(f"{module.name} lists different names in its imports, in __all__ and for lazily")
        if clash := sorted(name for name in listed["__all__"] if f"{module.name}.{name}" in tree):
            complaints.append(f"{module.name} has a public name {clash[0]} and a module of that name")
    return complaints


Check = Callable[[Tree, Tree], list[str]]
CHECKS = (check_alone, check_apart, check_circles, check_counts, check_places, check_lengths, check_faces)


def by_name(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_the_systems_are_in_order(check):
    assert check(real_tree(), examples()) == []


def test_every_example_is_of_a_system_or_of_none():
    assert set(EXAMPLES) == set(examples())
    assert {*EXAMPLES.values()} - {""} == set(SYSTEMS)


def test_the_walk_sees_who_uses_what():
    found = users(real_tree(), examples())
    assert {"cess_vae", "manifold", "texture_vae"} <= found[f"{MODELS}.nets.vgg"]
    assert "examples/make_dataset.py" in found[f"{MODELS}.data.generators.classes"]  # by a name of the face of data
    assert {"statistics_vae", "texture_vae"} <= found[f"{MODELS}.data.generators.cast_iron.nodules"]  # through layers


def test_importing_the_packages_loads_nothing_heavy():
    packages = sorted(module.name for module in models(real_tree()) if module.is_package)
    script = f"import sys, {', '.join(packages)}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


SHARED = {
    "twopoint_models/__init__.py": "",
    "twopoint_models/lazy.py": "def lazily(package, homes): ...",
    "twopoint_models/nets/__init__.py": "from .vgg import VGG\n__all__ = ['VGG']",
    "twopoint_models/nets/vgg.py": "from . import blocks",
    "twopoint_models/nets/blocks.py": "",
    "twopoint_models/cess_vae/__init__.py": "",
    "twopoint_models/cess_vae/losses.py": "def f():\n    from ..nets import VGG",
    "twopoint_models/manifold/__init__.py": "",
    "twopoint_models/manifold/spectra.py": "from twopoint_models.nets.vgg import VGG",
    "twopoint_models/design/__init__.py": "if TYPE_CHECKING:\n    from .search import design\n__all__ = ['design']\n"
    "__getattr__, __dir__ = lazily(__name__, {'.search': 'design'})",
    "twopoint_models/design/search.py": "from ..cess_vae.losses import f\ndesign = f",
}

# what is planted, in which file, and the complaint; a path below examples/ is an example
PLANTED: list[tuple[Check, dict[str, str], str]] = [
    (check_alone, {"manifold/spectra.py": ""}, "nets.vgg is used by cess_vae alone"),
    (check_alone, {"manifold/spectra.py": ""}, "nets.blocks is used by cess_vae alone"),
    (check_alone, {"training/pictures.py": "", "texture_vae/train.py": "from ..training.pictures import x"}, "used by texture_vae alone"),
    (
        check_alone,
        {"evaluation/chart.py": "", "examples/design.py": "from twopoint_models.evaluation.chart import x"},
        "used by design alone",
    ),
    (check_alone, {"evaluation/similarity.py": ""}, "evaluation.similarity has a reason in REASONS, and is used by nobody"),
    (check_apart, {"manifold/spectra.py": "from ..cess_vae.losses import f"}, "manifold.spectra:1 imports"),
    (check_apart, {"cess_vae/losses.py": "def g():\n    import twopoint_models.manifold.spectra"}, "of the system manifold"),
    (check_apart, {"cess_vae/losses.py": "from ..design import design"}, "of the system design"),
    (check_apart, {"nets/vgg.py": "from ..manifold import spectra"}, "of the system manifold"),
    (check_apart, {"weights.py": "from .manifold.spectra import VGG"}, "of the system manifold"),
    (check_circles, {"nets/blocks.py": "def f():\n    from .vgg import VGG"}, "a circle: "),
    (check_circles, {"nets/blocks.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import VGG"}, "a circle: "),
    (check_counts, {f"manifold/a{i}.py": "" for i in range(13)}, "manifold has 15 files"),
    (check_counts, {f"evaluation/a{i}.py": "" for i in range(15)}, "evaluation has 15 files"),
    (check_places, {"fourth_vae.py": ""}, "fourth_vae lies in no system"),
    (check_places, {"nets/_private.py": ""}, "begins with an underscore"),
    (check_lengths, {"nets/blocks.py": "x = 1\n" * 401}, "401 lines"),
    (check_lengths, {"nets/blocks.py": "def f():\n" + "    x = 1\n" * 41}, "body of more than 40"),
    (check_faces, {"nets/vgg.py": "", "nets/__init__.py": "from .vgg import VGG\n__all__ = ['VGG', 'VGG16']"}, "lists different names"),
    (check_faces, {"cess_vae/__init__.py": "from .losses import losses\n__all__ = ['losses']"}, "a module of that name"),
]


def planted(sources: dict[str, str]) -> tuple[Tree, Tree]:
    """Return the shared sources with others planted among them, and the examples among these."""
    scripts = {path.removeprefix("examples/"): text for path, text in sources.items() if path.startswith("examples/")}
    own = {f"{MODELS}/{path}": text for path, text in sources.items() if not path.startswith("examples/")}
    return tree_of(SHARED | own), tree_of(scripts)


@pytest.mark.parametrize(("check", "sources", "complaint"), PLANTED)
def test_a_planted_violation_is_found(check, sources, complaint):
    assert any(complaint in each for each in check(*planted(sources)))


ALLOWED = {
    "manifold/tasks.py": "from ..nets.vgg import VGG",
    "cess_vae/on_jax/__init__.py": "",
    **{f"cess_vae/on_jax/a{i}.py": "" for i in range(13)},  # apart, and not too many
    "weights.py": "def vgg():\n    from .nets import VGG",
    "evaluation/gallery.py": "",
    "examples/make_dataset.py": "from twopoint_models.evaluation import gallery",  # of no system
}


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_what_is_allowed_passes(check):
    assert check(*planted(ALLOWED)) == []
