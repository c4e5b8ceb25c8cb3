"""The discriminator and the training against it."""

import warnings

import numpy as np
import pytest
import torch

import twopoint as tp
from twopoint_models.cess_vae import CESSVAE, CESSConfig
from twopoint_models.cess_vae.discriminator import Discriminator
from twopoint_models.cess_vae.losses import Loss
from twopoint_models.cess_vae.tasks import AdversarialTask, make_task
from twopoint_models.cess_vae.train import make_data
from twopoint_models.data import MICRO2DWriter
from twopoint_models.training.fitting import make_trainer

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval"),
]


def discriminator(padding="circular"):
    torch.manual_seed(0)
    return Discriminator(1, (4, 6, 8, 8), padding)


def test_scores_of_a_periodic_image_move_with_it():
    images = torch.rand(2, 1, 64, 48)
    scores = discriminator().eval()(images)
    assert tuple(scores.shape) == (2, 1, 8, 6)
    moved = discriminator().eval()(images.roll((8, 16), (2, 3)))
    torch.testing.assert_close(moved, scores.roll((1, 2), (2, 3)), rtol=1e-4, atol=1e-6)
    assert tuple(discriminator("zeros")(images).shape) == (2, 1, 8, 6)


def test_a_score_sees_54_pixels():
    network, images = discriminator().eval(), torch.rand(1, 1, 128, 128, requires_grad=True)
    network(images)[0, 0, 8, 8].backward()
    seen = images.grad[0, 0].abs() > 0
    assert [int(seen.any(axis).sum()) for axis in (0, 1)] == [54, 54]


def test_each_side_gets_its_own_gradient():
    network = discriminator()
    made, images = torch.rand(2, 1, 32, 32, requires_grad=True), torch.rand(2, 1, 32, 32).round()
    network.of_reconstructions(made).backward()
    assert made.grad.abs().sum() > 0
    assert all(each.grad is None for each in network.parameters())
    made.grad = None
    network.loss(images, made).backward()
    assert made.grad is None
    assert all(each.grad.abs().sum() > 0 for name, each in network.named_parameters() if "weight" in name)


def test_the_hinge_loss_falls_to_zero_where_it_tells_them_apart():
    network = discriminator()
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    images = (torch.rand(8, 1, 32, 32) > 0.5).float()
    made = torch.full_like(images, 0.5)
    first = network.loss(images, made).item()
    for _ in range(150):
        optimiser.zero_grad()
        network.loss(images, made).backward()
        optimiser.step()
    assert network.loss(images, made).item() < 0.5 * first
    assert network(images).mean() > network(made).mean() + 0.5


