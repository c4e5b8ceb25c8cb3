"""Reading: every format, what is told apart, and what is said on the way."""

import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from support import cli_harness
from support.cli_harness import blobs, photograph
from twopoint.cli.reading import image
from twopoint.cli.reading.names import Source, parse_source, parse_window
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


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.TIFF", "a.gif", "a.pgm", "a.webp"])
def test_gray_images(name):
    if name.endswith("webp"):
        Image.fromarray(GRAY).save(name, lossless=True)
    else:
        Image.fromarray(GRAY).save(name)
    np.testing.assert_array_equal(read(name).values, GRAY)
    np.testing.assert_array_equal(read(name, "2:10,3:24").values, GRAY[2:10, 3:])


def test_a_jpeg_is_near():
    Image.fromarray(GRAY).save("a.jpg", quality=95)
    assert np.abs(read("a.jpg").values.astype(int) - GRAY).max() < 30


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64, ">u2", ">f4"])
def test_deep_tiffs(dtype):
    deep = (GRAY.astype(float) * 200).astype(dtype)
    tifffile.imwrite("a.tif", deep, byteorder=">" if str(dtype).startswith(">") else "<")
    found = read("a.tif").values
    np.testing.assert_array_equal(found, deep)
    assert found.dtype.isnative


def test_deep_and_bilevel_pngs():
    Image.fromarray(GRAY.astype(np.uint16) * 256).save("deep.png")
    np.testing.assert_array_equal(read("deep.png").values, GRAY.astype(np.uint16) * 256)
    Image.fromarray(GRAY > 128).save("bits.png")
    np.testing.assert_array_equal(read("bits.png").values, GRAY > 128)


@pytest.mark.parametrize("how", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_compressed_tiffs(how):
    Image.fromarray(GRAY).save("a.tif", compression=how)
    np.testing.assert_array_equal(read("a.tif").values, GRAY)


def test_where_zero_is_white_the_stored_values_count():
    bits = GRAY > 128
    tifffile.imwrite("plain.tif", bits)  # which tifffile marks as "0 is white"
    np.testing.assert_array_equal(read("plain.tif").values, bits)
    Image.fromarray(bits).save("fax.tif", compression="group4", tiffinfo={262: 0})
    first = read("fax.tif").values
    Image.fromarray(bits).save("fax.tif", compression=None, tiffinfo={262: 0})
    np.testing.assert_array_equal(first, tifffile.imread("fax.tif"))


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"imagej": True}, {"rowsperstrip": 4}, {"tile": (16, 16)}, {"bigtiff": True}]
)
def test_a_stack_is_a_volume_and_an_index_takes_one_image(options):
    tifffile.imwrite("stack.tif", STACK, photometric="minisblack", **options)
    np.testing.assert_array_equal(read("stack.tif").values, STACK)
    np.testing.assert_array_equal(read("stack.tif[3]").values, STACK[3])
    np.testing.assert_array_equal(read("stack.tif[-1]", "0:7,1:3").values, STACK[-1, :7, 1:3])
    np.testing.assert_array_equal(read("stack.tif", "1:4,2:9,0:24").values, STACK[1:4, 2:9])


def test_three_slices_are_no_colours():
    tifffile.imwrite("three.tif", STACK[:3], photometric="minisblack")
    np.testing.assert_array_equal(read("three.tif").values, STACK[:3])
    tifffile.imwrite("planar.tif", np.moveaxis(COLOUR, -1, 0), photometric="rgb", planarconfig="separate")
    assert read("planar.tif").values.shape == GRAY.shape


def test_a_colour_volume():
    volume = np.stack([COLOUR, COLOUR[::-1]])
    tifffile.imwrite("colour.tif", volume, photometric="rgb")
    found = read("colour.tif")
    assert found.values.shape == (2, 20, 24)
    assert "converted to gray" in found.remarks[0]
    np.testing.assert_allclose(read("colour.tif[1]").values, found.values[1])


def test_channels_must_be_chosen():
    tifffile.imwrite("channels.tif", STACK[:2].astype(np.uint16), imagej=True, metadata={"axes": "CYX"})
    with pytest.raises(InputError, match=r"holds 2 channels .*take one, 'channels.tif\[0\]'"):
        read("channels.tif")
    np.testing.assert_array_equal(read("channels.tif[1]").values, STACK[1])


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


