"""HDF5 datasets: the filter that one needs and that is not installed."""

from pathlib import Path
from typing import Any


def missing_filter(dataset: Any) -> str | None:
    """Return what a dataset of h5py cannot be read without, with a remedy; None if all its filters are installed."""
    import h5py

    properties = dataset.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            called = f"{code} ({name.decode(errors='replace')})" if name else str(code)
            return f"the HDF5 filter {called}; decompress the file, h5repack -f NONE {Path(dataset.file.filename).name} new.h5"
    return None
