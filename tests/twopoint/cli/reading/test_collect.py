"""Files, folders and patterns: what each stands for, in which order, and under which names."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.cli_harness import blobs
from twopoint.cli.reading.collect import RUN_FILE, collect, is_several
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.showing.figures import draw, save
from twopoint.cli.showing.panels import Field
from twopoint.cli.terminal import InputError, collecting


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def texts(*words, results=None):
    return [image.text for image in collect(words, results)]


def test_a_folder_has_its_images_and_those_below_in_the_order_of_their_numbers():
    touch("in/a10.png", "in/a2.TIF", "in/deep/x.npy", "in/readme.txt", "in/.hidden.png", "in/.git/y.png")
    with collecting() as notes:
        assert texts("in") == ["in/a2.TIF", "in/a10.png", "in/deep/x.npy"]
    assert notes == ["in: 1 files without the ending of an image are left out"]


def test_patterns_with_an_index_and_across_folders():
    touch("a1.tif", "a2.tif", "b.png", "deep/er/a3.tif", "literal*.png")
    assert texts("*.tif") == ["a1.tif", "a2.tif"]
    assert texts("**/*.tif") == ["a1.tif", "a2.tif", "deep/er/a3.tif"]
    assert texts("a?.tif[0]") == ["a1.tif[0]", "a2.tif[0]"]
    assert texts("literal*.png") == ["literal*.png"]  # a file of exactly this name
    assert not is_several(("literal*.png",))
    assert is_several(("*.tif",))
    assert is_several(("a1.tif", "a2.tif"))
    assert is_several(("deep",))
    assert not is_several(("a1.tif[0]",))


def test_an_image_that_is_named_twice_is_taken_once():
    touch("in/a.png", "b.png")
    with collecting() as notes:
        assert texts("in/a.png", "in", "./in/a.png", "b.png") == ["in/a.png", "b.png"]
    assert any("is named twice; it is used once" in note for note in notes)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("empty",), "empty has no image"),
        (("texts",), "texts has no image"),
        (("*.bmp",), r"\*.bmp matches no file"),
    ],
)
def test_nothing_to_take_is_an_error(words, message):
    Path("empty").mkdir()
    touch("texts/a.txt")
    with pytest.raises(InputError, match=message):
        collect(words)


def test_two_files_of_one_name_have_outputs_of_their_own():
    touch("one/a.png", "two/a.png", "two/A.png", "a.png", "a.tif", "b.png", "deep/two/a.png")
    names = [image.name for image in collect(("one", "two", "a.png", "a.tif", "b.png", "deep"))]
    assert len({name.lower() for name in names}) == len(names) == 7
    assert "b" in names
    assert "one-a.png" in names
    assert all("/" not in name for name in names)


def test_names_that_are_no_files_have_names_too():
    found = collect(("missing.png", "mis/sing.png", "a\0b"))
    assert [image.text for image in found] == ["missing.png", "mis/sing.png", "a\0b"]
    assert len({image.name for image in found}) == 3


def test_results_inside_of_the_folder_are_left_out():
    touch("in/a.png", "in/twopoint-stats/a-stats.png", "in/results/b.png", "in/new/c.png")
    Path("in/results", RUN_FILE).write_text("{}")
    values = np.asarray(blobs(), float)
    save(draw([Field(values, "a", "gray", Spacing().along(2))], title="a"), Path("in/a-stats.png"))
    Image.fromarray(blobs()).save("in/labels.png")
    with collecting() as notes:
        found = texts("in", results=Path("in/new"))
    assert found == ["in/a.png", "in/labels.png", "in/twopoint-stats/a-stats.png"]
    assert any("3 pictures and results of twopoint are left out" in note for note in notes)
    with pytest.raises(InputError, match="matches no file except 1 results"):
        collect(("in/a-stat*.png",))
