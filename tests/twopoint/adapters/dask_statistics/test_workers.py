"""Workers in processes of their own, and workers that die."""

import os

import dask
import dask.array as da
import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.volumes import EXACT, some_labels, stored
from twopoint.adapters import dask_statistics as ds


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1, "distributed.comm.timeouts.connect": "60s"}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit="1GiB") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
        client.restart(timeout=60)  # tasks that end their workers go on, and a worker that is just begun again cannot be closed


def dies(times, folder):
    """Return a function of chunks whose process ends so many times, and then does nothing."""

    def die(chunk):
        for i in range(times):
            try:
                (folder / str(i)).touch(exist_ok=False)
            except FileExistsError:
                continue
            os._exit(1)
        return chunk

    return die


def test_workers_read_for_themselves(client, tmp_path):
    labels = some_labels((20, 24))
    for kind in ("zarr", "hdf5", "memmap", "npy"):
        (tmp_path / kind).mkdir()
        f = ds.volume_correlations(stored(kind, labels, tmp_path / kind, (8, 8)), n_phases=3, crop=7, block=9)
        oracles.close(client.compute(f, retries=2).result(), tp.correlations(tp.one_hot(labels, 3), crop=7), EXACT)


def test_a_worker_that_dies_is_replaced(client, tmp_path):
    labels = some_labels((20, 24))
    dying = da.from_array(labels, chunks=8).map_blocks(dies(1, tmp_path), dtype=np.uint8, meta=np.empty((0, 0), np.uint8))
    f = client.compute(ds.volume_correlations(dying, n_phases=3, crop=7, block=9)).result()
    oracles.close(f, tp.correlations(tp.one_hot(labels, 3), crop=7), EXACT)
    assert len(os.listdir(tmp_path)) == 1


def test_workers_that_keep_dying_are_an_error_and_nothing_is_written(client, tmp_path):
    from distributed.scheduler import KilledWorker

    (tmp_path / "deaths").mkdir()
    images = da.from_array(some_labels((8, 6, 6)), chunks=2)
    dying = images.map_blocks(dies(100, tmp_path / "deaths"), dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8))
    with dask.config.set(scheduler="distributed"), pytest.raises(KilledWorker):
        ds.save_zarr(ds.dataset_correlations(dying, n_phases=3), tmp_path / "f.zarr")
    assert os.listdir(tmp_path) == ["deaths"]
