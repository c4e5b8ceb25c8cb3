"""Bad input is refused before any work, with status 2 and one sentence that says what to do."""

import json
import os
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from support import cli_harness
from support.cli_harness import PNG, blobs, photograph
from twopoint.cli.showing import outputs
from twopoint.cli.showing.outputs import OutputFile
from twopoint.cli.terminal import InputError

GOOD = np.eye(8)
GRAY = photograph(blobs((20, 24)))


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


@pytest.fixture
def image(tmp_path):
    np.save(tmp_path / "discs.npy", blobs((24, 20)))
    return tmp_path / "discs.npy"


def spoiled(array):
    array = array.astype(float)
    array[0, 0] = np.nan
    return array


@pytest.mark.parametrize("command", ["stats", "reconstruct", "compare"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "bad.npy is empty: it has 0 bytes"),
        (b"no array at all", "bad.npy cannot be read"),
        (PNG, "bad.npy cannot be read"),
        (None, "bad.npy cannot be read: No such file"),
        (np.zeros((0, 5)), "bad.npy is empty: its shape is (0, 5)"),
        (np.ones((8, 8)), "bad.npy holds the value 1 only: there is no structure in it"),
        (np.arange(4) % 2, "bad.npy must hold an image or a volume, got shape (4,); an image has 2 axes, a volume 3"),
        (np.zeros((2, 3, 3, 3)), "take one image or volume of it, such as 'bad.npy[0]'"),
        (np.float64(3), "got shape ()"),
        (spoiled(GOOD), "bad.npy holds NaN or infinite values, 1 of 64"),
        (GOOD / np.inf + np.inf, "bad.npy holds NaN or infinite values, 64 of 64"),
        (GOOD.astype(str), "bad.npy must hold numbers"),
        (GOOD.astype(complex), "bad.npy must hold numbers"),
        (GOOD.astype(object), "bad.npy cannot be read"),
        (np.arange(64).reshape(8, 8) % 12, "bad.npy holds 12 distinct integers, which may be labels or gray values"),
        (np.linspace(1, 1 + 1e-12, 64).reshape(8, 8), "a range too narrow or too wide for thresholds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_arrays(run, tmp_path, command, content, message):
    path = tmp_path / "bad.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    np.save(tmp_path / "good.npy", GOOD)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(command, *["good.npy"] * (command == "compare"), "bad.npy")
    cli_harness.refused(result, f"error: {message}" if message[0] == "b" else message)


def write(path: Path) -> None:
    """Write a good file of the format that a name says."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["images"] = GRAY
    elif path.suffix == ".npy":
        np.save(path, GRAY)
    elif path.name == "stack.tif":
        tifffile.imwrite(path, np.stack([GRAY] * 6), photometric="minisblack", compression="zlib")
    else:
        Image.fromarray(GRAY).save(path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "stack.tif", "a.npy", "a.h5"])
def test_files_that_are_cut_off(run, tmp_path, name, share):
    path = tmp_path / name
    write(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    cli_harness.refused(run("stats", name), f"{name} cannot be read")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.npy", "a.h5", "a.npz", "a.txt", "a"])
def test_files_of_something_else(run, tmp_path, name):
    (tmp_path / name).write_bytes(b"These are words, not pixels. " * 50)
    cli_harness.refused(run("reconstruct", name), "cannot be read")


def test_a_stack_without_its_last_pages_is_not_taken_for_an_image(run, tmp_path):
    tifffile.imwrite(tmp_path / "s.tif", np.stack([GRAY] * 6), photometric="minisblack", compression="zlib", metadata=None)
    data = (tmp_path / "s.tif").read_bytes()
    (tmp_path / "s.tif").write_bytes(data[: len(data) // 2])
    cli_harness.refused(run("stats", "s.tif"), "damaged or cut off")


@pytest.mark.long
def test_gray_levels_and_labels_are_told_apart(run, tmp_path):
    few = (np.arange(400).reshape(20, 20) % 12).astype(np.uint8)
    np.save(tmp_path / "a.npy", few)
    cli_harness.refused(run("stats", "a.npy"), "so merge labels first; if they are gray values, --phases 2 or --threshold segments them")
    assert run("stats", "a.npy", "--phases", 2).exit_code == 0
    assert run("stats", "a.npy", "--threshold", "3,7", "--force").exit_code == 0
    Image.fromarray(few * 20).save(tmp_path / "a.png")  # a picture is gray
    assert "Otsu" in run("stats", "a.png", "--force").stderr
    np.save(tmp_path / "b.npy", few * 1.5)  # so are numbers that are not whole
    assert "Otsu" in run("stats", "b.npy").stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "nowhere/a.png"), "nowhere is not a directory"),
        (("--out", "."), "is a directory"),
        (("--out", "x" * 300 + ".png"), "File name too long"),
        (("--window", "30"), "does not lie inside"),
        (("--window", "0:8,0:8,0:8"), "discs.npy: --window must be one number of pixels, or up to 2 ranges such as 0:128,0:128"),
        (("--window", "0:8:2"), "--window must be as"),
        (("--window", ""), "--window must be as"),
        (("--window", "9:,30:"), "discs.npy: --window 9:,30: does not lie inside"),
        (("--window", "8:8,0:8"), "does not lie inside"),
        (("--window", "a"), "--window must be as"),
        (("--window", "1"), "there is no structure in it"),
        (("--spacing", "0.65"), "--spacing must be a number with a unit (m, cm, mm, µm, nm, Å, pm), such as 0.65um"),
        (("--spacing", "1um,1um,1um"), "--spacing must be one length or 2"),
        (("--spacing", "0um"), "--spacing must be a finite positive length"),
        (("--spacing", "1um,1m"), "--spacing must hold positive lengths that differ by a factor of at most 1000"),
        (("--threshold", "x"), "--threshold must be a gray value"),
        (("--threshold", "2,1"), "--threshold must hold up to 7 finite gray values in ascending order"),
        (("--threshold", "300"), "discs.npy: threshold 300 leaves phase 1 empty; the gray values lie in 0..1"),
        (("--threshold", "0.5", "--phases", "2"), "--threshold and --phases exclude each other"),
        (("--phases", "3"), "holds 2 distinct values, which cannot be 3 phases"),
        (("--phases", "9"), "--phases"),
        (("--starts", "0"), "--starts"),
        (("--seed", "-1"), "--seed"),
        (("--loss", "mse"), "--loss"),
        (("--boundary", "closed"), "--boundary"),
    ],
)
def test_bad_options_are_refused_by_name(run, image, words, message):
    cli_harness.refused(run("reconstruct", image, *words), message)


@pytest.mark.parametrize("crop", [0, 2, 48])
def test_crops_that_leave_the_lags(run, image, crop):
    cli_harness.refused(run("stats", image, "--crop", crop), "--crop must be 3 to 47 lags")


def test_more_phases_than_otsu_tells_apart(run, tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    cli_harness.refused(run("stats", "a.png", "--phases", 6), "--phases must be 2 to 5 for gray values")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "same.png", "--json", "same.png"), "same.png is named twice"),
        (("--out", "a.png", "--json", "discs.npy", "--force"), "discs.npy is named twice"),
        (("--labels", "discs.npy", "--force"), "discs.npy is named twice"),
        (("--out", "picture.jpg"), "picture.jpg must end in .png"),
        (("--out", "-"), "- must end in .png"),
        (("--labels", "found.txt"), "found.txt must end in .npy or .png or .tif or .tiff"),
        (("--json", "found.txt"), "found.txt must end in .json"),
    ],
)
def test_no_output_destroys_another_file(run, image, words, message):
    before = image.read_bytes()
    cli_harness.refused(run("reconstruct", image, *words), message)
    assert image.read_bytes() == before


@pytest.mark.parametrize("command", ["stats", "compare", "reconstruct"])
def test_nothing_is_overwritten_without_force(run, image, tmp_path, command):
    (tmp_path / "mine.png").write_text("mine")
    words = [command, image, *[image] * (command == "compare"), "--out", "mine.png", "--window", 12]
    cli_harness.refused(run(*words), "mine.png exists; --force overwrites it")
    assert (tmp_path / "mine.png").read_text() == "mine"
    assert run(*words, "--force").exit_code == 0
    assert (tmp_path / "mine.png").read_bytes().startswith(PNG)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused_before_any_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="permission denied"):
        outputs.check([OutputFile(tmp_path / "a.png", (".png",))], [], force=False)


def test_a_file_without_permission(run, image, monkeypatch):
    def refuse(*words, **options):
        raise PermissionError(13, "Permission denied", "discs.npy")

    monkeypatch.setattr(np.lib.format, "open_memmap", refuse)
    cli_harness.refused(run("stats", image), "cannot be read: discs.npy: Permission denied")


def test_folders_and_devices_are_no_files(run, tmp_path):
    cli_harness.refused(run("reconstruct", tmp_path), "is a directory; name a file in it")
    cli_harness.refused(run("stats", tmp_path), "has no image")
    cli_harness.refused(run("stats", "/dev/null"), "is not a regular file")
    cli_harness.refused(run("stats", ""), "name must not be empty")


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((4, 4), bool), "has shape (4, 4), the image (24, 20); they must be equal"),
        (np.zeros((24, 20)), "leaves out all points"),
        (np.arange(480).reshape(24, 20) % 3, "must hold 0 for points that are left out and one other value"),
        (np.arange(480).reshape(24, 20) % 2 + 1, "must hold 0 for points that are left out and one other value"),
    ],
)
def test_masks_that_do_not_fit(run, image, tmp_path, mask, message):
    np.save(tmp_path / "mask.npy", mask)
    cli_harness.refused(run("stats", image, "--mask", "mask.npy"), message)


def test_images_that_cannot_be_compared(run, image, tmp_path):
    np.save(tmp_path / "three.npy", blobs((24, 20), phases=3))
    np.save(tmp_path / "small.npy", blobs((12, 20)))
    np.save(tmp_path / "volume.npy", blobs((5, 12, 20)))
    cli_harness.refused(run("compare", image, "three.npy"), "discs.npy has 2 phases, three.npy 3; --phases or --threshold makes them equal")
    cli_harness.refused(run("compare", image, "volume.npy"), "2 axes and volume.npy 3; take a slice of the volume")
    cli_harness.refused(run("compare", image, "small.npy", "--boundary", "periodic"), "periodic images must have one size")
    cli_harness.refused(run("compare", image, image, "--spacing-b", "2um"), "--spacing-b 2um needs --spacing, the spacing of A, too")
    cli_harness.refused(run("compare", image, image, "--window", 12, "--window-b", 99), "discs.npy: --window-b 99 does not lie inside")


@pytest.mark.parametrize("command", ["stats", "compare", "reconstruct"])
def test_too_large_for_memory_says_how_much_is_needed(run, image, monkeypatch, command):
    monkeypatch.setattr("twopoint.cli.memory.available", lambda: 20_000)
    words = [command, image, *[image] * (command == "compare")]
    result = run(*words)
    cli_harness.refused(result, "2 phases of shape (24, 20) needs about")
    cli_harness.refused(result, "20 kB are available; --window takes a part, such as 512")


def test_a_header_that_asks_for_more_than_the_disk_holds(run, tmp_path, monkeypatch):
    monkeypatch.setattr("twopoint.cli.memory.available", lambda: 10**9)
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("volume", shape=(4096, 4096, 4096), dtype="u1", chunks=True)
    cli_harness.refused(run("stats", "huge.h5"), "huge.h5, shape (4096, 4096, 4096), needs about 618.5 GB of memory, 1.0 GB are available")
    bomb = Image.new("1", (12_000, 12_000))
    bomb.save(tmp_path / "bomb.png")
    data = (tmp_path / "bomb.png").read_bytes()
    (tmp_path / "bomb.png").write_bytes(data[: len(data) // 8])
    cli_harness.refused(run("stats", "bomb.png"), "cannot hold its 1.4e+08 pixels; it is damaged")


def test_statistics_are_no_image_and_an_image_no_statistics(run, image, tmp_path):
    assert run("stats", image, "--save", "s.npz").exit_code == 0
    cli_harness.refused(run("stats", "s.npz"), "s.npz holds statistics, not an image; twopoint reconstruct takes it")
    cli_harness.refused(run("reconstruct", "s.npz", "--window", 8), "--window, --threshold, --phases, --spacing and --crop are for")
    cli_harness.refused(run("reconstruct", "s.npz", "--boundary", "periodic"), "s.npz holds open statistics")
    np.savez(tmp_path / "other.npz", a=GOOD, b=GOOD)
    cli_harness.refused(run("reconstruct", "other.npz"), "does not hold statistics of twopoint stats --save")


def test_an_error_leaves_no_file(run, image, tmp_path):
    before = set(tmp_path.iterdir())
    run("stats", image, "--window", "99", "--json", "a.json", "--save", "a.npz")
    assert set(tmp_path.iterdir()) == before


def test_json_stays_json_when_a_remark_is_made(run, tmp_path):
    Image.fromarray(np.stack([GRAY, GRAY // 2, 255 - GRAY], axis=-1)).save(tmp_path / "colour.png")
    result = run("stats", "colour.png", "--json", "-")
    assert json.loads(result.stdout)["shape"] == [20, 24]
    assert "note: colour.png: colour image converted to gray" in result.stderr


def test_harness_finds_a_refusal_of_another_kind():
    class Result:
        exit_code, stderr, output = 2, "error: something else", ""

    with pytest.raises(AssertionError):
        cli_harness.refused(Result, "this")
