"""Images of lines as batches of torch."""

from collections.abc import Iterable
from typing import Any

from ..checks import positive
from ..data.modules.parts import ALL, PartsModule
from ..data.splits import SPLITS
from .line_images import PAPER, LineImages


class LinesModule(PartsModule):
    """Load images of :class:`LineImages`, generated on access, as batches for a Lightning Trainer.

    A batch is a dict of image (B, 1, size, size) float32, 0 on lines and 1 elsewhere; orientation (B,), 0 horizontal and 1 vertical;
    n_lines (B,); and index (B,). Order, devices and prediction are those of :class:`twopoint_models.data.modules.MICRO2DModule`.

    Parameters
    ----------
    counts : three int
        Number of images of train, validation and test, which are disjoint.
    size, n_lines
        As for :class:`LineImages`.
    seed, batch_size, workers : int
        As for :class:`twopoint_models.data.modules.MICRO2DModule`; the seed also determines the images.

    Raises
    ------
    TypeError, ValueError
        If an option is invalid; as :class:`LineImages`.
    RuntimeError
        If a loader is requested before setup.

    Examples
    --------
    >>> from twopoint_models.statistics_vae import LinesModule
    >>> module = LinesModule((20, 4, 6), size=64, batch_size=8)
    >>> module.setup("test")
    >>> [tuple(batch["image"].shape) for batch in module.test_dataloader()]
    [(6, 1, 64, 64)]
    """

    def __init__(
        self,
        counts: Iterable[int] = (80_000, 10_000, 10_000),
        *,
        size: int = PAPER,
        n_lines: tuple[int, int] = (1, 5),
        seed: int = 0,
        batch_size: int = 64,
        workers: int = 0,
    ) -> None:
        counts = tuple(positive("counts", count, zero=True) for count in counts)
        if len(counts) != len(SPLITS) or not sum(counts):
            raise ValueError(f"counts must be three numbers of images, of {', '.join(SPLITS)}, not all 0, got {counts}")
        fractions = tuple(count / sum(counts) for count in counts)
        super().__init__(fractions, seed, batch_size, workers)
        n_lines = LineImages(0, size=size, n_lines=n_lines).n_lines  # refuses options that cannot be drawn
        self.save_hyperparameters()

    def _made(self, parts: tuple[str, ...]) -> dict[str, Any]:
        o = self.hparams
        first = {part: sum(o.counts[:i]) for i, part in enumerate(SPLITS)} | {ALL: 0}
        count = dict(zip(SPLITS, o.counts, strict=True)) | {ALL: sum(o.counts)}
        return {part: LineImages(count[part], size=o.size, n_lines=o.n_lines, seed=o.seed, first=first[part]) for part in parts}
