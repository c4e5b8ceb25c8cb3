"""Design: gradients through decoder and homogenisation, bounds of what can be, what is found is what is told, and refusals."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import twopoint as tp
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.design import design, latents_by_network, latents_by_search, reachable
from twopoint_models.design.targets import targets_of
from twopoint_models.homogenisation import Materials, conductivity, elastic_stiffness, engineering_constants, properties_of

NAMES = ("E_x", "E_y", "G_xy", "nu_xy", "nu_yx", "k_x", "k_y")


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(3)
    cells = np.kron(rng.integers(0, 2, (12, 1, 4, 4)), np.ones((4, 4)))
    return np.where(np.arange(12)[:, None, None, None] % 2, cells, cells * np.kron(rng.integers(0, 2, (12, 1, 4, 4)), np.ones((4, 4))))


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CESSVAE(width=6).double().eval()


def test_properties_are_those_of_homogenisation(images):
    materials = Materials(young=(5.0, 2.0), poisson=(0.2, 0.3), conductivities=(1.0, 7.0), plane="stress")
    found = dict(zip(NAMES, properties_of(images[:3, 0], NAMES, materials), strict=True))
    m = tp.two_phase(images[:3, 0])
    constants = engineering_constants(elastic_stiffness(m, (5.0, 2.0), (0.2, 0.3), plane="stress", tolerance=1e-4))
    conducted = conductivity(m, (1.0, 7.0), tolerance=1e-4)
    wanted = [constants.E_x, constants.E_y, constants.G_xy, constants.nu_xy, constants.nu_yx, conducted[:, 0, 0], conducted[:, 1, 1]]
    for name, values in zip(NAMES, wanted, strict=True):
        np.testing.assert_allclose(found[name], values, rtol=1e-10)


@pytest.mark.parametrize("name", ["E_x", "k_y"])
def test_the_gradient_by_the_latent_is_that_of_finite_differences(name, network):
    latent = torch.randn(1, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()

    def value(z):
        return properties_of(network.decode(z)[:, 0], [name], tolerance=1e-13)[0].sum()

    (gradient,) = torch.autograd.grad(value(latent), latent)
    step, found = 1e-4, torch.zeros_like(latent)
    with torch.no_grad():
        for i in np.ndindex(*latent.shape):
            shift = torch.zeros_like(latent)
            shift[i] = step
            found[i] = (value(latent + shift) - value(latent - shift)) / (2 * step)
    assert float((gradient - found).abs().max() / found.abs().max()) < 1e-5


def test_every_property_lies_where_it_can(images):
    for share, x in ((None, images), (images[0].mean(), images[:1])):
        bounds = (0.0, 1.0) if share is None else (share, share)
        for name, values in zip(NAMES, properties_of(x[:, 0], NAMES), strict=True):
            low, high = reachable(name, volume_fractions=bounds)
            assert low - 1e-6 <= values.min() <= values.max() <= high + 1e-6


@pytest.mark.parametrize(
    ("wanted", "shares", "message"),
    [
        ({"E_x": 8.0, "E_y": 2.0}, (0, 1), "of the volume fraction of phase 1 E_x needs 0.039 to 0.305 and E_y needs 0.488 to 0.910"),
        ({"k_x": 8.0, "E_y": 2.0}, (0, 1), "k_x needs 0.027 to 0.227 and E_y needs"),
        ({"k_x": (1.8, 2.0), "k_y": 1.9}, (0.5, 0.5), r"bound of Hashin and Shtrikman.* from 0.5 to 0.5, got 1.8 to 2 and 1.9"),
    ],
)
def test_targets_that_no_microstructure_has_together_are_refused_before_a_search(wanted, shares, message):
    with pytest.raises(ValueError, match=message):
        targets_of(wanted, Materials(), shares)


def test_targets_that_a_microstructure_has_are_never_refused():
    """Laminates and disks reach the bounds; noise of single pixels, homogenised on its grid, exceeds the upper ones."""
    rng, names = np.random.default_rng(0), ["E_x", "E_y", "G_xy", "nu_xy", "nu_yx", "k_x", "k_y"]
    stripes = np.zeros((32, 32))
    stripes[:20] = 1
    disk = (np.hypot(*(np.indices((32, 32)) - 15.5)) < 14).astype(float)
    cells = [stripes, stripes.T, disk, 1 - disk, np.zeros((32, 32)), np.ones((32, 32))]
    cells += [(rng.random((32, 32)) < share).astype(float) for share in (0.05, 0.2, 0.5, 0.8, 0.95)] + [
        np.indices((32, 32)).sum(axis=0) % 2.0
    ]
    for materials in (Materials(), Materials((1.0, 50.0), (0.2, 0.45), (1.0, 1000.0), "stress"), Materials(conductivities=(2.0, 2.0))):
        for m in cells:
            own = dict(zip(names, (float(np.asarray(x)[0]) for x in properties_of(m[None], names, materials)), strict=True))
            assert list(targets_of(own, materials, (m.mean(), m.mean()))) == names
            assert list(targets_of(own, materials, (0.0, 1.0))) == names


def test_designs_have_what_is_wanted_and_differ(images, network):
    latents = network.encode(torch.from_numpy(images))[0].detach()
    told = []
    wanted = {"E_x": (3.0, 6.0), "E_y": 5.0}
    found = design(
        network.decode,
        latents.expand(12, 1, 1, 1),
        images,
        wanted,
        volume_fractions=(0.2, 0.7),
        steps=8,
        count=3,
        starts=6,
        different=0.01,
        learning_rate=0.5,
        plausibility=0.0,
        progress=lambda n, of: told.append((n, of)),
    )
    assert told == [(i + 1, 8) for i in range(8)]
    assert 1 <= len(found.microstructures) <= 3
    assert set(np.unique(found.microstructures)) <= {0, 1}
    e_x, e_y = properties_of(found.microstructures.astype(float), ["E_x", "E_y"])
    np.testing.assert_allclose(found.properties["E_x"], e_x, rtol=1e-3)
    np.testing.assert_allclose(found.properties["E_y"], e_y, rtol=1e-3)
    assert (np.diff(found.errors) >= 0).all()
    for i in range(len(found.microstructures)):
        assert found.volume_fractions[i] == found.microstructures[i].mean()
        for j in range(i):
            assert (found.microstructures[i] != found.microstructures[j]).mean() >= 0.01


def test_two_properties_that_no_threshold_reaches_are_met():
    """A decoder that gives one field whatever the latent is: its threshold is one number, the targets are two."""
    field = gaussian_filter(np.random.default_rng(1).standard_normal((48, 48)), 3, mode="wrap")
    soft = torch.from_numpy(1 / (1 + np.exp(-20 * field))).float()
    e_x, e_y = (float(x[0]) for x in properties_of((field > 0)[None].astype(float), ["E_x", "E_y"]))
    found = design(
        lambda z: soft.expand(len(z), 1, -1, -1), torch.zeros(2, 1, 1, 2), np.ones((2, 1, 48, 48)), {"E_x": 1.03 * e_x, "E_y": 0.98 * e_y},
        count=1, starts=1, steps=0,
    )  # fmt: skip
    assert found.errors[0] < 2e-3  # a threshold alone leaves .01 or more


@pytest.mark.parametrize("bounds", [(0.2, 0.3), (0.7, 0.7), (0.0, 0.02)])
def test_a_threshold_far_from_one_half_keeps_the_volume_fraction(bounds):
    """A decoder that gives one ramp whatever the latent is; cut at 1/2, half of it is phase 1."""
    ramp = torch.linspace(0, 1, 400).reshape(1, 1, 20, 20)
    found = design(
        lambda z: ramp.expand(len(z), -1, -1, -1), torch.zeros(2, 1, 1, 2), np.ones((2, 1, 20, 20)), {"E_x": (1.2, 10.0)},
        volume_fractions=bounds, count=1, starts=1, steps=0,
    )  # fmt: skip
    assert bounds[0] - 0.0026 <= found.volume_fractions[0] <= bounds[1] + 1e-12  # a pixel is .0025


def test_a_volume_fraction_that_cannot_be_kept_is_an_error_of_the_design():
    """A decoder that gives one image of .25 whatever the latent is."""
    one = torch.zeros(1, 1, 16, 16)
    one[..., :4] = 1
    found = design(
        lambda z: one.expand(len(z), -1, -1, -1), torch.zeros(4, 1, 1, 2), one.expand(4, -1, -1, -1).numpy(), {"E_x": (2.0, 9.0)},
        volume_fractions=(0.5, 0.6), count=1, starts=1, steps=0,
    )  # fmt: skip
    assert found.volume_fractions.tolist() == [0.25]
    assert found.errors[0] >= 0.25


def test_a_design_is_nearer_than_what_it_began_from(images):
    """A decoder whose latent is the logits at half the resolution: what descent alone can do."""
    latents = torch.from_numpy(2.0 * images[:, :, ::2, ::2] - 1)

    def decode(z):
        return torch.nn.functional.interpolate(z, scale_factor=2, mode="bilinear").mul(2).sigmoid()

    known = properties_of(images[:, 0], ["E_x"])[0]
    target = float(known.mean()) + 0.3
    found = design(decode, latents, images, {"E_x": target}, steps=25, starts=4, count=1, plausibility=0.1)
    assert abs(found.properties["E_x"][0] - target) < 0.1 * np.abs(known - target).min() + 0.03


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(targets={"E_x": 12.0}), r"target E_x must lie in what these phases reach at volume fractions 0 to 1, 1.099 to 10.99, got 12"),
        (dict(targets={"k_x": 9.0}, volume_fractions=(0.5, 0.6)), r"target k_x .* volume fractions 0.5 to 0.6, 1.562 to 5.5, got 9"),
        (dict(targets={"G_xy": (2.0, 1.0)}), "target G_xy must be a number, or a least and then a largest"),
        (dict(targets={"density": 1.0}), "properties must be of E_x, .* got 'density'"),
        (dict(targets={}), "targets must name one property at least"),
        (dict(volume_fractions=(0.6, 0.5)), "volume_fractions must be a least and a largest"),
        (dict(images=np.zeros((3, 1, 16, 16))), r"images must be \(n, 1, H, W\), one for each of the 12 latents"),
        (dict(count=0), "count must be"),
        (dict(known={"E_x": np.ones(5)}), r"known E_x must be \(n,\) = \(12,\), one for each image, got \(5,\)"),
    ],
)
def test_refusals(change, message, images, network):
    given = dict(decode=network.decode, latents=torch.zeros(12, 1, 1, 1), images=images, targets={"E_x": 5.0}) | change
    with pytest.raises(ValueError, match=message):
        design(**given)


def test_the_ways_by_a_predictor():
    weights = torch.tensor([1.0, -2.0, 0.5, 0.0])

    def predict(z):
        return torch.tanh(z @ weights) * 3

    targets = torch.linspace(-2, 2, 9)
    found = latents_by_network(predict, targets, (1, 2, 2), steps=400)
    assert tuple(found.shape) == (9, 1, 2, 2)
    assert float((predict(found.flatten(1)) - targets).abs().max()) < 0.3
    searched = latents_by_search(predict, targets, torch.randn(9, 1, 2, 2, generator=torch.Generator().manual_seed(0)))
    assert float((predict(searched.flatten(1)) - targets).abs().max()) < 0.02
    with pytest.raises(ValueError, match="two different values at least"):
        latents_by_network(predict, torch.ones(3), (4,))
    with pytest.raises(ValueError, match="starts must be one for each"):
        latents_by_search(predict, targets, torch.zeros(3, 4))
    for call in (
        lambda: latents_by_search(lambda z: predict(z)[:, None], targets, torch.zeros(9, 4), steps=1),
        lambda: latents_by_network(lambda z: predict(z)[:, None], targets, (4,), steps=1),
    ):
        with pytest.raises(ValueError, match=r"predict must return one number for each latent, \(\d+,\), got \(\d+, 1\)"):
            call()  # (B, 1) would be compared with each target of the batch


def test_the_callers_network_is_left_without_gradients(images, network):
    latents = network.encode(torch.from_numpy(images[:1]))[0].detach()
    found = design(network.decode, latents, images[:1], {"E_x": np.float32(4.0)}, steps=2, count=1, starts=1)
    assert np.isfinite(found.errors).all()
    predictor = torch.nn.Linear(1, 1).double()
    targets = torch.linspace(0, 1, 3, dtype=torch.float64)
    latents_by_search(lambda z: predictor(z)[:, 0], targets, torch.zeros(3, 1, dtype=torch.float64), steps=2)
    latents_by_network(lambda z: predictor(z)[:, 0], targets, (1,), steps=2)
    assert all(each.grad is None for module in (network, predictor) for each in module.parameters())
    with pytest.raises(ValueError, match="target E_x must be a number, or a least and a largest"):
        design(network.decode, latents, images[:1], {"E_x": (1.0, 2.0, 3.0)}, steps=0)
