"""Training of the texture VAE."""

import pytest
import torch

import twopoint as tp
from support.textures import LIGHTNING, config, data, patches
from twopoint_models.nets import VGG19
from twopoint_models.nets.blocks import latent_noise
from twopoint_models.texture_vae import (
    TextureVAETask,
    code,
    encodings,
    train_texture_vae,
)
from twopoint_models.texture_vae.train import make_vgg, new_texture_vae, relative_style
from twopoint_models.training.fitting import LAST
from twopoint_models.training.tasks import sample_keys

pytestmark = LIGHTNING


def test_a_config_of_another_size_is_refused_before_anything_is_read():
    with pytest.raises(ValueError, match="size must be divisible by 32, got 48"):
        config(size=48)


def weights(network):
    return torch.cat([parameter.flatten() for parameter in network.state_dict().values()])


@pytest.mark.parametrize("relative", [False, True])
def test_a_step_is_style_loss_and_divergence(relative, folder):
    run = config(relative=relative)
    task = TextureVAETask(run, vgg=make_vgg(run))
    task.log_dict = lambda *a, **k: None
    batch = next(iter(torch.utils.data.DataLoader(_made(data(folder)), batch_size=4)))
    found = task.training_step(batch, 0)
    vgg, network = make_vgg(run), new_texture_vae(run)
    *wanted, encoded = vgg(batch["image"])
    mean, log_variance = network.encode(encoded)
    kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
    noise = latent_noise(sample_keys(batch), (3,), seed=0, epoch=0)
    *style, _ = vgg(network.decode(mean + noise * (log_variance / 2).exp()))
    apart = [(tp.gram(a) - tp.gram(b)).square().sum((1, 2)) for a, b in zip(style, wanted, strict=True)]
    shares = [each / tp.gram(b).square().sum((1, 2)) for each, b in zip(apart, wanted, strict=True)]
    torch.testing.assert_close(found, (torch.stack(shares).mean() if relative else tp.style_loss(style, wanted)) + 1e-3 * kl)
    found.backward()
    assert all(each.grad is not None for each in task.network.parameters())
    assert set(task.state_dict()) == {f"network.{name}" for name in network.state_dict()}  # VGG is no part of checkpoints


def test_a_relative_loss_of_no_features():
    some, none = torch.rand(2, 3, 4, 4, requires_grad=True), torch.zeros(2, 3, 4, 4)
    assert relative_style([none], [some]) == 1
    assert relative_style([some], [some]) == 0
    loss = relative_style([some], [none])
    (slope,) = torch.autograd.grad(loss, some)
    assert torch.isfinite(loss)
    assert torch.isfinite(slope).all()


def _made(module):
    module.setup()
    return module.train_dataloader().dataset


@pytest.mark.long
def test_a_run_leaves_a_network_and_goes_on_to_the_bit(folder, tmp_path, monkeypatch):
    run = config(epochs=3)
    whole = train_texture_vae(run, tmp_path / "a", data(folder), progress=False)
    assert (tmp_path / "a/pictures/epoch-003.png").stat().st_size > 3_000
    (table,) = (tmp_path / "a/logs/csv").rglob("metrics.csv")
    assert "validation_style" in table.read_text().splitlines()[0]
    step = TextureVAETask.training_step

    def killed(self, batch, at):
        if (self.current_epoch, at) == (2, 1):
            raise RuntimeError("killed")
        return step(self, batch, at)

    with monkeypatch.context() as patch:
        patch.setattr(TextureVAETask, "training_step", killed)
        with pytest.raises(RuntimeError, match="killed"):
            train_texture_vae(run, tmp_path / "b", data(folder), progress=False)
    assert (tmp_path / "b" / LAST).is_file()
    assert torch.equal(weights(train_texture_vae(run, tmp_path / "b", data(folder), progress=False)), weights(whole))
    with pytest.raises(ValueError, match="holds a run with latents 3, not 4"):
        train_texture_vae(config(epochs=3, latents=4), tmp_path / "a", data(folder), progress=False)


@pytest.mark.long
def test_training_brings_the_style_loss_down(folder, tmp_path):
    run = config(epochs=8, restart_every=8, learning_rate=0.2)
    trained, vgg = train_texture_vae(run, tmp_path / "a", data(folder), progress=False), make_vgg(run)
    given, _ = patches(folder)
    found = {}
    for name, network in (("before", new_texture_vae(run).eval()), ("after", trained)):
        made = torch.from_numpy(code(network, encodings(vgg, given)).reconstructions)
        found[name] = float(tp.style_loss(vgg(made)[:-1], vgg(torch.from_numpy(given))[:-1]))
    assert found["after"] < 0.5 * found["before"]


def test_weights_that_are_not_there(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        train_texture_vae(config(vgg=str(tmp_path / "none.safetensors")), tmp_path / "a", data(folder), progress=False)
    with pytest.raises(ValueError, match="vgg must return conv1_1, pool_1, pool_5, got conv1_1"):
        TextureVAETask(config(), vgg=VGG19.random(layers=("conv1_1",)))
