"""The report of an evaluation: what it says of images with little of a phase."""

import json

import numpy as np
import pytest

from twopoint_models.cess_vae import score_rows
from twopoint_models.cess_vae.evaluation.report import write_report


@pytest.mark.long
def test_images_of_little_of_a_phase(tmp_path):
    """Three of four images have less than .05; one row loses the phase in two of them."""
    images = np.zeros((4, 1, 32, 32), np.float32)
    for i, edge in enumerate((2, 4, 6, 20)):
        images[i, 0, :edge, :edge] = 1
    rows = {"kept": lambda x: x, "lost": lambda x: np.where(x.sum((2, 3), keepdims=True) < 30, 0, x)}
    scores, items = score_rows(rows, [{"image": image, "name": "A", "index": i} for i, image in enumerate(images)])
    found = write_report(tmp_path, scores, items, rows, lambda i: images[i])
    assert found["sparse"] == {"images": 3, "shown": {"kept": 1.0, "lost": 1 / 3}}
    assert json.loads((tmp_path / "summary.json").read_text())["sparse"]["images"] == 3
    full = images[3:]
    scores, items = score_rows(rows, [{"image": full[0], "name": "A", "index": 0}])
    assert "sparse" not in write_report(tmp_path / "full", scores, items, rows, lambda i: full[i])
