"""The README's first two shell blocks are the two commands, it is short, and its example runs."""

import os
import re
import subprocess
import sys

from support import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_two_commands():
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert blocks[0].strip() == "pip install '.[cli]' && twopoint demo"
    assert blocks[1].strip() == "pip install -c constraints.txt '.[test]' && pytest"


def test_it_is_read_in_minutes():
    assert len(README.split()) <= 700
    assert all(len(line) <= 160 for line in README.splitlines() if line.startswith("|"))


def test_example_runs(unchecked):
    (text,) = EXAMPLES
    names = {}
    exec(compile(text, "README.md", "exec"), names)
    assert names["gradient"].shape == names["prediction"].shape
    assert names["loss"] > 0


def test_commands_are_there(unchecked):
    """Each command of the README is one of the app's."""
    told = subprocess.run([sys.executable, "-m", "twopoint", "--help"], capture_output=True, text=True, check=True).stdout
    used = re.findall(r"^twopoint (\w+)", README, re.MULTILINE)
    assert used == ["stats", "compare", "reconstruct", "model"]
    assert all(re.search(rf"\b{name}\b", told) for name in used)


def test_links_lead_somewhere():
    for name in re.findall(r"(?<!!)\[[^]]*\]\(([^)#]+)\)", README):
        assert (ROOT / name).is_file(), name


def test_pictures_are_there():
    for name in re.findall(r"!\[.*?\]\((.*?)\)", README):
        path = ROOT / name
        assert 10_000 < os.path.getsize(path) < 500_000, name
