"""Graphite: that what was asked for is in the image, and that it looks like spheres, flakes and worms."""

import math
import re

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from twopoint_models.data import GRAPHITE, graphite
from twopoint_models.data.generators import graphite_flakes, graphite_intermediate, graphite_spheres
from twopoint_models.data.generators.cast_iron import lines as graphite_lines
from twopoint_models.data.generators.cast_iron import stamps

GENERATORS = {"spheres": graphite_spheres, "flakes": graphite_flakes, "intermediate": graphite_intermediate}
LENGTHS = ("mean_radius", "length", "thickness", "gap")


def seeded(seed=0):
    return np.random.default_rng(seed)


def labelled(image):
    """Labels of 8-connected graphite on the torus, from 0 without gaps, -1 in ferrite; and their number."""
    labels, _ = ndimage.label(np.pad(image, 1, mode="wrap"), np.ones((3, 3)))
    parent = np.arange(labels.max() + 1)

    def root(a):
        while parent[a] != a:
            a = parent[a]
        return a

    for rim, inside in ((labels[0], labels[-2]), (labels[-1], labels[1]), (labels[:, 0], labels[:, -2]), (labels[:, -1], labels[:, 1])):
        for a, b in set(zip(rim[rim > 0], inside[rim > 0], strict=True)):
            parent[root(a)] = root(b)
    roots = np.array([root(a) for a in range(len(parent))])
    _, found = np.unique(roots[labels[1:-1, 1:-1]], return_inverse=True)
    found = found.reshape(image.shape) - 1
    return found, found.max() + 1


def test_labels_are_those_of_the_torus():
    image = np.zeros((12, 9), np.uint8)
    image[5, 5] = image[6, 6] = image[0, 0] = image[-1, -1] = image[0, -1] = image[8, 0] = 1
    labels, count = labelled(image)
    assert count == 3
    assert labels[5, 5] == labels[6, 6]
    assert labels[0, 0] == labels[-1, -1] == labels[0, -1] != labels[8, 0] >= 0
    for shift in ((3, 4), (7, 1)):
        assert labelled(np.roll(image, shift, (0, 1)))[1] == 3


def roundness(image):
    """Area by the square of the largest inscribed radius, about pi for discs, in the median over particles that the rim does not cut."""
    labels, count = ndimage.label(np.tile(image, (2, 2)), np.ones((3, 3)))
    depth = ndimage.maximum(ndimage.distance_transform_edt(labels > 0), labels, np.arange(1, count + 1)) - 0.5
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    whole = ~np.isin(np.arange(1, count + 1), rim)
    return np.median(np.bincount(labels.ravel())[1:][whole] / np.maximum(depth[whole], 0.5) ** 2)


@pytest.mark.parametrize("kind", GRAPHITE)
def test_kinds(kind):
    form, ranges = GRAPHITE[kind]
    for seed in range(4):
        image, told = graphite(kind, (96, 131), rng=seeded(seed))
        assert image.shape == (96, 131)
        assert image.dtype == np.uint8
        assert set(np.unique(image)) == {0, 1}
        assert (told["kind"], told["scale"]) == (kind, 1.0)
        assert told["volume_fraction"] == image.mean()
        for name, (low, high) in ranges.items():
            assert low <= told["wanted_volume_fraction" if name == "volume_fraction" else name] <= high, name
        largest = np.bincount(labelled(image)[0].ravel() + 1)[1:].max()
        assert abs(told["volume_fraction"] - told["wanted_volume_fraction"]) <= largest / image.size
    assert form in GENERATORS


def test_kinds_are_those_of_the_figure():
    assert list(GRAPHITE) == ["small dense spheres", "small sparse spheres", "large spheres", "intermediate", "fine flakes", "thick flakes"]
    mean = {name: {key: sum(bounds) / 2 for key, bounds in kind.ranges.items()} for name, kind in GRAPHITE.items()}
    dense, sparse, large, _, fine, thick = mean.values()
    assert dense["volume_fraction"] > 2 * sparse["volume_fraction"]
    assert dense["mean_radius"] == sparse["mean_radius"] < large["mean_radius"] / 2
    assert fine["thickness"] < thick["thickness"] / 2


