"""Every command is listed, says all its options, and loads nothing heavy before it works."""

import re
import subprocess
import sys

import pytest
import typer

from twopoint.cli import commands
from twopoint_models.cli.options import Several
from twopoint_models.cli.quantities import Quantities, quantities, targets_in

NAMES = {"list", "encode", "decode", "sample", "interpolate", "reconstruct", "evaluate", "homogenise", "predict"}
NAMES |= {"design", "embed", "synthesise", "train"}


def every(command, path=()):
    for name, each in getattr(command, "commands", {}).items():
        yield from every(each, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


def of_model():
    return {path[1:]: each for path, each in every(typer.main.get_command(commands.app)) if path[0] == "model"}


def test_all_commands_of_the_model_are_there():
    assert {path[0] for path in of_model()} == NAMES
    assert {path[1] for path in of_model() if path[0] == "train"} == {"cess-vae", "texture-vae", "statistics-vae", "predictor"}
    assert all(isinstance(each, Several) for each in of_model().values())


def test_every_option_says_what_it_is_and_its_default():
    for path, command in of_model().items():
        assert command.help, path
        for each in command.params:
            if each.name == "help":
                continue
            text = each.help or ""
            assert len(text) > 10, (path, each.name)
            flag = getattr(each, "is_flag", False)
            said = each.required or flag or getattr(each, "show_default", False) or "default" in text.lower() or each.default is None
            assert said, (path, each.name)
            if each.default is None and not each.required and not flag and path[0] == "train" and "(default" not in text:
                assert re.search(r"Default|Young|Poisson|Conductivity|Part of the image", text), (path, each.name)


@pytest.mark.parametrize(
    "words", [["--help"], ["model", "--help"], ["model", "train", "cess-vae", "--help"], ["model", "list"]], ids=" ".join
)
def test_help_loads_nothing_heavy(words):
    heavy = ("torch", "jax", "pytorch_lightning", "matplotlib", "sklearn", "optuna", "h5py")
    code = f"import sys; from twopoint.cli.app import main\nsys.argv = ['twopoint', *{words}]\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\n"
    code += f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("10GPa,1GPa", "pressure", Quantities((10.0, 1.0), "GPa")),
        ("210 GPa, 70000 MPa", "pressure", Quantities((210.0, 70.0), "GPa")),
        ("1,100", "conductivity", Quantities((1.0, 100.0), "")),
        ("1W/mK,500mW/mK", "conductivity", Quantities((1.0, 0.5), "W/mK")),
        ("0.3,-0.2", "number", Quantities((0.3, -0.2), "")),
        ("1e3MPa,2.5e9Pa", "pressure", Quantities((1000.0, 2500.0), "MPa")),
    ],
)
def test_numbers_are_brought_to_one_unit(text, kind, expected):
    assert quantities("--x", text, kind) == expected


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("10GPa,1", "pressure", "all have a unit, or none"),
        ("10m", "pressure", "takes a pressure, whose unit is one of Pa"),
        ("0.3GPa", "number", "takes numbers, whose unit is none"),
        ("ten", "pressure", "must be numbers"),
        ("1W/mK,2S/m", "conductivity", "electrical or thermal"),
        ("", "pressure", "must be numbers that all have a unit"),
    ],
)
def test_units_that_do_not_fit_are_refused(text, kind, message):
    with pytest.raises(ValueError, match=message):
        quantities("--x", text, kind)


def test_targets_are_in_the_units_of_the_materials():
    units = {"pressure": "GPa", "conductivity": ""}
    assert targets_in("E_x=4200MPa,nu_xy=0.3,k_x=2:3", units) == [("E_x", 4.2), ("nu_xy", 0.3), ("k_x", (2.0, 3.0))]
    with pytest.raises(ValueError, match="one number, or least and largest"):
        targets_in("k_x=1:2:3", units)
