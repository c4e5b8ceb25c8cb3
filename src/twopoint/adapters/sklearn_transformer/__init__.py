"""A transformer of scikit-learn from images of microstructures to 2-point statistics, one row per sample.

``samples`` turns what scikit-learn passes into microstructures, ``features`` names and folds the statistics, and ``transformer`` is the
estimator.
"""

from .transformer import TwoPointTransformer

__all__ = ["TwoPointTransformer"]
