"""LZW of numbers of any type, in strips and tiles, with each predictor and byte order."""

import numpy as np
import pytest
from PIL import Image

from support import tiff_by_hand
from support.cli_harness import blobs, photograph
from twopoint.cli.reading import image
from twopoint.cli.terminal import InputError

GRAY = photograph(blobs((37, 45)))
LARGE = photograph(blobs((300, 400)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", [{}, {"rows": 5}, {"tile": 16}])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int64", "float16", "float32", "float64"])
def test_every_type_in_strips_and_tiles(tmp_path, dtype, layout, order):
    sign = -1 if np.dtype(dtype).kind != "u" else 1
    one = np.where(GRAY > 100, GRAY / 3, sign * (GRAY / 2)).astype(dtype)
    for predictor in (1, 3) if one.dtype.kind == "f" else (1, 2):
        tiff_by_hand.write(tmp_path / "a.tif", one, predictor=predictor, order=order, **layout)
        found = image.read(f"{tmp_path}/a.tif").values
        np.testing.assert_array_equal(found, one)
        assert found.dtype == (np.float32 if dtype == "float16" else one.dtype)
        assert found.dtype.isnative


@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("layout", [{}, {"rows": 5}, {"tile": 16}])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_samples(tmp_path, dtype, layout, planar):
    values = np.stack([GRAY, GRAY // 2, 255 - GRAY, GRAY // 3, 7 * (GRAY // 9)], axis=-1).astype(dtype)
    stored = np.ascontiguousarray(values if planar == 1 else np.moveaxis(values, -1, 0))
    for predictor in (1, 3) if dtype == "float64" else (1, 2):
        tiff_by_hand.write(tmp_path / "a.tif", stored, predictor=predictor, planar=planar, **layout)
        for i in range(5):
            np.testing.assert_array_equal(image.read(f"{tmp_path}/a.tif[{i}]").values, values[..., i])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_codes_of_twelve_bits_as_libtiff_writes_them(tmp_path, dtype):
    values = LARGE.astype(dtype)
    Image.fromarray(values).save(tmp_path / "a.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(image.read(f"{tmp_path}/a.tif").values, values)
    np.testing.assert_array_equal(image.read(f"{tmp_path}/a.tif", "40:90,7:300").values, values[40:90, 7:300])
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut.tif cannot be read"):
        image.read(f"{tmp_path}/cut.tif")
