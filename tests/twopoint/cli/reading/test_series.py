"""Several images in one TIFF: listed with the argument that picks each, and what is missing is refused."""

import re

import numpy as np
import pytest
import tifffile
from PIL import Image

from support.cli_harness import blobs, photograph
from twopoint.cli.reading import image
from twopoint.cli.terminal import InputError

STACK = np.stack([photograph(blobs((20, 24), seed=i)) for i in range(24)])
GRAY = STACK[0]
SMALL, HALF = GRAY[:9, :11], GRAY[::2, ::2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(name, window=None):
    return image.read(str(name), window)


def arguments(name):
    """Return the arguments that the error for a file lists."""
    with pytest.raises(InputError) as error:
        read(name)
    return re.findall(r"'([^']*)'", str(error.value))


def write_pages(path, *pages, **options):
    with tifffile.TiffWriter(path) as file:
        for page in pages:
            file.write(page, photometric="minisblack", **options)


@pytest.mark.parametrize("metadata", [{}, None])
@pytest.mark.parametrize("first", ["small", "large"])
def test_several_images_are_listed_with_the_argument_of_each(metadata, first):
    pages = (SMALL, GRAY) if first == "small" else (GRAY, SMALL)
    write_pages("a.tif", *pages, metadata=metadata)
    listed = arguments("a.tif")
    assert listed == ["a.tif:0", "a.tif:1", f"a.tif:{int(first == 'small')}"]
    np.testing.assert_array_equal(read(listed[0]).values, pages[0])
    np.testing.assert_array_equal(read(listed[1], "2:9,3:").values, pages[1][2:9, 3:])
    for wrong in ("a.tif:2", "a.tif:x", "a.tif:-1"):
        with pytest.raises(InputError, match=rf"{wrong} is not an image of the file; a.tif holds 'a.tif:0' \("):
            read(wrong)


def test_images_of_one_size_and_two_types_are_listed_too():
    write_pages("a.tif", GRAY, GRAY.astype(np.uint16), metadata=None)
    assert arguments("a.tif")[:2] == ["a.tif:0", "a.tif:1"]
    assert read("a.tif:1").values.dtype == np.uint16


def test_a_stack_beside_a_picture():
    write_pages("a.tif", SMALL, *STACK[:5], metadata=None)
    assert arguments("a.tif")[:2] == ["a.tif:0", "a.tif:1"]
    np.testing.assert_array_equal(read("a.tif:1").values, STACK[:5])
    np.testing.assert_array_equal(read("a.tif:1[3]").values, STACK[3])
    assert read("a.tif:1[3]").source.label == "a-1-3"


def test_a_declared_thumbnail_is_left_out_and_it_is_said():
    with tifffile.TiffWriter("a.tif") as file:
        file.write(SMALL, photometric="minisblack", metadata=None, subfiletype=1)
        file.write(GRAY, photometric="minisblack", metadata=None)
    found = read("a.tif")
    np.testing.assert_array_equal(found.values, GRAY)
    assert found.remarks == ("a.tif: 1 reduced copy in the file, such as a thumbnail, left out",)
    np.testing.assert_array_equal(read("a.tif:0").values, SMALL)


def test_a_pyramid_is_one_image():
    with tifffile.TiffWriter("a.tif") as file:
        file.write(GRAY, photometric="minisblack", subifds=1)
        file.write(HALF, photometric="minisblack", subfiletype=1)
    np.testing.assert_array_equal(read("a.tif").values, GRAY)
    write_pages("b.tif", GRAY, HALF, metadata=None)
    np.testing.assert_array_equal(read("b.tif").values, GRAY)


@pytest.mark.parametrize("how", [{"imagej": True}, {"ome": True}, {}])
@pytest.mark.parametrize(
    ("axes", "shape", "moved", "held"),
    [
        ("ZCYX", (6, 2), (1, 0), "2 channels"),
        ("CZYX", (2, 6), (0, 1), "2 channels"),
        ("TYX", (6,), (0,), "6 times"),
        ("TZYX", (3, 4), (0, 1), "3 times"),
        ("CYX", (3,), (0,), "3 channels"),
        ("TZCYX", (3, 2, 4), (0, 2, 1), "3 times of 4 channels"),
        ("TCYX", (2, 3), (0, 1), "2 times of 3 channels"),
    ],
)
def test_channels_and_times_are_chosen_by_an_index(how, axes, shape, moved, held):
    images = STACK[: np.prod(shape)].reshape(*shape, 20, 24)
    if how == {"imagej": True} and axes == "CZYX":
        pytest.skip("ImageJ stores channels inside slices")
    name = "a.ome.tif" if "ome" in how else "a.tif"
    tifffile.imwrite(name, images, photometric="minisblack", metadata={"axes": axes}, **how)
    with pytest.raises(InputError, match=f"{name} holds {held} "):
        read(name)
    first, last = arguments(name)
    expected = images.transpose(*moved, len(shape), len(shape) + 1)
    n = 2 if "of" in held else 1
    np.testing.assert_array_equal(read(first).values, expected[(0,) * n])
    np.testing.assert_array_equal(read(last).values, expected[(-1,) * n])
    if expected.ndim - n == 3:
        np.testing.assert_array_equal(read(f"{last[:-1]},1]").values, expected[(-1,) * n][1])
    else:
        np.testing.assert_array_equal(read(last, "2:9,:").values, expected[(-1,) * n][2:9])
    if n == 2:  # the first index alone leads to the argument that works
        with pytest.raises(InputError, match=r"take one, .*\[1,0\]'"):
            read(f"{name}[1]")


def test_slices_are_a_volume():
    for name, how in (("a.tif", {"imagej": True}), ("a.ome.tif", {"ome": True}), ("b.tif", {})):
        tifffile.imwrite(name, STACK[:6], photometric="minisblack", metadata={"axes": "ZYX"}, **how)
        np.testing.assert_array_equal(read(name).values, STACK[:6])
        np.testing.assert_array_equal(read(f"{name}[4]").values, STACK[4])


def test_many_channels_of_imagej_are_slices_unless_they_are_shown_as_a_composite():
    tifffile.imwrite("a.tif", STACK[:6], imagej=True)
    found = read("a.tif")
    np.testing.assert_array_equal(found.values, STACK[:6])
    assert found.remarks == ("a.tif: the 6 channels of this ImageJ stack are taken as slices of a volume",)
    tifffile.imwrite("a.tif", STACK[:6], imagej=True, metadata={"axes": "CYX", "mode": "composite"})
    with pytest.raises(InputError, match="holds 6 channels"):
        read("a.tif")


def ome(path, planes, names, axis="Z", n=None):
    """Write OME files of one plane each, the description in the first of them."""
    n = n or len(names)
    sizes = {"Z": 1, "C": 1, "T": 1} | {axis: n}
    tiles = "".join(
        f'<TiffData First{axis}="{i}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:0000000{i}-0000-0000-0000-000000000000'
        "</UUID></TiffData>"
        for i, name in enumerate(names)
    )
    for i, (plane, name) in enumerate(zip(planes, names, strict=True)):
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:0000000{i}-0000-0000-0000-000000000000"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
            f'Type="uint8" SizeX="24" SizeY="20" SizeZ="{sizes["Z"]}" SizeC="{sizes["C"]}" SizeT="{sizes["T"]}">'
            + "".join(f'<Channel ID="Channel:0:{c}" SamplesPerPixel="1"/>' for c in range(sizes["C"]))
            + f"{tiles}</Pixels></Image></OME>"
        )
        tifffile.imwrite(path / name, plane, photometric="minisblack", metadata=None, description=text)


