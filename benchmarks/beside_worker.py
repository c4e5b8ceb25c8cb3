"""One checkout at work on one task, in a process of its own; PYTHONPATH says which checkout.

    python -m benchmarks.beside_worker TASK [--small]

Says in a line of JSON that it is ready, and where its twopoint lies; then reads one command a line and answers with one line of JSON.
"time N" does the task N times and answers {"seconds": ...} of one, "save FILE.npz" does it once and keeps the result, "quit" ends.
"""

import gc
import json
import os
import sys
import time

import numpy as np

import twopoint

from .beside_tasks import TASKS
from .timing import host


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")  # what libraries print must not come between
    os.dup2(2, 1)
    call = TASKS[sys.argv[1]].call(small="--small" in sys.argv)
    print(json.dumps({"twopoint": twopoint.__file__, "version": twopoint.__version__}), file=answers, flush=True)
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "quit":
            break
        print(json.dumps(save(call, rest) if command == "save" else timed(call, int(rest))), file=answers, flush=True)


def save(call, path):
    """Do the task once; keep what comes out."""
    result = call()
    np.savez(path, *map(host, result if isinstance(result, tuple) else (result,)))
    return {"saved": path}


def timed(call, repeats):
    """Do the task some times, without collecting garbage; return the seconds of one."""
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    seconds = (time.perf_counter() - start) / repeats
    gc.enable()
    return {"seconds": seconds}


if __name__ == "__main__":
    main()