def test_forms_differ_in_roundness():
    mean = {kind: np.mean([roundness(graphite(kind, rng=seeded(seed)).image) for seed in range(4)]) for kind in GRAPHITE}
    assert all(mean[kind] < 5 for kind in list(GRAPHITE)[:3])
    assert mean["intermediate"] > 1.15 * mean["large spheres"]
    assert min(mean["fine flakes"], mean["thick flakes"]) > 2 * mean["intermediate"]


@pytest.mark.parametrize("kind", GRAPHITE)
def test_seams_are_like_any_other_line(kind):
    rows, columns, inside = [], [], []
    for seed in range(40):
        image = graphite(kind, 64, rng=seeded(seed), scale=0.7).image.astype(int)
        steps = [np.abs(image - np.roll(image, 1, axis)) for axis in (0, 1)]
        rows.append(steps[0][0].mean())
        columns.append(steps[1][:, 0].mean())
        inside.append((steps[0][1:].mean() + steps[1][:, 1:].mean()) / 2)
    for seam in (rows, columns):
        difference = np.array(seam) - np.array(inside)
        assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(difference))
        assert np.mean(seam) < 1.5 * np.mean(inside)  # at a cut the two sides are independent, and differ three times as often and more


@pytest.mark.parametrize("kind", GRAPHITE)
def test_seeded(kind):
    one, two, other = (graphite(kind, rng=seeded(seed)) for seed in (7, 7, 8))
    assert (one.image == two.image).all()
    assert all(np.array_equal(one.parameters[name], two.parameters[name]) for name in one.parameters)
    assert (one.image != other.image).any()


@pytest.mark.parametrize(("mean_radius", "volume_fraction", "size"), [(4, 0.15, 128), (4, 0.03, (100, 171)), (11, 0.12, 256)])
def test_spheres_are_those_of_the_parameters(mean_radius, volume_fraction, size):
    image, told = graphite_spheres(size, rng=seeded(3), volume_fraction=volume_fraction, mean_radius=mean_radius, gap=3.0)
    labels, count = labelled(image)
    assert count == told["nodules"] == len(told["radii"]) == len(told["centres"])
    row, column = np.rint(told["centres"]).astype(int).T
    at = labels[row % image.shape[0], column % image.shape[1]]
    assert sorted(at) == list(range(count))
    measured = np.sqrt(np.bincount(labels[labels >= 0])[at] / math.pi)
    assert np.abs(measured - told["radii"]).max() < 0.3  # a radius is known to a fraction of a pixel
    assert abs((measured - told["radii"]).mean()) < 0.05
    assert abs(image.mean() - volume_fraction) <= math.pi * told["radii"].max() ** 2 / image.size


def test_spheres_keep_the_gap():
    image, told = graphite_spheres(128, rng=seeded(1), volume_fraction=0.18, mean_radius=5, irregularity=0.05, gap=4.0)
    labels, count = labelled(image)
    points = np.argwhere(image)
    owner = labels[image > 0]
    pairs = cKDTree(points, boxsize=image.shape).query_pairs(4.0 - 1e-9, output_type="ndarray")
    assert count == told["nodules"]
    assert (owner[pairs[:, 0]] == owner[pairs[:, 1]]).all()
    pairs = cKDTree(points, boxsize=image.shape).query_pairs(8.0, output_type="ndarray")
    assert (owner[pairs[:, 0]] != owner[pairs[:, 1]]).any()  # some are hardly farther


