"""MICRO2D's files as batches of torch."""

import os
from collections.abc import Iterable
from typing import Any

from ..micro2d import MICRO2D
from .parts import ALL, PartsModule


class MICRO2DModule(PartsModule):
    """Load images of a file in MICRO2D's layout as batches for a Lightning Trainer.

    A batch collects items of :class:`MICRO2D`: a dict of image (B, 1, size, size) float32, the membership of
    phase 1; name, a list of B class names; class_index (B,) int64; index (B,) int64, the index in the class; and properties (B, k) float32.
    The order of the train part depends on seed and epoch only, so that runs are reproducible and a run that is resumed after an epoch
    equals one without a stop. Other parts are in the order of the file. Several devices share the same order, so that their batches
    together are those of one device with larger batches. Prediction uses all images.

    Parameters
    ----------
    path : str or path
        The file, e.g. ``MICRO2D_homogenized.h5``.
    classes : list of str, optional
        Classes to read; by default all.
    size : int, optional
        Images are resized to (size, size) pixels; None keeps their size.
    properties : list of str, optional
        Properties to return with each image, by their names in the file.
    contrast : int, optional
        Index of the contrast of the phases; -1 is the last.
    fractions : three floats
        Shares of train, validation and test in each class.
    seed : int
        Seed of the split and of the order of the train part.
    order_seed : int, optional
        Seed of the order of the train part, if it differs from that of the split.
    missing : "refuse", "drop" or "keep"
        What to do if a requested property is NaN, as for :class:`MICRO2D`.
    together : bool
        Whether images of all classes at the same index are in the same part, as for :class:`MICRO2D`.
    batch_size : int
        Images in a batch, on each device.
    workers : int
        Processes that read, for each loader and device, which persist between epochs; 0 reads in the process that trains.

    Attributes
    ----------
    classes : tuple of str
        Classes of the dataset, after setup.
    property_names : tuple of str
        Names of the properties of an image, in order, after setup.

    Raises
    ------
    FileNotFoundError
        At setup, if the file is missing.
    TypeError, ValueError
        If fractions, seed, batch_size or workers are invalid; at setup as :class:`MICRO2D`; if a loader of an empty part is requested.
    RuntimeError
        If a loader is requested before setup.

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
        together: bool = True,
        batch_size: int = 64,
        workers: int = 0,
        order_seed: int | None = None,
    ) -> None:
        # Plain values, so that torch.load(weights_only=True) can read a checkpoint that holds them.
        path, fractions = os.fspath(path), tuple(fractions)
        classes, properties = (x if x is None or isinstance(x, str) else list(x) for x in (classes, properties))
        super().__init__(fractions, seed, batch_size, workers, order_seed)
        self.save_hyperparameters()

    def _made(self, parts: tuple[str, ...]) -> dict[str, Any]:
        options = {key: value for key, value in self.hparams.items() if key not in ("batch_size", "workers", "order_seed")}
        made = {part: MICRO2D(split=None if part == ALL else part, **options) for part in parts}
        for dataset in made.values():
            self.classes, self.property_names = dataset.classes, dataset.property_names
        return made
