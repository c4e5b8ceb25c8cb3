"""``stats`` on many images: files, folders and patterns, what is refused, what is resumed, and what cannot be written."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from support import cli_harness
from support.cli_harness import PNG, blobs, photograph, refused
from support.failing_task import fails_at_two
from support.output_schema import checked
from twopoint.cli.many import pool
from twopoint.cli.showing import outputs


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


def images(folder, number, *, phases=2, shape=(40, 36), ending="png"):
    folder.mkdir(exist_ok=True)
    for seed in range(number):
        Image.fromarray(photograph(blobs(shape, phases, seed=seed))).save(folder / f"image{seed + 1}.{ending}")
    return folder


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_gives_a_row_for_each_image(run, tmp_path):
    images(tmp_path / "in", 11)
    result = run("stats", "in", "--spacing", "0.5um", "--out", "results", "--no-pictures", "--jobs", "1")
    assert result.exit_code == 0, result.output
    table = rows(tmp_path / "results/summary.csv")
    assert [row["source"] for row in table] == [f"in/image{i}.png" for i in range(1, 12)]  # 2 before 10
    assert {row["status"] for row in table} == {"measured"}
    assert {row["unit"] for row in table} == {"µm"}
    for row in table:
        assert row["picture"] == ""
        assert row["source"].removeprefix("in/").removesuffix(".png") in result.stdout
    assert "mean" in result.stdout
    summary = checked((tmp_path / "results/summary.json").read_text())
    assert [image["source"] for image in summary["images"]] == [row["source"] for row in table]
    values = np.array([float(row["correlation_length_1"]) for row in table])
    (group,) = summary["groups"]
    spread = group["phases"][1]["correlation_length"]
    assert spread["mean"] == pytest.approx(values.mean())
    assert spread["standard_deviation"] == pytest.approx(values.std(ddof=1))
    assert (spread["least"], spread["most"]) == (values.min(), values.max())


def test_one_of_many_has_the_numbers_of_one_alone(run, tmp_path):
    images(tmp_path / "in", 2, phases=3)
    alone = checked(run("stats", "in/image2.png", "--phases", "3", "--json", "-").stdout)
    assert run("stats", "in/image1.png", "in/image2.png", "--phases", "3", "--out", "r").exit_code == 0
    many = checked((tmp_path / "r/image2.json").read_text())
    assert {name: many[name] for name in alone if name != "picture"} == {name: value for name, value in alone.items() if name != "picture"}
    assert (tmp_path / "r" / many["picture"]).read_bytes() == (tmp_path / "image2-stats.png").read_bytes()
    assert many["file"]["bytes"] == (tmp_path / "in/image2.png").stat().st_size


def test_descriptors_are_in_the_summary(run, tmp_path):
    """Each number of an image's own file has a column; the curves stay there."""
    images(tmp_path / "in", 2)
    assert run("stats", "in", "--no-pictures", "--descriptors", "all", "--out", "r").exit_code == 0
    table = rows(tmp_path / "r/summary.csv")
    summary = checked((tmp_path / "r/summary.json").read_text())
    for row, record in zip(table, summary["images"], strict=True):
        own = checked((tmp_path / "r" / f"{record['name']}.json").read_text())["descriptors"]
        assert {name: each["quantities"] for name, each in record["descriptors"].items()} == {n: e["quantities"] for n, e in own.items()}
        (chord,) = [q for q in own["chord_lengths"]["quantities"] if (q["name"], q["phase"], q["axis"]) == ("mean chord", 1, 0)]
        assert float(row["mean_chord_axis_0_1"]) == chord["value"]
        (share,) = [q for q in own["cluster_correlation"]["quantities"] if "largest" in q["name"] and q["phase"] == 1]
        assert float(row["share_of_the_phase_in_its_largest_cluster_1"]) == share["value"]
    assert run("stats", "in", "--no-pictures", "--descriptors", "all", "--out", "r").exit_code == 0
    assert rows(tmp_path / "r/summary.csv") == table  # also of records that were read back


def test_two_processes_give_what_one_gives(run, tmp_path):
    images(tmp_path / "in", 4)
    for jobs in ("1", "2"):
        assert run("stats", "in", "--no-pictures", "--jobs", jobs, "--out", f"r{jobs}").exit_code == 0
    for name in ("image1.json", "image4.json", "summary.csv", "summary.json"):
        assert (tmp_path / "r1" / name).read_text() == (tmp_path / "r2" / name).read_text()
    assert not list((tmp_path / "r1").glob("*.png"))


