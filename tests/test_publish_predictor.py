"""The command that trains, judges and packs the predictor of properties, in its small form."""

import json
import sys

import numpy as np
import pytest

import twopoint_models
from support import ROOT
from twopoint_models.data import MICRO2DWriter, generate_images
from twopoint_models.design import ImagePredictor
from twopoint_models.homogenisation import PROPERTIES, properties_of
from twopoint_models.pretrained import loading

sys.path.insert(0, str(ROOT))  # benchmarks is no part of the distribution

from benchmarks import publish_predictor

pytestmark = pytest.mark.long


def test_the_predictor_is_packed_judged_and_loaded_by_name(tmp_path, monkeypatch, capsys):
    real = generate_images(8, 32, seed=9)[:, 0].astype(np.uint8)
    with MICRO2DWriter(tmp_path / "real.h5", {"A": 8}, size=32) as writer:
        writer.write("A", real)
    folder = tmp_path / "pretrained"
    folder.mkdir()
    (folder / "hashes.json").write_text("{}")
    words = ["--out", tmp_path / "kept", "--data", tmp_path / "real.h5", "--folder", folder, "--output", tmp_path / "found.json"]
    words += ["--count", 24, "--judged", 6, "--size", 32, "--epochs", 3]
    monkeypatch.setattr(sys, "argv", ["publish_predictor", *map(str, words)])
    publish_predictor.main()
    printed = capsys.readouterr().out
    run = json.loads((tmp_path / "found.json").read_text())
    monkeypatch.setattr(loading, "HERE", folder)
    assert loading.names() == ["properties-224"], "its description has a hash of its own, but is no network for users"
    found = twopoint_models.load("properties-224")
    assert isinstance(found, ImagePredictor)
    values = np.stack([np.asarray(x) for x in properties_of(real.astype(float), PROPERTIES, tolerance=1e-3)], axis=1)
    told = found.predict(real)
    judged = run["sets"]["real"]
    inside = ((told.low <= values) & (values <= told.high)).mean(axis=0)
    assert [each["share"] for each in judged["coverage"].values()] == pytest.approx(inside.tolist())
    error = np.sqrt(np.mean((told.mean - values) ** 2, axis=0)) / values.std(axis=0)
    assert [judged["errors"]["properties-224"][name]["over_deviation"] for name in PROPERTIES] == pytest.approx(error.tolist(), rel=1e-4)
    assert set(judged["errors"]) == {"properties-224", "nearest training image", "volume fraction"}
    assert judged["images"] == 8
    assert run["sets"]["generated"]["images"] == 6
    card = loading.card("properties-224")
    assert f"{error[0]:.3f}" in printed
    assert f"{error[0]:.3f}" in card
    assert "24 generated images" in card
    part = folder / "properties-224/encoder/model.safetensors"
    part.write_bytes(part.read_bytes()[:-1] + b"\1")
    with pytest.raises(ValueError, match=r"not those that the package was built with: .*encoder.model.safetensors has another sha256"):
        twopoint_models.load("properties-224")
