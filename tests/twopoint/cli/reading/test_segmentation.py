"""Segmentation: labels and gray values become phases."""

from pathlib import Path

import numpy as np
import pytest
from skimage.filters import threshold_otsu

from support.cli_harness import blobs, photograph
from twopoint.cli.reading.image import Image as Read
from twopoint.cli.reading.names import Source
from twopoint.cli.reading.segmentation import few_values, segment
from twopoint.cli.terminal import InputError


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
