"""Many images: files, folders and patterns become a list of inputs, each with a name of its own for output files."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..terminal import InputError, say
from .formats import TIFF
from .names import HDF5, parse_source

IN_FOLDERS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tga", ".jp2", ".npy", ".dream3d", *TIFF, *HDF5)
OWN_SOFTWARE = "twopoint"  # in pictures that this command line draws, which are not images of a material
RUN_FILE = "twopoint-run.json"  # in a folder of results
_PNG_HEAD = 1024  # bytes in which the text of such a picture lies
_PATTERN = re.compile(r"[*?]")
_TAIL = re.compile(r"(?P<pattern>.*[*?].*?)(?P<tail>\[[-0-9, ]*\])?", re.DOTALL)  # '*.tif[3]': an index after the pattern


@dataclass(frozen=True)
class Input:
    """An image as it is named, and the beginning of its output files' names."""

    text: str
    name: str


def collect(texts: tuple[str, ...], results: Path | None = None) -> list[Input]:
    """Return the images that files, folders and patterns name, in their order, each once.

    Parameters
    ----------
    texts : tuple of str
        A file as ``twopoint stats`` reads it; a folder, whose images and those of its subfolders are taken; a pattern, ``'*.png'`` or
        ``'scans/**/*.tif[0]'``, for a shell that has not replaced it.
    results : Path, optional
        The folder of results, which is left out of folders and patterns, as are hidden files, folders of results of earlier runs and
        pictures that this command line has drawn.

    Raises
    ------
    InputError
        If a folder has no image, or a pattern matches no file.
    """
    found: dict[str, str] = {}
    for text in texts:
        for member in _members(text, results):
            key = _identity(member)
            if key in found:
                say(f"note: {member} is named twice; it is used once")
            found.setdefault(key, member)
    members = list(found.values())
    return [Input(text, name) for text, name in zip(members, _names(members), strict=True)]


def is_several(texts: tuple[str, ...]) -> bool:
    """Return whether arguments name more than one file: several arguments, a folder, or a pattern."""
    return len(texts) != 1 or _is_folder(texts[0]) or _is_pattern(texts[0])


def _is_folder(text: str) -> bool:
    """Return whether a text is the name of a folder; an empty one is not, though it is a path."""
    return bool(text.strip()) and "\0" not in text and Path(text).is_dir()


def _is_pattern(text: str) -> bool:
    """Return whether a text is a pattern, not the name of a file."""
    return "\0" not in text and not Path(text).exists() and bool(_PATTERN.search(text))


def _members(text: str, results: Path | None) -> list[str]:
    """Return the files that an argument names; an argument that is neither a folder nor a pattern as it is."""
    if _is_folder(text):
        return _of_folder(Path(text), results)
    if not _is_pattern(text):
        return [text]
    match = _TAIL.fullmatch(text)
    pattern, tail = (match["pattern"], match["tail"] or "") if match else (text, "")
    paths = [Path(path) for path in sorted(glob.glob(pattern, recursive=True), key=_natural)]
    files, own = _without_own([path for path in paths if path.is_file() and not _hidden(path)], results)
    if not files:
        raise InputError(f"{text} matches no file" + (f" except {len(own)} results of twopoint" if own else ""))
    _say_left_out(text, own, 0)
    return [f"{path}{tail}" for path in files]


def _of_folder(folder: Path, results: Path | None) -> list[str]:
    """Return the images in a folder and its subfolders."""
    paths: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(place) / name for name in names if not name.startswith(".")]
    paths.sort(key=_natural)
    images = [path for path in paths if path.suffix.lower() in IN_FOLDERS and path.is_file()]
    files, own = _without_own(images, results)
    results_too = {path for path in paths if path not in images and _in_results(path, results, {})}
    others = len(paths) - len(images) - len(results_too)
    if not files:
        left_out = f"; {len(own)} pictures and results of twopoint are left out" if own else ""
        endings = ", ".join(dict.fromkeys(ending.lstrip(".") for ending in IN_FOLDERS))
        raise InputError(f"{folder} has no image ({endings}){left_out}; name other files one by one or by a pattern, such as '*.csv'")
    _say_left_out(str(folder), own, others)
    return [str(path) for path in files]


def _say_left_out(text: str, own: list[Path], others: int) -> None:
    """Print a note on files that are left out of a folder or a pattern."""
    if own:
        say(f"note: {text}: {len(own)} pictures and results of twopoint are left out")
    if others:
        say(f"note: {text}: {others} files without the ending of an image are left out")


def _without_own(paths: list[Path], results: Path | None) -> tuple[list[Path], list[Path]]:
    """Return images, and what this command line has written."""
    known: dict[Path, bool] = {}
    own = [path for path in paths if _in_results(path, results, known) or _drawn_here(path)]
    left_out = set(own)
    return [path for path in paths if path not in left_out], own


def _in_results(path: Path, results: Path | None, known: dict[Path, bool]) -> bool:
    """Return whether a file lies in a folder of results."""
    for parent in path.parents:
        if parent not in known:
            known[parent] = (parent / RUN_FILE).is_file() or (results is not None and parent.resolve() == results.resolve())
        if known[parent]:
            return True
    return False


def _drawn_here(path: Path) -> bool:
    """Return whether a file is a picture that this command line has drawn, by the text in its head."""
    if path.suffix.lower() != ".png" or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        return b"Software\0" + OWN_SOFTWARE.encode() in file.read(_PNG_HEAD)


def _hidden(path: Path) -> bool:
    """Return whether a file is hidden."""
    return path.name.startswith(".")


def _natural(path: str | Path) -> tuple[object, ...]:
    """Return a key in which image2 comes before image10."""
    parts = re.split(r"(\d+)", str(path))
    return (*((int(part), "") if i % 2 else (0, part.lower()) for i, part in enumerate(parts)), str(path))


def path_of(text: str) -> Path | None:
    """Return the file of an image; None if there is none."""
    try:
        return parse_source(text).path
    except InputError:
        return None


def _identity(text: str) -> str:
    """Return what two names of one image have in common; the text itself if it is not a file."""
    try:
        source = parse_source(text)
    except InputError:
        return text
    return f"{source.path.resolve()}\0{source.dataset}\0{source.index}"


def _names(texts: list[str]) -> Iterator[str]:
    """Yield a name for the output files of each image: its label, longer where two are equal on a system that ignores case."""
    kinds = [_labels(text) for text in texts]
    names = [kind[0] for kind in kinds]
    for longer in range(1, max(map(len, kinds), default=1)):
        often = Counter(name.lower() for name in names)
        names = [kind[min(longer, len(kind) - 1)] if often[name.lower()] > 1 else name for kind, name in zip(kinds, names, strict=True)]
    seen: Counter[str] = Counter()
    for name in names:
        seen[name.lower()] += 1
        yield name if seen[name.lower()] == 1 else f"{name}~{seen[name.lower()]}"


def _labels(text: str) -> list[str]:
    """Return names for output files from the shortest on: the stem, the file's name, and with one folder after the other."""
    try:
        source = parse_source(text)
    except InputError:
        return [re.sub(r"[^\w.+ -]", "_", text)[-100:] or "_"]
    label, path = source.label, source.path
    labels = [label, label.replace(path.stem, path.name, 1)]
    for parent in path.parents:
        if parent.name:
            labels.append(re.sub(r"[^\w.+ -]", "_", parent.name) + "-" + labels[-1])
    return labels
