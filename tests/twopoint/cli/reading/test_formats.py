"""Every format is read back as it was written."""

import warnings

import h5py
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


def test_channels_must_be_chosen():
    tifffile.imwrite("channels.tif", STACK[:2].astype(np.uint16), imagej=True, metadata={"axes": "CYX"})
    with pytest.raises(InputError, match=r"holds 2 channels .*take one, 'channels.tif\[0\]'"):
        read("channels.tif")
    np.testing.assert_array_equal(read("channels.tif[1]").values, STACK[1])


def test_frames_of_a_gif_are_a_volume():
    frames = [Image.fromarray(image) for image in STACK]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    assert read("a.gif").values.shape == STACK.shape
    np.testing.assert_array_equal(read("a.gif[0]").values, STACK[0])


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
    with pytest.raises(
        InputError, match=r"needs the name of a dataset, 'a.h5:PATH'; it holds group/images \(5, 20, 24\), more \(1, 5, 20, 24\)"
    ):
        read("a.h5")
    with pytest.raises(InputError, match=r"a.h5:group is not a dataset; a.h5 holds group/images"):
        read("a.h5:group")


def test_big_pictures_are_no_bombs(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    Image.fromarray(GRAY).save("a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("a.png").values.shape == GRAY.shape
    assert Image.MAX_IMAGE_PIXELS == 50
