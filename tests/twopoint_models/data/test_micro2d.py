"""MICRO2D's files: read by class, split, size and property, written, resumed, refused where they are not whole."""

import multiprocessing
import shutil

import h5py
import numpy as np
import pytest

from twopoint_models.data import MICRO2D, MICRO2DWriter, resize
from twopoint_models.data.layout import column_names


def some_images(n, size, seed=0):
    return (np.random.default_rng(seed).random((n, size, size)) < 0.3).astype(np.uint8)


@pytest.fixture
def written(tmp_path):
    """A file of two classes with a table of two properties at three contrasts, of which one is NaN."""
    path, images = tmp_path / "own.h5", {"A": some_images(20, 8), "B": some_images(11, 8, 1)}
    values = {name: np.random.default_rng(2).random((len(x), 3, 2)) for name, x in images.items()}
    values["B"][4, 1, 0] = np.nan
    with MICRO2DWriter(path, {"A": 20, "B": 11}, size=8, properties={"conductivity": ["kx", "ky"]}, contrasts=3) as writer:
        for name, x in images.items():
            writer.write(name, x, labels=[f"{name}{i}" for i in range(len(x))], properties={"conductivity": values[name]})
    return path, images, values


def test_what_was_written_is_read(written):
    path, images, values = written
    dataset = MICRO2D(path, size=None, properties=["ky", "kx"], contrast=0)
    assert len(dataset) == 31
    assert dataset.classes == ("A", "B")
    assert dataset.property_names == ("ky", "kx")
    for i, item in enumerate(dataset[j] for j in range(len(dataset))):
        name, index = item["name"], item["index"]
        assert (name, index) == (("A", i) if i < 20 else ("B", i - 20))
        assert item["image"].dtype == np.float32
        assert item["image"].shape == (1, 8, 8)
        assert (item["image"][0] == images[name][index]).all()
        np.testing.assert_array_equal(item["properties"], values[name][index, 0, ::-1].astype(np.float32))
    assert dataset[-1]["index"] == 10
    assert (dataset.class_indices == [0] * 20 + [1] * 11).all()
    assert dataset.indices.tolist() == [*range(20), *range(11)]
    with h5py.File(path) as file:
        assert file["B"]["B - labels"][3] == b"B3"
        assert "COMPLETE" in file.attrs


def test_classes_come_in_the_order_asked_for(written):
    dataset = MICRO2D(written[0], ["B", "A"], size=4)
    assert dataset[0]["name"] == "B"
    assert dataset[0]["image"].shape == (1, 4, 4)
    assert dataset[0]["properties"].shape == (0,)


def test_splits_are_disjoint_stratified_and_the_same_everywhere(written):
    path = written[0]
    parts = {split: MICRO2D(path, size=None, split=split, together=False) for split in ("train", "validation", "test")}
    members = {split: [(d[i]["name"], d[i]["index"]) for i in range(len(d))] for split, d in parts.items()}
    assert sorted(member for part in members.values() for member in part) == sorted(
        [("A", i) for i in range(20)] + [("B", i) for i in range(11)]
    )
    assert [sum(name == "A" for name, _ in members[split]) for split in members] == [16, 2, 2]
    assert members["test"] == [("A", 1), ("A", 17), ("B", 7)], "another seed, machine or version must not deal them out anew"
    other = MICRO2D(path, size=None, split="test", seed=1, together=False)
    assert [(other[i]["name"], other[i]["index"]) for i in range(len(other))] != members["test"]
    assert len(MICRO2D(path, split="train", fractions=(0.5, 0.25, 0.25), together=False)) == 10 + 6


def test_indices_are_dealt_out_together(written):
    """Images of all classes at one index in one part; the smaller class has those of its indices."""
    path = written[0]
    parts = {split: MICRO2D(path, size=None, split=split) for split in ("train", "validation", "test")}
    members = {split: {(d[i]["name"], d[i]["index"]) for i in range(len(d))} for split, d in parts.items()}
    assert sum(map(len, members.values())) == 31
    for found in members.values():
        assert {i for name, i in found if name == "B"} == {i for name, i in found if name == "A" and i < 11}
    assert [sum(name == "A" for name, _ in members[split]) for split in members] == [16, 2, 2]


def test_labels_and_class_indices(written):
    dataset = MICRO2D(written[0], ["B", "A"], size=None, split="test")
    items = [dataset[i] for i in range(len(dataset))]
    assert dataset.labels == [f"{item['name']}{item['index']}" for item in items]
    assert [item["class_index"] for item in items] == dataset.class_indices.tolist() == [int(item["name"] == "A") for item in items]