def test_radii_are_lognormal_about_their_mean():
    told = graphite_spheres(1024, rng=seeded(0), volume_fraction=0.1, mean_radius=4.0, radius_spread=0.3, irregularity=0.0).parameters
    radii = told["radii"]
    assert len(radii) > 1500
    assert radii.mean() == pytest.approx(4.0, abs=4 * 1.2 / math.sqrt(len(radii)))
    assert radii.std() / radii.mean() == pytest.approx(0.3, abs=0.02)
    assert np.median(radii) == pytest.approx(4 / math.sqrt(1.09), abs=0.15)
    equal = graphite_spheres(128, rng=seeded(0), volume_fraction=0.1, mean_radius=4.0, radius_spread=0).parameters["radii"]
    assert np.ptp(equal) == 0


def test_irregularity_is_the_deviation_of_the_outline():
    waves = np.array([[0.1 + 0.05j, -0.04j, 0.03, 0.0, 0.01]])
    angles = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    wanted = 1 + sum(w.real * np.cos(k * angles) - w.imag * np.sin(k * angles) for k, w in enumerate(waves[0], 2))
    assert stamps.outline(np.exp(1j * angles), waves[:, :, None])[0] == pytest.approx(wanted)
    smooth, rough = (graphite_spheres(256, rng=seeded(2), volume_fraction=0.1, mean_radius=14, irregularity=a).image for a in (0.0, 0.12))
    assert roundness(smooth) < 1.15 * math.pi  # the deepest pixel is not quite at the centre
    assert roundness(rough) > 1.15 * roundness(smooth)


@pytest.mark.parametrize("shape", [(40, 50), (23, 17)])
def test_stamps_are_discs_on_the_torus(shape):
    centres, radii = np.array([[0.2, 49.6], [13.5, 16.25], [39.9, 8.0]]), np.array([6.3, 0.4, 2.0])
    pixels, which = stamps.discs(centres, radii, shape)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    for i in range(3):
        apart = grid - centres[i]
        apart -= np.array(shape) * np.rint(apart / shape)
        wanted = np.flatnonzero((apart**2).sum(-1) <= radii[i] ** 2)
        assert sorted(pixels[which == i]) == list(wanted)


def test_stamps_in_blocks(monkeypatch):
    rng = seeded(0)
    centres, radii, waves = rng.random((20, 2)) * 64, rng.uniform(2, 5, 20), 0.05 * rng.standard_normal((20, 5)).astype(complex)
    whole = [stamps.discs(centres, radii, (64, 64)), stamps.blobs(centres, radii, waves, (64, 64))]
    monkeypatch.setattr(stamps, "ENTRIES", 300)
    parts = [stamps.discs(centres, radii, (64, 64)), stamps.blobs(centres, radii, waves, (64, 64))]
    for a, b in zip(whole, parts, strict=True):
        assert (a[0] == b[0]).all()
        assert (a[1] == b[1]).all()


@pytest.mark.parametrize("thickness", [3.0, 8.0])
def test_one_straight_flake(thickness):
    fraction = 0.6 * 60 * thickness / 128**2  # of one, tapered
    options = dict(length=60.0, thickness=thickness, bend=0.0, rosettes=0.0, branching=0.0)
    for seed in range(3):
        image, told = graphite_flakes(128, rng=seeded(seed), volume_fraction=fraction, **options)
        if told["arms"] != 2 or told["nuclei"] != 1:
            continue
        centre = np.argwhere(image)[0]
        points = np.argwhere(np.roll(image, 64 - centre, (0, 1)))
        extent = np.linalg.svd(points - points.mean(0), full_matrices=False)[0][:, 0]
        along = np.ptp(extent * np.linalg.svd(points - points.mean(0), compute_uv=False)[0])
        assert along == pytest.approx(2 * told["mean_arm_length"], abs=2.5)
        depth = ndimage.distance_transform_edt(np.tile(image, (2, 2))).max() - 0.5
        assert 2 * depth == pytest.approx(told["mean_arm_thickness"] * 1.05, abs=0.15 * thickness + 0.7)
        return
    pytest.fail("no image of one flake")


