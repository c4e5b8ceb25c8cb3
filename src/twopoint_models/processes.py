"""Work in several processes: results come in order, and workers end when the process that started them ends."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import connection
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], object] | None  # called with the number of things done and the total


def spread(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    begin: Callable[[], None] | None = None,
    *,
    ahead: int | None = None,
) -> Iterator[Result]:
    """Yield the results of items in their order. Few items are computed ahead, because results that wait cost memory.

    By default two items a worker are computed ahead; items of very different lengths need more. Each worker calls begin first. Both work
    and begin must be functions of a module, because workers import the calling script again.
    """
    coming = iter(items)
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of torch's or jax's threads
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_follow, initargs=(begin,)) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            while True:
                waiting.extend(pool.submit(work, item) for item in islice(coming, (ahead or 2 * workers) - len(waiting)))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _follow(begin: Callable[[], None] | None) -> None:
    """End this process when the one that started it is gone; otherwise it would wait for work without end."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if begin is not None:
        begin()
