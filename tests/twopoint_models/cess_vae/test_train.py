"""Training: what a run leaves, resume after a kill bit for bit, several processes, refusals."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

import twopoint as tp
from twopoint_models.cess_vae import CESSVAE, REGIMES, CESSConfig, CESSVAETask, train_cess_vae
from twopoint_models.cess_vae.config import first_half
from twopoint_models.cess_vae.losses import LOSSES, Loss
from twopoint_models.cess_vae.tasks import make_task, new_network
from twopoint_models.cess_vae.train import fit, make_data
from twopoint_models.checks import NotFiniteError
from twopoint_models.data import MICRO2DWriter
from twopoint_models.data.modules import MICRO2DModule
from twopoint_models.evaluation.reconstructions import centre_crop
from twopoint_models.statistics_vae import StatisticsConfig
from twopoint_models.training.fitting import LAST, make_trainer

# What Lightning says of the machine and of so small a run.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*Starting from v1.9.0, `tensorboardX`"),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two classes of 20 images of 16 x 16."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "own.h5"
    with MICRO2DWriter(path, {"A": 20, "B": 20}, size=16) as writer:
        for name, fraction in (("A", 0.3), ("B", 0.6)):
            writer.write(name, (rng.random((20, 16, 16)) < fraction).astype(np.uint8))
    return str(path)


def config(path, **changes):
    small = dict(
        size=16, width=(2,), epochs=4, restart_every=2, batch_size=4, learning_rate=0.01, fractions=(0.8, 0.2, 0.0), accelerator="cpu"
    )
    return CESSConfig(data=path, **(small | changes))


def weights(model):
    return torch.cat([parameter.flatten() for parameter in model.state_dict().values()])


@pytest.mark.long
def test_a_run_leaves_network_config_logs_pictures_and_checkpoints(path, tmp_path):
    run = config(path, regime="cess_finetuned")
    model = train_cess_vae(run, tmp_path / "a", progress=False)
    for folder, regime in (("a", "cess_finetuned"), ("start/mse", "mse")):
        assert CESSConfig.read(tmp_path / folder).regime == regime
        assert (tmp_path / folder / "pictures/epoch-002.png").stat().st_size > 5_000
        assert list((tmp_path / folder / "logs/tensorboard").rglob("events*"))
        (table,) = (tmp_path / folder / "logs/csv").rglob("metrics.csv")
        for column in ("validation_cess", "validation_thresholded", "validation_judge", "validation_kl"):
            assert column in table.read_text().splitlines()[0]
        assert (tmp_path / folder / "checkpoints/best.ckpt").is_file()
    assert torch.equal(weights(CESSVAE.load(tmp_path / "a")), weights(model))
    assert not torch.equal(weights(CESSVAE.load(tmp_path / "start/mse")), weights(model))


@pytest.mark.long
def test_what_is_done_is_not_done_again_and_first_halves_are_shared(path, tmp_path):
    train_cess_vae(config(path, regime="mse"), tmp_path / "mse", progress=False)
    times = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("model.safetensors")}
    assert len(times) == 2
    train_cess_vae(config(path, regime="mse"), tmp_path / "mse", progress=False)
    train_cess_vae(config(path, regime="sharp", sharpness=3.0), tmp_path / "sharp", progress=False)
    assert {file: file.stat().st_mtime_ns for file in times} == times


@pytest.mark.long
def test_a_seed_gives_one_result_and_another_another(path, tmp_path):
    a, b, c = (
        train_cess_vae(config(path, epochs=2, seed=seed), tmp_path / str(i) / "x", progress=False) for i, seed in enumerate((0, 0, 1))
    )
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))


KILLED = """
import os, signal, sys, torch
torch.set_num_threads(1)
from twopoint_models.cess_vae import CESSVAETask, CESSConfig
from twopoint_models.cess_vae.train import fit
step = CESSVAETask.training_step
def killed(self, batch, at):
    if (self.current_epoch, at) == (2, 3):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, at)
