"""Encodings, similarities and correlations of patches."""

import numpy as np
import pytest
import torch

from support.textures import LIGHTNING, config, patches
from twopoint_models.evaluation.similarity import stsim2
from twopoint_models.texture_vae import (
    code,
    correlations_with,
    encodings,
    similarities,
)
from twopoint_models.texture_vae.evaluate import parameters_of
from twopoint_models.texture_vae.tables import named_latents
from twopoint_models.texture_vae.train import make_vgg, new_texture_vae

pytestmark = LIGHTNING


def test_codes_are_the_networks(folder):
    run, (given, _) = config(texture=True), patches(folder)
    network, vgg, calls = new_texture_vae(run).eval(), make_vgg(run), []
    found = code(network, encodings(vgg, given, progress=lambda *at: calls.append(at)))
    assert calls[-1] == (len(given), len(given))
    features = vgg(torch.from_numpy(given[-1:]))[-1]
    mean, _log_variance = network.encode(features)
    np.testing.assert_allclose(found.mean[-1:], mean.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.reconstructions[-1:], network.decode(mean, [len(given) - 1]).detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        found.kl.sum(), 0.5 * (found.mean**2 + np.exp(found.log_variance) - 1 - found.log_variance).sum(1).mean(), rtol=1e-5
    )
    with pytest.raises(ValueError, match=r"patches must have the shape \(n, 1, H, W\), n at least 1, got \(0, 1, 32, 32\)"):
        encodings(vgg, given[:0])
    with pytest.raises(ValueError, match=r"features must have the shape \(batch, 512, 1, 1\), got \(1, 512, 2, 2\)"):
        code(network, encodings(vgg, np.zeros((1, 1, 64, 64), np.float32)))


@pytest.mark.long
def test_similarities_of_pairs():
    rng = np.random.default_rng(0)
    (a, b), seen = rng.random((2, 18, 1, 64, 64), dtype=np.float32), []
    found = similarities(a, b, progress=lambda *at: seen.append(at))
    assert seen == [(16, 18), (18, 18)]
    assert set(found) == {"STSIM-2", "STSIM-2 local"}
    np.testing.assert_allclose(found["STSIM-2"], stsim2(torch.from_numpy(a), torch.from_numpy(b)), rtol=1e-5)
    np.testing.assert_allclose(similarities(a, a)["STSIM-2 local"], 1, rtol=1e-5)
    assert set(similarities(a, b, lambda x, y: (x - y).mean((1, 2, 3)))) == {"DISTS", *found}
    with pytest.raises(ValueError, match="one shape"):
        similarities(a, b[:3])


def test_correlations_are_pearsons():
    rng = np.random.default_rng(0)
    latents, parameter = rng.normal(size=(50, 3)), rng.normal(size=50)
    latents[:, 1] = -2 * parameter + 1
    latents[:, 2] = 7
    parameter[:5] = np.nan
    found = correlations_with(latents, {"p": parameter})
    assert found[0, 0] == pytest.approx(np.corrcoef(latents[5:, 0], parameter[5:])[0, 1])
    assert found[0, 1] == pytest.approx(-1)
    assert found[0, 2] == 0
    assert named_latents(found, ["p"]) == {"1": {"p": pytest.approx(-1)}}
    with pytest.raises(ValueError, match="parameters must be one at least"):
        correlations_with(latents, {})
    with pytest.raises(ValueError, match=r"for three patches at least, got .* for 'q'"):
        correlations_with(latents, {"q": np.full(50, np.nan)})


def test_parameters_by_name():
    found = parameters_of([{"radius": 12.0}, {"radius": 24.0, "thickness": 3}, {"radius": 48.0}])
    assert list(found) == ["radius of the casting"]
    assert found["radius of the casting"].tolist() == [12, 24, 48]
