"""The CESS VAE's network: shapes, what one latent pixel sees, shifts, files without pickle, refusals."""

import json

import pytest
import torch

from twopoint_models.cess_vae import CESSVAE
from twopoint_models.cess_vae.blocks import Unit, levels, receptive_field
from twopoint_models.nets.files import read_tensors


def small(**options):
    torch.manual_seed(0)
    return CESSVAE(**(dict(width=6) | options)).eval()


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("width", [5, (2, 3, 4, 5, 6)])
@pytest.mark.parametrize("depth", [1, 2])
def test_shapes(width, depth):
    model = small(width=width, depth=depth, latent_channels=3)
    mean, log_variance = model.encode(images(2, 1, 48, 32))
    assert mean.shape == log_variance.shape == (2, 3, 3, 2)
    decoded = model.decode(mean)
    assert decoded.shape == (2, 1, 48, 32)
    assert ((decoded > 0) & (decoded < 1)).all()
    assert torch.equal(model(images(2, 1, 48, 32)), decoded)


def test_an_image_of_the_paper_becomes_14_by_14():
    assert small(width=2).encode(images(1, 1, 224, 224))[0].shape == (1, 1, 14, 14)


def test_more_phases_end_in_a_softmax():
    model = small(phases=3)
    decoded = model.decode(model.encode(images(2, 3, 32, 32))[0])
    assert decoded.shape == (2, 3, 32, 32)
    torch.testing.assert_close(decoded.sum(1), torch.ones(2, 32, 32))


def test_every_convolution_has_a_relu_behind_it_but_the_last():
    """Below a shift of all biases that no ReLU lets through, an encoder gives what its last bias is."""
    model = small()
    with torch.no_grad():
        for name, parameter in model.encoder.named_parameters():
            if name.endswith("bias"):
                parameter.fill_(-1e6)
        mean, _ = model.encode(images(1, 1, 32, 32))
    assert (mean == -1e6).all()