def test_the_files_of_an_ome_image_that_are_missing_are_named(folder):
    names = [f"part{i}.ome.tif" for i in range(3)]
    ome(folder, STACK[:3], names)
    np.testing.assert_array_equal(read("part0.ome.tif").values, STACK[:3])
    np.testing.assert_array_equal(read("part0.ome.tif[2]").values, STACK[2])
    (folder / names[1]).unlink()
    with pytest.raises(InputError, match=r"part0.ome.tif lacks 1 of its 3 planes: they are in part1.ome.tif, which must be in the same"):
        read("part0.ome.tif")
    (folder / names[2]).unlink()
    with pytest.raises(InputError, match=r"lacks 2 of its 3 planes: they are in part1.ome.tif, part2.ome.tif, which"):
        read("part0.ome.tif[0]")


def test_planes_that_are_in_no_file_are_missing_too(folder):
    ome(folder, STACK[:2], ["a.ome.tif", "b.ome.tif"], n=5)
    with pytest.raises(InputError, match="lacks 3 of its 5 planes"):
        read("a.ome.tif")


def test_two_images_of_one_ome_file():
    with tifffile.TiffWriter("a.ome.tif", ome=True) as file:
        file.write(STACK[:5], photometric="minisblack", metadata={"axes": "ZYX"})
        file.write(GRAY, photometric="minisblack")
    assert arguments("a.ome.tif")[:2] == ["a.ome.tif:0", "a.ome.tif:1"]
    np.testing.assert_array_equal(read("a.ome.tif:0[2]").values, STACK[2])
    np.testing.assert_array_equal(read("a.ome.tif:1").values, GRAY)


def test_compressed_stacks_are_decoded_page_by_page():
    frames = [Image.fromarray(one) for one in STACK[:4]]
    frames[0].save("a.tif", save_all=True, append_images=frames[1:], compression="tiff_lzw")
    np.testing.assert_array_equal(read("a.tif").values, STACK[:4])
    np.testing.assert_array_equal(read("a.tif[2]", "1:5,2:").values, STACK[2, 1:5, 2:])
