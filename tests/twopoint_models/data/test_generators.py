"""Structures like those of MICRO2D's classes: seeded, periodic, of any size, with the parameters that they say."""

import json
import math
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from twopoint import autocorrelation
from twopoint_models.data import CLASSES, GRAPHITE, Arrangement, generate, generate_blocks, generate_images, graphite, resize, source
from twopoint_models.data.generators.batches import OTHER
from twopoint_models.data.generators.classes import RECIPES
from twopoint_models.data.generators.inclusions import _cells, ellipses
from twopoint_models.data.generators.placement import cover, fill, place, touching, within
from twopoint_models.data.generators.spreads import GATHERED, LEVELS, draw
from twopoint_models.data.generators.structure import COLUMNS
from twopoint_models.evaluation.measures import specific_interface_length

GATHERING = [name for name in CLASSES if name not in ("GRF", "NBSA")]


def seeded(seed=0):
    return np.random.default_rng(seed)


def components(image):
    """Areas of what hangs together on the torus: labels across the rim are joined."""
    labels, count = ndimage.label(image)
    owner = np.arange(count + 1)
    for a, b in [*zip(labels[0], labels[-1], strict=True), *zip(labels[:, 0], labels[:, -1], strict=True)]:
        if a and b:
            owner[owner == owner[a]] = owner[b]
    return np.unique(owner[labels[labels > 0]], return_counts=True)[1]


# ---- all classes ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("size", [64, (48, 96)])
def test_an_image_and_what_it_was_made_from(name, size):
    image, told = generate(name, size, rng=seeded(1))
    shape = (size, size) if isinstance(size, int) else size
    assert image.shape == shape
    assert image.dtype == np.uint8
    assert set(np.unique(image)) == {0, 1}
    assert told["class"] == name
    assert told["scale"] == min(shape) / 256
    assert told["volume_fraction"] == image.mean()
    assert {"wanted_volume_fraction", "length", "width", "angle", "share", *RECIPES[name].shared} <= set(told)
    assert ("direction" in told) == (name == "AngEllipse")
    assert ("inclusions" in told) == (name in GATHERING)


@pytest.mark.parametrize("name", CLASSES)
def test_one_seed_one_image(name):
    first, again, other = (generate(name, 64, rng=seeded(seed)) for seed in (3, 3, 4))
    assert (first.image == again.image).all()
    assert first.parameters == again.parameters
    assert (first.image != other.image).any()


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("wanted", [0.06, 0.35, 0.8])
def test_the_volume_fraction_asked_for(name, wanted):
    """To within one inclusion, more rather than less; to a pixel where there are none."""
    image, told = generate(name, 128, rng=seeded(2), volume_fraction=wanted)
    assert told["wanted_volume_fraction"] == wanted
    if "inclusions" not in told:
        assert abs(image.mean() - wanted) <= 0.51 / image.size
    else:
        largest = 4 * 2790 / 4 if name == "VoronoiLarge" else 4 * 560 / 4 if "Medium" in name else 60
        assert wanted <= image.mean() <= wanted + largest / image.size


@pytest.mark.parametrize("name", CLASSES)
def test_images_close_over_their_rim(name):
    """Across the rim phases change as often as elsewhere."""
    images = np.array([generate(name, 64, rng=seeded(i)).image for i in range(30)])
    changes = [(images != np.roll(images, 1, axis=axis)).mean(axis=(0, 3 - axis)) for axis in (1, 2)]  # by place along the axis
    for along in changes:
        spread = along[1:].std()
        assert abs(along[0] - along[1:].mean()) <= 4 * spread


@pytest.mark.parametrize("name", CLASSES)
def test_a_parameter_that_is_given_is_held_and_moves_no_other(name):
    free = generate(name, 48, rng=seeded(5)).parameters
    held = generate(name, 48, rng=seeded(5), angle=17.0).parameters
    assert held["angle"] == 17.0
    drawn = ("wanted_volume_fraction", "length", "width", "share", "length_2", "width_2", "angle_2", "direction")
    assert all(held[key] == free[key] for key in drawn if key in free)


def test_scale_multiplies_lengths():
    one, two = (generate("VoidSmallBig", 256, rng=seeded(6), scale=scale).parameters for scale in (1.0, 2.0))
    assert two["radii"] == (10.0, 16.0)
    assert two["wanted_volume_fraction"] == one["wanted_volume_fraction"]
    for key in ("length", "width", "grain"):
        assert two[key] == 2 * one[key]
    assert generate("VoronoiSmall", 64, rng=seeded(), scale=2.0).parameters["area"] == 4 * RECIPES["VoronoiSmall"].shared["area"]


@pytest.mark.parametrize("name", CLASSES)
def test_the_smallest_size(name):
    for seed in range(20):
        image, told = generate(name, 8, rng=seeded(seed))
        assert image.any()
        assert math.isfinite(told["volume_fraction"])


@pytest.mark.parametrize("name", ["VoidSmall", "AngEllipse", "RandomEllipse", "VoronoiSmall", "NBSA"])
def test_small_images_are_those_of_large_ones_resized(name):
    """Drawn at their own size, inclusions of a pixel or two have a third more interface than large ones that are resized."""
    small = np.array([generate(name, 64, rng=seeded(i), volume_fraction=0.3).image for i in range(12)])
    large = np.array([generate(name, 256, rng=seeded(100 + i), volume_fraction=0.3).image for i in range(12)])
    resized = resize(large, 64)
    assert specific_interface_length(small).mean() == pytest.approx(specific_interface_length(resized).mean(), rel=0.2)


def test_a_structure_describes_itself():
    two, one = (generate("GRF", 32, rng=seeded(), share=share) for share in (0.5, 1.0))
    assert json.loads(two.label()) == two.parameters
    assert two.row() == [two.parameters[name] for name in COLUMNS]
    assert one.row()[:5] == [one.parameters[name] for name in COLUMNS[:5]]
    assert np.isnan(one.row()[5:]).all()
    iron = graphite("large spheres", rng=seeded())
    assert iron.row()[0] == iron.image.mean()
    assert np.isnan(iron.row()[1:]).all()
    assert "centres" not in json.loads(iron.label())


# ---- single classes ------------------------------------------------------------------------------------------------------------------


def test_discs_do_not_touch_and_are_those_of_the_real_images():
    """81 pixels each, as measured; their number times 81 is all of phase 1."""
    image, told = generate("VoidSmall", 256, rng=seeded(1), volume_fraction=0.2)
    areas = components(image)
    assert told["spacing"] == told["wanted_spacing"] == 10.7
    assert set(areas) == {81}, "no two share an edge"
    assert np.median(areas) == 81
    assert image.sum() == 81 * told["inclusions"]


def test_two_radii_are_equally_frequent():
    image, _ = generate("VoidSmallBig", 512, rng=seeded(1), scale=1.0, volume_fraction=0.05, disorder=50.0)
    areas = components(image)
    small, big = (areas == 81).sum(), (areas == 197).sum()
    assert small + big > 70
    assert abs(small - big) <= 4 * math.sqrt(small + big)


@pytest.mark.parametrize("direction", [0.0, 35.0, 90.0, 150.0])
def test_ellipses_lie_along_their_direction(direction):
    image, told = generate("AngEllipse", 256, rng=seeded(2), direction=direction, volume_fraction=0.1)
    labels, count = ndimage.label(image)
    angles = []
    for i in range(1, count + 1):
        at = np.argwhere(labels == i)
        if len(at) in range(85, 105) and at.min() > 0 and at.max() < 255:
            _, vectors = np.linalg.eigh(np.cov(at.T))
            angles.append(math.degrees(math.atan2(vectors[1, 1], vectors[0, 1])) % 180)
    assert len(angles) > 20
    off = (np.array(angles) - told["direction"] + 90) % 180 - 90
    assert np.abs(off).max() < 6


