"""The pages' blocks of Python run as they stand, but for sizes; what a page executes when it is built is left to the build."""

import re
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest
import torch

import twopoint as tp
from support import ROOT
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.data import MICRO2DWriter
from twopoint_models.statistics_vae import ResNetVAE
from twopoint_models.texture_vae import TextureConfig, TextureVAE

DOCS = ROOT / "docs"
IN_EXECUTED_PAGES = {"homogenisation", "large_data"}  # they go on from the cells around them, on clusters and files that are not there
pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning")]  # Lightning's, on few steps and workers


def some_images(n, size):
    return (np.random.default_rng(0).random((n, 1, size, size)) < 0.4).astype(np.float32)


def a_network(folder):
    CESSVAE(width=4).save(folder)


def a_file(path, count=20, contrasts=1):
    values = {"homogenized_thermal": np.random.default_rng(1).random((count, contrasts, 1)) + 1}
    names = {"homogenized_thermal": ["kx"]}
    with MICRO2DWriter(path, {"own": count}, size=64, properties=names, contrasts=contrasts) as writer:
        writer.write("own", some_images(count, 64)[:, 0].astype(np.uint8), properties=values)


def of_cess_vae():
    a_network("runs/sharp")
    a_file("generated.h5")
    return {"images": torch.from_numpy(some_images(2, 224))}


def of_data():
    a_file("MICRO2D_homogenized.h5", count=40)
    return {"images": some_images(1000, 256)[:, 0].astype(np.uint8), "hardness": np.arange(1000.0)}


def of_design():
    a_network("runs/sharp")
    a_file("runs/generated.h5", count=80)
    return {}


def of_file_formats():
    m = tp.two_phase(some_images(1, 32)[0, 0].astype(float))
    f, counts = (
        tp.correlations(m, boundary="open", crop=9, centered=True),
        tp.pair_counts(np.ones((32, 32)), boundary="open", crop=9, centered=True),
    )
    np.savez("photo.npz", correlations=f, pair_counts=counts, shape=(32, 32), boundary="open", crop=(9, 9))
    return {}


def of_jax():
    network = lambda parameters, x: jax.nn.sigmoid(parameters * x)  # noqa: E731
    return {"images": some_images(32, 16), "held_out": some_images(4, 16), "network": network, "parameters": 1.0}


def of_journeys():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding=1), torch.nn.Sigmoid())
    images = torch.from_numpy(some_images(4, 32))
    return {"torch": torch, "tp": tp, "net": net, "images": images, "held_out": images}


def of_manifold():
    return {"images": some_images(8, 32)[:, 0]}


def of_statistics_vae():
    ResNetVAE(layout=18, size=64).save("statistics/statistics")
    return {"images": torch.from_numpy(some_images(2, 64))}


def of_texture_vae():
    config = TextureConfig(latents=64, vgg="random")
    TextureVAE(latents=64).save("textures/latents-64")
    config.write("textures/latents-64")
    return {"patches": torch.rand(2, 1, 128, 128)}


SMALLER = {
    "cess_vae": {"max_epochs=4": "max_epochs=1"},
    "data": {"crop=51": "crop=3", "PCA(40)": "PCA(4)", "num_workers=2": "num_workers=0", "workers=2": "workers=0"},
    "design": {"count=4": "count=1, starts=2, steps=2", "size=64": "size=16"},
    "jax": {"size=64": "size=16", "epochs=6": "epochs=1", "(16, 32, 48, 64, 96)": "(4,)"},
    "manifold": {"VGG19.load(vgg19_normalised(), ": "VGG19.random(", "iterations=500": "iterations=2"},
}
PAGES = {path.stem: re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL) for path in sorted(DOCS.glob("*.md"))}


