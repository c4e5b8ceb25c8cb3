"""Measures against loops and closed forms; figures by what they hold."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from twopoint_models.evaluation.figures import confusion, distributions, gallery
from twopoint_models.evaluation.measures import distance_in_halves, first_zero, specific_interface_length


def test_interface_length_counts_changes():
    image = np.random.default_rng(0).random((5, 7)) < 0.4
    changes = sum(image[i, j] != image[(i + 1) % 5, j] for i in range(5) for j in range(7))
    changes += sum(image[i, j] != image[i, (j + 1) % 7] for i in range(5) for j in range(7))
    assert specific_interface_length(image) == pytest.approx(np.pi / 4 * changes / 35, rel=1e-12)
    assert specific_interface_length(np.stack([image, ~image]), spacing=0.5) == pytest.approx([2 * np.pi / 4 * changes / 35] * 2, rel=1e-12)


def test_interface_of_a_disc_is_its_circumference():
    row, column = np.mgrid[:200, :200] - 100.2
    assert specific_interface_length(row**2 + column**2 < 60.3**2) * 200**2 == pytest.approx(2 * np.pi * 60.3, rel=0.01)


def test_first_zero_by_loops():
    image = (np.random.default_rng(1).random((16, 12)) < 0.5).astype(float)
    image = (image + np.roll(image, 1, 0) + np.roll(image, 1, 1) > 1.5).astype(float)
    sums, counts = np.zeros(7), np.zeros(7)
    for a in range(-8, 8):
        for b in range(-6, 6):
            shell = math.floor(math.hypot(a, b) + 0.5)
            if shell <= 6:
                sums[shell] += (image * np.roll(image, (-a, -b), (0, 1))).mean() - image.mean() ** 2
                counts[shell] += 1
    covariance = sums / counts
    k = int(np.flatnonzero(covariance <= 0)[0])
    assert k > 1
    wanted = k - 1 + covariance[k - 1] / (covariance[k - 1] - covariance[k])
    assert first_zero(image) == pytest.approx(wanted, rel=1e-9)
    assert first_zero(np.stack([image, 1 - image])) == pytest.approx([wanted] * 2, rel=1e-9)


def test_first_zero_of_one_phase_and_of_one_that_has_none():
    assert first_zero(np.ones((2, 8, 8))).tolist() == [0, 0]
    assert first_zero(np.zeros((8, 8))) == 0
    half = np.zeros((8, 128))
    half[:, :64] = 1  # stripes far wider than half the height
    assert first_zero(half) == 4


def test_distance_in_halves():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=60)
    same, moved = distance_in_halves(reference, rng.normal(size=4000)), distance_in_halves(reference, rng.normal(size=4000) + 1)
    assert 0.3 < same < 1.3
    assert moved > 3
    assert distance_in_halves(reference, reference) == 0
    assert distance_in_halves(reference * 10, 10 * (reference + 1)) == pytest.approx(distance_in_halves(reference, reference + 1), rel=1e-9)
    assert distance_in_halves(np.ones(4), np.ones(2)) == 0
    assert distance_in_halves(np.ones(4), np.zeros(2)) == math.inf
    assert distance_in_halves(reference, reference + 1, seed=1) != distance_in_halves(reference, reference + 1, seed=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: specific_interface_length(np.zeros(4)), r"shape \(\.\.\., H, W\)"),
        (lambda: specific_interface_length(np.zeros((4, 4)), spacing=0.0), "spacing must be above 0"),
        (lambda: specific_interface_length(np.full((4, 4), math.nan)), "two values"),
        (lambda: specific_interface_length(np.arange(16).reshape(4, 4)), "two values"),
        (lambda: distance_in_halves(np.zeros((4, 2)), np.zeros(3)), r"shapes \(n,\)"),
        (lambda: distance_in_halves(np.zeros(4), np.zeros(3), splits=0), "splits"),
        (lambda: first_zero(np.zeros(4)), r"shape \(\.\.\., H, W\)"),
        (lambda: first_zero(np.full((4, 4), math.nan)), "images must be finite"),
        (lambda: distance_in_halves(np.zeros(3), np.zeros(3)), "4 numbers or more"),
        (lambda: distance_in_halves(np.zeros(4), np.zeros(0)), "one at least"),
        (lambda: distance_in_halves(np.array([0, 1, 2, math.nan]), np.zeros(2)), "finite"),
        (lambda: gallery({}), "one block or more"),
        (lambda: gallery({"a": {"A": []}, "b": {"B": []}}), "same classes"),
        (lambda: gallery({"a": {"A": []}}), "an image in each block"),
        (lambda: distributions({}, {}), "one block or more"),
        (lambda: distributions({"v": {"A": np.ones(2)}}, {"w": {"A": np.ones(2)}}), "measures and classes of real"),
        (lambda: distributions({"v": {"A": np.ones(2)}}, {"v": {"B": np.ones(2)}}), "measures and classes of real"),
        (lambda: distributions({"v": {"A": np.ones(2)}}, {"v": {"A": np.ones(0)}}), "finite numbers"),
        (lambda: distributions({"v": {"A": np.array([math.nan])}}, {"v": {"A": np.ones(1)}}), "finite numbers"),
        (lambda: confusion({}, ["A"]), "one at least"),
        (lambda: confusion({"x": np.eye(3)}, ["A", "B"]), r"shape \(2, 2\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_gallery_has_an_image_in_its_place():
    images = {name: [np.full((1, 4, 4) if i else (4, 4), i + 10 * j) for i in range(2)] for j, name in enumerate("AB")}
    figure = gallery({"real": images, "made": {"A": images["A"][:1], "B": images["B"]}}, title="t")
    assert isinstance(figure, Figure)
    shown = [[at.images[0].get_array()[0, 0] if at.images else None for at in figure.axes[2 * row : 2 * row + 2]] for row in range(4)]
    assert shown == [[0, 10], [1, 11], [0, 10], [None, 11]]
    assert [at.get_title() for at in figure.axes[:2]] == ["A", "B"]
    assert [figure.axes[i].get_ylabel() for i in (0, 4)] == ["real", "made"]


def test_distributions_are_cumulative():
    real, made = ({"v": {"A": np.array([3.0, 1.0]) + shift, "B": np.array([5.0])}} for shift in (0, 1))
    figure = distributions(real, made, notes={"v": {"A": "0.5", "B": "1.5"}})
    lines = [line.get_xydata() for line in figure.axes[0].lines]
    assert [line[-1].tolist() for line in lines] == [[3.0, 1.0], [4.0, 1.0]]
    assert [text.get_text() for at in figure.axes for text in at.texts] == ["0.5", "1.5"]


def test_confusion_writes_counts():
    figure = confusion({"t": np.array([[3, 1], [0, 4]])}, ["A", "B"])
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["1", "3", "4"]
    assert figure.axes[0].get_title() == "t"
    assert confusion({"t": [[1, 2], [3, 4]]}, ["A", "B"]).axes
