"""Matrices in text: numbers in rows; words, numbered rows and lists of points are refused."""

import numpy as np
import pytest

from support.cli_harness import blobs, photograph
from twopoint.cli.reading import image
from twopoint.cli.terminal import InputError

GRAY = photograph(blobs((20, 24)))
LABELS = blobs((20, 24), phases=3)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(name, window=None):
    return image.read(str(name), window)


def text(values, mark=",", form="{}", end="\n", after=""):
    return end.join(mark.join(form.format(value) for value in row) + after for row in values.tolist()) + end


@pytest.mark.parametrize("mark", [",", ";", "\t", " ", "   ", ", "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_marks_between_numbers(folder, mark, end):
    (folder / "a.csv").write_bytes(text(GRAY, mark, end=end).encode())
    found = read("a.csv")
    np.testing.assert_array_equal(found.values, GRAY)
    assert found.values.dtype == np.int64
    assert found.array
    np.testing.assert_array_equal(read("a.csv", "2:9,4:").values, GRAY[2:9, 4:])


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.tsv", "a.TXT"])
def test_files_of_numpy_imagej_and_excel(folder, name):
    np.savetxt(name, GRAY * 0.5, header="the image", footer="end")
    np.testing.assert_array_equal(read(name).values, GRAY * 0.5)
    (folder / name).write_bytes(b"\xef\xbb\xbf" + text(LABELS, "\t", after="\t").encode())
    np.testing.assert_array_equal(read(name).values, LABELS)
    (folder / name).write_text(text(GRAY * 0.5, ";").replace(".", ","))
    np.testing.assert_array_equal(read(name).values, GRAY * 0.5)
    np.savetxt(name, np.where(GRAY > 100, -GRAY * 1e-9, 1e12))
    np.testing.assert_allclose(read(name).values, np.where(GRAY > 100, -GRAY * 1e-9, 1e12))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y,z\n1,2,3\n4,5,6\n", "could not convert string 'x' .* a text must hold a matrix of numbers only"),
        ("1,2,3\n4,5\n", "the number of columns changed from 3 to 2 at row 2; a text must hold a matrix"),
        ("1,2,3\n4,,6\n", "could not convert string ''"),
        ("1,2,3\n4,0x5,6\n", "could not convert string '0x5'"),
        ("# only a comment\n", "there are no numbers in it"),
        ("\n\n", "there are no numbers in it"),
        ("These are words, not pixels. " * 9, "a text must hold a matrix of numbers only"),
        (text(np.vstack([np.arange(24), LABELS])), "holds numbers of rows or columns, 0, 1, 2, ..., at its edge"),
        (text(np.column_stack([np.arange(1, 21), LABELS])), "holds numbers of rows or columns"),
        (text(np.random.default_rng(0).random((400, 3))), "holds 400 rows of 3 numbers, a list of points; save a matrix"),
        ("1 2 3", "must hold an image or a volume|no structure|1"),
    ],
)
def test_what_is_not_a_matrix(folder, content, message):
    (folder / "a.csv").write_text(content)
    if content == "1 2 3":
        assert read("a.csv").values.shape == (1, 3)
        return
    with pytest.raises(InputError, match=message):
        read("a.csv")


def test_another_encoding(folder):
    (folder / "a.txt").write_bytes(text(GRAY).encode("utf-16"))
    with pytest.raises(InputError, match="it is not a text in UTF-8 with a matrix of numbers"):
        read("a.txt")


def test_a_text_that_does_not_fit_into_memory(folder, monkeypatch):
    (folder / "a.txt").write_text(text(GRAY))
    monkeypatch.setattr("twopoint.cli.memory.available", lambda: 9_000)
    with pytest.raises(InputError, match=r"reading a.txt needs about .* of memory"):
        read("a.txt")
