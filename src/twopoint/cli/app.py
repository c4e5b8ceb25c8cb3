"""The entry point of the command line: it checks that the packages of the extra ``cli`` are installed, and runs."""

import importlib.util
import sys
from io import TextIOWrapper

# The package of each module that is needed.
_NEEDED = {
    "h5py": "h5py",
    "jinja2": "jinja2",
    "matplotlib": "matplotlib",
    "PIL": "pillow",
    "rich": "rich",
    "skimage": "scikit-image",
    "tifffile": "tifffile",
    "typer": "typer",
}


def main() -> None:
    """Run the command line, or exit with the install command if a package is missing."""
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        sys.exit(f"the command twopoint needs {', '.join(missing)}: pip install '.[cli]' in a checkout")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without µ prints ? instead of a traceback
    from .commands import app

    app()
