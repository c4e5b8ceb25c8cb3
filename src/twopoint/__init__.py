"""2-point spatial statistics of microstructures as differentiable losses, on numpy, torch and jax."""

from .comparison import statistics_error
from .correlation import correlations
from .fields import autocorrelation, cross_correlation, pair_counts
from .gradient import value_and_grad
from .losses import cess, clamp, mse_cess, msess
from .phases import one_hot, two_phase, volume_fractions
from .radial import radial_average
from .reconstruction import Reconstruction, reconstruct
from .spectrum import power_spectrum
from .statistics import TargetStatistics, target_statistics
from .style import gram, style_loss

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