def test_a_refused_image_stops_no_other_and_is_listed(run, tmp_path):
    images(tmp_path / "in", 2)
    (tmp_path / "in/broken.png").write_bytes((tmp_path / "in/image1.png").read_bytes()[:200])
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "in/black.png")
    result = run("stats", "in", "missing.png", "--no-pictures", "--out", "r")
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert "refused: in/broken.png cannot be read" in said
    assert "refused: in/black.png holds the value 0 only" in said
    assert "refused: missing.png cannot be read: No such file" in said
    assert "3 of 5 images were refused" in said
    table = rows(tmp_path / "r/summary.csv")
    assert [row["status"] for row in table] == ["measured"] * 2 + ["refused"] * 3
    assert all(row["reason"] for row in table[2:])
    assert len(checked((tmp_path / "r/summary.json").read_text())["refused"]) == 3


def test_a_second_call_measures_only_what_is_new_or_changed(run, tmp_path):
    images(tmp_path / "in", 3)
    assert run("stats", "in", "--no-pictures", "--out", "r").exit_code == 0
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "r").glob("image*.json")}
    Image.fromarray(photograph(blobs((40, 36), seed=9))).save(tmp_path / "in/image2.png")
    os.utime(tmp_path / "in/image2.png", ns=(1, 1))
    Image.fromarray(photograph(blobs((40, 36), seed=8))).save(tmp_path / "in/image4.png")
    (tmp_path / "r/image3.json").write_text('{"half": ')  # as no run of twopoint leaves it
    result = run("stats", "in", "--no-pictures", "--out", "r")
    assert "1 of 4 images were measured by an earlier call" in result.stderr
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "r").glob("image*.json")}
    assert after["image1.json"] == before["image1.json"]
    assert after["image2.json"] > before["image2.json"]
    assert len(rows(tmp_path / "r/summary.csv")) == 4
    assert run("stats", "in", "--out", "r").exit_code == 0  # now with pictures, which the folder lacks
    pictures = [tmp_path / "r" / row["picture"] for row in rows(tmp_path / "r/summary.csv")]
    assert len(pictures) == 4
    assert all(picture.read_bytes().startswith(PNG) for picture in pictures)


@pytest.mark.long
def test_a_killed_run_is_resumed(tmp_path):
    images(tmp_path / "in", 24, shape=(160, 160))
    words = [sys.executable, "-m", "twopoint", "stats", "in", "--jobs", "2", "--out", "r"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while time.monotonic() < until and len(list((tmp_path / "r").glob("image*.json"))) < 4:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "r/summary.csv").exists()
    time.sleep(1.0)  # its processes end by themselves
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "r").glob("image*.json")}
    assert 4 <= len(before) < 24
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"{len(before)} of 24 images were measured by an earlier call" in done.stderr
    assert all(path.stat().st_mtime_ns == time_of for path, time_of in before.items())
    assert len(rows(tmp_path / "r/summary.csv")) == 24
    assert not list((tmp_path / "r").glob(".*.part"))
    for path in (tmp_path / "r").glob("*.json"):
        checked(path.read_text())


def test_other_options_do_not_mix_in_one_folder(run, tmp_path):
    images(tmp_path / "in", 2)
    assert run("stats", "in", "--no-pictures", "--out", "r").exit_code == 0
    refused(run("stats", "in", "--crop", "11", "--out", "r"), "r holds results of other options (crop None, now 11); name another folder")
    assert run("stats", "in", "--no-pictures", "--crop", "11", "--out", "r", "--force").exit_code == 0
    assert {row["lags"] for row in rows(tmp_path / "r/summary.csv")} == {"11x11"}
    (tmp_path / "r/twopoint-run.json").write_text("{")
    refused(run("stats", "in", "--out", "r"), "twopoint-run.json is damaged")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/letter.txt").write_text("dear")
    refused(run("stats", "in", "--out", "own"), "own holds other files; name a new folder")
    (tmp_path / "file").write_text("x")
    refused(run("stats", "in", "--out", "file"), "file is a file; --out takes a folder")
    refused(run("stats", "in", "--out", "results.png"), "--out takes a folder for several images, got results.png")