def test_frames_of_a_gif_are_a_volume():
    frames = [Image.fromarray(image) for image in STACK]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    assert read("a.gif").values.shape == STACK.shape
    np.testing.assert_array_equal(read("a.gif[0]").values, STACK[0])


def test_npy_with_singleton_axes():
    np.save("a.npy", GRAY[None, :, None, :])
    np.testing.assert_array_equal(read("a.npy").values, GRAY)
    np.save("row.npy", GRAY[:1])
    assert read("row.npy").values.shape == (1, 24)


def test_hdf5():
    with h5py.File("a.h5", "w") as file:
        file["group/images"] = STACK
        file["numbers"] = np.arange(3.0)
    np.testing.assert_array_equal(read("a.h5").values, STACK)  # the one dataset with two axes and more
    np.testing.assert_array_equal(read("a.h5:group/images").values, STACK)
    np.testing.assert_array_equal(read("a.h5:/group/images[2]", "4:9,0:24").values, STACK[2, 4:9])
    with h5py.File("a.h5", "a") as file:
        file["more"] = STACK.reshape(1, *STACK.shape)
    np.testing.assert_array_equal(read("a.h5:more[0,4]").values, STACK[4])
    with pytest.raises(InputError, match=r"a dataset, 'a.h5:PATH'; it holds group/images \(5, 20, 24\), more \(1, 5, 20, 24\)"):
        read("a.h5")
    with pytest.raises(InputError, match=r"a.h5:group names no dataset; a.h5 holds group/images"):
        read("a.h5:group")


def test_only_the_part_that_is_wanted_is_read(monkeypatch):
    np.save("a.npy", STACK)
    monkeypatch.setattr("twopoint.cli.memory.available", lambda: 9 * STACK[0].size)
    np.testing.assert_array_equal(read("a.npy[2]").values, STACK[2])
    with pytest.raises(InputError, match=r"reading a.npy, shape \(5, 20, 24\), needs about 22 kB of memory, 4 kB are available; --window"):
        read("a.npy")


def test_big_pictures_are_no_bombs(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    Image.fromarray(GRAY).save("a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("a.png").values.shape == GRAY.shape
    assert Image.MAX_IMAGE_PIXELS == 50


def test_sources(tmp_path):
    for name in ("photo[1].png", "a.h5", "stack.tif"):
        (tmp_path / name).write_bytes(b"x")
    assert parse_source("photo[1].png") == Source(Path("photo[1].png"))
    assert str(parse_source("a.h5:b:c/d[1,-2]")) == "a.h5:b:c/d[1,-2]"
    assert parse_source("a.h5:b:c/d[1,-2]").label == "a-d-1--2"
    assert parse_source("stack.tif[ 7 ]").index == (7,)
    for wrong in ("stack.tif[1:2]", "stack.tif[]", "stack.tif[x]"):
        with pytest.raises(InputError, match="integers between its brackets"):
            parse_source(wrong)


def test_windows():
    assert parse_window("2", (3, 4)) == (slice(0, 2), slice(0, 2))
    assert parse_window("0:1, 1:4", (3, 4)) == (slice(0, 1), slice(1, 4))
    assert parse_window(":2,:", (3, 4)) == parse_window(":2", (3, 4)) == parse_window("0:2 0:4", (3, 4)) == (slice(0, 2), slice(0, 4))
    assert parse_window("1:,2:", (3, 4)) == (slice(1, 3), slice(2, 4))
    assert parse_window(":", (3, 4)) == (slice(0, 3), slice(0, 4))
    assert parse_window(None, (3, 4)) == (slice(0, 3), slice(0, 4))
    assert parse_window("2,3:4,5", (3, 4, 5)) == (slice(0, 2), slice(3, 4), slice(0, 5))


def test_harness_finds_a_refusal_of_another_kind():
    class Result:
        exit_code, stderr, output = 2, "error: something else", ""

    with pytest.raises(AssertionError):
        cli_harness.refused(Result, "this")
