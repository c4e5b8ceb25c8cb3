"""Formats that are not supported: each is refused by its name, with two lines of Python that convert it."""

from ..terminal import InputError
from .names import Source

_HEAD = 2**16  # bytes that are compared
_SUPPORTED = "PNG, JPEG, BMP, GIF, WebP, PPM, TGA, TIFF, .npy, .npz of one array, HDF5, and .csv or .txt with a matrix"
# By name: the two lines that convert a file; {} is its path.
_CONVERT = {
    "MATLAB (before 7.3)": "import numpy, scipy.io; numpy.save('image.npy', scipy.io.loadmat({})['NAME'])",
    "raw binary": "import numpy; numpy.save('image.npy', numpy.fromfile({}, dtype='uint8').reshape(SLICES, ROWS, COLUMNS))",
    "VTK": "import numpy, pyvista; grid = pyvista.read({}); "
    "numpy.save('image.npy', grid.cell_data['NAME'].reshape([n - 1 for n in grid.dimensions[::-1]]))",
    "NRRD": "import numpy, nrrd; numpy.save('image.npy', nrrd.read({})[0].T)",
    "NIfTI": "import numpy, nibabel; numpy.save('image.npy', numpy.asarray(nibabel.load({}).dataobj).T)",
    "MetaImage": "import numpy, SimpleITK; numpy.save('image.npy', SimpleITK.GetArrayFromImage(SimpleITK.ReadImage({})))",
    "DICOM": "import numpy, pydicom; numpy.save('image.npy', pydicom.dcmread({}).pixel_array)",
    "FITS": "import numpy, astropy.io.fits; numpy.save('image.npy', astropy.io.fits.getdata({}))",
    "MRC": "import numpy, mrcfile; numpy.save('image.npy', mrcfile.read({}))",
    "DigitalMicrograph": "import numpy, ncempy.io; numpy.save('image.npy', ncempy.io.read({})['data'])",
    "AVIF or HEIF": "import PIL.Image; PIL.Image.open({}).save('image.png')",
    "Photoshop": "import PIL.Image; PIL.Image.open({}).save('image.png')",
    "OpenEXR, JPEG XL, JPEG XR or JPEG-LS": "import tifffile, imagecodecs; tifffile.imwrite('image.tif', imagecodecs.imread({}))",
    "12-bit or lossless JPEG": "import tifffile, imagecodecs; tifffile.imwrite('image.tif', imagecodecs.imread({}))",
}
_OTHERS = "a microscope's own format or a table"
_BY_CONTENT = (
    (0, b"MATLAB 5.0", "MATLAB (before 7.3)"),
    (0, b"# vtk DataFile", "VTK"),
    (0, b"NRRD000", "NRRD"),
    (344, b"n+1\0", "NIfTI"),
    (344, b"ni1\0", "NIfTI"),
    (0, b"ObjectType =", "MetaImage"),
    (128, b"DICM", "DICOM"),
    (0, b"SIMPLE  =", "FITS"),
    (208, b"MAP ", "MRC"),
    (4, b"ftypavif", "AVIF or HEIF"),
    (4, b"ftyphei", "AVIF or HEIF"),
    (4, b"ftypmif1", "AVIF or HEIF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR, JPEG XL, JPEG XR or JPEG-LS"),
    (0, b"\xff\x0a", "OpenEXR, JPEG XL, JPEG XR or JPEG-LS"),
    (0, b"\0\0\0\x0cJXL ", "OpenEXR, JPEG XL, JPEG XR or JPEG-LS"),
    (0, b"II\xbc\x01", "OpenEXR, JPEG XL, JPEG XR or JPEG-LS"),
    (0, b"\xff\xd8\xff\xf7", "OpenEXR, JPEG XL, JPEG XR or JPEG-LS"),
)
_BY_ENDING = {
    **dict.fromkeys((".mat",), "MATLAB (before 7.3)"),
    **dict.fromkeys((".raw", ".bin", ".vol", ".dat"), "raw binary"),
    **dict.fromkeys((".vti", ".vtk", ".vtr", ".vts", ".vtu"), "VTK"),
    **dict.fromkeys((".nrrd", ".nhdr"), "NRRD"),
    **dict.fromkeys((".nii", ".nii.gz", ".hdr"), "NIfTI"),
    **dict.fromkeys((".mha", ".mhd"), "MetaImage"),
    **dict.fromkeys((".dcm",), "DICOM"),
    **dict.fromkeys((".fits", ".fit", ".fts"), "FITS"),
    **dict.fromkeys((".mrc", ".rec", ".map"), "MRC"),
    **dict.fromkeys((".dm3", ".dm4", ".ser", ".emi"), "DigitalMicrograph"),
    **dict.fromkeys((".avif", ".heic", ".heif"), "AVIF or HEIF"),
    **dict.fromkeys((".psd",), "Photoshop"),
    **dict.fromkeys((".exr", ".jxl", ".jxr", ".jls"), "OpenEXR, JPEG XL, JPEG XR or JPEG-LS"),
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oib", ".oif", ".vsi", ".lms", ".emd", ".bcf", ".ang", ".ctf", ".xlsx", ".xls"), _OTHERS),
    **dict.fromkeys((".zarr", ".pkl", ".pickle", ".pt", ".npz.gz", ".gz", ".zip", ".7z", ".pdf", ".svg"), _OTHERS),
}
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # markers between SOF0 and SOF15 that begin something else


def refuse_foreign(source: Source) -> None:
    """Raise an error for a file of a known format that is not taken; return for any other."""
    with source.path.open("rb") as file:
        head = file.read(_HEAD)
    kinds = [kind for at, sign, kind in _BY_CONTENT if head[at : at + len(sign)] == sign]
    if b"<VTKFile" in head:
        kinds.append("VTK")
    if head[:3] == b"\xff\xd8\xff" and _unusual_jpeg(head):
        kinds.append("12-bit or lossless JPEG")
    name = source.path.name.lower()
    kinds += [kind for ending, kind in _BY_ENDING.items() if name.endswith(ending)]
    if not kinds:
        return
    if kinds[0] == _OTHERS:
        how = "export the image as TIFF or PNG there, or save the array in Python: numpy.save('image.npy', array)"
    else:
        how = "convert it in Python: " + _CONVERT[kinds[0]].format(repr(str(source.path)))
    raise InputError(f"{source} cannot be read: its format, {kinds[0]}, is not supported ({_SUPPORTED} are); {how}")


def _unusual_jpeg(head: bytes) -> bool:
    """Return whether the frame header of a JPEG declares other than 8 bits, or a lossless process."""
    at = 2
    while at + 5 < len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:
            return head[at + 4] != 8 or marker in (0xC3, 0xC7, 0xCB, 0xCF)
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return False
