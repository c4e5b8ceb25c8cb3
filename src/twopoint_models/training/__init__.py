"""Training by pytorch-lightning: configs, regimes, runs that go on after a kill, sweeps."""

from .._check import NotFiniteError
from .config import Config
from .property_mlp import fit_property_mlp
from .regimes import REGIMES
from .run import train
from .several import sweep_regimes, train_regimes
from .statistics_vae import StatisticsConfig, StatisticsVAETask, train_statistics_vae
from .sweep import sweep
from .tasks import CESSVAETask
from .texture_vae import TextureConfig, TextureVAETask, train_texture_vae

__all__ = [
    "REGIMES",
    "CESSVAETask",
    "Config",
    "NotFiniteError",
    "StatisticsConfig",
    "StatisticsVAETask",
    "TextureConfig",
    "TextureVAETask",
    "fit_property_mlp",
    "sweep",
    "sweep_regimes",
    "train",
    "train_regimes",
    "train_statistics_vae",
    "train_texture_vae",
]
