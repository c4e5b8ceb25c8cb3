"""2-point statistics: phases, lags, correlations and their adjoint, the public functions, and target statistics."""

from .error import statistics_error
from .functions import autocorrelation, correlations, cross_correlation, pair_counts, power_spectrum
from .phases import one_hot, two_phase, volume_fractions
from .radial import radial_average
from .target import TargetStatistics, target_statistics

__all__ = [
    "TargetStatistics",
    "autocorrelation",
    "correlations",
    "cross_correlation",
    "one_hot",
    "pair_counts",
    "power_spectrum",
    "radial_average",
    "statistics_error",
    "target_statistics",
    "two_phase",
    "volume_fractions",
]
