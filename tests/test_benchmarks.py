"""The benchmark in its small form: all contenders do the same job, a wrong one is found, it runs. No time is asserted."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from support import ROOT, oracles
from twopoint_models.data import MICRO2D, MICRO2DWriter

sys.path.insert(0, str(ROOT))  # benchmarks is no part of the distribution


from benchmarks import (
    beside,
    cases,
    cess_vae,
    encode_many,
    floor,
    gpu,
    jobs,
    literal,
    machine,
    many_images,
    reader_rate,
    series,
    timing,
)
from benchmarks.bars import Bar, at_most

RUN = [case for case in cases.CASES if case.needs is None and case.name != "torch-compile"]  # a cold compile takes half a minute


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("case", [*RUN, series.PIXELS], ids=lambda case: case.name)
def test_all_contenders_agree_and_can_be_timed(case):
    _, contenders = case.contenders(small=True)
    assert timing.compare(contenders)
    times = timing.interleave(contenders, rounds=2)
    assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in times.values())
    for verdict in case.judge(times):
        assert {"what", "limit", "figure", "held"} <= set(verdict)


@pytest.mark.parametrize("name", ["cess", "msess"])
@pytest.mark.parametrize("options", [{}, {"crop": 4}, {"boundary": "open"}, {"implied": False}, {"n_phases": 3}], ids=str)
def test_the_literal_formulas_are_the_definition(name, options):
    job = jobs.Job(**{"loss": name, "batch": 1, "n_phases": 2, "space": (6, 5)} | options)
    p, t = jobs.inputs(job)
    value, gradient = literal.literal_torch(job)()
    explicit = [np.concatenate([1 - m.sum(1, keepdims=True), m], axis=1) if job.implied else m for m in (p, t)]
    expected = oracles.loss(name, *(m[0].astype(np.float64) for m in explicit), crop=job.crop, boundary=job.boundary)
    oracles.close(float(value), expected, 2e-6)
    assert gradient.shape == job.shape


def test_the_literal_formula_pair_by_pair_is_the_same():
    m = np.random.default_rng(0).random((2, 3, 6, 5))
    oracles.close(literal.correlations(m, 2, np, looped=True), literal.correlations(m, 2, np), 1e-14)


def test_inputs_are_phases_and_do_not_change():
    job = jobs.Job("cess", 2, 3, (16, 16), implied=False)
    (p, t), again = jobs.inputs(job), jobs.inputs(job)
    assert p.dtype == t.dtype == np.float32
    assert np.array_equal(p, again[0])
    assert np.array_equal(t, again[1])
    oracles.close(p.sum(1), np.ones((2, 16, 16)), 1e-6)
    assert set(np.unique(t)) == {0.0, 1.0}
    assert np.all(t.sum(1) == 1)


@pytest.mark.parametrize("what", ["value", "gradient", "nan", "shape"])
def test_a_wrong_contender_cannot_win(what):
    right = (np.ones(()), np.linspace(0, 1, 5))
    wrong = {
        "value": (right[0] * (1 + 2e-5), right[1]),
        "gradient": (right[0], right[1] + 2e-4),
        "nan": (right[0], right[1] * np.nan),
        "shape": (right[0], right[1][:4]),
    }[what]
    contenders = {"right": timing.Contender(lambda: right), "wrong": timing.Contender(lambda: wrong, like="right")}
    with pytest.raises(timing.Mismatch, match="differ"):
        timing.compare(contenders)
    assert timing.compare({"right": contenders["right"], "same": timing.Contender(lambda: right, like="right")}) == {"same": [0.0, 0.0]}


def test_bars_take_the_median_of_the_ratios_of_rounds():
    times = {"ours": [1.0, 2.0, 4.0], "theirs": [10.0, 10.0, 10.0]}
    assert Bar("ours", "theirs", least=5).judge(times) == {
        "what": "theirs / ours", "limit": ">= 5", "figure": 5.0, "held": True, "low": 3.75, "high": 7.5
    }  # fmt: skip
    assert not Bar("ours", "theirs", least=5.1).judge(times)["held"]
    assert Bar("ours", "theirs", most=0.2).judge(times)["held"]
    assert not Bar("ours", "theirs", most=0.19).judge(times)["held"]
    assert at_most("figure", 6, 6)["held"]
    assert not at_most("figure", float("nan"), 6)["held"]


def test_the_exponent_is_that_of_an_image():
    jobs_ = [(x, job) for x, job in series.PIXELS.jobs]
    times = {}
    for x, job in jobs_:
        for who, power in (("twopoint", 1.1), ("literal torch", 1.0), ("floor", 1.02)):
            times[f"{who} @ {x}"] = [job.batch * x**power, 3 * job.batch * x**power]
    (verdict,) = series.PIXELS.judge(times)
    assert verdict["figure"] == pytest.approx(0.08)
    assert not verdict["held"]


def test_the_floor_has_the_sizes_of_the_job():
    job = jobs.Job("cess", 2, 5, (6, 5))
    assert [x.shape for x in floor.arrays(job)] == [(2, 4, 6, 5), (2, 10, 6, 3), (2, 10, 6, 5), (2, 4, 6, 3)]
    assert [x.shape for x in floor.arrays(replace(job, loss="msess"))] == [(2, 4, 6, 5), (2, 4, 6, 3)]
    opened = replace(job, boundary="open", n_phases=2)
    assert [x.shape for x in floor.arrays(opened)] == [(2, 1, 6, 5), (2, 1, 12, 5), (2, 1, 12, 9), (2, 1, 12, 5)]
    assert [x.dtype for x in floor.arrays(opened)] == ["f8", "c16", "f8", "c16"]
    assert floor.transforms(opened, by_phase=True) == (2, 3)


def command(*arguments):
    asked = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(asked, capture_output=True, text=True, timeout=280, cwd=ROOT)


@pytest.mark.long
def test_the_command(tmp_path):
    pytest.importorskip("matplotlib")
    names = ["cess", "pixels", "gpu-cess", "pymks", "memory-256"]
    done = command("--small", "--rounds", 2, "--only", *names, "--output", tmp_path / "speed.json", "--plots", tmp_path / "plots")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "speed.json").read_text())
    assert [case["name"] for case in written["cases"]] == ["cess", "gpu-cess", "pixels", "pymks", "memory-256"]
    assert {"date", "machine", "cores_used", "threads", "versions", "load_before"} <= set(written)
    assert set(written["cases"][0]["contenders"]) == {"twopoint", "literal torch", "floor"}
    assert all(figures["fresh"]["median"] > 0 for figures in written["cases"][0]["contenders"].values())
    assert "not installed, see peers.md" in written["cases"][3]["skipped"]
    assert (tmp_path / "plots" / "speed_pixels.png").stat().st_size > 10_000
    assert "literal torch / twopoint" in done.stdout


@pytest.mark.long
def test_what_needs_a_gpu(tmp_path):
    """The steps run, without a GPU on the processor, and what is not reached in the time is named."""
    module = [sys.executable, "-m", "benchmarks.gpu", "--output", tmp_path / "gpu.json"]
    done = subprocess.run([*module, "--small", "--device", "cpu"], capture_output=True, text=True, timeout=280, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["not reached"] == []
    assert written["steps"]["profile of cess"]["operations"] > 10
    assert set(written["steps"]["cess-32"]["contenders"]) == {"twopoint", "literal torch", "floor"}
    failing = {"first": lambda left: {"passed": False}, "second": lambda left: {"passed": left > 0}}
    assert gpu.take(failing, 1.0, tmp_path / "gpu.json", small=True) == 1
    late = gpu.process([sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(60)"], 1.0)
    assert late == {"passed": None, "seconds": 1.0, "output": "begun\n"}
    assert gpu.take({"never": failing["first"]}, 0.0, tmp_path / "gpu.json", small=True) == 0
    if machine.gpu() is None:
        assert subprocess.run(module, capture_output=True, timeout=60, cwd=ROOT).returncode == 2


def test_the_command_refuses_what_it_does_not_know():
    assert command("--rounds", 3).returncode == 2
    done = command("--only", "nonsense")
    assert done.returncode == 2
    assert "unknown cases: nonsense" in done.stderr
    done = command("--only", "pymks", "--pymks-python", sys.executable)
    assert done.returncode == 2
    assert "lacks pymks" in done.stderr


# ---- two checkouts ------------------------------------------------------------------------------------------------------------------

SAME = {beside.THIS: ROOT, beside.OTHER: ROOT}
SLOW = "import time\ndef cess(*args, _cess=cess, **options):\n    time.sleep(0.002)\n    return _cess(*args, **options)\n"
WRONG = "def cess(*args, _cess=cess, **options):\n    return 1.001 * _cess(*args, **options)\n"


def changed(folder, addition):
    """A checkout whose twopoint has something added at the end of its __init__."""
    shutil.copytree(ROOT / "src" / "twopoint", folder / "src" / "twopoint", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "src" / "twopoint" / "__init__.py").open("a") as file:
        file.write(addition)
    return folder


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", beside.TASKS)
def test_every_task_of_two_checkouts_can_be_done(name):
    result = beside.TASKS[name].call(small=True)()
    assert all(np.isfinite(timing.host(array)).all() for array in (result if isinstance(result, tuple) else (result,)))


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("name", ["numpy-crop", "reconstruct", "import"])
def test_one_checkout_beside_itself(name, monkeypatch):
    monkeypatch.setattr(beside, "BAR", np.inf)  # no noise makes a case slower, which would be timed again
    found = beside.case(name, SAME, 2, small=True)
    assert found["differences"] == ({} if name == "import" else {beside.THIS: [0.0] * (3 if name == "reconstruct" else 2)})
    assert found["rounds"] == 2
    assert found["ratio"]["low"] <= found["ratio"]["median"] <= found["ratio"]["high"]
    assert f"{found['ratio']['median']:.3f}" in beside.line(found)


@pytest.mark.long
def test_a_slower_checkout_is_found(tmp_path):
    slow = changed(tmp_path, SLOW)
    found = beside.case("numpy-value-small", {beside.THIS: slow, beside.OTHER: ROOT}, 3, small=True)
    assert found["slower"]
    assert found["rounds"] == 9  # timed in two more pairs of processes
    assert "none" not in beside.verdict([found])
    found = beside.case("numpy-value-small", {beside.THIS: ROOT, beside.OTHER: slow}, 3, small=True)
    assert not found["slower"]
    assert found["ratio"]["high"] < 1


def test_one_slow_process_is_no_slower_checkout(monkeypatch):
    pairs = iter([[1.1] * 30, [1.0] * 30, [0.99] * 30])
    monkeypatch.setattr(beside, "measured", lambda *_, **__: ({}, {beside.THIS: next(pairs), beside.OTHER: [1.0] * 30}))
    found = beside.case("numpy-value", SAME, 30)
    assert found["rounds"] == 90
    assert found["ratio"]["median"] == 1.0
    assert not found["slower"]


def test_a_wrong_checkout_is_not_timed(tmp_path):
    roots = {beside.THIS: changed(tmp_path, WRONG), beside.OTHER: ROOT}
    found = beside.case("numpy-value", roots, 2, small=True)
    assert "this differs from other" in found["error"]
    assert "ratio" not in found
    assert "failed: numpy-value" in beside.verdict([found])


def test_a_checkout_that_does_not_run_is_an_error_without_its_path(tmp_path):
    roots = {beside.THIS: ROOT, beside.OTHER: changed(tmp_path, "raise ValueError(__file__)")}
    found = beside.case("numpy-value", roots, 2, small=True)
    assert "ValueError" in found["error"]
    assert beside.written(found, roots)["error"] == "ValueError: other/src/twopoint/__init__.py"
    shutil.rmtree(tmp_path / "src")
    assert "and not what lies in" in beside.case("numpy-value", roots, 2, small=True)["error"]


def test_the_interval_is_that_of_the_median_of_paired_ratios():
    assert beside.interval(np.full(30, 1.25)) == (1.25, 1.25)
    ratios = np.random.default_rng(1).normal(1.1, 0.02, 30)
    low, high = beside.interval(ratios)
    assert (low, high) == beside.interval(ratios)
    assert 1.08 < low < np.median(ratios) < high < 1.12
    inside = [beside.interval(np.random.default_rng(i).normal(1, 0.1, 30), draws=500) for i in range(200)]
    assert 180 <= sum(low <= 1 <= high for low, high in inside) <= 200  # 95 %


@pytest.mark.long
def test_the_command_on_two_checkouts(tmp_path):
    done = command("--beside", ROOT, "--small", "--rounds", 2, "--only", "numpy-small", "import", "--output", tmp_path / "beside.json")
    text = (tmp_path / "beside.json").read_text()
    written = json.loads(text)
    assert [case["name"] for case in written["cases"]] == ["numpy-small", "import"]
    assert done.returncode == any(case["slower"] for case in written["cases"]), done.stderr
    assert {"date", "machine", "cores_used", "threads", "versions", "load_before", "bar"} <= set(written)
    assert {"twopoint, this", "twopoint, other"} <= set(written["versions"])
    assert str(ROOT) not in text
    assert str(tmp_path) not in text
    assert "slower, the 95 % interval above 1.03: " in done.stdout


def test_the_command_on_two_checkouts_refuses_what_it_does_not_know(tmp_path):
    done = command("--beside", ROOT, "--only", "nonsense")
    assert done.returncode == 2
    assert "unknown cases: nonsense" in done.stderr
    done = command("--beside", tmp_path)
    assert done.returncode == 2
    assert "is no checkout" in done.stderr
    assert command("--beside", ROOT, "--plots", tmp_path).returncode == 2
    assert command("--beside", ROOT, "--only", "list").stdout.split() == list(beside.NAMES)


# ---- others -------------------------------------------------------------------------------------------------------------------------


def test_the_rate_of_the_reader(tmp_path):
    path = tmp_path / "own.h5"
    with MICRO2DWriter(path, {"A": 12}, size=8) as writer:
        writer.write("A", np.random.default_rng(0).integers(0, 2, (12, 8, 8)))
    copied = reader_rate.copy(path, tmp_path / "copied.h5")
    assert len(MICRO2D(copied)) == 12 * reader_rate.COPIES
    for rates in reader_rate.measure(copied, epochs=1, size=6).values():
        assert rates["median"] > 0


def test_the_network_of_the_cess_vae(tmp_path, monkeypatch):
    monkeypatch.setattr(cess_vae, "NETWORKS", {"2, 1": (2, 1)})
    monkeypatch.setattr(sys, "argv", ["cess_vae", "--size", "32", "--batch", "2", "--threads", "1", "--output", str(tmp_path / "out.json")])
    cess_vae.main()
    (row,) = json.loads((tmp_path / "out.json").read_text())["networks"].values()
    assert row["receptive_field"] == 172
    assert all(row[name] > 0 for name in ("encode_decode_zeros", "encode_decode_circular", "step", "step_circular", "loss", "parameters"))


# ---- cumulative losses --------------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_many_images_are_measured_and_their_pages_written():
    found = many_images.measure(images=4, size=48, jobs=1, pages=2)
    for name in ("without pictures", "with pictures"):
        assert found[name]["images_per_processor_second"] > 0
        assert found[name]["memory_MB"] >= found[name]["memory_at_a_quarter_MB"] > 1
    assert 0 < found["page of 1, MB"] < found["page of 2, MB"]


@pytest.mark.long
def test_encoding_many_images_is_killed_resumed_and_measured():
    found = encode_many.measure(images=320, size=64, jobs=1)
    assert 0 < found["resumed_images"] < 320
    assert found["images_per_processor_second"] > 0
    assert found["memory_MB"] >= found["memory_at_a_quarter_MB"] > 1
    assert found["rows_lost"] == 0
    assert found["largest_difference"] < 1e-4
    flat = {"images_per_second": 61.0, "memory_MB": 116.0, "memory_at_a_quarter_MB": 100.0}
    assert [line.rpartition(": ")[2] for line in encode_many.bars(flat)] == ["True", "False"]
