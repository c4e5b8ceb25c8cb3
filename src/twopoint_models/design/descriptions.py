"""Descriptions of microstructures for a predictor of properties, the splits that judge them, and how they compare."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Real
from torch import Tensor

import twopoint as tp

from ..cess_vae.config import REDUCTION
from ..cess_vae.network import CESSVAE
from ..checks import positive
from ..evaluation.components import principal_axes
from ..evaluation.reconstructions import thresholded
from ..evaluation.trivial import block_means
from ..nets.blocks import count_of, mixed
from ..nets.files import Network
from .convolutional import fit_property_network
from .predictor import fit_property_mlp
from .tables import property_scores, summarise_scores

BATCH = 64
Splits = Sequence[tuple[np.ndarray, np.ndarray]]


def random_splits(count: int, seeds: int, *, share: float = 0.2, seed: int = 0) -> Splits:
    """Return random splits: the indices of training and test items for each seed."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(count) for _ in range(positive("seeds", seeds))]
    test = max(1, round(share * count))
    return [(order[test:], order[:test]) for order in orders]


def folds(count: int, number: int, *, seed: int = 0) -> Splits:
    """Return the splits of a cross-validation: each part of about equal size is the test set once, and the others are the training set."""
    parts = np.array_split(np.random.default_rng(seed).permutation(count), positive("number", number))
    return [(np.concatenate([other for j, other in enumerate(parts) if j != i]), part) for i, part in enumerate(parts)]


def latents_of(models: Mapping[str, CESSVAE], images: np.ndarray) -> dict[str, np.ndarray]:
    """Return flat latent means (n, d) of images (n, 1, H, W), by network."""
    with torch.inference_mode():
        parts = torch.from_numpy(images).split(BATCH)
        return {name: torch.cat([model.encode(x)[0].flatten(1) for x in parts]).numpy() for name, model in models.items()}


QUANTILES = np.linspace(0.1, 0.9, 9)  # of a latent image, in its pooled statistics


