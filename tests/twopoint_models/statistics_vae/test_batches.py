"""Batches of images of lines."""

import numpy as np
import torch

from twopoint_models.statistics_vae import LineImages, LinesModule


def test_a_module_of_lines_shares_no_image_among_parts():
    module = LinesModule((12, 3, 5), size=48, n_lines=(1, 2), seed=1, batch_size=4)
    module.setup()
    found = {part: list(getattr(module, f"{part}_dataloader")()) for part in ("train", "val", "test", "predict")}
    indices = {part: sorted(int(i) for batch in batches for i in batch["index"]) for part, batches in found.items()}
    assert indices == {"train": [*range(12)], "val": [12, 13, 14], "test": [15, 16, 17, 18, 19], "predict": [*range(20)]}
    first = found["test"][0]
    assert (first["image"].shape, first["image"].dtype) == ((4, 1, 48, 48), torch.float32)
    assert np.array_equal(first["image"][0], LineImages(20, size=48, n_lines=(1, 2), seed=1)[15]["image"])
    assert set(first) == {"image", "orientation", "n_lines", "index"}
