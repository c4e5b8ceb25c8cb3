"""Pictures by Pillow: the numbers that a file declares, or an error that names what can read them."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from support.cli_harness import PNG, blobs, photograph
from twopoint.cli.reading import image
from twopoint.cli.terminal import InputError

GRAY = photograph(blobs((20, 24)))
DEEP = GRAY.astype(np.uint16) * 200 + 7


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(name, window=None):
    return image.read(str(name), window)


def png_by_hand(path, values, colour):
    """Write a 16-bit PNG of a kind that Pillow does not write: 2 colour, 4 gray and alpha, 6 colour and alpha."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = values.shape[:2]
    rows = values.astype(">u2").reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    path.write_bytes(PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


@pytest.mark.parametrize(("colour", "samples"), [(2, 3), (4, 2), (6, 4)])
def test_deep_pngs_with_colour_or_alpha_are_not_cut_to_bytes(folder, colour, samples):
    png_by_hand(folder / "a.png", np.stack([DEEP // (1 + i) for i in range(samples)], axis=-1), colour)
    with pytest.raises(InputError, match=r"a 16-bit PNG .*, which Pillow would change; pip install imagecodecs and .*imread\('a.png'\)"):
        read("a.png")


def test_deep_gray_pngs_and_shallow_colours_are_read(folder):
    png_by_hand(folder / "a.png", DEEP, 0)
    np.testing.assert_array_equal(read("a.png").values, DEEP)
    Image.fromarray(np.stack([GRAY] * 3, axis=-1)).save("b.png")
    np.testing.assert_array_equal(read("b.png").values, GRAY)


@pytest.mark.parametrize("maximum", [1, 3, 100, 200, 255, 256, 1000, 4095, 40000, 65535])
@pytest.mark.parametrize("plain", [True, False])
def test_a_pgm_keeps_its_numbers_whatever_its_maximum(folder, maximum, plain):
    stored = (GRAY.astype(np.int64) * maximum // 255).astype(np.uint16)
    if plain:
        text = "\n".join(" ".join(map(str, row)) for row in stored.tolist())
        (folder / "a.pgm").write_text(f"P2\n24 20\n{maximum}\n{text}\n")
    else:
        body = stored.astype(">u2" if maximum > 255 else "u1").tobytes()
        (folder / "a.pgm").write_bytes(f"P5 24 20 {maximum}\n".encode() + body)
    np.testing.assert_array_equal(read("a.pgm").values, stored)


def test_a_ppm_in_colour_is_read_to_255_and_refused_above(folder):
    colours = np.stack([GRAY // 2, GRAY // 3, GRAY // 4], axis=-1)
    (folder / "a.ppm").write_bytes(b"P6 24 20 200\n" + colours.tobytes())
    np.testing.assert_allclose(read("a.ppm").values, colours @ np.array([0.299, 0.587, 0.114]))
    (folder / "b.ppm").write_bytes(b"P6 24 20 4095\n" + (colours.astype(">u2") * 30).tobytes())
    with pytest.raises(InputError, match="a 16-bit PPM in colour, which Pillow would change"):
        read("b.ppm")


def test_jpeg_2000_of_bytes_and_words_but_not_of_what_is_shifted(folder):
    Image.fromarray(GRAY).save("a.jp2")
    np.testing.assert_array_equal(read("a.jp2").values, GRAY)
    Image.fromarray(DEEP).save("b.jp2")
    np.testing.assert_array_equal(read("b.jp2").values, DEEP)
    data = bytearray((folder / "b.jp2").read_bytes())
    at = data.find(b"\xff\x4f\xff\x51") + 42
    for precision, said in ((11, "12"), (0x80 | 15, "-16")):
        data[at] = precision
        (folder / "c.jp2").write_bytes(data)
        with pytest.raises(InputError, match=f"it is JPEG 2000 of {said} bits, which Pillow would change"):
            read("c.jp2")


def test_a_jpeg_of_twelve_bits_is_named_and_not_called_damaged(folder):
    Image.fromarray(GRAY).save("a.jpg")
    data = bytearray((folder / "a.jpg").read_bytes())
    data[data.find(b"\xff\xc0") + 4] = 12
    (folder / "a.jpg").write_bytes(data)
    with pytest.raises(InputError, match="its format, 12-bit or lossless JPEG, is not supported") as error:
        read("a.jpg")
    assert "damaged" not in str(error.value)
    assert "imagecodecs" in str(error.value)


def test_a_name_does_not_decide_the_format(folder):
    for stored_as, called in (("PNG", "a.tif"), ("TIFF", "a.png"), ("JPEG", "b.tif"), ("BMP", "a.npy"), ("PNG", "a.h5"), ("GIF", "a")):
        Image.fromarray(GRAY).save(folder / called, format=stored_as)
        found = read(called).values
        assert np.abs(found.astype(int) - GRAY).max() <= (30 if stored_as == "JPEG" else 0)


def test_the_first_picture_of_a_camera_file_is_read(folder):
    first, second = Image.fromarray(GRAY), Image.fromarray(GRAY[::-1])
    first.save("a.jpg", format="MPO", save_all=True, append_images=[second], quality=100)
    found = read("a.jpg")
    assert found.values.shape == GRAY.shape
    assert np.abs(found.values.astype(int) - GRAY).max() < 20
    assert found.remarks == ("a.jpg: the first of 2 pictures in the file",)