@pytest.mark.long_on_jax
@pytest.mark.parametrize("page", [name for name, blocks in PAGES.items() if blocks and name not in IN_EXECUTED_PAGES])
def test_blocks_run(page, tmp_path, monkeypatch, unchecked):
    monkeypatch.chdir(tmp_path)
    names = globals().get(f"of_{page}", dict)()
    for text in PAGES[page]:
        for given, smaller in SMALLER.get(page, {}).items():
            text = text.replace(given, smaller)
        exec(compile(text, f"{page}.md", "exec"), names)
    whole = "".join(PAGES[page])
    assert [given for given in SMALLER.get(page, {}) if given not in whole] == []


def test_the_loop_is_the_same_but_for_the_arrays_and_its_loss_falls(unchecked, capsys):
    """The page's three blocks, torch, JAX and numpy."""
    blocks = PAGES["loss_in_a_loop"]
    assert len(blocks) == 3
    lines = [[line.split("  #")[0] for line in text.splitlines()] for text in blocks]
    shared = [[line for line in text if line.startswith(("known", "before", "after", "print"))] for text in lines]
    assert shared[0] == shared[1] == shared[2]
    for text in blocks:
        exec(compile(text, "loss_in_a_loop.md", "exec"), {})
        before, after = re.search(r"excess CESS (\S+) -> (\S+)", capsys.readouterr().out).groups()
        assert 0 < float(after) < float(before) / 2


def test_drawings_are_those_of_the_imports(tmp_path):
    done = subprocess.run([sys.executable, DOCS / "architecture.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("docs", "tests", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("gallery", "_build", "__pycache__", "*.safetensors"))
    losses = tmp_path / "src/twopoint/losses/style.py"
    losses.write_text(losses.read_text() + "\nfrom ..synthetic import circles\n")
    told = subprocess.run([sys.executable, tmp_path / "docs/architecture.py", "--check"], capture_output=True, text=True)
    assert (told.returncode, told.stdout.split(":")[0]) == (1, "architecture_twopoint.svg")


def test_pictures_have_texts():
    pictures = [(path.name, text) for path in DOCS.glob("*.md") for text in re.findall(r"!\[(.*?)\]\(", path.read_text(), re.DOTALL)]
    assert len(pictures) > 20
    assert [name for name, text in pictures if len(text) < 15] == []
    shown = [line for path in DOCS.glob("*.md") for line in path.read_text().splitlines() if line.startswith("Show(")]
    assert [line for line in shown if 'alt="' not in line] == []


def test_tables_are_those_of_the_results():
    done = subprocess.run([sys.executable, DOCS / "tables.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "there", "planted"),
    [
        ("papers", "0.708 (", "0.709 ("),
        ("command_line", "| `--crop` | integer |", "| `--crop` | number |"),
        ("command_line", "| 130 |", "| 131 |"),
        ("file_formats", "| `phases[].volume_fraction` |", "| `phases[].fraction` |"),
    ],
)
def test_a_table_that_differs_is_named(tmp_path, name, there, planted):
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("images", "_build"))
    shutil.copytree(ROOT / "benchmarks/results", tmp_path / "benchmarks/results")
    shutil.copy(ROOT / "README.md", tmp_path)
    page = tmp_path / f"docs/{name}.md"
    assert there in page.read_text()
    page.write_text(page.read_text().replace(there, planted))
    command = [sys.executable, tmp_path / "docs/tables.py"]
    told = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert (told.returncode, told.stdout.split(":")[0]) == (1, f"{name}.md")
    subprocess.run(command, check=True)
    assert page.read_text() == (DOCS / f"{name}.md").read_text()


def test_every_package_that_is_needed_has_a_licence(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import licences

    page = (DOCS / "licences.md").read_text()
    rows = dict(re.findall(r"^\| (\S+) \| (.+?) \| .+ \|$", page.split("| licence |")[1], re.MULTILINE))
    named = {name: ", ".join(f"`{extra}`" for extra in extras) or "always" for name, extras in licences.direct().items()}
    assert {name: rows.get(name) for name in named} == named
    assert "not stated" not in page
    assert licences.licence("numpy").startswith("BSD")
    assert licences.canonical("Dask[array]>=2024.12") == "dask"
    assert "dask" not in licences.indirect()
