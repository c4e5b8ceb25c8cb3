"""A peer at work, in its own environment: numpy and the peer, nothing of this package.

    PYTHON benchmarks/peer_worker.py pymks|porespy|mcrpy INPUTS.npz THREADS

Reads one command a line, does that job once, and answers with one line of JSON: {"seconds": ...} or {"saved": FILE}. Commands are
"time JOB", "save JOB FILE.npz" and "quit". Every peer's process also knows the job "literal": eq. (1) in numpy, complex transforms of
both phases, all four pairs, so that differences between the contenders can be distinguished from differences between processes.
The inputs are x, images of phase 1 as 0 and 1, and p, soft predictions, both (batch, H, W) float32.
"""

import json
import os
import shlex
import sys
import time

import numpy as np


def literal(x):
    """All four correlations, (batch, 2, 2, H, W)."""
    spectra = np.fft.fftn(np.stack([1 - x, x], axis=1), axes=(-2, -1))
    return np.fft.ifftn(np.conj(spectra)[:, :, None] * spectra[:, None], axes=(-2, -1)).real / x[0].size


def pymks(x, p, threads):
    """Three pairs by the function for several pairs, and by the one for a single pair."""
    import dask
    from pymks.fmks.correlations import correlations_multiple, two_point_stats

    dask.config.set(num_workers=threads)
    phases = (1 - x, x)
    data = np.stack(phases, axis=-1)
    pairs = [(0, 0), (0, 1), (1, 1)]
    return {
        "correlations_multiple": lambda: correlations_multiple(data, pairs),
        "two_point_stats": lambda: np.stack([two_point_stats(phases[h], phases[k]) for h, k in pairs], axis=-1),
    }


def porespy(x, p, threads):
    """Radial averages with the bins that it chooses, and, to compare results, with shells one pixel wide; chords and lineal paths."""
    import porespy

    porespy.settings.ncores = threads
    images = x.astype(bool)
    shells = np.arange(min(x.shape[1:]) // 2 + 2) - 0.5

    def radial(**bins):
        return np.stack([porespy.metrics.two_point_correlation(image, **bins).probability_scaled for image in images])

    def of_all(count):
        return np.stack([[count(image, axis) for axis in (0, 1)] for image in images])

    def chords(image, axis):
        drawn = porespy.filters.apply_chords(image, axis=axis)  # on every second line
        return np.bincount(porespy.metrics.chord_counts(drawn), minlength=1 + max(image.shape))

    def all_chords(image, axis):
        drawn = porespy.filters.apply_chords(image, axis=axis, spacing=0)  # labels: its counts would join chords side by side
        lengths = np.bincount(drawn.ravel())[1:]
        return np.bincount(lengths[lengths > 0], minlength=1 + max(image.shape))  # labels of chords at a border are not used

    def lineal_path(image, axis):
        distance = porespy.filters.distance_transform_lin(image, axis=axis, mode="forward")
        size = image.shape[axis]
        found = porespy.metrics.lineal_path_distribution(distance, bins=np.arange(size + 1) + 0.5)
        segments = np.cumsum(found.relfreq[::-1])[::-1] * image.sum()  # of r + 1 points or more ahead
        return segments / ((size - np.arange(size)) * image.shape[1 - axis])

    return {
        "two_point_correlation": radial,
        "shells": lambda: radial(bins=shells),
        "chords": lambda: of_all(chords),
        "all chords": lambda: of_all(all_chords),
        "lineal path": lambda: of_all(lineal_path),
    }


def mcrpy(x, p, threads):
    """Its descriptor FFTCorrelations and the mean squared error of it, value and gradient, image by image, as it has no batch."""
    import tensorflow as tf
    from mcrpy.descriptors.FFTCorrelations import FFTCorrelations

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    size = min(x.shape[1:])
    describe = FFTCorrelations.make_singlephase_descriptor(desired_shape_2d=x.shape[1:], limit_to=size // 2)
    wanted = [describe(tf.constant(image, dtype=tf.float64)) for image in x]
    variables = [tf.constant(image, dtype=tf.float64) for image in p]

    @tf.function
    def evaluate(image, target):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = tf.reduce_mean(tf.square(describe(image) - target))
        return loss, tape.gradient(loss, image)

    def each():
        done = [evaluate(image, target) for image, target in zip(variables, wanted, strict=True)]
        return np.array([value.numpy() for value, _ in done]), np.stack([gradient.numpy() for _, gradient in done])

    whole = mcrpy_as_it_reconstructs(x, p, size // 2)
    return {"FFTCorrelations": each, "reconstruct": whole}


def mcrpy_as_it_reconstructs(x, p, limit):
    """Value and gradient as its optimisers ask for them: its own loss of the descriptor, penalties included, taped again in each call."""
    import tensorflow as tf
    from mcrpy.descriptors import FFTCorrelations
    from mcrpy.losses import MSE
    from mcrpy.src import descriptor_factory, loss_computation, loss_factory
    from mcrpy.src.MutableMicrostructure import MutableMicrostructure

    FFTCorrelations.register()
    MSE.register()
    kind = descriptor_factory.get_class("FFTCorrelations")
    shape = {"desired_shape_2d": x.shape[1:], "desired_shape_extended": (1, *x.shape[1:], 1), "limit_to": limit}
    arguments = shape | {"use_multigrid_descriptor": False, "use_multiphase": False}
    state = MutableMicrostructure(x[0].astype(np.float64), use_multiphase=False)
    descriptor = descriptor_factory.create("FFTCorrelations", arguments=arguments)
    wanted = descriptor(state.xx).numpy()  # of the first image for all: the targets' values cost no time
    settings = {
        "descriptor_list": [descriptor],
        "desired_descriptor_list": [wanted],
        "descriptor_weights": [1.0],
        "descriptor_comparisons": [kind.make_comparison(desired_descriptor_shape=wanted.shape[2:], limit_to=limit)],
        "descriptor_is_multiphase": [False],
        "desired_shape_extended": shape["desired_shape_extended"],
        "mg_level": 0,
        "mg_levels": 1,
        "anisotropic": False,
    }
    evaluate = loss_computation.make_2d_gradients(loss_factory.create("MSE", settings))
    variables = [tf.constant(image[None, ..., None], dtype=tf.float64) for image in p]

    def each():
        found = []
        for image in variables:
            state.x.assign(tf.reshape(image, state.x.shape))
            value, gradients = evaluate(state)
            found.append((value.numpy(), gradients[0].numpy()))
        return np.array([value for value, _ in found]), np.stack([gradient for _, gradient in found])

    return each


def main():
    answers = os.fdopen(os.dup(1), "w")  # what the libraries print must not come between
    os.dup2(2, 1)
    given, threads = np.load(sys.argv[2]), int(sys.argv[3])
    x, p = given["x"], given["p"]
    jobs = {"pymks": pymks, "porespy": porespy, "mcrpy": mcrpy}[sys.argv[1]](x, p, threads)
    jobs["literal"] = lambda: literal(x)
    print(json.dumps({"ready": sorted(jobs), "python": sys.version.split()[0], "numpy": np.__version__}), file=answers, flush=True)
    for line in sys.stdin:
        command, *rest = shlex.split(line)
        if command == "quit":
            break
        start = time.perf_counter()
        result = jobs[rest[0]]()
        answer = {"seconds": time.perf_counter() - start}
        if command == "save":
            np.savez(rest[1].strip(), *(result if isinstance(result, tuple) else (result,)))
            answer = {"saved": rest[1].strip()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
