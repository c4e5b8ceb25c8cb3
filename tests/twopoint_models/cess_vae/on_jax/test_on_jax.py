"""The CESS VAE in JAX: torch's network to the bit of its files, torch's loss, runs that go on, several devices."""

import csv
import json
import math
import os
import shutil
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from twopoint_models.cess_vae import CESSVAE as TorchVAE
from twopoint_models.cess_vae import CESSConfig, on_jax
from twopoint_models.cess_vae.losses import Loss
from twopoint_models.cess_vae.on_jax.steps import latent_noise, make_optimiser, reconstruction_error
from twopoint_models.nets.blocks import noise_planes

WIDE = (4, 6, 8, 10, 12)
RNG = np.random.default_rng(0)
IMAGES = (RNG.random((20, 1, 32, 32)) < 0.3).astype(np.float32)


def config(**changes):
    return on_jax.JAXConfig(**(dict(size=32, width=(4,), batch_size=8, epochs=2, restart_every=1, learning_rate=1e-2) | changes))


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(*(jax.tree.leaves(eqx.filter(m, eqx.is_array)) for m in (a, b)), strict=True))


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(
    "options",
    [
        dict(width=WIDE, depth=2),
        dict(width=4, padding="circular", phases=3, latent_channels=2),
        dict(width=4, sharpness=3.0, decoder_depth=(1, 2, 3, 1, 2)),
    ],
)
def test_files_and_reconstructions_are_torchs(tmp_path, options):
    torch.manual_seed(0)
    ours = TorchVAE(**options)
    ours.save(tmp_path / "torch")
    model = on_jax.CESSVAE.load(tmp_path / "torch")
    images = RNG.random((2, model.channels, 32, 48), dtype=np.float32)
    with torch.no_grad():
        wanted = ours(torch.from_numpy(images)).numpy()
        mean, log_variance = (x.numpy() for x in ours.encode(torch.from_numpy(images)))
    compiled = eqx.filter_jit(lambda model, x: (model(x), *model.encode(x)))(model, images)
    for found, known in zip(compiled, (wanted, mean, log_variance), strict=True):
        np.testing.assert_allclose(found, known, atol=1e-6)
    model.save(tmp_path / "jax")
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "jax" / name).read_bytes()[-64:] == (tmp_path / "torch" / name).read_bytes()[-64:]
    back = TorchVAE.load(tmp_path / "jax").state_dict()
    assert all(torch.equal(back[name], tensor) for name, tensor in ours.state_dict().items())