def test_the_loss_without_the_discriminator_is_its_formula():
    torch.manual_seed(0)
    run = CESSConfig(regime="adversarial", size=32, width=(2,), cess_weight=3.0, cumulative_weight=5.0, means_weight=7.0)
    logits, images = torch.randn(2, 1, 32, 32, dtype=torch.float64), torch.rand(2, 1, 32, 32, dtype=torch.float64).round()
    soft, options = logits.sigmoid(), dict(implied_phase=True, excess=True)
    blocks = [x.reshape(2, 1, 4, 8, 4, 8).mean((3, 5)) for x in (soft, images)]
    want = 3 * tp.cess(soft, images, **options) + 5 * tp.cess(soft, images, cumulative=True, **options)
    want = want + 7 * ((blocks[0] - blocks[1]) ** 2).mean()
    torch.testing.assert_close(Loss("adversarial", run, CESSVAE(width=2))(logits, images), want, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "own.h5"
    with MICRO2DWriter(path, {"A": 8}, size=16) as writer:
        writer.write("A", (rng.random((8, 16, 16)) < 0.4).astype(np.uint8))
    small = dict(
        size=16, width=(2,), batch_size=4, fractions=(0.5, 0.5, 0.0), accelerator="cpu", epochs=4, discriminator_width=(2, 2, 2, 2)
    )
    return CESSConfig(data=str(path), regime="adversarial", learning_rate=1e-2, **small)


def fitted(task, run, folder, **options):
    none = dict(progress=False, logger=False, callbacks=[], enable_checkpointing=False)
    trainer = make_trainer(run, folder, **(none | options))
    trainer.fit(task, datamodule=make_data(run))
    return trainer


def test_gradients_are_clipped_by_network(run, tmp_path):
    task = make_task(run.changed(gradient_clip=0.5), "adversarial")
    assert isinstance(task, AdversarialTask)
    for each in task.parameters():
        each.grad = torch.full_like(each, 10.0)
    next(task.discriminator.parameters()).grad *= 100
    task.configure_gradient_clipping(None, 0.5)
    for network in (task.network, task.discriminator):
        norm = torch.stack([each.grad.norm() for each in network.parameters()]).norm()
        assert norm == pytest.approx(0.5, rel=1e-4)


def test_both_networks_learn_at_their_rates(run, tmp_path):
    task = make_task(run.changed(discriminator_rate=0.25), "adversarial")
    weights = lambda: [torch.cat([x.detach().flatten() for x in net.parameters()]) for net in (task.network, task.discriminator)]  # noqa: E731
    before = [each.clone() for each in weights()]
    trainer = fitted(task, run.changed(epochs=1), tmp_path)
    assert [group["initial_lr"] for group in trainer.optimizers[0].param_groups] == [1e-2, 2.5e-3]
    assert all((a != b).float().mean() > 0.3 for a, b in zip(before, weights(), strict=True))


def test_without_its_weight_there_is_no_discriminator(run, tmp_path):
    """The network learns from statistics, means and patches; the discriminator is not asked, and stays as it was."""
    task = make_task(run.changed(adversarial_weight=0.0), "adversarial")
    weights = lambda: [torch.cat([x.detach().flatten() for x in net.parameters()]) for net in (task.network, task.discriminator)]  # noqa: E731
    before = [each.clone() for each in weights()]
    task.discriminator.forward = None
    fitted(task, run.changed(epochs=1), tmp_path)
    assert [bool((a != b).any()) for a, b in zip(before, weights(), strict=True)] == [True, False]


def test_a_collapse_ends_the_training_and_the_last_good_network_stays(run, tmp_path, monkeypatch):
    task = make_task(run, "adversarial")
    weights = lambda: torch.cat([each.detach().flatten().clone() for each in task.network.parameters()])  # noqa: E731
    seen, values = [], iter([1.0, 2.5, 3.5])

    def planted(self):
        seen.append(weights())
        return next(values)

    monkeypatch.setattr(AdversarialTask, "judged", planted)
    with pytest.warns(UserWarning, match=r"collapsed: thresholded_cumulative 3.5 in epoch 2, 1 before; the network of epoch 1 is kept"):
        fitted(task, run, tmp_path)
    assert len(seen) == 3, "the fourth epoch is not begun"
    assert torch.equal(weights(), seen[1])
    assert not torch.equal(weights(), seen[2])


def test_without_a_collapse_the_last_network_stays(run, tmp_path):
    task = make_task(run, "adversarial")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*collapsed.*")
        fitted(task, run.changed(learning_rate=1e-4), tmp_path)
    assert task.good["epoch"] == 3


def test_the_discriminator_sees_the_means_of_the_original(run):
    task = make_task(run, "adversarial")
    task.log_dict = lambda *_, **__: None
    seen, whole = [], task.discriminator.forward
    task.discriminator.forward = lambda x: (seen.append(x.detach()), whole(x))[1]
    logits, images = torch.randn(2, 1, 16, 16), torch.rand(2, 1, 16, 16).round()
    assert torch.isfinite(task.against(logits, images))
    made, both = seen
    means = torch.nn.functional.interpolate(images.reshape(2, 1, 2, 8, 2, 8).mean((3, 5)), scale_factor=8, mode="bilinear")
    torch.testing.assert_close(made, torch.cat([logits.sigmoid(), means], 1))
    torch.testing.assert_close(both[:2], torch.cat([images, means], 1))
    torch.testing.assert_close(both[2:], made)


def test_a_collapse_in_the_first_epoch_leaves_the_network_of_the_start(run, tmp_path, monkeypatch):
    task = make_task(run, "adversarial")
    weights = lambda: torch.cat([each.detach().flatten().clone() for each in task.network.parameters()])  # noqa: E731
    first = weights()
    monkeypatch.setattr(AdversarialTask, "judged", lambda self: float("nan"))
    with pytest.warns(UserWarning, match="collapsed: thresholded_cumulative nan in epoch 0, inf before; the network of the start is kept"):
        fitted(task, run, tmp_path)
    assert torch.equal(weights(), first)


@pytest.mark.parametrize("width", [(8, 8, 8), (8, 8, 8, 8, 8), (8, 8, 0, 8)])
def test_the_discriminator_has_four_widths(width):
    with pytest.raises(ValueError, match="discriminator_width must be four numbers of channels"):
        CESSConfig(discriminator_width=width)
