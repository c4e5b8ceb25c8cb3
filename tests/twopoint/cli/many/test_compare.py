"""``compare`` on many images: the matrix is that of pairs, near images are neighbours, and what cannot be compared is kept apart."""

import csv
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from support import cli_harness
from support.cli_harness import PNG, blobs, photograph, refused
from support.output_schema import checked
from twopoint.cli.many.distances import cut_height


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


def material(name, seed, shape=(128, 120)):
    """Return labels of one of three materials: fine, coarse, and sparse."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), {"fine": 1.2, "coarse": 4.0, "sparse": 2.0}[name])
    return (field > np.quantile(field, {"fine": 0.5, "coarse": 0.5, "sparse": 0.85}[name])).astype(np.uint8)


def materials(folder, number):
    folder.mkdir()
    names = [f"{'abc'[i % 3]}{i}-{name}" for i, name in enumerate(["fine", "coarse", "sparse"] * number)]
    for i, name in enumerate(names):
        Image.fromarray(photograph(material(name.split("-")[1], i))).save(folder / f"{name}.png")
    return folder


def test_three_materials_are_three_groups(run, tmp_path):
    materials(tmp_path / "in", 3)
    result = run("compare", "in", "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "twopoint-compare/distances.png").read_bytes().startswith(PNG)
    (group,) = checked((tmp_path / "twopoint-compare/distances.json").read_text())["groups"]
    kinds = [image["name"].split("-")[1] for image in group["images"]]
    clusters = [image["cluster"] for image in group["images"]]
    assert len(set(zip(kinds, clusters, strict=True))) == len(set(kinds)) == len(set(clusters)) == 3
    assert "3 groups at the widest gap" in result.stdout


@pytest.mark.parametrize("by", ["cess", "error"])
def test_images_of_one_material_are_neighbours(run, tmp_path, by):
    materials(tmp_path / "in", 3)
    summary = checked(run("compare", "in", "--by", by, "--jobs", "1", "--json", "-").stdout)
    kinds = [image["name"].split("-")[1] for image in summary["groups"][0]["images"]]
    assert sum(first != second for first, second in pairwise(kinds)) == 2
    assert summary["by"] == by


@pytest.mark.parametrize(
    ("boundary", "crop"),
    [("open", 12), ("periodic", 21), *(pytest.param(*row, marks=pytest.mark.long) for row in (("open", 21), ("periodic", 12)))],
)
def test_the_matrix_holds_what_two_images_give(run, tmp_path, boundary, crop):
    shapes = [(30, 28)] * 3 if boundary == "periodic" else [(30, 28), (30, 28), (26, 33)]
    for i, shape in enumerate(shapes):
        np.save(tmp_path / f"{i}.npy", blobs(shape, phases=3, seed=i))
    options = ("--boundary", boundary, "--crop", crop, "--json", "-")
    (group,) = checked(run("compare", "0.npy", "1.npy", "2.npy", *options).stdout)["groups"]
    names = [image["name"] for image in group["images"]]
    assert group["lags"] == [crop, crop]
    for a, b in ((0, 1), (2, 0)):
        at = names.index(str(a)), names.index(str(b))
        one = checked(run("compare", f"{a}.npy", f"{b}.npy", *options, "--force").stdout)
        other = checked(run("compare", f"{a}.npy", f"{b}.npy", *options, "--cumulative", "--force").stdout)
        for name, value in (
            ("error", one["error"]),
            ("excess_cess", one["excess_cess"]),
            ("cumulative_excess_cess", other["excess_cess"]),
        ):
            assert group["matrices"][name][at[0]][at[1]] == pytest.approx(value, rel=1e-9, abs=1e-13), (name, a, b)
    assert np.diagonal(group["matrices"]["error"]).tolist() == [0.0] * 3


def test_all_lags_of_an_even_periodic_image(run, tmp_path):
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", blobs((16, 18), seed=i))
    options = ("--boundary", "periodic", "--crop", 18, "--json", "-")
    (group,) = checked(run("compare", "0.npy", "1.npy", "2.npy", *options).stdout)["groups"]
    names = [image["name"] for image in group["images"]]
    other = checked(run("compare", "0.npy", "1.npy", *options, "--cumulative").stdout)
    found = group["matrices"]["cumulative_excess_cess"][names.index("0")][names.index("1")]
    assert found == pytest.approx(other["excess_cess"], rel=1e-9)


def test_a_volume_and_tables(run, tmp_path):
    for i in range(3):
        np.save(tmp_path / f"v{i}.npy", blobs((12, 13, 14), seed=i))
    result = run("compare", "v0.npy", "v1.npy", "v2.npy", "--out", "r")
    assert result.exit_code == 0, result.output
    with (tmp_path / "r/pairs.csv").open() as file:
        pairs = list(csv.DictReader(file))
    assert len(pairs) == 6
    with (tmp_path / "r/distances.csv").open() as file:
        head, *matrix = list(csv.reader(file))
    values = np.array([[float(cell) for cell in row[2:]] for row in matrix])
    assert head[2:] == [row[0] for row in matrix]
    for pair in pairs:
        at = [head[2:].index(pair[side].removesuffix(".npy")) for side in "ab"]
        assert values[at[0], at[1]] == float(pair["cumulative_excess_cess"])
    assert np.diagonal(values).max() == 0


def test_what_cannot_be_compared_is_kept_apart(run, tmp_path):
    for i in range(2):
        np.save(tmp_path / f"two{i}.npy", blobs(seed=i))
        np.save(tmp_path / f"three{i}.npy", blobs(phases=3, seed=i))
        np.save(tmp_path / f"values{i}.npy", 2 * blobs(seed=i))  # 0 and 2 are paired by value
    np.save(tmp_path / "alone.npy", blobs((10, 12, 14)))
    result = run("compare", "*.npy", "--out", "r")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stderr.split())
    assert "images that cannot be compared are kept apart: 2 images of 3 phases; 2 images of 2 phases" in said
    assert "of the values 0, 2" in said
    groups = checked((tmp_path / "r/distances.json").read_text())["groups"]
    assert sorted(len(group["images"]) for group in groups) == [1, 2, 2, 2]
    with (tmp_path / "r/distances.csv").open() as file:
        assert sum(cell == "" for row in list(csv.reader(file))[1:] for cell in row) == 7 * 7 - (3 * 4 + 1)


def test_bad_input(run, tmp_path):
    np.save(tmp_path / "a.npy", blobs())
    np.save(tmp_path / "b.npy", blobs(phases=3))
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    refused(run("compare", "a.npy"), "compare needs two images or more, got 1")
    refused(run("compare", "a.npy", "a.npy", "./a.npy"), "compare needs two images or more, got 1")
    refused(run("compare", "a.npy", "b.npy", "c.png", "--window-b", "3"), "--window-b can be used with two images only")
    refused(run("compare", "a.npy", "b.npy", "c.png", "--cumulative"), "for more images, --by chooses the distance")
    refused(run("compare", "a.npy", "b.npy", "c.png"), "there are no two images that can be compared: c.png cannot be read")
    refused(run("compare", "a.npy", "b.npy", "c.png", "--crop", "1", "--out", "r"), "--crop must be 3 to 79 lags")
    np.save(tmp_path / "d.npy", blobs(seed=4))
    result = run("compare", "a.npy", "d.npy", "c.png", "--out", "r2")
    assert result.exit_code == 1
    assert "refused: c.png cannot be read" in result.stderr
    assert len(checked((tmp_path / "r2/distances.json").read_text())["refused"]) == 1


def test_groups_only_where_a_gap_separates_them():
    def links(*heights):
        return np.array([[0, 0, height, 2] for height in heights], dtype=float)

    assert cut_height(links(0.1, 0.1, 0.2, 1.8)) == pytest.approx(0.6)
    assert cut_height(links(0.1, 0.1, 0.1, 0.9, 2.0)) == pytest.approx(0.3)
    assert cut_height(links(0.0, 0.0, 0.01, 0.9, 1.0)) == pytest.approx((0.02 * 0.9) ** 0.5)
    assert cut_height(links(1.0, 1.1, 1.2, 1.3)) is None
    assert cut_height(links(1.0)) is None
    assert cut_height(links(0.0, 0.0, 0.0)) is None
