"""--descriptors of ``stats`` and ``compare``, as a person types it, and the numbers against structures whose descriptors are known."""

import csv
import json
import math

import numpy as np
import pytest

import twopoint as tp
from support import cli_harness
from support.cli_harness import PNG, blobs, refused
from support.output_schema import checked
from twopoint.cli import descriptors
from twopoint.cli.reading.spacing import Spacing


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


def islands():
    """Sixteen squares of 4 x 4 points in 32 x 32, none at a border."""
    labels = np.zeros((32, 32), np.uint8)
    for row in range(2, 32, 8):
        for column in range(2, 32, 8):
            labels[row : row + 4, column : column + 4] = 1
    return labels


def quantity(found, name, phase, axis=None):
    (value,) = [q.value for q in found.quantities if (q.name, q.phase, q.axis) == (name, phase, axis)]
    return value


@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_islands_in_a_matrix(boundary):
    spacing = Spacing((0.5, 2.0), "µm")
    found = descriptors.measure_descriptors(islands(), 2, descriptors.NAMES, boundary=boundary, spacing=spacing)
    assert quantity(found, "clusters", 1) == 16
    assert quantity(found, "clusters", 0) == 1
    assert quantity(found, "share of the phase in its largest cluster", 1) == 1 / 16
    for axis, step in enumerate((0.5, 2.0)):
        assert quantity(found, "share of the phase in clusters that span the image", 1, axis) == 0
        assert quantity(found, "share of the phase in clusters that span the image", 0, axis) == 1
        assert quantity(found, "chords", 1, axis) == 64
        assert quantity(found, "mean chord", 1, axis) == 4 * step
        (path,) = [s for s in found.series if (s.descriptor, s.phase, s.axis) == ("lineal_path", 1, axis)]
        assert path.r[:3].tolist() == [0, step, 2 * step]
        assert not path.values[4:].any()
        assert quantity(found, "mean distance to the end of the phase", 1, axis) == pytest.approx(step * path.values.sum() / 0.25)
    assert quantity(found, "Euler number by faces", 1) == 16
    assert quantity(found, "Euler number density by faces", 1) == pytest.approx(16 / (32 * 32 * 0.5 * 2.0))
    assert quantity(found, "Euler number by faces", 0) == (1 - 16 if boundary == "open" else -16)
    (three,) = [s for s in found.series if (s.descriptor, s.phase) == ("three_point", 1)]
    m = tp.one_hot(islands(), 2)
    want = tp.three_point(m, [((n, 0), (0, n)) for n in np.rint(three.r / 0.5).astype(int).tolist()], boundary=boundary)[1, 1, 1]
    np.testing.assert_allclose(three.values, want, atol=1e-12)


@pytest.mark.parametrize("shape", [(30,), (1, 1), (9, 1), (6, 7, 5)], ids=str)
@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_every_shape(shape, boundary):
    labels = np.random.default_rng(0).integers(0, 3, shape)
    spacing = Spacing().along(len(shape))
    found = descriptors.measure_descriptors(labels, 4, descriptors.NAMES, boundary=boundary, spacing=spacing)  # phase 3 is absent
    text = json.dumps(found.summary(), allow_nan=False)
    assert set(json.loads(text)) == set(descriptors.NAMES)
    assert quantity(found, "clusters", 3) == 0
    assert quantity(found, "mean chord", 3, 0) is None
    rows = descriptors.compare_descriptors(found, found)
    assert all(row["difference"] in (0, None) for row in rows)


