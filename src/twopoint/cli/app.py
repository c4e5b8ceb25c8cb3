"""The entry point of the command: it runs, or says what to install."""

import importlib.util
import sys
from io import TextIOWrapper

# Packages by the module that they are imported as.
_NEEDED = {
    "h5py": "h5py",
    "matplotlib": "matplotlib",
    "PIL": "pillow",
    "rich": "rich",
    "skimage": "scikit-image",
    "tifffile": "tifffile",
    "typer": "typer",
}


def main() -> None:
    """Run the command line; exit with the install command where what it needs is absent."""
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        sys.exit(f"the command twopoint needs {', '.join(missing)}: pip install '.[cli]' in a checkout")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without µ shows ? instead of a traceback
    from .commands import app

    app()
