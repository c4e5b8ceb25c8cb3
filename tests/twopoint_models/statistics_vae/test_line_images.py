"""Images of lines as a dataset, and the counters that read their labels off pixels."""

import numpy as np
import pytest

from twopoint_models.statistics_vae import LineImages, LinesModule
from twopoint_models.statistics_vae.lines import count_lines


def all_of(images):
    found = [images[i] for i in range(len(images))]
    return np.stack([each["image"] for each in found]), *(np.array([each[name] for each in found]) for name in ("orientation", "n_lines"))


@pytest.mark.parametrize(("size", "n_lines", "count"), [(64, (1, 5), 1000), (224, (3, 7), 300)])
def test_the_counters_are_right_on_originals(size, n_lines, count):
    images, orientation, number = all_of(LineImages(count, size=size, n_lines=n_lines))
    found = count_lines(images)
    assert (found.orientation == orientation).mean() >= 0.995
    assert (found.n_lines == number).mean() >= 0.995
    assert found.black == pytest.approx(1 - images.mean(axis=(1, 2, 3)), abs=1e-6)
    assert set(number) == set(range(n_lines[0], n_lines[1] + 1))
    assert 0.4 < orientation.mean() < 0.6


def test_images_hang_on_seed_and_index_alone():
    one, two = LineImages(20, size=48, seed=3), LineImages(5, size=48, seed=3, first=10)
    assert np.array_equal(one[12]["image"], two[2]["image"])
    assert (two[2]["index"], len(two)) == (12, 5)
    assert not np.array_equal(one[0]["image"], LineImages(20, size=48, seed=4)[0]["image"])
    assert (one[0]["image"].dtype, one[0]["image"].shape, set(np.unique(one[0]["image"]))) == (np.float32, (1, 48, 48), {0, 1})
    with pytest.raises(IndexError):
        two[5]


def test_what_is_no_line_is_not_counted():
    image = np.ones((4, 32, 32))
    image[0, 3:5, 2:20], image[0, 10:13, 2:7] = 0, 0.2  # a line, and a piece that is too short
    image[1, 2:30, 5:8], image[1, 2:28, 20:22], image[1, 8:10, 9:19] = 0, 0, 0  # two vertical, and a horizontal piece between
    image[2] = 0.6
    image[3, 4:8, 4:8] = 0
    found = count_lines(image)
    assert found.orientation.tolist() == [0, 1, -1, -1]
    assert found.n_lines.tolist() == [1, 2, 0, 0]
    assert count_lines(image[2:3], threshold=0.7).black == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LineImages(0, size=0), "size must be an integer above 0"),
        (lambda: LineImages(1, n_lines=(5, 1)), "n_lines must be an integer, or a minimum and a maximum"),
        (lambda: LineImages(1, seed=-1), "seed must be"),
        (lambda: LinesModule((4, 4, 4), n_lines=(3, 7, 9)), r"n_lines must be the fewest and the most lines, got \(3, 7, 9\)"),
        (lambda: LinesModule((4, 4)), "counts must be three numbers of images, of train, validation, test, not all 0"),
        (lambda: LinesModule((4, 4, -1)), "counts must be"),
        (lambda: count_lines(np.ones((8, 8))), r"images must have the shape \(n, H, W\)"),
        (lambda: count_lines(np.full((1, 8, 8), np.nan)), "be finite"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
