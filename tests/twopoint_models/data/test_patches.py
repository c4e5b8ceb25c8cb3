"""Sliding windows of micrographs: where they lie, whose they are, and that a split never cuts a parent."""

import numpy as np
import pytest

from twopoint_models.data import SlidingWindows

PARENTS = [np.arange(10 * 12).reshape(10, 12), 1000 + np.arange(7 * 7).reshape(7, 7), 2000 + np.arange(5 * 30).reshape(5, 30)]


def test_every_window():
    windows = SlidingWindows(PARENTS, (5, 4), (2, 3), labels=["a", "b", "c"])
    wanted = [
        (parent, row, column)
        for parent, image in enumerate(PARENTS)
        for row in range(0, image.shape[0] - 4, 2)
        for column in range(0, image.shape[1] - 3, 3)
    ]
    assert len(windows) == len(wanted)
    for item, (parent, row, column) in zip((windows[i] for i in range(len(windows))), wanted, strict=True):
        assert (item["parent"], item["row"], item["column"], item["label"]) == (parent, row, column, "abc"[parent])
        assert (item["image"] == PARENTS[parent][row : row + 5, column : column + 4]).all()
    assert windows[-1]["parent"] == 2
    with pytest.raises(IndexError, match="of"):
        windows[len(windows)]


def test_side_by_side_unless_said():
    windows = SlidingWindows([np.zeros((9, 8))], 4)
    assert [(windows[i]["row"], windows[i]["column"]) for i in range(len(windows))] == [(0, 0), (0, 4), (4, 0), (4, 4)]
    assert windows[0]["label"] == 0


def test_only_the_window_is_read(tmp_path):
    class Spy:
        shape = (100, 100)
        asked = ()

        def __getitem__(self, at):
            self.asked = at
            return np.zeros([s.stop - s.start for s in at])

    spy = Spy()
    SlidingWindows([spy], 10, 7)[14]
    assert spy.asked == (slice(7, 17), slice(7, 17))


def test_a_split_keeps_parents_whole():
    parents = [np.full((8, 8), i) for i in range(10)]
    windows = SlidingWindows(parents, 4, 2, labels=[f"p{i}" for i in range(10)])
    train, test = windows.split((0.7, 0.3))
    names = [{part[i]["label"] for i in range(len(part))} for part in (train, test)]
    assert not names[0] & names[1]
    assert [len(x) for x in names] == [7, 3]
    assert len(train) + len(test) == len(windows)
    assert all(part[i]["image"][0, 0] == int(part[i]["label"][1:]) for part in (train, test) for i in range(len(part)))
    assert names[1] == {"p3", "p4", "p5"}, "the same on every machine"
    assert windows.split((0.7, 0.3), seed=1)[1].labels != test.labels


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SlidingWindows([np.zeros((5, 9))], 6), "does not fit in parent 0"),
        (lambda: SlidingWindows([np.zeros((5, 9, 3))], 2), r"shape \(H, W\)"),
        (lambda: SlidingWindows([[1, 2]], 2), r"shape \(H, W\).*list"),
        (lambda: SlidingWindows([], 2), "at least one parent"),
        (lambda: SlidingWindows(PARENTS, 2, labels=["a"]), "one label for each parent"),
        (lambda: SlidingWindows(PARENTS, 0), "size must be"),
        (lambda: SlidingWindows(PARENTS, 2, 0), "stride must be"),
        (lambda: SlidingWindows(PARENTS, (2, 2, 2)), "one per axis"),
        (lambda: SlidingWindows(PARENTS, 2).split((0.5, 0.6)), "sum 1"),
        (lambda: SlidingWindows(PARENTS, 2).split((0.99, 0.01)), "too few.*share of 1/3 about"),
        (lambda: SlidingWindows(PARENTS, 2).split((0.5, 0.0, 0.5)), "leave out parts whose share is 0"),
        (lambda: SlidingWindows(["a.npy"], 2), "mmap_mode"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
