"""Measures of labels, against closed forms and loops."""

import math

import numpy as np
import pytest

import twopoint
from support.cli_harness import blobs
from twopoint.cli.measures import Statistics, autocovariances, crop_sizes, describe_phases, doubts, field_of_view, measure, specific_surface
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.terminal import InputError
from twopoint.synthetic import circles

PIXEL = Spacing()


def ball(shape, radius):
    """Return labels of one disc or ball in the centre."""
    distance = sum((i - (n - 1) / 2) ** 2 for i, n in zip(np.indices(shape), shape, strict=True))
    return (distance <= radius**2).astype(np.uint8)


def measured(labels, boundary="open", spacing=PIXEL, crop=None, mask=None):
    n = int(labels.max()) + 1
    return measure(labels, n, boundary=boundary, spacing=spacing, crop=crop_sizes(crop, labels.shape, boundary), mask=mask)


def verdict(statistics):
    return field_of_view(statistics, describe_phases(statistics))


def surface_of(labels, phase=1, *args, **options):
    return specific_surface(measured(labels, *args, **options), phase).value


def test_the_circumference_of_a_disc_and_the_surface_of_a_ball():
    labels = ball((101, 121), 30.0)
    expected = 2 * math.pi * 30.0 * 0.5 / (101 * 121 * 0.5**2)
    for phase in (0, 1):
        assert surface_of(labels, phase, "periodic", Spacing((0.5,), "µm")) == pytest.approx(expected, rel=0.02)
    labels = ball((41, 45, 49), 14.0)
    assert surface_of(labels, 1, "periodic") == pytest.approx(4 * math.pi * 14.0**2 / labels.size, rel=0.02)


def test_an_interface_across_one_axis_of_unequal_steps():
    labels = np.tile(np.repeat([0, 1], 20), (80, 3)).astype(np.uint8)  # interfaces across axis 1 alone: one in 20 pixels
    for boundary, per_length in (("open", 5 / 119), ("periodic", 6 / 120)):
        assert surface_of(labels, 1, boundary, Spacing((2.0, 0.5), "nm")) == pytest.approx(per_length / 0.5, rel=0.02)
    assert surface_of(labels.T, 1, "periodic", Spacing((2.0, 0.5), "nm")) == pytest.approx(1 / 20 / 2.0, rel=0.01)


def test_the_faces_of_a_cube_and_a_block_of_voxels_of_unequal_steps():
    labels = np.zeros((44, 48, 52), np.uint8)
    labels[3:23, 10:30, 10:30] = 1
    assert surface_of(labels, 1, "periodic") == pytest.approx(6 * 20**2 / labels.size, rel=0.01)
    expected = 2 * (20 * 20 * (2 * 1 + 2 * 1 + 1 * 1)) / (labels.size * 2)  # steps 2, 1, 1: faces of 20 x 20 voxels
    assert surface_of(labels, 1, "periodic", Spacing((2.0, 1.0, 1.0), "µm")) == pytest.approx(expected, rel=0.015)


def test_each_phase_has_its_own_interface():
    labels = np.zeros((160, 160), np.uint8)
    labels[:, 40:80], labels[:, 100:140] = 1, 2
    labels[60:100, 40:80] = 2  # touches phase 1 along two edges, and phase 0 along two
    found = [surface_of(labels, h, "periodic") * labels.size for h in range(3)]
    np.testing.assert_allclose(found, [4 * 160, 2 * 120 + 2 * 40, 2 * 160 + 4 * 40], rtol=0.015)


def test_open_and_masked_pairs_are_those_inside():
    labels = blobs((90, 86), scale=6.0)
    mask = np.ones(labels.shape, dtype=bool)
    mask[:, :9] = False
    rest = surface_of(labels[:, 9:])
    assert surface_of(labels, mask=mask) == pytest.approx(rest)
    assert abs(surface_of(labels) / rest - 1) > 1e-3


def test_few_lags_give_what_they_can():
    labels = np.tile(np.repeat([0, 1], 20), (80, 3)).astype(np.uint8)
    for crop in (13, 14, 41):
        assert surface_of(labels, 1, "periodic", crop=crop) == pytest.approx(1 / 20, rel=0.01)
    for crop in (3, 4, 5, 9):
        assert surface_of(labels, 1, "periodic", crop=crop) == pytest.approx(1 / 20, rel=0.04)
    alone = np.zeros((9, 9), dtype=bool)
    alone[4, 4] = alone[0, 0] = True  # no two points are near
    assert surface_of(np.eye(9, dtype=np.uint8), mask=alone) is None
    single = labels[None]  # one plane of a volume: isotropic across it, as far as anyone can know
    assert surface_of(single, 1, "periodic") == pytest.approx(4 / 20 / 2 * 2 / math.pi, rel=0.03)
    assert surface_of(np.repeat([0, 1], 40).astype(np.uint8), 1, "periodic") == pytest.approx(2 / 80)


