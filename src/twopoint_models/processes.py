"""Work in several processes: in order, a little ahead, and never without the process that wants it."""

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


def spread(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    begin: Callable[[], None] | None = None,
    *,
    ahead: int | None = None,
) -> Iterator[Result]:
    """Yield the results of items in their order, as many ahead as keep all workers busy: what nobody has taken yet costs memory.

    Where items differ much in length, more ahead are needed than the two a worker that are taken by default. Work, and begin, which each
    worker calls first, are functions of a module; workers import the calling script anew.
    """
    coming = iter(items)
    context = multiprocessing.get_context("spawn")  # no fork beside torch's or jax's threads
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
    """End this process when the one that started it is gone, killed perhaps: it would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if begin is not None:
        begin()
