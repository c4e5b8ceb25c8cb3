"""Transforms: scipy's threads, and fast sizes."""

import threading

import pytest
import scipy.fft

from twopoint import backend as public
from twopoint.arrays import fft as door
from twopoint.arrays.fft import fast_length


@pytest.mark.numpy_only
def test_one_thread(monkeypatch):
    """In its thread alone, and until it ends, an error included."""
    large = door.WORTH_THREADS
    monkeypatch.setattr(door, "CORES", 7)
    assert door.workers(large) == 7
    elsewhere = []
    with public.one_thread():
        assert door.workers(large) == 1
        thread = threading.Thread(target=lambda: elsewhere.append(door.workers(large)))
        thread.start()
        thread.join()
    assert elsewhere == [7]
    with pytest.raises(ZeroDivisionError), public.one_thread():
        raise ZeroDivisionError
    assert door.workers(large) == 7
    with public.one_thread():
        with public.one_thread():
            pass
        assert door.workers(large) == 1  # the outer one holds
    with scipy.fft.set_workers(2):
        assert door.workers(large) == 2
        with public.one_thread():
            assert door.workers(large) == 1


@pytest.mark.numpy_only
def test_fast_length_is_scipys():
    assert [fast_length(n) for n in range(1, 3000)] == [scipy.fft.next_fast_len(n, real=True) for n in range(1, 3000)]
