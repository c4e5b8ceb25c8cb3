"""Trained networks that come with the package: small files, each with a model card.

A folder beside this file is a network: ``model.safetensors`` in half precision, ``model.json``, and ``card.md``, which says on what it was
trained, how long, how good it is beside trivial baselines, and under which licence. ``hashes.json`` holds the hash of each file of
weights. ``python -m benchmarks.publish_model`` writes all of them from a run.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .loading import card, load, names

__all__ = [
    "card",
    "load",
    "names",
]

__getattr__, __dir__ = lazily(__name__, {".loading": "card load names"})
