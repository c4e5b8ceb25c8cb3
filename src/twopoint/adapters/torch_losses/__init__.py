"""The losses as modules of torch: options in the constructor, ``forward(prediction, target)`` as the functions.

Each file has one subject: the losses on statistics (``spatial``), ``clamp``, ``style``, what all modules share (``module``), and the
``cache`` of target statistics.
"""

from .cache import TargetCache
from .clamp import Clamp
from .spatial import CESS, MSECESS, MSESS
from .style import StyleLoss

__all__ = ["CESS", "MSECESS", "MSESS", "Clamp", "StyleLoss", "TargetCache"]
