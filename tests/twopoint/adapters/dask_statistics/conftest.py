"""All tests of this folder compute in one thread, unless they say otherwise."""

import dask
import pytest


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield
