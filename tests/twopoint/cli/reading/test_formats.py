"""Every format is read back as it was written."""

import warnings
import zipfile

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from support.cli_harness import blobs, photograph
from support.volumes import write_filtered
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


@pytest.mark.parametrize("name", ["a.dream3d", "a.nxs", "a.hspy", "a.mat", "a.dat", "a", "a.tif", "a.png"])
@pytest.mark.parametrize("block", [0, 512, 2048])
def test_hdf5_is_found_by_its_content(folder, name, block):
    with h5py.File(name, "w", userblock_size=block) as file:
        file["group/images"] = STACK
        file["more"] = GRAY
    if block:
        data = bytearray((folder / name).read_bytes())
        data[:20] = b"MATLAB 7.3 MAT-file\0"
        (folder / name).write_bytes(data)
    np.testing.assert_array_equal(read(f"{name}:more").values, GRAY)
    np.testing.assert_array_equal(read(f"{name}:group/images[2]", "4:9,:").values, STACK[2, 4:9])
    assert read(f"{name}:more").array
    with pytest.raises(InputError, match=rf"{name} needs the name of a dataset, '{name}:PATH'; it holds group/images \(5, 20, 24\), more"):
        read(name)


def matlab(name, **arrays):
    """Write arrays as MATLAB 7.3 does: columns first, with the class of each, and a group of references."""
    with h5py.File(name, "w", userblock_size=512) as file:
        for called, values in arrays.items():
            file[called] = values.T
            file[called].attrs["MATLAB_class"] = np.bytes_(str(values.dtype))
        file["#refs#/a"] = np.zeros((3, 3))


def test_matlab_stores_columns_first():
    matlab("a.mat", image=GRAY)
    np.testing.assert_array_equal(read("a.mat").values, GRAY)
    np.testing.assert_array_equal(read("a.mat", "2:9,4:").values, GRAY[2:9, 4:])
    matlab("a.mat", colours=COLOUR)
    np.testing.assert_allclose(read("a.mat").values, COLOUR @ np.array([0.299, 0.587, 0.114]))
    matlab("a.mat", image=GRAY, stack=np.moveaxis(STACK, 0, -1))
    np.testing.assert_array_equal(read("a.mat:stack").values, STACK)
    np.testing.assert_array_equal(read("a.mat:stack[3]", "2:9,4:").values, STACK[3, 2:9, 4:])


def test_an_npz_of_one_array_and_of_several(folder):
    np.savez("one.npz", image=GRAY)
    np.savez_compressed("two.npz", first=GRAY, second=STACK)
    np.testing.assert_array_equal(read("one.npz").values, GRAY)
    np.testing.assert_array_equal(read("one.npz:image", "2:9,4:").values, GRAY[2:9, 4:])
    np.testing.assert_array_equal(read("two.npz:second[3]").values, STACK[3])
    assert read("one.npz").array
    with pytest.raises(InputError, match=r"two.npz needs the name of an array, .*; its arrays are 'two.npz:first', 'two.npz:second'"):
        read("two.npz")
    with pytest.raises(InputError, match=r"two.npz:third needs the name of an array"):
        read("two.npz:third")
    np.savez("objects.npz", a=np.array([None, 1]))
    with pytest.raises(InputError, match=r"objects.npz cannot be read: Object arrays cannot be loaded"):
        read("objects.npz")
    with zipfile.ZipFile(folder / "a.zip", "w") as file:
        file.writestr("a.png", b"no image")
    with pytest.raises(InputError, match=r"a.zip.* cannot be read"):
        read("a.zip")


def test_a_single_image_has_no_datasets():
    Image.fromarray(GRAY).save("a.png")
    for name in ("a.png:images", "a.npy:images", "a.csv:1"):
        np.save("a.npy", GRAY)
        np.savetxt("a.csv", GRAY, delimiter=",")
        with pytest.raises(InputError, match="is a single image, so leave out ':"):
            read(name)


def test_a_missing_filter_of_hdf5_is_named(folder):
    write_filtered("a.h5", "x", (20, 24))
    with pytest.raises(InputError, match=r"cannot be read without the HDF5 filter 32015.*; decompress the file, h5repack -f NONE a.h5"):
        read("a.h5")


def test_what_hdf5_lacks_is_said(folder):
    """Chunks that were never written, and the files of a virtual dataset, which HDF5 reads as the fill value without a word."""
    layout = h5py.VirtualLayout((20, 24), "uint8")
    layout[:10] = h5py.VirtualSource("gone.h5", "x", (10, 24))
    layout[10:] = h5py.VirtualSource(".", "whole", (10, 24))
    with h5py.File("a.h5", "w") as file:
        file["whole"] = GRAY[:10]
        file.create_dataset("part", (20, 24), "uint8", chunks=(10, 24), fillvalue=7)[:10] = GRAY[:10]
        file.create_virtual_dataset("virtual", layout)
    assert read("a.h5:whole").remarks == ()
    assert read("a.h5:part").remarks == (
        "a.h5:part: it lacks 1 of 2 chunks, the first at (1, 0), points [10:20, 0:24]; HDF5 reads its fill value, 7, there",
    )
    assert read("a.h5:virtual").remarks == ("a.h5:virtual: it lacks its part gone.h5; HDF5 reads its fill value, 0, there",)
