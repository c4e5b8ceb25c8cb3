"""Patches of micrographs as batches of torch."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..patches import GrayPatches, PhasePatches, SlidingWindows
from ..splits import SPLITS
from .parts import ALL, PartsModule


class PatchesModule(PartsModule):
    """Load patches of micrographs, split by parent, as batches for a Lightning Trainer.

    A batch is a dict of image (B, 1, h, w) float32, the gray values divided by white; label, the labels of the parents; parent (B,), their
    indices within the part; row and column (B,) of the upper left pixels. All patches of a parent are in the same part. Order, devices and
    prediction are those of :class:`MICRO2DModule`.

    Parameters
    ----------
    windows : SlidingWindows, or dict of str to SlidingWindows
        Patches of all parents, or those of "train", "validation" and "test", in which case fractions are ignored. Checkpoints do not hold
        them.
    white : float
        Gray value that becomes 1: 255 for 8-bit images, 1 for values in [0, 1]. A patch with a larger value is refused.
    fractions : three floats
        Fractions of the parents in train, validation and test.
    seed, batch_size, workers, order_seed : int
        As for :class:`MICRO2DModule`.
    phases : int, optional
        Number N of phases, of which the parents hold labels 0 to N-1: images are memberships (B, N, h, w) instead of gray values.

    Raises
    ------
    TypeError, ValueError
        If windows have another type, or an option is invalid; at setup, if there are too few parents for the parts.
    RuntimeError
        If a loader is requested before setup.

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
        order_seed: int | None = None,
        phases: int | None = None,
    ) -> None:
        fractions = _shares(windows) if isinstance(windows, Mapping) else tuple(fractions)
        super().__init__(fractions, seed, batch_size, workers, order_seed)
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
        n, white = self.hparams.phases, self.hparams.white
        made = {part: (GrayPatches(found[part], white) if n is None else PhasePatches(found[part], n)) for part in parts if part in found}
        return {part: made.get(part, ()) for part in parts}


def _shares(windows: Mapping[str, SlidingWindows]) -> tuple[float, ...]:
    """Return the fractions of the three parts; refuse other parts."""
    if set(windows) != set(SPLITS) or not all(isinstance(each, SlidingWindows) for each in windows.values()):
        raise ValueError(f"windows must be SlidingWindows of the parts {', '.join(SPLITS)}, got {dict(windows)}")
    counts = [len(windows[part]) for part in SPLITS]
    return tuple(n / sum(counts) for n in counts)
