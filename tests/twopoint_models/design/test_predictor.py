"""The predictor of properties: its ensemble against networks one by one, what it learns, files, scores, controls, refusals."""

import numpy as np
import pytest
import torch

from twopoint_models.checks import NotFiniteError
from twopoint_models.design import PropertyMLP, fit_property_mlp, property_scores


def test_an_ensemble_is_its_members():
    model = PropertyMLP(inputs=5, properties=["a", "b"], hidden=[7, 6], members=3)
    x, y = torch.randn(9, 5), 4 + 2 * torch.randn(9, 2)
    model.standardise(x, y)
    each = []
    for k in range(3):
        h = (x - x.mean(0)) / x.std(0)
        for i in range(3):
            h = (h.relu() if i else h) @ model.weights[i][k] + model.biases[i][k]
        each.append(h * y.std(0) + y.mean(0))
    mean, spread = model.predict(x)
    torch.testing.assert_close(mean, torch.stack(each).mean(0))
    torch.testing.assert_close(spread, torch.stack(each).std(0))
    torch.testing.assert_close(model(x), mean)
    assert not PropertyMLP(inputs=5, properties=["a"], members=1, hidden=[3]).predict(x)[1].any()


def examples(n=240, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6)).astype(np.float32)
    return x, np.stack([3 + x[:, 0] + 0.3 * x[:, 1] ** 2, 50 - 20 * x[:, 2]], axis=1)


def test_it_learns_and_comes_back_from_its_file(tmp_path):
    x, y = examples()
    told = []
    fit = dict(hidden=[64, 64], members=2, epochs=40, learning_rate=3e-3)
    model = fit_property_mlp(x, y, ["E_x", "k_x"], **fit, progress=lambda n, of: told.append((n, of)))
    other = examples(seed=1)
    with torch.no_grad():
        found = property_scores(model(torch.from_numpy(other[0])).numpy(), other[1], ["E_x", "k_x"])
    assert min(each["r2"] for each in found.values()) > 0.9
    assert told[0] == (1, 40)
    again = fit_property_mlp(x, y, ["E_x", "k_x"], **fit)
    states = zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states), "the seed fixes all"
    model.save(tmp_path)
    loaded = PropertyMLP.load(tmp_path, properties=["k_x"])
    assert torch.equal(loaded(torch.from_numpy(x)), model(torch.from_numpy(x)))
    with pytest.raises(ValueError, match="holds a predictor of E_x, k_x, not of G_xy"):
        PropertyMLP.load(tmp_path, properties=["E_x", "G_xy"])


def test_it_ends_early_and_more_examples_are_not_held_out():
    x, y = examples(60)
    told = []
    noise = np.random.default_rng(0).standard_normal(y.shape)
    fit_property_mlp(x, noise, ["a", "b"], hidden=[64], members=1, epochs=200, patience=3, progress=lambda n, of: told.append(n))
    assert told[-1] < 200, "noise is not predicted better and better"
    model = fit_property_mlp(x, y, ["a", "b"], hidden=[4], members=1, epochs=1, extra=(x + 100, y))
    assert float(model.feature_mean.mean()) > 40


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x, y: (x, np.where(np.arange(len(y))[:, None] == 7, np.nan, y)), "values of E_x must be finite, row 7 is nan"),
        (lambda x, y: (np.where(x > 2.4, np.inf, x), y), "features must be finite, row"),
        (lambda x, y: (x, np.stack([y[:, 0], np.full(len(y), 0.3)], axis=1)), "values of nu_xy must not be constant, all 240 are 0.3"),
        (lambda x, y: (x, y[:5]), r"features and values must be \(n, d\) and \(n, 2\)"),
    ],
)
def test_refusals(spoil, message):
    with pytest.raises(ValueError, match=message):
        fit_property_mlp(*spoil(*examples()), ["E_x", "nu_xy"], hidden=[4], members=1, epochs=1)


def test_names_that_mean_nothing():
    for names in ([], "E_x", ["a", "a"]):
        with pytest.raises(ValueError, match="properties must be names"):
            PropertyMLP(inputs=2, properties=names)
    with pytest.raises(ValueError, match=r"features must have the shape \(batch, 2\)"):
        PropertyMLP(inputs=2, properties=["a"], hidden=[3])(torch.zeros(1, 3))


def test_nothing_to_learn_from_and_an_error_that_is_no_number():
    x, y = examples()
    with pytest.raises(ValueError, match=r"validation must leave something to learn from, 0\.99 of 10 examples are all"):
        fit_property_mlp(x[:10], y[:10], ["a", "b"], validation=0.99)
    with pytest.raises(NotFiniteError, match="error on the validation share is nan after"):
        fit_property_mlp(x, y, ["a", "b"], hidden=[4], members=1, learning_rate=1e30, epochs=20)
