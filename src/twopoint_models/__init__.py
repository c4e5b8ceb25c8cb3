"""Models on 2-point statistics. This package imports nothing by itself; import each part by its own name.

``load(name)`` returns a trained network: one that comes with the package (``pretrained``), or that of a folder.

Five systems, one a folder: ``cess_vae``, ``statistics_vae``, ``texture_vae``, ``manifold`` and ``design``. The docstring of each is its
paper's page. What one system alone uses lives in its folder. What two or more use lives in a layer: ``data``, ``nets``, ``training``,
``evaluation`` and ``homogenisation``.

Some files lie beside the layers, because all use them or because they join two layers:

- ``arrays``: arrays of the user's through the networks of all systems
- ``cli``: the commands ``twopoint model ...``, above all systems
- ``images``: images of the user's, one at a time: ``open_images``
- ``checks``: refusals of arguments that every part shares
- ``lazy``: packages whose public names are imported when they are first used
- ``processes``: work in several processes, for generators, homogenisation and training alike
- ``properties``: the homogenisation of a dataset, which joins ``data`` and ``homogenisation``
- ``weights``: pretrained weights, which are fetched without torch and so not from ``nets``
"""

from typing import TYPE_CHECKING

from .lazy import lazily

if TYPE_CHECKING:
    from .images import open_images
    from .pretrained import load

__all__ = [
    "load",
    "open_images",
]

__getattr__, __dir__ = lazily(__name__, {".images": "open_images", ".pretrained": "load"})
