"""Many images: resumed after a kill, in several processes and over dask, a full disk, two processes on one folder, flat memory."""

import csv
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from support.cli_harness import refused
from twopoint_models.cli import many, runs

TYPED = [sys.executable, "-m", "twopoint", "model"]


def latents(path):
    with path.open(newline="") as file:
        return [[row["file"], *(round(float(row[name]), 4) for name in row if name[0] == "z")] for row in csv.DictReader(file)]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(many, "BLOCK", 2)


def test_what_was_done_before_is_not_repeated(run, network, images, tmp_path, monkeypatch, small_blocks):
    assert run("model", "encode", "net", "m", "--out", "whole").exit_code == 0
    done, block = [], many._block

    def stopped(work, task):
        if len(done) == 3:
            raise OSError("the machine stops")
        done.append(task)
        return block(work, task)

    monkeypatch.setattr(many, "_block", stopped)
    refused(run("model", "encode", "net", "m", "--out", "lat"), "the machine stops")
    assert not (tmp_path / "lat/latents.csv").exists()
    monkeypatch.setattr(many, "_block", lambda work, task: done.append(task) or block(work, task))
    result = run("model", "encode", "net", "m", "--out", "lat")
    assert result.exit_code == 0
    assert "6 of 12 images were done before" in result.stderr
    assert len(done) == 6
    assert latents(tmp_path / "lat/latents.csv") == latents(tmp_path / "whole/latents.csv")


def test_other_sizes_are_refused_as_soon_as_they_are_met(run, network, images, tmp_path, monkeypatch, small_blocks):
    np.save(tmp_path / "m/a4.npy", np.tile(images[0], (1, 2)))
    np.save(tmp_path / "m/a5.npy", np.tile(images[0], (1, 2)))
    (tmp_path / "m/a4.png").unlink()
    (tmp_path / "m/a5.png").unlink()
    done, block = [], many._block
    monkeypatch.setattr(many, "_block", lambda work, task: done.append(task) or block(work, task))
    refused(run("model", "encode", "net", "m", "--out", "lat"), "images must give mean of one shape, got 1 x 2 x 2, 1 x 2 x 4; --tile N")
    assert len(done) == 3  # of six
    assert not (tmp_path / "lat/latents.csv").exists()


def test_results_of_other_options_are_kept(run, network, images, tmp_path, monkeypatch):
    monkeypatch.setattr(many, "_block", lambda work, task: (_ for _ in ()).throw(OSError("stops")))
    np.save(tmp_path / "lat.npy", images[0])
    (tmp_path / "lat/.parts").mkdir(parents=True)
    (tmp_path / "lat/.parts/a.npz").write_bytes(b"")
    refused(run("model", "encode", "net", "m", "--out", "lat"), "lat holds other files")


@pytest.mark.long
def test_killed_and_resumed_in_two_processes_without_loss(network, images, tmp_path):
    np.save(tmp_path / "many.npy", np.tile(images, (100, 1, 1)))
    names = [f"many.npy[{i}]" for i in range(1200)]
    call = [*TYPED, "encode", "net", *names, "--out", "lat", "--jobs", "2"]
    killed = subprocess.Popen(call, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list((tmp_path / "lat/.parts").glob("*.npz")) and killed.poll() is None:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = len(list((tmp_path / "lat/.parts").glob("*.npz")))
    assert before
    assert not (tmp_path / "lat/latents.csv").exists()
    time.sleep(0.5)  # its workers end, and so does the lock
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "images were done before" in done.stderr
    found = latents(tmp_path / "lat/latents.csv")
    assert [row[0] for row in found] == names
    expected = network.encode(images)[0].reshape(12, -1)
    np.testing.assert_allclose(np.array([row[1:] for row in found]), np.tile(expected, (100, 1)), atol=1e-4)


def test_two_processes_do_not_share_a_folder(run, network, images, tmp_path):
    settings = {"command": "other"}
    with runs.results_in(tmp_path / "lat", settings, "latents.csv", force=False):
        refused(run("model", "encode", "net", "m", "--out", "lat"), "another process writes to lat")
    assert not list(tmp_path.glob("lat/.twopoint-lock"))


def test_a_full_disk_leaves_no_part_of_a_file(network, images, tmp_path):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    call = [*TYPED, "encode", "net", "m", "--out", "lat"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, preexec_fn=limited, timeout=100)
    assert done.returncode == 2, done.stderr
    assert "cannot be written: File too large" in " ".join(done.stderr.split())
    assert [path.name for path in (tmp_path / "lat").rglob("*") if path.suffix in (".npz", ".csv", ".part")] == []


@pytest.mark.long
@pytest.mark.parametrize(
    "words", [["sample", "net"], ["train", "cess-vae", "m", "--small", "--width", "2", "--regime", "mse", "--epochs", "2"]]
)
def test_a_full_disk_leaves_no_part_of_a_network_or_an_image(network, images, tmp_path, words):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = subprocess.run([*TYPED, *words, "--out", "o"], cwd=tmp_path, capture_output=True, text=True, preexec_fn=limited, timeout=200)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 1, done.stderr
    left = [path.name for path in (tmp_path / "o").rglob("*") if path.suffix in (".npz", ".png", ".safetensors", ".part", ".ckpt")]
    assert left == [], done.stderr


@pytest.mark.long
def test_workers_of_dask_do_the_work_also_if_one_is_killed(run, network, images, tmp_path, monkeypatch, small_blocks):
    from distributed import Client, LocalCluster

    assert run("model", "encode", "net", "m", "--out", "here").exit_code == 0
    refused(run("model", "encode", "net", "m", "--out", "no", "--scheduler", "tcp://127.0.0.1:1"), "there is no scheduler that answers")
    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        first, killed, submit = next(iter(cluster.workers.values())), [], Client.submit

        def killing(self, *arguments, **options):
            if len(killed) < 1:
                killed.append(os.kill(first.pid, signal.SIGKILL))
            return submit(self, *arguments, **options)

        monkeypatch.setattr(Client, "submit", killing)
        result = run("model", "encode", "net", "m", "--out", "lat", "--scheduler", cluster.scheduler_address)
    assert result.exit_code == 0, result.output
    assert killed
    ours, theirs = (latents(tmp_path / f"{name}/latents.csv") for name in ("here", "lat"))
    assert ours == theirs
