"""The prior that is fitted to latent images, and samples from it."""

import pytest
import torch

from twopoint_models.cess_vae import CESSVAE
from twopoint_models.cess_vae.prior import LatentPrior


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def smooth(count, size=6, seed=0):
    """Return latent images of two correlated channels, whose means vary and whose neighbours are alike."""
    white, shift = noise(count, 2, size, size, seed=seed), noise(count, 2, 1, 1, seed=seed + 1)
    field = white + 0.8 * white.roll(1, 2) + 0.3 * white.roll(1, 3)
    field = (
        field
        - field.mean((2, 3), keepdim=True)
        + torch.tensor([1.5, 0.5])[:, None, None] * shift
        + torch.tensor([2.0, -1.0])[:, None, None]
    )
    return torch.stack([field[:, 0], 0.5 * field[:, 0] + field[:, 1]], dim=1)


def none(latents):
    return torch.full_like(latents, -30.0)


def moments(latents):
    """Return means, covariances of the means of images and covariances by lag, by loops."""
    means, (_, channels, h, w) = latents.mean((2, 3)), latents.shape
    apart = latents - means[:, :, None, None]
    lags = torch.zeros(channels, channels, h, w, dtype=latents.dtype)
    for i in range(h):
        for j in range(w):
            lags[:, :, i, j] = torch.einsum("bcyx,bdyx->cd", apart.roll((-i, -j), (2, 3)), apart) / (len(latents) * h * w)
    centred = means - means.mean(0)
    return means.mean(0), centred.T @ centred / len(latents), lags


def test_it_holds_the_moments():
    latents = smooth(40)
    prior = LatentPrior.of([(part, none(part)) for part in latents.split(7)])
    for found, want in zip((prior.mean, prior.between, prior.within), moments(latents), strict=True):
        torch.testing.assert_close(found[0].double(), want, rtol=1e-5, atol=1e-6)
    assert prior.weight.tolist() == [1.0]


def two_kinds():
    """Return 150 rough latent images around 4, and 50 even ones around -4, in no order."""
    rough, even = 4 + noise(150, 1, 8, 8, seed=1), -4 + 0.01 * noise(50, 1, 8, 8, seed=2)
    return torch.cat([rough, even])[torch.randperm(200, generator=torch.Generator().manual_seed(0))]


def test_components_are_the_kinds_of_images():
    latents = two_kinds()
    prior = LatentPrior.of([(part, none(part)) for part in latents.split(40)], components=2)
    for k, kind in ((int(prior.mean[:, 0].argmax()), latents[latents.mean((1, 2, 3)) > 0]), (int(prior.mean[:, 0].argmin()), None)):
        kind = latents[latents.mean((1, 2, 3)) < 0] if kind is None else kind
        assert prior.weight[k] == pytest.approx(len(kind) / 200)
        for found, want in zip((prior.mean[k], prior.between[k], prior.within[k]), moments(kind), strict=True):
            torch.testing.assert_close(found.double(), want, rtol=1e-5, atol=1e-6)


def test_draws_are_of_the_components_that_are_chosen():
    latents = two_kinds()
    prior = LatentPrior.of([(latents, none(latents))], components=2)
    choice = torch.linspace(0, 1, 2000)
    drawn = prior.drawn(noise(2000, 1, 8, 8, seed=5), noise(2000, 1, seed=6), choice).double()
    first = prior.weight[0].item()
    kind = drawn.mean((1, 2, 3)) > 0
    assert (kind == (prior.mean[(choice > first).long(), 0] > 0)).all()
    for above, share in ((True, 0.75), (False, 0.25)):
        assert (kind == above).double().mean() == pytest.approx(share, abs=1e-3)
    assert drawn[~kind].std((2, 3)).max() < 0.02
    assert drawn[kind].std((2, 3)).min() > 0.5


def test_few_images_have_one_component():
    latents = two_kinds()[:31]
    assert len(LatentPrior.of([(latents, none(latents))], components=16).weight) == 1
    assert 1 < len(LatentPrior.of([(two_kinds(), none(two_kinds()))], components=16).weight) <= 12


def test_the_variance_of_a_latent_counts():
    latents = smooth(40)
    log_variance = torch.zeros_like(latents)
    log_variance[:, 1] = 1.0
    found = (LatentPrior.of([(latents, log_variance)]).within - LatentPrior.of([(latents, none(latents))]).within)[0]
    torch.testing.assert_close(
        found[..., 0, 0].double(), torch.diag(torch.tensor([1.0, torch.e], dtype=torch.float64)), rtol=1e-4, atol=1e-5
    )
    assert found.flatten(2)[..., 1:].abs().max() < 1e-6


