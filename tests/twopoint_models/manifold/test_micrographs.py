"""Classes by nearest neighbours, and places of micrographs."""

import csv
import json

import numpy as np
import pytest

from twopoint_models.manifold import (
    Descriptor,
    classification_task,
    comparable,
    distance_matrix,
    embed,
    embed_micrographs,
    nearest_neighbours,
    power_spectra,
)

RNG = np.random.default_rng(0)


SPECTRUM = {"spectrum": Descriptor("spectrum")}


IMAGES = RNG.random((5, 16, 16)).astype(np.float32)


def json_of(summary):
    """What is left of a summary in a file."""
    return json.loads(json.dumps(summary))


def items(shares, count):
    made = [
        (name, i, np.random.default_rng((k, i)).random((12, 12)) < s) for k, (name, s) in enumerate(shares.items()) for i in range(count)
    ]
    return [{"image": image[None].astype(np.float32), "name": name, "index": i} for name, i, image in made]


def test_nearest_neighbours_by_loops():
    points, names = RNG.random((12, 2)), [str(i % 3) for i in range(12)]
    d = distance_matrix(points)
    wanted = [names[min((d[i, j], j) for j in range(12) if j != i)[1]] for i in range(12)]
    assert nearest_neighbours(d, names) == wanted
    assert d[0, 0] == 0, "what was given stays"


def test_classification_leaves_constant_images_out_and_says_so():
    given = items({"dense": 0.8, "thin": 0.2}, 5)
    given[3] = given[3] | {"image": np.ones((1, 12, 12), dtype=np.float32)}
    seen = []
    methods = {"lags": Descriptor("two_point"), **SPECTRUM}
    found = classification_task(methods, given, dimensions=3, progress=lambda *at: seen.append(at))
    told = json_of(found.summary)
    assert told == found.summary
    assert told["left_out"] == [{"name": "dense", "index": 3}]
    assert (told["images"], told["classes"], told["dimensions"]) == (9, ["dense", "thin"], 3)
    row = told["methods"]["lags"]
    assert row["accuracy"] == row["accuracy_of_distances"] == row["accuracy_of_other_indices"] == 1
    assert row["confusion"] == [[4, 0], [0, 5]]
    assert seen[-1] == (18, 18)
    assert found.points["lags"].shape == (9, 3)
    assert found.names == ["dense"] * 4 + ["thin"] * 5
    near = nearest_neighbours(distance_matrix(found.points["spectrum"]), found.names)
    assert told["methods"]["spectrum"]["accuracy"] == np.mean([a == b for a, b in zip(near, found.names, strict=True)])


def test_neighbours_of_another_index_alone():
    """Each image has its twin in the other class at its own index, nearer than all of its class."""
    base = RNG.random((4, 12, 12)).astype(np.float32)
    base[2:] *= 0.5
    given = [
        {"image": image + 0.001 * k * RNG.random((12, 12)), "name": "AB"[k], "index": i} for k in (0, 1) for i, image in enumerate(base)
    ]
    given = [item | {"image": np.clip(item["image"], 0, 1)} for item in given]
    row = classification_task({"lags": Descriptor("two_point")}, given, dimensions=2).summary["methods"]["lags"]
    assert row["accuracy"] == 0
    assert row["accuracy_of_other_indices"] > 0
    alone = [item | {"index": 0} for item in given]
    assert (
        classification_task({"lags": Descriptor("two_point")}, alone, dimensions=2).summary["methods"]["lags"]["accuracy_of_other_indices"]
        is None
    )


