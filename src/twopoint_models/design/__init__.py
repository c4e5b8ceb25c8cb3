"""Design: from properties to microstructures that have them.

Cai et al., section 4.3, by the latents of :mod:`twopoint_models.cess_vae`, and a descent through homogenisation of our own.

Where the parts are:

- which target properties phases can reach: ``targets``; the properties themselves: :func:`twopoint_models.homogenisation.properties_of`
- the descent through the decoder and homogenisation: ``search``
- the paper's predictor of properties from latents: ``predictor``; designs on it, the paper's way: ``by_predictor``
- properties that the predictor learns, by homogenisation: ``labels``; properties of images with intervals: ``images``
- latents beside thumbnails and components of 2-point statistics: ``descriptions``
- designs in several ways for the same targets: ``compare``; whether a design looks like a known microstructure: ``plausibility``
- errors and tables: ``tables``; the chart of scores: ``figures``

The commands, on a network that ``examples/train_cess_vae.py`` left::

    python examples/design.py --runs runs/sharp --data generated.h5 --E_x 5.0 --out designs
    python examples/compare_designs.py --runs runs/sharp --out comparison --small
    python examples/compare_property_features.py --runs runs --out features --small
    python examples/predict_properties.py --runs runs/sharp --data own.h5 --out properties --small
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from ..homogenisation.two_phase import PROPERTIES, Materials, properties_of
    from .by_predictor import latents_by_network, latents_by_search
    from .descriptions import compare_descriptions, statistics_components, thumbnails
    from .images import ImagePredictor, train_predictor
    from .labels import labelled
    from .plausibility import Plausibility, plausibility_of
    from .predictor import PropertyMLP, fit_property_mlp
    from .search import Designs, design
    from .tables import property_scores
    from .targets import reachable

__all__ = [
    "PROPERTIES",
    "Designs",
    "ImagePredictor",
    "Materials",
    "Plausibility",
    "PropertyMLP",
    "compare_descriptions",
    "design",
    "fit_property_mlp",
    "labelled",
    "latents_by_network",
    "latents_by_search",
    "plausibility_of",
    "properties_of",
    "property_scores",
    "reachable",
    "statistics_components",
    "thumbnails",
    "train_predictor",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".by_predictor": "latents_by_network latents_by_search",
        ".descriptions": "compare_descriptions statistics_components thumbnails",
        ".images": "ImagePredictor train_predictor",
        ".labels": "labelled",
        ".plausibility": "Plausibility plausibility_of",
        ".predictor": "PropertyMLP fit_property_mlp",
        ".search": "Designs design",
        ".tables": "property_scores",
        ".targets": "reachable",
        "..homogenisation.two_phase": "PROPERTIES Materials properties_of",
    },
)