def test_doubts_name_thin_phases_and_missing_directions():
    labels = np.tile(np.repeat([0, 1], [12, 4]), (64, 4)).astype(np.uint8)
    assert "phases 0, 1, or the gaps in between, are on average 4 px wide" in " ".join(doubts(measured(labels, "periodic")))
    said = " ".join(doubts(measured(labels, "periodic", Spacing((0.5,), "nm"))))
    assert "2 nm wide in some direction, less than 3.2 nm; the specific surface may be off by more than 3 %" in said
    thick = np.tile(np.repeat([0, 1], 20), (80, 3)).astype(np.uint8)
    assert list(doubts(measured(thick, "periodic"))) == []
    (few,) = doubts(measured(thick, "periodic", crop=3))
    assert "few directions, so that the specific surface may be off by 9 %; a larger --crop" in few
    assert list(doubts(measured(np.zeros((30, 30), np.uint8)))) == []


def test_the_correlation_length_of_small_discs():
    """Far-apart discs: S2 is that of one disc, v times the overlap of two at distance r, to order v."""
    labels = circles((512, 512), n_circles=60, radius=6.0, rng=np.random.default_rng(1))
    v = labels.mean()
    r = np.linspace(0, 12, 2000)
    overlap = (2 / math.pi) * (np.arccos(r / 12) - r / 12 * np.sqrt(1 - (r / 12) ** 2))
    decay = (v * overlap - v**2 * overlap) / (v - v**2)  # without the pairs of different discs, which make v^2 of it
    expected = np.interp(-math.exp(-1), -decay, r)
    found = measured(labels, "periodic", Spacing((0.5,), "µm"))
    numbers = describe_phases(found)[1]
    assert numbers["volume_fraction"] == pytest.approx(v)
    assert numbers["correlation_length"] == pytest.approx(expected / 2, rel=0.08)
    assert verdict(found).large_enough is True


def test_a_field_of_view_that_shows_a_part_only():
    labels = (np.add.outer(np.arange(60), np.arange(60)) > 60).astype(np.uint8)  # one edge
    assert verdict(measured(labels)).large_enough is False
    tiny = measured(np.eye(3, dtype=np.uint8))
    assert verdict(tiny).large_enough is None
    assert "too few pairs" in verdict(tiny).reason


