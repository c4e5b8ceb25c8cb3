"""Lines in images: a counter of lines and their orientation, and measures of reconstructions."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

import twopoint as tp

from ..evaluation.components import principal_axes
from ..evaluation.nearest import nearest_rows

LEAST = 0.25  # share of the size of the image; shorter pieces are not lines


class LineCounts(NamedTuple):
    """Labels of images, read from their pixels.

    Attributes
    ----------
    orientation : int array (n,)
        0 horizontal, 1 vertical, -1 if there is no line or equally much of both.
    n_lines : int array (n,)
        Number of lines of that orientation.
    black : float64 array (n,)
        Volume fraction of black.
    """

    orientation: np.ndarray
    n_lines: np.ndarray
    black: np.ndarray


def count_lines(images: Float[np.ndarray, "n height width"], *, threshold: float = 0.5, periodic: bool = False) -> LineCounts:
    """Count the lines of images.

    Dark pixels that share an edge form a piece. A piece is horizontal if its bounding box is wider than high. The orientation of the image
    is that with the larger total length. A piece of that orientation is a line if it is at least a quarter of the image long.

    Parameters
    ----------
    images : array (n, H, W) or (n, 1, H, W)
        Gray values, 0 black and 1 white.
    threshold : float
        Gray value below which a pixel is black.
    periodic : bool
        Translate each image periodically to where its edges cut the fewest neighbouring pairs of black pixels. For images that are known
        up to a translation only, in which lines may be continued at the opposite edge.

    Returns
    -------
    LineCounts

    Raises
    ------
    ValueError
        If images have another shape or are not finite.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024): 98 % of orientations and 63 % of numbers right.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.statistics_vae.lines import count_lines
    >>> image = np.ones((1, 32, 32))
    >>> image[0, 4:6, 3:25] = image[0, 20:23, 8:31] = 0
    >>> found = count_lines(image)
    >>> found.orientation.tolist(), found.n_lines.tolist()
    ([0], [2])
    """
    values = np.asarray(images)
    values = values[:, 0] if values.ndim == 4 and values.shape[1] == 1 else values
    if values.ndim != 3 or not np.isfinite(values).all():
        raise ValueError(f"images must have the shape (n, H, W) or (n, 1, H, W) and be finite, got {np.shape(images)}")
    black = values < threshold
    told = [_counted(_least_cut(each) if periodic else each) for each in black]
    orientation, n_lines = (np.array([each[i] for each in told], dtype=int) for i in (0, 1))
    return LineCounts(orientation, n_lines, black.mean(axis=(1, 2)))


def _least_cut(black: np.ndarray) -> np.ndarray:
    """Translate an image periodically to where its edges cut the fewest pairs of black pixels, by the least translation to the left."""
    for axis in (0, 1):
        cut = (black & np.roll(black, 1, axis)).sum(axis=1 - axis)  # pairs between each row or column and the one before it
        black = np.roll(black, -int(np.argmin(cut)), axis)
    return black


def _counted(black: np.ndarray) -> tuple[int, int]:
    """Return the orientation and the number of lines of an image."""
    boxes = [[side.stop - side.start for side in box] for box in ndimage.find_objects(ndimage.label(black)[0])]
    spans = [[width for height, width in boxes if width > height], [height for height, width in boxes if height > width]]
    wide, high = (sum(lengths) for lengths in spans)
    if wide == high:
        return -1, 0
    orientation = int(high > wide)
    return orientation, sum(length >= LEAST * black.shape[1 - orientation] for length in spans[orientation])


DEVIATION = 0.25  # standard deviation of soft membership in gray values
HALF = DEVIATION * (2 * math.log(2)) ** 0.5  # the gray value whose membership is 1/2, .294
BATCH = 64


class LineMeasures(NamedTuple):
    """Measures of images and their reconstructions, arrays (n,).

    Attributes
    ----------
    orientation_right, number_right : bool arrays
        Whether orientation and number of the lines of the thresholded reconstruction are right; None for images without labels.
    volume_fraction_difference : float64 array
        ``|black(x) - black(x_rec)| / black(x)`` of the thresholded reconstruction.
    statistics_mse, cumulative_mse, data_mse : float64 arrays
        Mean squared errors over lags of the autocorrelation of soft black and of its cumulative form, and over pixels.
    """

    orientation_right: np.ndarray | None
    number_right: np.ndarray | None
    volume_fraction_difference: np.ndarray
    statistics_mse: np.ndarray
    cumulative_mse: np.ndarray
    data_mse: np.ndarray

    @property
    def means(self) -> dict[str, float]:
        """The means of the measures by name."""
        return {name: float(np.mean(found)) for name, found in self._asdict().items() if found is not None}


def measure_lines(
    images: Float[np.ndarray, "n 1 height width"],
    reconstructions: Float[np.ndarray, "n 1 height width"],
    orientation: Int[np.ndarray, " n"] | None = None,
    n_lines: Int[np.ndarray, " n"] | None = None,
    *,
    threshold: float = HALF,
    periodic: bool = False,
) -> LineMeasures:
    """Measure reconstructions of images of lines.

    Parameters
    ----------
    images, reconstructions : arrays (n, 1, H, W)
        Gray values, 0 on lines and 1 elsewhere.
    orientation, n_lines : int arrays (n,)
        Labels of the images, such as those of :class:`LineImages`. Without labels, measures that need them are None.
    threshold : float
        Gray value below which a pixel is black.
    periodic : bool
        As for :func:`count_lines`, of reconstructions.

    Returns
    -------
    LineMeasures

    Raises
    ------
    ValueError
        If shapes differ, all orientations are equal, so that any prediction is right, or images are white lines on black.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024), threshold 0.05: 98 % of orientations and 63 % of numbers right, volume fractions 17 % off.
    """
    if images.shape != reconstructions.shape or images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"images and reconstructions must have one shape (n, 1, H, W), got {images.shape} and {reconstructions.shape}")
    black = (images < threshold).mean(axis=(1, 2, 3))
    if not black.all():
        raise ValueError(f"images must have black pixels, image {int(np.argmin(black))} has none below {threshold:g}")
    right: tuple[np.ndarray | None, np.ndarray | None] = None, None
    if orientation is not None or n_lines is not None:
        _check_labels(orientation, n_lines, black)
        found = count_lines(reconstructions, threshold=threshold, periodic=periodic)
        right = found.orientation == orientation, (found.orientation == orientation) & (found.n_lines == n_lines)
    made = (reconstructions < threshold).mean(axis=(1, 2, 3))
    statistics = [((a - b) ** 2).mean(axis=1) for a, b in zip(*map(autocorrelations, (images, reconstructions)), strict=True)]
    return LineMeasures(
        *right,
        volume_fraction_difference=np.abs(made - black) / black,
        statistics_mse=np.concatenate(statistics),
        cumulative_mse=np.concatenate(list(map(_cumulative, soft_black(images), soft_black(reconstructions)))),
        data_mse=((images - reconstructions) ** 2).mean(axis=(1, 2, 3), dtype=np.float64),
    )


def _check_labels(orientation: Any, n_lines: Any, black: np.ndarray) -> None:
    """Refuse labels of the wrong shape, and images that are not black lines on white."""
    n = len(black)
    if np.shape(orientation) != (n,) or np.shape(n_lines) != (n,):
        raise ValueError(f"orientation and n_lines must be (n,) = ({n},), got {np.shape(orientation)} and {np.shape(n_lines)}")
    if len(np.unique(orientation)) < 2:
        raise ValueError(f"orientation must contain 0 and 1, or any prediction is right; all {n} are {np.unique(orientation).tolist()}")
    if black.mean() > 0.5:
        raise ValueError("images must be black lines on white, got images that are mostly black; pass 1 - images")


def nearest_in_statistics(
    images: Float[np.ndarray, "n 1 height width"], among: Float[np.ndarray, "m 1 height width"]
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Return, for each image, the index of the image with the nearest autocorrelation of soft black, and the mean squared error over lags.

    Parameters
    ----------
    images, among : arrays (n, 1, H, W), (m, 1, H, W)
        Gray values, 0 black and 1 white, of the same size.

    Returns
    -------
    int array (n,), float64 array (n,)

    Raises
    ------
    ValueError
        If sizes differ, or among is empty.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024), appendix B.3.
    """
    if images.shape[1:] != among.shape[1:] or images.ndim != 4 or not len(among):
        raise ValueError(
            f"images and among must have at least one image each, of equal sizes (n, 1, H, W), got {images.shape} and {among.shape}"
        )
    return nearest_rows(np.concatenate(list(autocorrelations(images))), autocorrelations(among))


