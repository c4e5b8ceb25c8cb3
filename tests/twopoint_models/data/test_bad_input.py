"""What users hand to the readers and writers by mistake, and files that were cut, changed or killed half way: refused, by name."""

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from support.volumes import write_filtered
from twopoint_models.data import MICRO2D, MICRO2DWriter, SlidingWindows, resize


def some_images(n, size=8, seed=0):
    return (np.random.default_rng(seed).random((n, size, size)) < 0.3).astype(np.uint8)


def file_of(path, **datasets):
    """Write datasets by place; two underscores are a slash."""
    with h5py.File(path, "w") as file:
        for place, values in datasets.items():
            file[place.replace("__", "/")] = values
    return path


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.h5"
    with MICRO2DWriter(path, {"A": 40, "B": 10}, size=64) as writer:
        writer.write("A", some_images(40, 64))
        writer.write("B", some_images(10, 64))
    return path


def read_all(path):
    dataset = MICRO2D(path, size=None)
    return [dataset[i] for i in range(len(dataset))]


# ---- files -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(whole, tmp_path, share):
    data = whole.read_bytes()
    (tmp_path / "cut.h5").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=r"cut\.h5 cannot be opened as HDF5; is it truncated"):
        MICRO2D(tmp_path / "cut.h5")


@pytest.mark.parametrize(
    ("place", "what"),
    [("A/A", "images of A"), ("A/moduli", "'moduli' of A"), ("A/A - labels", "labels of A")],
    ids=["images", "table", "labels"],
)
def test_a_missing_filter_of_hdf5_is_named(tmp_path, place, what):
    path = tmp_path / "a.h5"
    write_filtered(path, place, (3, 8, 8) if place == "A/A" else (3, 2))
    with h5py.File(path, "a") as file:
        if place != "A/A":
            file["A/A"] = some_images(3)
    with pytest.raises(ValueError, match=rf"{what}.*a.h5 cannot be read without the HDF5 filter 32015.*h5repack -f NONE a.h5"):
        _ = MICRO2D(path, properties=["moduli"] if "moduli" in place else None).labels


@pytest.mark.parametrize("share", [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.85, 0.95])
def test_a_file_whose_rest_never_came(whole, tmp_path, share):
    """As a download leaves it that set the length first: HDF5 opens it, and tables, images or whole classes are missing."""
    data = whole.read_bytes()
    kept = int(share * len(data))
    (tmp_path / "sparse.h5").write_bytes(data[:kept] + bytes(len(data) - kept))
    with pytest.raises(ValueError, match=r"sparse\.h5.*(cannot be read|incomplete|link without a target)"):
        read_all(tmp_path / "sparse.h5")


def test_a_hole_in_the_middle_of_the_images(whole, tmp_path):
    data = bytearray(whole.read_bytes())
    with h5py.File(whole) as file:
        place = file["A"]["A"].id.get_chunk_info(17)
    data[place.byte_offset : place.byte_offset + place.size] = bytes(place.size)
    (tmp_path / "hole.h5").write_bytes(data)
    dataset = MICRO2D(tmp_path / "hole.h5")
    dataset[place.chunk_offset[0] - 1]
    with pytest.raises(ValueError, match=rf"image {place.chunk_offset[0]} of A in .*hole\.h5 cannot be read; is the file truncated"):
        dataset[place.chunk_offset[0]]


@pytest.mark.parametrize("chunks", [None, (1, 8, 8), (4, 8, 8)])
def test_images_that_were_announced_and_never_written(tmp_path, chunks):
    """HDF5 would give zeros for them, and they would pass for images of one phase."""
    with h5py.File(tmp_path / "half.h5", "w") as file:
        images = file.create_dataset("A/A", shape=(20, 8, 8), dtype=np.uint8, chunks=chunks)
        if chunks:
            images[:8] = some_images(8)
        file["B/B"] = some_images(3)
    with pytest.raises(ValueError, match=r"half\.h5 is incomplete: of the images of A, \d of \d+ chunks"):
        MICRO2D(tmp_path / "half.h5")
    assert len(MICRO2D(tmp_path / "half.h5", ["B"])) == 3
    with h5py.File(tmp_path / "half.h5", "r+") as file:
        file["A/A"][...] = 0
    assert len(MICRO2D(tmp_path / "half.h5")) == 23