def test_stats_prints_draws_and_writes(run, tmp_path):
    np.save(tmp_path / "islands.npy", islands())
    result = run("stats", "islands.npy", "--descriptors", "all", "--csv", "d.csv", "--json", "d.json", "--spacing", "2um")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "islands-stats.png").read_bytes().startswith(PNG)
    assert "mean chord, axis 0, µm" in result.stdout
    assert "descriptors: d.csv" in result.stdout
    written = json.loads((tmp_path / "d.json").read_text())["descriptors"]
    assert set(written) == set(descriptors.NAMES)
    assert written["chord_lengths"]["curves"][3]["values"][4] == 1
    with (tmp_path / "d.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chords = [row for row in rows if row["descriptor"] == "chord_lengths" and row["phase"] == "1" and row["axis"] == "1"]
    assert [row["value"] for row in chords if row["quantity"] == "mean chord"] == ["8.0"]
    assert [row["value"] for row in chords if row["quantity"] == "curve" and row["distance, µm"] == "8.0"] == ["1.0"]
    some = run("stats", "islands.npy", "--descriptors", "euler_number", "--json", "-", "--force")
    assert set(json.loads(some.stdout)["descriptors"]) == {"euler_number"}
    assert "descriptors" not in json.loads(run("stats", "islands.npy", "--json", "-", "--force").stdout)


def test_compare_has_the_differences(run, tmp_path):
    np.save(tmp_path / "a.npy", islands())
    other = islands()
    other[2:6, 2:6] = 0
    np.save(tmp_path / "b.npy", other)
    result = run("compare", "a.npy", "b.npy", "--descriptors", "cluster_correlation,lineal_path", "--json", "d.json")
    assert result.exit_code == 0, result.output
    assert "clusters, phase 1" in result.stdout
    rows = json.loads((tmp_path / "d.json").read_text())["descriptors"]
    (clusters,) = [row for row in rows if row["name"] == "clusters" and row["phase"] == 1]
    assert (clusters["a"], clusters["b"], clusters["difference"]) == (16, 15, -1)
    gaps = [
        row["difference"] for row in rows if row["descriptor"] == "lineal_path" and row["name"].startswith("largest") and row["phase"] == 1
    ]
    assert gaps == [pytest.approx(1 / 64), pytest.approx(1 / 64)]  # at r = 0, the volume fractions


def test_curves_of_two_sizes_are_compared_where_both_have_them():
    small, large = (
        descriptors.measure_descriptors(blobs(shape), 2, ["lineal_path"], boundary="open", spacing=Spacing((1.0, 1.0)))
        for shape in ((20, 24), (40, 36))
    )
    for a, b in ((small, large), (large, small)):
        gaps = [row["difference"] for row in descriptors.compare_descriptors(a, b) if row["name"].startswith("largest")]
        m = min(len(a.series[0].r), len(b.series[0].r))
        want = [float(np.abs(p.values[:m] - q.values[:m]).max()) for p, q in zip(a.series, b.series, strict=True)]
        assert gaps == pytest.approx(want)
        assert all(math.isfinite(gap) and gap > 0 for gap in gaps)


def test_bad_input(run, tmp_path):
    np.save(tmp_path / "a.npy", islands())
    refused(run("stats", "a.npy", "--descriptors", "chords"), "--descriptors must be all, or names from lineal_path, chord_lengths")
    refused(run("compare", "a.npy", "a.npy", "--descriptors", ""), "--descriptors must be all")
    refused(run("stats", "a.npy", "--csv", "d.csv"), "--csv d.csv needs --descriptors")
    refused(run("stats", "a.npy", "--descriptors", "all", "--csv", "d.txt"), "d.txt must end in .csv")
    refused(run("stats", "a.npy", "--descriptors", "all", "--mask", "a.npy"), "--descriptors cannot be used with --mask")


def test_many_images_and_a_page(run, tmp_path):
    """The files of each image, which the schema describes, a second call that measures nothing, and a page with the curves."""
    (tmp_path / "in").mkdir()
    for i in range(2):
        np.save(tmp_path / f"in/image{i}.npy", np.roll(islands(), i, axis=0))
    words = ("stats", "in", "--descriptors", "euler_number,lineal_path", "--no-pictures", "--jobs", "1", "--out", "r")
    result = run(*words)
    assert result.exit_code == 0, result.output
    record = checked((tmp_path / "r/image0.json").read_text())
    assert set(record["descriptors"]) == {"euler_number", "lineal_path"}
    before = (tmp_path / "r/image0.json").stat().st_mtime_ns
    assert run(*words).exit_code == 0
    assert (tmp_path / "r/image0.json").stat().st_mtime_ns == before
    refused(run(*words[:2], "--no-pictures", "--out", "r"), "results of other options (descriptors lineal_path,euler_number, now None)")
    refused(run(*words, "--csv", "d.csv"), "--csv takes the descriptors of one image")
    refused(run("compare", "in", "--descriptors", "all"), "--descriptors can be used with two images only")
    result = run("report", "in/image0.npy", "--descriptors", "euler_number,lineal_path", "--jobs", "1")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "report.html").read_text()
    assert "Euler number by faces" in page
    assert "phase 1 16" in page
    assert "Curves of the lineal path, for distances from 0" in page
    assert "--descriptors lineal_path,euler_number" in page
    checked(run("stats", "in/image0.npy", "--descriptors", "all", "--json", "-").stdout)
    checked(run("compare", "in/image0.npy", "in/image1.npy", "--descriptors", "all", "--json", "-").stdout)
