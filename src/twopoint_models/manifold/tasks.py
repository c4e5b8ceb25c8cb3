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
from ..processes import Progress
from .distances import distance_matrix
from .embedding import Embedding, embed, embed_landmarks
from .images import Marbles, angle_images, stack, three_parameters
from .measures import angle_error, linear_r2, regression_angle
from .vectors import Descriptor, named, on_device, part_of, texture_vectors


class AngleTask(NamedTuple):
    """Results of the angle task.

    Attributes
    ----------
    summary : dict
        Values for JSON: counts, noises, trials, size, seed and noise_options; by method in "methods" the "rmse" in radians and the "stress"
        as lists [count][noise][trial], their means over trials as "mean_rmse" and "mean_stress", and the "seconds".
    images : dict of float to float32 array (size, size)
        One image of the first count, by noise.
    angles : dict of int to float64 array (count,)
        True angles by count.
    points, recovered : dict of str to dict of (int, float) to array (count, 2) or (count,)
        Embedding of the first trial and the angles read from it, by method and by count and noise.
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
    """Read angles from embeddings in the plane; measure error and stress for numbers of images and amplitudes of noise.

    Parameters
    ----------
    methods : dict of str to Descriptor
        Descriptors by name.
    counts : list of int
        Numbers N of images, at least 3.
    noises : list of float
        Amplitudes A.
    trials : int
        Number of trials for each N and A; 100 in the paper. Trial t has the same noise for all methods, counts and amplitudes.
    size : int
        Size of an image in pixels.
    seed : int
        Different seeds give different noise.
    progress : callable, optional
        Called with the number of images described and the total.
    **options
        Options of the images, as for :func:`angle_images`: k and options of the noise.

    Returns
    -------
    AngleTask

    Raises
    ------
    TypeError, ValueError
        If methods or a list is empty, a count is below 3, or an option is invalid.

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
    """Return the seed of a trial, which differs for each pair of numbers."""
    return int(np.random.SeedSequence((seed, trial)).generate_state(1)[0])


def _angle_summary(rmse: np.ndarray, stress: np.ndarray, seconds: np.ndarray) -> dict[str, Any]:
    """Return values as lists, and their means over trials."""
    lists = {"rmse": rmse.tolist(), "stress": stress.tolist(), "mean_rmse": rmse.mean(axis=-1).tolist()}
    return lists | {"mean_stress": stress.mean(axis=-1).tolist(), "seconds": float(seconds.sum())}


DIMENSIONS = (2, 3, 4, 5, 6, 10, 50)


class ThreeParameterTask(NamedTuple):
    """Results of the three-parameter task.

    Attributes
    ----------
    summary : dict
        Values for JSON: images, size, seed, noise_options, dimensions, landmarks, "seconds" of "drawing" and of the "whole",
        "peak_gigabytes" of memory; by method in "methods", as lists over dimensions, "stress", "r2_k", "r2_noise" (Table I),
        "regression_angle" in degrees and "embedding_seconds", and the seconds of "vectors" and "distances".
    marbles : Marbles
        The images and their parameters.
    points : dict of str to dict of int to float64 array (n, D)
        Embeddings by method and dimension.
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
    """Embed images of three parameters in several dimensions, and regress k and A on the embeddings.

    Parameters
    ----------
    methods : dict of str to Descriptor
        Descriptors by name, which get the same images.
    per_axis : int
        Number of values of each parameter; 10 gives N = 1000, as in the paper.
    dimensions : list of int
        Dimensions D*, at most N - 2.
    size : int
        Size of an image in pixels.
    seed : int
        Different seeds give different noise.
    landmarks : int, optional
        Number of images to embed, among which the others are placed by :func:`embed_landmarks`; by default all distances are computed.
    progress : callable, optional
        Called with the number of steps done and the total; a step is an image described or an embedding computed.
    **options
        Options of the noise, as for :func:`three_parameters`.

    Returns
    -------
    ThreeParameterTask

    Raises
    ------
    TypeError, ValueError
        If methods or dimensions are empty, a dimension exceeds N - 2, or an option is invalid.

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
    """Return the summary of one descriptor, and its embeddings."""
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
    """Results of the shift task.

    Attributes
    ----------
    summary : dict
        Values for JSON, each the largest over images of ``|v' - v| / |v|``: "layers", a list over "shifts" by layer; "whole", the same for
        the whole vector; "batches", between vectors computed one by one and in batches of size "batch".
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
    """Measure how periodic shifts of images change their texture vectors, layer by layer.

    With circular padding, features shift along with the image if the shift is a multiple of 2 for each pooling before them (16 for
    conv5_1); then Gram matrices do not change. Other shifts, and zero padding, change them.

    Parameters
    ----------
    network : torch.nn.Module
        Such as :class:`twopoint_models.nets.VGG19` with ``layers=names.LUBBERS, pooling="mean", padding="circular"``.
    images : array (n, H, W), or list of arrays (H, W)
        Gray values in [0, 1], of sizes that are multiples of 16; otherwise poolings drop a remainder.
    shifts : list of two ints
        Shifts along rows and along columns, in pixels.
    batch : int
        Batch size of the comparison of batches.
    progress : callable, optional
        Called with the number of images described and the total.

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
    """Return the slice of a vector for each layer."""
    first = torch.as_tensor(images[:1, None].astype(np.float32))
    with torch.no_grad():
        channels = [features.shape[1] for features in network(first.to(on_device(network, None)))]
    ends = np.cumsum([0, *(n * (n + 1) // 2 for n in channels)]).tolist()
    assert ends[-1] == length
    names = getattr(network, "layers", [f"layer {i}" for i in range(len(channels))])
    return {name: slice(begin, end) for name, begin, end in zip(names, ends[:-1], ends[1:], strict=True)}


def _change(vectors: np.ndarray, other: np.ndarray) -> float:
    """Return the largest relative difference of two rows; 0 or infinity for a row of zeros."""
    size, off = np.linalg.norm(vectors, axis=1), np.linalg.norm(other - vectors, axis=1)
    return max(float(o / s) if s else (math.inf if o else 0.0) for o, s in zip(off, size, strict=True))


_STATUS = Path("/proc/self/status")


def peak_gigabytes() -> float | None:
    """Return the peak memory of this process in 1e9 bytes; None if the system does not report it.

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
