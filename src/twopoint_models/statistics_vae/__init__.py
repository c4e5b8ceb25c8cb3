"""The statistics VAE: an autoencoder of images of lines whose loss compares autocorrelations instead of pixels.

Hashemi, Guerzhoy and Paulson, *Toward learning latent-variable representations of microstructures by optimizing in spatial statistics
space* (2024). A ResNet encodes a gray image to a few numbers; transposed convolutions decode these to an image of the same statistics.

Where the paper's parts are:

- images of lines and their batches: ``line_images``, ``batches``; micrographs: :mod:`twopoint_models.data`
- the network: ``network``, on the ResNet of ``resnet``
- the loss, ``alpha |f(x) - f(x_rec)|^2 + beta KL``, also with cumulative statistics in place of f, and training: ``train``
- labels, volume fractions and errors, appendices B.1 and B.2, and the nearest images in statistics, appendix B.3: ``lines``
- the stiffness of reconstructions, which the paper leaves open: ``line_moduli``
- all measures of several networks: ``evaluate``; the figures of appendix B: ``figures``

The commands, with a form for two cores::

    python examples/train_statistics_vae.py --out statistics --small
    python examples/evaluate_statistics_vae.py --runs statistics --out evaluation --small
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .batches import LinesModule
    from .config import StatisticsConfig
    from .evaluate import choose_threshold, evaluate_statistics_vaes
    from .figures import figures_of_lines
    from .line_images import LineImages
    from .line_moduli import modulus_differences
    from .lines import components_mse, count_lines, measure_lines, nearest_in_statistics
    from .network import ResNetVAE
    from .resnet import ResNet
    from .train import StatisticsVAETask, train_statistics_vae

__all__ = [
    "LineImages",
    "LinesModule",
    "ResNet",
    "ResNetVAE",
    "StatisticsConfig",
    "StatisticsVAETask",
    "choose_threshold",
    "components_mse",
    "count_lines",
    "evaluate_statistics_vaes",
    "figures_of_lines",
    "measure_lines",
    "modulus_differences",
    "nearest_in_statistics",
    "train_statistics_vae",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".batches": "LinesModule",
        ".config": "StatisticsConfig",
        ".evaluate": "choose_threshold evaluate_statistics_vaes",
        ".figures": "figures_of_lines",
        ".line_images": "LineImages",
        ".line_moduli": "modulus_differences",
        ".lines": "components_mse count_lines measure_lines nearest_in_statistics",
        ".network": "ResNetVAE",
        ".resnet": "ResNet",
        ".train": "StatisticsVAETask train_statistics_vae",
    },
)
