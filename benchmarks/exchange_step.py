"""The cost of an exchange of two points when statistics are updated, against computing them again; and of a whole step of the walk.

    python benchmarks/exchange_step.py

Prints medians in milliseconds, by numpy and by compiled loops (the extra ``fast``), and the ratio of the latter to computing
again. One process, BLAS with one thread; random structures, as the cost does not depend on them.
"""

import time

import numpy as np
import threadpoolctl

import twopoint as tp
from twopoint.reconstruction.compiled_increments import increments
from twopoint.reconstruction.exchange import exchange
from twopoint.reconstruction.increments import Increments

CASES = [((128, 128), 2), ((128, 128), 3), ((224, 224), 2), ((48, 48, 48), 2)]
REPEATS = 60


def median(call: object, repeats: int) -> float:
    """Return the median time of a call in milliseconds."""
    times = []
    for i in range(repeats):
        begin = time.perf_counter()
        call(i)
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times))


def main() -> None:
    """Print the table."""
    print(f"{'space':>16}{'phases':>8}{'numpy':>8}{'compiled':>10}{'anew':>8}{'ratio':>7}{'step':>8}")
    for space, n in CASES:
        rng = np.random.default_rng(0)
        labels, wanted = (rng.integers(n, size=space) for _ in range(2))
        statistics = tp.target_statistics(tp.one_hot(wanted, n, ndim=len(space)), ndim=len(space))
        by_numpy, state = Increments(labels, statistics), increments(labels, statistics)
        ours, theirs = (rng.permutation(np.flatnonzero(state.labels == phase))[:REPEATS] for phase in (0, 1))
        plain, kept = (median(lambda i, a=ours, b=theirs, x=x: x.swap(int(a[i]), int(b[i])), REPEATS) for x in (by_numpy, state))
        anew = median(lambda _, state=by_numpy: state.refresh(), REPEATS // 3)
        exchange(labels, statistics, most=1, rng=rng)  # loads the compiled loops
        begin = time.perf_counter()
        exchange(labels, statistics, most=REPEATS, rng=rng)
        step = 1e3 * (time.perf_counter() - begin) / REPEATS
        print(f"{'x'.join(map(str, space)):>16}{n:8d}{plain:8.2f}{kept:10.2f}{anew:8.2f}{anew / kept:7.1f}{step:8.2f}", flush=True)


if __name__ == "__main__":
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        main()
