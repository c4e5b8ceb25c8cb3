"""Designs in several ways for the same targets: what the targets are, how designs are judged, and what each way is."""

import numpy as np
import pytest
import torch

from twopoint_models.design.compare import Aims, Made, aims_of, design_by_descent, design_by_predictor, judge_designs
from twopoint_models.homogenisation import PROPERTIES, Materials, properties_of

RNG = np.random.default_rng(0)


def test_targets_are_of_images_that_no_design_begins_from():
    values = RNG.normal(size=(20, 7))
    found = aims_of(values, [["E_x", "k_y"]], 10, seed=1)
    assert list(found) == ["E_x", "ends of E_x", "E_x, k_y"]
    np.testing.assert_allclose(found["E_x"].targets[:, 0], np.quantile(values[:, 0], np.arange(10) / 10 + 0.05))
    order = np.sort(values[:, 0])
    assert found["ends of E_x"].targets[:, 0].tolist() == [*order[:2], *order[-2:]]
    both = found["E_x, k_y"].targets
    assert found["E_x, k_y"].columns == [0, 6]
    assert {tuple(row) for row in both} <= {(row[0], row[6]) for row in values}
    assert len(np.unique(both, axis=0)) == 10
    with pytest.raises(ValueError, match=r"together must be of E_x, .* got 'E'"):
        aims_of(values, [["E"]], 10)


def test_designs_are_judged_over_the_spread_of_all_and_by_the_same_known_images():
    known = (RNG.random((6, 1, 16, 16)) < 0.5).astype(np.float64)
    values, aim = RNG.normal(size=(30, 7)), Aims(["E_y"], np.array([[1.0], [2.0], [3.0]]))
    near = Made(known[:3, 0], aim.targets + np.array([[0.0], [0.1], [-0.2]]), aim.targets + 1)
    far = Made(np.tile(np.eye(16), (3, 1, 1)), aim.targets.copy())
    found = judge_designs({"E_y": {"near": near, "far": far}}, {"E_y": aim}, known, values)["E_y"]
    spread = values.std(axis=0)[PROPERTIES.index("E_y")]
    assert found["near"]["all"] == pytest.approx(np.sqrt(0.05 / 3) / spread)
    assert found["near"]["largest"] == pytest.approx(0.2 / spread)
    assert found["near"]["soft"] == pytest.approx(1 / spread)
    low, high = found["near"]["interval"]
    assert 0 <= low < found["near"]["all"] < high <= found["near"]["largest"] + 1e-12
    assert (found["near"]["plausible"], found["far"]["plausible"]) == (3, 0)
    assert found["near"]["distance"] == pytest.approx(0, abs=1e-7)
    assert found["far"]["counted"] == pytest.approx(np.sqrt(2 / 3) / spread), "implausible ones are taken as the mean of the targets"
    assert found["near"]["limit"] == found["far"]["limit"]


def test_each_way_is_of_the_materials_and_the_nearest_is_by_all_properties():
    """The decoder gives the latent image itself, enlarged, so that a latent is the volume fraction of quarters."""
    materials, names = Materials((5.0, 1.0), conductivities=(20.0, 1.0)), ["E_x", "k_y"]
    latents = torch.from_numpy(RNG.normal(size=(8, 1, 2, 2)))

    def decode(z):
        return torch.sigmoid(3 * z).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)

    images = (decode(latents).numpy() > 0.5).astype(np.float64)
    values = np.stack([np.asarray(x) for x in properties_of(images[:, 0], names, materials)], axis=1)
    targets = (values[[5, 6]] + values[[1, 2]]) / 2
    made = design_by_descent(decode, images, latents, values, names, targets, materials=materials, starts=2, steps=2)
    assert set(made) == {"ours", "its interface moved", "nearest labelled image"}
    for each in made.values():
        assert each.labels.shape == (2, 16, 16)
        expected = np.stack([np.asarray(x) for x in properties_of(np.asarray(each.labels, float), names, materials)], axis=1)
        np.testing.assert_allclose(each.found, expected, rtol=5e-3)
    distance = (((values[:, None] - targets) / values.std(axis=0)) ** 2).sum(axis=-1)
    assert made["nearest labelled image"].found.tolist() == values[distance.argmin(axis=0)].tolist()
    ways = design_by_predictor(
        decode, lambda z: 3 - z.mean(dim=1), latents, values[:, 0], "E_x", targets[:, 0], materials=materials, steps=5
    )
    assert set(ways) == {"the paper's way", "search on the predictor"}
    for each in ways.values():
        assert each.soft.shape == (2, 1)
        np.testing.assert_allclose(each.found[:, 0], properties_of(each.labels, ["E_x"], materials)[0], rtol=1e-3)