CESSVAETask.training_step = killed
fit(CESSConfig.read(sys.argv[1]), sys.argv[2], sys.argv[3], progress=False)
"""


@pytest.mark.long
@pytest.mark.parametrize("regime", ["sharp", "adversarial"])  # the second has two networks in its checkpoint
def test_killed_in_the_middle_and_resumed_gives_the_same_weights(regime, path, tmp_path):
    run = config(path, regime=regime, epochs=5, discriminator_width=(2, 2, 2, 2))
    torch.set_num_threads(1)
    whole = fit(run, tmp_path / "whole", regime, progress=False)
    (tmp_path / "config").mkdir()
    run.write(tmp_path / "config")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "config", tmp_path / "killed", regime], capture_output=True, timeout=200
    )
    assert done.returncode == -9, done.stderr
    assert (tmp_path / "killed" / LAST).is_file()
    assert not (tmp_path / "killed/model.safetensors").exists()
    resumed = fit(run, tmp_path / "killed", regime, progress=False)
    assert torch.equal(weights(resumed), weights(whole))
    assert not torch.equal(weights(resumed), weights(new_network(run)))


TOGETHER = """
import sys, json, torch
torch.set_num_threads(1)
from twopoint_models.cess_vae import CESSConfig
from twopoint_models.training.fitting import make_trainer
from twopoint_models.cess_vae.tasks import make_task
from twopoint_models.cess_vae.train import make_data
from pathlib import Path
config = CESSConfig.read(sys.argv[1])
trainer = make_trainer(config, Path(sys.argv[2]), progress=False, logger=False, callbacks=[], enable_checkpointing=False)
trainer.fit(make_task(config, "cess"), datamodule=make_data(config))
if trainer.is_global_zero:
    measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
    Path(sys.argv[2], f"{config.devices}.json").write_text(json.dumps(measured))
