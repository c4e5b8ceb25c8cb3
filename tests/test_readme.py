"""The README's first two shell blocks are the two commands, and its examples run."""

import os
import re

import pytest

from support import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_two_commands():
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert blocks[0].strip() == "pip install '.[cli]' && twopoint demo"
    assert blocks[1].strip() == "pip install -c constraints.txt '.[test]' && pytest"


def test_examples_are_the_same_but_for_the_arrays():
    assert len(EXAMPLES) == 3
    lines = [[line.split("  #")[0] for line in text.splitlines()] for text in EXAMPLES]
    shared = [[line for line in text if line.startswith(("known", "before", "after", "print"))] for text in lines]
    assert shared[0] == shared[1] == shared[2]


@pytest.mark.parametrize("text", EXAMPLES, ids=["numpy", "torch", "jax"])
def test_examples_run(text, unchecked, capsys):
    exec(compile(text, "README.md", "exec"), {})
    before, after = re.search(r"excess CESS (\S+) -> (\S+)", capsys.readouterr().out).groups()
    assert 0 < float(after) < float(before) / 2


def test_pictures_are_there():
    for name in re.findall(r"!\[.*?\]\((.*?)\)", README):
        path = ROOT / name
        assert 10_000 < os.path.getsize(path) < 500_000, name
