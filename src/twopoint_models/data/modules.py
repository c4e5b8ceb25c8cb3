"""Lightning DataModules: MICRO2D's files and patches of micrographs as batches of torch, to train, validate, test and predict on."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from .._check import positive
from .micro2d import MICRO2D
from .patches import GrayPatches, SlidingWindows
from .shuffling import order_of
from .splits import SPLITS, check_three

TRAIN, VALIDATION, TEST = SPLITS
ALL = "all"
PARTS = {"fit": (TRAIN, VALIDATION), "validate": (VALIDATION,), "test": (TEST,), "predict": (ALL,), None: (*SPLITS, ALL)}


class _Module(pl.LightningDataModule):
    """What all modules share: parts by name, made when they are wanted, and loaders of them."""

    def __init__(self, fractions: Iterable[float], seed: int, batch_size: int, workers: int) -> None:
        super().__init__()
        check_three(fractions)
        positive("seed", seed, zero=True), positive("batch_size", batch_size), positive("workers", workers, zero=True)
        self._parts: dict[str, Any] = {}

    def setup(self, stage: str | None = None) -> None:
        """Make the parts that a stage needs: "fit", "validate", "test" or "predict"; None for all. Lightning calls this in each process."""
        if stage not in PARTS:
            raise ValueError(f"stage must be one of {', '.join(map(repr, PARTS))}, got {stage!r}")
        self._parts |= self._made(PARTS[stage])

    def _made(self, parts: tuple[str, ...]) -> dict[str, Any]:
        """Return parts by name."""
        raise NotImplementedError

    def train_dataloader(self) -> Any:
        """Return batches of the train part, in another order each epoch."""
        return self._loader(TRAIN)

    def val_dataloader(self) -> Any:
        """Return batches of the validation part, in the file's order; no loader, an empty list, where its share is 0 (Lightning warns)."""
        return self._loader(VALIDATION) if self.hparams.fractions[SPLITS.index(VALIDATION)] else []

    def test_dataloader(self) -> Any:
        """Return batches of the test part, in the file's order."""
        return self._loader(TEST)

    def predict_dataloader(self) -> Any:
        """Return batches of all parts together, in the file's order."""
        return self._loader(ALL)

    def _loader(self, part: str) -> Any:
        """Return the batches of a part."""
        if part not in self._parts:
            raise RuntimeError(f"the {part} part is not there before setup; call setup(), or leave that to a Trainer")
        dataset, options = self._parts[part], self.hparams
        if not len(dataset):
            raise ValueError(f"the {part} part is empty: its share in fractions {options.fractions} is 0, or too small for what there is")
        return DataLoader(
            dataset,
            batch_size=options.batch_size,  # by name: Lightning makes some loaders anew from what they were given
            sampler=order_of(dataset, options.seed, self.trainer) if part == TRAIN else None,
            num_workers=options.workers,
            persistent_workers=options.workers > 0,
            pin_memory=torch.cuda.is_available(),
        )


class MICRO2DModule(_Module):
    """Images of a file in MICRO2D's layout, as batches for a Lightning Trainer.

    A batch is what ``DataLoader`` makes of the items of :class:`MICRO2D`: a dict of image (B, 1, size, size) float32, the membership of
    phase 1; name, a list of B class names; class_index (B,) int64; index (B,) int64, the place in the class; and properties (B, k) float32.
    The train part comes in an order that seed and epoch alone fix, so that two runs are alike and one resumed after an epoch goes on as if
    it had never stopped; the others come in the file's order. Several devices are dealt the same order, so that their batches together are
    those of one device with batches as large. To predict, all images are taken.

    Parameters
    ----------
    path : str or path
        The file, e.g. ``MICRO2D_homogenized.h5``.
    classes : list of str, optional
        Classes to take; by default all.
    size : int, optional
        Images are resized to (size, size) pixels; None leaves them as they are.
    properties : list of str, optional
        Properties to give with each image, by the names in the file.
    contrast : int, optional
        Which contrast of the phases the properties are for, an index; -1 is the last.
    fractions : three floats
        Shares of train, validation and test in each class.
    seed : int
        Deals the images out, and shuffles the train part.
    missing : "refuse", "drop" or "keep"
        What to do where a wanted property is NaN.
    together : bool
        Images of all classes at one index come into one part, as :class:`MICRO2D` says why.
    batch_size : int
        Images of a batch, on each device.
    workers : int
        Processes that read, for each loader and device; 0 reads in the process that trains. They live on from one epoch to the next.

    Attributes
    ----------
    classes : tuple of str
        After setup, the classes that are read.
    property_names : tuple of str
        After setup, what the properties of an image are, in this order.

    Raises
    ------
    FileNotFoundError
        At setup, if there is no such file.
    TypeError, ValueError
        If fractions, seed, batch_size or workers mean nothing; at setup as :class:`MICRO2D`; if the part is empty whose loader is wanted.
    RuntimeError
        If a loader is asked for before setup.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from twopoint_models.data import MICRO2DWriter
    >>> from twopoint_models.data.modules import MICRO2DModule
    >>> path = tempfile.mkdtemp() + "/own.h5"
    >>> with MICRO2DWriter(path, {"stripes": 10}, size=8) as writer:
    ...     writer.write("stripes", np.tile(np.array([0, 1], np.uint8), (10, 8, 4)))
    >>> module = MICRO2DModule(path, size=16, batch_size=4)
    >>> module.setup()
    >>> module.classes, [tuple(batch["image"].shape) for batch in module.train_dataloader()]
    (('stripes',), [(4, 1, 16, 16), (4, 1, 16, 16)])
    """

    classes: tuple[str, ...]
    property_names: tuple[str, ...]

    def __init__(
        self,
        path: str | os.PathLike[str],
        classes: Iterable[str] | None = None,
        size: int | None = 224,
        properties: Iterable[str] | None = None,
        contrast: int | None = None,
        *,
        fractions: Iterable[float] = (0.8, 0.1, 0.1),
        seed: int = 0,
        missing: str = "refuse",
        together: bool = False,
        batch_size: int = 64,
        workers: int = 0,
    ) -> None:
        # Plain values, so that a checkpoint that holds them can be read by torch.load(weights_only=True).
        path, fractions = os.fspath(path), tuple(fractions)
        classes, properties = (x if x is None or isinstance(x, str) else list(x) for x in (classes, properties))
        super().__init__(fractions, seed, batch_size, workers)
        self.save_hyperparameters()

    def _made(self, parts: tuple[str, ...]) -> dict[str, Any]:
        options = {key: value for key, value in self.hparams.items() if key not in ("batch_size", "workers")}
        made = {part: MICRO2D(split=None if part == ALL else part, **options) for part in parts}
        for dataset in made.values():
            self.classes, self.property_names = dataset.classes, dataset.property_names
        return made


