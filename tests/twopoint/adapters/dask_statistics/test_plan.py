"""The plan of a volume: the memory of a task."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.volumes import EXACT, some_labels
from twopoint.adapters import dask_statistics as ds
from twopoint.adapters.dask_statistics import plan as planning


def test_memory_is_predicted_and_kept():
    plan = planning.volume_plan((1024,) * 3, 2, planning.Options(3, "periodic", None, 64))
    shape = planning.block_shape(None, plan, 1, 2**30)
    assert shape == (256, 256, 256)
    assert plan.memory(shape, 1) == 8 * 3 * 320**3 + 320**3
    assert plan.transformed == ((1, 1),)  # two phases need one product
    for memory in (2**24, 2**26, 2**28):
        shape = planning.block_shape(None, plan, 1, memory)
        assert memory / 4 < plan.memory(shape, 1) <= memory
    small = planning.volume_plan((30, 30), 3, planning.Options(2, "open", None, 5))
    assert planning.block_shape(None, small, 1, 2**30) == (30, 30)
    labels = some_labels((64, 64))
    f = ds.volume_correlations(labels, n_phases=3, crop=5, memory="20 kB")
    assert len([key for key in f.dask if "_sum_block" in str(key)]) > 9
    oracles.close(f, tp.correlations(tp.one_hot(labels, 3), crop=5), EXACT)


@pytest.mark.parametrize("memory", [0, -5, "much"])
def test_memory_that_is_none_is_refused(memory):
    labels = np.zeros((3, 8, 8), dtype=int)
    for call in (
        lambda: ds.dataset_correlations(labels, n_phases=1, memory=memory),
        lambda: ds.volume_correlations(labels, n_phases=1, crop=3, memory=memory),
    ):
        with pytest.raises(ValueError, match="memory must be a positive number of bytes"):
            call()
