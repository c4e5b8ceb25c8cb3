"""Few distinct values: labels of phases, or values about those of fewer phases, in files of each format."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from support.cli_harness import blobs
from twopoint.cli.reading.image import read
from twopoint.cli.reading.segmentation import segment
from twopoint.cli.terminal import InputError
from twopoint.synthetic import circles

RNG = np.random.default_rng(0)
DISCS = circles((200, 200), n_circles=12, radius=9.0, rng=np.random.default_rng(2)).astype(np.uint8)  # 7 % of the points
STRUCTURES = {"fine": blobs((120, 100), scale=1.0), "usual": blobs((120, 100)), "coarse": blobs((120, 100), scale=6.0), "rare": DISCS}
RANDOM = RNG.integers(0, 2, (120, 100)).astype(np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def of_file(name, values, **options):
    """Return the segmentation of values after they are written to a file and read."""
    values = np.asarray(values)
    if name.endswith(".npy"):
        np.save(name, values)
    elif name.endswith(".tif"):
        tifffile.imwrite(name, values, photometric="minisblack")
    else:
        Image.fromarray(values.astype(np.uint8)).save(name, quality=options.pop("quality", None))
    return segment(read(name), **options)


def resized(labels, shape, how):
    return np.asarray(Image.fromarray(255 * labels).resize(shape, how))


@pytest.mark.parametrize("quality", [90, 95, 98, 99, 100])
@pytest.mark.parametrize("structure", [*STRUCTURES.values(), RANDOM, blobs((24, 20))], ids=[*STRUCTURES, "random", "small"])
def test_a_black_and_white_jpeg_has_two_phases(structure, quality):
    found = of_file("a.jpg", 255 * structure, quality=quality)
    np.testing.assert_array_equal(found.labels, structure)
    assert found.method.startswith("2 phases by Otsu") or "near 0 and 255; 2 phases, threshold 127.5" in found.method
    assert quality < 98 or "distinct values" in found.method


@pytest.mark.parametrize("name", ["a.npy", "a.tif", "a.png"])
def test_what_a_jpeg_holds_may_lie_in_another_file_or_range(name):
    Image.fromarray(255 * blobs()).save("a.jpg", quality=99)
    values = np.asarray(Image.open("a.jpg"))
    for form in (values, 255 - values, 60 + values // 2 + values % 2):
        found = of_file(name, form)
        assert (found.n_phases, len(found.thresholds)) == (2, 1)
    if name != "a.png":
        for form in (values / 255, values.astype(np.uint16) * 257, values.astype(np.int32) - 128):
            np.testing.assert_array_equal(of_file(name, form.astype(np.float32) if form.dtype == float else form).labels, blobs())


@pytest.mark.parametrize("phases", [3, 4, 5, 8])
def test_a_jpeg_of_several_labels_keeps_them(phases):
    labels = blobs((120, 100), phases=phases, scale=6.0)
    found = of_file("a.jpg", np.round(np.linspace(0, 255, phases))[labels], quality=100)
    np.testing.assert_array_equal(found.labels, labels)
    assert f"{phases} phases, thresholds" in found.method


@pytest.mark.parametrize("how", [Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
def test_a_resized_mask_has_two_phases(structure, how):
    height, width = structure.shape
    for shape in ((width // 2, height // 2), (2 * width, 2 * height), (width * 3 // 4, height * 3 // 4)):
        found = of_file("a.png", resized(structure, shape, how))
        assert found.n_phases == 2
        # A point at an edge is half of each phase, and counts as bright.
        bound = 0.005 if shape[0] > width else 0.09 if structure is STRUCTURES["fine"] else 0.04
        assert found.labels.mean() == pytest.approx(structure.mean(), abs=bound)


@pytest.mark.parametrize("form", [lambda x: x, lambda x: x / 255.0, lambda x: x.astype(np.uint16) * 257, lambda x: x.astype(int) - 300])
def test_a_resized_mask_says_what_was_decided(form):
    half = resized(STRUCTURES["usual"], (50, 60), Image.Resampling.BOX)
    found = of_file("a.npy", form(half))
    assert found.method.startswith("5 distinct values, 3 at edges between ")
    assert "; 2 phases, threshold " in found.method
    assert found.method.endswith("--phases 5 takes each as a phase")
    np.testing.assert_array_equal(found.labels, half > 127)
    assert of_file("a.npy", form(half), phases=5).n_phases == 5  # an option overrides
    assert "Otsu" in of_file("a.npy", form(half), phases=2).method
    assert "--threshold" in of_file("a.npy", form(half), threshold=f"{form(np.array([200]))[0]}").method


def test_a_resized_mask_in_a_volume_or_under_a_mask():
    fine = blobs((24, 28, 20), scale=3.0)
    volume = fine.reshape(12, 2, 14, 2, 10, 2)[:, 0].mean(axis=(2, 4)) * 4
    found = of_file("a.tif", (64 * volume - (volume > 2)).astype(np.uint8))
    assert found.n_phases == 2
    half = resized(STRUCTURES["usual"], (50, 60), Image.Resampling.BOX)
    mask = np.ones(half.shape, dtype=bool)
    mask[:7] = False
    spoiled = np.where(mask, half, np.arange(50) % 200)
    assert of_file("a.npy", spoiled, mask=mask).method.startswith("5 distinct values, 3 at edges between 0 and 255")


VALUES = {
    3: [(0, 1, 2), (1, 2, 3), (0, 128, 255), (0, 1, 255), (10, 60, 90), (-1, 0, 1), (0, 100, 65535)],
    4: [(0, 1, 2, 3), (0, 64, 128, 255), (0, 85, 170, 255), (1, 2, 3, 4), (0, 1, 2, 255)],
    5: [(0, 1, 2, 3, 4), (0, 64, 128, 191, 255), (3, 7, 9, 12, 40)],
    8: [tuple(range(8)), (0, 36, 73, 109, 146, 182, 219, 255), tuple(range(1, 9))],
}


@pytest.mark.parametrize(("n", "values"), [(n, values) for n, several in VALUES.items() for values in several])
@pytest.mark.parametrize("scale", [2.5, 6.0])
def test_labels_stay_labels(n, values, scale):
    labels = blobs((120, 100), phases=n, scale=scale)
    for name in ("a.npy", "a.tif", "a.png")[: 3 if 0 <= min(values) <= max(values) < 256 else 1]:
        found = of_file(name, np.array(values, np.uint8 if name != "a.npy" else np.int64)[labels])
        np.testing.assert_array_equal(found.labels, labels)
        assert found.values == tuple(map(float, values))
    assert of_file("b.npy", np.array(values, float)[labels]).values == tuple(map(float, values))


@pytest.mark.parametrize("values", [(0, 1, 2), (0, 64, 255), (64, 0, 255), (0, 255, 128), (0, 255, 64)])
def test_a_rare_phase_stays_one(values):
    labels = blobs((200, 200))
    inside = labels.copy()
    inside[(np.mgrid[:200, :200] ** 2).sum(axis=0) < 24**2] = 2  # 1 % of the points, in one piece
    scattered = np.where(RNG.random((200, 200)) < 0.01, 2, labels)
    discs = DISCS + 2 * np.roll(DISCS, 100, axis=0) * (DISCS == 0)
    for image in (inside, scattered, np.minimum(discs, 2)):
        assert of_file("a.png", np.array(values)[image]).values == tuple(map(float, sorted(values)))


@pytest.mark.parametrize("weights", [[1 / 3] * 3, [0.5, 0.3, 0.19, 0.01], [0.125] * 8])
def test_labels_at_random_places_stay_labels(weights):
    labels = RNG.choice(len(weights), (60, 60), p=weights)
    for values in (np.arange(len(weights)), np.round(np.linspace(0, 255, len(weights)))):
        assert of_file("a.npy", values[labels]).n_phases == len(weights)


def test_what_cannot_be_decided_is_refused_with_the_options_that_decide():
    coated = np.select([blobs((90, 90), scale=6.0) == 0], [0], 255)
    coated[(np.roll(coated, 1, 0) != coated) & (coated == 0)] = 128  # a coating one pixel thick, or a mask that was resized
    coated[(np.roll(coated, -1, 0) != coated) & (coated == 0)] = 128
    message = (
        "a.png holds 3 distinct values, 0, 128, 255, which may be labels or gray values; --phases 3 takes each as a phase, --phases 2 or"
    )
    with pytest.raises(InputError, match=message):
        of_file("a.png", coated)
    assert of_file("a.png", coated, phases=3).n_phases == 3
    assert of_file("a.png", coated, phases=2).n_phases == 2
    assert of_file("a.png", coated, threshold="60").n_phases == 2


def test_gray_values_of_few_levels_are_refused():
    for counts in (RNG.poisson(1.0, (200, 200)), 100 + RNG.poisson(1.0, (200, 200))):
        with pytest.raises(InputError, match=f"holds {len(np.unique(counts))} distinct .*labels or gray values.*--phases 2 or --threshold"):
            of_file("a.npy", counts)


def test_floats_a_rounding_apart_are_one_phase():
    labels = blobs((40, 40), phases=3)
    found = of_file("a.npy", labels * (0.1 + RNG.normal(0, 1e-17, labels.shape)))
    np.testing.assert_array_equal(found.labels, labels)
    assert found.values == pytest.approx((0.0, 0.1, 0.2))
    assert found.method == "3 distinct values taken as labels"


def test_colours_of_a_resized_mask_are_two_phases():
    colours = np.array([[0, 0, 120], [255, 230, 0], [200, 0, 0]], np.uint8)
    Image.fromarray(colours[STRUCTURES["usual"]]).resize((50, 60), Image.Resampling.BOX).save("a.png")
    found = segment(read("a.png"))
    assert found.method.startswith("5 distinct values, 3 at edges between 0 and 4; 2 phases")
    three = blobs((120, 100), phases=3)
    Image.fromarray(colours[three]).save("b.png")
    np.testing.assert_array_equal(segment(read("b.png")).labels, np.array([0, 2, 1])[three])