def test_classification_of_some_of_each_class():
    found = classification_task(SPECTRUM, iter(items({"a": 0.5, "b": 0.3}, 6)), dimensions=2, per_class=3)
    assert found.summary["images"] == 6
    assert found.names == ["a"] * 3 + ["b"] * 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classification_task({}, items({"a": 0.5}, 5)), "methods must be descriptors"),
        (lambda: classification_task(SPECTRUM, items({"a": 0.5}, 6)), "items must hold 7 or more images that are not constant"),
        (lambda: classification_task(SPECTRUM, items({"a": 0.5}, 6), per_class=0), "per_class must be an integer above 0"),
        (lambda: nearest_neighbours(np.zeros((3, 3)), ["a", "b"]), r"got \(3, 3\) for 2 names"),
        (lambda: nearest_neighbours(np.full((2, 2), np.nan), ["a", "b"]), "distances must be finite"),
    ],
)
def test_bad_classifications_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_micrographs_are_made_comparable():
    wide = 40 + 100 * RNG.random((20, 30))
    wide[5:15, 10:20] = np.linspace(0, 255, 100).reshape(10, 10)
    small = RNG.integers(0, 2**16, (10, 12), dtype=np.uint16)
    found = comparable([wide, small, small > 2**15, np.zeros((11, 11))], ["wide", "small", "black and white", "flat"])
    assert found.names == ["wide", "small", "black and white"]
    assert found.images.dtype == np.float32
    assert found.images[0] == pytest.approx(np.linspace(0, 1, 100).reshape(10, 10)), "the middle"
    kept = small[:, 1:11].astype(float)
    assert found.images[1] == pytest.approx((kept - kept.min()) / np.ptp(kept), abs=1e-6)
    assert set(found.images[2].ravel()) == {0, 1}
    assert found.remarks == [
        "images of 3 sizes cropped to the middle 10 x 10 of each".replace("4", "3"),
        "flat left out: it is constant, 0 everywhere",
    ]
    assert comparable([small] * 3, list("abc")).images.shape == (3, 10, 12), "one size stays"


def test_places_of_micrographs():
    names = ["a/1.png", 'a/"2".png', "b/1.png", "b/2.png"]
    found = embed_micrographs(list(IMAGES[:4]), names, Descriptor("spectrum"), dimensions=2)
    low, high = IMAGES[:4].min(axis=(1, 2), keepdims=True), IMAGES[:4].max(axis=(1, 2), keepdims=True)
    wanted = embed(distance_matrix(power_spectra((IMAGES[:4] - low) / (high - low))), 2)
    assert distance_matrix(found.points) == pytest.approx(distance_matrix(wanted.points), rel=1e-4)
    assert np.array_equal(found.points, found.plane)
    assert json_of(found.summary) == found.summary
    assert (found.summary["classes"], found.summary["images"], found.summary["dimensions"]) == (["a", "b"], 4, 2)
    rows = list(csv.DictReader(found.table().splitlines()))
    assert [row["file"] for row in rows] == names
    assert [[float(row[key]) for key in ("x", "y", "d1", "d2")] for row in rows] == pytest.approx(
        np.hstack([found.plane, found.points]), rel=1e-4
    )
    alone = embed_micrographs(list(IMAGES), list("abcde"), Descriptor("spectrum"))
    assert "accuracy" not in alone.summary
    assert alone.points.shape == (5, 4), "one dimension less than images"


@pytest.mark.parametrize(
    ("images", "names", "message"),
    [
        ([IMAGES[0]], ["a", "b"], "images and names must be as many, got 1 and 2"),
        ([IMAGES[0]] * 2, ["a", "b"], "images must be three or more with contrast, got 2"),
        ([IMAGES[0], np.ones((4, 4)), IMAGES[1]], list("abc"), "got 2: images of 2 sizes .*; b left out: it is constant"),
        ([IMAGES[0]] * 2 + [IMAGES], list("abc"), r"images must be finite gray values \(H, W\), got the shape \(5, 16, 16\) of c"),
        ([IMAGES[0]] * 2 + [IMAGES[0] * np.nan], list("abc"), r"finite gray values \(H, W\), got the shape \(16, 16\) of c"),
        ([], [], "images must be three or more with contrast, got 0"),
    ],
)
def test_bad_micrographs_are_refused(images, names, message):
    with pytest.raises(ValueError, match=message):
        comparable(images, names)