def components_mse(
    images: Float[np.ndarray, "n 1 height width"], known: Float[np.ndarray, "m 1 height width"], count: int
) -> Float[np.ndarray, " n"]:
    """Return the errors of projecting autocorrelations of soft black on principal components of those of known images.

    Parameters
    ----------
    images, known : arrays (n, 1, H, W), (m, 1, H, W)
        Gray values, 0 black and 1 white, of the same size.
    count : int
        Number of components, such as the number of latents of a VAE.

    Returns
    -------
    float64 array (n,)
        Mean squared errors over lags.

    Raises
    ------
    ValueError
        If sizes differ, or known contains no more images than components.
    """
    if images.shape[1:] != known.shape[1:]:
        raise ValueError(f"images and known must have one size, got {images.shape} and {known.shape}")
    given, told = (np.concatenate(list(autocorrelations(x))) for x in (images, known))
    mean, axes = principal_axes(told, count)
    error: np.ndarray = ((given - mean - (given - mean) @ axes.T @ axes) ** 2).mean(axis=1)
    return error


def autocorrelations(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield autocorrelations of soft black, (batch, lags) float64."""
    for soft in soft_black(images):
        yield tp.autocorrelation(soft[:, 0]).reshape(len(soft), -1)


def soft_black(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield soft memberships in black, (batch, 1, H, W) float64."""
    for start in range(0, len(images), BATCH):
        x = images[start : start + BATCH].astype(np.float64)
        yield np.exp(-(x**2) / (2 * DEVIATION**2))


def _cumulative(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the mean squared errors of cumulative autocorrelations of two batches."""
    found: np.ndarray = tp.msess(a, b, cumulative=True, reduction="none")
    return found
