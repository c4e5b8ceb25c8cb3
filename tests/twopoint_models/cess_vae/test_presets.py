"""Presets hold what they promise; that of the paper holds its sentences."""

import re

import pytest

from twopoint_models.cess_vae import REGIMES, CESSConfig
from twopoint_models.cess_vae.config import first_half
from twopoint_models.cess_vae.presets import PRESETS


def config(name, **changes):
    fields = {key: value for key, value in PRESETS[name].items() if key in CESSConfig.help()}
    return CESSConfig(**(fields | changes))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_for_each_of_its_regimes(name):
    for regime in PRESETS[name]["regimes"]:
        found = config(name, regime=regime)
        assert found.size in (64, 224)
        assert found.start_epochs + found.finish_epochs == found.epochs
        first = first_half(found)
        assert (first.start_epochs + first.finish_epochs, first.second_epochs) == (found.start_epochs, 0)


def test_the_papers_preset_holds_its_sentences(shared_data):
    """Sections 3.3 and 3.4 of Cai et al., sentence by sentence, as the text in the shared folder has them."""
    text = " ".join((shared_data / "papers/cai_cess_vae_v1.txt").read_text().split())
    paper, options = config("paper"), PRESETS["paper"]
    trials, epochs = re.search(r"with (\d+) trials trained to (\d+) epochs", text).groups()
    assert (options["trials"], options["trial_epochs"]) == (int(trials), int(epochs))
    assert paper.epochs == int(re.search(r"All models were then trained for (\d+) epochs", text).group(1))
    period = int(re.search(r"Cosine Warm Restart learning rate scheduler \[14\] with a period of (\d+) epochs", text).group(1))
    assert paper.restart_every == period
    assert (paper.start_epochs % period, paper.finish_epochs % period) == (0, 0), "halves are of whole periods"
    assert "bottleneck of 14x14, from an initial image size of 224x224" in text
    assert paper.size == 224
    assert "The number of skip-connected convolutions is" in text
    assert "a hyperparameter, and will be referred to as depth" in text
    assert paper.sweep_network
    assert "clip" not in text.lower()
    assert paper.gradient_clip == 0.0
    sentences = ("with MSE", "with linear combination of MSE and CESS", "with MSE, then finetuned with CESS")
    sentences += ("with MSE, then finetuned with CESS on a 50x50 center crop", "with Style Loss")
    for sentence, regime in zip(sentences, options["regimes"], strict=True):
        assert f"- Model trained {sentence}" in text
        assert REGIMES[regime].start == {"mse_cess": "mse_cess", "style_from_scratch": "style"}.get(regime, "mse")
    assert paper.style_layers == ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


def test_second_halves_may_be_given():
    found = CESSConfig(epochs=7, second_epochs=2)
    assert (found.start_epochs, found.finish_epochs) == (5, 2)
    found = CESSConfig(epochs=7, second_epochs=2, batch_size=8, second_batch_size=4, start_learning_rate=0.1)
    first, second = first_half(found), found.second_half
    assert [(half.epochs, half.batch_size, half.second_batch_size) for half in (first, second)] == [(5, 8, 0), (2, 4, 0)]
    assert CESSConfig(batch_size=8).second_half.batch_size == 8
    with pytest.raises(ValueError, match="second_epochs must not be above epochs, 7, got 8"):
        CESSConfig(epochs=7, second_epochs=8)
