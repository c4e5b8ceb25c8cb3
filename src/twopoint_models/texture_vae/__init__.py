"""The texture VAE: an autoencoder of patches of micrographs whose loss compares textures.

Sardeshmukh et al., *TextureVAE: learning interpretable representations of material microstructures using variational autoencoders* (2021).
A frozen VGG-19 encodes a patch and judges its reconstruction; two fully connected layers and a decoder are trained.

Where the paper's parts are:

- section 3.2, eq. (2), the loss, and training: ``train``; the style loss itself: :func:`twopoint.style_loss`
- section 3.3 and Fig. 2, the network: ``network``; another decoder, in which noise places the grains: ``decoder``
- section 4.1, castings and patches: :mod:`twopoint_models.data`
- section 4.2, encodings and similarities: ``evaluate``; DISTS and STSIM-2: ``similarity`` in :mod:`twopoint_models.evaluation`
- section 4.4, regressions of properties: ``regressions``, of whole samples: ``samples``; the homogenised properties: ``properties``
- Tables 1 to 3: ``tables``; Figs 4 to 7: ``figures``

The commands, with a form for two cores::

    python examples/train_texture_vae.py --out textures --small
    python examples/evaluate_texture_vae.py --runs textures --out evaluation --small
    python examples/predict_from_textures.py --runs textures --out predictions --small
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .config import TextureConfig
    from .decoder import TextureDecoder
    from .evaluate import code, correlations_with, encodings, similarities
    from .figures import figures_of_properties, figures_of_texture_vae
    from .network import TextureVAE
    from .properties import micrograph_properties
    from .regressions import leave_one_out, predict
    from .samples import predict_samples, sample_moments
    from .tables import summarise_properties, summarise_similarities
    from .train import TextureVAETask, make_vgg, train_texture_vae

__all__ = [
    "TextureConfig",
    "TextureDecoder",
    "TextureVAE",
    "TextureVAETask",
    "code",
    "correlations_with",
    "encodings",
    "figures_of_properties",
    "figures_of_texture_vae",
    "leave_one_out",
    "make_vgg",
    "micrograph_properties",
    "predict",
    "predict_samples",
    "sample_moments",
    "similarities",
    "summarise_properties",
    "summarise_similarities",
    "train_texture_vae",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".config": "TextureConfig",
        ".decoder": "TextureDecoder",
        ".evaluate": "code correlations_with encodings similarities",
        ".figures": "figures_of_properties figures_of_texture_vae",
        ".network": "TextureVAE",
        ".properties": "micrograph_properties",
        ".regressions": "leave_one_out predict",
        ".samples": "predict_samples sample_moments",
        ".tables": "summarise_properties summarise_similarities",
        ".train": "TextureVAETask make_vgg train_texture_vae",
    },
)
