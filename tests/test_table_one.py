"""The command on what Table I does not state: its images are the library's, its scalings the vectors', and the rule sees no entry."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from support import ROOT
from twopoint_models.manifold import angle_images, distance_matrix, texture_vectors, three_parameters
from twopoint_models.manifold.tables import PAPER, off_paper

sys.path.insert(0, str(ROOT))  # benchmarks is no part of the distribution

from benchmarks.marble_noise import STRENGTHS, Noise, bars, fall, judge
from benchmarks.table_one import RESULTS, Form, Input, described, layer_distances, parsed
from benchmarks.table_one_rule import combine, knee, order

NOISE = Noise(3, 0.6, 2.0, displacement=0.09)
OPTIONS = dict(octaves=3, persistence=0.6, base_frequency=2.0, displacement=0.09)


def test_images_are_those_of_the_tasks() -> None:
    form = Form(32, 2, 5, seed=3)
    drawn = three_parameters(2, size=32, seed=3, **OPTIONS)
    np.testing.assert_allclose(form.grid(NOISE).images, drawn.images, atol=1e-6)
    np.testing.assert_array_equal(form.grid(NOISE).noise, drawn.noise)
    np.testing.assert_allclose(form.ring(NOISE, 2.5), angle_images(5, 2.5, size=32, seed=3, **OPTIONS).images, atol=1e-6)


def test_absolute_and_shared_noise() -> None:
    """One octave of absolute values is the absolute value; a shared displacement has equal components."""
    rngs = [np.random.default_rng(1) for _ in range(3)]
    one = Noise(1, 0.5, 4.0).field(32, rngs[0])
    np.testing.assert_allclose(Noise(1, 0.5, 4.0, absolute=True).field(32, rngs[1]), np.abs(one))
    shared = Noise(1, 0.5, 4.0, shared=True).field(32, rngs[2])
    np.testing.assert_array_equal(shared[0], shared[1])
    np.testing.assert_array_equal(shared[0], one[0])
    assert (one[0] != one[1]).any()


@pytest.mark.parametrize("scaling", ["root", "printed"])
def test_scalings_come_from_the_distances_of_layers(scaling: str) -> None:
    images = three_parameters(2, size=32).images
    network = Input("random", "raw", exact=True).eval()
    due = distance_matrix(texture_vectors(images, network, scaling=scaling, device="cpu"))
    found = combine(layer_distances(images, network, "a test"), scaling, 32)
    np.testing.assert_allclose(found, due, rtol=1e-4, atol=1e-5 * due.max())


def test_inputs() -> None:
    """The raw input is phi, the others gray values of 0 to 255, less the means or not."""
    raw, gray, less = (Input("random", kind).network for kind in ("raw", "255", "255 - mean"))
    for value, phi in ((0.0, -1.0), (0.25, -0.5), (1.0, 1.0)):
        assert (raw.scale * value - raw.shift).unique().tolist() == [phi]
        assert (gray.scale * value - gray.shift).unique().tolist() == [255 * value]
    assert less.shift.flatten().tolist() == pytest.approx([103.939, 116.779, 123.68])


def test_displacement_of_the_largest_margin() -> None:
    """An error curve with a window from .2 to .35, in A times displacement, gives a displacement of about .1."""
    inside = (STRENGTHS > 0.15) & (STRENGTHS < 0.37)
    errors, peaks = np.where(inside, 0.05, 0.5), 1000 / (1 + 100 * STRENGTHS**2)
    found = judge(NOISE, errors, peaks)
    assert 0.08 < found["displacement"] < 0.12
    others = [bars(errors, factor * found["displacement"])["margin"] for factor in (0.85, 1.15)]
    assert max(others) < found["margin"]
    assert found["at_1"] == bars(errors, found["displacement"])["at_1"] > 0.2
    assert bars(np.full(len(STRENGTHS), 0.05), 0.1)["margin"] == pytest.approx(math.log(0.05 / 0.2))
    assert fall(peaks, 0.1)["peaks"][2] == pytest.approx((1 + 1) / (1 + 16), rel=0.02)


def test_knee() -> None:
    dimensions = np.arange(1, 11)
    stress = np.exp(-0.5 * np.minimum(dimensions, 6) - 0.1 * np.maximum(dimensions - 6, 0))
    assert knee(stress, dimensions) == (6, pytest.approx(0.2))


def test_difference_from_table_one_is_of_four_dimensions_on() -> None:
    row = {"dimensions": [2, 4, 50]} | {name: [0.0, PAPER[name][4], PAPER[name][50] - 0.02] for name in ("r2_k", "r2_noise")}
    assert off_paper(row) == pytest.approx(0.02)


def test_distances_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call reads them, without a network; a form of another seed is another file."""
    monkeypatch.setattr("sys.argv", ["table_one", "--vgg", "random", "--kept", str(tmp_path)])
    options, form = parsed(), Form(32, 2, 3)
    first = described(NOISE, "raw", form, options)
    assert first["grid"].shape == (5, 8, 8)
    assert first["ring"].shape == (2, 5, 3, 3)
    monkeypatch.setattr("benchmarks.table_one.Input", None)
    np.testing.assert_array_equal(described(NOISE, "raw", form, options)["grid"], first["grid"])
    with pytest.raises(TypeError):
        described(NOISE, "raw", Form(32, 2, 3, seed=1), options)


def test_the_rule_does_not_see_table_one() -> None:
    """The results that the page shows are sorted by the rule, which needs no entry of Table I."""
    rows = json.loads((RESULTS / "table_one.json").read_text(encoding="utf-8"))["settings"]
    for row in rows:
        del row["table"]
    assert list(map(order, rows)) == sorted(map(order, rows))