def pooled_latents(latents: Float[np.ndarray, "n channels height width"]) -> Float[np.ndarray, "n d"]:
    """Return statistics of latent images that do not depend on where things are.

    Parameters
    ----------
    latents : array (n, C, h, w)
        Latent images.

    Returns
    -------
    array (n, d)
        For each channel the mean, nine quantiles, and the periodic autocovariance at lags up to a quarter of the edges, of which one of
        each two opposite lags.

    Raises
    ------
    ValueError
        If latents have another number of axes.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design.descriptions import pooled_latents
    >>> pooled_latents(np.zeros((3, 1, 14, 14))).shape
    (3, 35)
    """
    if latents.ndim != 4:
        raise ValueError(f"latents must be (n, channels, height, width), got {latents.shape}")
    flat = latents.reshape(*latents.shape[:2], -1)
    mean, quantiles = flat.mean(axis=2, keepdims=True), np.quantile(flat, QUANTILES, axis=2).transpose(1, 2, 0)
    spectra = np.fft.fft2(latents - mean[..., None])
    lags = np.fft.ifft2(abs(spectra) ** 2).real / flat.shape[2]
    reach = tuple(n // 4 for n in latents.shape[2:])
    half = [(y, x) for y in range(reach[0] + 1) for x in range(-reach[1], reach[1] + 1) if (y, x) >= (0, 0)]
    covariances = np.stack([lags[:, :, y, x] for y, x in half], axis=2)
    return np.concatenate([mean, quantiles, covariances], axis=2).reshape(len(latents), -1)


def decoded_samples(model: CESSVAE, latents: np.ndarray, count: int, edge: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return microstructures drawn from the prior of a network and thresholded, and their latents.

    If the network has a fitted prior, it is used, and the latents are those that the network gives to the thresholded images. Otherwise
    latents are drawn from the normal distribution with mean and covariance of given latents.

    Parameters
    ----------
    model : CESSVAE
    latents : array (n, edge^2)
        Flat latents of images, for a network without a fitted prior.
    count : int
        Number of latents to draw.
    edge : int
        Edge of the latent image.
    seed : int

    Returns
    -------
    float32 array (count, edge^2), float32 array (count, 1, H, W) of 0 and 1

    References
    ----------
    Cai et al., section 4.3, who add such samples to the training data of the predictor.
    """
    positive("count", count)
    if model.prior is not None:
        with torch.inference_mode():
            sizes = {start: min(BATCH, count - start) for start in range(0, count, BATCH)}
            parts = [model.sample(n, edge * REDUCTION, seed=mixed(seed, start)) for start, n in sizes.items()]
        made = np.concatenate([thresholded(part.numpy()) for part in parts])
        return latents_of({"": model}, made)[""], made
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(latents.mean(axis=0), np.cov(latents.T), count).astype(np.float32)
    with torch.inference_mode():
        parts = torch.from_numpy(drawn).reshape(count, -1, edge, edge).split(BATCH)
        return drawn, np.concatenate([thresholded(model.decode(x).numpy()) for x in parts])


THUMBNAIL = 16  # pixels of the image per pixel of the thumbnail, as for the latent image of the CESS VAE


def thumbnails(images: Float[np.ndarray, "n 1 height width"], block: int = THUMBNAIL) -> Float[np.ndarray, "n d"]:
    """Return images at the resolution of a latent image, as rows of block means.

    Parameters
    ----------
    images : array (n, 1, H, W)
        Memberships of phase 1.
    block : int
        Edge of a block in pixels.

    Returns
    -------
    array (n, H W / block^2)

    Raises
    ------
    ValueError
        As :func:`twopoint_models.evaluation.trivial.block_means`.

    References
    ----------
    Cai et al., section 4.3: the 14 x 14 control.
    """
    return block_means(images, block)[:, 0, ::block, ::block].reshape(len(images), -1)


def statistics_components(
    known: Float[np.ndarray, "n 1 height width"], count: int, *, cumulative: bool = False
) -> Callable[[Float[np.ndarray, "m 1 height width"]], Float[np.ndarray, "m count"]]:
    """Return a function from images to coordinates on principal components of the 2-point statistics of known images.

    Parameters
    ----------
    known : array (n, 1, H, W)
        Memberships of phase 1 of more images than components.
    count : int
        Number of components, such as the length of the descriptions that they are compared with.
    cumulative : bool
        Take cumulative statistics.

    Returns
    -------
    function: array (m, 1, H, W) -> array (m, count)

    Raises
    ------
    ValueError
        If there are too few images.
    """
    mean, axes = principal_axes(_statistics(known, cumulative), count)
    return lambda images: (_statistics(images, cumulative) - mean) @ axes.T


def _statistics(images: np.ndarray, cumulative: bool) -> np.ndarray:
    """Return autocorrelations of phase 1 as rows."""
    phases = tp.two_phase(images[:, 0].astype(np.float32))
    found: np.ndarray = tp.correlations(phases, pairs=[(1, 1)], cumulative=cumulative)
    return found.reshape(len(images), -1)


# Widths of the blocks over which lags are averaged along an axis, and the distance to which each is used: far lags are noise.
BLOCKS = ((1, 8), (2, 16), (4, 32), (8, 80))


class LagComponents(Network):
    """Describe microstructures of two phases by principal components of their 2-point statistics, averaged over blocks of lags.

    The autocorrelation of phase 1 is averaged over blocks of lags whose edges grow with the distance, from one pixel to eight, and then
    projected on principal axes of training images and of their mirror images and transposes. Axes and mean are rounded to half precision,
    in which networks are kept, before a predictor learns from them.

    Parameters
    ----------
    size : int
        Height and width of the images in pixels.
    count : int
        Number of components.
    phases : int
        Number of phases, 2.

    Raises
    ------
    ValueError
        If a number is below 1, or phases are not 2.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design.descriptions import LagComponents
    >>> images = np.random.default_rng(0).integers(0, 2, (20, 32, 32))
    >>> LagComponents.fitted(images, 4).encode(images)[0].shape
    (20, 4)
    """

    def __init__(self, *, size: int, count: int, phases: int = 2) -> None:
        super().__init__()
        if phases != 2:
            raise ValueError(f"phases must be 2, got {phases!r}")
        self.config: dict[str, Any] = dict(size=count_of("size", size, 1), count=count_of("count", count, 1), phases=phases)
        edges = _block_edges(size)
        self.register_buffer("mean", torch.zeros((len(edges) - 1) ** 2 // 2 + 1))
        self.register_buffer("axes", torch.zeros(count, len(self.mean)))

    @classmethod
    def fitted(cls, images: Real[np.ndarray, "n height width"], count: int) -> Self:
        """Return the description whose axes are those of images (n, H, H) and their mirror images and transposes.

        Raises
        ------
        ValueError
            If images are not square, or four times their number is not above ``count``.
        """
        found = np.asarray(images)
        if found.ndim != 3 or found.shape[1] != found.shape[2]:
            raise ValueError(f"images must be squares (n, H, H), got {found.shape}")
        blocks = _blocks(found)
        turned = np.concatenate([blocks, blocks.swapaxes(1, 2)])
        mean, axes = principal_axes(_half(np.concatenate([turned, turned[:, ::-1]])), count)
        network = cls(size=found.shape[1], count=count)
        for name, values in (("mean", mean), ("axes", axes)):
            getattr(network, name).copy_(torch.from_numpy(values.astype(np.float16).astype(np.float32)))
        return network.eval()

    def encode(self, images: Real[np.ndarray, "n height width"]) -> tuple[Float[np.ndarray, "n count"], None]:
        """Return the components of images (n, H, H), labels or memberships of phase 1, and None: they have no variance.

        Raises
        ------
        ValueError
            If images have another size than those of the training.
        """
        found, size = np.asarray(images), self.config["size"]
        if found.ndim != 3 or found.shape[1:] != (size, size):
            raise ValueError(f"images must have the shape (n, {size}, {size}), got {found.shape}")
        with torch.inference_mode():
            return self(torch.from_numpy(_half(_blocks(found)))).numpy(), None

    def forward(self, blocks: Float[Tensor, "n d"]) -> Float[Tensor, "n count"]:
        """Return the components of averaged statistics (n, d)."""
        found: Tensor = (blocks - self.mean) @ self.axes.T
        return found


def _block_edges(size: int) -> np.ndarray:
    """Return the first lag of each block along an axis, from the most negative on, and the end of the last; symmetric around lag zero."""
    far, edges = (size - 1) // 2, [0, 1]
    for width, reach in BLOCKS:
        while edges[-1] + width <= min(reach, far) + 1:
            edges.append(edges[-1] + width)
    return np.array([1 - end for end in edges[:0:-1]] + edges[1:])


def _blocks(images: np.ndarray) -> Float[np.ndarray, "n blocks blocks"]:
    """Return the autocorrelations of phase 1, centred and averaged over blocks of lags."""
    edges = _block_edges(images.shape[1])
    lags = int(edges[-1] * 2 - 1)
    starts, widths, parts = edges[:-1] + lags // 2, np.diff(edges), []
    for part in np.split(images, range(BATCH, len(images), BATCH)):
        first = part[:, None].astype(np.float32)
        found = tp.correlations(first, crop=lags, implied_phase=True, pairs=[(1, 1)])[:, 0].astype(np.float64)
        for axis in (1, 2):
            found = np.add.reduceat(found, starts, axis=axis) / np.expand_dims(widths, (0, 3 - axis))
        parts.append(found.astype(np.float32))
    return np.concatenate(parts)


def _half(blocks: np.ndarray) -> Float[np.ndarray, "n d"]:
    """Return one of each two opposite blocks, which are equal, as rows."""
    rows = np.ascontiguousarray(blocks).reshape(len(blocks), -1)
    return np.ascontiguousarray(rows[:, : rows.shape[1] // 2 + 1])


COMPONENTS, CUMULATIVE, THUMBNAILS = "components of statistics", "components of cumulative statistics", "thumbnails"
FRACTION, NETWORK = "volume fraction", "convolutional network"


def compare_descriptions(
    latents: Mapping[str, np.ndarray],
    images: np.ndarray,
    values: np.ndarray,
    properties: Sequence[str],
    splits: Splits,
    *,
    augmented: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    passes: int = 0,
    progress: Callable[[str, int, int], object] | None = None,
    **fit: Any,
) -> dict[str, dict[str, dict[str, float]]]:
    """Fit a predictor to each description of microstructures on each split, and score it on the test items.

    Parameters
    ----------
    latents : dict of str to array (n, d)
        Latents by network.
    images : array (n, 1, H, W)
        Images from which volume fractions and thumbnails are computed, and, from the training ones, principal components of the 2-point
        statistics and of the cumulative ones, as many as thumbnails have pixels.
    values : array (n, p)
    properties : p names
    splits : list of (int array, int array)
        Indices of training and test items, from :func:`twopoint_models.design.descriptions.random_splits` or ``folds``.
    augmented : dict of str to (array (m, d), array (m, p)), optional
        Further latents and their properties by network, which add a row whose training data include them.
    passes : int
        Passes of a small convolutional network over the training images, which adds a row; 0 leaves it out.
    progress : callable, optional
        Called with the row, the number of fits done and the total.
    **fit
        Options of :func:`fit_property_mlp`.

    Returns
    -------
    dict of str to results of :func:`twopoint_models.design.tables.summarise_scores`
        Scores by description.

    Raises
    ------
    ValueError
        As :func:`fit_property_mlp`.

    References
    ----------
    Cai et al., section 4.3.
    """
    small, fractions = thumbnails(images), images.mean(axis=(2, 3))
    rows = {**latents, THUMBNAILS: small, FRACTION: fractions}
    more = {f"{name}, augmented": (latents[name], extra) for name, extra in (augmented or {}).items()}
    scores: dict[str, list[Any]] = {}
    total = len(splits) * (len(rows) + len(more) + 2 + bool(passes))

    def judge(row: str, found: np.ndarray, judged: np.ndarray) -> None:
        scores.setdefault(row, []).append(property_scores(found, values[judged], properties))
        if progress:
            progress(row, sum(map(len, scores.values())), total)

    for seed, (learnt, judged) in enumerate(splits):
        for row, (x, extra) in _descriptions(rows, more, images, learnt, small.shape[1]):
            model = fit_property_mlp(x[learnt], values[learnt], properties, extra=extra, seed=seed, **fit)
            with torch.inference_mode():
                judge(row, model(torch.from_numpy(x[judged].astype(np.float32))).numpy(), judged)
        if passes:
            network = fit_property_network(images[learnt], values[learnt], properties, epochs=passes, seed=seed)
            judge(NETWORK, network(images[judged]), judged)
    return {row: summarise_scores(each) for row, each in scores.items()}


def _descriptions(
    rows: Mapping[str, np.ndarray], more: Mapping[str, tuple[np.ndarray, Any]], images: np.ndarray, learnt: np.ndarray, count: int
) -> Iterator[tuple[str, tuple[np.ndarray, Any]]]:
    """Yield all descriptions with their additional training data."""
    for row, x in rows.items():
        yield row, (x, None)
    for name, cumulative in ((COMPONENTS, False), (CUMULATIVE, True)):
        yield name, (statistics_components(images[learnt], min(count, len(learnt) - 1), cumulative=cumulative)(images), None)
    yield from more.items()
