"""Every command writes the files that docs/outputs.py lists, under these names, with these columns, arrays and keys."""

import csv
import json
import re
import runpy

import numpy as np
import pytest

from support import ROOT
from twopoint.cli import commands

DOCS = ROOT / "docs"
TOLD = runpy.run_path(str(DOCS / "outputs.py"))
OUTPUTS, PRINTED = TOLD["OUTPUTS"], TOLD["PRINTED"]
MATERIALS = "--young 10GPa 1GPa --poisson 0.3 0.3 --conductivity 10 1"
TRAINED = "--size 32 --epochs 1"
ENCODED = "model encode net m"
PREDICTOR = f"model train predictor m --network net --size 32 --epochs 2 {MATERIALS}"
LONG = pytest.mark.long
CALLS = {  # the calls before the semicolon make what the others need
    "demo": "; demo --size 32 --json told.json",
    "stats": "; stats m/a0.png --json told.json --save told.npz --descriptors all --csv told.csv; stats m",
    "report": "; report m",
    "compare": "; compare m/a0.png m/a1.png --json told.json --descriptors all; compare m",
    "reconstruct": "; reconstruct m/a0.png --json told.json --labels told.npy",
    "doctor": "; doctor --json told.json",
    "model list": "; model list",
    "model encode": f"; {ENCODED}",
    "model decode": f"{ENCODED}; model decode net latents/latents.npz",
    "model sample": "; model sample net --count 4 --size 32",
    "model interpolate": "; model interpolate net m/a0.png m/a1.png",
    "model reconstruct": "; model reconstruct net m",
    "model evaluate": "; model evaluate net m --tile 16",
    "model homogenise": f"; model homogenise m {MATERIALS}",
    "model predict": f"{PREDICTOR}; model predict predictor m",
    "model design": f"{PREDICTOR}; model design predictor --target E_x=4GPa --images m/a0.png --steps 1 --starts 1 --count 1",
    "model embed": "; model embed m --kind spectrum",
    "model synthesise": "; model synthesise m/a0.png --vgg random --iterations 1 --levels 1",
    "model train cess-vae": f"; model train cess-vae m --width 2 --regime mse {TRAINED}",
    "model train texture-vae": f"; model train texture-vae m --small --vgg random {TRAINED}",
    "model train statistics-vae": f"; model train statistics-vae m --small {TRAINED}",
    "model train predictor": f"; {PREDICTOR}",
}
SLOW = (
    "demo",
    "doctor",
    "reconstruct",
    "stats",
    "model evaluate",
    "model predict",
    "model design",
    *[name for name in CALLS if "train" in name],
)


def pattern(name):
    """Return the regular expression of a file as the page names it, without the option that writes it."""
    return "".join(
        r"[^/]+" if part in ("FILE", "NAME", "A", "B", "N") else re.escape(part)
        for part in re.split(r"(?<![A-Za-z])([A-Z]+)(?![A-Za-z])", name.split()[-1])
    )


def contents(path):
    """Return the columns, arrays or keys of a file, numbers written as N, without units and the ends of intervals."""
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            names = next(csv.reader(file))
    elif path.suffix == ".npz":
        with np.load(path) as file:
            names = file.files
    else:
        names = json.loads(path.read_text())
    return {re.sub(r"(?<=_)\d+\b|(?<=^[zd])\d+$", "N", re.sub(r" low| high| \[.*|, \S+$", "", name)) for name in names} - {""}


def check(path, told):
    """Assert that a file holds what the page says."""
    named = set(re.findall(r"`([^`]+)`", told))
    forms = {name for name in named if name.startswith("twopoint ")}
    if path.suffix == ".json" and forms:
        assert json.loads(path.read_text())["format"] in forms
    elif named and path.suffix in (".csv", ".npz", ".json"):
        named -= forms
        assert named <= contents(path), (path.name, named - contents(path))
        if not re.search("for each|index|target properties", told):
            assert contents(path) <= named, (path.name, contents(path) - named)


@pytest.mark.parametrize("name", [pytest.param(name, marks=LONG if name in SLOW else ()) for name in CALLS])
def test_files_are_those_of_the_page(run, network, images, tmp_path, name):
    first, *checked = CALLS[name].split(";")
    for words in filter(None, [first.split()]):
        assert run(*words).exit_code == 0
    before = set(tmp_path.rglob("*"))
    printed = ""
    for words in checked:
        result = run(*words.split())
        assert result.exit_code == 0, result.output
        printed += result.stdout
    made = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path not in before and path.is_file()}
    of = {file: sorted((told for told in OUTPUTS[name] if re.fullmatch(pattern(told), file)), key=len, reverse=True) for file in made}
    assert not (unknown := [file for file, told in of.items() if not told]), unknown
    assert not (missing := set(OUTPUTS[name]) - {told[0] for told in of.values()}), missing
    for file, told in of.items():
        check(made[file], OUTPUTS[name][told[0]])
    assert printed.strip()


def test_every_command_is_told():
    def every(group, path=()):
        for each in group.registered_commands:
            yield " ".join((*path, each.name))
        for each in group.registered_groups:
            yield from every(each.typer_instance, (*path, each.name))

    names = list(every(commands.app))
    page = (DOCS / "command_line.md").read_text()
    assert names == list(CALLS) == list(OUTPUTS) == list(PRINTED) == re.findall(r"^### twopoint (.+)$", page, re.MULTILINE)


def test_a_key_that_is_not_there_is_found(tmp_path):
    (tmp_path / "a.csv").write_text("file,z0,z1,E_x [GPa],E_x low [GPa]\n")
    check(tmp_path / "a.csv", "`file`, `zN`, `E_x`")
    for told in ("`file`, `zN`, `E_x`, `E_y`", "`file`, `zN`"):
        with pytest.raises(AssertionError, match="E_"):
            check(tmp_path / "a.csv", told)


def test_exit_codes_are_those_of_the_page(run, images, tmp_path):
    page = (DOCS / "command_line.md").read_text()
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == {0, 1, 2, 130}
    assert run("stats", "m/a0.png", "--no-pictures").exit_code == 0
    assert run("stats", "nowhere.png").exit_code == 2
    assert run("stats", "--nowhere").exit_code == 2
    (tmp_path / "m/b.png").write_bytes(b"no picture")
    assert run("stats", "m", "--no-pictures").exit_code == 1
