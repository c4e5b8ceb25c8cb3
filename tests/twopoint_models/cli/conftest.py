"""A small network and a folder of images for the commands of ``twopoint model``."""

import numpy as np
import pytest
import torch
from PIL import Image

from support import cli_harness
from twopoint_models.cess_vae import CESSVAE


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture
def network(tmp_path):
    """A CESS VAE that was not trained, in the folder net."""
    torch.manual_seed(0)
    found = CESSVAE(width=2, padding="circular").eval()
    found.save(tmp_path / "net")
    return found


@pytest.fixture
def images(tmp_path):
    """Twelve black and white images of 32 x 32 in the folder m, and their labels."""
    (tmp_path / "m").mkdir()
    labels = [cli_harness.blobs((32, 32), seed=i) for i in range(12)]
    for i, each in enumerate(labels):
        Image.fromarray((255 * each).astype(np.uint8)).save(tmp_path / f"m/a{i}.png")
    return np.stack(labels)
