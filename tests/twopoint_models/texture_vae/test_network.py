"""The texture VAE: network, castings, training, similarities and regressions of its patches."""

import json
import re

import numpy as np
import pytest
import torch

import twopoint as tp
from twopoint_models.data import CASTINGS, casting, keep_castings, keep_images, keep_micrograph, micrograph, read_micrographs
from twopoint_models.data.modules import PatchesModule
from twopoint_models.evaluation.similarity import stsim2
from twopoint_models.nets import VGG19
from twopoint_models.nets.blocks import latent_noise
from twopoint_models.texture_vae import (
    TextureConfig,
    TextureVAE,
    TextureVAETask,
    code,
    correlations_with,
    encodings,
    figures_of_properties,
    figures_of_texture_vae,
    leave_one_out,
    predict,
    similarities,
    summarise_properties,
    summarise_similarities,
    train_texture_vae,
)
from twopoint_models.texture_vae.decoder import PLANES, Layer
from twopoint_models.texture_vae.evaluate import parameters_of
from twopoint_models.texture_vae.figures import correlation_chart, halves, patch_rows, predictions, summarise_latents
from twopoint_models.texture_vae.regressions import of_parents, random_share
from twopoint_models.texture_vae.tables import named_latents, table_of_properties, table_of_similarities
from twopoint_models.texture_vae.train import make_vgg, new_texture_vae, relative_style
from twopoint_models.training.fitting import LAST
from twopoint_models.training.tasks import sample_keys

TINY = (4, 4, 4, 2, 2)
LIGHTNING = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*Starting from v1.9.0, `tensorboardX`"),
]
pytestmark = LIGHTNING


def model(**options):
    torch.manual_seed(0)
    return TextureVAE(**(dict(latents=3, size=32, width=TINY) | options)).eval()


