"""The weight of the divergence, and what a run tells of its latent numbers."""

import csv
import warnings

import equinox as eqx
import jax
import numpy as np
import pytest
import torch

from twopoint_models.cess_vae import CESSConfig, train_cess_vae
from twopoint_models.cess_vae.config import first_half
from twopoint_models.cess_vae.on_jax import CESSVAE, JAXConfig
from twopoint_models.cess_vae.on_jax.steps import make_optimiser, make_step
from twopoint_models.cess_vae.tasks import make_task, new_network
from twopoint_models.cess_vae.train import fit, make_data
from twopoint_models.data import MICRO2DWriter
from twopoint_models.training.latents import places_of
from twopoint_models.training.tasks import divergence, divergences

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "own.h5"
    with MICRO2DWriter(path, {"A": 20}, size=32) as writer:
        writer.write("A", (rng.random((20, 32, 32)) < 0.4).astype(np.uint8))
    small = dict(size=32, width=(2,), batch_size=4, fractions=(0.5, 0.5, 0.0), accelerator="cpu", epochs=2)
    return CESSConfig(data=str(path), regime="mse", learning_rate=1e-2, **small)


def test_a_divergence_is_that_of_its_formula():
    """Against that of two normal distributions from torch."""
    mean, log_variance = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    own = torch.distributions.Normal(mean, (log_variance / 2).exp())
    want = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(divergences(mean, log_variance), want)
    torch.testing.assert_close(divergence(mean, log_variance), want.sum((1, 2, 3)).mean())


def test_a_run_writes_what_its_latent_numbers_carry(run, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*latent numbers carry")
        model = train_cess_vae(run, tmp_path / "mse", progress=False)
    data = make_data(run)
    data.setup("fit")
    images = torch.cat([batch["image"] for batch in data.val_dataloader()])
    assert len(images) == 10
    with torch.no_grad():
        mean, log_variance = model.encode(images)
    lines = list(csv.DictReader((tmp_path / "mse/latents.csv").read_text().splitlines()))
    assert [(int(line["channel"]), int(line["row"]), int(line["column"])) for line in lines] == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)]
    for name, want in (("kl", divergences(mean, log_variance)), ("posterior_deviation", (log_variance / 2).exp())):
        np.testing.assert_allclose([float(line[name]) for line in lines], want.mean(0).flatten(), rtol=1e-4)
    (metrics,) = (tmp_path / "mse/logs").glob("csv/version_0/metrics.csv")
    last = [line for line in csv.DictReader(metrics.read_text().splitlines()) if line["validation_kl_of_a_latent"]][-1]
    assert float(last["validation_kl_of_a_latent"]) == pytest.approx(float(last["validation_kl"]) / 4, rel=1e-5)
    assert float(last["validation_posterior_deviation"]) == pytest.approx((log_variance / 2).exp().mean().item(), rel=1e-4)


def test_collapsed_latent_numbers_are_named(run, tmp_path):
    """A network that gives each image the prior itself."""
    network = new_network(run)
    for each in network.encoder[-1].parameters():
        torch.nn.init.zeros_(each)
    with pytest.warns(
        UserWarning, match=r"4 of 4 latent numbers carry less than 0.01 nats: \(0, 0, 0\), \(0, 0, 1\), .*; a smaller kl_weight"
    ):
        fit(run.changed(epochs=1, learning_rate=1e-9), tmp_path / "mse", "mse", network, progress=False)


def test_the_weight_of_the_divergence_warms_up(run):
    """A third, two thirds, and the whole of it from the third epoch on."""
    task = make_task(run.changed(kl_weight=0.5, kl_warm_up=2), "mse")
    task.log_dict = lambda *_, **__: None
    error, kl, batch = torch.tensor(1.0), torch.tensor(6.0), {"image": torch.zeros(1)}
    found = []
    for epoch in range(4):
        type(task).current_epoch = property(lambda self, at=epoch: at)
        found.append(task.total(error, kl, batch).item())
    del type(task).current_epoch
    assert found == pytest.approx([2.0, 3.0, 4.0, 4.0])


def test_it_warms_up_in_the_first_half_only(run):
    both = run.changed(regime="cess_finetuned", epochs=6, kl_warm_up=2)
    assert (first_half(both).kl_warm_up, both.second_half.kl_warm_up) == (2, 0)
    assert run.changed(epochs=1, kl_warm_up=2).second_half.kl_warm_up == 2, "where there is no first half"


def test_it_warms_up_in_jax():
    images = jax.numpy.asarray(np.random.default_rng(0).integers(0, 2, (2, 1, 32, 32)), dtype="float32")
    losses = []
    for epoch, warm_up in ((0, 0), (0, 3), (1, 3), (9, 3)):
        config = JAXConfig(size=32, width=(4,), kl_weight=0.5, kl_warm_up=warm_up)
        optimiser, model = make_optimiser(config, 1), CESSVAE(width=4, key=jax.random.key(0))
        held = optimiser.init(eqx.filter(model, eqx.is_inexact_array))
        _, _, parts = make_step(config, optimiser)(model, held, images, jax.numpy.arange(2), jax.numpy.asarray(epoch))
        losses.append((float(parts["loss"]) - float(parts["reconstruction"])) / float(parts["kl"]))
    assert losses == pytest.approx([0.5, 0.125, 0.25, 0.5], rel=1e-3)


def test_places_of_latents():
    assert places_of((9,)) == ("latent",)
    assert places_of((1, 14, 14)) == ("channel", "row", "column")