def test_ellipses_of_any_direction_lie_in_all():
    image, _ = generate("RandomEllipse", 512, rng=seeded(2), scale=1.0, volume_fraction=0.04, disorder=50.0)
    f = autocorrelation(image.astype(float), crop=15)
    assert f[7, 13] == pytest.approx(f[13, 7], rel=0.3)
    assert f[13, 13] == pytest.approx(f[13, 1], rel=0.3)


def test_cells_have_their_area_and_are_convex():
    period = 40.0
    cells = _cells(60, period, 0.8, seeded())
    areas = cells.sum(axis=(1, 2))
    assert areas.mean() == pytest.approx(period**2, rel=0.06)
    assert areas.std() / areas.mean() > 0.1
    assert cells[:, cells.shape[1] // 2, cells.shape[2] // 2].all(), "a cell holds its nucleus"
    for rows in (cells, cells.transpose(0, 2, 1)):
        assert (np.abs(np.diff(rows.astype(int), axis=2)).sum(axis=2) <= 2).all(), "a line meets a convex cell once"


def test_cells_of_a_full_tessellation_fill_the_plane():
    """All cells of a side, each at its nucleus, cover the torus once: an oracle by nearest nuclei."""
    period, side = 24.0, 6
    rng = seeded(9)
    lattice = np.indices((side, side)).reshape(2, -1).T
    nuclei = (lattice + 0.5 + rng.uniform(-0.5, 0.5, lattice.shape) * 0.9) % side
    order = rng.permutation(len(nuclei))
    cells = _cells(side**2, period, 0.9, seeded(9))
    reach = cells.shape[1] // 2
    for k in range(side**2):
        own = nuclei[order[k]]
        offsets = np.stack(np.mgrid[-reach : reach + 1, -reach : reach + 1], axis=-1) / period
        away = (own + offsets)[:, :, None] - nuclei
        away -= side * np.rint(away / side)
        nearest = (away**2).sum(axis=-1)
        least = nearest[..., order[k]] <= nearest.min(axis=-1) + 1e-12
        near = (offsets**2).sum(axis=-1) < (side / 2 - 1) ** 2  # at larger offsets the periodic image counts
        assert (cells[k] == least)[near].all()


def test_level_cuts_have_the_correlation_of_their_arrangement():
    """Against the closed form of a level cut at one half: 1/4 + arcsin(rho) / 2 pi."""
    arrangement = {"length": 10.0, "width": 4.0, "angle": 30.0, "share": 1.0}
    mean = np.mean(
        [autocorrelation(generate("GRF", 128, rng=seeded(i), volume_fraction=0.5, **arrangement).image.astype(float)) for i in range(60)],
        axis=0,
    )
    x, y = np.meshgrid(*[np.fft.fftfreq(128, 1 / 128)] * 2, indexing="ij")
    cos, sin = math.cos(math.radians(30)), math.sin(math.radians(30))
    rho = np.exp(-(((cos * x + sin * y) / 10) ** 2 + ((cos * y - sin * x) / 4) ** 2) / 2)
    assert np.abs(mean - (0.25 + np.arcsin(rho) / (2 * np.pi))).max() < 0.015


def test_cuboids_are_parted_where_phase_1_is_dense():
    image, told = generate("NBSA", 256, rng=seeded(3))
    areas = components(image)
    assert 500 < len(areas) < 1500, "some 730 an image in the real ones"
    assert np.quantile(areas, 0.9) < 3 * told["period"] ** 2


# ---- arrangement, placement ----------------------------------------------------------------------------------------------------------


def test_two_pairs_of_lengths_keep_their_shares():
    arrangement = Arrangement(4.0, 2.0, 20.0, 0.6, 10.0, 7.0, 80.0)
    fields = [arrangement.field((128, 128), rng=seeded(i)) for i in range(300)]
    measured = np.mean([autocorrelation(field) for field in fields], axis=0)
    x, y = np.meshgrid(*[np.fft.fftfreq(128, 1 / 128)] * 2, indexing="ij")
    wanted = 0.0
    for share, length, width, angle in ((0.6, 4, 2, 20), (0.4, 10, 7, 80)):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        wanted = wanted + share * np.exp(-(((cos * x + sin * y) / length) ** 2 + ((cos * y - sin * x) / width) ** 2) / 2)
    wanted = (wanted - wanted.mean()) / (1 - wanted.mean())  # each field is less its own mean
    assert np.abs(measured - wanted).max() < 0.025


def test_smoothing_an_arrangement_is_smoothing_its_field():
    arrangement = Arrangement(6.0, 3.0, 50.0, 0.7, 12.0, 9.0, 10.0)
    smoothed = np.mean([autocorrelation(arrangement.smoothed(4.0).field((128, 128), rng=seeded(i))) for i in range(60)], axis=0)
    fields = [ndimage.gaussian_filter(arrangement.field((128, 128), rng=seeded(i)), 4.0, mode="wrap") for i in range(60)]
    by_hand = np.mean([autocorrelation((field - field.mean()) / field.std()) for field in fields], axis=0)
    assert np.abs(smoothed - by_hand).max() < 0.02


def test_place_is_the_greedy_loop():
    rng, shape = seeded(), (20, 27)
    order, excluded = rng.permutation(20 * 27), within(4.3, 0.6, 25.0)
    found: list[tuple[int, int]] = []
    for pixel in order:
        at = divmod(int(pixel), shape[1])
        taken = {((i + r) % shape[0], (j + c) % shape[1]) for i, j in found for r, c in excluded}
        if at not in taken:
            found.append(at)
    assert place(order, shape, 10**6, excluded).tolist() == [list(at) for at in found]
    assert place(order, shape, 5, excluded).tolist() == [list(at) for at in found[:5]]


def test_within_is_an_ellipse():
    assert sorted(map(tuple, within(1.5))) == [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)]
    assert sorted(map(tuple, within(2.5, 0.3, 0.0))) == [(r, 0) for r in (-2, -1, 0, 1, 2)]
    assert sorted(map(tuple, within(2.5, 0.3, 90.0))) == [(0, c) for c in (-2, -1, 0, 1, 2)]
    assert within(0.5).tolist() == [[0, 0]]


