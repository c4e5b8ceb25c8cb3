"""Images of the user's, one at a time, from files, folders, MICRO2D's files, arrays and datasets."""

import numpy as np
import pytest
import torch
from PIL import Image

from support.cli_harness import blobs, photograph
from twopoint_models import open_images
from twopoint_models.arrays import array_of
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.data import MICRO2D, MICRO2DWriter


@pytest.fixture
def labels():
    return np.stack([blobs((32, 32), seed=i) for i in range(4)])


def test_all_sources_give_the_same_images(labels, tmp_path):
    (tmp_path / "m").mkdir()
    for i, each in enumerate(labels):
        Image.fromarray((255 * each).astype(np.uint8)).save(tmp_path / f"m/a{i}.png")
    with MICRO2DWriter(tmp_path / "own.h5", {"A": 4}, size=32) as writer:
        writer.write("A", labels)
    sources = {
        "folder": tmp_path / "m",
        "files": [tmp_path / f"m/a{i}.png" for i in range(4)],
        "pattern": f"{tmp_path}/m/*.png",
        "MICRO2D": str(tmp_path / "own.h5"),
        "array": labels,
        "tensor": torch.from_numpy(labels),
        "dataset": MICRO2D(tmp_path / "own.h5", size=None),
        "list": [each[None] for each in labels],
    }
    model = CESSVAE(width=2).eval()
    expected = model.encode(labels)[0]
    for name, source in sources.items():
        images = open_images(source)
        assert (len(images), images[1].dtype) == (4, np.uint8), name
        assert (np.asarray(images) == labels).all(), name
        np.testing.assert_allclose(model.encode(images)[0], expected, rtol=1e-6, err_msg=name)
        if name != "tensor":  # a tensor (B, 1, H, W) keeps its gradients
            np.testing.assert_allclose(model.encode(source)[0].reshape(expected.shape), expected, rtol=1e-6, err_msg=name)
            np.testing.assert_allclose(model.reconstruct(source).reshape(labels.shape), model.reconstruct(labels), atol=1e-6, err_msg=name)
    assert len(open_images([*sources["files"], str(tmp_path / "own.h5"), str(tmp_path / "m/a1.png")])) == 9
    assert open_images(labels)[1:3].names == ["1", "2"]


def test_labels_of_files_become_memberships_where_a_network_has_more_phases(tmp_path):
    labels = np.stack([blobs((32, 16), phases=3, seed=i) for i in range(3)])  # as many images as phases
    for i, each in enumerate(labels):
        np.save(tmp_path / f"a{i}.npy", each)
    model = CESSVAE(phases=3, width=2).eval()
    expected = model.encode((labels[:, None] == np.arange(3)[:, None, None]).astype(float))[0]
    np.testing.assert_allclose(model.encode(tmp_path)[0], expected, rtol=1e-6)
    np.save(tmp_path / "a3.npy", blobs((32, 16), phases=4))
    with pytest.raises(ValueError, match="images must have 3 phases, got the label 3"):
        model.encode(tmp_path)
    gray = (255 * np.linspace(0, 1, 1024).reshape(32, 32)).astype(np.uint8)
    Image.fromarray(gray).save(tmp_path / "gray.png")
    found = array_of(tmp_path / "gray.png", 1, gray=True)
    np.testing.assert_allclose(found[0], gray / 255, rtol=1e-6)


def test_gray_values_are_kept_where_a_network_takes_them(labels, tmp_path):
    image = photograph(labels[0])
    Image.fromarray(image).save(tmp_path / "a.png")
    found = open_images(tmp_path / "a.png", gray=True)[0]
    np.testing.assert_allclose(found, image / 255, rtol=1e-6)
    np.save(tmp_path / "b.npy", image.astype(np.uint16) * 100)
    found = open_images(tmp_path / "b.npy", gray=True)[0]
    assert (found.min(), found.max()) == (0, 1)
    cut = open_images(tmp_path / "a.png", threshold="90")[0]
    assert (cut == (image > 90)).all()


def test_what_is_no_image_is_refused(labels, tmp_path):
    with pytest.raises(ValueError, match="images must be one or more, got none"):
        open_images(np.zeros((0, 4, 4)))
    with pytest.raises(ValueError, match="must hold labels of phases, 0 to 7"):
        open_images(labels * 0.5)[0]
    with pytest.raises(ValueError, match="image 0 must be finite numbers"):
        open_images(np.full((1, 4, 4), np.nan))[0]
    with pytest.raises(ValueError, match="images must have one size for one array, got 2"):
        np.asarray(open_images([labels[0], labels[0, :16]]))
    with pytest.raises(ValueError, match="No such file"):
        open_images(str(tmp_path / "nowhere.png"))[0]
    np.save(tmp_path / "v.npy", blobs((8, 8, 8)))
    with pytest.raises(ValueError, match="is a volume of"):
        open_images(tmp_path / "v.npy")[0]


def test_arrays_of_networks_of_other_sizes():
    model = CESSVAE(width=2, padding="circular").eval()
    image = blobs((40, 24))
    with pytest.raises(ValueError, match="divisible by 16"):
        model.encode(image)
    mean, log_variance = model.encode(image, pad=True)
    assert mean.shape == log_variance.shape == (1, 3, 2)
    assert model.decode(mean).shape == (48, 32)
    found = model.reconstruct(image, pad=True)
    np.testing.assert_allclose(found, model.decode(mean)[:40, :24], atol=1e-6)
    tensor = torch.from_numpy(image[:32, :16].astype(np.float32))[None, None]
    with torch.inference_mode():
        np.testing.assert_allclose(model.encode(image[:32, :16])[0], model.encode(tensor)[0][0].numpy(), atol=1e-6)
    with pytest.raises(ValueError, match="latents must be finite numbers with 3 axes"):
        model.decode(np.full((1, 2, 2), np.nan))
