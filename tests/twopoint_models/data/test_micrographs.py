"""Folders of micrographs, and patches of their parts."""

import numpy as np
import pytest

from support.textures import LIGHTNING, data
from twopoint_models.data import CASTINGS, keep_castings, keep_images, keep_micrograph, read_micrographs
from twopoint_models.data.modules import PatchesModule

pytestmark = LIGHTNING


def test_castings_are_kept_once(tmp_path):
    keep_castings(tmp_path, (96, 96))
    found = read_micrographs(tmp_path)
    assert len(found.images) == len(CASTINGS) == 12
    assert {image.shape for image in found.images} == {(96, 96)}
    assert [(x["radius"], x["magnesium"]) for x in found.made_by] == sorted(CASTINGS)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    keep_castings(tmp_path, (96, 96))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_parts_of_micrographs_do_not_overlap(folder):
    found = read_micrographs(folder)
    columns = np.tile(np.arange(320), (40, 1))  # so that a patch tells where it lies
    parts = found._replace(images=[columns] * 3).windows(32, 8)
    reach = {}
    for name, part in parts.items():
        seen = np.concatenate([part[i]["image"].ravel() for i in range(len(part))])
        reach[name] = seen.min(), seen.max()
    assert reach["train"][1] < reach["validation"][0] <= reach["validation"][1] < reach["test"][0]
    assert parts["test"][0]["label"] == "squares of 1"
    narrow = found._replace(images=[columns[:, :100]] * 3).windows(32, 8)
    assert {name: part.parents[0].shape for name, part in narrow.items()} == {"train": (40, 36), "validation": (40, 32), "test": (40, 32)}
    with pytest.raises(ValueError, match=r"micrographs must be 32 x 96 pixels or more for patches of 32, 'squares of 1' is \(40, 90\)"):
        found._replace(images=[columns[:, :90]] * 3).windows(32, 8)


def test_patches_of_a_part(folder):
    found = read_micrographs(folder)
    given, names, made_by = found.patches("train", 32, 2)
    assert given.shape == (6, 1, 32, 32)
    assert names == [name for name in found.names for _ in range(2)]
    assert [each["mean_radius"] for each in made_by] == [1, 1, 4, 4, 8, 8]
    assert (given[0, 0] == found.images[0][:32, :32] / np.float32(255)).all()
    assert (given[5, 0] == found.images[2][:32, 204:236] / np.float32(255)).all()  # the last of 18 windows, 12 pixels apart
    few, names, _ = found.patches("validation", 32, 2)  # one window fits
    assert names == found.names
    assert (few[1, 0] == found.images[1][:32, 240:272] / np.float32(255)).all()


def test_some_micrographs_by_name(folder):
    found = read_micrographs(folder).only(["squares of 8", "squares of 1"])
    assert (found.names, [each["mean_radius"] for each in found.made_by]) == (["squares of 8", "squares of 1"], [8, 1])
    with pytest.raises(ValueError, match="names must be of micrographs, there is no 'circles'"):
        found.only(["squares of 8", "circles"])


def test_micrographs_that_are_none(tmp_path):
    with pytest.raises(ValueError, match=r"gray must be .* not constant, got .* for 'plain'"):
        keep_micrograph(tmp_path, "plain", np.ones((8, 8)))
    with pytest.raises(FileNotFoundError, match="folder must hold micrographs"):
        read_micrographs(tmp_path)
    keep_micrograph(tmp_path, "own", np.arange(64.0).reshape(8, 8) - 5)
    (image,) = read_micrographs(tmp_path).images
    assert (image.min(), image.max(), image.dtype) == (0, 255, np.uint8)


def test_labels_of_phases_become_grays_and_grays_stay(tmp_path):
    labels = np.arange(64, dtype=np.uint8).reshape(8, 8) % 3
    keep_micrograph(tmp_path, "a", labels)
    keep_micrograph(tmp_path, "b", dark := 20 * labels)
    stretched, kept = read_micrographs(tmp_path).images
    assert (np.unique(stretched).tolist(), kept.tolist()) == ([0, 128, 255], dark.tolist())


def test_a_module_of_parts(folder):
    module = data(folder)
    module.setup()
    labels = {name: len(getattr(module, f"{name}_dataloader")().dataset) for name in ("train", "val", "test", "predict")}
    assert labels["predict"] == labels["train"] + labels["val"] + labels["test"]
    assert len(module.val_dataloader()) > 0
    with pytest.raises(ValueError, match="windows must be SlidingWindows of the parts train, validation, test"):
        PatchesModule({"train": module.windows["train"]})


def test_a_folder_of_other_micrographs_is_refused(tmp_path):
    gray = np.arange(64.0).reshape(8, 8)
    with pytest.raises(ValueError, match="images must have a name each, without folder and ending, got x, x"):
        keep_images(tmp_path, ["a/x.png", "b/x.tif"], lambda path: gray)
    keep_images(tmp_path, ["a/x.png", "b/y.tif"], lambda path: gray)
    assert read_micrographs(tmp_path).names == ["x", "y"]
    with pytest.raises(ValueError, match="holds other micrographs, such as 'x'"):
        keep_images(tmp_path, ["b/y.tif"], lambda path: gray)
    with pytest.raises(ValueError, match="holds other micrographs"):
        keep_castings(tmp_path, (96, 96))
    (tmp_path / "castings.txt").write_text("size 128 x 128, seed 0\n")
    with pytest.raises(ValueError, match="holds castings of size 128 x 128, seed 0, not of size 96 x 96, seed 0"):
        keep_castings(tmp_path, (96, 96))