@pytest.mark.parametrize("depth", [1, 2])
def test_the_receptive_field_is_what_a_latent_pixel_has_a_gradient_from(depth):
    torch.manual_seed(0)
    model = CESSVAE(width=2, depth=depth).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()  # nothing is cut off by a ReLU, nothing cancels
    edge = model.receptive_field
    size = 32 * (edge // 32 + 2)
    x = torch.ones(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    model.encode(x)[0][0, 0, size // 32, size // 32].backward()
    seen = torch.nonzero(x.grad[0, 0].sum(0))
    assert seen.max() - seen.min() + 1 == edge


def test_receptive_field_by_hand():
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(1, 1, 3), torch.nn.MaxPool2d(2), torch.nn.Conv2d(1, 1, 3, stride=2), torch.nn.Conv2d(1, 1, 3)
    )
    assert receptive_field(layers) == 3 + 1 + 2 * 2 + 2 * 4


def test_circular_padding_commutes_with_shifts_by_16():
    x = images(1, 1, 64, 64)
    for padding, holds in (("circular", True), ("zeros", False)):
        model = small(padding=padding).double()
        moved = model(x.double().roll((16, 32), (2, 3)))
        assert torch.allclose(moved, model(x.double()).roll((16, 32), (2, 3)), atol=1e-12, rtol=0) is holds


def test_a_sharp_ending_keeps_the_volume_fraction_when_thresholded():
    x = images(5, 1, 32, 32)
    x[3:] = 0.0
    plain, sharp = small(), small(sharpness=50.0)
    with torch.no_grad():
        for shift in (-40.0, -1.0, 0.0, 1.0, 40.0):
            for model in (plain, sharp):
                model.decoder[-1].bias.fill_(shift)
            wanted, found = plain(x), sharp(x)
            assert ((found >= 0.5).sum((1, 2, 3)) - wanted.sum((1, 2, 3))).abs().max() <= 0.5 + 1e-3
            assert torch.isfinite(found).all()
    assert small(sharpness=2.0).config["sharpness"] == 2.0


def test_a_textured_decoder_takes_noise_at_each_resolution():
    model = small(texture=True)
    latents = torch.zeros(2, 1, 4, 2)
    for unit in (layer for layer in model.decoder if isinstance(layer, Unit)):
        with torch.no_grad():
            others = [each for each in model.decoder if isinstance(each, Unit) and each is not unit]
            kept = [each.share.clone() for each in others]
            for each in others:
                each.share.zero_()
            assert not torch.allclose(model.decode(latents, seed=0), model.decode(latents, seed=1)), "each level's noise is seen"
            for each, share in zip(others, kept, strict=True):
                each.share.copy_(share)
    with torch.no_grad():
        found = model.decode(latents)
        assert torch.equal(found, model.decode(latents)), "the same noise at each call"
        assert torch.equal(found[:1], found[1:]), "and for all images of a batch"
        apart = model.logits(latents, [7, 8], seed=3)
        assert not torch.allclose(apart[0], apart[1])
        torch.testing.assert_close(apart[1:], model.logits(latents[:1], [8], seed=3), msg="noise hangs on the image's key alone")
        assert not torch.allclose(apart, model.logits(latents, [7, 8], seed=3, epoch=1))
        drawn = model.sample(2, 32, seed=4)
        assert torch.equal(drawn, model.sample(2, 32, seed=4))


def test_a_changed_network_keeps_its_weights(tmp_path):
    plain = small(padding="circular", depth=2)
    textured = plain.changed(texture=True, sharpness=3.0)
    assert plain.config["texture"] is False
    assert textured.config == plain.config | {"texture": True, "sharpness": 3.0}
    state = textured.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in plain.state_dict().items())
    assert {name.rpartition(".")[2] for name in state.keys() - plain.state_dict().keys()} == {"share"}
    state["encoder.0.bias"] += 1
    assert not torch.equal(plain.state_dict()["encoder.0.bias"], state["encoder.0.bias"]), "copies"
    textured.save(tmp_path)
    assert torch.equal(CESSVAE.load(tmp_path).decode(torch.zeros(1, 1, 2, 2)), textured.decode(torch.zeros(1, 1, 2, 2)))


def test_a_deeper_decoder_begins_near_the_one_that_it_came_from(tmp_path):
    plain = small(padding="circular")
    deeper = plain.changed(texture=True, decoder_depth=(1, 2, 3, 2, 1))
    for old, new, units in zip(levels(plain.decoder), levels(deeper.decoder), (1, 2, 3, 2, 1, 0), strict=True):
        assert sum(isinstance(layer, Unit) for layer in new) == units
        for one, other in zip(old, new, strict=False):
            assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())
    latents = torch.randn(1, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    want = plain.logits(latents)
    assert (plain.changed(decoder_depth=(1, 2, 3, 2, 1)).logits(latents) - want).abs().mean() < 0.5 * want.abs().mean()
    deeper.save(tmp_path)
    assert torch.equal(CESSVAE.load(tmp_path).decode(latents), deeper.decode(latents))


def test_samples_hang_on_the_seed():
    model = small()
    a, b, c = (model.sample(3, (32, 48), seed=seed) for seed in (0, 0, 1))
    assert a.shape == (3, 1, 32, 48)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_interpolation_begins_and_ends_at_the_reconstructions():
    model, x, y = small(), images(2, 1, 32, 32), images(2, 1, 32, 32, seed=1)
    between = model.interpolate(x, y, 5)
    assert between.shape == (5, 2, 1, 32, 32)
    torch.testing.assert_close(between[0], model(x))
    torch.testing.assert_close(between[-1], model(y))
    middle = (model.encode(x)[0] + model.encode(y)[0]) / 2
    torch.testing.assert_close(between[2], model.decode(middle))


@pytest.mark.parametrize("options", [{}, dict(width=(2, 3, 4, 5, 6), depth=2, latent_channels=2, phases=3, padding="circular")])
def test_saved_and_loaded(tmp_path, options):
    model = small(**options)
    x = images(1, 1 if model.channels == 1 else 3, 32, 32)
    model.save(tmp_path / "a/b")
    assert sorted(path.name for path in (tmp_path / "a/b").iterdir()) == ["model.json", "model.safetensors"]
    loaded = CESSVAE.load(tmp_path / "a/b")
    assert not loaded.training
    assert loaded.config == model.config
    assert torch.equal(loaded(x), model(x))


def change(tmp_path, **changes):
    """Save a network, and change its JSON."""
    small().save(tmp_path)
    found = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(found | changes))


