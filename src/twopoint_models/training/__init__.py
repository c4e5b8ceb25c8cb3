"""Training by pytorch-lightning, as far as several systems share it.

The files are ``choices`` (the config of a run and its command line), ``fitting`` (the trainer, checkpoints, and resuming a run that was
killed), ``tasks`` (what the LightningModules of all VAEs share) and ``pictures`` (validation images after each epoch).
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from ..checks import NotFiniteError

__all__ = [
    "NotFiniteError",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "..checks": "NotFiniteError",
    },
)