def test_flakes_of_different_nuclei_keep_apart():
    for seed in range(4):
        image, told = graphite_flakes(
            256, rng=seeded(seed), volume_fraction=0.06, length=40, thickness=3, rosettes=0.5, branching=0.5, gap=9
        )
        assert told["nuclei"] > 15
        assert labelled(image)[1] == told["nuclei"]


def test_flakes_do_what_their_parameters_say():
    options = dict(volume_fraction=0.1, length=30.0, thickness=2.0, bend=60.0, rosettes=0.0, branching=0.0)
    plain = graphite_flakes(256, rng=seeded(0), **options)
    assert plain.parameters["arms"] < 2 * plain.parameters["nuclei"] + 1
    assert plain.parameters["mean_arm_length"] < 16
    assert plain.parameters["mean_arm_thickness"] == pytest.approx(2.0, abs=0.2)
    rosettes = graphite_flakes(256, rng=seeded(0), **options | dict(rosettes=1.0)).parameters
    assert rosettes["arms"] > 2.5 * rosettes["nuclei"]
    branched = graphite_flakes(256, rng=seeded(0), **options | dict(branching=1.0)).parameters
    assert branched["arms"] > 2.2 * branched["nuclei"]
    long = graphite_flakes(256, rng=seeded(0), **options | dict(length=60.0)).parameters
    assert long["mean_arm_length"] > 1.4 * plain.parameters["mean_arm_length"]
    for name, value in options.items():
        assert plain.parameters["wanted_volume_fraction" if name == "volume_fraction" else name] == value


def test_bend_curves_the_flakes():
    def chord(bend):  # extent by area: smaller where flakes are curled up
        image = graphite_flakes(512, rng=seeded(4), volume_fraction=0.02, length=60, thickness=2, bend=bend, rosettes=0, branching=0).image
        labels, count = labelled(image)
        ratios = []
        for i in range(count):
            points = np.argwhere(labels == i)
            if np.ptp(points, 0).max() < 256 and len(points) > 60:
                ratios.append(np.linalg.norm(points - points.mean(0), axis=1).max() / len(points))
        return np.mean(ratios)

    assert chord(200.0) < 0.85 * chord(0.0)


