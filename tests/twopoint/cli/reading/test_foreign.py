"""Formats that are not taken are refused by name, with the lines of Python that convert them."""

import re

import numpy as np
import pytest
import scipy.io
from PIL import Image

from support.cli_harness import blobs, photograph
from twopoint.cli.reading import image
from twopoint.cli.reading.foreign import _BY_CONTENT, _BY_ENDING, _CONVERT, _OTHERS
from twopoint.cli.terminal import InputError

GRAY = photograph(blobs((20, 24)))
NIFTI = (348).to_bytes(4, "little") + bytes(340) + b"n+1\0" + bytes(900)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(name):
    with pytest.raises(InputError) as error:
        image.read(name)
    said = str(error.value)
    assert "damaged" not in said
    return said


@pytest.mark.parametrize(
    ("name", "content", "kind", "lines"),
    [
        ("a.raw", GRAY.tobytes(), "raw binary", "numpy.fromfile('a.raw', dtype='uint8')"),
        ("a.vol", GRAY.tobytes(), "raw binary", "numpy.fromfile('a.vol'"),
        ("a.vti", b'<?xml version="1.0"?>\n<VTKFile type="ImageData">', "VTK", "pyvista.read('a.vti')"),
        ("a.xml", b'<?xml version="1.0"?>\n<VTKFile type="ImageData">', "VTK", "pyvista.read('a.xml')"),
        ("a.vtk", b"# vtk DataFile Version 3.0\nx\nBINARY\n", "VTK", "pyvista.read('a.vtk')"),
        ("a.nrrd", b"NRRD0004\ntype: uint8\n", "NRRD", "nrrd.read('a.nrrd')"),
        ("a.nii", NIFTI, "NIfTI", "nibabel.load('a.nii')"),
        ("a.nii.gz", b"\x1f\x8b\x08" + bytes(90), "NIfTI", "nibabel.load('a.nii.gz')"),
        ("a.mha", b"ObjectType = Image\n", "MetaImage", "SimpleITK.ReadImage('a.mha')"),
        ("a.dcm", bytes(128) + b"DICM" + bytes(90), "DICOM", "pydicom.dcmread('a.dcm')"),
        ("a.psd", b"8BPS\0\1" + bytes(90), "Photoshop", "PIL.Image.open('a.psd')"),
        ("a.avif", b"\0\0\0\x20ftypavif" + bytes(90), "AVIF or HEIF", "PIL.Image.open('a.avif')"),
        ("a.jxl", b"\xff\x0a" + bytes(90), "OpenEXR, JPEG XL, JPEG XR or JPEG-LS", "imagecodecs.imread('a.jxl')"),
        ("a.czi", b"ZISRAWFILE" + bytes(90), _OTHERS, "export the image as TIFF or PNG"),
        ("a.dm4", bytes(99), "DigitalMicrograph", "ncempy.io.read('a.dm4')"),
    ],
)
def test_formats_by_name(folder, name, content, kind, lines):
    (folder / name).write_bytes(content)
    said = refused(name)
    assert f"{name} cannot be read: its format, {kind}, is not supported (PNG, JPEG, BMP" in said
    assert lines in said


def test_the_sign_of_a_format_counts_whatever_the_name(folder):
    for name in ("a.png", "a", "a.bin"):
        (folder / name).write_bytes(NIFTI)
        assert "NIfTI" in refused(name)
    Image.fromarray(GRAY).save("b.raw", format="PNG")  # a raw name does not hide a picture
    np.testing.assert_array_equal(image.read("b.raw").values, GRAY)


def test_an_old_file_of_matlab_and_the_lines_that_convert_it(folder, monkeypatch):
    scipy.io.savemat("a.mat", {"NAME": GRAY})
    said = refused("a.mat")
    assert "MATLAB (before 7.3)" in said
    exec(said.partition("convert it in Python: ")[2])
    np.testing.assert_array_equal(image.read("image.npy").values, GRAY)
    GRAY.tofile("a.raw")
    lines = refused("a.raw").partition("convert it in Python: ")[2]
    exec(lines.replace("SLICES, ROWS, COLUMNS", "20, 24"))
    np.testing.assert_array_equal(image.read("image.npy").values, GRAY)


def test_every_kind_has_lines_of_python():
    for kind in {kind for _, _, kind in _BY_CONTENT} | set(_BY_ENDING.values()) - {_OTHERS}:
        compile(re.sub(r"\{\}", "'x'", _CONVERT[kind]), kind, "exec")
