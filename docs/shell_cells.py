"""Shell cells in the pages of this folder: commands run in a new empty folder, their two streams shown as one text."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from IPython.core.magic import register_cell_magic


def begin() -> None:
    """Enter an empty folder, where %%bash knows the command twopoint as it is installed beside this Python."""
    os.chdir(tempfile.mkdtemp())
    Path(".commands").write_text(f'twopoint() {{ "{sys.executable}" -m twopoint "$@"; }}\n')
    plain = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "CLICOLOR_FORCE")}
    environment = plain | {"BASH_ENV": str(Path(".commands").resolve()), "COLUMNS": "100"}

    def bash(line: str, cell: str) -> None:
        """Run commands; IPython's own magic shows the streams in pieces."""
        done = subprocess.run(["bash", "-c", cell], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        sys.stdout.write(done.stdout)
        done.check_returncode()

    register_cell_magic(bash)