def test_a_folder_and_a_file_without_permission(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="is a folder, where an HDF5 file is expected"):
        MICRO2D(tmp_path)
    path = file_of(tmp_path / "own.h5", A__A=some_images(2))

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(h5py, "File", denied)  # root may read everything, so that a mode would not do
    with pytest.raises(PermissionError, match=r"no permission to read .*own\.h5"):
        MICRO2D(path)


def test_a_file_that_went_or_changed_before_the_first_image(tmp_path):
    path = file_of(tmp_path / "own.h5", A__A=some_images(3))
    gone, other = MICRO2D(path), MICRO2D(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"own\.h5"):
        gone[0]
    file_of(path, A__A=some_images(2))
    with pytest.raises(ValueError, match="has changed since"):
        other[0]


def test_a_link_to_nothing(tmp_path):
    path = file_of(tmp_path / "own.h5", B__B=some_images(3))
    with h5py.File(path, "r+") as file:
        file["A"] = h5py.ExternalLink("nowhere.h5", "/A")
    with pytest.raises(ValueError, match=r"'A' in .* is a link without a target"):
        MICRO2D(path)


def test_a_class_without_images(tmp_path):
    path = file_of(tmp_path / "own.h5", A__A=np.zeros((0, 8, 8), np.uint8), B__B=some_images(3))
    assert [MICRO2D(path, size=None)[i]["name"] for i in range(3)] == ["B"] * 3
    empty = MICRO2D(path, ["A"])
    assert len(empty) == 0
    with pytest.raises(IndexError, match="0 of 0"):
        empty[0]


def test_images_of_several_sizes(tmp_path):
    path = file_of(tmp_path / "own.h5", A__A=some_images(3, 8), B__B=some_images(3, 6))
    assert {MICRO2D(path, size=5)[i]["image"].shape for i in range(6)} == {(1, 5, 5)}
    with pytest.raises(ValueError, match=r"size must be a number, because the sizes of the classes differ.*\(3, 8, 8\).*\(3, 6, 6\)"):
        MICRO2D(path, size=None)
    assert MICRO2D(path, ["B"], size=None)[0]["image"].shape == (1, 6, 6)


@pytest.mark.parametrize("kind", ["int8", "int32", "uint16", ">i4", "float16", "float64", "bool"])
def test_zeros_and_ones_of_any_type(tmp_path, kind):
    path = file_of(tmp_path / "own.h5", A__A=some_images(2).astype(kind))
    assert (MICRO2D(path, size=None)[1]["image"] == some_images(2)[1]).all()


@pytest.mark.parametrize(
    ("value", "kind"),
    [(255, "uint8"), (2, "int32"), (-1, "int32"), (256, "int64"), (0.5, "float32"), (np.nan, "float64"), (1e30, "float64")],
)
def test_images_that_are_not_binary(tmp_path, value, kind):
    images = some_images(3).astype(kind)
    images[2, 4, 4] = value
    dataset = MICRO2D(file_of(tmp_path / "own.h5", A__A=images), size=4)
    dataset[0]
    with pytest.raises(ValueError, match=r"image 2 of A in .*own\.h5 is not binary: it holds .*, where 0 and 1 are expected"):
        dataset[2]


@pytest.mark.parametrize("images", [some_images(2).astype(complex), some_images(2).astype("S1"), np.zeros((2, 0, 8), np.uint8)], ids=str)
def test_images_that_are_no_numbers_or_no_pixels(tmp_path, images):
    with pytest.raises(ValueError, match=r"images of A in .* must be numbers \(n, H, W\)"):
        MICRO2D(file_of(tmp_path / "own.h5", A__A=images))


# ---- properties ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [np.zeros((2, 2)), np.zeros(3), np.zeros((3, 0, 2)), np.array([[b"a"]] * 3)], ids=lambda x: str(x.shape))
def test_a_table_that_is_none(tmp_path, table):
    path = file_of(tmp_path / "own.h5", A__A=some_images(3), A__t=table)
    with pytest.raises(ValueError, match=r"'t' of A is no table of properties: numbers \(3, k\)"):
        MICRO2D(path, properties=["t"])


def test_nan_everywhere(tmp_path):
    path = file_of(tmp_path / "own.h5", A__A=some_images(3), A__t=np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match=r"3 of 3 images of A have NaN for 't\[0\]'"):
        MICRO2D(path, properties=["t"])
    with pytest.raises(ValueError, match="missing='drop' leaves none"):
        MICRO2D(path, properties=["t"], missing="drop")


