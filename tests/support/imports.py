"""Import statements of source files, read off their syntax trees, and where an imported name is defined."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from support import ROOT

SRC = ROOT / "src"


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


def defining(tree: Tree, found: Import) -> str | None:
    """Return the module of the tree that an import is of: of a name from a package's face, the module that defines it."""
    if found.path in tree:
        return found.path
    module = tree.get(found.source)
    if module is None:
        return None
    if module.is_package:
        for face in module.imports():
            if face.name == found.name and face.source != found.source:
                return defining(tree, face)
    return found.source


def modules_used(module: Module, tree: Tree) -> set[str]:
    """Return the modules of the tree whose names a module imports, itself left out."""
    return {at for found in module.imports() if (at := defining(tree, found)) is not None} - {module.name}


def circles(edges: dict[str, Iterable[str]]) -> list[str]:
    """Return the circles of a graph, each as a complaint."""
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
