"""Segmentation: labels and gray values become phases."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.filters import threshold_otsu

from support.cli_harness import blobs, photograph
from twopoint.cli.reading.image import Image as Read
from twopoint.cli.reading.image import read
from twopoint.cli.reading.names import Source
from twopoint.cli.reading.segmentation import few_values, segment
from twopoint.cli.terminal import InputError
from twopoint.synthetic import circles


def image(values, array=True):
    return Read(Source(Path("a.npy")), np.asarray(values), (), array)


def test_few_values_are_labels_in_their_order():
    labels = blobs((20, 18), phases=4)
    found = segment(image(np.array([-3.0, 0.5, 7.0, 1e9])[labels]))
    np.testing.assert_array_equal(found.labels, labels)
    assert found.labels.dtype == np.uint8
    assert found.values == (-3.0, 0.5, 7.0, 1e9)
    assert found.n_phases == 4
    assert segment(image(labels > 1)).method == "2 distinct values taken as labels"
    eight = np.arange(64).reshape(8, 8) % 8
    assert segment(image(eight)).n_phases == 8


def test_gray_values_are_cut_by_otsus_method():
    labels = blobs((40, 40), scale=4.0)
    gray = photograph(labels)
    found = segment(image(gray))
    assert found.thresholds == (float(threshold_otsu(gray)),)
    assert (found.labels == labels).mean() > 0.93
    np.testing.assert_array_equal(found.labels, gray > found.thresholds[0])


def test_several_phases_and_thresholds():
    labels = blobs((60, 60), phases=3, scale=6.0)
    gray = (labels * 100 + np.random.default_rng(0).normal(20, 3, labels.shape)).astype(np.float32)
    found = segment(image(gray), phases=3)
    assert (found.labels == labels).mean() > 0.999  # the thresholds may lie anywhere in the gaps
    assert len(found.thresholds) == 2
    given = segment(image(gray), threshold="70,170")
    np.testing.assert_array_equal(given.labels, labels)
    assert given.method == "3 phases by --threshold, thresholds 70, 170"
    assert segment(image([[0, 1, 2], [2, 1, 0]]), threshold="1").labels.tolist() == [[0, 0, 1], [1, 0, 0]]  # above, not at


def test_deep_gray_values_do_not_cost_a_bin_each():
    gray = (photograph(blobs((40, 40), phases=3, scale=4.0), noise=2.0).astype(np.uint16) * 250).astype(np.uint16)
    assert segment(image(gray), phases=3).n_phases == 3


def test_phases_asked_for_of_few_values():
    few = blobs((20, 18), phases=4)
    assert segment(image(few), phases=4).values == (0.0, 1.0, 2.0, 3.0)
    assert len(segment(image(few), phases=2).thresholds) == 1
    with pytest.raises(InputError, match="holds 4 distinct values, which cannot be 5 phases"):
        segment(image(few), phases=5)


def test_a_picture_of_a_dozen_values_is_gray_and_an_array_of_them_doubtful():
    dozen = np.arange(400).reshape(20, 20) % 12
    assert segment(image(dozen, array=False)).n_phases == 2
    with pytest.raises(InputError, match="holds 12 distinct integers, which may be labels or gray values"):
        segment(image(dozen))
    assert segment(image(np.arange(400).reshape(20, 20) % 40)).n_phases == 2  # more than 32 are gray


def test_points_that_do_not_count_have_no_say():
    gray = photograph(blobs((30, 30), scale=4.0)).astype(float)
    mask = np.ones(gray.shape, dtype=bool)
    mask[:5] = False
    expected = segment(image(gray[5:]))
    gray[:5] = np.inf
    found = segment(image(gray), mask=mask)
    assert found.thresholds == expected.thresholds
    np.testing.assert_array_equal(found.labels[5:], expected.labels)
    assert not found.labels[:5].any()
    labels = np.where(mask, 3.0, np.nan)
    labels[7:, :4] = 5.0
    assert segment(image(labels), mask=mask).values == (3.0, 5.0)


def test_few_values_of_a_large_array_are_all_found():
    x = np.zeros(300_001, np.uint8)
    x[1] = 9  # between the samples
    assert few_values(x, 2).tolist() == [0, 9]
    assert few_values(np.arange(300_001), 32) is None
    x[3:40] = np.arange(37)
    assert few_values(x, 32) is None


STRUCTURE = blobs((100, 90))
DEEP = photograph(STRUCTURE).astype(np.uint16) * 80 + 12_000


def of_file(name, values, **options):
    np.save(name, values) if name.endswith(".npy") else tifffile.imwrite(name, values, photometric="minisblack")
    return segment(read(name), **options)


@pytest.mark.parametrize("points", [1, 9])  # 9 are 0.1 %
@pytest.mark.parametrize(
    ("name", "gray", "wrong"),
    [
        ("a.tif", DEEP, 65_535),
        ("a.tif", DEEP, 0),
        ("a.npy", DEEP.astype(np.int32) - 30_000, 2**31 - 1),
        ("a.npy", DEEP.astype(np.int64), -(2**62)),
        ("a.tif", (DEEP / 65_535).astype(np.float32), 100),
        ("a.tif", (DEEP / 65_535).astype(np.float32), 1e30),
        ("a.npy", DEEP / 65_535, -1e30),
        ("a.npy", DEEP / 65_535, 1e300),
        ("a.npy", (DEEP / 65_535).astype(np.float16), 100),
        ("a.npy", (DEEP / 65_535).astype(">f4"), -3e38),
    ],
)
@pytest.mark.parametrize("phases", [2, 3])
def test_outliers_do_not_move_the_threshold(tmp_path, monkeypatch, name, gray, wrong, points, phases):
    monkeypatch.chdir(tmp_path)
    spoiled = gray.copy()
    spoiled.flat[np.random.default_rng(0).permutation(gray.size)[:points]] = wrong
    expected, found = of_file(name, gray, phases=phases), of_file(name, spoiled, phases=phases)
    np.testing.assert_allclose(found.thresholds, expected.thresholds, rtol=1e-3)
    assert (found.labels != expected.labels).sum() <= 2 * points
    assert f"; {points} outlier" in found.method
    assert "outlier" not in expected.method
    low, high = found.gray_range
    assert gray.min() <= low < high <= gray.max()


def test_outliers_at_both_ends_and_of_many_values():
    hot = DEEP.copy()
    at = np.random.default_rng(0).permutation(DEEP.size)[:16]
    hot.flat[at] = np.linspace(40_000, 65_535, 16)
    hot.flat[at[::2]] = np.linspace(0, 5000, 8)
    assert segment(image(hot)).thresholds[0] == pytest.approx(segment(image(DEEP)).thresholds[0], rel=1e-3)
    assert "16 outliers outside " in segment(image(hot)).method
    assert segment(image(hot), threshold="20000").method == "2 phases by --threshold, threshold 20000"
    saturated = photograph(STRUCTURE)
    saturated.flat[at[:9]] = 255
    assert segment(image(saturated)).thresholds[0] == pytest.approx(segment(image(photograph(STRUCTURE))).thresholds[0], abs=1)


def test_a_sparse_phase_is_not_an_outlier():
    rng = np.random.default_rng(0)
    sparse = circles((300, 300), n_circles=3, radius=10.0, rng=rng)  # 1 %
    for gray in (60 + 100 * sparse + rng.normal(0, 6, sparse.shape), 200 - 100 * sparse + rng.normal(0, 6, sparse.shape)):
        for form in (gray, gray.astype(np.uint8), (gray * 250).astype(np.uint16), gray.astype(np.float32)):
            found = segment(image(form, array=False))
            assert (found.labels == (sparse if form[sparse > 0].mean() > form.mean() else 1 - sparse)).mean() > 0.9999
            assert "outlier" not in found.method


def test_thresholds_of_deep_gray_values_are_not_of_bins():
    gray = np.concatenate([np.arange(1000, 1100), np.arange(1150, 1250), [9000] * 30]).astype(np.uint16).reshape(10, -1)
    found = segment(image(gray), phases=3)
    assert found.thresholds == (1099.0, 1249.0)


def test_thresholds_between_integers_too_wide_for_floats():
    values = np.array([[2**63, 2**63 + 2**20], [2**63 + 2**41, 2**63 + 2**42]], np.uint64)
    assert segment(image(values), threshold=f"{2.0**63 + 2.0**30}").labels.tolist() == [[0, 0], [1, 1]]
