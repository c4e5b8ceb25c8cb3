"""The tasks on generated images."""

import json

import numpy as np
import pytest
import torch

import twopoint as tp
from twopoint_models.manifold import (
    Descriptor,
    angle_error,
    angle_images,
    angle_task,
    distance_matrix,
    embed,
    embed_landmarks,
    linear_r2,
    power_spectra,
    regression_angle,
    shift_task,
    texture_vectors,
    three_parameter_task,
    three_parameters,
)
from twopoint_models.nets import VGG19
from twopoint_models.nets.names import LUBBERS

RNG = np.random.default_rng(0)


NETWORK = VGG19.random(layers=("conv1_1", "conv2_1"), pooling="mean")


SPECTRUM = {"spectrum": Descriptor("spectrum")}


IMAGES = RNG.random((5, 16, 16)).astype(np.float32)


def json_of(summary):
    """What is left of a summary in a file."""
    return json.loads(json.dumps(summary))


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
