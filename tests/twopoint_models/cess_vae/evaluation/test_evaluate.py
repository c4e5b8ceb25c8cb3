"""Scores and tables against numbers worked out by hand, pairs and modes on planted samples."""

import numpy as np
import pytest

from twopoint_models.cess_vae import score_rows
from twopoint_models.cess_vae.evaluation.evaluate import ALL, CROP, CUMULATIVE, CUT, SHARP, SOFT, join, score
from twopoint_models.evaluation.measures import specific_interface_length
from twopoint_models.evaluation.reconstructions import excess_cess, thresholded_at_fraction
from twopoint_models.evaluation.trivial import TRIVIAL, blurred

RNG = np.random.default_rng(0)


IMAGES = (blurred(RNG.random((4, 1, 32, 32)), 2.0) > 0.5).astype(np.float32)


SOFTER = 0.9 * blurred(IMAGES, 1.5)


def test_scores_are_those_of_their_parts():
    found = score(SOFTER, IMAGES)
    assert {output: list(by) for output, by in found.excess.items()} == {output: [ALL, CROP, CUMULATIVE] for output in (SOFT, SHARP, CUT)}
    sharp, cut = (SOFTER >= 0.5).astype(float), thresholded_at_fraction(SOFTER)
    for output, x in ((SOFT, SOFTER), (SHARP, sharp), (CUT, cut)):
        for key, options in ((ALL, {}), (CROP, {"crop": 7}), (CUMULATIVE, {"cumulative": True})):
            assert np.array_equal(found.excess[output][key], excess_cess(x, IMAGES.astype(x.dtype), **options))
        assert found.fraction_error[output] == pytest.approx(np.abs(x.mean((1, 2, 3)) - IMAGES.mean((1, 2, 3))), abs=1e-6)
    length = specific_interface_length(IMAGES[:, 0])
    assert set(found.interface_ratio) == {SHARP, CUT}
    assert found.interface_ratio[SHARP] == pytest.approx(specific_interface_length(sharp[:, 0]) / length)
    assert found.interface_ratio[CUT] == pytest.approx(specific_interface_length(cut[:, 0]) / length)
    assert found.fraction_error[SOFT].min() > 0.01
    assert found.interface_ratio[SHARP].max() < 1


def test_two_channels_say_what_one_says():
    one = score(SOFTER, IMAGES)
    two = score(np.concatenate([1 - SOFTER, SOFTER], axis=1), np.concatenate([1 - IMAGES, IMAGES], axis=1))
    assert set(two.excess) == {SOFT, SHARP}, "a cut at a fraction is for two phases by one channel"
    for output in (SOFT, SHARP):
        assert two.excess[output][ALL] == pytest.approx(one.excess[output][ALL], rel=1e-4)
        assert two.fraction_error[output] == pytest.approx(one.fraction_error[output], abs=1e-6)
    assert two.interface_ratio[SHARP] == pytest.approx(one.interface_ratio[SHARP])


def test_an_image_without_an_interface_has_no_ratio():
    found = score(np.ones((1, 1, 16, 16)), np.zeros((1, 1, 16, 16)))
    assert np.isnan(found.interface_ratio[SHARP]).all()
    assert found.fraction_error[SOFT].tolist() == [1.0]


def test_rows_in_blocks_are_those_of_one():
    items = [{"image": image, "name": f"number {i}"} for i, image in enumerate(IMAGES)]
    done = []
    scores, told = score_rows(TRIVIAL | {"itself": lambda x: x}, iter(items), block=3, progress=done.append)
    assert done == [3, 4]
    assert told == [{"name": f"number {i}"} for i in range(4)]
    assert list(scores) == [*TRIVIAL, "itself"]
    for row, reconstruct in TRIVIAL.items():
        whole = score(reconstruct(IMAGES), IMAGES)
        for output in (SOFT, SHARP, CUT):
            for lags in (ALL, CROP, CUMULATIVE):
                assert scores[row].excess[output][lags] == pytest.approx(whole.excess[output][lags], rel=1e-6, abs=1e-12)
            assert scores[row].fraction_error[output] == pytest.approx(whole.fraction_error[output], abs=1e-7)
        assert scores[row].interface_ratio[CUT] == pytest.approx(whole.interface_ratio[CUT])
    assert max(np.abs(x).max() for by in scores["itself"].excess.values() for x in by.values()) < 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score(IMAGES, IMAGES / 2), "images must be of 0 and 1"),
        (lambda: score(IMAGES[:1], IMAGES), "must have one shape"),
        (lambda: score(IMAGES, IMAGES[0]), "images must have the shape"),
        (lambda: join([]), "parts must be one or more"),
        (lambda: score_rows({}, [{"image": IMAGES[0]}]), "rows and items must be one or more"),
        (lambda: score_rows(TRIVIAL, []), "rows and items must be one or more"),
        (lambda: score_rows(TRIVIAL, [], block=0), "block must be an integer above 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
