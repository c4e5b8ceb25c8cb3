"""Tables of similarities and of predicted properties."""

import re

import numpy as np
import pytest

from support.textures import LIGHTNING
from twopoint_models.texture_vae import (
    summarise_properties,
    summarise_similarities,
)
from twopoint_models.texture_vae.regressions import of_parents
from twopoint_models.texture_vae.tables import table_of_properties, table_of_similarities

pytestmark = LIGHTNING


@pytest.mark.long
def test_the_table_of_similarities_tells_textures_apart():
    rng = np.random.default_rng(0)
    fine, coarse = rng.random((6, 1, 64, 64)), np.kron(rng.random((6, 1, 8, 8)), np.ones((8, 8)))
    given = np.concatenate([fine, coarse]).astype(np.float32)
    seen = []
    told = summarise_similarities(given, {"itself": given}, ["fine"] * 6 + ["coarse"] * 6, progress=lambda *at: seen.append(at))
    assert seen == [(12 * i, 60) for i in range(1, 6)]
    column = {row: found["STSIM-2"]["mean"] for row, found in told.items()}
    assert column["itself"] == pytest.approx(1, abs=1e-5)
    assert 1 > column["another patch of the sample"] > column["a patch of another sample"]
    assert column["another patch of the sample"] > column["constant gray"]
    assert re.search(r"\| itself +\|( +1\.000 \(1\.000 to 1\.000\) \|){2}", table_of_similarities(told))
    low, high = told["blurred by 4 px"]["STSIM-2"]["interval"]
    assert low < column["blurred by 4 px"] < high
    alone = summarise_similarities(given[:1], {}, ["one"])
    assert list(alone) == ["blurred by 4 px", "constant gray"]
    assert set(alone["constant gray"]["STSIM-2"]) == {"mean"}
    with pytest.raises(ValueError, match="samples must be one for each patch"):
        summarise_similarities(given, {}, ["one"] * 3)


def test_properties_by_split_and_regression():
    rng = np.random.default_rng(0)
    samples = [name for name in "abcd" for _ in range(10)]
    value = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    values = np.array([value[name] for name in samples])
    good = values[:, None] + 0.01 * rng.normal(size=(40, 1))
    parts = (["train"] * 8 + ["test"] * 2) * 4
    told = summarise_properties({"good": good, "noise": rng.normal(size=(40, 1))}, {"E": values}, samples, parts)
    for split in ("random fifth", "by parent"):
        assert told["E"][split]["good"]["linear"]["r2"] > 0.99 > told["E"][split]["noise"]["linear"]["r2"]
    left = told["E"]["leave one out"]
    assert left["good"]["linear"]["mape"] < 2 < left["always the mean"]["mean"]["mape"]
    assert set(left["good"]["svr"]["samples"]) == set("abcd")
    assert of_parents(np.asarray(parts), ["test"]).sum() == 8
    assert re.search(r"\| E +\| +leave one out \| +always the mean \| +mean \|  +\|", table_of_properties(told))
