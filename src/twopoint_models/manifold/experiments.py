"""The three-parameter task of the paper, whole: images, vectors, distances, embeddings, Table I; for any ways of description."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._check import positive
from .description import Descriptor, Progress, named, part_of
from .distances import distance_matrix
from .embedding import Embedding, embed, embed_landmarks
from .marbles import Marbles, three_parameters
from .measures import linear_r2, regression_angle
from .resources import peak_gigabytes

DIMENSIONS = (2, 3, 4, 5, 6, 10, 50)


class ThreeParameterTask(NamedTuple):
    """What the three-parameter task gave.

    Attributes
    ----------
    summary : dict
        For JSON: images, size, seed, noise_options, dimensions, landmarks, "seconds" of "drawing" and of the "whole", "peak_gigabytes" of
        memory; by method in "methods", as lists over dimensions, "stress", "r2_k", "r2_noise" (Table I), "regression_angle" in degrees and
        "embedding_seconds", and the seconds of "vectors" and "distances".
    marbles : Marbles
        The images and what they were made with.
    points : dict of str to dict of int to float64 array (n, D)
        Embeddings by method, then by dimension.
    """

    summary: dict[str, Any]
    marbles: Marbles
    points: dict[str, dict[int, np.ndarray]]


def three_parameter_task(
    methods: Mapping[str, Descriptor],
    *,
    per_axis: int = 10,
    dimensions: Sequence[int] = DIMENSIONS,
    size: int = 256,
    seed: int = 0,
    landmarks: int | None = None,
    progress: Progress = None,
    **options: Any,
) -> ThreeParameterTask:
    """Embed images of three parameters in several dimensions, and ask linear regressions what the embeddings know of k and A.

    Parameters
    ----------
    methods : dict of str to Descriptor
        Ways of description by name, each of which gets the same images.
    per_axis : int
        Values of each parameter: 10 are the paper's N = 1000.
    dimensions : list of int
        D*, at most N - 2.
    size : int
        Of an image, in pixels.
    seed : int
        Another one gives other noise.
    landmarks : int, optional
        Embed so many images and place the others, as :func:`embed_landmarks` does; by default all distances are computed.
    progress : callable, optional
        Called with the number of steps done and that of all: an image described, or an embedding made.
    **options
        Of the noise, as of :func:`three_parameters`.

    Returns
    -------
    ThreeParameterTask

    Raises
    ------
    TypeError, ValueError
        If methods or dimensions are empty, a dimension is beyond N - 2, or an option means nothing.

    References
    ----------
    Lubbers et al., section IV.C, eqs. (8) and (11)-(14), Figs 8 to 12, Table I.

    Examples
    --------
    >>> from twopoint_models.manifold import Descriptor, three_parameter_task
    >>> found = three_parameter_task({"spectrum": Descriptor("spectrum")}, per_axis=2, dimensions=[2, 3], size=32)
    >>> found.points["spectrum"][3].shape, len(found.summary["methods"]["spectrum"]["r2_k"])
    ((8, 3), 2)
    """
    named(methods)
    n = positive("per_axis", per_axis) ** 3
    dimensions = [int(d) for d in dimensions]
    if not dimensions or not 1 <= min(dimensions) <= max(dimensions) <= n - 2:
        raise ValueError(f"dimensions must be one or more numbers from 1 to {n - 2}, for {n} images, got {dimensions}")
    began = time.perf_counter()
    made = three_parameters(per_axis, size=size, seed=seed, **options)
    seconds = {"drawing": time.perf_counter() - began}
    task = ThreeParameterTask({"images": n, "size": size, "seed": seed, "noise_options": options}, made, {})
    rows, steps = {}, n + len(dimensions)
    for i, (name, describe) in enumerate(methods.items()):
        at = part_of(progress, i * steps, len(methods) * steps)
        rows[name], task.points[name] = _measured(describe, made, dimensions, landmarks, seed, at)
    seconds["whole"] = time.perf_counter() - began
    about = {"dimensions": dimensions, "landmarks": landmarks, "seconds": seconds, "peak_gigabytes": peak_gigabytes()}
    task.summary.update(about, methods=rows)
    return task


def _measured(
    describe: Descriptor, made: Marbles, dimensions: Sequence[int], landmarks: int | None, seed: int, progress: Progress
) -> tuple[dict[str, Any], dict[int, np.ndarray]]:
    """Return the summary of one way of description, and its embeddings."""
    times, n = [time.perf_counter()], len(made.images)
    vectors = describe(made.images, progress=part_of(progress, 0, n + len(dimensions)))
    times.append(time.perf_counter())
    distances = distance_matrix(vectors) if landmarks is None else None
    times.append(time.perf_counter())
    found: dict[int, Embedding] = {}
    for i, d in enumerate(dimensions):
        found[d] = embed(distances, d) if distances is not None else embed_landmarks(vectors, d, landmarks=landmarks or n, seed=seed)
        times.append(time.perf_counter())
        if progress:
            progress(n + i + 1, n + len(dimensions))
    seconds = np.diff(times).tolist()
    points = {d: each.points for d, each in found.items()}
    row = {
        "stress": [found[d].stress for d in dimensions],
        "r2_k": [linear_r2(points[d], made.k) for d in dimensions],
        "r2_noise": [linear_r2(points[d], made.noise) for d in dimensions],
        "regression_angle": [regression_angle(points[d], made.k, made.noise) for d in dimensions],
        "seconds": {"vectors": seconds[0], "distances": seconds[1]},
        "embedding_seconds": seconds[2:],
    }
    return row, points