def test_a_textured_decoder_is_torchs_with_the_same_noise(tmp_path):
    torch.manual_seed(0)
    ours = TorchVAE(width=WIDE, texture=True, decoder_depth=(1, 2, 2, 2, 1), padding="circular", phases=3)
    ours.save(tmp_path / "torch")
    model, latents = on_jax.CESSVAE.load(tmp_path / "torch"), RNG.normal(size=(2, 1, 2, 3)).astype(np.float32)
    planes = [jnp.asarray(plane[0].numpy()) for plane in noise_planes([0], (2, 3), 5, seed=7)]
    with torch.no_grad():
        wanted = ours.decode(torch.from_numpy(latents), seed=7).numpy()
    np.testing.assert_allclose(model.decode(latents, planes), wanted, atol=1e-6)
    model.save(tmp_path / "jax")
    back = TorchVAE.load(tmp_path / "jax").state_dict()
    assert all(torch.equal(back[name], tensor) for name, tensor in ours.state_dict().items())
    decoded = [np.asarray(model.decode(latents, seed=seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(decoded[0], decoded[1])
    assert abs(decoded[0] - decoded[2]).max() > 1e-4


def test_first_shares_of_noise_are_spread_as_torchs():
    model = on_jax.CESSVAE(width=64, texture=True, key=jax.random.key(3))
    shares = np.concatenate([np.ravel(layer.share) for layer in model.decoder.layers if hasattr(layer, "share")])
    assert shares.shape == (5 * 64,)
    assert shares.std() == pytest.approx(0.1, rel=0.15)
    assert [leaf for layer in model.encoder.layers if hasattr(layer, "share") for leaf in [layer.share]] == [None] * 5


def test_first_weights_are_spread_as_torchs():
    model = on_jax.CESSVAE(width=32, key=jax.random.key(3))
    weight = np.asarray(model.encoder.layers[2].conv.weight)
    bound = (9 * 32) ** -0.5
    assert abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.02)


def test_bad_networks(tmp_path):
    key = jax.random.key(0)
    for options, told in (
        (dict(width=(4, 4)), "width one number or five"),
        (dict(padding="same"), "padding must be"),
        (dict(depth=0), "depth"),
        (dict(decoder_depth=(1, 2)), "decoder_depth must be five numbers"),
        (dict(sharpness=-1.0), "sharpness must be finite, 0 or more"),
        (dict(sharpness=1.0, phases=3), "0 for more than two phases"),
    ):
        with pytest.raises(ValueError, match=told):
            on_jax.CESSVAE(**options, key=key)
    model = on_jax.CESSVAE(width=4, key=key)
    with pytest.raises(ValueError, match=r"images must be \(batch, 1, H, W\), H and W divisible by 16, got \(2, 1, 20, 32\)"):
        model.encode(jnp.zeros((2, 1, 20, 32)))
    with pytest.raises(ValueError, match=r"latents must be \(batch, 1, h, w\)"):
        model.decode(jnp.zeros((1, 2, 2, 2)))
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        on_jax.CESSVAE.load(tmp_path)
    model.save(tmp_path / "a")
    whole = (tmp_path / "a/model.safetensors").read_bytes()
    (tmp_path / "a/model.safetensors").write_bytes(whole[:-20])
    with pytest.raises(ValueError, match="is cut short"):
        on_jax.CESSVAE.load(tmp_path / "a")
    (tmp_path / "a/model.safetensors").write_bytes(whole)
    told = json.loads((tmp_path / "a/model.json").read_text())
    (tmp_path / "a/model.json").write_text(json.dumps(told | {"options": told["options"] | {"width": 5}}))
    with pytest.raises(ValueError, match=r"is of another network: .* does not fit"):
        on_jax.CESSVAE.load(tmp_path / "a")
    (tmp_path / "a/model.json").write_text(json.dumps(told | {"network": "VGG"}))
    with pytest.raises(ValueError, match="is of a VGG"):
        on_jax.CESSVAE.load(tmp_path / "a")


@pytest.mark.parametrize("name", ["mse", "cess", "mse_cess", "crop", "cumulative"])
def test_losses_are_torchs(name):
    logits = RNG.normal(size=(3, 1, 32, 32)).astype(np.float32)
    network = TorchVAE(width=4)
    wanted = Loss(name, CESSConfig(size=32, alpha=2.0), network)(torch.from_numpy(logits), torch.from_numpy(IMAGES[:3])).item()
    ours = config(loss=name, alpha=2.0)
    found = reconstruction_error(ours, jax.nn.sigmoid(jnp.asarray(logits)), jnp.asarray(IMAGES[:3]))
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_optimiser_is_torchs():
    """Twenty slopes, some clipped, over two restarts of the cosine; to 1 %, for optax finds the first rectifications in float32."""
    slopes = RNG.normal(size=(20, 5)).astype(np.float32) * np.geomspace(0.01, 1, 20, dtype=np.float32)[:, None]
    ours = make_optimiser(config(learning_rate=1.0, gradient_clip=1.0, epochs=2, restart_every=1), 10)
    x, weight = jnp.ones(5), torch.ones(5, requires_grad=True)
    state, optimiser = ours.init(x), torch.optim.RAdam([weight], 1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimiser, 10)
    for slope in slopes:
        change, state = ours.update(jnp.asarray(slope), state, x)
        x = x + change
        weight.grad = torch.from_numpy(slope.copy())
        torch.nn.utils.clip_grad_norm_([weight], 1.0)
        optimiser.step()
        schedule.step()
    moved = weight.detach().numpy() - 1
    np.testing.assert_allclose(np.asarray(x) - 1, moved, atol=1e-2 * abs(moved).max())
    assert abs(moved).max() > 0.1


def test_noise_is_the_images_own():
    all_of_them = latent_noise(1, 2, jnp.arange(4), (1, 2, 2))
    np.testing.assert_array_equal(latent_noise(1, 2, jnp.asarray([3]), (1, 2, 2))[0], all_of_them[3])
    assert not np.array_equal(latent_noise(1, 3, jnp.arange(4), (1, 2, 2)), all_of_them)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was not killed, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return on_jax.train(config(), folder, IMAGES, IMAGES[:5]), folder


@pytest.mark.long
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path, whole):
    whole, folder = whole
    on_jax.CESSVAE(width=4, padding=config().padding, key=jax.random.key(config().seed)).save(
        tmp_path / "gone"
    )  # what a run begins with that is given none
    run = config(start=str(tmp_path / "gone"))

    def kill(done, total, loss):
        assert (total, math.isfinite(loss)) == (4, True)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_jax.train(run, tmp_path / "killed", IMAGES, IMAGES[:5], progress=kill)
    shutil.rmtree(tmp_path / "gone")
    assert not (tmp_path / "killed/model.json").exists()
    with pytest.raises(ValueError, match=r"images must be those that .*killed was begun with, 20, got 16"):
        on_jax.train(run, tmp_path / "killed", IMAGES[:16])
    steps = []
    resumed = on_jax.train(
        run,
        tmp_path / "killed",
        IMAGES,
        IMAGES[:5].astype(bool),
        progress=lambda done, *_: steps.append(done),
    )
    assert steps == [3, 4]
    assert same(whole, resumed)
    assert rows(folder) == rows(tmp_path / "killed")
    assert [row["epoch"] for row in rows(tmp_path / "killed")] == [0, 1]
    assert {"loss", "kl", *(f"validation_{x}" for x in ("mse", "cess", "cumulative", "thresholded"))} < set(rows(tmp_path / "killed")[0])
    assert same(on_jax.train(run, tmp_path / "killed", IMAGES, progress=lambda *_: pytest.fail("trained again")), whole)
    with pytest.raises(ValueError, match=r"holds a run with epochs 2, not 5; give another folder"):
        on_jax.train(run.changed(epochs=5), tmp_path / "killed", IMAGES)
    (tmp_path / "killed/model.safetensors").unlink()
    checkpoint = tmp_path / "killed/checkpoint.eqx"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"checkpoint\.eqx is cut short or no checkpoint of this run"):
        on_jax.train(run, tmp_path / "killed", IMAGES)


