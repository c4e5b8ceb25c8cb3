"""The CESS VAE: a variational autoencoder of microstructures whose loss compares 2-point statistics.

Cai, Hashemi, Paulson and Guerzhoy, *Latent representation of microstructures using variational autoencoders with spatial statistics-space
loss*. The encoder turns an image of phases into a latent image at a sixteenth of its resolution; the decoder turns this back. A run trains
with the mean squared error first and with a statistics loss afterwards.

Where the paper's parts are:

- eqs. (1) and (7) to (10), statistics and losses: :mod:`twopoint` (``correlations``, ``msess``, ``cess``, ``clamp``, ``mse_cess``)
- eq. (3), the style loss, eq. (11), CESS on the centre crop, and CESS of cumulative statistics, as losses of logits: ``losses``
- section 3.3 and Fig. 5, the network: ``network`` and ``blocks``; the same network in JAX: ``on_jax``
- ours: the distribution of latent images from which samples are drawn: ``prior``
- section 3.4, which loss a run begins and ends with: ``regimes``; all choices of a run: ``config``
- section 3.4, training: ``train`` (one run) by ``tasks``, ``several`` (all regimes), ``sweep`` (the search of hyperparameters), ``presets``
- ours: ``discriminator``, the adversary of a regime that asks for shapes beside statistics, and ``patches``, its distance of patches
- section 4.1, scores, their tables and Figs 7 to 12: ``evaluation``
- section 4.3, properties and designs: :mod:`twopoint_models.design`

The commands, with a form for two cores::

    python examples/train_cess_vae.py --out runs --small
    python examples/evaluate_cess_vae.py --runs runs --out evaluation --small
    python examples/compare_cess_regimes.py --out compared --small
    python examples/train_jax_vae.py --out jax_run --small
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .config import CESSConfig
    from .evaluation.comparisons import compare_seeds
    from .evaluation.evaluate import score_rows
    from .evaluation.sensitivity import line_sensitivity
    from .evaluation.tables import summarise
    from .network import CESSVAE
    from .regimes import REGIMES
    from .several import sweep_regimes, train_regimes
    from .sweep import sweep_regime
    from .tasks import CESSVAETask
    from .train import train_cess_vae

__all__ = [
    "CESSVAE",
    "REGIMES",
    "CESSConfig",
    "CESSVAETask",
    "compare_seeds",
    "line_sensitivity",
    "score_rows",
    "summarise",
    "sweep_regime",
    "sweep_regimes",
    "train_cess_vae",
    "train_regimes",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".evaluation.comparisons": "compare_seeds",
        ".config": "CESSConfig",
        ".evaluation.evaluate": "score_rows",
        ".network": "CESSVAE",
        ".regimes": "REGIMES",
        ".evaluation.sensitivity": "line_sensitivity",
        ".several": "sweep_regimes train_regimes",
        ".sweep": "sweep_regime",
        ".evaluation.tables": "summarise",
        ".tasks": "CESSVAETask",
        ".train": "train_cess_vae",
    },
)