def test_kinds_of_images_are_kept_apart(run, tmp_path):
    images(tmp_path / "in", 2)
    np.save(tmp_path / "in/three.npy", blobs((30, 30), phases=3))
    result = run("stats", "in", "--no-pictures", "--out", "r")
    assert "images that differ in the number of phases, axes, or spacing are kept apart" in result.stderr
    groups = checked((tmp_path / "r/summary.json").read_text())["groups"]
    assert [(group["images"], len(group["phases"])) for group in groups] == [(2, 2), (1, 3)]
    assert groups[1]["phases"][0]["volume_fraction"]["standard_deviation"] is None


def test_a_disk_that_fills_ends_the_run_and_leaves_nothing_half_written(run, tmp_path, monkeypatch):
    images(tmp_path / "in", 3)
    whole, written = outputs.os.replace, []

    def full(source, target):
        if str(target).endswith("image2.json"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(target)
        return whole(source, target)

    monkeypatch.setattr(outputs.os, "replace", full)
    refused(run("stats", "in", "--no-pictures", "--jobs", "1", "--out", "r"), "image2.json cannot be written: No space left on device")
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["image1.json", "twopoint-run.json"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    result = run("stats", "in", "--no-pictures", "--out", "r")
    assert result.exit_code == 0
    assert "1 of 3 images were measured by an earlier call" in result.stderr


def test_options_of_one_image_are_refused_for_many(run, tmp_path):
    images(tmp_path / "in", 2)
    refused(run("stats", "in", "--save", "s.npz"), "--save takes the statistics of one image")
    refused(run("stats", "in", "--mask", "nothing.png"), "nothing.png cannot be read")
    refused(run("stats", "in", "--spacing", "3"), "--spacing must be a number with a unit")
    refused(run("stats", "in", "--json", "out.txt"), "must end in .json")
    assert not (tmp_path / "twopoint-stats").exists()
    summary = checked(run("stats", "in", "--no-pictures", "--json", "-").stdout)
    assert len(summary["images"]) == 2


def test_no_picture_of_one_image(run, tmp_path):
    images(tmp_path / "in", 1)
    assert checked(run("stats", "in/image1.png", "--no-pictures", "--json", "-").stdout)["picture"] is None
    assert not list(tmp_path.glob("*.png"))


def test_a_process_that_ends_and_a_defect_stop_no_other_image():
    outcomes = dict(pool.work_on_all(fails_at_two, range(8), 2, "working"))
    assert sorted(outcomes) == list(range(8))
    assert {at: outcome.result for at, outcome in outcomes.items() if at not in (3, 5)} == {at: 10 * at for at in (0, 1, 2, 4, 6, 7)}
    assert "the process that worked on it ended" in outcomes[3].reason
    assert outcomes[5].reason.startswith(f"{pool.INTERNAL}, please report it: KeyError: 'planted'")


@pytest.mark.parametrize(("jobs", "tasks", "expected"), [(None, 3, 1), (2, 100, 2), (8, 3, 3), (1, 50, 1), (4, 0, 1)])
def test_the_number_of_processes(jobs, tasks, expected):
    assert pool.number_of_processes(jobs, tasks) == expected


def test_the_summary_of_an_interrupted_run_is_not_that_of_an_earlier_one(run, tmp_path, monkeypatch):
    images(tmp_path / "in", 2)
    assert run("stats", "in", "--no-pictures", "--out", "r").exit_code == 0
    images(tmp_path / "in", 3)

    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("twopoint.cli.many.statistics.work_on_all", interrupted)
    result = run("stats", "in", "--no-pictures", "--out", "r")
    assert result.exit_code == 130
    assert "images are measured; the same command resumes" in result.stderr
    assert not (tmp_path / "r/summary.csv").exists()
    assert not (tmp_path / "r/summary.json").exists()


def test_the_schema_finds_a_key_that_it_does_not_have(run, tmp_path):
    images(tmp_path / "in", 1)
    record = checked(run("stats", "in/image1.png", "--no-pictures", "--json", "-").stdout)
    for changed in (
        record | {"novel": 1},
        {name: value for name, value in record.items() if name != "radial"},
        record | {"points": "many"},
    ):
        with pytest.raises(AssertionError):
            checked(json.dumps(changed))