def test_files_that_are_no_network_of_this_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no .*model\.safetensors"):
        CESSVAE.load(tmp_path)
    change(tmp_path, network="TextureVAE")
    with pytest.raises(ValueError, match="is of a TextureVAE, not of a CESSVAE"):
        CESSVAE.load(tmp_path)
    change(tmp_path, options={"width": 6, "layers": 3})
    with pytest.raises(ValueError, match="other options than a CESSVAE takes"):
        CESSVAE.load(tmp_path)
    change(tmp_path, options={"width": 7})
    with pytest.raises(ValueError, match=r"another network: encoder\.0\.weight is \(6, 1, 3, 3\), expected \(7, 1, 3, 3\)"):
        CESSVAE.load(tmp_path)
    change(tmp_path, options={"width": 6, "depth": 2})
    with pytest.raises(ValueError, match="another network: it has no encoder"):
        CESSVAE.load(tmp_path)
    small(depth=2).save(tmp_path)
    found = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(found | {"options": small().config}))
    with pytest.raises(ValueError, match="another network"):
        CESSVAE.load(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ValueError, match="is not what save wrote"):
        CESSVAE.load(tmp_path)


def test_a_file_cut_short(tmp_path):
    small().save(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    for length in (0, 4, len(whole) // 2, len(whole) - 1):
        (tmp_path / "model.safetensors").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cut short"):
            CESSVAE.load(tmp_path)


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


def test_pickles_are_not_run(tmp_path, capsys):
    torch.save({"weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="not a file of tensors alone"):
        read_tensors(tmp_path / "evil.pth")
    assert "this ran" not in capsys.readouterr().out
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="must hold a state dict"):
        read_tensors(tmp_path / "list.pth")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: small().encode(images(1, 1, 30, 32)), r"divisible by 16, got \(30, 32\)"),
        (lambda: small().encode(images(1, 1, 0, 32)), "divisible by 16"),
        (lambda: small().encode(images(1, 2, 32, 32)), r"\(batch, 1, H, W\), got \(1, 2, 32, 32\)"),
        (lambda: small(phases=3).encode(images(1, 1, 32, 32)), r"\(batch, 3, H, W\)"),
        (lambda: small().encode(images(1, 32, 32)), r"\(batch, 1, H, W\)"),
        (lambda: small().decode(images(1, 2, 2, 2)), r"latents must have the shape \(batch, 1, h, w\)"),
        (lambda: small().sample(0, 32), "count must be"),
        (lambda: small().sample(1, 40), "size must be divisible by 16"),
        (lambda: small().sample(1, (32, 0)), "size must be divisible by 16"),
        (lambda: small().interpolate(images(1, 1, 32, 32), images(2, 1, 32, 32), 3), "first and second must have one shape"),
        (lambda: small().interpolate(images(1, 1, 32, 32), images(1, 1, 32, 32), 1), "count must be an integer of 2 or more"),
        (lambda: small(width=(1, 2, 3)), "width must be one number"),
        (lambda: small(width=0), "width must be an integer of 1"),
        (lambda: small(depth=1.5), "depth must be an integer"),
        (lambda: small(phases=1), "phases must be an integer of 2"),
        (lambda: small(latent_channels=True), "latent_channels must be an integer"),
        (lambda: small(sharpness=-1.0), "sharpness must be 0 or more"),
        (lambda: small(sharpness=float("nan")), "sharpness must be 0 or more"),
        (lambda: small(sharpness=2.0, phases=3), "0 for more than two phases"),
        (lambda: small(decoder_depth=(1, 2)), "decoder_depth must be five numbers"),
        (lambda: small(decoder_depth=(1, 2, 0, 1, 1)), "decoder_depth must be an integer of 1 or more, got 0"),
        (lambda: small(padding="reflect"), "padding must be 'zeros' or 'circular'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