def test_touching_is_overlap_or_a_shared_edge():
    shape = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    pixels = {(r - 1, c - 1) for r, c in np.argwhere(shape)}
    grown = {(r + a, c + b) for r, c in pixels for a, b in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))}
    want = {(r, c) for r in range(-6, 7) for c in range(-6, 7) if grown & {(a + r, b + c) for a, b in pixels}}
    assert set(map(tuple, touching(shape).tolist())) == want


def alive(pid):
    """Tell whether a process is at work: one that has ended and was not yet waited for is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_end_with_their_parent():
    """Killed, it cannot tell them; they would hold its output open for ever."""
    script = "from twopoint_models.data import generate_blocks\nif __name__ == '__main__':\n" + (
        "    coming = generate_blocks([('GRF', i, i + 1) for i in range(100)], 32, workers=1 + 1)\n"
        "    next(coming)\n    import multiprocessing as m, time\n"
        "    print(*[p.pid for p in m.active_children()], flush=True)\n    time.sleep(100)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 20
    while any(alive(pid) for pid in children):
        assert time.monotonic() < end, "a worker outlives its parent"
        time.sleep(0.1)
    parent.stdout.close()


def test_cover_counts_the_first_and_fill_as_many_as_needed():
    centres = np.array([[0, 0], [0, 1], [3, 4]])
    first = cover((5, 6), centres, np.ones((3, 1, 3), bool))
    want = np.full((5, 6), 3)
    want[0, [5, 0, 1]], want[0, 2], want[3, 3:6] = 0, 1, 2
    assert (first == want).all()
    assert [fill(first, 3, v / 30) for v in (0.5, 3, 3.5, 4, 4.5, 7, 7.5)] == [1, 1, 2, 2, 3, 3, 0]


def test_inclusions_without_room_come_nearer():
    _, told = generate("VoidSmall", 128, rng=seeded(), volume_fraction=0.75)
    assert told["spacing"] < 10.7 / 2 == told["wanted_spacing"]
    assert told["volume_fraction"] >= 0.75


def test_what_is_drawn_spreads_as_said():
    drawn = [draw(GATHERED, seeded(i)) for i in range(2000)]
    fractions, widths = np.array([v for v, _ in drawn]), np.array([a.width for _, a in drawn])
    lengths = np.array([a.length for _, a in drawn])
    for values, quantiles in ((fractions, GATHERED.volume_fraction), (widths, GATHERED.width)):
        below = [(values <= q).mean() for q in quantiles[1:-1]]
        assert np.abs(np.array(below) - LEVELS[1:-1]).max() < 0.04
        assert quantiles[0] <= values.min() <= values.max() <= quantiles[-1]
    assert (lengths > widths).all()
    assert np.mean([a.share < 1 for _, a in drawn]) == pytest.approx(GATHERED.second, abs=0.04)


# ---- many ----------------------------------------------------------------------------------------------------------------------------


def test_blocks_are_the_same_however_they_are_cut():
    whole = [s.image for _, _, found in generate_blocks([("GRF", 0, 3), ("large spheres", 0, 2)], 32, seed=4) for s in found]
    blocks = [("GRF", 0, 1), ("GRF", 1, 3), ("large spheres", 0, 1), ("large spheres", 1, 2)]
    spread = list(generate_blocks(blocks, 32, seed=4, workers=2))
    assert [(name, start) for name, start, _ in spread] == [(name, start) for name, start, _ in blocks]
    for a, b in zip(whole, [s.image for _, _, found in spread for s in found], strict=True):
        assert (a == b).all()
    assert (whole[0] == generate("GRF", 32, rng=source("GRF", 0, 4)).image).all()
    assert (whole[3] == graphite("large spheres", 32, rng=source("large spheres", 0, 4), scale=0.25).image).all()
    assert (whole[0] != generate("GRF", 32, rng=source("GRF", 0, 5)).image).any()


def test_sources_differ_by_name_index_and_seed():
    numbers = {source(name, i, seed).random() for name in (*CLASSES, *GRAPHITE) for i in range(3) for seed in (0, 1)}
    assert len(numbers) == 6 * (len(CLASSES) + len(GRAPHITE))
    assert source("GRF", 1, 0).random() != source("GRF", 0, 1).random()


# ---- bad input -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: generate("VoronoiSmal", rng=seeded()), ValueError, "did you mean 'VoronoiSmall'"),
        (lambda: generate(3, rng=seeded()), TypeError, "name must be"),
        (lambda: generate("GRF", rng=0), TypeError, "default_rng"),
        (lambda: generate("GRF", 7, rng=seeded()), ValueError, "8 pixels at least"),
        (lambda: generate("GRF", 32.0, rng=seeded()), ValueError, "size must be"),
        (lambda: generate("GRF", (32, 32, 32), rng=seeded()), ValueError, "height and width"),
        (lambda: generate("GRF", 32, rng=seeded(), scale=0), ValueError, "scale must be above 0"),
        (lambda: generate("GRF", 32, rng=seeded(), volume_fraction=0), ValueError, "volume_fraction must be above 0 and below 1"),
        (lambda: generate("GRF", 32, rng=seeded(), volume_fraction=1.0), ValueError, "volume_fraction"),
        (lambda: generate("GRF", 32, rng=seeded(), volume_fraction=math.nan), ValueError, "volume_fraction must be finite"),
        (lambda: generate("GRF", 32, rng=seeded(), volume_fraction="much"), TypeError, "volume_fraction must be a real number"),
        (lambda: generate("GRF", 32, rng=seeded(), length=-1), ValueError, "length must be above 0"),
        (lambda: generate("GRF", 32, rng=seeded(), share=1.5), ValueError, "share must be from 0 to 1"),
        (lambda: generate("GRF", 32, rng=seeded(), spacing=3), TypeError, "GRF has no parameter 'spacing'; it has volume_fraction, length"),
        (lambda: generate("VoidSmall", 32, rng=seeded(), radii=()), ValueError, "radii must be one at least"),
        (lambda: generate("VoidSmall", 32, rng=seeded(), radii="3"), TypeError, "radii must be"),
        (lambda: generate("VoidSmall", 32, rng=seeded(), spacing=33), ValueError, "spacing must be at most 32 pixels"),
        (lambda: generate("NBSA", 32, rng=seeded(), period=8.1), ValueError, "period must be at most 8 pixels"),
        (lambda: generate("NBSA", 32, rng=seeded(), period=1.0, channel=0.6), ValueError, "at least two channels"),
        (lambda: generate("NBSA", 32, rng=seeded(), period=0.01, channel=0.0), ValueError, "0.25 pixels"),
        (lambda: generate("NBSA", 32, rng=seeded(), merge=1.1), ValueError, "merge must be from 0 to 1"),
        (lambda: generate("VoronoiSmall", 32, rng=seeded(), irregularity=1e6), ValueError, "irregularity must be from 0 to 1.5"),
        (lambda: generate("grf", 32, rng=seeded()), ValueError, "did you mean 'GRF'"),
        (lambda: generate("fine flakes", 128, rng=seeded()), ValueError, r"graphite\('fine flakes', ...\) makes that"),
        (lambda: generate("GRF", 32, rng=seeded(), **{"class": "GRF"}), TypeError, "GRF has no parameter 'class'"),
        (lambda: generate_blocks([("GRF", 0, 1), ("fine flakes", 0, 1)], 64), ValueError, "scale must be at least 0.625 for 'fine flakes'"),
        (lambda: generate("VoidSmall", 32, rng=seeded(), radii=(3, 0)), ValueError, "radii must be above 0"),
        (lambda: generate("VoidSmall", 32, rng=seeded(), disorder=-1), ValueError, "disorder must be 0 at least"),
        (lambda: generate("VoidSmall", 32, rng=seeded(), spacing=math.inf), ValueError, "spacing must be finite"),
        (lambda: generate("VoidSmall", 32, rng=seeded(), radii=(40.0,)), ValueError, "radii must be at most"),
        (lambda: generate("VoronoiLarge", 32, rng=seeded(), area=1e9), ValueError, "area must be at most"),
        (lambda: Arrangement(0.0, 1.0), ValueError, "length must be"),
        (lambda: Arrangement(1.0, 1.0, math.nan), ValueError, "angle must be"),
        (lambda: Arrangement(1.0, 1.0, 0.0, -0.1), ValueError, "share must be"),
        (lambda: source("GRF", -1), ValueError, "index must be"),
        (lambda: source("GRF", 0, 0.5), ValueError, "seed must be"),
        (lambda: generate_blocks([("GRF", 0, 1), ("GRV", 0, 1)], 32), ValueError, "did you mean 'GRF'"),
        (lambda: generate_blocks([], 0), ValueError, "size must be"),
        (lambda: generate_blocks([], 32, workers=0), ValueError, "workers must be"),
        (lambda: generate_blocks([("GRV", 0, 1)], 32, workers=2), ValueError, "did you mean 'GRF'"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_images_of_all_classes_are_as_many_or_one_more():
    made = {
        structure.image.tobytes(): name
        for name, _, found in generate_blocks([(c, 0, 2) for c in CLASSES], 32, seed=OTHER)
        for structure in found
    }
    for count in (10, 13, 20):
        images = generate_images(count, 32)
        assert images.shape == (count, 1, 32, 32)
        each = Counter(made[image[0].astype(np.uint8).tobytes()] for image in images)
        assert sorted(each.values()) == sorted([count // 10 + (i < count % 10) for i in range(10)])


def test_ellipses_wider_than_long_are_refused():
    with pytest.raises(ValueError, match="half_width must be above 0 and no more than half_length, 3, got 5"):
        ellipses((32, 32), Arrangement(4.0, 2.0), rng=np.random.default_rng(0), volume_fraction=0.2, half_length=3, half_width=5)
