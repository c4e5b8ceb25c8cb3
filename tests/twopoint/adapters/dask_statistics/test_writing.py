"""Arrays written completely, or not at all."""

import os

import dask.array as da
import numpy as np
import pytest

from support.volumes import some_labels
from twopoint.adapters import dask_statistics as ds


def test_saved_as_a_whole(tmp_path):
    x = np.random.default_rng(2).normal(size=(10, 3))
    x[:4] = 0  # a chunk of zeros is written too
    f = da.from_array(x, chunks=((4, 3, 3), 2))
    back = ds.save_zarr(f, tmp_path / "f.zarr")
    assert (back.compute() == x).all()
    assert ds.open_array(tmp_path / "f.zarr").chunks == (4, 2)
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        ds.save_zarr(f, tmp_path / "f.zarr")
    assert (ds.save_zarr(f + 1, tmp_path / "f.zarr", overwrite=True).compute() == x + 1).all()
    assert os.listdir(tmp_path) == ["f.zarr"]


def test_what_cannot_get_its_name_leaves_the_old_one(tmp_path, monkeypatch):
    f = da.ones(4, chunks=2)
    ds.save_zarr(f, tmp_path / "new" / "f.zarr")
    rename = os.replace

    def refuse(source, target):
        if source.name == "whole":
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        ds.save_zarr(2 * f, tmp_path / "new" / "f.zarr", overwrite=True)
    assert ds.open_array(tmp_path / "new" / "f.zarr")[...].tolist() == [1] * 4
    assert os.listdir(tmp_path / "new") == ["f.zarr"]


def test_a_task_that_fails_leaves_nothing_behind(tmp_path):
    labels = some_labels((6, 8, 8))
    labels[5, 0, 0] = 9
    f = ds.dataset_correlations(da.from_array(labels, chunks=2), n_phases=3)
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"labels must lie in 0..2 for n_phases=3, got 0..9"):
            ds.save_zarr(f, tmp_path / "f.zarr", overwrite=overwrite)
        assert os.listdir(tmp_path) == (["f.zarr"] if overwrite else [])
        if not overwrite:
            ds.save_zarr(f[:2], tmp_path / "f.zarr")
    assert (ds.open_array(tmp_path / "f.zarr")[...] == f[:2].compute()).all()