@pytest.mark.parametrize("size", [(6, 6), (12, 12), (6, 10), (4, 4), (1, 1)])
def test_draws_have_the_moments(size):
    """Those of the fit for its own size; for others the means, the variance and the covariance of neighbours, faded by a third."""
    prior = LatentPrior.of([(latents := smooth(400), none(latents))]).double()
    drawn = prior.drawn(noise(20_000, 2, *size, seed=5), noise(20_000, 2, seed=6), torch.rand(20_000))
    mean, between_all, within_all = prior.mean[0], prior.between[0], prior.within[0]
    torch.testing.assert_close(drawn.mean((0, 2, 3)), mean, rtol=0.05, atol=0.05)
    if size == (6, 6):
        _, between, within = moments(drawn)
        torch.testing.assert_close(between, between_all, rtol=0.05, atol=0.05)
        torch.testing.assert_close(within, within_all, rtol=0.05, atol=0.03)
    total = torch.einsum("bcyx,bdyx->cd", *[drawn - mean[:, None, None]] * 2) / drawn[:, 0].numel()
    torch.testing.assert_close(total, between_all + within_all[..., 0, 0], rtol=0.06, atol=0.06)
    if size == (12, 12):
        neighbours = torch.einsum("bcyx,bdyx->cd", *[drawn.roll(-k, 2) - mean[:, None, None] for k in (1, 0)]) / drawn[:, 0].numel()
        torch.testing.assert_close(neighbours, between_all + within_all[..., 1, 0] * 2 / 3, rtol=0.06, atol=0.06)


def test_a_constant_latent_is_drawn_as_it_is():
    latents = torch.full((3, 1, 4, 4), 2.5)
    drawn = LatentPrior.of([(latents, torch.full_like(latents, -30.0))]).drawn(torch.randn(2, 1, 8, 4), torch.randn(2, 1), torch.rand(2))
    torch.testing.assert_close(drawn, torch.full_like(drawn, 2.5))


def test_bad_latents_are_refused():
    with pytest.raises(ValueError, match="encoded must hold two latent images or more, got 1"):
        LatentPrior.of([(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))])
    with pytest.raises(ValueError, match=r"latent images of one size, got \(2, 2\) and \(2, 4\)"):
        LatentPrior.of([(torch.zeros(1, 1, *size), torch.zeros(1, 1, *size)) for size in ((2, 2), (2, 4))])


def test_samples_of_a_network_come_from_its_prior(tmp_path):
    torch.manual_seed(0)
    model = CESSVAE(width=4, padding="circular").eval()
    plain = model.sample(2, 32, seed=3)
    with pytest.raises(ValueError, match="prior must be 'normal', for this network has no fitted one"):
        model.sample(2, 32, prior="fitted")
    with pytest.raises(ValueError, match="prior must be 'fitted' or 'normal', got 'flat'"):
        model.sample(2, 32, prior="flat")
    images = torch.rand(8, 1, 32, 48).round()
    model.fit_prior(images.split(3))
    assert model.config["prior"] == [1, 2, 3]
    drawn = model.sample(2, 32, seed=3)
    assert not torch.equal(drawn, plain)
    assert torch.equal(model.sample(2, 32, seed=3, prior="normal"), plain)
    assert torch.equal(model.sample(2, 32, seed=3, prior="fitted"), drawn)
    assert tuple(model.sample(1, (64, 16)).shape) == (1, 1, 64, 16)
    model.save(tmp_path)
    assert torch.equal(CESSVAE.load(tmp_path).sample(2, 32, seed=3), drawn)
    assert torch.equal(model.changed(sharpness=0.0).sample(2, 32, seed=3), drawn)


def test_jax_loads_a_network_with_a_prior(tmp_path):
    on_jax = pytest.importorskip("twopoint_models.cess_vae.on_jax")
    model, images = CESSVAE(width=4).eval(), torch.rand(4, 1, 32, 32).round()
    model.fit_prior([images])
    model.save(tmp_path)
    torch.testing.assert_close(torch.from_numpy(on_jax.CESSVAE.load(tmp_path).reconstruct(images.numpy())), model(images).detach())
