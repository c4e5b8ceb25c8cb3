"""Statistics of data larger than memory, on dask.array: of one volume from overlapping blocks, of a dataset by chunks of its images.

All that the functions return is lazy: ``f.compute()`` computes it, here or on the workers of a ``distributed.Client``. Only
:func:`principal_components` and :func:`save_zarr` compute at once.

Each file has one subject: ``volume`` with its ``plan`` and its ``blocks``, ``dataset``, ``components``, ``reading`` and ``writing``.
"""

from .components import PrincipalComponents, mean_and_variance, principal_components
from .dataset import dataset_correlations
from .reading import StoredArray, open_array
from .volume import volume_correlations
from .writing import save_zarr

__all__ = [
    "PrincipalComponents",
    "StoredArray",
    "dataset_correlations",
    "mean_and_variance",
    "open_array",
    "principal_components",
    "save_zarr",
    "volume_correlations",
]
