"""What the tests share: backends, oracles, strategies, where things lie, and processes of their own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent


def evaluate(test_file: str, expression: str) -> Any:
    """Evaluate an expression of a test module, `own`, in a process without the checking of annotations; return what it gives, by JSON."""
    path = Path(test_file)
    script = f"import json, sys, warnings; sys.path[:0] = {[str(path.parent), str(TESTS)]!r}; warnings.simplefilter('ignore')\n"
    script += f"from support import quick; quick.collect_rarely()\nimport {path.stem} as own; quick.settle()\n"
    script += f"print(json.dumps({expression}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