class PatchesModule(_Module):
    """Patches of micrographs, split by parent, as batches for a Lightning Trainer.

    A batch is a dict of image (B, 1, h, w) float32, the gray values divided by white; label, of the parents; parent (B,), its place among
    those of the part; row and column (B,) of the upper left pixel. Overlapping patches of one parent never come into two parts. Order,
    devices and prediction are as with :class:`MICRO2DModule`.

    Parameters
    ----------
    windows : SlidingWindows, or dict of str to SlidingWindows
        Patches of all parents; or those of "train", "validation" and "test" where parents are dealt out already, in which case fractions
        are what they are. They are no hyperparameter: a checkpoint does not hold them.
    white : float
        The gray value that becomes 1: 255 for 8-bit images; 1 for what is 0 and 1 already. A patch that holds more is refused.
    fractions : three floats
        Shares of the parents in train, validation and test.
    seed, batch_size, workers : int
        As for :class:`MICRO2DModule`.

    Raises
    ------
    TypeError, ValueError
        If windows are something else, or an option means nothing; at setup, if the parents are too few for the parts.
    RuntimeError
        If a loader is asked for before setup.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import SlidingWindows
    >>> from twopoint_models.data.modules import PatchesModule
    >>> micrographs = [np.full((64, 96), 10 * i, np.uint8) for i in range(10)]
    >>> module = PatchesModule(SlidingWindows(micrographs, 32, 16), white=255, batch_size=8)
    >>> module.setup("test")
    >>> [tuple(batch["image"].shape) for batch in module.test_dataloader()]
    [(8, 1, 32, 32), (7, 1, 32, 32)]
    """

    def __init__(
        self,
        windows: SlidingWindows | Mapping[str, SlidingWindows],
        *,
        white: float = 1.0,
        fractions: Iterable[float] = (0.8, 0.1, 0.1),
        seed: int = 0,
        batch_size: int = 64,
        workers: int = 0,
    ) -> None:
        fractions = _shares(windows) if isinstance(windows, Mapping) else tuple(fractions)
        super().__init__(fractions, seed, batch_size, workers)
        if not isinstance(windows, (SlidingWindows, Mapping)):
            raise TypeError(f"windows must be SlidingWindows, or those of each part, got {type(windows).__name__}")
        if not white > 0:
            raise ValueError(f"white must be a gray value above 0, got {white!r}")
        self.windows = windows
        self.save_hyperparameters(ignore=["windows"])

    def _made(self, parts: tuple[str, ...]) -> dict[str, Any]:
        found: dict[str, SlidingWindows]
        if isinstance(self.windows, Mapping):
            found = {**self.windows, ALL: SlidingWindows.together(self.windows.values())}
        else:
            shares = {part: share for part, share in zip(SPLITS, self.hparams.fractions, strict=True) if share}
            found = dict(zip(shares, self.windows.split(shares.values(), self.hparams.seed), strict=True)) | {ALL: self.windows}
        return {part: GrayPatches(found[part], self.hparams.white) if part in found else () for part in parts}


def _shares(windows: Mapping[str, SlidingWindows]) -> tuple[float, ...]:
    """Return the shares of the three parts; refuse others."""
    if set(windows) != set(SPLITS) or not all(isinstance(each, SlidingWindows) for each in windows.values()):
        raise ValueError(f"windows must be SlidingWindows of the parts {', '.join(SPLITS)}, got {dict(windows)}")
    counts = [len(windows[part]) for part in SPLITS]
    return tuple(n / sum(counts) for n in counts)