"""


@pytest.mark.long
def test_two_processes_are_one_with_the_doubled_batch(path, tmp_path):
    measured, more = {}, dict(epochs=6, width=(8,), learning_rate=0.03)
    (tmp_path / "together.py").write_text(TOGETHER)
    for devices, batch in ((1, 8), (2, 4)):
        (tmp_path / str(devices)).mkdir()
        config(path, regime="cess_finetuned", devices=devices, batch_size=batch, **more).write(tmp_path / str(devices))
        command = [sys.executable, tmp_path / "together.py", tmp_path / str(devices), tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stderr
        measured[devices] = json.loads((tmp_path / f"{devices}.json").read_text())
    for name in ("validation_cess", "validation_mse", "validation_kl"):
        assert measured[2][name] == pytest.approx(measured[1][name], rel=1e-4), name
    (untrained,) = make_trainer(config(path), tmp_path, progress=False, logger=False, callbacks=[], enable_checkpointing=False).validate(
        make_task(config(path, regime="cess_finetuned", **more), "cess"), datamodule=make_data(config(path)), verbose=False
    )
    assert measured[1]["validation_cess"] < 0.9 * untrained["validation_cess"]  # the steps did something


def test_the_learning_rate_starts_anew(path, tmp_path):
    rates = []
    task = CESSVAETask(config(path, epochs=4, restart_every=2), loss="mse", judge="mse")
    note = pl.callbacks.LambdaCallback(on_train_batch_start=lambda *_: rates.append(task.optimizers().param_groups[0]["lr"]))
    quiet = dict(logger=False, callbacks=[note], enable_checkpointing=False)
    make_trainer(task.config, tmp_path, progress=False, **quiet).fit(task, datamodule=make_data(task.config))
    assert len(rates) == 32  # 4 epochs of 32 images, 4 a step
    want = 0.005 * (1 + np.cos(np.pi * np.arange(16) / 16))
    np.testing.assert_allclose(rates, np.tile(want, 2), rtol=1e-12)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in ("style", "sharp", "adversarial")])
@pytest.mark.parametrize("phases", [2, 3])
def test_losses_are_their_formulas(loss, phases):
    torch.manual_seed(0)
    run = CESSConfig(regime="mse", size=32, alpha=3.0, sigma=0.1, clamp_weight=0.2, sharpness=4.0, width=(2,), phases=phases)
    network = CESSVAE(width=2, phases=phases)
    logits = torch.randn(2, network.channels, 32, 32, dtype=torch.float64)
    images = network.memberships(5 * torch.randn_like(logits)).round()
    if phases == 3:
        images = torch.nn.functional.one_hot(torch.randint(3, (2, 32, 32)), 3).movedim(-1, 1).double()
    both = (lambda x: torch.cat([1 - x, x], 1)) if phases == 2 else (lambda x: x)
    soft, m = both(network.memberships(logits)), both(images)
    entropy = tp.cess(m, m)
    want = {
        "mse": ((network.memberships(logits) - images) ** 2).mean(),
        "cess": tp.cess(soft, m) - entropy,
        "crop": tp.cess(soft, m, crop=7) - tp.cess(m, m, crop=7),
        "cumulative": tp.cess(soft, m, crop=7, cumulative=True) - tp.cess(m, m, crop=7, cumulative=True),
        "mse_cess": 3 * ((network.memberships(logits) - images) ** 2).mean() + tp.cess(soft, m) - entropy,
        "cess_clamp": tp.cess(soft, m) - entropy + 0.2 * tp.clamp(soft, sigma=0.1) / 32**2,
    }
    made = Loss(loss, run, network)
    torch.testing.assert_close(made(logits, images), want[loss], rtol=1e-9, atol=1e-12)
    measured = made.measures(logits, images)
    likeliest = torch.nn.functional.one_hot(soft.argmax(1), phases).movedim(-1, 1).double()
    torch.testing.assert_close(
        measured["cumulative"], tp.cess(soft, m, cumulative=True) - tp.cess(m, m, cumulative=True), rtol=1e-9, atol=1e-12
    )
    torch.testing.assert_close(measured["thresholded"], tp.cess(likeliest, m) - entropy, rtol=1e-9, atol=1e-12)


def test_the_cumulative_loss_has_short_boxes_or_all_and_may_have_a_crop_beside():
    torch.manual_seed(0)
    network, logits, images = CESSVAE(width=2), torch.randn(2, 1, 32, 32), torch.rand(2, 1, 32, 32).round()
    found, options = network.memberships(logits), dict(implied_phase=True, excess=True)
    whole, short, crop = (
        tp.cess(found, images, **options, **each) for each in ({"cumulative": True}, {"cumulative": True, "crop": 7}, {"crop": 7})
    )
    for run, want in (({}, short), ({"short_boxes": False}, whole), ({"crop_weight": 0.5}, short + 0.5 * crop)):
        loss = Loss("cumulative", CESSConfig(size=32, width=(2,), **run), network)
        torch.testing.assert_close(loss(logits, images), want)
        torch.testing.assert_close(loss.measures(logits, images)["cumulative"], whole, msg="the measure is the same for all")


def test_the_sharp_loss_is_of_the_thresholded_image_and_its_gradient_of_a_soft_one():
    torch.manual_seed(0)
    network = CESSVAE(width=2, sharpness=3.0)
    logits = torch.randn(4, 1, 32, 32, dtype=torch.float64).requires_grad_()
    images = (torch.randn(4, 1, 32, 32, dtype=torch.float64) > 0.5).double()
    loss = Loss("sharp", CESSConfig(size=32, sharpness=3.0, short_weight=0.3, width=(2,)), network)
    hard = loss.hard(logits)
    wanted = logits.sigmoid().mean((1, 2, 3)) * 1024
    assert (abs(hard.sum((1, 2, 3)) - wanted) <= 0.5 + 1e-5).all()  # the volume fraction of the plain sigmoid, to half a pixel
    value = loss(logits, images)
    value.backward()
    inner, options = hard.clone().requires_grad_(), dict(implied_phase=True, excess=True, floor=1e-2)
    want = tp.cess(inner, images, **options) + 0.3 * sum(tp.cess(inner, images, crop=crop, **options) for crop in (centre_crop(32), 2))
    torch.testing.assert_close(value, want)
    want.backward()
    with torch.no_grad():
        soft, plain = network.memberships(logits), logits.sigmoid()
        g, slope = inner.grad, 3 * soft * (1 - soft)
        want = g * slope + g.mean((1, 2, 3), keepdim=True) * (plain * (1 - plain) - slope)
    torch.testing.assert_close(logits.grad, want)


def test_the_sharp_loss_without_a_threshold_is_of_the_soft_image():
    torch.manual_seed(0)
    network = CESSVAE(width=2, sharpness=3.0)
    logits, images = torch.randn(4, 1, 32, 32, dtype=torch.float64), (torch.randn(4, 1, 32, 32, dtype=torch.float64) > 0.5).double()
    found = Loss("sharp", CESSConfig(size=32, sharpness=3.0, short_weight=0.0, threshold=False, width=(2,)), network)(logits, images)
    soft = network.memberships(logits)
    soft = soft + (logits.sigmoid() - soft).mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(found, tp.cess(soft, images, implied_phase=True, excess=True, floor=1e-2))


def test_noise_of_a_task():
    """As the regime has it, always, or never; a network with noise cannot be trained without."""
    for regime, noise, textured in (
        ("sharp", "regime", True),
        ("sharp", "never", False),
        ("adversarial", "never", False),
        ("crop_finetuned", "regime", False),
        ("crop_finetuned", "always", True),
    ):
        run = CESSConfig(regime=regime, size=32, width=(2,), noise=noise)
        assert make_task(run, REGIMES[regime].finish).network.config["texture"] is textured
        assert first_half(run) == first_half(run.changed(noise="regime"))
    with pytest.raises(ValueError, match="noise must be 'regime' or 'always' for a network whose decoder has noise"):
        make_task(CESSConfig(size=32, noise="never"), "cess", CESSVAE(width=2, texture=True))


def test_the_style_loss_is_that_of_features():
    from twopoint_models.nets import VGG19

    torch.manual_seed(0)
    vgg = VGG19.random(seed=0, layers=("conv1_1", "conv2_1"))
    run, network = CESSConfig(size=32, width=(2,)), CESSVAE(width=2)
    logits, images = torch.randn(2, 1, 32, 32), torch.rand(2, 1, 32, 32).round()
    found = Loss("style", run, network, vgg)(logits, images)
    torch.testing.assert_close(found, tp.style_loss(vgg(logits.sigmoid()), vgg(images)))
    with pytest.raises(ValueError, match="vgg must be given"):
        Loss("style", run, network)
    with pytest.raises(ValueError, match="name must be one of mse"):
        Loss("msess", run, network)


@pytest.mark.long
def test_every_regime_trains(path, tmp_path):
    for regime in REGIMES:
        run = config(path, regime=regime, epochs=2, vgg="random", style_layers=("conv1_1",), fractions=(0.2, 0.1, 0.7))
        train_cess_vae(run, tmp_path / regime, progress=False)
    assert {folder.name for folder in (tmp_path / "start").iterdir()} == {regime.start for regime in REGIMES.values()}


def test_mixed_precision(path, tmp_path):
    """The losses leave autocast themselves: transforms in half precision fail in torch."""
    model = train_cess_vae(config(path, precision="bf16-mixed", regime="crop_finetuned", epochs=2), tmp_path / "a", progress=False)
    assert weights(model).dtype == torch.float32
    assert torch.isfinite(weights(model)).all()


def test_a_loss_that_is_no_number_stops_names_the_batch_and_keeps_the_checkpoint(path, tmp_path, monkeypatch):
    call, steps = Loss.__call__, iter(range(100))
    monkeypatch.setattr(Loss, "__call__", lambda *given: call(*given) * (float("nan") if next(steps) == 12 else 1))
    run = config(path, epochs=3)
    with pytest.raises(NotFiniteError, match=r"loss is nan .* in epoch 1, step 1\d, for the images name=\['.'.*class_index=.*index="):
        fit(run, tmp_path, "mse", progress=False)
    kept = torch.load(tmp_path / LAST, weights_only=True)
    assert kept["epoch"] == 0
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values())


def test_refusals(path, tmp_path):
    run = config(path, epochs=2)
    train_cess_vae(run, tmp_path / "a", progress=False)
    with pytest.raises(ValueError, match="holds a run with batch_size 4, not 5; give another folder"):
        train_cess_vae(run.changed(batch_size=5), tmp_path / "a", progress=False)
    with pytest.raises(FileNotFoundError, match=r"nothing\.h5"):
        train_cess_vae(run.changed(data="nothing.h5"), tmp_path / "c" / "b", progress=False)
    with pytest.raises(ValueError, match="has no class 'C'"):
        train_cess_vae(run.changed(classes=("C",)), tmp_path / "d" / "b", progress=False)
    (tmp_path / "a/model.safetensors").unlink()
    whole = (tmp_path / "a" / LAST).read_bytes()
    (tmp_path / "a" / LAST).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"last\.ckpt is cut short or no checkpoint .* delete it"):
        train_cess_vae(run, tmp_path / "a", progress=False)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"image": torch.full((1, 1, 16, 16), 255.0), "index": torch.zeros(1)}, r"memberships in \[0, 1\], got values from 255 to 255"),
        ({"image": torch.full((1, 1, 16, 16), -0.1), "index": torch.zeros(1)}, r"memberships in \[0, 1\]"),
        ({"image": torch.full((1, 1, 16, 16), float("nan")), "index": torch.zeros(1)}, r"memberships in \[0, 1\], got values from nan"),
        ({"image": torch.zeros((1, 1, 24, 16)), "index": torch.zeros(1)}, "divisible by 16"),
        ({"image": torch.zeros((1, 1, 16, 16))}, "batch must identify its images by one of class_index"),
    ],
)
def test_batches_that_mean_nothing(batch, message):
    task = CESSVAETask(CESSConfig(size=16, width=(2,)), loss="mse", judge="mse")
    with pytest.raises(ValueError, match=message):
        task.training_step(copy.deepcopy(batch), 0)


def test_one_epoch_is_all_of_the_second_half(path, tmp_path):
    run = config(path, epochs=1)
    assert (run.start_epochs, run.finish_epochs) == (0, 1)
    assert torch.isfinite(weights(train_cess_vae(run, tmp_path / "a", progress=False))).all()
    assert [file.parent.name for file in tmp_path.rglob("model.safetensors")] == ["a"]


def test_a_network_that_was_not_written_whole_is_not_taken_for_done(tmp_path, monkeypatch):
    replace = Path.replace

    def killed(self, target):
        if Path(target).name == "model.safetensors":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        CESSVAE(width=2).save(tmp_path)
    assert (tmp_path / "model.json").is_file()
    assert not (tmp_path / "model.safetensors").is_file()


def test_another_order_is_of_the_same_images(path):
    orders = []
    for seed in (0, 1):
        module = MICRO2DModule(path, size=16, batch_size=4, order_seed=seed)
        module.setup("fit")
        orders.append(
            [(int(c), int(i)) for batch in module.train_dataloader() for c, i in zip(batch["class_index"], batch["index"], strict=True)]
        )
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_a_run_goes_on_with_files_that_moved_and_not_with_other_ones(path, tmp_path):
    config(path, vgg="").claim(tmp_path)
    config("elsewhere.h5", vgg="vgg19.pth", devices=2).claim(tmp_path)
    with pytest.raises(ValueError, match="holds a run with vgg '', not 'random'"):
        config(path, vgg="random").claim(tmp_path)
    StatisticsConfig().claim(tmp_path / "b")
    with pytest.raises(ValueError, match="holds a run with start '', not 'vanilla'"):
        StatisticsConfig(start="vanilla").claim(tmp_path / "b")
