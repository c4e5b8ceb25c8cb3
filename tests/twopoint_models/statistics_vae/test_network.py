"""The spatial-statistics VAE: the residual network's layout against what is published of torchvision's, shapes, files, refusals."""

import json

import pytest
import torch
from torch.nn import functional

from twopoint_models.statistics_vae import ResNet, ResNetVAE
from twopoint_models.statistics_vae.network import Profiles

PUBLISHED = {18: (11_689_512, 512), 34: (21_797_672, 512), 50: (25_557_032, 2048), 101: (44_549_160, 2048), 152: (60_192_808, 2048)}


@pytest.mark.parametrize("layout", PUBLISHED)
def test_the_parameters_are_as_many_as_torchvisions(layout):
    with torch.device("meta"):
        network = ResNet(layout)
    whole, features = PUBLISHED[layout]
    assert network.features == features
    assert sum(each.numel() for each in network.parameters()) == whole - 1000 * features - 1000  # without the last layer, of 1000 classes


def test_names_and_shapes_are_torchvisions():
    with torch.device("meta"):
        found = {name: tuple(each.shape) for name, each in ResNet(50).state_dict().items()}
    assert found["conv1.weight"] == (64, 3, 7, 7)
    assert found["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert found["layer2.0.conv2.weight"] == (128, 128, 3, 3)
    assert found["layer4.2.bn3.running_var"] == (2048,)
    assert found["layer3.5.conv1.weight"] == (256, 1024, 1, 1)
    assert "layer1.1.downsample.0.weight" not in found


def test_its_pass_is_the_papers():
    torch.manual_seed(0)
    network, images = ResNet(18).eval(), torch.rand(2, 1, 64, 64)
    given = network.state_dict()

    def normed(x, name):
        return functional.batch_norm(
            x, given[f"{name}.running_mean"], given[f"{name}.running_var"], given[f"{name}.weight"], given[f"{name}.bias"]
        )

    x = (images.expand(-1, 3, -1, -1) - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
        3, 1, 1
    )
    x = functional.max_pool2d(normed(functional.conv2d(x, given["conv1.weight"], stride=2, padding=3), "bn1").relu(), 3, 2, 1)
    for level in range(1, 5):
        for block in range(2):
            at, stride = f"layer{level}.{block}", 2 if level > 1 and not block else 1
            y = normed(functional.conv2d(x, given[f"{at}.conv1.weight"], stride=stride, padding=1), f"{at}.bn1").relu()
            y = normed(functional.conv2d(y, given[f"{at}.conv2.weight"], padding=1), f"{at}.bn2")
            if stride == 2:
                x = normed(functional.conv2d(x, given[f"{at}.downsample.0.weight"], stride=2), f"{at}.downsample.1")
            x = (x + y).relu()
    torch.testing.assert_close(network(images), x.mean((2, 3)))


def test_a_file_of_torchvisions_names(tmp_path):
    torch.manual_seed(0)
    network = ResNet(18).eval()
    torch.save(network.state_dict() | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}, tmp_path / "resnet18.pth")
    images = torch.rand(1, 3, 40, 48)
    assert torch.equal(ResNet(18).read(tmp_path / "resnet18.pth").eval()(images), network(images))
    with pytest.raises(
        ValueError, match=r"resnet18\.pth is of another network: layer1\.0\.conv1\.weight is \(64, 64, 3, 3\), expected \(64, 64, 1, 1\)"
    ):
        ResNet(50).read(tmp_path / "resnet18.pth")
    with pytest.raises(ValueError, match=r"is of another network: it has no layer1\.2\."):
        ResNet(34).read(tmp_path / "resnet18.pth")
    with pytest.raises(FileNotFoundError, match="none"):
        ResNet(18).read(tmp_path / "none.pth")


def vae(**options):
    torch.manual_seed(0)
    return ResNetVAE(**(dict(latents=4, size=40, layout=18) | options)).eval()


def test_the_decoder_is_the_papers():
    network, sizes = ResNetVAE(latents=9, size=224, layout=18).eval(), []
    x = torch.zeros(1, 9)
    for layer in network.decoder:
        x = layer(x)
        sizes.append(tuple(x.shape[1:]))
    kinds = ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Unflatten"] + ["ConvTranspose2d", "BatchNorm2d", "ReLU"] * 3
    assert [type(layer).__name__ for layer in network.decoder] == kinds
    assert sizes[6::3] == [(64, 4, 4), (32, 9, 9), (8, 19, 19), (3, 39, 39)]
    assert tuple(network.decode(torch.zeros(1, 9)).shape) == (1, 1, 224, 224)
    assert network.hidden[0].out_features == network.hidden[3].out_features == 1024


