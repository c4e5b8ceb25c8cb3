"""The angle task of the paper, whole: images, embeddings in the plane, the angles read from these; for any ways of description."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._check import positive
from .description import Descriptor, Progress, named, part_of
from .distances import distance_matrix
from .embedding import embed
from .marbles import angle_images
from .measures import angle_error


class AngleTask(NamedTuple):
    """What the angle task gave.

    Attributes
    ----------
    summary : dict
        For JSON: counts, noises, trials, size, seed and noise_options; by method in "methods" the "rmse" in radians and the "stress" as
        lists [count][noise][trial], the means of these over trials as "mean_rmse" and "mean_stress", and the "seconds".
    images : dict of float to float32 array (size, size)
        One image of the first count by noise.
    angles : dict of int to float64 array (count,)
        The true ones by count.
    points, recovered : dict of str to dict of (int, float) to array (count, 2) or (count,)
        By method, then by count and noise: the embedding of the first trial, and the angles that were read from it.
    """

    summary: dict[str, Any]
    images: dict[float, np.ndarray]
    angles: dict[int, np.ndarray]
    points: dict[str, dict[tuple[int, float], np.ndarray]]
    recovered: dict[str, dict[tuple[int, float], np.ndarray]]


def angle_task(
    methods: Mapping[str, Descriptor],
    *,
    counts: Sequence[int] = (50,),
    noises: Sequence[float] = (1.0, 2.5, 4.0),
    trials: int = 20,
    size: int = 256,
    seed: int = 0,
    progress: Progress = None,
    **options: Any,
) -> AngleTask:
    """Read angles from embeddings in the plane: the error and the stress against the number of images and the amplitude of noise.

    Parameters
    ----------
    methods : dict of str to Descriptor
        Ways of description by name.
    counts : list of int
        Numbers N of images, 3 or more.
    noises : list of float
        Amplitudes A.
    trials : int
        Of each N and A; the paper takes 100. Trial t draws the same noise for all methods, counts and amplitudes.
    size : int
        Of an image, in pixels.
    seed : int
        Another one gives other noise.
    progress : callable, optional
        Called with the number of images described and that of all.
    **options
        Of the images, as of :func:`angle_images`: k and what the noise is made of.

    Returns
    -------
    AngleTask

    Raises
    ------
    TypeError, ValueError
        If methods or a list are empty, a count is below 3, or an option means nothing.

    References
    ----------
    Lubbers et al., section IV.B, eq. (10), Figs 5 to 7.

    Examples
    --------
    >>> from twopoint_models.manifold import Descriptor, angle_task
    >>> found = angle_task({"spectrum": Descriptor("spectrum")}, counts=[8], noises=[2.5], trials=2, size=32)
    >>> found.points["spectrum"][8, 2.5].shape, len(found.summary["methods"]["spectrum"]["rmse"][0][0])
    ((8, 2), 2)
    """
    named(methods)
    counts, noises = [int(n) for n in counts], [float(a) for a in noises]
    if not counts or min(counts) < 3 or not noises:
        raise ValueError(f"counts and noises must hold one number or more, counts of 3 or more, got {counts} and {noises}")
    shape = len(counts), len(noises), positive("trials", trials)
    task = AngleTask({}, {}, {}, {name: {} for name in methods}, {name: {} for name in methods})
    measured = {name: np.empty((3, *shape)) for name in methods}  # RMSE, stress, seconds
    done, total = 0, sum(counts) * shape[1] * shape[2] * len(methods)
    for trial, at in np.ndindex(shape[2], shape[0] * shape[1]):
        i, j = divmod(at, shape[1])
        made = angle_images(counts[i], noises[j], size=size, seed=_seed(seed, trial), **options)
        task.angles[counts[i]] = made.angle
        task.images.setdefault(noises[j], made.images[counts[i] // 6])
        for name, describe in methods.items():
            began = time.perf_counter()
            points, stress, _ = embed(distance_matrix(describe(made.images, progress=part_of(progress, done, total))), 2)
            read = angle_error(points, made.angle)
            measured[name][:, i, j, trial] = read.rmse, stress, time.perf_counter() - began
            if not trial:
                task.points[name][counts[i], noises[j]], task.recovered[name][counts[i], noises[j]] = points, read.recovered
            done += len(points)
    task.summary.update(counts=counts, noises=noises, trials=trials, size=size, seed=seed, noise_options=options)
    task.summary["methods"] = {name: _angle_summary(*each) for name, each in measured.items()}
    return task


def _seed(seed: int, trial: int) -> int:
    """Return the seed of a trial, another one for each of both numbers."""
    return int(np.random.SeedSequence((seed, trial)).generate_state(1)[0])


def _angle_summary(rmse: np.ndarray, stress: np.ndarray, seconds: np.ndarray) -> dict[str, Any]:
    """Return lists and means over trials."""
    lists = {"rmse": rmse.tolist(), "stress": stress.tolist(), "mean_rmse": rmse.mean(axis=-1).tolist()}
    return lists | {"mean_stress": stress.mean(axis=-1).tolist(), "seconds": float(seconds.sum())}
