"""Galleries, distributions and confusion matrices."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from twopoint_models.evaluation.figures import confusion, distributions, gallery


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gallery({}), "one block or more"),
        (lambda: gallery({"a": {"A": []}, "b": {"B": []}}), "same classes"),
        (lambda: gallery({"a": {"A": []}}), "an image in each block"),
        (lambda: distributions({}, {}), "one block or more"),
        (lambda: distributions({"v": {"A": np.ones(2)}}, {"w": {"A": np.ones(2)}}), "measures and classes of real"),
        (lambda: distributions({"v": {"A": np.ones(2)}}, {"v": {"B": np.ones(2)}}), "measures and classes of real"),
        (lambda: distributions({"v": {"A": np.ones(2)}}, {"v": {"A": np.ones(0)}}), "finite numbers"),
        (lambda: distributions({"v": {"A": np.array([math.nan])}}, {"v": {"A": np.ones(1)}}), "finite numbers"),
        (lambda: confusion({}, ["A"]), "at least one matrix"),
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
