"""VGG-19 and VGG-16: against the definition in numpy, files of all three layouts, shifts, gradients, refusals."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import twopoint as tp
from twopoint_models.nets import VGG16, VGG19
from twopoint_models.nets.names import LUBBERS, SARDESHMUKH

# Written down by hand: what stands where, and which places the convolutions have in the two files that number their members.
ORDER = {
    VGG19: "c1_1 c1_2 p1 c2_1 c2_2 p2 c3_1 c3_2 c3_3 c3_4 p3 c4_1 c4_2 c4_3 c4_4 p4 c5_1 c5_2 c5_3 c5_4 p5",
    VGG16: "c1_1 c1_2 p1 c2_1 c2_2 p2 c3_1 c3_2 c3_3 p3 c4_1 c4_2 c4_3 p4 c5_1 c5_2 c5_3 p5",
}
ORDER = {kind: text.replace("c", "conv").replace("p", "pool_").split() for kind, text in ORDER.items()}
TORCHVISION = {
    VGG19: (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
    VGG16: (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
NUMBERED = (2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51)
INPUT_STEP = {
    "0.weight": torch.tensor([[0.0, 0, 255], [0, 255, 0], [255, 0, 0]])[..., None, None],
    "0.bias": -torch.tensor([103.939, 116.779, 123.68]),
}


def images(*shape, seed=0, dtype=torch.float32):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def with_biases(network):
    """Random filters have no bias, which would hide a bias left out."""
    with torch.no_grad():
        for i, (name, parameter) in enumerate(network.named_parameters()):
            if name.endswith("bias"):
                parameter.copy_(images(*parameter.shape, seed=i) - 0.5)
    return network


def by_definition(network, x, *, pooling="max", padding="zeros", convention="normalised"):
    """All feature maps in numpy and float64: sums of nine shifted products."""
    rgb = np.broadcast_to(x.numpy(), (x.shape[0], 3, *x.shape[2:]))
    if convention == "normalised":
        x = 255 * rgb[:, ::-1] - np.array([103.939, 116.779, 123.68])[:, None, None]
    else:
        x = (rgb - np.array([0.485, 0.456, 0.406])[:, None, None]) / np.array([0.229, 0.224, 0.225])[:, None, None]
    weights, found = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}, {}
    for name in ORDER[type(network)]:
        b, c, h, w = x.shape
        if name.startswith("pool"):
            blocks = x[..., : h // 2 * 2, : w // 2 * 2].reshape(b, c, h // 2, 2, w // 2, 2)
            x = blocks.max(axis=(3, 5)) if pooling == "max" else blocks.mean(axis=(3, 5))
        else:
            around = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap" if padding == "circular" else "constant")
            weight, total = weights[f"{name}.weight"], weights[f"{name}.bias"][:, None, None]
            for i in range(3):
                for j in range(3):
                    window = around[:, :, i : i + h, j : j + w].reshape(b, c, h * w)
                    total = total + (weight[:, :, i, j] @ window).reshape(b, -1, h, w)
            x = np.maximum(total, 0)
        found[name] = x
    return found


@pytest.mark.parametrize(
    ("kind", "channels", "options"),
    [
        (VGG19, 1, dict(pooling="max", padding="zeros", convention="normalised")),
        (VGG19, 3, dict(pooling="mean", padding="circular", convention="normalised")),
        (VGG16, 3, dict(pooling="mean", padding="zeros", convention="torchvision")),
    ],
)
def test_features_are_those_of_the_definition(kind, channels, options):
    network = with_biases(kind.random(layers=ORDER[kind], seed=3, **options)).double()
    x = images(2, channels, 33, 38, dtype=torch.float64)  # odd sizes on the way down
    wanted, found = by_definition(network, x, **options), network(x)
    assert len(found) == len(wanted) == len(kind.names())
    for name, each in zip(ORDER[kind], found, strict=True):
        assert each.shape == wanted[name].shape
        # 1e-6: the constants of the input step are kept in float32
        assert np.abs(each.numpy() - wanted[name]).max() < 1e-6 * wanted[name].max(), name


def test_names_stand_in_the_order_in_which_layers_act():
    for kind, names in ORDER.items():
        assert kind.names() == tuple(names)
        assert {*SARDESHMUKH, *LUBBERS} <= set(names)
    assert VGG19().layers == ("conv1_1", "pool_1", "pool_2", "pool_3", "pool_4")


def test_feature_maps_come_in_the_order_asked_for_and_nothing_deeper_is_built():
    network = VGG19.random(layers=("pool_1", "conv2_1", "conv1_1"))
    found = network(images(2, 1, 8, 6))
    assert [tuple(each.shape) for each in found] == [(2, 64, 4, 3), (2, 128, 4, 3), (2, 64, 8, 6)]
    assert {name.split(".")[0] for name in network.state_dict()} == {"conv1_1", "conv1_2", "conv2_1"}


def test_a_gray_image_is_three_equal_channels():
    network, x = VGG19.random(layers=("conv1_1",)), images(2, 1, 6, 6)
    assert torch.equal(network(x)[0], network(x.expand(-1, 3, -1, -1))[0])
    assert not torch.equal(network(images(1, 3, 6, 6))[0], network(images(1, 3, 6, 6).flip(1))[0])  # RGB is not BGR


def test_random_filters_hang_on_the_seed_and_the_layer_alone():
    first, deeper = VGG19.random(seed=1, layers=("conv1_2",)), VGG19.random(seed=1, layers=("conv2_1",))
    assert torch.equal(first.conv1_2.weight, deeper.conv1_2.weight)
    assert not torch.equal(first.conv1_2.weight, VGG19.random(seed=2, layers=("conv1_2",)).conv1_2.weight)
    assert (first.conv1_2.bias == 0).all()
    assert first.conv1_2.weight.std() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_random_filters_keep_the_size_of_features():
    """He et al.: the mean square of what a ReLU lets through stays; maxima gain what the zeros beyond the edges lose."""
    network = VGG19.random(layers=[name for name in ORDER[VGG19] if name.startswith("conv")], convention="torchvision")
    sizes = [float(each.square().mean().sqrt()) for each in network(images(1, 1, 64, 64))]
    assert all(0.3 < size < 5 for size in sizes), sizes  # sqrt(2) too much or too little a layer makes it 256 or 1 / 256


# --- shifts, gradients


def test_circular_padding_commutes_with_shifts():
    x = images(1, 1, 48, 32, dtype=torch.float64)
    layers = ("conv1_1", "pool_2", "conv5_1")
    for padding in ("circular", "zeros"):
        network = VGG19.random(layers=layers, padding=padding).double()
        moved = network(x.roll((16, -16), dims=(2, 3)))
        apart = [
            float((a - b.roll((16 // step, -16 // step), dims=(2, 3))).abs().max() / b.max())
            for a, b, step in zip(moved, network(x), (1, 4, 16), strict=True)
        ]
        assert max(apart) < 1e-12 if padding == "circular" else min(apart) > 1e-3


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_gradient_of_the_style_loss_by_an_image(pooling):
    network = VGG19.random(layers=("conv1_1", "pool_1", "conv3_1"), pooling=pooling, padding="circular").double()
    target = network(images(1, 1, 12, 12, seed=1, dtype=torch.float64))

    def loss(x):
        return tp.style_loss(network(x), target)

    x, direction = images(1, 1, 12, 12, dtype=torch.float64).requires_grad_(), images(1, 1, 12, 12, seed=2, dtype=torch.float64) - 0.5
    (gradient,) = torch.autograd.grad(loss(x), x)
    with torch.no_grad():
        step = 1e-6  # few ReLUs and maxima change their mind on the way
        slope = float((loss(x + step * direction) - loss(x - step * direction)) / (2 * step))
    assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-5)
    assert abs(slope) > 0


def test_the_network_is_frozen_and_keeps_no_graph_without_need():
    network = VGG19.random(layers=("pool_1",))
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.training
    assert not network(images(1, 1, 4, 4))[0].requires_grad


# --- files


@pytest.fixture
def weights(shared_data):
    return shared_data / "weights/vgg19_norm_conv5_4_f16.safetensors"


def natural(count, size, seed=0):
    """Gray images with the power spectrum of natural ones, which falls as the square of the frequency; their mean and spread too."""
    rng, k = np.random.default_rng(seed), np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    k[0, 0] = np.inf
    x = np.fft.ifft2(np.fft.fft2(rng.normal(size=(count, size, size))) / k).real
    x = 0.45 + 0.22 * x / x.std(axis=(1, 2), keepdims=True)
    return torch.tensor(x.clip(0, 1)[:, None].astype(np.float32))


def test_the_normalised_network_has_a_mean_activation_of_about_1(weights):
    layers = [name for name in ORDER[VGG19] if name.startswith("conv")][:11]  # deeper ones wait for things that noise has not
    means = [float(each.mean()) for each in VGG19.load(weights, layers=layers)(natural(2, 128))]
    assert all(0.5 < mean < 2 for mean in means), means
    other = VGG19.load(weights, layers=layers, convention="torchvision")(natural(2, 128))
    assert all(float(each.mean()) < 0.2 for each in other)  # so the bounds see a wrong input step


def test_weights_of_half_precision_become_float32(weights):
    network, tensors = VGG19.load(weights, layers=("pool_5",)), load_file(weights)
    assert set(network.state_dict()) == set(tensors)
    assert tensors["conv3_1.weight"].dtype == torch.float16
    assert network.conv3_1.weight.dtype == torch.float32
    assert torch.equal(network.conv3_1.weight, tensors["conv3_1.weight"].float())


def test_a_numbered_file_of_torch_has_the_same_network(weights, tmp_path):
    names = [name for name in ORDER[VGG19] if name.startswith("conv")]
    tensors = load_file(weights)
    numbered = {f"{i}.{part}": tensors[f"{name}.{part}"] for i, name in zip(NUMBERED, names, strict=True) for part in ("weight", "bias")}
    torch.save(INPUT_STEP | numbered, tmp_path / "vgg.pth")
    found = VGG19.load(tmp_path / "vgg.pth", layers=("conv5_4",))
    for name, tensor in VGG19.load(weights, layers=("conv5_4",)).state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor), name
    # the file's own input step, which is its member 0
    x = images(1, 3, 9, 9)
    step = torch.nn.functional.conv2d(x, INPUT_STEP["0.weight"], INPUT_STEP["0.bias"])
    wanted = torch.relu(torch.nn.functional.conv2d(step, tensors["conv1_1.weight"].float(), tensors["conv1_1.bias"], padding=1))
    torch.testing.assert_close(VGG19.load(tmp_path / "vgg.pth", layers=("conv1_1",))(x)[0], wanted)


def some_weights(kind, deepest, seed=0):
    """Right shapes up to a layer, by the names of this package."""
    return with_biases(kind.random(layers=(deepest,), seed=seed)).state_dict()


def renamed(kind, tensors, places, prefix=""):
    names = [name for name in ORDER[kind] if name.startswith("conv")]
    place = dict(zip(names, places, strict=True))
    return {f"{prefix}{place[name.split('.')[0]]}.{name.split('.')[1]}": tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("kind", [VGG19, VGG16])
def test_torchvision_files_are_read_with_their_classifier_left_out(kind, tmp_path):
    tensors = some_weights(kind, "conv4_2")
    file = renamed(kind, tensors, TORCHVISION[kind], "features.") | {"classifier.0.weight": torch.zeros(3, 3)}
    torch.save(file, tmp_path / "vgg.pth")
    network = kind.load(tmp_path / "vgg.pth", layers=("conv4_2",), convention="torchvision")
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in network.state_dict().items())


def test_the_shared_vgg16_is_read(shared_data):
    network = VGG16.load(shared_data / "weights/vgg16_torchvision_f16.safetensors", layers=("pool_5",), convention="torchvision")
    assert network(images(1, 3, 32, 32))[0].shape == (1, 512, 1, 1)


def without(tensors, *names):
    return {name: tensor for name, tensor in tensors.items() if name not in names}


SMALL = some_weights(VGG19, "conv2_1")
NUMBERED_SMALL = renamed(VGG19, SMALL, NUMBERED)


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        (without(SMALL, "conv1_2.bias"), "has no conv1_2.bias"),
        (without(SMALL, "conv2_1.weight", "conv2_1.bias"), "has no conv2_1.weight"),
        (SMALL | {"conv2_1.weight": torch.zeros(128, 64, 1, 1)}, r"conv2_1.weight is \(128, 64, 1, 1\), expected \(128, 64, 3, 3\)"),
        (SMALL | {"conv6_1.weight": torch.zeros(1)}, "has conv6_1.weight, which VGG19 has not"),
        (without(SMALL, "conv1_1.weight"), "has none of conv1_1.weight, features.0.weight, 2.weight"),
        ({"weight": torch.zeros(1)}, "has none of conv1_1.weight"),
        (NUMBERED_SMALL, "another convention"),
        (NUMBERED_SMALL | INPUT_STEP | {"0.weight": INPUT_STEP["0.weight"].flip(1)}, "another convention"),
        (NUMBERED_SMALL | INPUT_STEP | {"0.bias": torch.zeros(3)}, "another convention"),
        (NUMBERED_SMALL | INPUT_STEP | {"0.weight": torch.zeros(64, 3, 3, 3)}, "another convention"),
        (NUMBERED_SMALL | INPUT_STEP | {"3.weight": torch.zeros(1)}, "has 3.weight, which VGG19 has not"),
    ],
)
def test_files_of_other_networks_are_refused(tensors, complaint, tmp_path):
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=f"other.safetensors.*{complaint}"):
        VGG19.load(tmp_path / "other.safetensors", layers=("conv2_1",))


@pytest.mark.parametrize("places", [None, TORCHVISION])
@pytest.mark.parametrize(("kind", "other"), [(VGG19, VGG16), (VGG16, VGG19)])
def test_vgg_16_is_told_from_vgg_19_by_layers_beyond_those_asked_for(kind, other, places, tmp_path):
    """Their first seven convolutions have the same shapes."""
    tensors = some_weights(other, "conv4_1")
    if places:
        tensors = renamed(other, tensors, places[other], "features.")
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other\.safetensors is of another network: it has"):
        kind.load(tmp_path / "other.safetensors", layers=("conv2_1",))
    assert other.load(tmp_path / "other.safetensors", layers=("conv2_1",)).layers == ("conv2_1",)


def test_a_convention_that_the_file_denies_is_refused(tmp_path):
    save_file(NUMBERED_SMALL | {name: tensor.contiguous() for name, tensor in INPUT_STEP.items()}, tmp_path / "vgg.safetensors")
    assert VGG19.load(tmp_path / "vgg.safetensors", layers=("conv2_1",)).layers == ("conv2_1",)
    with pytest.raises(ValueError, match="for another convention"):
        VGG19.load(tmp_path / "vgg.safetensors", layers=("conv2_1",), convention="torchvision")


def test_no_file_and_half_a_file_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        VGG19.load(tmp_path / "none.pth")
    save_file(SMALL, tmp_path / "whole.safetensors")
    (tmp_path / "half.safetensors").write_bytes((tmp_path / "whole.safetensors").read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"half\.safetensors is cut short"):
        VGG19.load(tmp_path / "half.safetensors", layers=("conv1_1",))


# --- refusals


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (dict(layers=("conv1_3",)), "VGG19 has no 'conv1_3'"),
        (dict(layers=("relu1_1",)), "VGG19 has no 'relu1_1'"),
        (dict(pooling="l3"), "pooling must be 'max' or 'mean' or 'l2', got 'l3'"),
        (dict(padding="reflect"), "padding must be 'zeros' or 'circular'"),
        (dict(convention="caffe"), "convention must be 'normalised' or 'torchvision'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        VGG19(**options)


def test_the_fourth_convolution_of_a_block_is_not_vgg_16s():
    with pytest.raises(ValueError, match="VGG16 has no 'conv3_4'"):
        VGG16(layers=("conv3_4",))


@pytest.mark.parametrize("layers", ["conv1_1", (), None])
def test_layers_of_another_type_are_refused(layers):
    with pytest.raises(TypeError, match="layers must be names of layers, at least one"):
        VGG19(layers=layers)


@pytest.mark.parametrize("shape", [(1, 2, 8, 8), (1, 8, 8), (8, 8), (1, 1, 8, 8, 8)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"images must have the shape \(batch, 1 or 3, H, W\)"):
        VGG19(layers=("conv1_1",))(torch.zeros(shape))


def test_images_that_pooling_leaves_nothing_of_are_refused():
    network = VGG19.random(layers=("conv1_1", "pool_2"))
    assert network(torch.zeros(1, 1, 4, 7))[1].shape == (1, 128, 1, 1)
    with pytest.raises(ValueError, match=r"images must be 4 x 4 or more, or pool_2 is empty, got \(1, 1, 4, 3\)"):
        network(torch.zeros(1, 1, 4, 3))
    with pytest.raises(ValueError, match="images must be 1 x 1 or more"):
        VGG19(layers=("conv1_1",))(torch.zeros(1, 1, 0, 4))


def test_images_of_integers_are_refused():
    with pytest.raises(TypeError, match=r"images must be floating-point, got torch.uint8"):
        VGG19(layers=("conv1_1",))(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
