"""The decoder in which noise places the grains."""

import torch

from support.textures import LIGHTNING, model
from twopoint_models.texture_vae.decoder import PLANES, Layer

pytestmark = LIGHTNING


def test_noise_places_grains_of_a_textured_decoder_alone():
    z = torch.ones(2, 3)
    plain, textured = model(), model(texture=True)
    assert torch.equal(plain.decode(z, seed=0), plain.decode(z, seed=1))
    assert not torch.equal(textured.decode(z, seed=0), textured.decode(z, seed=1))
    both = textured.decode(z, [3, 8])
    assert not torch.equal(both[0], both[1])
    torch.testing.assert_close(both[1:], textured.decode(z[:1], [8]))
    assert torch.equal(textured.sample(2, seed=5), textured.sample(2, seed=5))


def test_a_layer_of_the_textured_decoder():
    layer, x, noise = Layer(3, 2, 5), torch.randn(4, 3, 6, 6), torch.randn(4, PLANES, 6, 6)
    z, seen = torch.randn(4, 5), torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect").unfold(2, 3, 1).unfold(3, 3, 1)
    features = torch.einsum("bchwij,ocij->bohw", seen, layer.conv.weight) + layer.conv.bias[:, None, None]
    features = features + torch.einsum("bphw,op->bohw", noise, layer.share[..., 0, 0])
    centred = features - features.mean((2, 3), keepdim=True)
    unit = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
    scale, shift = (z @ layer.style.weight.T + layer.style.bias).reshape(4, 2, 2).permute(1, 0, 2)[..., None, None]
    wanted = unit * (1 + scale) + shift
    torch.testing.assert_close(layer(x, z, noise), torch.where(wanted > 0, wanted, 0.3 * wanted))