def test_bend_is_the_turn_over_the_length():
    habit = graphite_lines.Habit(60.0, 2.0, 80.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    steps = np.full(4000, 1 + round(30 * graphite_lines.PIECES / 2.0))
    points, headings = graphite_lines._paths(seeded(), np.zeros((4000, 2)), np.zeros(4000), steps, habit)
    turn = np.degrees(headings[::2, -1] - headings[1::2, -1])  # two arms of half the length make a flake
    assert math.sqrt((turn**2).mean()) == pytest.approx(80, rel=0.06)
    assert np.linalg.norm(np.diff(points, axis=1), axis=-1) == pytest.approx(2.0 / graphite_lines.PIECES, rel=1e-5)  # single precision


def test_share_of_nodules():
    for share in (0.3, 0.7):
        told = graphite_intermediate(256, rng=seeded(0), volume_fraction=0.12, nodule_share=share).parameters
        nodules = math.pi * (told["radii"] ** 2).sum() / 256**2
        assert nodules / 0.12 == pytest.approx(share, abs=0.05)
        assert told["volume_fraction"] == pytest.approx(0.12, abs=0.005)
        assert told["arms"] > 0
    assert graphite_intermediate(rng=seeded(0), nodule_share=0).parameters["nodules"] == 0
    assert graphite_intermediate(rng=seeded(0), nodule_share=0.999).parameters["nodules"] > 3


def test_worms_stop_before_nodules():
    image, told = graphite_intermediate(256, rng=seeded(5), volume_fraction=0.12, nodule_share=0.5, thickness=5, length=25, gap=5)
    labels, _ = labelled(image)
    row, column = np.rint(told["centres"]).astype(int).T
    at = labels[row % 256, column % 256]
    assert len(set(at)) == told["nodules"]
    area = np.bincount(labels[labels >= 0])
    assert np.sqrt(area[at] / math.pi) == pytest.approx(told["radii"], abs=0.4)  # nothing has grown onto one


@pytest.mark.parametrize("kind", GRAPHITE)
def test_scale_is_resolution(kind):
    agreements = []
    for seed in range(5):
        once, twice = graphite(kind, 96, rng=seeded(seed)), graphite(kind, 192, rng=seeded(seed), scale=2.0)
        for name in LENGTHS:
            if name in once.parameters:
                assert twice.parameters[name] == pytest.approx(2 * once.parameters[name])
        assert twice.parameters["volume_fraction"] == pytest.approx(once.parameters["volume_fraction"], abs=0.03)
        coarse = twice.image.reshape(96, 2, 96, 2).mean((1, 3))
        agreements.append(np.corrcoef(coarse.ravel(), once.image.ravel())[0, 1])
    assert np.median(agreements) > (0.75 if kind == "fine flakes" else 0.9)  # fine ones have little but outline


@pytest.mark.parametrize("form", GENERATORS)
def test_sizes(form):
    for size in (57, (48, 100), (np.int64(101), 49), [64, 64]):
        image = GENERATORS[form](
            size, rng=seeded(0), **dict(mean_radius=4.0) if form != "flakes" else dict(length=20.0, thickness=2.0)
        ).image
        assert image.shape == ((57, 57) if size == 57 else tuple(size))
        assert 0 < image.mean() < 0.3


def test_what_is_none_is_drawn_as_for_a_kind_of_the_form():
    for form, generator in GENERATORS.items():
        kinds = [kind.ranges for kind in GRAPHITE.values() if kind.form == form]
        for seed in range(6):
            told = generator(rng=seeded(seed)).parameters
            told["volume_fraction"] = told["wanted_volume_fraction"]
            assert any(all(low <= told[name] <= high for name, (low, high) in ranges.items()) for ranges in kinds)
    assert len({graphite_spheres(rng=seeded(seed)).parameters["mean_radius"] > 8 for seed in range(12)}) == 2


ASKED = dict(spheres=dict(volume_fraction=0.1, mean_radius=4.0), flakes=dict(volume_fraction=0.1, length=30.0, thickness=2.0))
ASKED["intermediate"] = ASKED["spheres"] | dict(length=25.0, thickness=5.0, nodule_share=0.5)
ALL = ("spheres", "flakes", "intermediate")
BAD = [
    (ALL, "size", 0, ValueError, "size .* got 0"),
    (ALL, "size", -3, ValueError, "size .* got -3"),
    (ALL, "size", 12.5, ValueError, "size .* got 12.5"),
    (ALL, "size", "128", ValueError, "size"),
    (ALL, "size", (64, 64, 64), ValueError, "height and width"),
    (ALL, "size", (64, True), ValueError, "size .* got True"),
    (ALL, "rng", 0, TypeError, "rng must be .*Generator.*got int"),
    (ALL, "rng", np.random.RandomState(0), TypeError, "rng .* got RandomState"),
    (ALL, "volume_fraction", 0.0, ValueError, "volume_fraction must be above 0"),
    (ALL, "volume_fraction", -0.1, ValueError, "volume_fraction .* got -0.1"),
    (ALL, "volume_fraction", 0.5, ValueError, "volume_fraction .* below 0.5"),
    (ALL, "volume_fraction", math.nan, ValueError, "volume_fraction must be finite, got nan"),
    (ALL, "volume_fraction", "0.1", TypeError, "volume_fraction must be a real number, got str"),
    (ALL, "volume_fraction", np.array([0.1]), TypeError, "volume_fraction must be a real number, got ndarray"),
    (ALL, "gap", -1.0, ValueError, "gap .* got -1"),
    (ALL, "gap", math.inf, ValueError, "gap must be finite"),
    (("spheres", "intermediate"), "mean_radius", -4.0, ValueError, "mean_radius .* got -4"),
    (("spheres", "intermediate"), "mean_radius", 0.5, ValueError, "mean_radius must be at least 1 pixel"),
    (("spheres", "intermediate"), "mean_radius", 80.0, ValueError, "mean_radius must be at most .* 128 x 128, got 80"),
    (("spheres",), "mean_radius", 50.0, ValueError, "mean_radius must be at most .* pixels in an image of 128 x 128"),  # with its gap
    (("spheres", "intermediate"), "mean_radius", math.nan, ValueError, "mean_radius must be finite"),
    (("spheres", "intermediate"), "radius_spread", 1.5, ValueError, "radius_spread must be from 0 to 1, got 1.5"),
    (("spheres", "intermediate"), "irregularity", 0.3, ValueError, "irregularity must be from 0 to 0.25"),
    (("flakes", "intermediate"), "length", -30, ValueError, "length .* got -30"),
    (("flakes", "intermediate"), "length", 129.0, ValueError, "length must be at most 128 pixels .* got 129"),
    (("flakes", "intermediate"), "length", True, TypeError, "length must be a real number, got bool"),
    (("flakes", "intermediate"), "thickness", 0.9, ValueError, "thickness must be at least 1 pixel"),
    (("flakes", "intermediate"), "thickness", 31.0, ValueError, "thickness must be at most the length"),
    (("flakes", "intermediate"), "bend", 400, ValueError, "bend must be from 0 to 360"),
    (("flakes",), "rosettes", 1.1, ValueError, "rosettes must be from 0 to 1"),
    (("flakes",), "branching", 5, ValueError, "branching must be from 0 to 4"),
    (("intermediate",), "nodule_share", -0.1, ValueError, "nodule_share must be from 0 to 1"),
]


@pytest.mark.parametrize(("forms", "name", "value", "error", "message"), BAD)
def test_bad_input(forms, name, value, error, message):
    for form in forms:
        options = dict(rng=seeded()) | ASKED[form]
        GENERATORS[form](**options)  # the rest is good
        with pytest.raises(error, match=message):
            GENERATORS[form](**options | {name: value})


def test_bad_kinds():
    with pytest.raises(ValueError, match="did you mean 'thick flakes'"):
        graphite("thik flakes", rng=seeded())
    with pytest.raises(ValueError, match=r"kind must be one of .*'large spheres'.* got 'zzz'$"):
        graphite("zzz", rng=seeded())
    with pytest.raises(TypeError, match=r"kind .* got int"):
        graphite(3, rng=seeded())
    with pytest.raises(TypeError, match="rng"):
        graphite("thick flakes", rng=None)
    for scale in (0, -1.0, math.nan):
        with pytest.raises(ValueError, match="scale must be"):
            graphite("thick flakes", rng=seeded(), scale=scale)
    with pytest.raises(ValueError, match="size must be at least 90 pixels"):
        graphite("thick flakes", 32, rng=seeded())
    with pytest.raises(ValueError, match=r"scale must be at least 0\.625"):
        graphite("fine flakes", rng=seeded(), scale=0.3)


@pytest.mark.parametrize("form", GENERATORS)
def test_what_cannot_be_reached_is_refused_with_what_can(form):
    options = ASKED[form] | dict(volume_fraction=0.45, gap=3.0)
    with pytest.raises(ValueError, match=r"volume_fraction 0\.\d+ .*cannot be reached") as refusal:
        GENERATORS[form](rng=seeded(), **options)
    found = [float(number) for number in re.findall(r"0\.\d+", str(refusal.value))]
    assert 0.05 < found[-1] < found[0]
    if form == "spheres":  # and the value that it gives is one
        GENERATORS[form](rng=seeded(), **options | dict(volume_fraction=0.8 * found[-1]))