def config(**changes):
    small = dict(latents=3, size=32, width=TINY, epochs=2, restart_every=2, batch_size=4, vgg="random", accelerator="cpu", kl_weight=1e-3)
    return TextureConfig(**(small | dict(style_layers=("conv1_1", "pool_1")) | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three micrographs of 40 x 320: train 240, validation and test 40 wide."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("micrographs")
    for i, edge in enumerate((1, 4, 8)):
        image = np.kron(rng.random((40 // edge, 320 // edge)) < 0.3, np.ones((edge, edge)))
        keep_micrograph(path, f"squares of {edge}", image, {"mean_radius": edge, "volume_fraction": float(image.mean()), "kind": i})
    return path


def data(folder, **options):
    return PatchesModule(read_micrographs(folder).windows(32, 24), white=255, batch_size=4, **options)


def patches(folder):
    """Four patches of each micrograph, and its name."""
    return read_micrographs(folder).patches("train", 32, 4)[:2]


# The network.


@pytest.mark.parametrize("texture", [False, True])
@pytest.mark.parametrize(("latents", "size"), [(8, 32), (64, 64)])
def test_shapes(latents, size, texture):
    network = model(latents=latents, size=size, texture=texture)
    mean, log_variance = network.encode(torch.rand(2, 512, size // 32, size // 32))
    assert mean.shape == log_variance.shape == (2, latents)
    made = network.decode(mean)
    assert made.shape == (2, 1, size, size)
    assert 0 <= made.min() <= made.max() <= 1


def test_the_decoder_is_the_papers():
    kinds = [type(each).__name__ for each in model().decoder]
    assert kinds == ["Linear", "Unflatten", "LeakyReLU", *["Conv2d", "Upsample", "LeakyReLU"] * 4, "Conv2d", "Sigmoid"]
    assert {each.negative_slope for each in model().decoder if isinstance(each, torch.nn.LeakyReLU)} == {0.3}
    assert {each.kernel_size for each in model().decoder if isinstance(each, torch.nn.Conv2d)} == {(3, 3)}


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


def test_a_traversal_changes_one_latent():
    network, z = model(), torch.tensor([0.5, -1.0, 2.0])
    made = network.traverse(z, 1, [-4.0, -1.0, 4.0])
    torch.testing.assert_close(made[1:2], network.decode(z[None]))
    torch.testing.assert_close(made[2:], network.decode(torch.tensor([[0.5, 4.0, 2.0]])))


def test_saved_and_loaded(tmp_path):
    network, features = model(texture=True), torch.rand(2, 512, 1, 1)
    network.save(tmp_path)
    assert torch.equal(TextureVAE.load(tmp_path)(features), network(features))


def test_a_latent_size_that_does_not_fit_is_refused(tmp_path):
    model(latents=3).save(tmp_path)
    told = json.loads((tmp_path / "model.json").read_text())
    told["options"]["latents"] = 8
    (tmp_path / "model.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"of another network: .*\(3, 512\), wanted \(8, 512\)"):
        TextureVAE.load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(size=48), "size must be divisible by 32, got 48"),
        (dict(size=0), "size must be an integer of 32 or more"),
        (dict(latents=0), "latents must be an integer of 1 or more"),
        (dict(width=(4, 4)), "width must be 5 numbers"),
    ],
)
def test_options_that_mean_nothing(options, message):
    with pytest.raises(ValueError, match=message):
        model(**options)


def test_inputs_of_other_shapes():
    network = model()
    with pytest.raises(ValueError, match=r"features must have the shape \(batch, 512, 1, 1\), got \(2, 512, 2, 2\)"):
        network.encode(torch.zeros(2, 512, 2, 2))
    with pytest.raises(ValueError, match=r"latents must have the shape \(batch, 3\)"):
        network.decode(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="keys must be one, or 2"):
        network.decode(torch.zeros(2, 3), [1, 2, 3])
    with pytest.raises(ValueError, match="dimension must be from 0 to 2, got 3"):
        network.traverse(torch.zeros(3), 3, [0.0])
    with pytest.raises(ValueError, match=r"latents must have the shape \(3,\)"):
        network.traverse(torch.zeros(1, 3), 0, [0.0])


# Castings and their micrographs.


@pytest.mark.parametrize("magnesium", [0.0, 0.025, 0.045])
def test_slow_cooling_is_coarse_and_sparse(magnesium):
    fine, coarse = (casting(radius, magnesium, 256, rng=np.random.default_rng(0)) for radius in (12, 48))
    size = "thickness" if magnesium < 0.045 else "mean_radius"
    assert coarse.parameters[size] > 2 * fine.parameters[size]
    assert coarse.image.mean() < fine.image.mean()
    assert coarse.parameters["radius"] == 48
    middle = casting(24, magnesium, 256, rng=np.random.default_rng(0)).parameters  # halfway, in the logarithm
    assert middle[size] == pytest.approx(np.sqrt(fine.parameters[size] * coarse.parameters[size]))


def test_a_casting_of_another_kind():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="radius must be from 12 to 48 mm, got 50"):
        casting(50, 0.0, 256, rng=rng)
    with pytest.raises(ValueError, match=r"magnesium must be 0, 0.025, 0.045 percent, got 0.03"):
        casting(12, 0.03, 256, rng=rng)


def test_micrographs_are_dark_in_graphite():
    image = np.zeros((32, 32), np.uint8)
    image[8:24, 8:24] = 1
    gray = micrograph(image)
    assert gray[16, 16] == pytest.approx(0.15, abs=1e-3)
    assert gray[0, 0] == pytest.approx(0.8, abs=1e-3)
    assert gray.mean() == pytest.approx(0.8 - 0.65 * image.mean(), abs=1e-5)  # a blur keeps the mean
    np.testing.assert_allclose(micrograph(image, blur=0), np.where(image, 0.15, 0.8), atol=1e-6)
    with pytest.raises(ValueError, match=r"image must have the shape \(H, W\)"):
        micrograph(image[None])


def test_castings_are_kept_once(tmp_path):
    keep_castings(tmp_path, (96, 96))
    found = read_micrographs(tmp_path)
    assert len(found.images) == len(CASTINGS) == 12
    assert {image.shape for image in found.images} == {(96, 96)}
    assert [(x["radius"], x["magnesium"]) for x in found.made_by] == sorted(CASTINGS)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    keep_castings(tmp_path, (96, 96))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_parts_of_micrographs_do_not_overlap(folder):
    found = read_micrographs(folder)
    columns = np.tile(np.arange(320), (40, 1))  # so that a patch tells where it lies
    parts = found._replace(images=[columns] * 3).windows(32, 8)
    reach = {}
    for name, part in parts.items():
        seen = np.concatenate([part[i]["image"].ravel() for i in range(len(part))])
        reach[name] = seen.min(), seen.max()
    assert reach["train"][1] < reach["validation"][0] <= reach["validation"][1] < reach["test"][0]
    assert parts["test"][0]["label"] == "squares of 1"
    narrow = found._replace(images=[columns[:, :100]] * 3).windows(32, 8)
    assert {name: part.parents[0].shape for name, part in narrow.items()} == {"train": (40, 36), "validation": (40, 32), "test": (40, 32)}
    with pytest.raises(ValueError, match=r"micrographs must be 32 x 96 pixels or more for patches of 32, 'squares of 1' is \(40, 90\)"):
        found._replace(images=[columns[:, :90]] * 3).windows(32, 8)


def test_patches_of_a_part(folder):
    found = read_micrographs(folder)
    given, names, made_by = found.patches("train", 32, 2)
    assert given.shape == (6, 1, 32, 32)
    assert names == [name for name in found.names for _ in range(2)]
    assert [each["mean_radius"] for each in made_by] == [1, 1, 4, 4, 8, 8]
    assert (given[0, 0] == found.images[0][:32, :32] / np.float32(255)).all()
    assert (given[5, 0] == found.images[2][:32, 204:236] / np.float32(255)).all()  # the last of 18 windows, 12 pixels apart
    few, names, _ = found.patches("validation", 32, 2)  # one window fits
    assert names == found.names
    assert (few[1, 0] == found.images[1][:32, 240:272] / np.float32(255)).all()


def test_some_micrographs_by_name(folder):
    found = read_micrographs(folder).only(["squares of 8", "squares of 1"])
    assert (found.names, [each["mean_radius"] for each in found.made_by]) == (["squares of 8", "squares of 1"], [8, 1])
    with pytest.raises(ValueError, match="names must be of micrographs, there is no 'circles'"):
        found.only(["squares of 8", "circles"])


def test_micrographs_that_are_none(tmp_path):
    with pytest.raises(ValueError, match=r"gray must be .* not constant, got .* for 'plain'"):
        keep_micrograph(tmp_path, "plain", np.ones((8, 8)))
    with pytest.raises(FileNotFoundError, match="folder must hold micrographs"):
        read_micrographs(tmp_path)
    keep_micrograph(tmp_path, "own", np.arange(64.0).reshape(8, 8) - 5)
    (image,) = read_micrographs(tmp_path).images
    assert (image.min(), image.max(), image.dtype) == (0, 255, np.uint8)


def test_a_config_of_another_size_is_refused_before_anything_is_read():
    with pytest.raises(ValueError, match="size must be divisible by 32, got 48"):
        config(size=48)


def test_labels_of_phases_become_grays_and_grays_stay(tmp_path):
    labels = np.arange(64, dtype=np.uint8).reshape(8, 8) % 3
    keep_micrograph(tmp_path, "a", labels)
    keep_micrograph(tmp_path, "b", dark := 20 * labels)
    stretched, kept = read_micrographs(tmp_path).images
    assert (np.unique(stretched).tolist(), kept.tolist()) == ([0, 128, 255], dark.tolist())


def test_a_module_of_parts(folder):
    module = data(folder)
    module.setup()
    labels = {name: len(getattr(module, f"{name}_dataloader")().dataset) for name in ("train", "val", "test", "predict")}
    assert labels["predict"] == labels["train"] + labels["val"] + labels["test"]
    assert len(module.val_dataloader()) > 0
    with pytest.raises(ValueError, match="windows must be SlidingWindows of the parts train, validation, test"):
        PatchesModule({"train": module.windows["train"]})


# Training.


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


# What its patches are worth.


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


def test_the_table_of_similarities_tells_textures_apart():
    rng = np.random.default_rng(0)
    fine, coarse = rng.random((6, 1, 64, 64)), np.kron(rng.random((6, 1, 8, 8)), np.ones((8, 8)))
    given = np.concatenate([fine, coarse]).astype(np.float32)
    seen = []
    told = summarise_similarities(given, {"itself": given}, ["fine"] * 6 + ["coarse"] * 6, progress=lambda *at: seen.append(at))
    assert seen == [(12 * i, 60) for i in range(1, 6)]
    column = {row: found["STSIM-2"] for row, found in told.items()}
    assert column["itself"] == pytest.approx(1, abs=1e-5)
    assert 1 > column["another patch of the sample"] > column["a patch of another sample"]
    assert column["another patch of the sample"] > column["constant gray"]
    assert re.search(r"\| itself +\| +1\.000 \| +1\.000 \|", table_of_similarities(told))
    assert list(summarise_similarities(given[:1], {}, ["one"])) == ["blurred by 4 px", "constant gray"]
    with pytest.raises(ValueError, match="samples must be one a patch"):
        summarise_similarities(given, {}, ["one"] * 3)


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


def test_regressions():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    line, curve, out = 5 + x @ [1.0, 2.0], 5 + np.sin(2 * x[:, 0]), random_share(200, seed=1)
    assert out.sum() == 40
    found = predict(x, line, out, "linear")
    np.testing.assert_allclose(found.predicted, line[out])
    assert (found.at == np.flatnonzero(out)).all()
    assert (found.r2, found.mape) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    assert predict(x, curve, out, "svr").r2 > 0.9 > predict(x, curve, out, "linear").r2
    mean = predict(x, np.where(x[:, 0] > 1, 2.0, 4.0), out, "mean")
    assert set(mean.predicted) == {3.0}  # of the properties, each once
    assert mean.mape == pytest.approx(100 * np.mean(np.where(mean.wanted == 2, 1 / 2, 1 / 4)))
    assert np.isnan(predict(x, np.full(200, 2.0), out, "mean").r2)


def test_leave_one_out_has_seen_nothing_of_the_one():
    samples = ["a"] * 5 + ["b"] * 5 + ["c"] * 5
    values = np.repeat([1.0, 2.0, 9.0], 5)
    found = leave_one_out(np.zeros((15, 1)), values, samples, "mean")
    assert {name: set(each.predicted) for name, each in found.items()} == {"a": {5.5}, "b": {5.0}, "c": {1.5}}
    assert set(found["c"].at) == set(range(10, 15))
    with pytest.raises(ValueError, match=r"samples must be two or more to leave one out, got \['a'\]"):
        leave_one_out(np.zeros((5, 1)), values[:5], samples[:5], "mean")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(kind="forest"), "kind must be one of"),
        (dict(values=np.zeros(3)), r"\(n,\) and boolean"),
        (dict(values=np.zeros(4)), "no value 0"),
        (dict(features=np.full((4, 2), np.nan)), "finite"),
        (dict(left_out=np.ones(4, bool)), "on both sides, got 4 of 4"),
    ],
)
def test_regressions_that_cannot_be(changes, message):
    options = dict(features=np.zeros((4, 2)), values=np.ones(4), left_out=np.array([True, False, False, False]), kind="linear")
    with pytest.raises(ValueError, match=message):
        predict(**(options | changes))


def test_properties_by_split_and_regression():
    rng = np.random.default_rng(0)
    samples = [name for name in "abcd" for _ in range(10)]
    value = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    values = np.array([value[name] for name in samples])
    good = values[:, None] + 0.01 * rng.normal(size=(40, 1))
    parts = (["train"] * 8 + ["test"] * 2) * 4
    told = summarise_properties({"good": good, "noise": rng.normal(size=(40, 1))}, {"E": values}, samples, parts)
    for split in ("random fifth", "by parent"):
        assert told["E"][split]["good"]["linear"]["r2"] > 0.99 > told["E"][split]["noise"]["linear"]["r2"]
    left = told["E"]["leave one out"]
    assert left["good"]["linear"]["mape"] < 2 < left["always the mean"]["mean"]["mape"]
    assert set(left["good"]["svr"]["samples"]) == set("abcd")
    assert of_parents(np.asarray(parts), ["test"]).sum() == 8
    assert re.search(r"\| E +\| +leave one out \| +always the mean \| +mean \|  +\|", table_of_properties(told))


# Pictures.


def test_pictures_hold_what_they_are_given():
    a, b = np.zeros((7, 8, 8)), np.ones((7, 1, 8, 8))
    figure = halves(a, b, list("abcdefg"))
    shown = figure.axes[6].images[0].get_array()
    assert (shown[:, :4] == 0).all()
    assert (shown[:, 4:] == 1).all()
    assert figure.axes[6].get_title() == "g"
    rows = patch_rows({"3": a[:2], "5": b[:2]}, columns=["-4", "4"])
    assert [at.get_ylabel() for at in rows.axes] == ["3", "", "5", ""]
    told = predictions({"latents": np.arange(5.0)}, 2.5, mean=1.0)
    assert {line.get_xdata()[0] for line in told.axes[0].lines} == {2.5, 1.0}
    chart = correlation_chart(np.array([[0.9, 0.1]]), ["p"], ["0", "1"])
    assert [text.get_text() for text in chart.axes[0].texts] == ["0.90"]
    for call in (
        lambda: halves(a, b[:3], list("abc")),
        lambda: patch_rows({}),
        lambda: patch_rows({"a": a, "b": a[:2]}),
        lambda: predictions({}, 1.0),
        lambda: correlation_chart(np.eye(2), ["p"], ["0", "1"]),
    ):
        with pytest.raises(ValueError, match="must"):
            call()


def test_pictures_of_properties():
    samples = [name for name in "abc" for _ in range(5)]
    values = np.repeat([1.0, 2.0, 6.0], 5)
    x = values[:, None] + 0.01 * np.arange(15)[:, None]
    found = dict(figures_of_properties({"latents": x}, {"E, GPa": values}, samples, kind="linear"))
    assert list(found) == ["E of a", "E of b", "E of c"]
    (axes,) = found["E of c"].axes
    assert [line.get_xdata()[0] for line in axes.lines] == [6.0, 1.5]
    left, right = (patch.get_x() + patch.get_width() * end for patch, end in ((axes.patches[0], 0), (axes.patches[-1], 1)))
    told = leave_one_out(x, values, samples, "linear")["c"].predicted
    assert (left, right) == (pytest.approx(told.min()), pytest.approx(told.max()))


def test_all_pictures_of_a_texture_vae(folder):
    run, (given, names) = config(), patches(folder)
    network, vgg = new_texture_vae(run).eval(), make_vgg(run)
    found, made_by = code(network, encodings(vgg, given)), dict(zip(*read_micrographs(folder)[1:], strict=True))
    known = [made_by[name] for name in names]
    drawn = dict(figures_of_texture_vae(network, found, given, names, known))
    assert list(drawn) == ["halves", "samples", "correlations", "traversal of squares of 1", "traversal of squares of 8"]
    told = summarise_latents(found, known)
    assert len(told["kl"]) == 3
    assert 0 <= told["active"] <= 3
    assert "correlations" not in dict(figures_of_texture_vae(network, found, given, names, [{}] * len(names)))
    assert summarise_latents(found, [{}] * len(names))["named"] == {}


def test_a_folder_of_other_micrographs_is_refused(tmp_path):
    gray = np.arange(64.0).reshape(8, 8)
    with pytest.raises(ValueError, match="images must have a name each, without folder and ending, got x, x"):
        keep_images(tmp_path, ["a/x.png", "b/x.tif"], lambda path: gray)
    keep_images(tmp_path, ["a/x.png", "b/y.tif"], lambda path: gray)
    assert read_micrographs(tmp_path).names == ["x", "y"]
    with pytest.raises(ValueError, match="holds other micrographs, such as 'x'"):
        keep_images(tmp_path, ["b/y.tif"], lambda path: gray)
    with pytest.raises(ValueError, match="holds other micrographs"):
        keep_castings(tmp_path, (96, 96))
    (tmp_path / "castings.txt").write_text("size 128 x 128, seed 0\n")
    with pytest.raises(ValueError, match="holds castings of size 128 x 128, seed 0, not of size 96 x 96, seed 0"):
        keep_castings(tmp_path, (96, 96))
