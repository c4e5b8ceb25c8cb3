"""Tasks in parallel threads: results in order, the first error, and no thread at work when a call has ended."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from twopoint.arrays import threads

pytestmark = pytest.mark.numpy_only


def test_results_are_in_order_and_every_thread_works():
    meeting, entered = threading.Barrier(3, timeout=20), []

    @contextmanager
    def alone():
        entered.append(threading.get_ident())
        yield

    def task(i):
        if i < 3:
            meeting.wait()  # three threads are at work together
        return i * i

    assert threads.run(task, range(10), 3, alone) == [i * i for i in range(10)]
    assert len(set(entered)) == len(entered) == 3
    assert threading.get_ident() in entered


@pytest.mark.parametrize("error", [ValueError("of the task"), KeyboardInterrupt()], ids=["error", "interrupt"])
@pytest.mark.parametrize("in_caller", [True, False])
def test_the_first_error_ends_all(error, in_caller):
    caller, meeting, began = threading.get_ident(), threading.Barrier(2, timeout=20), []

    def task(i):
        began.append(i)
        if i < 2:
            meeting.wait()
        if (threading.get_ident() == caller) == in_caller:
            raise error
        time.sleep(0.02)

    with pytest.raises(type(error)) as raised:
        threads.run(task, range(1000), 2, nullcontext)
    assert raised.value is error
    begun = len(began)
    assert begun < 1000
    time.sleep(0.1)
    assert len(began) == begun  # no thread works on


def test_calls_from_several_threads_at_once():
    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(lambda n: threads.run(lambda i: i + n, range(50), 3, nullcontext), range(20)))
    assert found == [[i + n for i in range(50)] for n in range(20)]


def test_the_settings_of_the_caller_hold_in_every_thread():
    with np.errstate(divide="raise"):
        states = threads.run(lambda _: (time.sleep(0.01), np.geterr()["divide"])[1], range(8), 3, nullcontext)
    assert set(states) == {"raise"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of POSIX")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    assert threads.run(lambda i: i, range(4), 2, nullcontext) == [0, 1, 2, 3]
    child = os.fork()
    if child == 0:
        os._exit(0 if threads.run(lambda i: i, range(4), 2, nullcontext) == [0, 1, 2, 3] else 1)
    assert os.waitstatus_to_exitcode(_wait(child)) == 0


def _wait(child):
    """Return the status of a child that ends within 20 seconds."""
    for _ in range(2000):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.01)
    os.kill(child, 9)
    raise AssertionError("the child hangs")
