"""The tasks of the manifold as functions: the numbers of their parts, what they refuse; descriptors, projections, own micrographs."""

import csv
import json

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import twopoint as tp
from twopoint_models.manifold import (
    Descriptor,
    Synthesis,
    angle_error,
    angle_images,
    angle_task,
    classification_task,
    comparable,
    descriptors,
    distance_matrix,
    embed,
    embed_landmarks,
    embed_micrographs,
    judge,
    linear_fit,
    linear_r2,
    nearest_neighbours,
    power_spectra,
    project,
    regression_angle,
    shift_task,
    synthesise,
    texture_vectors,
    three_parameter_task,
    three_parameters,
    two_point_vectors,
)
from twopoint_models.nets import VGG19
from twopoint_models.nets.vgg import LUBBERS

RNG = np.random.default_rng(0)
NETWORK = VGG19.random(layers=("conv1_1", "conv2_1"), pooling="mean")
SPECTRUM = {"spectrum": Descriptor("spectrum")}
IMAGES = RNG.random((5, 16, 16)).astype(np.float32)


def json_of(summary):
    """What is left of a summary in a file."""
    return json.loads(json.dumps(summary))


def test_descriptors_are_their_functions():
    every = descriptors(NETWORK, VGG19.random(layers=("conv1_1",), seed=1))
    wanted = {
        "CNN": texture_vectors(IMAGES, NETWORK),
        "power spectrum": power_spectra(IMAGES),
        "2-point statistics": two_point_vectors(IMAGES),
        "CNN, scaling as printed": texture_vectors(IMAGES, NETWORK, scaling="printed"),
        "random filters": texture_vectors(IMAGES, VGG19.random(layers=("conv1_1",), seed=1)),
    }
    assert list(every) == list(wanted)
    for name, describe in every.items():
        seen = []
        assert np.array_equal(describe(IMAGES, progress=lambda *at, seen=seen: seen.append(at)), wanted[name])
        assert seen[-1] == (5, 5)
    assert np.array_equal(Descriptor("two_point", crop=5)(IMAGES), two_point_vectors(IMAGES, crop=5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Descriptor("vgg"), "kind must be 'cnn' or 'spectrum' or 'two_point', got 'vgg'"),
        (lambda: Descriptor("cnn"), "network must be given for the kind 'cnn' and for no other, got NoneType"),
        (lambda: Descriptor("spectrum", NETWORK), "got VGG19 for 'spectrum'"),
        (lambda: Descriptor("cnn", NETWORK, scaling="square"), "scaling must be 'root' or 'printed'"),
    ],
)
def test_bad_descriptors_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_angle_task_is_its_parts():
    seen = []
    methods = {"cnn": Descriptor("cnn", NETWORK), **SPECTRUM}
    how = dict(counts=[5, 6], noises=[1.0, 2.5], trials=2, size=24, seed=3, k=4.0)
    task = angle_task(methods, progress=lambda *at: seen.append(at), **how)
    told = json_of(task.summary)
    assert told == task.summary
    assert (told["counts"], told["noises"], told["trials"], told["noise_options"]) == ([5, 6], [1.0, 2.5], 2, {"k": 4.0})
    assert seen[-1] == (2 * 2 * 2 * 11, 2 * 2 * 2 * 11)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    for i, n in enumerate((5, 6)):
        for name in methods:
            assert np.shape(told["methods"][name]["rmse"][i]) == (2, 2)
            assert told["methods"][name]["mean_rmse"][i][1] == pytest.approx(np.mean(told["methods"][name]["rmse"][i][1]))
            points = task.points[name][n, 2.5]
            read = angle_error(points, task.angles[n])
            assert told["methods"][name]["rmse"][i][1][0] == read.rmse
            assert np.array_equal(task.recovered[name][n, 2.5], read.recovered)
    image = task.images[2.5]
    wanted = angle_images(5, 2.5, size=24, k=4.0, seed=int(np.random.SeedSequence((3, 0)).generate_state(1)[0])).images
    assert np.array_equal(image, wanted[0])
    found = embed(distance_matrix(texture_vectors(wanted, NETWORK)), 2)
    assert told["methods"]["cnn"]["stress"][0][1][0] == found.stress
    rmse = np.array(told["methods"]["spectrum"]["rmse"])
    assert (rmse[..., 0] != rmse[..., 1]).all(), "trials differ"
    again = angle_task(methods, **how).summary
    assert again["methods"]["cnn"]["rmse"] == told["methods"]["cnn"]["rmse"]


