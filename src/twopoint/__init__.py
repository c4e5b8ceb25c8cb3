"""2-point spatial statistics of microstructures as differentiable losses, on numpy, torch and jax."""

from .losses.clamp import clamp
from .losses.gradient import value_and_grad
from .losses.spatial import cess, mse_cess, msess
from .losses.style import gram, style_loss
from .reconstruction.reconstruct import Reconstruction, reconstruct
from .statistics.error import statistics_error
from .statistics.functions import autocorrelation, correlations, cross_correlation, pair_counts, power_spectrum
from .statistics.phases import one_hot, two_phase, volume_fractions
from .statistics.radial import radial_average
from .statistics.target import TargetStatistics, target_statistics

__version__ = "0.1.0"

__all__ = [
    "Reconstruction",
    "TargetStatistics",
    "autocorrelation",
    "cess",
    "clamp",
    "correlations",
    "cross_correlation",
    "gram",
    "mse_cess",
    "msess",
    "one_hot",
    "pair_counts",
    "power_spectrum",
    "radial_average",
    "reconstruct",
    "statistics_error",
    "style_loss",
    "target_statistics",
    "two_phase",
    "value_and_grad",
    "volume_fractions",
]
