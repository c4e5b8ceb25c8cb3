"""The network of the texture VAE."""

import json

import pytest
import torch

from support.textures import LIGHTNING, model
from twopoint_models.texture_vae import (
    TextureConfig,
    TextureVAE,
)

pytestmark = LIGHTNING


@pytest.mark.parametrize("texture", [False, True])
@pytest.mark.parametrize(("latents", "size"), [(8, 32), (64, 64)])
def test_shapes(latents, size, texture):
    network = model(latents=latents, size=size, texture=texture)
    mean, log_variance = network.encode(torch.rand(2, 512, size // 32, size // 32))
    assert mean.shape == log_variance.shape == (2, latents)
    made = network.decode(mean)
    assert made.shape == (2, 1, size, size)
    assert 0 <= made.min() <= made.max() <= 1


def test_the_decoder_is_the_papers():
    kinds = [type(each).__name__ for each in model().decoder]
    assert kinds == ["Linear", "Unflatten", "LeakyReLU", *["Conv2d", "Upsample", "LeakyReLU"] * 4, "Conv2d", "Sigmoid"]
    assert {each.negative_slope for each in model().decoder if isinstance(each, torch.nn.LeakyReLU)} == {0.3}
    assert {each.kernel_size for each in model().decoder if isinstance(each, torch.nn.Conv2d)} == {(3, 3)}


def test_a_traversal_changes_one_latent():
    network, z = model(), torch.tensor([0.5, -1.0, 2.0])
    made = network.traverse(z, 1, [-4.0, -1.0, 4.0])
    torch.testing.assert_close(made[1:2], network.decode(z[None]))
    torch.testing.assert_close(made[2:], network.decode(torch.tensor([[0.5, 4.0, 2.0]])))


def test_saved_and_loaded(tmp_path):
    network, features = model(texture=True), torch.rand(2, 512, 1, 1)
    network.save(tmp_path)
    assert torch.equal(TextureVAE.load(tmp_path)(features), network(features))


def test_a_latent_size_that_does_not_fit_is_refused(tmp_path):
    model(latents=3).save(tmp_path)
    told = json.loads((tmp_path / "model.json").read_text())
    told["options"]["latents"] = 8
    (tmp_path / "model.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"of another network: .*\(3, 512\), expected \(8, 512\)"):
        TextureVAE.load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(size=48), "size must be divisible by 32, got 48"),
        (dict(size=0), "size must be an integer of 32 or more"),
        (dict(latents=0), "latents must be an integer of 1 or more"),
        (dict(width=(4, 4)), "width must be 5 numbers"),
    ],
)
def test_options_that_mean_nothing(options, message):
    with pytest.raises(ValueError, match=message):
        model(**options)


def test_inputs_of_other_shapes():
    network = model()
    with pytest.raises(ValueError, match=r"features must have the shape \(batch, 512, 1, 1\), got \(2, 512, 2, 2\)"):
        network.encode(torch.zeros(2, 512, 2, 2))
    with pytest.raises(ValueError, match=r"latents must have the shape \(batch, 3\)"):
        network.decode(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="keys must be one, or 2"):
        network.decode(torch.zeros(2, 3), [1, 2, 3])
    with pytest.raises(ValueError, match="dimension must be from 0 to 2, got 3"):
        network.traverse(torch.zeros(3), 3, [0.0])
    with pytest.raises(ValueError, match=r"latents must have the shape \(3,\)"):
        network.traverse(torch.zeros(1, 3), 0, [0.0])


def test_scale_of_features_and_first_gray_value(tmp_path):
    features = torch.rand(2, 512, 1, 1, generator=torch.Generator().manual_seed(0))
    plain, scaled = (model(scaled=each) for each in (False, True))
    difference = [network.encode(features)[0] - network.mean.bias for network in (plain, scaled)]
    torch.testing.assert_close(difference[0], difference[1] * 512**0.5, rtol=1e-5, atol=1e-6)
    for texture in (False, True):
        dark, bright = (model(texture=texture, gray=gray).decode(torch.zeros(1, 3)).mean() for gray in (0.2, 0.8))
        assert dark < 0.4 < 0.6 < bright
    plain.save(tmp_path)
    torch.testing.assert_close(TextureVAE.load(tmp_path).encode(features), plain.encode(features))
    with pytest.raises(ValueError, match="gray must be above 0 and below 1, got 1"):
        model(gray=1)
    with pytest.raises(ValueError, match="gray must be above 0 and below 1, got 0"):
        TextureConfig(gray=0.0)