def test_the_three_parameter_task_is_its_parts():
    seen = []
    methods = {"cnn": Descriptor("cnn", NETWORK), **SPECTRUM}
    task = three_parameter_task(
        methods, per_axis=2, dimensions=[2, 3], size=24, seed=5, displacement=0.05, progress=lambda *at: seen.append(at)
    )
    told = json_of(task.summary)
    assert told == task.summary
    made = three_parameters(2, size=24, seed=5, displacement=0.05)
    assert np.array_equal(task.marbles.images, made.images)
    distances = distance_matrix(texture_vectors(made.images, NETWORK))
    row = told["methods"]["cnn"]
    for i, d in enumerate((2, 3)):
        found = embed(distances, d)
        assert np.array_equal(task.points["cnn"][d], found.points)
        assert row["stress"][i] == found.stress
        assert row["r2_k"][i] == linear_r2(found.points, made.k)
        assert row["r2_noise"][i] == linear_r2(found.points, made.noise)
        assert row["regression_angle"][i] == regression_angle(found.points, made.k, made.noise)
    assert (told["images"], told["dimensions"], told["landmarks"]) == (8, [2, 3], None)
    assert told["seconds"]["whole"] > sum(row["seconds"].values()) + sum(row["embedding_seconds"])
    assert len(row["embedding_seconds"]) == 2
    assert 0.05 < told["peak_gigabytes"] < 100
    assert seen[-1] == (20, 20)


def test_the_three_parameter_task_with_landmarks():
    task = three_parameter_task(SPECTRUM, per_axis=3, dimensions=[2], size=16, seed=2, landmarks=12)
    wanted = embed_landmarks(power_spectra(task.marbles.images), 2, landmarks=12, seed=2)
    assert np.array_equal(task.points["spectrum"][2], wanted.points)
    assert task.summary["methods"]["spectrum"]["stress"] == [wanted.stress]
    assert task.summary["landmarks"] == 12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: angle_task({}), "methods must be descriptors by name, one or more"),
        (lambda: angle_task({"a": 3}), "methods must be descriptors by name"),
        (lambda: angle_task(SPECTRUM, counts=[2]), r"counts of 3 or more, got \[2\]"),
        (lambda: angle_task(SPECTRUM, noises=[]), "counts and noises must hold one number or more"),
        (lambda: angle_task(SPECTRUM, trials=0), "trials must be an integer above 0"),
        (lambda: angle_task(SPECTRUM, counts=[3], size=8, octaves=0), "octaves must be at least 1"),
        (lambda: three_parameter_task({}), "methods must be descriptors by name"),
        (lambda: three_parameter_task(SPECTRUM, per_axis=2), r"dimensions must be one or more numbers from 1 to 6, for 8 images"),
        (lambda: three_parameter_task(SPECTRUM, per_axis=2, dimensions=[]), "dimensions must be one or more"),
        (lambda: three_parameter_task(SPECTRUM, per_axis=0), "per_axis must be an integer above 0"),
        (lambda: three_parameter_task({"cnn": Descriptor("cnn", NETWORK)}, per_axis=2, dimensions=[2], size=1), "constant"),
    ],
)
def test_bad_tasks_are_refused(call, message, unchecked):
    with pytest.raises(ValueError, match=message):
        call()


def test_projections_span_the_regression_vectors():
    points, parameters = RNG.standard_normal((30, 5)) + 3, RNG.standard_normal((2, 30))
    found = project(points, *parameters)
    vectors = [linear_fit(points, p).vector for p in parameters]
    centred = points - points.mean(axis=0)
    assert found[:, 0] == pytest.approx(centred @ vectors[0] / np.linalg.norm(vectors[0]))
    for vector in vectors:  # of the plane: it changes nothing along either
        weights = np.linalg.lstsq(found, centred @ vector, rcond=None)
        assert weights[1] == pytest.approx([0], abs=1e-18)
    inside = project(found, *parameters)
    assert inside == pytest.approx(found), "directions are orthonormal, and what is projected stays"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda points: project(points), "parameters must be from 1 to the 2 dimensions of points, got 0"),
        (lambda points: project(points, *[points[:, 0]] * 3), "got 3"),
        (lambda points: project(points, points[:, 0], 2 * points[:, 0]), r"parameters\[1\] must grow in a direction of its own"),
        (lambda points: project(points, points[:5, 0]), "parameter must be 10 finite numbers"),
    ],
)
def test_bad_projections_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(RNG.standard_normal((10, 2)))


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