def test_one_name_in_two_tables(tmp_path):
    path = file_of(tmp_path / "own.h5", A__A=some_images(3), A__t=np.zeros((3, 2)), A__u=np.ones((3, 2)))
    with h5py.File(path, "r+") as file:
        for table in "tu":
            file["A"][table].attrs["INSTRUCTIONS"] = "(kx, ky)"
    with pytest.raises(ValueError, match="property 'kx' is in several tables; name one of t, u instead"):
        MICRO2D(path, properties=["kx"])
    assert MICRO2D(path, properties=["u"])[0]["properties"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 3}, "classes must be a list of names, got 3"),
        ({"classes": [None]}, r"classes must be a list of names, got \[None\]"),
        ({"properties": 3}, "properties must be a list of names, got 3"),
        ({"properties": ["t", "t[0]"]}, "properties must be different"),
        ({"properties": ["t"], "contrast": "last"}, r"contrast must be an index 0\.\.1 .*got 'last'"),
        ({"properties": ["t"], "contrast": 0.0}, "contrast must be an index"),
        ({"properties": ["t"], "contrast": True}, "contrast must be an index"),
        ({"fractions": "abc"}, "fractions must be numbers, one per part, got 'abc'"),
        ({"fractions": 1}, "fractions must be numbers"),
        ({"fractions": (np.nan, 0, 1)}, "fractions must be shares"),
        ({"size": (8, 8)}, "size must be an integer"),
        ({"split": ["train"]}, "split must be one of"),
    ],
    ids=str,
)
def test_options_of_the_reader(tmp_path, options, message):
    path = file_of(tmp_path / "own.h5", A__A=some_images(3), A__t=np.zeros((3, 2, 1)))
    with pytest.raises((ValueError, TypeError), match=message):
        MICRO2D(path, **({"contrast": 0} | options))


