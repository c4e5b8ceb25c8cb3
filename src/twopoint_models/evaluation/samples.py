"""How far the samples of a generator are from images that it has not seen."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Shaped

from twopoint.adapters.sklearn_transformer import TwoPointTransformer

from .components import principal_axes
from .measures import distance_in_halves, specific_interface_length

COMPONENTS = 3  # principal components that are compared


def sample_distances(real: Shaped[np.ndarray, "n H W"], rows: Mapping[str, Shaped[np.ndarray, "_ H W"]]) -> dict[str, dict[str, float]]:
    """Compare the distributions of samples with that of real images, by volume fraction, interface and 2-point statistics.

    Parameters
    ----------
    real : array (n, H, W)
        Labels, 0 and 1, of 4 images or more.
    rows : dict of str to array (m, H, W)
        Labels of the samples, by name.

    Returns
    -------
    dict of str to dict of str to float
        By row: the distance of ``volume fraction``, ``interface length`` and ``component 1`` to ``3``, the principal components of the
        real images' autocorrelations at lags up to an eighth of an edge. Each is the Wasserstein distance over the mean one between two
        halves of the real images, :func:`twopoint_models.evaluation.measures.distance_in_halves`.

    Raises
    ------
    ValueError
        If there are fewer than 4 real images, or samples differ from them in size.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.samples import sample_distances
    >>> rng = np.random.default_rng(0)
    >>> real, same, more = (rng.random((40, 16, 16)) < share for share in (0.3, 0.3, 0.5))
    >>> found = sample_distances(real, {"same": same, "more": more})
    >>> found["same"]["volume fraction"] < 2, found["more"]["volume fraction"] > 10
    (True, True)
    """
    statistics = TwoPointTransformer(n_phases=2, crop=max(real.shape[-1] // 4 + 1, 2), half_lags=True).fit(real)
    known = statistics.transform(real)
    mean, axes = principal_axes(known, COMPONENTS)

    def measures(images: np.ndarray, lags: np.ndarray) -> dict[str, np.ndarray]:
        """Return the numbers (m,) that are compared, by name."""
        shares = (lags - mean) @ axes.T
        found = {"volume fraction": images.mean((1, 2)), "interface length": specific_interface_length(images)}
        return found | {f"component {i + 1}": shares[:, i] for i in range(COMPONENTS)}

    own = measures(real, known)
    theirs = {name: measures(made, statistics.transform(made)) for name, made in rows.items()}
    return {name: {key: distance_in_halves(own[key], value) for key, value in found.items()} for name, found in theirs.items()}
