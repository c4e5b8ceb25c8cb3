"""Effective properties of the images of a dataset, block by block, in one process or several, or on an accelerator."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

import twopoint as tp

from .checks import positive
from .data.micro2d import MICRO2D
from .homogenisation import effective
from .homogenisation.constants import engineering_constants
from .homogenisation.effective import conductivity, elastic_stiffness
from .processes import spread

TABLES = {"homogenized_mechanical": ("E_x", "E_y", "nu_xy", "nu_yx", "G_xy"), "homogenized_thermal": ("kx", "ky")}  # as MICRO2D's
Block = tuple[str, int, int]  # class, first index, index behind the last
Numbers = Sequence[float]


class Properties(NamedTuple):
    """A block: its class, the index of its first image, images (n, H, W) of 0 and 1, and numbers (n, contrasts, k) by table."""

    name: str
    start: int
    images: np.ndarray
    tables: dict[str, np.ndarray]


def homogenise_blocks(
    path: str | PathLike[str],
    blocks: Iterable[Block],
    *,
    young: Sequence[Numbers],
    poisson: Sequence[Numbers],
    conductivities: Sequence[Numbers],
    plane: str = "strain",
    tolerance: float = 1e-4,
    iterations: int = 10_000,
    workers: int = 1,
    device: str | None = None,
) -> Iterator[Properties]:
    """Homogenise blocks of images of a file in MICRO2D's layout, in their order, for several contrasts of the phases.

    Parameters
    ----------
    path : str or path
        A file that :class:`twopoint_models.data.MICRO2D` reads.
    blocks : iterable of (class, start, stop)
        The images, such as :meth:`MICRO2DWriter.missing` returns.
    young, poisson, conductivities : one pair of numbers a contrast
        Values of phase 0 and phase 1, equally many contrasts in each.
    plane, tolerance, iterations
        As for :func:`twopoint_models.homogenisation.elastic_stiffness`.
    workers : int
        Number of processes, each with one thread. With 1 this process does the work, in threads. Other processes import the calling script
        again, so the call must be guarded by ``if __name__ == "__main__"``.
    device : str, optional
        Device of torch, such as "cuda". By default numpy computes, and torch is not imported.

    Yields
    ------
    Properties
        One for each block, with the tables "homogenized_mechanical" (E_x, E_y, nu_xy, nu_yx, G_xy) and "homogenized_thermal" (kx, ky).

    Raises
    ------
    TypeError, ValueError, RuntimeError
        At the call, if the numbers of contrasts differ, a property is out of its range, an option is invalid or torch has no such device.
        Later as :class:`twopoint_models.data.MICRO2D` raises them, and if an image does not converge.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from twopoint_models.data import MICRO2DWriter
    >>> from twopoint_models.properties import homogenise_blocks
    >>> path = tempfile.mkdtemp() + "/own.h5"
    >>> with MICRO2DWriter(path, {"stripes": 1}, size=8) as writer:
    ...     writer.write("stripes", np.tile(np.array([0, 1], np.uint8), (1, 8, 4)))
    >>> found = homogenise_blocks(path, [("stripes", 0, 1)], young=[[1, 3]], poisson=[[0, 0]], conductivities=[[1, 3]])
    >>> next(found).tables["homogenized_thermal"].round(6)
    array([[[2. , 1.5]]])
    """
    contrasts = _contrasts(young, poisson, conductivities)
    accuracy = {"tolerance": tolerance, "iterations": iterations}
    options: dict[str, Any] = {"contrasts": contrasts, "plane": plane, "accuracy": accuracy, "device": device}
    if positive("workers", workers) > 1 and device is not None:
        raise ValueError(f"workers must be 1 with a device, which one process keeps busy, got {workers} and {device!r}")
    _tables(np.eye(2)[None], **options)  # invalid options are refused now
    solve = partial(_block, path, options)
    return map(solve, blocks) if workers == 1 else spread(solve, blocks, workers, _one_thread)


def _one_thread() -> None:
    """Restrict the solver of this process to one thread, because other processes use the other cores."""
    effective.CORES = 1


def _block(path: str | PathLike[str], options: dict[str, Any], block: Block) -> Properties:
    """Read and homogenise a block."""
    name, start, stop = block
    dataset = MICRO2D(path, [name], size=None)
    images = np.stack([dataset[i]["image"][0] for i in range(start, stop)])  # (n, H, W)
    return Properties(name, start, images.astype(np.uint8), _tables(images.astype(np.float64), **options))


def _tables(
    images: np.ndarray, contrasts: Sequence[tuple[Numbers, ...]], plane: str, accuracy: dict[str, Any], device: str | None
) -> dict[str, Any]:
    """Return the properties (n, contrasts, k) of images (n, H, W) by table."""
    m: Any = tp.two_phase(images)
    if device is not None:
        m = _on_device(m, device)
    found: dict[str, list[Any]] = {table: [] for table in TABLES}
    for young, poisson, conductivities in contrasts:
        constants = engineering_constants(elastic_stiffness(m, young, poisson, plane=plane, **accuracy))
        conducted = conductivity(m, conductivities, **accuracy)
        found["homogenized_mechanical"].append([getattr(constants, name).tolist() for name in TABLES["homogenized_mechanical"]])
        found["homogenized_thermal"].append([conducted[:, i, i].tolist() for i in (0, 1)])
    return {table: np.moveaxis(np.array(rows), -1, 0) for table, rows in found.items()}  # (contrasts, k, n) -> (n, contrasts, k)


def _on_device(m: np.ndarray, device: str) -> Any:
    """Return an array of torch on a device."""
    import torch

    try:
        return torch.tensor(m, device=device)
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built for an accelerator
        raise ValueError(f"device must be one that torch can use, got {device!r} ({str(error).splitlines()[0]})") from error


def _contrasts(*properties: Sequence[Numbers]) -> list[tuple[Numbers, ...]]:
    """Return the properties of each contrast; refuse different numbers of contrasts."""
    if len({len(each) for each in properties}) > 1 or not len(properties[0]):
        numbers = ", ".join(str(len(each)) for each in properties)
        raise ValueError(f"young, poisson and conductivities must be for as many contrasts, one at least, got {numbers}")
    return list(zip(*properties, strict=True))
