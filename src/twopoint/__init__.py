"""2-point spatial statistics of microstructures as differentiable losses, on numpy, torch and jax."""

from .descriptors import chord_lengths, cluster_correlation, euler_number, lineal_path, three_point
from .losses import cess, clamp, descriptor_loss, gram, mse_cess, msess, style_loss, value_and_grad
from .reconstruction import Reconstruction, reconstruct
from .statistics import (
    TargetStatistics,
    autocorrelation,
    correlations,
    cross_correlation,
    one_hot,
    pair_counts,
    power_spectrum,
    radial_average,
    statistics_error,
    target_statistics,
    two_phase,
    volume_fractions,
)

__version__ = "0.1.0"

__all__ = [
    "Reconstruction",
    "TargetStatistics",
    "autocorrelation",
    "cess",
    "chord_lengths",
    "clamp",
    "cluster_correlation",
    "correlations",
    "cross_correlation",
    "descriptor_loss",
    "euler_number",
    "gram",
    "lineal_path",
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
    "three_point",
    "two_phase",
    "value_and_grad",
    "volume_fractions",
]