def test_shifts_change_only_what_poolings_have_seen():
    network = VGG19.random(layers=LUBBERS[:3], pooling="mean", padding="circular")
    seen = []
    found = shift_task(network, IMAGES[:2], shifts=[(4, 8), (2, 0), (0, 1)], batch=2, progress=lambda *at: seen.append(at))
    told = json_of(found.summary)
    assert told == found.summary
    assert told["shifts"] == [[4, 8], [2, 0], [0, 1]]
    first, second, third = told["layers"].values()
    assert list(told["layers"]) == list(LUBBERS[:3])
    assert max(*first, *second[:2], third[0], told["whole"][0], told["batches"]) <= 1e-5
    assert min(second[2], *third[1:], *told["whole"][1:]) > 1e-3
    vectors = [texture_vectors(np.roll(IMAGES[:2], n, axis=2), network).astype(float) for n in (0, 1)]
    change = np.linalg.norm(vectors[1] - vectors[0], axis=1) / np.linalg.norm(vectors[0], axis=1)
    assert told["whole"][2] == pytest.approx(change.max())
    grams = [tp.gram(network(torch.as_tensor(np.roll(IMAGES[:2, None], n, axis=3)))[2]).numpy() for n in (0, 1)]
    by_gram = np.linalg.norm(grams[1] - grams[0], axis=(1, 2)) / np.linalg.norm(grams[0], axis=(1, 2))
    assert third[2] == pytest.approx(by_gram.max(), rel=1e-4)
    assert seen[-1] == (10, 10)


def test_zero_padding_is_not_invariant():
    assert min(shift_task(NETWORK, IMAGES[:1], shifts=[(4, 4)]).summary["layers"]["conv2_1"]) > 1e-3


@pytest.mark.parametrize("shifts", [[], [(1, 2, 3)], [(0.5, 1)]])
def test_bad_shifts_are_refused(shifts, unchecked):
    with pytest.raises(ValueError, match="shifts must be pairs of integers, one or more"):
        shift_task(NETWORK, IMAGES, shifts=shifts)


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


def test_a_synthesis_is_judged_by_its_statistics():
    field = gaussian_filter(RNG.standard_normal((16, 16)), 1, mode="wrap")
    gray = ((field - field.min()) / np.ptp(field)).astype(np.float32)
    phases = np.stack([gray < 0.4, (gray >= 0.4) & (gray < 0.6), gray >= 0.6]).astype(np.float32)
    network = VGG19.random(layers=("conv1_1",), padding="circular")
    for image in (gray, phases, phases[[0, 1]] + np.stack([phases[2], 0 * phases[2]])):
        made = synthesise(image, network, iterations=3, seed=4)
        told = json_of(judge(made, image, seed=4))
        assert told["fall"] == pytest.approx(made.history[0] / made.history[-1])
        assert told["iterations"] == 3
        m, target = (x.astype(float) if x.ndim == 3 else np.stack([1 - x, x]).astype(float) for x in (made.image, image))
        assert told["texture"]["statistics_error"] == pytest.approx(tp.statistics_error(m, target))
        assert told["texture"]["excess_cess"] == pytest.approx(float(tp.cess(m, target, excess=True)))
        assert ("labels" in told) == (image.ndim == 3)
        start = judge(synthesise(image, network, iterations=1, seed=4), image, seed=5)["noise"]
        assert start != told["noise"], "the seed's own noise"
    same = judge(Synthesis(phases, np.array([2.0, 0.0])), phases)
    assert (same["fall"], same["labels"]["statistics_error"]) == (None, 0)


def test_a_judgement_needs_one_size():
    with pytest.raises(ValueError, match=r"image must have the shape of the texture, \(16, 16\), got \(8, 8\)"):
        judge(Synthesis(IMAGES[0], np.ones(2)), IMAGES[0, :8, :8])


def test_noise_of_a_judgement_is_what_a_synthesis_begins_with():
    """Without a step the texture is the noise."""
    network = VGG19.random(layers=("conv1_1",))
    start = np.random.default_rng(7).random((16, 16))
    found = judge(Synthesis(start.astype(np.float32), np.ones(1)), IMAGES[0], seed=7)
    assert found["texture"]["statistics_error"] == pytest.approx(found["noise"]["statistics_error"], rel=1e-5)
    made = synthesise(IMAGES[0], network, iterations=1, seed=7)
    with torch.no_grad():
        loss = float(tp.style_loss(*(network(torch.as_tensor(x[None, None], dtype=torch.float32)) for x in (start, IMAGES[0]))))
    assert made.history[0] == pytest.approx(loss, rel=1e-4)
