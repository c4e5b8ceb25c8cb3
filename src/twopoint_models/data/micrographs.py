"""A folder of micrographs with their names and parameters, and their parts for training, validation and test."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..processes import Progress
from .generators.cast_iron.castings import CASTINGS, casting, micrograph
from .patches import GrayPatches, SlidingWindows

LABELS = 16  # an image whose values are all below this number holds labels of phases


class Micrographs(NamedTuple):
    """Micrographs in a folder.

    Attributes
    ----------
    images : list of uint8 arrays (H, W)
        Gray values, 0 black and 255 white.
    names : list of str
    made_by : list of dict
        Parameters from which each was generated; empty for others.
    """

    images: list[np.ndarray]
    names: list[str]
    made_by: list[dict[str, Any]]

    def only(self, names: Sequence[str]) -> "Micrographs":
        """Return the micrographs of the given names, in that order; raise ValueError for an unknown name."""
        if missing := sorted(set(names) - set(self.names)):
            raise ValueError(f"names must be of micrographs, there is no {missing[0]!r} among {self.names}")
        at = [self.names.index(name) for name in names]
        return Micrographs([self.images[i] for i in at], [self.names[i] for i in at], [self.made_by[i] for i in at])

    def windows(self, size: int, stride: int) -> dict[str, SlidingWindows]:
        """Return patches of three parts: the left of each micrograph for training, the right for test, and a strip between for validation.

        Test and validation each take an eighth of the width, or the width of a patch if that is larger. Patches of different parts do not
        overlap.

        Parameters
        ----------
        size, stride : int
            As for :class:`SlidingWindows`.

        Returns
        -------
        dict of str to SlidingWindows
            Windows of "train", "validation" and "test"; their labels are the names of the micrographs.

        Raises
        ------
        ValueError
            If a micrograph is too small for a patch of each part; the message names it.
        """
        for name, image in zip(self.names, self.images, strict=True):
            if image.shape[0] < size or image.shape[1] < 3 * size:
                raise ValueError(f"micrographs must be {size} x {3 * size} pixels or more for patches of {size}, {name!r} is {image.shape}")
        ends = [(x.shape[1], max(x.shape[1] // 8, size)) for x in self.images]
        places = {"train": [(0, n - 2 * e) for n, e in ends], "validation": [(n - 2 * e, n - e) for n, e in ends]}
        places["test"] = [(n - e, n) for n, e in ends]
        cut = {part: [x[:, a:b] for x, (a, b) in zip(self.images, found, strict=True)] for part, found in places.items()}
        return {part: SlidingWindows(parents, size, stride, labels=self.names) for part, parents in cut.items()}

    def patches(self, part: str, size: int, each: int) -> tuple[np.ndarray, list[str], list[dict[str, Any]]]:
        """Return evenly spaced patches of a part of each micrograph.

        Parameters
        ----------
        part : str
            "train", "validation" or "test".
        size : int
            Height and width in pixels.
        each : int
            Number of patches of each micrograph; small micrographs have fewer.

        Returns
        -------
        patches : float32 array (n, 1, size, size)
            Gray values in [0, 1].
        names : list of str (n,)
            Name of the micrograph of each patch.
        made_by : list of dict (n,)
            Parameters of that micrograph.

        Raises
        ------
        KeyError, ValueError
            If the part is unknown; as :meth:`windows`.
        """
        patches, places = [], []
        for i, image in enumerate(self.images):
            alone = Micrographs([image], [self.names[i]], [self.made_by[i]])
            gray = GrayPatches(alone.windows(size, max(2 * size // 5, 1))[part], 255)
            chosen = np.unique(np.linspace(0, len(gray) - 1, each).astype(int))
            patches += [gray[j]["image"] for j in chosen]
            places += [i] * len(chosen)
        return np.stack(patches), [self.names[i] for i in places], [self.made_by[i] for i in places]


def keep_micrograph(folder: str | os.PathLike[str], name: str, gray: np.ndarray, made_by: Mapping[str, Any] | None = None) -> None:
    """Write a micrograph into a folder, which is created if needed.

    Parameters
    ----------
    folder : str or path
    name : str
        Name of the micrograph and of its files, ``name.npy`` and ``name.json``.
    gray : array (H, W)
        Gray values of any range, which is stretched to 0 ... 255. Gray values of uint8 are kept, unless all are below 16: these are labels
        of phases and are stretched too.
    made_by : dict, optional
        Parameters, as plain values.

    Raises
    ------
    ValueError
        If gray does not have two axes, is constant or is not finite.
    """
    values = np.asarray(gray)
    if values.ndim != 2 or not np.isfinite(values).all() or values.min() == values.max():
        raise ValueError(f"gray must be (H, W), finite and not constant, got {values.shape} for {name!r}")
    if values.dtype != np.uint8 or values.max() < LABELS:
        low = values.astype(np.float32) - np.float32(values.min())
        values = np.round(255 * low / low.max()).astype(np.uint8)
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    np.save(path / f"{name}.npy", values)
    (path / f"{name}.json").write_text(json.dumps({"name": name, "made_by": dict(made_by or {})}))


def keep_images(folder: str | os.PathLike[str], paths: Sequence[str], read: Callable[[str], np.ndarray]) -> None:
    """Write the micrographs of image files into a folder, named by the files without their suffixes.

    Parameters
    ----------
    folder : str or path
    paths : sequence of str
    read : callable
        Function that returns gray values (H, W) of any range for a path.

    Raises
    ------
    ValueError
        If two files have the same name, or the folder holds other micrographs; as :func:`keep_micrograph`.
    """
    names = [Path(path).stem for path in paths]
    if len(set(names)) < len(names):
        raise ValueError(f"images must have a name each, without folder and ending, got {', '.join(sorted(names))}")
    _refuse_others(folder, names)
    for name, path in zip(names, paths, strict=True):
        keep_micrograph(folder, name, read(path))


def keep_castings(
    folder: str | os.PathLike[str], size: tuple[int, int] = (1536, 2048), *, seed: int = 0, progress: Progress = None
) -> None:
    """Write the missing micrographs of twelve castings into a folder.

    Parameters
    ----------
    folder : str or path
    size : (int, int)
        Height and width in pixels.
    seed : int
        Different seeds give different micrographs.
    progress : callable, optional
        Called with the number done and the total.

    Raises
    ------
    ValueError
        If the folder holds castings of another size or seed, or other micrographs.

    References
    ----------
    Sardeshmukh et al., section 4.1.
    """
    names = [f"{radius:g} mm, {magnesium:g} % Mg" for radius, magnesium in CASTINGS]
    note, about = Path(folder) / "castings.txt", f"size {size[0]} x {size[1]}, seed {seed}\n"
    if note.is_file() and note.read_text() != about:
        raise ValueError(f"folder {folder} holds castings of {note.read_text().strip()}, not of {about.strip()}; give another folder")
    _refuse_others(folder, names)
    Path(folder).mkdir(parents=True, exist_ok=True)
    if not note.is_file():
        note.write_text(about)
    for i, (name, (radius, magnesium)) in enumerate(zip(names, CASTINGS, strict=True)):
        if not (Path(folder) / f"{name}.json").is_file():
            image, parameters = casting(radius, magnesium, size, rng=np.random.default_rng([seed, i]))
            plain = {key: value for key, value in parameters.items() if not isinstance(value, np.ndarray)}
            keep_micrograph(folder, name, np.round(255 * micrograph(image)).astype(np.uint8), plain)
        if progress:
            progress(i + 1, len(CASTINGS))


def _refuse_others(folder: str | os.PathLike[str], names: Sequence[str]) -> None:
    """Refuse a folder that holds other micrographs, because a network would be trained on them too."""
    if others := sorted({path.stem for path in Path(folder).glob("*.json")} - set(names)):
        raise ValueError(f"folder {folder} holds other micrographs, such as {others[0]!r}; give another folder")


def read_micrographs(folder: str | os.PathLike[str]) -> Micrographs:
    """Return the micrographs of a folder, sorted by name.

    Raises
    ------
    FileNotFoundError
        If there is no micrograph.
    """
    paths = sorted(Path(folder).glob("*.json"))
    if not paths:
        raise FileNotFoundError(f"folder must hold micrographs, there is no .json in {folder}")
    told = [json.loads(path.read_text()) for path in paths]
    return Micrographs([np.load(path.with_suffix(".npy")) for path in paths], [x["name"] for x in told], [x["made_by"] for x in told])
