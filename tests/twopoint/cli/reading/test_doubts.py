"""Doubts about a segmentation: each remark is made where it should be, and none for a clean image."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from scipy.ndimage import gaussian_filter

from support.cli_harness import blobs, photograph
from twopoint.cli.reading.doubts import doubts
from twopoint.cli.reading.image import Image
from twopoint.cli.reading.names import Source
from twopoint.cli.reading.segmentation import segment
from twopoint.synthetic import circles

LABELS = blobs((160, 200), scale=5.0)
CLEAN = photograph(LABELS)


def remarks(gray, mask=None, **options):
    image = Image(Source(Path("a.png")), np.asarray(gray), (), False)
    return list(doubts(image, segment(image, mask=mask, **options), mask))


def byte(gray):
    return np.clip(gray, 0, 255).astype(np.uint8)


def discs():
    return circles((200, 200), n_circles=12, radius=9.0, rng=np.random.default_rng(2))


@pytest.mark.parametrize(
    "gray",
    [
        CLEAN,
        CLEAN.astype(np.uint16) * 200,
        CLEAN / 255.0,
        255 - CLEAN,
        photograph(LABELS, noise=14.0),
        photograph(blobs((160, 200), scale=20.0)),  # few large grains: quadrants differ by nature
        photograph(discs()),  # a rare phase
        photograph(LABELS, noise=0.0),
        photograph(blobs((60, 50), scale=4.0)),
        photograph(blobs((30, 40, 36), scale=4.0)),
        byte(CLEAN + np.add.outer(np.linspace(0, 8, 160), np.linspace(8, -8, 200))),  # light as falls off anywhere
        byte(80 + 60 * gaussian_filter(LABELS.astype(float), 1.5) + np.random.default_rng(0).normal(0, 6, LABELS.shape)),
    ],
    ids=["clean", "deep", "float", "inverted", "noise", "large", "rare", "still", "small", "volume", "light", "blur"],
)
def test_clean_images_need_no_remark(gray):
    assert remarks(gray) == []


def compressed(gray, quality):
    """Return gray values as a JPEG keeps them."""
    with io.BytesIO() as file:
        PIL.Image.fromarray(gray).save(file, "jpeg", quality=quality)
        return np.asarray(PIL.Image.open(file))


@pytest.mark.parametrize("quality", [50, 75, 90])
@pytest.mark.parametrize("shares", [(0.6, 0.3, 0.1), (0.05, 0.9, 0.05), (0.4, 0.3, 0.2, 0.1)], ids=str)
@pytest.mark.parametrize("gray", [(0, 40, 120, 255), (60, 100, 150, 190)], ids=str)
def test_labels_in_a_jpeg_that_were_cut_into_fewer_phases(gray, shares, quality):
    """Rare labels make no clear peak beside a frequent one."""
    field = gaussian_filter(np.random.default_rng(4).standard_normal((256, 256)), 10.0, mode="wrap")
    labels = np.digitize(field, np.quantile(field, np.cumsum(shares)[:-1]))
    levels = np.array(gray[: len(shares)], np.uint8)
    found = compressed(levels[labels], quality)
    assert len(np.unique(found)) > 32
    (remark,) = (one for one in remarks(found) if "flat parts" in one)
    assert remark.startswith(f"flat parts have {len(shares)} separate gray values, about ")
    assert remark.endswith("like labels in a JPEG, but were cut into 2 phases; see --phases and --threshold")
    listed = [int(level) for level in remark.partition("about ")[2].partition(", like")[0].split(", ")]
    assert np.abs(np.array(listed) - levels).max() <= 6
    assert not any("flat parts" in one for one in remarks(found, phases=len(shares)))


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
@pytest.mark.parametrize("gray", [(0, 255), (60, 190), (100, 140)], ids=str)
@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_two_labels_in_a_jpeg_have_no_other_levels(gray, quality, blur):
    """Neither ringing at edges nor single gray values of a narrow range are levels."""
    image = gaussian_filter(np.array(gray, float)[LABELS], blur) if blur else np.array(gray, float)[LABELS]
    found = compressed(byte(image), quality)
    noisy = compressed(byte(image + np.random.default_rng(0).normal(0, 3, image.shape)), quality)
    assert not any("flat parts" in one for one in [*remarks(found), *remarks(noisy)])


def test_clean_images_of_three_phases_need_no_remark():
    three = blobs((160, 200), phases=3, scale=8.0)
    assert remarks(photograph(three), phases=3) == []
    assert remarks(photograph(LABELS), threshold="115") == []


def test_one_hump():
    rng = np.random.default_rng(0)
    for gray in (
        rng.normal(120, 20, (120, 120)),
        gaussian_filter(rng.standard_normal((200, 200)), 3) * 400 + 120,
        rng.gamma(3, 20, (120, 120)),
    ):
        assert any("one peak" in remark for remark in remarks(byte(gray)))


def test_uneven_light():
    y, x = np.mgrid[-1:1:160j, -1:1:200j]
    for light in (45 * x, -40 * x + 30 * y, -45 * (x**2 + y**2)):
        found = remarks(byte(CLEAN + light))
        assert any("the light seems uneven" in remark for remark in found)
        assert not any("peaks" in remark for remark in found)


@pytest.mark.parametrize(("where", "window"), [(slice(-20, None), ":140,:"), (slice(0, 20), "20:,:")])
def test_captions(where, window):
    gray = CLEAN.copy()
    gray[where] = 0
    gray[where, 120:180][4:7] = 255  # a bar
    gray[where, 20:60:3][9:15] = 240  # text
    (remark,) = [remark for remark in remarks(gray) if "caption" in remark]
    assert f"--window {window} leaves them out" in remark
    assert "20 rows" in remark
    mask = np.ones(gray.shape, dtype=bool)
    mask[where] = False
    assert not [remark for remark in remarks(gray, mask=mask) if "caption" in remark]


def test_three_peaks_cut_in_two():
    three = blobs((160, 200), phases=3, scale=8.0)
    (remark,) = [remark for remark in remarks(photograph(three)) if "peaks" in remark]
    assert remark.startswith("the gray values have 3 clear peaks, at ")
    assert "were cut into 2 phases; see --phases" in remark


def test_a_middle_phase_that_is_rim():
    gray = byte(60 + 110 * gaussian_filter(LABELS.astype(float), 1.2))
    assert any("phase 1 is mostly a rim" in remark for remark in remarks(gray, phases=3))


def test_noise():
    assert any("differ from all their neighbours" in remark for remark in remarks(photograph(LABELS, noise=45.0)))


@pytest.mark.parametrize("form", [lambda x: x > 0, lambda x: (255 * x - 128).astype(np.int8)], ids=["bool", "int8"])
def test_images_of_one_bit_and_of_negative_values_are_looked_at_too(form):
    assert [text for text in remarks(form(LABELS.astype(int)), threshold="0.5") if "rows" in text] == []


def test_a_phase_of_less_than_a_thousandth_is_said():
    few = np.zeros((100, 100), np.uint8)
    few[50, 50:59] = np.arange(200, 209)  # 0.09 %
    found = [remark for remark in remarks(few) if "points only" in remark]
    assert found == ["phase 1 has 9 of 10000 points only, 0.09 %, which may be outliers; --threshold sets other phases"]
    assert not [remark for remark in remarks(few, threshold="100") if "points only" in remark]
    mask = np.ones(few.shape, dtype=bool)
    mask[:, 70:] = False
    assert not [remark for remark in remarks(few, mask=mask) if "points only" in remark]  # 0.13 % of the others
    few[50, 59] = 209  # 0.1 %
    assert not [remark for remark in remarks(few) if "points only" in remark]


def test_a_label_of_less_than_a_thousandth_is_said():
    labels = LABELS.copy()
    labels[5, 5] = 2
    (remark,) = remarks(labels)
    assert remark.startswith("phase 2, of the value 2, has 1 of 32000 points only, 0.0031 %")
    labels[:10, :10] = 2
    assert remarks(labels) == []


def test_outliers_do_not_hide_a_caption():
    gray = CLEAN.astype(np.uint16) * 100
    gray[-20:] = 0
    gray[10, 10] = 65_535
    assert any("--window :140,: leaves them out" in remark for remark in remarks(gray))


def test_peaks_of_floats_keep_their_digits():
    three = photograph(blobs((160, 200), phases=3, scale=8.0)) / 255.0
    (remark,) = [remark for remark in remarks(three) if "peaks" in remark]
    assert "3 clear peaks, at 0.2" in remark
