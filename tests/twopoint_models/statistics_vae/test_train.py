"""The spatial-statistics VAE in training: a step by its formula, a run that was killed, what a run leaves."""

import numpy as np
import pytest
import torch

from twopoint_models.nets.blocks import latent_noise
from twopoint_models.statistics_vae import LineImages, LinesModule, ResNetVAE, StatisticsConfig, StatisticsVAETask, train_statistics_vae
from twopoint_models.statistics_vae.lag_encoder import soft_membership
from twopoint_models.statistics_vae.train import aligned, mirrored, new_resnet_vae
from twopoint_models.training.fitting import LAST
from twopoint_models.training.pictures import Pictures

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*Starting from v1.9.0, `tensorboardX`"),
]


def config(**changes):
    small = dict(latents=3, size=32, layout=18, epochs=2, restart_every=2, batch_size=4, accelerator="cpu", gradient_clip=0.0)
    return StatisticsConfig(**(small | changes))


def data():
    return LinesModule((8, 4, 0), size=32, n_lines=(1, 2), batch_size=4)


def boxes(f):
    """The means of f (B, n, n), in FFT order, over the boxes of lags from 0 to each lag."""
    for axis in (1, 2):
        n, lags = f.shape[axis], torch.fft.fftfreq(f.shape[axis], 1 / f.shape[axis]).long().tolist()
        box = torch.zeros(n, n)
        for i, lag in enumerate(lags):
            box[i, range(min(lag, 0), max(lag, 0) + 1)] = 1 / (abs(lag) + 1)  # negative indices are negative lags
        f = torch.tensordot(f, box, ([axis], [1])).movedim(-1, axis)
    return f


def nearest_placement(made, images):
    """The translation of each image, or of the image turned by 180 degrees, with the least squared error, tried one by one."""
    found = []
    for y, x in zip(made.detach(), images, strict=True):
        placed = [torch.roll(z, (i, j), (1, 2)) for z in (x, x.flip(1, 2)) for i in range(x.shape[1]) for j in range(x.shape[2])]
        found.append(min(placed, key=lambda z: float((z - y).square().sum())))
    return torch.stack(found)


def test_aligned_images_are_the_nearest_of_all_placements():
    torch.manual_seed(0)
    images = (torch.rand(4, 1, 12, 9) > 0.6).float()
    found = torch.stack([torch.roll(x.flip(1, 2) if i % 2 else x, (3 * i, 5 * i), (1, 2)) for i, x in enumerate(images)])
    noisy = found + 0.05 * torch.randn(found.shape)
    assert torch.equal(aligned(images, noisy), found)
    assert torch.equal(nearest_placement(noisy, images), found)


def test_mirrored_images_are_the_four_and_depend_on_epoch_and_key_alone():
    images = torch.rand(1, 1, 6, 6).expand(64, -1, -1, -1)
    found = mirrored(images, list(range(64)), seed=0, epoch=0)
    x = images[0]
    four = [x, x.mT, x.flip(2), x.mT.flip(2)]
    counts = [sum(torch.equal(y, each) for y in found) for each in four]
    assert sum(counts) == 64
    assert min(counts) >= 6
    assert torch.equal(mirrored(images[5:9], [5, 6, 7, 8], seed=0, epoch=0), found[5:9])
    assert not torch.equal(mirrored(images, list(range(64)), seed=0, epoch=1), found)


def batch():
    return next(iter(torch.utils.data.DataLoader(LineImages(4, size=32, n_lines=(1, 2)), batch_size=4)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"compared": "data"},
        {"compared": "cumulative"},
        {"aligned_weight": 2.0},
        {"compared": "aligned"},
        {"mean": True, "alpha": 3.0, "kl_weight": 0.5},
        {"gray": 1.0},
    ],
    ids=str,
)
def test_a_step_is_its_formula(changes):
    run, given = config(**changes), batch()
    task = StatisticsVAETask(run)
    task.log_dict = lambda *a, **k: None
    found = task.training_step(given, 0)
    network, images = new_resnet_vae(run).train(), given["image"]
    mean, log_variance = network.encode(images)
    kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
    noise = latent_noise(given["index"].tolist(), (3,), seed=0)
    made = network.decode(mean + noise * (log_variance / 2).exp())
    if run.compared in ("data", "aligned"):
        target = images if run.compared == "data" else nearest_placement(made, images)
        apart = (made - target).square().flatten(1)
    else:
        m = [torch.exp(-((x[:, 0] - run.gray) ** 2) / (2 * 0.25**2)) for x in (made, images)]
        power = [torch.fft.fft2(x).abs() ** 2 / 32**2 for x in m]
        f = [torch.fft.ifft2(x).real for x in power]
        f = [boxes(x) for x in f] if run.compared == "cumulative" else f
        apart = (f[0] - f[1]).square().flatten(1)
    if run.aligned_weight:
        apart = apart + run.aligned_weight * (made - nearest_placement(made, images)).square().flatten(1)
    wanted = run.alpha * (apart.mean(1) if run.mean else apart.sum(1)).mean() + run.kl_weight * kl
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    found.backward()
    assert all(each.grad is not None for each in task.network.parameters())


