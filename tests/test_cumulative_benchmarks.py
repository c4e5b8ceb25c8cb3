"""The benchmarks of cumulative statistics in their small forms: they run, and their judgements are right."""

import json
import sys

import numpy as np
import pytest

from support import ROOT

sys.path.insert(0, str(ROOT))  # benchmarks is no part of the distribution


from benchmarks import cumulative_gray, cumulative_pixels, cumulative_positions, cumulative_spacing, intervals


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


@pytest.mark.long
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


def test_dots_of_three_pixels():
    assert cumulative_pixels.five_dots(64).sum() == 45
