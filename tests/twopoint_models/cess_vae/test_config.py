"""Configs: to and from files and the command line, refusals; first halves."""

import argparse
import json

import pytest

from twopoint_models.cess_vae import REGIMES, CESSConfig
from twopoint_models.cess_vae.config import first_half
from twopoint_models.cess_vae.several import ORDER


def test_a_config_comes_back_from_its_file(tmp_path):
    config = CESSConfig(data="a.h5", regime="mse_cess", classes=("GRF",), width=(1, 2, 3, 4, 5), together=True, learning_rate=0.25)
    config.write(tmp_path)
    assert CESSConfig.read(tmp_path) == config


def test_a_config_comes_from_the_command_line():
    parser = argparse.ArgumentParser()
    CESSConfig.add_arguments(parser, width=(7,), epochs=3)
    assert CESSConfig.from_arguments(vars(parser.parse_args([]))) == CESSConfig(width=(7,), epochs=3)
    line = "--data x.h5 --classes GRF NBSA --fractions .5 .25 .25 --together --learning-rate 1e-2 --width 1 2 3 4 5 --regime style"
    found = CESSConfig.from_arguments(vars(parser.parse_args(line.split())), size=64)
    assert found.classes == ("GRF", "NBSA")
    assert found.fractions == (0.5, 0.25, 0.25)
    assert (found.together, found.learning_rate, found.width, found.regime, found.size) == (True, 0.01, (1, 2, 3, 4, 5), "style", 64)
    assert all(text in parser.format_help().replace("\n", " ") for text in ("RAdam", "--no-together"))


def test_first_halves_are_equal_where_regimes_begin_alike():
    halves = {
        name: first_half(CESSConfig(regime=name, sharpness=3.0, alpha=0.5, sigma=0.1, clamp_weight=0.3, epochs=5)) for name in REGIMES
    }
    assert halves["style"] == halves["sharp"] == halves["cess_finetuned"] == halves["crop_finetuned"] == halves["mse"]
    assert halves["cumulative_finetuned"] == halves["mse"]
    assert halves["mse"].epochs == 2
    assert halves["mse_cess"].alpha == 0.5
    assert halves["mse"].alpha == 1.0
    assert (halves["cess_clamp"].sigma, halves["cess_clamp"].clamp_weight) == (0.1, 0.3)
    assert first_half(CESSConfig(regime="sharp", vgg="a.pth", style_layers=("conv1_1",))) == first_half(CESSConfig(regime="mse"))
    assert first_half(CESSConfig(start_learning_rate=0.5)).learning_rate == 0.5


def test_every_regime_has_its_place_in_the_order_of_processes():
    assert sorted(ORDER) == sorted(REGIMES)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(size=100), ValueError, "size must be divisible by 16, got 100"),
        (dict(size=0), ValueError, "size must be above 0"),
        (dict(regime="vae"), ValueError, "regime must be one of 'mse', 'mse_cess'"),
        (dict(regime="sharp", phases=3), ValueError, "regime 'sharp' is for two phases"),
        (dict(padding="reflect"), ValueError, "padding must be one of"),
        (dict(width=(1, 2)), ValueError, "width must be one number of channels, or five"),
        (dict(width=64), TypeError, "width must be tuple, got 64"),
        (dict(epochs=2.5), TypeError, "epochs must be int"),
        (dict(epochs=0), ValueError, "epochs must be above 0"),
        (dict(learning_rate=-1.0), ValueError, "learning_rate must not be negative"),
        (dict(learning_rate=float("nan")), ValueError, "learning_rate must not be negative"),
        (dict(learning_rate="fast"), TypeError, "learning_rate must be float"),
        (dict(together=1), TypeError, "together must be bool"),
        (dict(seed=True), TypeError, "seed must be int"),
        (dict(classes=(1,)), TypeError, "classes must hold str"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        CESSConfig(**options)


def test_files_that_hold_no_config(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no"):
        CESSConfig.read(tmp_path)
    for text in ("{", "[]", json.dumps({"wide": 3})):
        (tmp_path / "training.json").write_text(text)
        with pytest.raises(ValueError, match="is not what a run wrote"):
            CESSConfig.read(tmp_path)