def test_membership_is_soft():
    x = torch.tensor([0.0, 0.25, 1.0])
    torch.testing.assert_close(soft_membership(x, 0.0, 0.25), torch.tensor([1.0, np.exp(-0.5), np.exp(-8.0)], dtype=torch.float32))


def weights(network):
    return torch.cat([each.flatten().float() for each in network.state_dict().values()])


@pytest.mark.long
def test_a_run_leaves_a_network_and_goes_on_to_the_bit(tmp_path, monkeypatch):
    run = config()
    whole = train_statistics_vae(run, tmp_path / "a", data(), progress=False)
    assert isinstance(whole, ResNetVAE)
    assert (tmp_path / "a/pictures/epoch-002.png").stat().st_size > 3_000
    (table,) = (tmp_path / "a/logs/csv").rglob("metrics.csv")
    assert {"validation_statistics", "validation_cumulative", "validation_data", "validation_kl"} <= set(
        table.read_text().splitlines()[0].split(",")
    )
    step = StatisticsVAETask.training_step

    def killed(self, given, at):
        if (self.current_epoch, at) == (1, 1):
            raise RuntimeError("killed")
        return step(self, given, at)

    with monkeypatch.context() as patch:
        patch.setattr(StatisticsVAETask, "training_step", killed)
        with pytest.raises(RuntimeError, match="killed"):
            train_statistics_vae(run, tmp_path / "b", data(), progress=False)
    assert (tmp_path / "b" / LAST).is_file()
    assert torch.equal(weights(train_statistics_vae(run, tmp_path / "b", data(), progress=False)), weights(whole))
    with pytest.raises(ValueError, match="holds a run with latents 3, not 4"):
        train_statistics_vae(config(latents=4), tmp_path / "a", data(), progress=False)


@pytest.mark.long
@pytest.mark.parametrize(("has", "wanted"), [(True, torch.bfloat16), (False, torch.float32)])
def test_fast_is_bfloat16_where_the_processor_has_it(tmp_path, monkeypatch, has, wanted):
    seen, step = [], StatisticsVAETask.training_step

    def watched(self, given, at):
        seen.append(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32)
        return step(self, given, at)

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has}, raising=False)
    monkeypatch.setattr(StatisticsVAETask, "training_step", watched)
    network = train_statistics_vae(config(precision="fast", epochs=1), tmp_path, data(), progress=False)
    assert set(seen) == {wanted}
    assert torch.isfinite(weights(network)).all()
    assert network.mean.weight.dtype == torch.float32


def test_an_encoder_begins_with_the_weights_of_a_file(tmp_path):
    other = new_resnet_vae(config(seed=5))
    torch.save(other.encoder.state_dict(), tmp_path / "resnet18.pth")
    one, two = (new_resnet_vae(config(encoder=path)) for path in (str(tmp_path / "resnet18.pth"), ""))
    assert torch.equal(weights(one.encoder), weights(other.encoder))
    assert not torch.equal(weights(two.encoder), weights(other.encoder))
    assert torch.equal(weights(one.decoder), weights(two.decoder))
    with pytest.raises(ValueError, match=r"resnet18\.pth is of another network"):
        new_resnet_vae(config(encoder=str(tmp_path / "resnet18.pth"), layout=34))


def test_a_run_starts_from_another_network(tmp_path):
    begun = new_resnet_vae(config(seed=5))
    begun.save(tmp_path)
    task = StatisticsVAETask(config(start=str(tmp_path)))
    assert torch.equal(weights(task.network), weights(begun))
    assert task.network.training
    with pytest.raises(ValueError, match=r"start must hold a network of .*'latents': 4.*is of .*'latents': 3"):
        new_resnet_vae(config(start=str(tmp_path), latents=4))
    with pytest.raises(FileNotFoundError, match="folder must hold"):
        new_resnet_vae(config(start=str(tmp_path / "nowhere")))


def test_a_batch_of_one_image_is_a_step_too():
    """As the last of an epoch may be: batch normalisation has nothing to take a variance over."""
    task = StatisticsVAETask(config())
    task.log_dict = lambda *a, **k: None
    one = {name: each[:1] for name, each in batch().items()}
    task.training_step(one, 0).backward()
    assert all(torch.isfinite(each.grad).all() for each in task.network.parameters() if each.grad is not None)
    assert torch.isfinite(task.training_step(batch(), 1))
    assert task.network.training


@pytest.mark.long
def test_pictures_do_not_change_what_is_learnt(tmp_path, monkeypatch):
    """Batch normalisation would learn from images that it is only to draw."""
    drawn = train_statistics_vae(config(), tmp_path / "a", data(), progress=False)
    monkeypatch.setattr(Pictures, "on_train_epoch_end", lambda *given: None)
    assert torch.equal(weights(train_statistics_vae(config(), tmp_path / "b", data(), progress=False)), weights(drawn))