def by_loops(labels, r, mask=None):
    """Return the covariance of each phase with itself over the pairs that a lag spans, and the product of their spreads."""
    counting = np.ones(labels.shape, dtype=bool) if mask is None else mask
    pairs = []
    for x in np.ndindex(labels.shape):
        y = tuple(i + j for i, j in zip(x, r, strict=True))
        if all(0 <= j < n for j, n in zip(y, labels.shape, strict=True)) and counting[x] and counting[y]:
            pairs.append((labels[x], labels[y]))
    both = np.array(pairs)
    found = []
    for h in range(int(labels.max()) + 1):
        a, b = (both == h).astype(float).T
        found.append(((a * b).mean() - a.mean() * b.mean(), a.std() * b.std()))
    return np.array(found).T


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("phases", [2, 3])
def test_autocovariances_are_of_the_members_of_the_pairs(phases, masked):
    labels = blobs((9, 11), phases=phases, scale=2.0)
    mask = np.random.default_rng(0).random(labels.shape) < 0.8 if masked else None
    found = measured(labels, mask=mask)
    r, values = autocovariances(found)
    count, total, spread = found.count, np.zeros((phases, len(r))), np.zeros((phases, len(r)))
    for at in np.ndindex(count.shape):
        lag = tuple(i - n // 2 for i, n in zip(at, count.shape, strict=True))
        shell = int(np.hypot(*lag) + 0.5)
        if shell < len(r) and count[at]:
            covariance, scale = by_loops(labels, lag, mask)
            total[:, shell] += count[at] * covariance
            spread[:, shell] += count[at] * scale
    np.testing.assert_allclose(values, total / spread, atol=1e-12)
    np.testing.assert_allclose(values[:, 0], 1)


@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_two_phases_have_one_autocovariance(boundary):
    field = blobs((90, 110), scale=8.0, seed=3)[5:75, 3:80]
    found = measured(field, boundary)
    _, values = autocovariances(found)
    np.testing.assert_allclose(values[0], values[1], atol=1e-12)
    assert abs(found.f[1, 1] - found.fractions[1] ** 2 - found.f[0, 0] + found.fractions[0] ** 2).max() > 0.02 or boundary == "periodic"
    first, second = describe_phases(found)
    assert first["correlation_length"] == pytest.approx(second["correlation_length"], rel=1e-12)
    assert first["tail"] == pytest.approx(second["tail"], rel=1e-10)


@pytest.mark.parametrize("spacing", [PIXEL, Spacing((2.0, 1.0), "nm")])
@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_the_verdict_does_not_depend_on_the_crop(boundary, spacing):
    labels = blobs((50, 64), scale=3.0)
    mask = np.ones(labels.shape, dtype=bool)
    mask[:6, :] = False
    for counting in (None, mask):
        whole = describe_phases(measured(labels, boundary, spacing, mask=counting))
        assert whole[1]["tail"] is not None
        for crop in (64, 99) if boundary == "open" else (64,):
            found = measured(labels, boundary, spacing, crop, counting)
            assert describe_phases(found)[1]["tail"] == pytest.approx(whole[1]["tail"], rel=1e-9)
            assert describe_phases(found)[1]["correlation_length"] == pytest.approx(whole[1]["correlation_length"], rel=1e-9)
            assert verdict(found) == verdict(measured(labels, boundary, spacing, mask=counting))
    short = measured(labels, boundary, crop=21)
    assert describe_phases(short)[1]["tail"] is None
    assert describe_phases(short)[1]["correlation_length"] == pytest.approx(
        describe_phases(measured(labels, boundary))[1]["correlation_length"]
    )
    assert verdict(short).large_enough is None
    assert "it needs lags up to 24 px, half of the image, and --crop keeps 10 px" in verdict(short).reason


def test_an_unequal_spacing_is_averaged_in_shells_as_wide_as_its_largest_step():
    labels = blobs((40, 120), scale=5.0)[:, ::2]
    found = measured(labels, spacing=Spacing((1.0, 2.0), "nm"))
    r, values = found.radial()
    assert r[:3].tolist() == [0.0, 2.0, 4.0]
    lags = [np.arange(n) - n // 2 for n in found.lags]
    distance = np.hypot(lags[0][:, None] * 1.0, lags[1][None, :] * 2.0)
    for j in (0, 1, 5):
        inside = (distance >= (j - 0.5) * 2) & (distance < (j + 0.5) * 2)
        assert values[1, j] == pytest.approx(np.average(found.f[1, 1][inside], weights=found.count[inside]))


def test_statistics_are_the_librarys():
    labels = blobs((14, 15), phases=3)
    mask = np.random.default_rng(0).random(labels.shape) < 0.8
    m = twopoint.one_hot(labels, 3)
    found = measured(labels, crop=9, mask=mask)
    np.testing.assert_allclose(found.f, twopoint.correlations(m, boundary="open", mask=mask, crop=9), atol=1e-15)
    np.testing.assert_array_equal(found.count, twopoint.pair_counts(mask, boundary="open", crop=9))
    r, values = found.radial()
    expected = twopoint.radial_average(found.f[1, 1], centered=True, count=found.count)
    np.testing.assert_allclose(values[1], expected[1])
    np.testing.assert_allclose(r, expected[0])
    assert measured(labels, "periodic").count is None


def test_lags_that_no_pair_spans_are_left_out_of_radial_averages():
    mask = np.zeros((20, 20), dtype=bool)
    mask[:6] = True
    labels = blobs((20, 20))
    r, _ = measured(labels, mask=mask).radial()
    assert 5 <= r[-1] <= 10
    f, count = np.ones((1, 1, 5, 5)), np.zeros((5, 5))
    count[2, 2] = 1
    assert Statistics(f, count, np.ones(1), (5, 5), "open", PIXEL.along(2)).radial()[0].tolist() == [0.0]


def test_crops():
    assert crop_sizes(None, (8, 9), "open") == (8, 9)
    assert crop_sizes(17, (8, 9), "open") == (15, 17)
    assert crop_sizes(5, (8, 9), "periodic") == (5, 5)
    with pytest.raises(InputError, match="3 to 9 lags"):
        crop_sizes(10, (8, 9), "periodic")
