"""Evaluation of networks of lines: the threshold that validation images choose, thresholds by network, and intervals."""

import numpy as np
import pytest
import torch
from torch import nn

from twopoint_models.statistics_vae import LineImages, choose_threshold, evaluate_statistics_vaes


class Copy(nn.Module):
    """A network that returns its images in other gray values, and translated."""

    latents = 2

    def __init__(self, black, white, *, encoded="image", shift=0):
        super().__init__()
        self.black, self.white, self.shift = black, white, shift
        self.config = {"encoded": encoded}

    def forward(self, images):
        return (self.black + (self.white - self.black) * images).roll((self.shift, self.shift), (2, 3))


@pytest.fixture(scope="module")
def lines():
    found = LineImages(40, size=48, n_lines=(1, 3)).stacked()
    return found["image"], {name: found[name] for name in ("orientation", "n_lines")}


def test_validation_images_choose_the_threshold(lines):
    images, labels = lines
    assert choose_threshold(Copy(0.47, 0.57), images, labels) == 0.5  # the first above black
    assert choose_threshold(Copy(0.47, 0.57), images) == 0.5
    assert choose_threshold(Copy(0.0, 0.12), images, labels) == 0.05  # from .15 on all is black


def test_each_network_has_its_threshold(lines):
    images, labels = lines
    models = {"light": Copy(0.47, 0.57), "dark": Copy(0.0, 0.12)}
    found = evaluate_statistics_vaes(models, images, images, labels, threshold={"light": 0.5, "dark": 0.05}).summary
    for name in models:
        assert found["means"][name]["volume_fraction_difference"] == 0
        assert found["means"][name]["orientation_right"] == 1
    assert found["paper_means"]["light"]["volume_fraction_difference"] == 1  # nothing is darker than .05
    assert found["paper_means"]["dark"]["volume_fraction_difference"] == 0
    low, high = found["intervals"]["light"]["number_right"]
    assert 0.8 < low <= found["means"]["light"]["number_right"] <= high <= 1
    assert found["thresholds"]["dark"] == 0.05
    with pytest.raises(ValueError, match="threshold must hold a value for each network, there is none for dark"):
        evaluate_statistics_vaes(models, images, images, labels, threshold={"light": 0.5})


def test_reconstructions_hold_no_graph(lines):
    images, labels = lines
    alone = evaluate_statistics_vaes({"light": Copy(0.47, 0.57)}, images, images, labels, threshold=0.5)
    assert torch.from_numpy(alone.reconstructions["light"]).requires_grad is False
    assert np.array_equal(alone.reconstructions["light"] < 0.5, images < 0.5)


def test_lines_of_a_network_that_encodes_statistics_may_be_translated(lines):
    images, labels = lines
    models = {each: Copy(0.0, 1.0, encoded=each, shift=24) for each in ("image", "statistics")}
    found = evaluate_statistics_vaes(models, images, images, labels, threshold=0.5).summary["means"]
    assert found["image"]["number_right"] < 0.5 < 0.95 < found["statistics"]["number_right"]
    assert found["image"]["statistics_mse"] == pytest.approx(found["statistics"]["statistics_mse"], abs=1e-12)


def test_gray_images_without_black_pixels_at_the_papers_threshold(lines):
    images, labels = lines
    gray = 0.22 + 0.78 * images
    assert choose_threshold(Copy(0.0, 1.0), gray, labels) == 0.25  # of those above .22
    found = evaluate_statistics_vaes({"copy": Copy(0.0, 1.0)}, gray, gray, labels, threshold=0.25).summary
    assert found["paper_means"] == {}
    assert found["means"]["copy"]["volume_fraction_difference"] == 0
    with pytest.raises(ValueError, match=r"images must have black pixels, one or more has none below 0\.7"):
        choose_threshold(Copy(0.0, 1.0), 0.8 + 0.2 * images, labels)
