"""Draw the packages and who imports whom, from the import statements of the source.

    python docs/architecture.py [--check]

Writes docs/images/architecture_twopoint.svg and docs/images/architecture_models.svg. An arrow that follows from two others is left out.
With --check nothing is written, and a drawing that differs is named (status 1).
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # how the tests read imports

from support.imports import modules_used, real_tree

DOCS = Path(__file__).parent
Graph = dict[str, set[str]]
WIDTH, HEIGHT, GAP, ROW = 132, 30, 18, 74  # pixels of a box, between boxes, from row to row
NAMES = {"twopoint": "twopoint", "twopoint_models": "models"}


def parts_of(package: str) -> Graph:
    """Return the folders and single files of a package, each with those that it imports."""
    tree = real_tree()
    part_of = {name: name.split(".")[1] for name in tree if name.startswith(f"{package}.") and not name.endswith("__main__")}
    graph: Graph = {part: set() for part in part_of.values()}
    for name, part in part_of.items():
        graph[part] |= {part_of[used] for used in modules_used(tree[name], tree) if used in part_of} - {part}
    return graph


def depth(graph: Graph, part: str) -> int:
    """Return the number of imports on the longest path from a part to one that imports nothing."""
    return max((1 + depth(graph, below) for below in graph[part]), default=0)


def reach(graph: Graph, part: str) -> set[str]:
    """Return all parts that one imports, directly or not."""
    return graph[part].union(*(reach(graph, below) for below in graph[part]))


def arrows(graph: Graph) -> list[tuple[str, str]]:
    """Return the imports that do not follow from others."""
    return [
        (part, below)
        for part in sorted(graph)
        for below in sorted(graph[part])
        if not any(below in reach(graph, other) for other in graph[part] - {below})
    ]


def places(graph: Graph) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Return the middle of each box, and the width and height of the drawing; what imports nothing is in the lowest row."""
    rows: dict[int, list[str]] = {}
    for part in sorted(graph):
        rows.setdefault(depth(graph, part), []).append(part)
    width = max(len(row) for row in rows.values()) * (WIDTH + GAP) + GAP
    found: dict[str, tuple[float, float]] = {}
    for level, row in sorted(rows.items()):
        row.sort(key=lambda part: (sum(found[below][0] for below in graph[part] if below in found) / max(len(graph[part]), 1), part))
        for i, part in enumerate(row):
            found[part] = (width * (i + 0.5) / len(row), ROW * (max(rows) - level) + HEIGHT)
    return found, width, ROW * max(rows) + 2 * HEIGHT


def bend(start: tuple[float, float], end: tuple[float, float], boxes: list[tuple[float, float]]) -> float:
    """Return how far the middle of an arrow is moved to the side, so that it crosses as few boxes as possible."""

    def crossed(side: float) -> int:
        steps = [i / 40 for i in range(1, 40)]
        points = [
            ((1 - s) * start[0] + s * end[0] + 2 * s * (1 - s) * side, (1 - s) * start[1] + s * end[1]) for s in steps
        ]  # a quadratic curve
        return sum(any(abs(x - u) < WIDTH / 2 + 4 and abs(y - v) < HEIGHT / 2 + 4 for x, y in points) for u, v in boxes)

    return min((0, 40, -40, 80, -80, 140, -140, 200, -200), key=lambda side: (crossed(side), abs(side)))


def drawing(graph: Graph, title: str) -> str:
    """Return the drawing as SVG."""
    at, width, height = places(graph)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="14">',
        f"<title>{title}</title>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>',
    ]
    for part, below in arrows(graph):
        (x, y), (u, v) = (at[part][0], at[part][1] + HEIGHT / 2), (at[below][0], at[below][1] - HEIGHT / 2)
        side = bend((x, y), (u, v), [place for name, place in at.items() if name not in (part, below)])
        middle = f"{(x + u) / 2 + side:g} {(y + v) / 2:g}"
        lines.append(f'<path d="M{x:g} {y:g}Q{middle} {u:g} {v:g}" fill="none" stroke="#555" marker-end="url(#head)"/>')
    for part, (x, y) in at.items():
        lines.append(f'<rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}" fill="#eef" stroke="#335"/>')
        lines.append(f'<text x="{x:g}" y="{y + 5:g}" text-anchor="middle">{part}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Draw, or say which drawing differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check, status = parser.parse_args().check, 0
    for package, name in NAMES.items():
        path = DOCS / f"images/architecture_{name}.svg"
        new = drawing(parts_of(package), f"{package}: its parts and their imports")
        if check and (not path.is_file() or path.read_text(encoding="utf-8") != new):
            print(f"{path.name}: differs from the imports; `python docs/architecture.py` draws it")
            status = 1
        elif not check:
            path.write_text(new, encoding="utf-8")
    sys.exit(status)


if __name__ == "__main__":
    main()
