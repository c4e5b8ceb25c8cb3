"""Saved statistics: for Python, and for ``reconstruct``."""

import json

import numpy as np
import pytest

import twopoint
from support import cli_harness
from support.cli_harness import blobs
from twopoint.cli.measures import crop_sizes, measure
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.saved_statistics import load_statistics, save_statistics
from twopoint.cli.terminal import InputError


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


def save(path, labels, boundary="open", crop=None, mask=None):
    sizes = crop_sizes(crop, labels.shape, boundary)
    n = int(labels.max()) + 1
    statistics = measure(labels, n, boundary=boundary, spacing=Spacing((0.5,), "µm"), crop=sizes, mask=mask)
    save_statistics(path, statistics, source="a test")
    return statistics


@pytest.mark.parametrize("boundary", ["open", "periodic"])
@pytest.mark.parametrize(("shape", "crop"), [((14, 15), None), ((14, 15), 7), ((14, 15), 8), ((6, 7, 8), 5)])
def test_what_is_saved_is_what_the_library_measures(tmp_path, boundary, shape, crop):
    labels = blobs(shape, phases=3)
    save(tmp_path / "s.npz", labels, boundary, crop)
    known, spacing = load_statistics(str(tmp_path / "s.npz"))
    m = twopoint.one_hot(labels, 3, ndim=len(shape))
    wanted = twopoint.target_statistics(m, ndim=len(shape), boundary=boundary, crop=crop or shape)
    np.testing.assert_allclose(known.correlations, wanted.correlations, atol=1e-15)
    assert (known.shape, known.boundary, known.crop) == (shape, boundary, wanted.crop)
    assert abs(float(twopoint.cess(m, known, excess=True))) < 1e-12
    assert spacing == Spacing((0.5,) * len(shape), "µm")


def test_python_goes_on_with_the_file_alone(run, tmp_path, unchecked):
    labels = blobs((18, 20))
    np.save(tmp_path / "a.npy", labels)
    assert run("stats", "a.npy", "--save", "s.npz", "--spacing", "2nm", "--crop", 9).exit_code == 0
    with np.load("s.npz") as file:
        target = twopoint.TargetStatistics.from_correlations(
            file["correlations"], shape=file["shape"], boundary=str(file["boundary"]), crop=file["crop"], centered=True
        )
        assert str(file["unit"]) == "nm"
        assert file["spacing"].tolist() == [2.0, 2.0]
        assert str(file["source"]) == "a.npy"
        r, _ = twopoint.radial_average(file["correlations"][1, 1], centered=True, count=file["pair_counts"], spacing=file["spacing"])
    assert r[1] == 2.0
    assert twopoint.statistics_error(labels, target) < 1e-12


@pytest.mark.long
def test_reconstruct_takes_saved_statistics(run, tmp_path):
    labels = blobs((12, 14))
    np.save(tmp_path / "a.npy", labels)
    run("stats", "a.npy", "--boundary", "periodic", "--save", "s.npz", "--spacing", "2nm")
    by_file = json.loads(run("reconstruct", "s.npz", "--json", "-", "--labels", "found.npy").stdout)
    by_image = json.loads(run("reconstruct", "a.npy", "--json", "-").stdout)
    assert by_file["shape"] == [12, 14]
    assert np.load("found.npy").mean() == labels.mean()
    assert by_file["error_thresholded"] < 0.2
    assert by_file["error_thresholded"] == pytest.approx(by_image["error_thresholded"], abs=0.1)


def test_statistics_under_a_mask(tmp_path):
    labels = blobs((16, 18))
    mask = np.ones(labels.shape, dtype=bool)
    mask[:4] = False
    save(tmp_path / "s.npz", labels, mask=mask)
    assert load_statistics(str(tmp_path / "s.npz"))[0].mask is None
    mask[:] = False
    mask[:4] = True
    save(tmp_path / "s.npz", labels, mask=mask)
    with pytest.raises(InputError, match="holds lags without a pair of points; save it with a smaller --crop"):
        load_statistics(str(tmp_path / "s.npz"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "another 1", "does not hold statistics of twopoint stats --save"),
        ("correlations", np.zeros((2, 2, 5, 5)), "do not fit crop"),
        ("correlations", np.full((2, 2, 14, 15), np.nan), "are not probabilities"),
        ("correlations", np.full((2, 2, 14, 15), 0.3), "are not probabilities"),
        ("correlations", np.full((2, 2, 14, 15), 0.25), "one phase only"),
        ("correlations", np.zeros((2, 2, 14, 15), object), "cannot be read"),
        ("shape", np.array([3, 3]), "cannot be read"),
        ("shape", np.array([10**6, 10**6]), None),
        ("crop", np.array([14]), "do not fit crop"),
        ("boundary", "closed", "cannot be read"),
        ("spacing", np.array([0.0, 1.0]), "its spacing is"),
        ("spacing", np.ones(3), "--spacing must be one length or 2"),
        ("unit", None, "cannot be read"),
    ],
)
def test_files_whose_numbers_are_no_statistics(run, tmp_path, name, value, message):
    save(tmp_path / "s.npz", blobs((14, 15)))
    with np.load(tmp_path / "s.npz") as file:
        content = dict(file)
    content[name] = value
    np.savez(tmp_path / "s.npz", **{key: part for key, part in content.items() if part is not None})
    cli_harness.refused(run("reconstruct", "s.npz"), "of memory" if message is None else message)
