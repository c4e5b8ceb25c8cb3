"""The command that puts a trained network into the package."""

import json
import sys

import numpy as np
import pytest
import torch

import twopoint_models
from support import ROOT
from twopoint_models.cess_vae import CESSVAE, CESSConfig, summarise
from twopoint_models.cess_vae.evaluation.evaluate import score
from twopoint_models.data import MICRO2DWriter
from twopoint_models.evaluation.trivial import TRIVIAL
from twopoint_models.pretrained import loading

sys.path.insert(0, str(ROOT))  # benchmarks is no part of the distribution

from benchmarks import publish_model


@pytest.fixture
def run(tmp_path):
    """A run of two halves of 30 and 12 steps, on 16 of 20 images, and the figures of its evaluation."""
    rng = np.random.default_rng(0)
    images = (rng.random((20, 32, 32)) < 0.3).astype(np.uint8)
    with MICRO2DWriter(tmp_path / "own.h5", {"A": 20}, size=32) as writer:
        writer.write("A", images)
    network = CESSVAE(width=2)
    for folder, steps in (("runs/mse", 30), ("runs/start/mse", 12)):
        config = CESSConfig(data=str(tmp_path / "own.h5"), regime="mse", size=32, width=(2,), fractions=(0.8, 0.1, 0.1), epochs=2)
        network.save(tmp_path / folder)
        config.write(tmp_path / folder)
        (tmp_path / folder / "checkpoints").mkdir()
        torch.save({"global_step": steps}, tmp_path / folder / "checkpoints/last.ckpt")
    x = images[:, None].astype(np.float32)
    rows = {"mse": lambda x: network.reconstruct(x[:, 0])[:, None]} | TRIVIAL
    (tmp_path / "figures.json").write_text(json.dumps(summarise({name: score(made(x), x) for name, made in rows.items()}, ["A"] * 20)))
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained/hashes.json").write_text("{}")
    return tmp_path / "runs/mse"


def command(run, *arguments, monkeypatch):
    options = ["--figures", run.parents[1] / "figures.json", "--folder", run.parents[1] / "pretrained"]
    monkeypatch.setattr(sys, "argv", ["publish_model", *map(str, [run, *arguments, *options])])
    publish_model.main()


def test_a_run_is_published_with_its_card_and_loaded(run, monkeypatch, capsys):
    command(run, "tiny-mse", monkeypatch=monkeypatch)
    folder = run.parents[1] / "pretrained"
    assert f"{(folder / 'tiny-mse/model.safetensors').stat().st_size} bytes" in capsys.readouterr().out
    monkeypatch.setattr(loading, "HERE", folder)
    assert loading.names() == ["tiny-mse"]
    found = twopoint_models.load("tiny-mse")
    for ours, theirs in zip(found.parameters(), CESSVAE.load(run).parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.half().float(), rtol=0, atol=0)
    card = loading.card("tiny-mse")
    summary = json.loads((run.parents[1] / "figures.json").read_text())
    assert "16 generated images of 32 x 32" in card
    assert "42 of 32 images" in card
    assert "the 20 real images" in card
    for row in ("mse", "block means", "4-px blur"):
        assert f"{summary['excess']['thresholded']['cumulative'][row]['median']:.3g} (" in card
    assert "| tiny-mse" in card
    assert "constant gray" not in card


def test_figures_of_another_run_are_refused(run, monkeypatch):
    (run.parent / "mse").rename(run.parent / "cess")
    with pytest.raises(ValueError, match="--figures must have the row cess, it has mse, constant gray"):
        command(run.parent / "cess", "tiny", monkeypatch=monkeypatch)


def test_large_weights_are_refused(run, monkeypatch):
    monkeypatch.setattr(publish_model, "MOST", 1000)
    with pytest.raises(ValueError, match=r"the weights of tiny have [0-9]+ bytes, more than 1000"):
        command(run, "tiny", monkeypatch=monkeypatch)
    assert not (run.parents[1] / "pretrained/tiny").exists(), "nothing is left"
