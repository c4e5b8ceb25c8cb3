"""The commands train, as a person types them."""

import csv
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

import twopoint_models
from support.cli_harness import blobs, refused
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.cli.runs import model_errors
from twopoint_models.cli.training import patches_by_parent
from twopoint_models.data import MICRO2DWriter

TINY = ["--width", "2", "--epochs", "2", "--batch-size", "4", "--regime", "mse", "--accelerator", "cpu"]


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.long
def test_train_a_cess_vae_and_use_it(run, images, tmp_path):
    result = run("model", "train", "cess-vae", "m", "--small", *TINY, "--out", "run")
    assert result.exit_code == 0, result.output
    assert "patches of 32 px, which fit into m/a0.png" in result.stderr
    assert result.stderr.count("epoch 1 of 1, validation_judge") == 2  # no terminal, so a line for each half
    assert "site-packages" not in result.stderr  # warnings are notes
    assert "its latents: twopoint model encode run IMAGES --tile 32" in result.stdout
    config = json.loads((tmp_path / "run/training.json").read_text())
    assert (config["size"], config["width"], config["padding"], config["learning_rate"]) == (32, [2], "zeros", 2e-3)
    assert {path.name for path in (tmp_path / "run/pictures").iterdir()} == {"epoch-001.png"}  # the second half
    assert run("model", "encode", "run", "m", "--out", "lat").exit_code == 0
    assert run("model", "sample", "run", "--count", 2, "--out", "s").exit_code == 0
    with np.load(tmp_path / "s/images.npz") as found:
        assert found["images"].shape == (2, 32, 32)
    refused(run("model", "train", "cess-vae", "m", "--small", *TINY, "--out", "run"), "run holds a finished network")
    words = ["--size", 16, "--epochs", 3, "--young", "10GPa", "1GPa", "--poisson", "0.3", "0.3"]
    result = run("model", "train", "predictor", "m", "--network", "run", *words, "--out", "pred")
    assert result.exit_code == 0, result.output
    assert "median relative error on" in result.stdout
    assert run("model", "predict", "pred", "m", "--out", "pp").exit_code == 0
    assert run("model", "design", "pred", "--target", "E_x=4GPa", "--steps", 1, "--starts", 1, "--count", 1, "--out", "d").exit_code == 0
    result = run("model", "train", "predictor", "m", *words, "--out", "alone")  # on statistics, without a network
    assert result.exit_code == 0, result.output
    assert "median relative error on" in result.stdout
    assert run("model", "predict", "alone", "m", "--out", "pa").exit_code == 0
    expected = twopoint_models.load(tmp_path / "alone").predict(images[:1, :16, :16])
    assert float(table(tmp_path / "pa/properties.csv")[0]["E_x [GPa]"]) == pytest.approx(expected.mean[0, 0], rel=1e-4)
    refused(run("model", "design", "alone", "--target", "E_x=4GPa", "--out", "da"), "alone must hold a CESS VAE for two phases, from which")


@pytest.mark.long
def test_a_training_that_was_stopped_goes_on(run, images, tmp_path, monkeypatch):
    from twopoint_models.training import pictures

    def stopped(self, trainer, task):
        raise OSError("the machine stops")

    with monkeypatch.context() as patched:
        patched.setattr(pictures.Pictures, "on_train_epoch_end", stopped)
        refused(run("model", "train", "cess-vae", "m", "--small", *TINY, "--out", "run"), "the machine stops")
    refused(run("model", "train", "cess-vae", "m/a0.png", "m/a1.png", "--small", *TINY, "--out", "run"), "holds results of other options")
    assert run("model", "train", "cess-vae", "m", "--small", *TINY, "--out", "run").exit_code == 0


@pytest.mark.long
def test_three_phases_and_a_micro2d_file(run, images, tmp_path):
    (tmp_path / "three").mkdir()
    for i in range(10):
        np.save(tmp_path / f"three/a{i}.npy", blobs((16, 16), phases=3, seed=i))
    words = ["--width", "2", "--epochs", "2", "--batch-size", "4", "--fractions", "0.8", "0.2", "0", "--accelerator", "cpu"]
    assert run("model", "train", "cess-vae", "three", *words, "--out", "run3").exit_code == 0
    network = twopoint_models.load(tmp_path / "run3")
    assert isinstance(network, CESSVAE)
    assert network.config["phases"] == 3
    with MICRO2DWriter(tmp_path / "own.h5", {"A": 12}, size=32) as writer:
        writer.write("A", images)
    assert run("model", "train", "cess-vae", "own.h5", "--size", 32, *TINY, "--out", "run2").exit_code == 0
    assert twopoint_models.load(tmp_path / "run2").config["padding"] == "circular"


