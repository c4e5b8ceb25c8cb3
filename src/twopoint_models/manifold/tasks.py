"""The paper's tasks on generated images: angles, three parameters, and invariance to shifts."""

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Shaped
from torch import nn

from ..checks import positive
from .distances import distance_matrix
from .embedding import Embedding, embed, embed_landmarks
from .images import Marbles, angle_images, stack, three_parameters
from .measures import angle_error, linear_r2, regression_angle
from .vectors import Descriptor, Progress, named, on_device, part_of, texture_vectors


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


SHIFTS = ((1, 0), (0, 2), (4, 4), (0, 8), (3, 5), (16, 0), (0, 32), (48, 16))


class ShiftTask(NamedTuple):
    """What shifts change.

    Attributes
    ----------
    summary : dict
        For JSON, every number being the largest over images of ``|v' - v| / |v|``: "layers", by layer's name as a list over "shifts";
        "whole", the same of the vector of all layers; "batches", between vectors computed one by one and by the "batch".
    """

    summary: dict[str, Any]


def shift_task(
    network: nn.Module,
    images: Shaped[np.ndarray, "n *image"] | Sequence[np.ndarray],
    *,
    shifts: Sequence[tuple[int, int]] = SHIFTS,
    batch: int = 16,
    progress: Progress = None,
) -> ShiftTask:
    """Measure how texture vectors of images that are shifted around the torus differ from those of the images, layer by layer.

    With circular padding features move along with the image where the shift is a multiple of 2 for each pooling before them, 16 for
    conv5_1, and then Gram matrices stay the same. Other shifts, and zero padding, change them.

    Parameters
    ----------
    network : torch.nn.Module
        Such as :class:`twopoint_models.nets.VGG19` with ``layers=vgg.LUBBERS, pooling="mean", padding="circular"``.
    images : array (n, H, W), or list of arrays (H, W)
        Gray values in [0, 1]; sizes that are multiples of 16, or poolings leave a rest out.
    shifts : list of two ints
        Along rows and along columns, in pixels.
    batch : int
        Of the comparison of batches.
    progress : callable, optional
        Called with the number of images described and that of all.

    Returns
    -------
    ShiftTask

    Raises
    ------
    TypeError, ValueError
        If a shift is not two integers, or :func:`texture_vectors` refuses an image.

    References
    ----------
    Lubbers et al., section III.A, below eq. (1): "invariance to translations in the image plane (up to boundary effects)".

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import shift_task
    >>> from twopoint_models.nets import VGG19
    >>> network = VGG19.random(layers=("conv1_1", "conv2_1"), pooling="mean", padding="circular")
    >>> found = shift_task(network, np.random.default_rng(0).random((2, 16, 16)), shifts=[(1, 0), (2, 4)])
    >>> [[share < 1e-5 for share in row] for row in found.summary["layers"].values()]
    [[True, True], [False, True]]
    """
    moves = [tuple(shift) for shift in shifts]
    if not moves or not all(len(move) == 2 and all(isinstance(n, int) for n in move) for move in moves):
        raise ValueError(f"shifts must be pairs of integers, one or more, got {list(shifts)}")
    images = stack(images, unit=True)
    done, total = 0, (len(moves) + 2) * len(images)

    def described(shifted: np.ndarray, size: int = 1) -> np.ndarray:
        nonlocal done
        before, done = done, done + len(shifted)
        return texture_vectors(shifted, network, batch=size, progress=part_of(progress, before, total)).astype(np.float64)

    vectors = described(images)
    parts = _parts(network, images, vectors.shape[1])
    found: dict[str, Any] = {"shifts": [list(move) for move in moves], "layers": {name: [] for name in parts}, "whole": []}
    for move in moves:
        other = described(np.roll(images, move, axis=(-2, -1)))
        found["whole"].append(_change(vectors, other))
        for name, part in parts.items():
            found["layers"][name].append(_change(vectors[:, part], other[:, part]))
    return ShiftTask(found | {"batch": batch, "batches": _change(vectors, described(images, batch))})


def _parts(network: nn.Module, images: np.ndarray, length: int) -> dict[str, slice]:
    """Return which entries of a vector are of which layer."""
    first = torch.as_tensor(images[:1, None].astype(np.float32))
    with torch.no_grad():
        channels = [features.shape[1] for features in network(first.to(on_device(network, None)))]
    ends = np.cumsum([0, *(n * (n + 1) // 2 for n in channels)]).tolist()
    assert ends[-1] == length
    names = getattr(network, "layers", [f"layer {i}" for i in range(len(channels))])
    return {name: slice(begin, end) for name, begin, end in zip(names, ends[:-1], ends[1:], strict=True)}


def _change(vectors: np.ndarray, other: np.ndarray) -> float:
    """Return the largest relative difference of two rows; of a row of zeros 0 or infinity."""
    size, off = np.linalg.norm(vectors, axis=1), np.linalg.norm(other - vectors, axis=1)
    return max(float(o / s) if s else (math.inf if o else 0.0) for o, s in zip(off, size, strict=True))


_STATUS = Path("/proc/self/status")


def peak_gigabytes() -> float | None:
    """Return the most memory that this process has held so far, in 1e9 bytes; None where the system does not tell.

    Returns
    -------
    float or None

    Examples
    --------
    >>> from twopoint_models.manifold.tasks import peak_gigabytes
    >>> found = peak_gigabytes()
    >>> found is None or found > 0.01
    True
    """
    if _STATUS.is_file():
        lines = (line.split() for line in _STATUS.read_text().splitlines())
        return next((1024 * int(words[1]) / 1e9 for words in lines if words[0] == "VmHWM:"), None)
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9
    return None
