"""Which tests two checkouts have, by name and case without the file: what one of them lacks, and what only the other has.

    python tests/support/compare_collected.py OTHER_CHECKOUT

A test that moved to another file is the same. Slow and long tests count too. Ends with status 1 if this checkout lacks a test function of
the other one.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parents[2]


def collected(checkout: Path) -> Counter[str]:
    """Return how often each test id occurs, its file left out."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return Counter(line.split("::", 1)[1] for line in done.stdout.splitlines() if "::" in line)


def functions(ids: Counter[str]) -> Counter[str]:
    """Return how many cases each test function has, by its name."""
    found: Counter[str] = Counter()
    for name, number in ids.items():
        found[name.split("[")[0]] += number
    return found


def main() -> int:
    """Compare, print, return the exit status."""
    other, here = collected(Path(sys.argv[1]).resolve()), collected(HERE)
    theirs, ours = functions(other), functions(here)
    print(f"{sum(other.values())} tests of {len(theirs)} functions there, {sum(here.values())} of {len(ours)} here")
    for title, difference in (("cases only there", other - here), ("cases only here", here - other)):
        print(f"{title}: {sum(difference.values())}")
        by_function = functions(difference)
        for name, number in sorted(by_function.items()):
            print(f"    {name}: {number} (of {theirs[name]} there, {ours[name]} here)")
    lost = sorted(set(theirs) - set(ours))
    print(f"functions that this checkout lacks: {', '.join(lost) or 'none'}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
