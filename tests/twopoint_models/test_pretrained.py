"""Networks that come with the package, and folders."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import twopoint_models
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.pretrained import card, loading, names

TINY = dict(width=2, padding="circular")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A network in half precision, as it would come with the package."""
    torch.manual_seed(0)
    network = CESSVAE(**TINY)
    network.save(tmp_path / "tiny", dtype=torch.float16)
    (tmp_path / "tiny/card.md").write_text("# tiny\n")
    digest = hashlib.sha256((tmp_path / "tiny/model.safetensors").read_bytes()).hexdigest()
    (tmp_path / "hashes.json").write_text(json.dumps({"tiny": digest}))
    monkeypatch.setattr(loading, "HERE", tmp_path)
    return network.eval()


def test_what_comes_with_the_package_is_whole():
    """Weights, their hash, options and a card that says what matters; each at most 1.2 MB, all 7 MB."""
    folders = {path.parent.name for path in loading.HERE.glob("*/model.safetensors")}
    assert folders == set(names())
    sizes = [sum(file.stat().st_size for file in (loading.HERE / name).rglob("*.safetensors")) for name in names()]
    assert all(size <= 1_200_000 for size in sizes)
    assert sum(sizes) <= 7_000_000
    for name in names():
        text = card(name).lower()
        trivial = ("nearest training image", "volume fraction") if name.startswith("properties") else ("steps", "median", "blur")
        for word in ("trained on", "licence", "interval", *trivial):
            assert word in text, f"the card of {name} does not say {word}"
        network, image = twopoint_models.load(name), np.eye(224) > 0
        if name.startswith("properties"):
            found = network.predict(image[None])
            assert (found.low < found.mean).all()
            assert (found.mean < found.high).all()
            continue
        assert all(torch.isfinite(each).all() for each in network.parameters())
        found = network.reconstruct(image)
        assert found.shape == (224, 224)
        assert found.std() > 0


def test_a_network_is_loaded_by_its_name_in_single_precision(shipped):
    found = twopoint_models.load("tiny")
    assert not found.training
    for ours, theirs in zip(found.parameters(), shipped.parameters(), strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs.half().float(), rtol=0, atol=0)
    assert (names(), card("tiny")) == (["tiny"], "# tiny\n")


@pytest.mark.long
def test_jax_loads_the_same_file(shipped):
    images = (np.random.default_rng(0).random((2, 32, 48)) < 0.3).astype(int)
    ours, theirs = (twopoint_models.load("tiny", library=library).reconstruct(images) for library in ("torch", "jax"))
    assert ours.shape == images.shape
    np.testing.assert_allclose(theirs, ours, atol=2e-6)


def test_a_folder_is_loaded_too(shipped, tmp_path):
    shipped.save(tmp_path / "own")
    found = twopoint_models.load(tmp_path / "own")
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), shipped.parameters(), strict=True))


def test_images_keep_their_shape_and_are_those_of_the_network(shipped):
    labels = np.random.default_rng(0).random((2, 3, 32, 16)) < 0.4
    found = shipped.reconstruct(labels)
    assert (found.shape, found.dtype) == ((2, 3, 32, 16), np.float32)
    with torch.inference_mode():
        want = shipped(torch.from_numpy(labels[1, 2].astype(np.float32))[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found[1, 2], want, atol=1e-6)
    three = CESSVAE(phases=3, width=2)
    assert three.reconstruct(np.moveaxis(np.eye(3)[np.zeros((16, 16), int)], -1, 0)).shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((30, 32)), "divisible by 16"),
        (np.zeros(32), r"images must be numbers of the shape \(..., H, W\), got float64 of \(32,\)"),
        (np.zeros((0, 32, 32)), "images must be numbers of the shape"),
        (np.full((32, 32), "a"), "images must be numbers of the shape"),
        (np.full((32, 32), 255), "from 255 to 255"),
        (np.full((32, 32), np.nan), "from nan to nan"),
    ],
)
def test_wrong_images_are_refused(shipped, images, message):
    with pytest.raises(ValueError, match=message):
        shipped.reconstruct(images)


def test_wrong_names_and_files_are_refused(shipped, tmp_path):
    with pytest.raises(ValueError, match="name must be a folder or one of tiny, got 'small'"):
        twopoint_models.load("small")
    with pytest.raises(ValueError, match="library must be 'torch' or 'jax', got 'numpy'"):
        twopoint_models.load("tiny", library="numpy")
    with pytest.raises(ValueError, match="name must be one of tiny, got 'small'"):
        card("small")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"there is no .*empty.model.safetensors"):
        twopoint_models.load(tmp_path / "empty")
    CESSVAE(**TINY).save(tmp_path / "tiny", dtype=torch.float16)
    with pytest.raises(ValueError, match="has another sha256"):
        twopoint_models.load("tiny")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/model.safetensors").write_bytes(b"")
    (tmp_path / "other/model.json").write_text('{"network": "VGG19"}')
    with pytest.raises(ValueError, match="is of a VGG19, which torch has not; known are CESSVAE"):
        twopoint_models.load(tmp_path / "other")
    (tmp_path / "other/model.json").write_text("{")
    with pytest.raises(ValueError, match="is not what save wrote"):
        twopoint_models.load(tmp_path / "other")


def test_names_are_listed_without_a_framework():
    code = "import sys, twopoint_models.pretrained as p; p.names(); sys.exit(bool({'torch', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
