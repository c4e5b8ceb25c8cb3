"""Blocks that networks share."""

import torch

from twopoint_models.nets.blocks import conv, latent_noise


def test_a_circular_convolution_is_that_of_torch():
    torch.manual_seed(0)
    layer, wanted = conv(3, 4, "circular"), torch.nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")
    wanted.load_state_dict(layer.state_dict())
    for size in ((5, 4), (1, 7), (8, 8)):
        x = torch.rand(2, 3, *size)
        torch.testing.assert_close(layer(x), wanted(x))


def test_latent_noise_hangs_on_each_sample_alone():
    noise = latent_noise(range(2000), (2, 5), seed=3, epoch=1)
    assert torch.equal(latent_noise([7, 2], (2, 5), seed=3, epoch=1), noise[[7, 2]])
    others = [latent_noise(range(2000), (2, 5), seed=s, epoch=e) for s, e in ((3, 2), (4, 1), (1, 3))]
    assert all(abs(torch.corrcoef(torch.stack([noise.flatten(), other.flatten()]))[0, 1]) < 0.03 for other in others)
    assert abs(noise.mean()) < 0.03
    assert abs(noise.std() - 1) < 0.03
    assert abs(torch.corrcoef(torch.stack([noise[:-1].flatten(), noise[1:].flatten()]))[0, 1]) < 0.03  # neighbours
