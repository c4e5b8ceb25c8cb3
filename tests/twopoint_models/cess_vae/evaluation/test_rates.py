"""Rate and distortion of a network: numbers of known reconstructions, table and picture."""

import json

import numpy as np
import pytest

from twopoint_models.cess_vae.evaluation.evaluate import score
from twopoint_models.cess_vae.evaluation.figures import rates_figure
from twopoint_models.cess_vae.evaluation.rates import rate_of, rates_table

pytestmark = pytest.mark.numpy_only
IMAGES = (np.random.default_rng(0).random((12, 1, 32, 32)) < 0.4).astype(np.float32)


@pytest.fixture
def latents(tmp_path):
    lines = ["channel,row,column,kl,posterior_deviation", "0,0,0,3.5,0.1", "0,0,1,0.5,0.5", "0,1,0,0.001,0.99", "0,1,1,2,0.2"]
    (tmp_path / "latents.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "latents.csv"


def test_numbers(latents):
    made = np.clip(IMAGES * 0.6 + 0.1, 0, 1)
    found = rate_of(latents, IMAGES, made, {"fitted": IMAGES[:, 0], "normal": 1 - IMAGES[:, 0]})
    assert (found["nats"], found["nats_of_a_latent"], found["collapsed"]) == pytest.approx((6.001, 6.001 / 4, 0.25))
    assert found["deviation"] == pytest.approx(1.79 / 4)
    assert found["squared_error"] == pytest.approx(np.square(made - IMAGES).mean(), rel=1e-5)
    excess = score(made, IMAGES).excess
    assert found["soft"]["median"] == pytest.approx(np.median(excess["soft"]["all lags"]))
    assert found["thresholded"]["median"] == pytest.approx(0, abs=1e-12)
    assert found["cumulative"]["median"] == pytest.approx(0, abs=1e-12)
    low, high = found["soft"]["interval"]
    assert low <= found["soft"]["median"] <= high
    assert all(value == 0 for value in found["distances"]["fitted"].values())
    assert found["distances"]["normal"]["volume fraction"] > 2
    rows = {"1e-6": found, "1e-3": found | {"nats_of_a_latent": 0.2}}
    table = rates_table(json.loads(json.dumps(rows)))
    assert len(table.splitlines()) == 4
    assert "| 1e-3" in table
    axes = rates_figure(rows).axes
    assert [line.get_label() for line in axes[1].lines] == ["fitted prior", "normal prior"]
    assert axes[1].lines[0].get_xdata().tolist() == [found["nats_of_a_latent"], 0.2]


def test_no_latents(tmp_path):
    with pytest.raises(FileNotFoundError):
        rate_of(tmp_path / "latents.csv", IMAGES, IMAGES, {})
