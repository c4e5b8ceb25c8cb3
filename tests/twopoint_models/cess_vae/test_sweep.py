"""Sweeps: trials that end are counted, none is lost by a kill, several processes share one study."""

import subprocess
import sys

import numpy as np
import optuna
import pytest

from twopoint_models.cess_vae import CESSConfig, CESSVAETask, sweep_regime
from twopoint_models.cess_vae.sweep import DONE, RANGES
from twopoint_models.checks import NotFiniteError
from twopoint_models.data import MICRO2DWriter

module = sys.modules[sweep_regime.__module__]

pytestmark = [
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval"),
]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "own.h5"
    with MICRO2DWriter(path, {"A": 8}, size=16) as writer:
        writer.write("A", (rng.random((8, 16, 16)) < 0.4).astype(np.uint8))
    return CESSConfig(data=str(path), regime="mse_cess", size=16, width=(2,), batch_size=4, fractions=(0.5, 0.5, 0.0), accelerator="cpu")


def trials(folder, name="mse_cess", states=DONE):
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder / 'sweep.sqlite'}").get_trials(states=states)


def test_the_best_of_short_runs_is_chosen(config, tmp_path):
    told = []
    config = config.changed(devices=2)  # for the training after it; a trial has one
    found = sweep_regime(config, tmp_path, trials=4, epochs=1, progress=lambda *state: told.append(state))
    done = trials(tmp_path)
    best = min(done, key=lambda trial: trial.value)
    assert found == config.changed(**best.params)
    assert set(best.params) == {"learning_rate", "alpha"}
    assert [state[:2] for state in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert told[-1][2] == best.value
    assert len({trial.params["alpha"] for trial in done}) == 4
    assert all(RANGES[name][0] <= value <= RANGES[name][1] for trial in done for name, value in trial.params.items())
    assert sweep_regime(config, tmp_path, trials=4, epochs=1) == found  # nothing is left to do
    assert len(trials(tmp_path, states=None)) == 4


@pytest.mark.long
def test_the_same_seed_tries_the_same_however_often_it_was_stopped(config, tmp_path, monkeypatch):
    value = lambda trial, *rest: sum(trial.suggest_float(name, *RANGES[name], log=True) for name in ("learning_rate", "alpha"))  # noqa: E731
    monkeypatch.setattr(module, "_value", value)
    sweep_regime(config, tmp_path / "a", trials=12, epochs=1)
    for number in (3, 7, 8, 12):
        sweep_regime(config, tmp_path / "b", trials=number, epochs=1)
    found = [[trial.params for trial in trials(tmp_path / name)] for name in "ab"]
    assert found[0] == found[1]
    assert found[0] != [trial.params for trial in _other_seed(config, tmp_path)]


def _other_seed(config, tmp_path):
    sweep_regime(config.changed(seed=1), tmp_path / "c", trials=12, epochs=1)
    return trials(tmp_path / "c")


KILLED = """
import os, pathlib, signal, sys, time
from twopoint_models.cess_vae import CESSConfig, sweep_regime
module = sys.modules[sweep_regime.__module__]
module.HEARTBEAT = 1
kill = int(sys.argv[3])
def value(trial, *rest):
    rate = trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True)
    if trial.number == kill:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return rate
module._value = value
sweep_regime(CESSConfig.read(sys.argv[1]), sys.argv[2], trials=25, epochs=1)
"""


@pytest.mark.long
def test_killed_and_resumed_none_of_25_trials_is_lost(config, tmp_path):
    config.write(tmp_path)
    command = [sys.executable, "-W", "ignore", "-c", KILLED, tmp_path, tmp_path]
    done = subprocess.run([*command, "11"], capture_output=True, timeout=200)
    assert done.returncode == -9, done.stderr
    assert len(trials(tmp_path)) == 11
    (killed,) = trials(tmp_path, states=(optuna.trial.TrialState.RUNNING,))
    done = subprocess.run([*command, "-1"], capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert len(trials(tmp_path)) == 25
    assert killed.params["learning_rate"] in [trial.params["learning_rate"] for trial in trials(tmp_path)]


@pytest.mark.long
def test_processes_share_a_study(config, tmp_path):
    config.write(tmp_path)
    command = [sys.executable, "-W", "ignore", "-c", KILLED, tmp_path, tmp_path, "-1"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        assert process.communicate(timeout=200)[1] is not None
        assert process.returncode == 0
    rates = [trial.params["learning_rate"] for trial in trials(tmp_path)]
    assert len(rates) in (25, 26)  # the last one may be begun twice
    assert len(set(rates)) == len(rates)


def test_a_trial_that_diverges_counts_and_is_never_the_best(config, tmp_path, monkeypatch):
    def value(trial, *rest):
        trial.suggest_float("learning_rate", *RANGES["learning_rate"], log=True)
        if trial.number % 2 == 0:
            raise optuna.TrialPruned("loss is nan")
        return float(trial.number)

    monkeypatch.setattr(module, "_value", value)
    found = sweep_regime(config, tmp_path, trials=4, epochs=1)
    assert found.learning_rate == trials(tmp_path)[1].params["learning_rate"]


def test_refusals(config, tmp_path, monkeypatch):
    for options, name in ((dict(trials=0, epochs=1), "trials"), (dict(trials=1, epochs=0), "epochs")):
        with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
            sweep_regime(config, tmp_path, **options)

    def diverges(self, batch, at):
        raise NotFiniteError("loss is nan")

    monkeypatch.setattr(CESSVAETask, "training_step", diverges)
    with pytest.raises(ValueError, match="no trial of mse_cess gave a finite value"):
        sweep_regime(config, tmp_path, trials=2, epochs=1)


def test_a_study_of_other_choices_is_refused(config, tmp_path):
    sweep_regime(config, tmp_path, trials=1, epochs=1)
    assert sweep_regime(config.changed(epochs=9, sharpness=2.0), tmp_path, trials=1, epochs=1)  # of other regimes, and of what comes after
    for other, epochs, message in (
        (config.changed(width=(3,)), 1, r"width \[2\] there, \[3\] here"),
        (config, 2, "trial_epochs 1 there, 2 here"),
    ):
        with pytest.raises(ValueError, match=f"folder holds a sweep of mse_cess with other choices .*{message}"):
            sweep_regime(other, tmp_path, trials=2, epochs=epochs)
