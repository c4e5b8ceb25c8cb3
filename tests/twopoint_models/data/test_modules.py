"""Lightning's DataModules: their batches, a fit with workers, one order for one seed, resumed as if never stopped, refusals."""

import subprocess
import sys

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from twopoint_models.data import MICRO2D, MICRO2DWriter, SlidingWindows
from twopoint_models.data.modules import MICRO2DModule, PatchesModule
from twopoint_models.data.shuffling import Shuffled

# What Lightning says of the machine and of so small a run.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:pytorch_lightning.utilities.warnings.PossibleUserWarning"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval:pytorch_lightning.utilities.warnings.PossibleUserWarning"),
]


class Volume(pl.LightningModule):
    """A network of one weight, which notes what it sees."""

    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(1, 1)
        self.seen = []

    def training_step(self, batch, at):
        self.seen.append((self.current_epoch, [f"{name}{int(i)}" for name, i in zip(batch["name"], batch["index"], strict=True)]))
        mean = batch["image"].mean((1, 2, 3))[:, None]
        return (self.net(mean) - batch["properties"]).square().mean()

    def validation_step(self, batch, at):
        self.log("mean", batch["image"].mean(), batch_size=len(batch["image"]))

    test_step = validation_step

    def predict_step(self, batch, at):
        return batch["index"]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def trainer(folder, **options):
    quiet = dict(logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    return pl.Trainer(accelerator="cpu", devices=1, default_root_dir=folder, **(quiet | options))


@pytest.fixture
def path(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "own.h5"
    with MICRO2DWriter(path, {"A": 20, "B": 10}, size=8, properties={"measured": ["k", "E"]}) as writer:
        for name, number in (("A", 20), ("B", 10)):
            images = (rng.random((number, 8, 8)) < 0.3).astype(np.uint8)
            writer.write(name, images, properties={"measured": rng.random((number, 2))})
    return path


def order(module):
    return [[f"{name}{int(i)}" for name, i in zip(batch["name"], batch["index"], strict=True)] for batch in module.train_dataloader()]


def test_batches(path):
    module = MICRO2DModule(path, ["B", "A"], 16, ["E"], batch_size=7)
    module.setup()
    assert (module.classes, module.property_names) == (("B", "A"), ("E",))
    batches = list(module.train_dataloader())
    assert [len(batch["name"]) for batch in batches] == [7, 7, 7, 2]  # 16 indices of 20 in both classes, of which B lacks the last ten
    assert batches[0]["image"].shape == (7, 1, 16, 16)
    assert batches[0]["image"].dtype == batches[0]["properties"].dtype == torch.float32
    assert batches[0]["properties"].shape == (7, 1)
    parts = {
        split: MICRO2D(path, ["B", "A"], 16, split, ["E"]) for split in ("validation", "test", None)
    }  # those that are not shuffled come as the reader gives them
    for loader, dataset in zip(
        (module.val_dataloader(), module.test_dataloader(), module.predict_dataloader()), parts.values(), strict=True
    ):
        images = torch.cat([batch["image"] for batch in loader])
        assert np.array_equal(images, np.stack([dataset[i]["image"] for i in range(len(dataset))]))


@pytest.mark.parametrize("workers", [0, 2])
def test_one_seed_one_order(path, workers):
    runs = []
    for seed in (0, 0, 1):
        module = MICRO2DModule(path, fractions=(1, 0, 0), size=None, seed=seed, workers=workers, batch_size=10)
        module.setup("fit")
        loader = module.train_dataloader()
        runs.append([[int(i) for batch in loader for i in batch["index"]] for _ in range(2)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert runs[0][0] != runs[0][1], "another order each epoch"
    assert sorted(runs[0][0]) == sorted(runs[0][1]) == sorted([*range(20), *range(10)])


def test_the_order_is_that_of_the_epoch():
    whole, told = Shuffled(range(9), 3), Shuffled(range(9), 3)
    epochs = [list(whole) for _ in range(3)]
    told.set_epoch(2)
    assert list(told) == epochs[2]
    assert list(Shuffled(range(9), 4)) != epochs[0]


def test_fit_validate_test_predict(path, tmp_path):
    module, net = MICRO2DModule(path, size=8, properties=["k"], batch_size=8, workers=2), Volume()
    runner = trainer(tmp_path, max_epochs=2, limit_train_batches=2, num_sanity_val_steps=1)
    runner.fit(net, datamodule=module)
    assert [epoch for epoch, _ in net.seen] == [0, 0, 1, 1]
    assert runner.validate(net, module, verbose=False)[0]["mean"] == pytest.approx(float(runner.callback_metrics["mean"]))
    assert 0 < runner.test(net, module, verbose=False)[0]["mean"] < 1
    assert torch.cat(runner.predict(net, module)).tolist() == [*range(20), *range(10)]


def test_a_resumed_fit_goes_on_as_if_it_had_not_stopped(path, tmp_path):
    """The module that is built anew from the checkpoint gives the third epoch in the order that it has in a run without a stop."""
    options = dict(size=8, properties=["k"], batch_size=8, seed=5)
    whole, first, second = Volume(), Volume(), Volume()
    first.load_state_dict(whole.state_dict())
    trainer(tmp_path, max_epochs=3).fit(whole, datamodule=MICRO2DModule(path, **options))
    runner = trainer(tmp_path, max_epochs=2)
    runner.fit(first, datamodule=MICRO2DModule(path, **options))
    runner.save_checkpoint(tmp_path / "two.ckpt")
    torch.load(tmp_path / "two.ckpt", weights_only=True)
    module = MICRO2DModule.load_from_checkpoint(tmp_path / "two.ckpt")
    assert dict(module.hparams) == dict(MICRO2DModule(path, **options).hparams)
    trainer(tmp_path, max_epochs=3).fit(second, datamodule=module, ckpt_path=tmp_path / "two.ckpt")
    assert first.seen + second.seen == whole.seen
    assert torch.equal(second.net.weight, whole.net.weight)


@pytest.mark.slow
def test_two_devices_share_the_images(path, tmp_path):
    """Lightning's DistributedSampler splits the images: of 24, each of two processes gets 3 batches of 4, none in both."""
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import pytorch_lightning as pl, torch
from twopoint_models.data.modules import MICRO2DModule
class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net, self.seen = torch.nn.Linear(1, 1), []
    def training_step(self, batch, at):
        self.seen += [(name, int(i)) for name, i in zip(batch["name"], batch["index"])]
        return self.net(batch["image"].mean((1, 2, 3))[:, None]).square().mean()
    def on_train_end(self):
        found = [None, None]
        torch.distributed.all_gather_object(found, self.seen)
        if self.global_rank == 0:
            print("SEEN", [len(x) for x in found], len(set(found[0]) | set(found[1])))
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)
if __name__ == "__main__":
    module = MICRO2DModule({str(path)!r}, size=8, batch_size=4, workers=1)
    pl.Trainer(accelerator="cpu", devices=2, strategy="ddp", max_epochs=1, logger=False, enable_checkpointing=False,
               enable_progress_bar=False, default_root_dir={str(tmp_path)!r}).fit(Net(), datamodule=module)
"""
    (tmp_path / "run_ddp.py").write_text(script)
    done = subprocess.run([sys.executable, tmp_path / "run_ddp.py"], capture_output=True, text=True, timeout=250, check=False)
    assert "SEEN [12, 12] 24" in done.stdout, done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero:UserWarning")
def test_no_validation_is_no_loader(path, tmp_path):
    module, net = MICRO2DModule(path, size=8, properties=["k"], fractions=(1, 0, 0)), Volume()
    trainer(tmp_path, max_epochs=1).fit(net, datamodule=module)
    assert len(net.seen) == 1
    assert module.val_dataloader() == []


def test_patches():
    micrographs = [np.full((40, 50), i, np.uint8) for i in range(10)]
    windows = SlidingWindows(micrographs, (16, 20), 8, labels=[f"m{i}" for i in range(10)])
    module = PatchesModule(windows, white=9, fractions=(0.7, 0.3, 0), batch_size=6)
    module.setup()
    seen = {}
    for part, loader in (("train", module.train_dataloader()), ("validation", module.val_dataloader())):
        for batch in loader:
            assert batch["image"].dtype == torch.float32
            assert tuple(batch["image"].shape[1:]) == (1, 16, 20)
            assert all(
                float(image[0, 0, 0]) == np.float32(int(label[1:])) / np.float32(9)
                for image, label in zip(batch["image"], batch["label"], strict=True)
            )
            seen.setdefault(part, set()).update(batch["label"])
    assert (len(seen["train"]), len(seen["validation"]), len(seen["train"] & seen["validation"])) == (7, 3, 0)
    assert sum(len(batch["image"]) for batch in module.predict_dataloader()) == len(windows)
    assert "windows" not in module.hparams
    with pytest.raises(ValueError, match="the test part is empty"):
        module.test_dataloader()
    dark = PatchesModule(windows, white=8)
    dark.setup("predict")
    with pytest.raises(ValueError, match="a patch holds 9, white is 8"):
        list(dark.predict_dataloader())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer above 0, got 0"),
        ({"workers": -1}, "workers must be an integer of 0 or more, got -1"),
        ({"seed": "a"}, "seed must be an integer"),
        ({"seed": True}, "seed must be an integer"),
        ({"fractions": (0.5, 0.5)}, "three shares"),
    ],
    ids=str,
)
def test_constructors_refuse(options, message):
    for make in (lambda: MICRO2DModule("nowhere.h5", **options), lambda: PatchesModule(SlidingWindows([np.zeros((4, 4))], 2), **options)):
        with pytest.raises(ValueError, match=message):
            make()


def test_patches_refuse():
    with pytest.raises(TypeError, match="windows must be SlidingWindows, or those of each part, got list"):
        PatchesModule([np.zeros((4, 4))])
    windows = SlidingWindows([np.zeros((4, 4))] * 2, 2)
    with pytest.raises(ValueError, match="white must be"):
        PatchesModule(windows, white=0)
    with pytest.raises(ValueError, match="2 parents are too few for 3 parts"):
        PatchesModule(windows).setup()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["a"]}, "did you mean 'A'"),
        ({"classes": "A"}, r"write \['A'\]"),
        ({"properties": ["q"]}, "no property 'q'"),
        ({"missing": "ignore"}, "'drop'"),
    ],
    ids=str,
)
def test_setup_refuses_what_the_reader_refuses(path, options, message):
    module = MICRO2DModule(path, **options)
    with pytest.raises((ValueError, TypeError), match=message):
        module.setup("fit")


def test_refusals_of_the_loaders(path, tmp_path):
    module = MICRO2DModule(path, fractions=(0.9, 0.09, 0.01), size=8)
    with pytest.raises(RuntimeError, match=r"before setup; call setup\(\)"):
        module.train_dataloader()
    with pytest.raises(ValueError, match="stage must be one of 'fit', 'validate', 'test', 'predict', None, got 'train'"):
        module.setup("train")
    module.setup("test")
    with pytest.raises(ValueError, match="the test part is empty: its share"):
        module.test_dataloader()
    with pytest.raises(FileNotFoundError, match="none"):
        MICRO2DModule(tmp_path / "none.h5").setup()


def test_the_readers_load_without_torch():
    script = "import sys, twopoint_models.data; print([name for name in ('torch', 'pytorch_lightning') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"
