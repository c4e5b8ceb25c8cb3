"""Blocks that networks share."""

import numpy as np
import pytest
import torch

from twopoint_models.nets.blocks import Unwrap, Wrap, conv, latent_noise


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


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 3), (5, 4)])
def test_the_border_is_that_of_numpy_and_has_all_derivatives(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    np.testing.assert_array_equal(Wrap.apply(x).detach(), np.pad(x.detach(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap"))
    for function, at in ((Wrap.apply, x), (Unwrap.apply, Wrap.apply(x).detach().requires_grad_())):
        assert torch.autograd.gradcheck(function, at)
        assert torch.autograd.gradgradcheck(lambda at, function=function: function(at**2), at)
        torch.testing.assert_close(torch.func.vmap(function)(at), function(at))
        tangent = torch.func.jvp(function, (at.detach(),), (at.detach(),))[1]
        torch.testing.assert_close(tangent, function(at))
    channels_last = x.detach().to(memory_format=torch.channels_last)
    assert Wrap.apply(channels_last).is_contiguous(memory_format=torch.channels_last)