def test_bad_runs(tmp_path):
    for images, changes, told in (
        (IMAGES * 255, {}, r"images must be memberships .* divide gray values by 255"),
        (IMAGES[:4], {}, "images must fill a batch of 8, got 4"),
        (IMAGES, {"phases": 3}, r"images must be \(n, 3, H, W\), H and W divisible by 16, n above 0, got \(20, 1, 32, 32\)"),
        (IMAGES[..., :20], {}, "images must be"),
    ):
        with pytest.raises(ValueError, match=told):
            on_jax.train(config(**changes), tmp_path / "none", images)
    with pytest.raises(ValueError, match="validation must be"):
        on_jax.train(config(), tmp_path / "none", IMAGES, IMAGES[:0])
    assert not (tmp_path / "none").exists()
    for changes, told in (
        (dict(size=60), "size must be divisible by 16"),
        (dict(width=(4, 4)), "width must be one number of channels, or five"),
    ):
        with pytest.raises(ValueError, match=told):
            config(**changes)
    TorchVAE(width=6).save(tmp_path / "other")
    with pytest.raises(ValueError, match=r"start must hold a network of .*'width': 4"):
        on_jax.train(config(start=str(tmp_path / "other")), tmp_path / "a", IMAGES)
    with pytest.raises(ValueError, match="loss must be one of"):
        config(loss="style")


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    broken = TorchVAE(width=4, padding="circular")
    with torch.no_grad():
        broken.decoder[0].weight[0, 0, 0, 0] = torch.nan
    broken.save(tmp_path / "broken")
    with pytest.raises(on_jax.NotFiniteError, match=r"loss is .*nan.* in epoch 0, step 0, for the images \[.*the last checkpoint is kept"):
        on_jax.train(config(start=str(tmp_path / "broken")), tmp_path / "a", IMAGES)


SEVERAL = """
import sys, jax, numpy as np
from twopoint_models.cess_vae import on_jax
assert "torch" not in sys.modules
images = (np.random.default_rng(0).random((20, 1, 32, 32)) < 0.3).astype(np.float32)
options = dict(size=32, width=(4,), epochs=2, restart_every=1, learning_rate=1e-2)
on_jax.train(on_jax.JAXConfig(**options, batch_size=8), sys.argv[1], images, images[:5])
try:
    on_jax.train(on_jax.JAXConfig(**options, batch_size=6), sys.argv[1] + "b", images)
except ValueError as error:
    print(jax.device_count(), error)
"""


@pytest.mark.long
def test_several_devices_give_what_one_gives_and_torch_is_not_needed(tmp_path, whole):
    several = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", SEVERAL, str(tmp_path)]
    printed = subprocess.run(command, env=several, capture_output=True, text=True, timeout=280)
    assert printed.stdout.strip() == "4 batch_size must be a multiple of the 4 devices, got 6", printed.stderr
    for one, four in zip(rows(whole[1]), rows(tmp_path), strict=True):
        assert four == pytest.approx(one, rel=1e-4)