# ---- the writer ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": ["A"]}, "counts must give each class a number"),
        ({"counts": {1: 3}}, "counts must give each class a number"),
        ({"counts": {".": 3}}, "names without"),
        ({"counts": {"A": 3.0}}, r"counts\['A'\] must be an integer"),
        ({"size": None}, "size must be an integer"),
        ({"properties": ["t"]}, "properties must give each table"),
        ({"properties": {"t": "kx"}}, r"write \['kx'\]"),
        ({"properties": {"t": []}}, "one column or more"),
        ({"properties": {"a/b": ["x"]}}, "other than the classes"),
        ({"properties": {"A": ["x"]}}, "other than the classes"),
        ({"properties": {"A - labels": ["x"]}}, "other than the classes"),
        ({"properties": {"t": ["x"], "u": ["x"]}}, "columns of one name each"),
        ({"properties": {"t": ["a, b"]}}, "letters, digits and _"),
    ],
    ids=str,
)
def test_what_cannot_be_announced(tmp_path, options, message):
    """At once, not when the images have been worked out and are to be joined."""
    with pytest.raises((ValueError, TypeError), match=message):
        MICRO2DWriter(tmp_path / "own.h5", **({"counts": {"A": 3}, "size": 8} | options))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written(tmp_path):
    writer = MICRO2DWriter(tmp_path / "own.h5", {"A": 4}, size=8, properties={"t": ["x"]})
    for images in (some_images(1) * 0.5, some_images(1) - 1.0, np.full((1, 8, 8), np.nan), some_images(1).astype("S1")):
        with pytest.raises(ValueError, match="images of A must hold 0 and 1 only"):
            writer.write("A", images)
    for images in (None, some_images(1)[0], some_images(0), some_images(1, 9)):
        with pytest.raises(ValueError, match=r"images must have the shape \(n, 8, 8\)"):
            writer.write("A", images)
    for options, message in (
        ({"start": -1}, "start must be an integer of 0 or more"),
        ({"start": 1.0}, "start must be an integer of 0 or more"),
        ({"labels": "ab"}, "labels must be a list"),
        ({"labels": 3}, "labels must be a list"),
        ({"properties": [[1]]}, "by table"),
        ({"properties": {"t": [["a"], ["b"]]}}, "properties of 't' must be numbers"),
        ({"properties": {"t": [[1], [1, 2]]}}, "properties of 't' must be numbers"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            writer.write("A", some_images(2), **options)
    with pytest.raises(ValueError, match="block must be"):
        writer.missing(0)
    assert writer.missing() == [("A", 0, 4)]


def test_sizes_and_counts_of_numpy(tmp_path):
    with MICRO2DWriter(tmp_path / "own.h5", {"A": np.int64(2)}, size=np.int32(8)) as writer:
        writer.write("A", some_images(2), start=np.int64(0))
    assert len(MICRO2D(tmp_path / "own.h5")) == 2


def test_several_writers_of_one_file(tmp_path):
    path, images, arguments = tmp_path / "own.h5", some_images(6), dict(counts={"A": 6}, size=8)
    first, second = MICRO2DWriter(path, **arguments), MICRO2DWriter(path, **arguments)
    first.write("A", images[:3])
    with pytest.raises(ValueError, match="or have been written"):
        second.write("A", images[2:4], start=2)
    second.write("A", images[3:])
    assert first.missing() == []
    with first:
        pass
    assert (np.stack([item["image"][0] for item in read_all(path)]) == images).all()
    with pytest.raises(FileExistsError, match="another process has finished it"), second:
        pass
    with pytest.raises(ValueError, match="another dataset"):
        MICRO2DWriter(tmp_path / "two.h5", {"A": 5}, size=8) and MICRO2DWriter(tmp_path / "two.h5", **arguments)


def test_pieces_that_overlap_or_are_spoilt(tmp_path):
    path, images, arguments = tmp_path / "own.h5", some_images(4), dict(counts={"A": 4}, size=8)
    writer = MICRO2DWriter(path, **arguments)
    writer.write("A", images)
    piece = writer.folder / "0-0-4.npz"
    shutil.copy(piece, writer.folder / "0-1-4.npz")  # as of two processes that wrote at the same moment
    with pytest.raises(ValueError, match=r"pieces of A overlap.*\(0, 4\), \(1, 4\)"), writer:
        pass
    (writer.folder / "0-1-4.npz").unlink()
    piece.write_bytes(piece.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"0-0-4\.npz cannot be read; remove it"), writer:
        pass
    assert not path.exists()
    piece.unlink()
    with MICRO2DWriter(path, **arguments) as again:
        again.write("A", images)
    assert [file.name for file in tmp_path.iterdir()] == ["own.h5"]


KILLED = """
import os, signal, sys
import numpy as np
from twopoint_models.data import micro2d_writer
real, calls = micro2d_writer.load_arrays, []
def load(path):
    calls.append(path)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(path)
micro2d_writer.load_arrays = load
with micro2d_writer.MICRO2DWriter(sys.argv[1], {"A": 40}, size=64) as writer:
    for name, start, stop in writer.missing(block=10):
        writer.write(name, np.ones((stop - start, 64, 64), np.uint8), start=start)
"""


def test_killed_in_the_middle_of_the_join(tmp_path):
    path = tmp_path / "own.h5"
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == -9
    assert [file.name for file in tmp_path.iterdir()] == ["own.h5.part"]
    (half,) = Path(f"{path}.part").glob(".own.h5.*")
    with pytest.raises(ValueError, match=r"incomplete|cannot be opened"):
        MICRO2D(half)
    with MICRO2DWriter(path, {"A": 40}, size=64) as again:
        assert again.missing() == []
    assert all(item["image"].all() for item in read_all(path))
    assert [file.name for file in tmp_path.iterdir()] == ["own.h5"]


# ---- patches and sizes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SlidingWindows(np.zeros((8, 8)), 2), r"parents must be a list of images.*write \[image\]"),
        (lambda: SlidingWindows(None, 2), "parents must be a list of images"),
        (lambda: SlidingWindows([np.zeros((8, 8))] * 2, 2, labels="ab"), "labels must be a list"),
        (lambda: SlidingWindows([np.zeros((8, 8))], 2, labels=3), "labels must be a list"),
        (
            lambda: SlidingWindows([np.zeros((8, 8)), np.zeros((8, 3))], 4, labels=["a", "b"]),
            r"\(4, 4\).*fit in parent 1 \('b'\) of \(8, 3\)",
        ),
        (lambda: SlidingWindows([np.zeros((0, 8))], 2), "fit in parent 0"),
        (lambda: SlidingWindows([np.zeros((8, 8))], "ab"), "size must be"),
        (lambda: SlidingWindows([np.zeros((8, 8))] * 3, 2).split("ab"), "fractions must be numbers"),
        (lambda: SlidingWindows([np.zeros((8, 8))], 2)["a"], "chosen by an integer"),
        (lambda: resize(np.array([["a", "b"]]), 2), "images must be numbers"),
        (lambda: resize(np.ones((0, 3)), 2), "at least one pixel"),
        (lambda: resize(np.ones((3, 3)), (2, 2, 2)), "size must be a number of pixels, or the new H and W"),
    ],
)
def test_patches_and_sizes(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
