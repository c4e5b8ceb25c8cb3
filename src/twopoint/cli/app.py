"""The entry point of the command: it runs, or says what to install."""

import importlib.util
import sys

_NEEDED = ("matplotlib", "rich", "typer")


def main() -> None:
    """Run the command line; exit with the install command where what it needs is absent."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"the command twopoint needs {', '.join(missing)}: pip install 'twopoint[cli]'")
    from .commands import app

    app()
