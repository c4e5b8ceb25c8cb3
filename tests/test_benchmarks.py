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
    cumulative_gray,
    cumulative_pixels,
    cumulative_positions,
    cumulative_spacing,
    floor,
    gpu,
    intervals,
    jobs,
    literal,
    machine,
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


@pytest.mark.parametrize("name", ["numpy-crop", "reconstruct", "import"])
def test_one_checkout_beside_itself(name, monkeypatch):
    monkeypatch.setattr(beside, "BAR", np.inf)  # no noise makes a case slower, which would be timed again
    found = beside.case(name, SAME, 2, small=True)
    assert found["differences"] == ({} if name == "import" else {beside.THIS: [0.0] * (3 if name == "reconstruct" else 2)})
    assert found["rounds"] == 2
    assert found["ratio"]["low"] <= found["ratio"]["median"] <= found["ratio"]["high"]
    assert f"{found['ratio']['median']:.3f}" in beside.line(found)


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
    assert all(row[name] > 0 for name in ("encode_decode_zeros", "encode_decode_circular", "step", "loss", "parameters"))


# ---- cumulative losses --------------------------------------------------------------------------------------------------------------


def small(module, tmp_path, monkeypatch, *arguments):
    path = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", [module.__name__, "--small", "--output", str(path), *map(str, arguments)])
    module.main()
    assert not path.with_suffix(".part").exists()
    return json.loads(path.read_text())


def test_a_share_has_wilsons_interval():
    # Brown, Cai and DasGupta 2001: the ends solve (p - share)^2 = z^2 p (1 - p) / n.
    for found, total in ((0, 10), (3, 10), (160, 200), (200, 200)):
        share = intervals.wilson(found, total)
        for end in (share["low"], share["high"]):
            off = (end - found / total) ** 2 - intervals.NORMAL**2 * end * (1 - end) / total
            assert off == pytest.approx(0, abs=1e-12)
        assert share["low"] <= share["figure"] <= share["high"]
    with pytest.raises(ValueError, match="total must be at least 1"):
        intervals.wilson(0, 0)


@pytest.mark.usefixtures("unchecked")
def test_losses_against_spacing(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    written = small(cumulative_spacing, tmp_path, monkeypatch, "--picture", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    for name, case in written["monotone"].items():
        if "wrapped" not in name:
            assert all(case[loss] == {"grows": case["asked"], "held": True} for loss in cumulative_spacing.JUDGED), name
    every = written["rows, open, wherever the first is"]
    assert every["held"] == every["positions"] > 10
    periodic = written["curves"]["periodic"]["losses"]
    assert periodic["CESS, crop"] == {"one": 0.0, "sees": [2, 3]}  # of 6 lags
    assert {ratio if ratio > 1e-6 else 0.0 for ratio in periodic["CESS"]["ratios"][:-1]} == {
        1.0,
        0.0,
    }  # not at half the side, where both lines are at one lag
    assert set(written["curves"]["open"]["losses"]) == set(periodic) - {"energy"}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_an_image_of_one_column_has_the_losses_of_the_whole(boundary):
    column = [cumulative_spacing.line(12, 1, spacing)[None] for spacing in (5, 8)]
    whole = [np.repeat(m, 9, axis=-1) for m in column]
    for name, (loss, options) in cumulative_spacing.CURVES.items():
        if not (name == "energy" and boundary == "open"):
            a, b = (float(loss(*pair, implied_phase=True, boundary=boundary, **options)) for pair in (column, whole))
            assert a == pytest.approx(b, rel=1e-11, abs=1e-15), name


def test_a_loss_that_falls_is_not_monotone(monkeypatch):
    up = lambda *_, **__: np.array([0.0, 1.0, 2.0, 1.5, 3.0])  # noqa: E731
    monkeypatch.setattr(cumulative_spacing, "curve", up)
    found = cumulative_spacing.grows(None, 28, 6, "open", 10)["cumulative CESS"]
    assert found == {"grows": [4, 8], "held": False}


@pytest.mark.usefixtures("unchecked")
def test_descent_on_positions(tmp_path, monkeypatch):
    written = small(cumulative_positions, tmp_path, monkeypatch)
    shares = {(row["lines"], row["loss"]): row for row in written["rows"]}
    assert len(shares) == len(cumulative_positions.TARGETS) * (len(cumulative_positions.LOSSES) + len(cumulative_positions.SCHEDULES))
    assert "held" in shares["three lines", "cumulative CESS"]
    assert "held" not in shares["three lines", "CESS"]
    # Two gaps, of d and of size - d, which are right within 1 px at two of 224 / 2 places.
    assert written["by_chance"]["two lines"]["figure"] == pytest.approx(4 / 224, rel=0.1)


def test_found_positions_may_be_shifted_and_mirrored():
    target = np.array([0.0, 40.0, 100.0])
    rows = np.array([[50.0, 90.5, 150.0], [0.0, 60.0, 100.0], [-30.0, 10.0, 70.0], [0.0, 40.0, 102.0], [0.0, 70.0, 100.0]])
    assert cumulative_positions.found(rows, target, 224).tolist() == [True, True, True, False, False]


@pytest.mark.usefixtures("unchecked")
def test_reconstruction_pixel_by_pixel_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(cumulative_pixels, "SHAPES", {"two lines": cumulative_pixels.two_lines})
    written = small(cumulative_pixels, tmp_path, monkeypatch)
    assert len(written["rows"]) == 2 * len(cumulative_pixels.LOSSES)
    assert all(line["exchange"]["figure"] == 1 for line in written["summary"] if line["loss"] == "CESS")
    kept = written | {"rows": [row | {"exchange": {"overlap": 0.5, "error": 1.0}} for row in written["rows"][:-1]]}
    (tmp_path / "out.json").write_text(json.dumps(kept))
    resumed = small(cumulative_pixels, tmp_path, monkeypatch)
    assert resumed["rows"] == [*kept["rows"], written["rows"][-1]]
    assert all(line["exchange"]["figure"] == 0 for line in resumed["summary"] if line["loss"] == "CESS")


def test_an_overlap_is_up_to_shift_and_inversion():
    labels = cumulative_pixels.three_lines(24)
    assert cumulative_pixels.overlap(labels, np.roll(labels[::-1, ::-1], (3, 5), (0, 1))) == pytest.approx(1)
    assert cumulative_pixels.overlap(labels, labels[::-1]) < 0.9
    assert cumulative_pixels.five_dots(64).sum() == 45


@pytest.mark.usefixtures("unchecked")
def test_gray_and_blur(tmp_path, monkeypatch):
    written = small(cumulative_gray, tmp_path, monkeypatch)
    assert set(written["level_cuts"]) == {"1", "2", "3", "5", "8"}
    assert len(written["bars"]) == 8
    for own in written["level_cuts"].values():
        assert own["cumulative CESS"]["gray"] > 3 * own["CESS"]["gray"]
        assert 0 < own["CESS"]["blur_low"] <= own["CESS"]["blur"] <= own["CESS"]["blur_high"]


def test_the_nearest_images_are_others():
    images = np.linspace(0, 1, 12)[:, None, None] * np.ones((12, 2, 2))
    assert cumulative_gray.nearest(images, 3).mean(axis=(1, 2)) == pytest.approx(np.array([2, 4, 1, 5, 0, 6, 7, 8]) / 11)
