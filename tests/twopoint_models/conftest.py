"""Fixtures that several systems share."""

import numpy as np
import pytest

from twopoint_models.data import keep_micrograph


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three micrographs of 40 x 320: train 240, validation and test 40 wide."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("micrographs")
    for i, edge in enumerate((1, 4, 8)):
        image = np.kron(rng.random((40 // edge, 320 // edge)) < 0.3, np.ones((edge, edge)))
        keep_micrograph(path, f"squares of {edge}", image, {"mean_radius": edge, "volume_fraction": float(image.mean()), "kind": i})
    return path