@pytest.mark.long
def test_networks_of_gray_values(run, images, tmp_path):
    words = ["--small", "--size", 32, "--epochs", 1, "--accelerator", "cpu", "--latents", 2]
    result = run("model", "train", "statistics-vae", "m", *words, "--width", 1, "--out", "stat")
    assert result.exit_code == 0, result.output
    assert "note: 1 of 2 latent numbers carry less than 0.01 nats: 0; a smaller kl_weight keeps them" in result.stderr
    assert run("model", "reconstruct", "stat", "m", "--out", "rec").exit_code == 0
    result = run("model", "train", "texture-vae", "m", *words, "--width", "4,4,4,4,4", "--vgg", "random", "--out", "tex")
    assert result.exit_code == 0, result.output
    assert run("model", "reconstruct", "tex", "m", "--out", "rec2").exit_code == 0
    network = twopoint_models.load(tmp_path / "tex")
    assert network.encode(images.astype(float))[0].shape == (12, 2)


def test_what_does_not_fit_is_refused(run, images, network, tmp_path):
    refused(run("model", "train", "cess-vae", "m", "--size", 64, "--out", "r"), "a patch of 64 px does not fit into m/a0.png, of 32 px")
    refused(
        run("model", "train", "cess-vae", "m", "--small", "--paper", "--out", "r"), "presets exclude each other, got --small and --paper"
    )
    refused(run("model", "train", "cess-vae", "m", "--width", "a", "--out", "r"), "--width must be ints separated by commas, got 'a'")
    refused(run("model", "train", "cess-vae", "m", "--regime", "none", "--out", "r"), "regime must be one of")
    np.save(tmp_path / "m/three.npy", blobs((32, 32), phases=3))
    refused(run("model", "train", "cess-vae", "m", "--out", "r"), "m/a0.png has 2, m/three.npy 3; --phases makes them equal")
    refused(run("model", "train", "predictor", "m/a0.png", "--network", "net", "--out", "r"), "images must be ten or more squares")
    refused(run("model", "train", "predictor", "m", "--network", "net", "--young", "1GPa", "--out", "r"), "materials must be of two phases")
    assert not (tmp_path / "r").exists()


def test_patches_of_a_parent_stay_in_one_part():
    many, few, one = ([blobs((n, n), seed=i) for i in range(k)] for n, k in ((32, 12), (64, 4), (64, 1)))
    assert len(patches_by_parent(many, 16, 4).parents) == 12
    blocks = patches_by_parent(few, 16, 4)
    assert (len(blocks.parents), blocks.parents[0].shape) == (16, (32, 32))
    tiles = patches_by_parent(one, 16, 4)
    assert (len(tiles), tiles.parents[0].shape) == (16, (16, 16))


@pytest.mark.long
def test_two_processes_share_a_training(images, tmp_path):
    """With half the batch each they take the steps of one process, up to the order of sums; one of them speaks and writes."""
    curves, said = {}, {}
    for devices, batch in ((1, 8), (2, 4)):
        words = [*TINY, "--devices", devices, "--batch-size", batch, "--seed", 1, "--out", f"run{devices}"]
        call = [sys.executable, "-m", "twopoint", "model", "train", "cess-vae", "m", *map(str, words)]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        said[devices] = done.stdout.splitlines()
        losses = table(next((tmp_path / f"run{devices}/logs/csv").rglob("metrics.csv")))
        curves[devices] = [float(row["validation_judge"]) for row in losses if row["validation_judge"]]
    assert len(curves[1]) == 1  # the second half
    np.testing.assert_allclose(curves[2], curves[1], rtol=1e-4)
    assert (len(said[1]), len(said[2])) == (2, 2)
    assert said[2][0].startswith("run2: a CESS VAE for 2 phases")
    assert (tmp_path / "run2/examples.npz").is_file()
    assert not list(tmp_path.glob("run2/.twopoint-lock"))
    assert twopoint_models.load(tmp_path / "run2").encode(images)[0].shape == (12, 1, 2, 2)


def test_warnings_are_notes(capsys):
    with model_errors():
        warnings.warn("a latent\nnumber is lost", stacklevel=1)
    assert capsys.readouterr().err == "note: a latent number is lost\n"
