"""Figures of the texture VAE."""

import numpy as np
import pytest

from support.textures import LIGHTNING, config, patches
from twopoint_models.data import read_micrographs
from twopoint_models.texture_vae import (
    code,
    encodings,
    figures_of_properties,
    figures_of_texture_vae,
    leave_one_out,
)
from twopoint_models.texture_vae.figures import correlation_chart, halves, patch_rows, predictions, summarise_latents
from twopoint_models.texture_vae.train import make_vgg, new_texture_vae

pytestmark = LIGHTNING


def test_pictures_hold_what_they_are_given():
    a, b = np.zeros((7, 8, 8)), np.ones((7, 1, 8, 8))
    figure = halves(a, b, list("abcdefg"))
    shown = figure.axes[6].images[0].get_array()
    assert (shown[:, :4] == 0).all()
    assert (shown[:, 4:] == 1).all()
    assert figure.axes[6].get_title() == "g"
    rows = patch_rows({"3": a[:2], "5": b[:2]}, columns=["-4", "4"])
    assert [at.get_ylabel() for at in rows.axes] == ["3", "", "5", ""]
    told = predictions({"latents": np.arange(5.0)}, 2.5, mean=1.0)
    assert {line.get_xdata()[0] for line in told.axes[0].lines} == {2.5, 1.0}
    chart = correlation_chart(np.array([[0.9, 0.1]]), ["p"], ["0", "1"])
    assert [text.get_text() for text in chart.axes[0].texts] == ["0.90"]
    for call in (
        lambda: halves(a, b[:3], list("abc")),
        lambda: patch_rows({}),
        lambda: patch_rows({"a": a, "b": a[:2]}),
        lambda: predictions({}, 1.0),
        lambda: correlation_chart(np.eye(2), ["p"], ["0", "1"]),
    ):
        with pytest.raises(ValueError, match="must"):
            call()


def test_pictures_of_properties():
    samples = [name for name in "abc" for _ in range(5)]
    values = np.repeat([1.0, 2.0, 6.0], 5)
    x = values[:, None] + 0.01 * np.arange(15)[:, None]
    found = dict(figures_of_properties({"latents": x}, {"E, GPa": values}, samples, kind="linear"))
    assert list(found) == ["E of a", "E of b", "E of c"]
    (axes,) = found["E of c"].axes
    assert [line.get_xdata()[0] for line in axes.lines] == [6.0, 1.5]
    left, right = (patch.get_x() + patch.get_width() * end for patch, end in ((axes.patches[0], 0), (axes.patches[-1], 1)))
    told = leave_one_out(x, values, samples, "linear")["c"].predicted
    assert (left, right) == (pytest.approx(told.min()), pytest.approx(told.max()))


def test_all_pictures_of_a_texture_vae(folder):
    run, (given, names) = config(), patches(folder)
    network, vgg = new_texture_vae(run).eval(), make_vgg(run)
    found, made_by = code(network, encodings(vgg, given)), dict(zip(*read_micrographs(folder)[1:], strict=True))
    known = [made_by[name] for name in names]
    drawn = dict(figures_of_texture_vae(network, found, given, names, known))
    assert list(drawn) == ["halves", "samples", "correlations", "traversal of squares of 1", "traversal of squares of 8"]
    told = summarise_latents(found, known)
    assert len(told["kl"]) == 3
    assert 0 <= told["active"] <= 3
    assert "correlations" not in dict(figures_of_texture_vae(network, found, given, names, [{}] * len(names)))
    assert summarise_latents(found, [{}] * len(names))["named"] == {}
