"""MICRO2D's files as batches of torch."""

import os
from collections.abc import Iterable
from typing import Any

from ..micro2d import MICRO2D
from .parts import ALL, PartsModule


class MICRO2DModule(PartsModule):
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
    order_seed : int, optional
        Shuffles the train part in the seed's place, so that runs differ in their order and not in their images.
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
        order_seed: int | None = None,
    ) -> None:
        # Plain values, so that a checkpoint that holds them can be read by torch.load(weights_only=True).
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
