"""Images: the part that is read, and colours as labels or gray values."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from support.cli_harness import blobs, photograph
from twopoint.cli.reading import image
from twopoint.cli.terminal import InputError

GRAY = photograph(blobs((20, 24)))
COLOUR = np.stack([GRAY, GRAY // 2, 255 - GRAY], axis=-1)
STACK = np.stack([photograph(blobs((20, 24), seed=i)) for i in range(5)])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(name, window=None):
    return image.read(str(name), window)


def test_a_colour_volume():
    volume = np.stack([COLOUR, COLOUR[::-1]])
    tifffile.imwrite("colour.tif", volume, photometric="rgb")
    found = read("colour.tif")
    assert found.values.shape == (2, 20, 24)
    assert "converted to gray" in found.remarks[0]
    np.testing.assert_allclose(read("colour.tif[1]").values, found.values[1])


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy"])
def test_colours_become_gray_and_it_is_said(name):
    np.save(name, COLOUR) if name == "a.npy" else Image.fromarray(COLOUR).save(name)
    found = read(name)
    np.testing.assert_allclose(found.values, COLOUR @ np.array([0.299, 0.587, 0.114]))
    assert found.remarks == (f"{name}: colour image converted to gray, 0.299 R + 0.587 G + 0.114 B",)


def test_few_colours_are_labels_from_dark_to_bright():
    labels = blobs((20, 24), phases=3)
    colours = np.array([[255, 230, 0], [0, 0, 120], [200, 0, 0]], np.uint8)
    Image.fromarray(colours[labels]).save("rgb.png")
    Image.fromarray(colours[labels]).convert("P", palette=Image.Palette.ADAPTIVE, colors=3).save("palette.png")
    for name in ("rgb.png", "palette.png"):
        found = read(name)
        np.testing.assert_array_equal(found.values, np.array([2, 0, 1])[labels])
        assert "3 colours taken as labels, from dark to bright" in found.remarks[0]


def test_gray_in_three_channels_needs_no_remark():
    Image.fromarray(np.stack([GRAY] * 3, axis=-1)).save("a.png")
    assert read("a.png").remarks == ()
    np.testing.assert_array_equal(read("a.png").values, GRAY)
    Image.fromarray(GRAY).convert("P").save("palette.png")
    np.testing.assert_array_equal(read("palette.png").values, GRAY)


def test_alpha_is_dropped_and_said_where_it_matters():
    alpha = np.full(GRAY.shape, 255, np.uint8)
    Image.fromarray(np.dstack([COLOUR, alpha])).save("opaque.png")
    assert len(read("opaque.png").remarks) == 1
    alpha[:3] = 0
    Image.merge("LA", [Image.fromarray(GRAY), Image.fromarray(alpha)]).save("gray.png")
    found = read("gray.png")
    assert "transparency is ignored" in found.remarks[0]
    np.testing.assert_array_equal(found.values, GRAY)


def test_npy_with_singleton_axes():
    np.save("a.npy", GRAY[None, :, None, :])
    np.testing.assert_array_equal(read("a.npy").values, GRAY)
    np.save("row.npy", GRAY[:1])
    assert read("row.npy").values.shape == (1, 24)


def test_only_the_part_that_is_wanted_is_read(monkeypatch):
    np.save("a.npy", STACK)
    monkeypatch.setattr("twopoint.cli.memory.available", lambda: 9 * STACK[0].size)
    np.testing.assert_array_equal(read("a.npy[2]").values, STACK[2])
    with pytest.raises(InputError, match=r"reading a.npy, shape \(5, 20, 24\), needs about 22 kB of memory, 4 kB are available; --window"):
        read("a.npy")


@pytest.mark.parametrize("shape", [(2, 3, 8, 9), (2, 3, 4, 8, 9), (2, 1, 3, 4, 8, 9), (2, 3, 1, 8, 1, 9)])
def test_the_hint_for_more_axes_leads_to_an_image_or_a_volume(shape):
    values = np.random.default_rng(0).integers(0, 200, shape)
    np.save("a.npy", values)
    for name in ("a.npy", "a.npy[1]"):
        try:
            found = read(name)
        except InputError as error:
            hint = str(error).rpartition("such as '")[2].rstrip("'")
            assert hint.startswith(name.rstrip("]"))
            found = read(hint)
        assert found.values.ndim in (2, 3)


@pytest.mark.parametrize("dtype", [bool, np.float32, np.float64, np.int8, np.int32, np.int64])
@pytest.mark.parametrize("last", [3, 4])
def test_arrays_that_hold_no_bytes_or_words_are_no_colours(dtype, last):
    values = np.stack([blobs((20, 24), seed=i) for i in range(last)], axis=-1).astype(dtype)
    np.save("a.npy", values)
    found = read("a.npy")
    np.testing.assert_array_equal(found.values, values)
    assert found.remarks == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arrays_of_bytes_and_words_may_be_colours(dtype):
    np.save("a.npy", COLOUR.astype(dtype))
    assert "converted to gray" in read("a.npy").remarks[0]


def test_half_floats_are_widened_without_a_change():
    values = np.linspace(-65504, 65504, 480).astype(np.float16).reshape(20, 24)
    np.save("a.npy", values)
    found = read("a.npy").values
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values)
