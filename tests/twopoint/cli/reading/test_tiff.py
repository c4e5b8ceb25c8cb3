"""TIFF: the numbers that a file declares, or an error that names the codec; colours, and the orientation tag."""

import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from support.cli_harness import blobs, photograph
from support.tiff_by_hand import DEFLATE, LZW, lzw
from support.tiff_by_hand import write as tiff_by_hand
from twopoint.cli.reading import image
from twopoint.cli.terminal import InputError

GRAY = photograph(blobs((20, 24)))
COLOUR = np.stack([GRAY, GRAY // 2, 255 - GRAY], axis=-1)
EXTREMES = {"int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1)}
ZSTD = 50000


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(name, window=None):
    return image.read(str(name), window)


def full_range(dtype):
    """Return values that use the whole range of a dtype, phases below and above its middle."""
    low, high = EXTREMES[dtype]
    values = np.where(blobs((20, 24)) > 0, high - GRAY % 100.0, low + GRAY % 100.0)
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("compression", [1, LZW, DEFLATE])
def test_all_integers_keep_their_numbers(folder, dtype, compression):
    stored = full_range(dtype)
    tiff_by_hand(folder / "a.tif", stored, compression)
    found = read("a.tif").values
    np.testing.assert_array_equal(found, stored)
    assert found.dtype == stored.dtype


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint64", "int64"])
@pytest.mark.parametrize("compression", [1, LZW, DEFLATE])
def test_wide_numbers_keep_their_digits(folder, dtype, compression):
    stored = (GRAY.astype(float) * 100.5 - 7e3 * (np.dtype(dtype).kind != "u")).astype(dtype)
    tiff_by_hand(folder / "a.tif", stored, compression)
    np.testing.assert_array_equal(read("a.tif").values, stored)


@pytest.mark.parametrize(("dtype", "samples"), [("uint16", 3), ("uint16", 4), ("int8", 3), ("uint32", 3)])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("compression", [1, LZW, DEFLATE])
def test_deep_colours_are_not_cut(folder, dtype, samples, planar, compression):
    stored = np.stack([full_range(dtype) // (1 + i) for i in range(samples)], axis=-1 if planar == 1 else 0)
    tiff_by_hand(folder / "a.tif", stored, compression, photometric=2, planar=planar)
    values = stored if planar == 1 else np.moveaxis(stored, 0, -1)
    np.testing.assert_allclose(read("a.tif").values, values[..., :3] @ np.array([0.299, 0.587, 0.114]))


def test_deep_colours_that_only_pillow_could_cut_are_refused(folder):
    values = np.stack([full_range("uint16")] * 3, axis=-1)
    tiff_by_hand(folder / "a.tif", values, ZSTD, photometric=2)
    with pytest.raises(InputError, match=r"without a codec for compression ZSTD.*pip install imagecodecs"):
        read("a.tif")


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_not_scaled(folder, bits, photometric):
    stored = np.arange(20 * 24, dtype=np.uint8).reshape(20, 24) % 2**bits
    packed = np.packbits(np.unpackbits(stored[..., None], axis=-1)[..., 8 - bits :].reshape(20, -1), axis=1)
    for compression in (1, LZW, DEFLATE):
        encoded = {1: bytes, LZW: lzw, DEFLATE: zlib.compress}[compression](packed.tobytes())
        tiff_by_hand(folder / "a.tif", stored, compression, bits=bits, encoded=encoded, photometric=photometric)
        np.testing.assert_array_equal(read("a.tif").values, stored)


def test_twelve_bits_are_the_stored_ones(folder):
    stored = (np.arange(20 * 24) * 8 % 4096).astype(np.uint16).reshape(20, 24)
    flat = stored.reshape(-1, 2)
    packed = np.stack([flat[:, 0] >> 4, (flat[:, 0] & 15) << 4 | flat[:, 1] >> 8, flat[:, 1] & 255], axis=-1).astype(np.uint8)
    tiff_by_hand(folder / "a.tif", stored, 1, bits=12, encoded=packed.tobytes())
    np.testing.assert_array_equal(read("a.tif").values, stored)
    for code, encode in ((LZW, lzw), (DEFLATE, zlib.compress)):
        tiff_by_hand(folder / "a.tif", stored, code, bits=12, encoded=encode(packed.tobytes()))
        np.testing.assert_array_equal(read("a.tif").values, stored)
    tiff_by_hand(folder / "a.tif", stored, ZSTD, bits=12, encoded=packed.tobytes())
    with pytest.raises(InputError, match="without a codec for compression ZSTD, 12 bits per sample; pip install imagecodecs"):
        read("a.tif")


@pytest.mark.parametrize("code", [ZSTD, 34887, 33003, 33005, 34712, 50002, 34925, 34933, 12345])
def test_a_codec_that_is_missing_is_named_and_the_file_not_called_damaged(folder, code):
    if code == 34925:  # LZMA, which the standard library has
        tifffile.imwrite("a.tif", GRAY, compression="lzma")
        np.testing.assert_array_equal(read("a.tif").values, GRAY)
        return
    tiff_by_hand(folder / "a.tif", GRAY, code, encoded=b"\x28\xb5\x2f\xfd" + bytes(300))
    with pytest.raises(InputError, match=r"without a codec for compression .*; pip install imagecodecs") as error:
        read("a.tif")
    assert "damaged" not in str(error.value)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_predictor_of_floats_gives_the_stored_numbers_or_is_named(folder, dtype):
    stored = (GRAY * 0.37).astype(dtype)
    tiff_by_hand(folder / "a.tif", stored, LZW, predictor=3)
    np.testing.assert_array_equal(read("a.tif").values, stored)
    tiff_by_hand(folder / "a.tif", stored, DEFLATE, predictor=3)
    if dtype == "float32":
        np.testing.assert_array_equal(read("a.tif").values, stored)
        return
    with pytest.raises(InputError, match="predictor 3; pip install imagecodecs"):
        read("a.tif")


def test_cmyk_is_not_inverted(folder):
    inks = np.stack([255 - GRAY, 255 - GRAY, 255 - GRAY, np.zeros_like(GRAY)], axis=-1)
    black = np.stack([*[np.zeros_like(GRAY)] * 3, 255 - GRAY], axis=-1)
    for values in (inks, black):
        tifffile.imwrite("a.tif", values, photometric="separated", planarconfig="contig")
        found = read("a.tif")
        np.testing.assert_array_equal(found.values, GRAY)
        assert found.remarks == ("a.tif: CMYK colours converted to RGB",)
        np.testing.assert_array_equal(read("a.tif", "2:9,3:").values, GRAY[2:9, 3:])
        Image.fromarray(values, "CMYK").save("lzw.tif", compression="tiff_lzw")
        np.testing.assert_array_equal(read("lzw.tif").values, GRAY)
    tifffile.imwrite("deep.tif", inks.astype(np.uint16) * 257, photometric="separated", planarconfig="contig")
    np.testing.assert_array_equal(read("deep.tif").values, GRAY.astype(np.uint16) * 257)
    Image.fromarray(inks, "CMYK").save("a.jpg", quality=100)
    assert np.corrcoef(read("a.jpg").values.ravel(), GRAY.ravel())[0, 1] > 0.9
    tifffile.imwrite("inks.tif", inks, photometric="separated", planarconfig="contig", extratags=[(332, 3, 1, 2, True)])
    with pytest.raises(InputError, match="its colours are SEPARATED; save it in gray or RGB"):
        read("inks.tif")


@pytest.mark.parametrize("photometric", [8, 9, 32803, 34892, 32844])
def test_colours_that_are_neither_rgb_nor_cmyk_are_refused(folder, photometric):
    tiff_by_hand(folder / "a.tif", COLOUR, 1, photometric=photometric)
    with pytest.raises(InputError, match=r"its colours are .*; save it in gray or RGB"):
        read("a.tif")


def test_ycbcr_is_converted_whatever_its_compression(folder):
    Image.fromarray(COLOUR).convert("YCbCr").save("a.tif", compression="tiff_lzw")
    expected = np.asarray(Image.open("a.tif")) @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(read("a.tif").values, expected)
    assert np.abs(expected - COLOUR @ np.array([0.299, 0.587, 0.114])).max() < 4


@pytest.mark.parametrize("samples", [3, 5, 7])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_samples_that_are_no_colours_are_chosen_by_an_index(samples, planar):
    values = np.stack([photograph(blobs((20, 24), seed=i)) for i in range(samples)])
    tifffile.imwrite("a.tif", values if planar == "separate" else np.moveaxis(values, 0, -1), photometric="minisblack", planarconfig=planar)
    with pytest.raises(InputError, match=rf"holds {samples} samples per pixel .*take one, 'a.tif\[0\]' to 'a.tif\[{samples - 1}\]'"):
        read("a.tif")
    np.testing.assert_array_equal(read("a.tif[1]").values, values[1])
    np.testing.assert_array_equal(read("a.tif[-1]", "3:9,4:").values, values[-1, 3:9, 4:])


def test_more_samples_than_colours_are_no_colours():
    values = np.stack([GRAY, GRAY // 2, GRAY // 3, GRAY // 4, GRAY // 5], axis=-1)
    tifffile.imwrite("a.tif", values, photometric="rgb")
    with pytest.raises(InputError, match="holds 5 samples per pixel"):
        read("a.tif")
    np.testing.assert_array_equal(read("a.tif[4]").values, GRAY // 5)


def test_gray_and_transparency_is_gray():
    alpha = np.where(blobs((20, 24), seed=3) > 0, 255, 0).astype(np.uint8)
    tifffile.imwrite("a.tif", np.dstack([GRAY, alpha]), photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
    found = read("a.tif")
    np.testing.assert_array_equal(found.values, GRAY)
    assert "transparency is ignored" in found.remarks[0]


ORIENTED = {
    1: GRAY,
    2: GRAY[:, ::-1],
    3: GRAY[::-1, ::-1],
    4: GRAY[::-1],
    5: GRAY.T,
    6: GRAY.T[:, ::-1],
    7: GRAY.T[::-1, ::-1],
    8: GRAY.T[::-1],
}


@pytest.mark.parametrize("tag", ORIENTED)
def test_the_orientation_tag_turns_the_image_in_every_format(tag):
    tifffile.imwrite("plain.tif", GRAY, extratags=[(274, 3, 1, tag, True)])
    tifffile.imwrite("stack.tif", np.stack([GRAY, GRAY // 2]), photometric="minisblack", extratags=[(274, 3, 1, tag, True)])
    Image.fromarray(GRAY).save("lzw.tif", compression="tiff_lzw", tiffinfo={274: tag})
    exif = Image.Exif()
    exif[274] = tag
    Image.fromarray(GRAY).save("a.png", exif=exif)
    for name in ("plain.tif", "stack.tif[0]", "lzw.tif", "a.png"):
        found = read(name)
        np.testing.assert_array_equal(found.values, ORIENTED[tag])
        np.testing.assert_array_equal(read(name, "1:7,2:9").values, ORIENTED[tag][1:7, 2:9])
        assert (f"orientation tag ({tag})" in " ".join(found.remarks)) == (tag > 1)


def test_the_orientation_tag_turns_colours_and_the_spacing(folder):
    tifffile.imwrite("a.tif", COLOUR, photometric="rgb", extratags=[(274, 3, 1, 6, True)], resolution=(20000, 10000), resolutionunit=3)
    found = read("a.tif")
    np.testing.assert_allclose(found.values, np.rot90(COLOUR, -1) @ np.array([0.299, 0.587, 0.114]))
    assert found.spacing.steps == (0.5, 1.0)


def test_palettes_of_one_image_and_of_a_stack():
    table = np.stack([np.arange(256)[::-1] * 257] * 3).astype(np.uint16)
    tifffile.imwrite("a.tif", np.stack([GRAY, GRAY // 2]), photometric="palette", colormap=table)
    np.testing.assert_array_equal(read("a.tif").values, 255 - np.stack([GRAY, GRAY // 2]))
    np.testing.assert_array_equal(read("a.tif[1]", "2:9,5:").values, 255 - GRAY[2:9, 5:] // 2)
    Image.fromarray(GRAY).convert("P").save("lzw.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(read("lzw.tif").values, GRAY)


def test_strips_without_data_are_no_zeros(folder):
    tifffile.imwrite("a.tif", GRAY, rowsperstrip=5)
    with tifffile.TiffFile("a.tif", mode="r+") as file:
        counts = list(file.pages[0].databytecounts)
        file.pages[0].tags["StripByteCounts"].overwrite([0, *counts[1:]])
    with pytest.raises(InputError, match="lacks 1 of 4 strips or tiles"):
        read("a.tif")


def test_a_large_smooth_bilevel_file_is_no_bomb(folder):
    smooth = np.zeros((6000, 6000), dtype=bool)
    smooth[:, 3000:] = True
    Image.fromarray(smooth).save("fax.tif", compression="group4")
    Image.fromarray(smooth).save("a.png", optimize=True)
    Image.fromarray(smooth).save("deflate.tif", compression="tiff_adobe_deflate")
    tifffile.imwrite("lzma.tif", smooth.astype(np.uint8), compression="lzma", rowsperstrip=6000)
    Image.fromarray(smooth).convert("L").save("a.webp", lossless=True)
    np.testing.assert_array_equal(read("a.webp").values > 0, smooth)
    for name in ("fax.tif", "a.png", "deflate.tif", "lzma.tif"):
        assert (folder / name).stat().st_size < 40_000
        np.testing.assert_array_equal(read(name).values, smooth)