def test_a_file_without_labels(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x/x"] = some_images(2, 4)
    assert MICRO2D(tmp_path / "x.h5", size=None).labels == ["", ""]


def test_properties_that_are_missing(written):
    path = written[0]
    with pytest.raises(ValueError, match=r"1 of 11 images of B have NaN for 'kx'.*missing='drop'"):
        MICRO2D(path, properties=["kx"], contrast=1)
    dropped = MICRO2D(path, size=None, properties=["kx"], contrast=1, missing="drop")
    assert len(dropped) == 30
    assert np.isfinite(dropped.properties).all()
    assert np.isnan(MICRO2D(path, properties=["conductivity"], contrast=1, missing="keep").properties).sum() == 1
    assert len(MICRO2D(path, properties=["ky"], contrast=1)) == 31
    assert len(MICRO2D(path, properties=["kx"], contrast=-1)) == 31


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["a"]}, r"no class 'a'; did you mean 'A'\?; it has A, B"),
        ({"classes": "A"}, r"write \['A'\]"),
        ({"classes": []}, "one or more"),
        ({"classes": ["A", "A"]}, "each once"),
        ({"properties": ["kz"]}, "no property 'kz'; it has kx, ky"),
        ({"properties": ["conductivty"]}, r"did you mean 'conductivity'\?"),
        ({"properties": "kx"}, r"write \['kx'\]"),
        ({"properties": ["kx"]}, "3 contrasts"),
        ({"properties": ["kx"], "contrast": 3}, "index 0..2"),
        ({"contrast": 1}, "must be left out without properties"),
        ({"split": "val"}, "'validation'"),
        ({"missing": "ignore"}, "'drop'"),
        ({"size": 0}, "size must be"),
        ({"size": 2.5}, "size must be"),
        ({"fractions": (0.5, 0.5)}, "three shares"),
        ({"fractions": (0.5, 0.5, 0.5)}, "sum 1"),
    ],
    ids=str,
)
def test_bad_options(written, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        MICRO2D(written[0], **options)


def test_bad_items(written):
    dataset = MICRO2D(written[0])
    with pytest.raises(IndexError, match="31 of 31"):
        dataset[31]
    with pytest.raises(TypeError, match="integer"):
        dataset[0:2]


def test_bad_files(written, tmp_path):
    path = written[0]
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        MICRO2D(tmp_path / "none.h5")
    for name, content in (("truncated.h5", path.read_bytes()[:3000]), ("text.h5", b"no HDF5")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} cannot be opened as HDF5; is it truncated"):
            MICRO2D(tmp_path / name)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(ValueError, match="not in MICRO2D"):
        MICRO2D(tmp_path / "other.h5")
    shutil.copy(path, tmp_path / "half.h5")
    with h5py.File(tmp_path / "half.h5", "r+") as file:
        file.attrs["COMPLETE"] = 0
    with pytest.raises(ValueError, match="incomplete"):
        MICRO2D(tmp_path / "half.h5")
    with h5py.File(tmp_path / "half.h5", "r+") as file:
        file.attrs["COMPLETE"] = 1
        file["A"]["A"][3, 0, 0] = 7
        del file["B"]["conductivity"]
    with pytest.raises(ValueError, match=r"image 3 of A .* holds 7"):
        MICRO2D(tmp_path / "half.h5")[3]
    with pytest.raises(ValueError, match="class B has no property 'kx'"):
        MICRO2D(tmp_path / "half.h5", properties=["kx"], contrast=0)


def test_images_of_other_types(tmp_path):
    for name, values in (("float", np.array([[[0.0, 1.0]]])), ("bool", np.array([[[False, True]]])), ("gray", np.array([[[0.0, 0.4]]]))):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file[f"{name}/{name}"] = values
        dataset = MICRO2D(tmp_path / f"{name}.h5", size=None)
        if name == "gray":
            with pytest.raises(ValueError, match="not binary"):
                dataset[0]
        else:
            assert (dataset[0]["image"] == [[[0, 1]]]).all()


def test_instructions_name_the_columns(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for i, (text, k, want) in enumerate(
            [
                ("[n, contrast, (kx, ky)]; only the last", 2, ("kx", "ky")),
                (b"index: [E_x, E_y, nu_xy, nu_yx, G_xy]", 5, ("E_x", "E_y", "nu_xy", "nu_yx", "G_xy")),
                ("as in the paper", 2, ("table2[0]", "table2[1]")),
                ("(kx, ky)", 3, ("table3[0]", "table3[1]", "table3[2]")),
            ]
        ):
            file[f"table{i}"] = np.zeros((4, 6, k))
            file[f"table{i}"].attrs["INSTRUCTIONS"] = text
            assert column_names(file[f"table{i}"]) == want


def _first(dataset, at):
    return dataset[at]["image"]


def test_several_processes_read(written):
    """An open file is not sent to a worker; each opens its own, forked or spawned."""
    path, images, _ = written
    dataset = MICRO2D(path, size=None)
    dataset[0]
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            for i, image in enumerate(pool.starmap(_first, [(dataset, i) for i in range(20)])):
                assert (image[0] == images["A"][i]).all()


def test_a_loader_of_torch_gives_batches(written):
    from torch.utils.data import DataLoader

    batch = next(iter(DataLoader(MICRO2D(written[0], size=16, properties=["kx"], contrast=0), batch_size=5, num_workers=2)))
    assert tuple(batch["image"].shape) == (5, 1, 16, 16)
    assert tuple(batch["properties"].shape) == (5, 1)
    assert batch["name"] == ["A"] * 5


def test_writing_goes_on_after_a_kill(tmp_path):
    path, images = tmp_path / "own.h5", some_images(10, 4)
    arguments = dict(counts={"A": 10}, size=4, properties={"p": ["x"]})
    writer = MICRO2DWriter(path, **arguments)  # no with: as after a kill
    writer.write("A", images[3:5], start=3)
    assert not path.exists()
    again = MICRO2DWriter(path, **arguments)
    assert again.missing(block=2) == [("A", 0, 2), ("A", 2, 3), ("A", 5, 7), ("A", 7, 9), ("A", 9, 10)]
    with pytest.raises(ValueError, match="8 of 10 images are missing"), again:
        pass
    assert not path.exists()
    with MICRO2DWriter(path, **arguments) as last:
        for name, start, stop in last.missing(block=3):
            last.write(name, images[start:stop], start=start)
    dataset = MICRO2D(path, size=None)
    assert all((dataset[i]["image"][0] == images[i]).all() for i in range(10))
    assert np.isnan(MICRO2D(path, properties=["x"], missing="keep").properties).all()
    with pytest.raises(ValueError, match="no image has all of x"):
        MICRO2D(path, properties=["x"], missing="drop")
    assert [file.name for file in tmp_path.iterdir()] == ["own.h5"]


def test_a_file_says_where_it_is_from(tmp_path):
    path, about = tmp_path / "own.h5", {"SOURCE": "a furnace", "SEED": 3}
    with MICRO2DWriter(path, {"A": 1}, size=4, attributes=about) as writer:
        with pytest.raises(ValueError, match="another dataset"):
            MICRO2DWriter(path, {"A": 1}, size=4, attributes={"SOURCE": "a furnace", "SEED": 4})
        writer.write("A", some_images(1, 4))
    with h5py.File(path) as file:
        assert dict(file.attrs) == about | {"COMPLETE": 1}
    for wrong, error in ((["x"], TypeError), ({"x": [1]}, TypeError), ({"COMPLETE": 1}, ValueError), ({"": 1}, ValueError)):
        with pytest.raises(error, match="attributes must"):
            MICRO2DWriter(tmp_path / "other.h5", {"A": 1}, size=4, attributes=wrong)


def test_the_writer_refuses(tmp_path):
    path = tmp_path / "own.h5"
    for counts, options in (({}, {}), ({"a/b": 1}, {}), ({"A": 0}, {}), ({"A": 1}, {"size": 0}), ({"A": 1}, {"contrasts": 0})):
        with pytest.raises(ValueError, match=r"counts|size|contrasts"):
            MICRO2DWriter(path, counts, **({"size": 4} | options))
    writer = MICRO2DWriter(path, {"A": 3}, size=4, properties={"p": ["x"]})
    good = some_images(2, 4)
    for arguments, options, message in (
        (("B", good), {}, "name must be one of A, got 'B'"),
        (("A", good[:, :3]), {}, "shape"),
        (("A", good * 2), {}, "0 and 1"),
        (("A", good), {"start": 2}, "exceed its 3 images"),
        (("A", good), {"labels": ["one"]}, "one per image"),
        (("A", good), {"properties": {"q": [[1]]}}, "tables of the writer, p, got 'q'"),
        (("A", good), {"properties": {"p": [[1]]}}, "shape"),
    ):
        with pytest.raises(ValueError, match=message):
            writer.write(*arguments, **options)
    writer.write("A", good)
    with pytest.raises(ValueError, match="or have been written"):
        writer.write("A", good, start=1)
    with pytest.raises(ValueError, match=r"another dataset \(counts {'A': 3} there, {'A': 4} here; properties"):
        MICRO2DWriter(path, {"A": 4}, size=4)
    with pytest.raises(FileNotFoundError, match=r"no file .* yet: .*own\.h5\.part holds"):
        MICRO2D(path)
    with pytest.raises(RuntimeError, match="mine"), MICRO2DWriter(path, {"A": 3}, size=4, properties={"p": ["x"]}):
        raise RuntimeError("mine")
    writer.write("A", good[:1])
    with writer:
        pass
    with pytest.raises(FileExistsError, match="exists"):
        MICRO2DWriter(path, {"A": 3}, size=4)


# ---- another size --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [(8, 7), (8, 4), (7, 8), (9, 5), (6, 6), (5, 15), (12, 1), (33, 32), (37, 12)])
def test_resizing_by_area(old, new):
    """Against areas by counting: each old pixel cut into new x new parts, of which old x old make a new one."""
    images = some_images(6, old, old * new)
    fine = np.repeat(np.repeat(images, new, axis=-2), new, axis=-1).reshape(6, new, old, new, old)
    filled = fine.sum(axis=(2, 4))
    got = resize(images, new).astype(bool)
    centre = (2 * np.arange(new) + 1) * old // (2 * new)
    nearest = images[:, centre[:, None], centre]
    for image, area, one, near in zip(images, filled, got, nearest, strict=True):
        assert one.sum() == round(image.mean() * new**2)
        if 0 < one.sum() < one.size:
            level = area[one].min()
            assert area[~one].max() <= level
            tied = area == level
            assert near[tied & one].min() >= near[tied & ~one].max(initial=0) or not (tied & ~one).any()


@pytest.mark.parametrize("value", [0, 1])
def test_one_phase_stays_alone(value):
    assert (resize(np.full((3, 8, 8), value, np.uint8), 5) == value).all()


def test_resizing_refuses():
    with pytest.raises(ValueError, match="shape"):
        resize(np.zeros(3, np.uint8), 2)
    with pytest.raises(ValueError, match="size"):
        resize(np.zeros((3, 3), np.uint8), 0)
    assert resize(np.zeros((2, 3, 4), np.uint8), (6, 5)).shape == (2, 6, 5)


# ---- the real file -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def real(shared_data):
    return shared_data / "data" / "micro2d_500.h5"


def test_the_real_layout(real):
    dataset = MICRO2D(real, size=None, properties=["homogenized_thermal"], contrast=-1)
    assert len(dataset) == 500
    assert len(dataset.classes) == 10
    assert dataset.property_names == ("kx", "ky")
    assert dataset[0]["image"].shape == (1, 256, 256)
    with pytest.raises(ValueError, match="NaN for 'kx'"):
        MICRO2D(real, properties=["kx"], contrast=0)
    with pytest.raises(ValueError, match=r"did you mean 'VoronoiSmall'\?"):
        MICRO2D(real, ["VoronoiSmal"])
    parts = [len(MICRO2D(real, split=split)) for split in ("train", "validation", "test")]
    assert parts == [400, 50, 50]


def test_volume_fractions_survive_resizing(real):
    """From 256 to 224 the volume fraction of a real image is kept to half a pixel."""
    with h5py.File(real) as file:
        for name in file:
            images = file[name][name][:]
            change = np.abs(resize(images, 224).mean((1, 2)) - images.mean((1, 2)))
            assert change.max() <= 0.51 / 224**2, name


def test_classes_that_a_second_go_names_in_another_order_keep_their_images(tmp_path):
    a, b = some_images(2, 8), some_images(2, 8, 1)
    with (
        pytest.raises(ValueError, match="2 of 4 images are missing"),
        MICRO2DWriter(tmp_path / "own.h5", {"B": 2, "A": 2}, size=8) as begun,
    ):
        begun.write("B", b)
    with MICRO2DWriter(tmp_path / "own.h5", {"A": 2, "B": 2}, size=8) as writer:
        assert writer.missing() == [("A", 0, 2)]
        writer.write("A", a)
    dataset = MICRO2D(tmp_path / "own.h5", size=None)
    found = {(item["name"], item["index"]): item["image"][0] for item in (dataset[i] for i in range(4))}
    assert all((found[name, i] == images[i]).all() for name, images in (("A", a), ("B", b)) for i in range(2))