def test_shapes_and_samples():
    network = vae(width=2)
    mean, log_variance = network.encode(torch.rand(3, 1, 40, 40))
    assert mean.shape == log_variance.shape == (3, 4)
    made = network(torch.rand(2, 1, 40, 40))
    assert made.shape == (2, 1, 40, 40)
    assert 0 <= made.min() <= made.max() <= 1
    assert torch.equal(network.sample(2, seed=3), network.sample(2, seed=3))
    assert not torch.equal(network.sample(2, seed=3), network.sample(2, seed=4))


def test_latents_and_gray_values_are_not_rounded_in_mixed_precision():
    """Deviations of .01 of the latents, and what the loss makes of grays near white, are below what bfloat16 resolves."""
    network, images = vae(), torch.rand(8, 1, 40, 40)
    with torch.autocast("cpu", torch.bfloat16):
        assert network.encoder(images).dtype == torch.bfloat16
        found = (*network.encode(images), network.decode(torch.randn(8, 4)))
    assert {each.dtype for each in found} == {torch.float32}
    assert all((each.bfloat16() != each).any() for each in found)
    torch.testing.assert_close(found[0], network.encode(images)[0], rtol=0.1, atol=0.05)
    assert network.double().encode(images.double())[0].dtype == torch.float64


def test_saved_and_loaded(tmp_path):
    network, images = vae(), torch.rand(2, 1, 40, 40)
    network.save(tmp_path)
    assert torch.equal(ResNetVAE.load(tmp_path)(images), network(images))
    told = json.loads((tmp_path / "model.json").read_text())
    told["options"]["latents"] = 9
    (tmp_path / "model.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"is of another network: mean\.weight is \(4, 1024\), expected \(9, 1024\)"):
        ResNetVAE.load(tmp_path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ResNet(20), "layout must be one of 18, 34, 50, 101, 152, got 20"),
        (lambda: ResNetVAE(latents=0), "latents must be an integer of 1 or more"),
        (lambda: ResNetVAE(size=16), "size must be an integer of 32 or more"),
        (lambda: ResNet(18)(torch.zeros(1, 2, 32, 32)), r"images must have the shape \(batch, 1 or 3, H, W\), got \(1, 2, 32, 32\)"),
        (lambda: vae().encode(torch.zeros(1, 1, 32, 40)), r"images must have the shape \(batch, 1, 40, 40\), got \(1, 1, 32, 40\)"),
        (lambda: vae().decode(torch.zeros(1, 5)), r"latents must have the shape \(batch, 4\), got \(1, 5\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_latents_of_statistics_do_not_hold_positions():
    network, images = vae(encoded="statistics"), (torch.rand(3, 1, 40, 40) > 0.7).float()
    moved = torch.roll(images, (7, -11), (2, 3))
    torch.testing.assert_close(network.encode(moved)[0], network.encode(images)[0])
    torch.testing.assert_close(network.encode(images.flip(2, 3))[0], network.encode(images)[0])
    assert (network.encode(images.flip(3))[0] - network.encode(images)[0]).abs().max() > 1e-3  # another autocorrelation
    found = network.encoder(images)
    assert tuple(found.shape) == (3, network.encoder.features) == (3, 40 * 21)
    m = torch.exp(-(images[:, 0] ** 2) / (2 * 0.25**2))
    f = torch.fft.ifft2(torch.fft.fft2(m).abs() ** 2).real / 40**2
    torch.testing.assert_close(found, f[:, :, :21].flatten(1) / (1 + 1e-5) ** 0.5, rtol=1e-4, atol=1e-5)  # untrained: mean 0, variance 1


def test_an_image_of_profiles_is_their_sum_of_products():
    layer = Profiles(5, 3)
    numbers = torch.randn(2, 30)
    a, b = numbers[:, :15].view(2, 3, 5), numbers[:, 15:].view(2, 3, 5)
    expected = sum(a[:, k, :, None] * b[:, k, None, :] for k in range(3)) / 3**0.5
    torch.testing.assert_close(layer(numbers), expected[:, None])


def test_options_of_encoder_and_decoder_are_kept_in_files(tmp_path):
    network, images = vae(encoded="statistics", decoder="profiles", gray=1.0, deviation=0.5), torch.rand(2, 1, 40, 40)
    network.save(tmp_path)
    assert torch.equal(ResNetVAE.load(tmp_path)(images), network(images))
    plain = vae()
    plain.save(tmp_path / "old")
    told = json.loads((tmp_path / "old/model.json").read_text())
    for name in ("encoded", "decoder", "gray", "deviation"):
        del told["options"][name]  # as files of before these options
    (tmp_path / "old/model.json").write_text(json.dumps(told))
    assert torch.equal(ResNetVAE.load(tmp_path / "old")(images), plain(images))
    for name in ("encoded", "decoder"):
        with pytest.raises(ValueError, match=f"{name} must be one of"):
            vae(**{name: "other"})
