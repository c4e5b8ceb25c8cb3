"""Tasks in parallel threads. Inside a task the calling library uses one thread, because many small parallel regions wait for each other."""

import contextvars
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from functools import cache
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Queue(Generic[Item, Result]):
    """The tasks that no thread has begun, the results, and the first error, after which no further task begins."""

    def __init__(self, function: Callable[[Item], Result], items: Sequence[Item]) -> None:
        self.function, self.items = function, items
        self.results: list[Result | None] = [None] * len(items)
        self.error: BaseException | None = None
        self.begun, self.lock = 0, threading.Lock()

    def work(self, alone: Callable[[], AbstractContextManager[None]]) -> None:
        """Do tasks until none is left."""
        try:
            with alone():
                while (i := self._next()) is not None:
                    self.results[i] = self.function(self.items[i])
        except BaseException as error:  # noqa: BLE001, also KeyboardInterrupt: the first error stops all threads
            self.stop(error)

    def _next(self) -> int | None:
        """Return the number of the next task; None if none is left, or if a task failed."""
        with self.lock:
            if self.error is not None or self.begun == len(self.items):
                return None
            self.begun += 1
            return self.begun - 1

    def stop(self, error: BaseException) -> None:
        """Let no further task begin."""
        self.error = error if self.error is None else self.error


@cache
def _pool(number: int) -> ThreadPoolExecutor:
    """Return a pool whose threads wait for further tasks: in a new thread the first transforms take several times as long."""
    return ThreadPoolExecutor(number, thread_name_prefix="twopoint")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the threads of the parent do not exist in the child


def run(
    function: Callable[[Item], Result], items: Sequence[Item], number: int, alone: Callable[[], AbstractContextManager[None]]
) -> list[Result]:
    """Return function(item) for each item, computed in up to this number of threads, of which the calling thread is one.

    When this function returns, or raises the first error, no thread works on an item. ``alone()`` is entered in each thread.
    """
    queue: _Queue[Item, Result] = _Queue(function, items)
    others: list[Future[None]] = []
    try:
        for _ in range(min(number, len(items)) - 1):
            others.append(_pool(number - 1).submit(contextvars.copy_context().run, queue.work, alone))
        queue.work(alone)
    except BaseException as error:  # noqa: BLE001, an interruption between two tasks
        queue.stop(error)
    finally:
        wait([other for other in others if not other.cancel()])
    if queue.error is not None:
        raise queue.error
    return queue.results  # type: ignore[return-value]
