"""A Bayesian search of a regime's hyperparameters by short runs, in a study that several processes may share."""

import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
import torch
from sqlalchemy.exc import SQLAlchemyError

from ..checks import NotFiniteError
from ..nets.blocks import mixed
from ..training.fitting import make_trainer, quiet, seed_everything
from .config import CESSConfig, without_others
from .network import CESSVAE
from .regimes import REGIMES
from .tasks import make_task
from .train import make_data

HEARTBEAT = 5  # seconds between the heartbeats of a trial; after three missed ones it counts as killed
STARTUP = 5  # random trials before the estimator is used
RANGES: dict[str, tuple[float, float]] = {  # all on a logarithmic scale
    "learning_rate": (3e-4, 5e-3),  # short trials favour large rates, at which long runs fail
    "alpha": (1e-3, 10.0),
    "clamp_weight": (1e-4, 1.0),
    "sigma": (0.01, 0.25),
    "sharpness": (1.0, 16.0),
    "adversarial_weight": (0.1, 10.0),
    "cess_weight": (10.0, 1000.0),
    "cumulative_weight": (1.0, 100.0),
    "means_weight": (1.0, 100.0),
}
DEPTHS, WIDTHS = (1, 2, 3), (16, 32, 64)
DONE = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)


def sweep_regime(
    config: CESSConfig,
    folder: str | os.PathLike[str],
    *,
    trials: int = 25,
    epochs: float = 5,
    start: CESSVAE | None = None,
    data: Any = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> CESSConfig:
    """Return the config with the hyperparameters whose short runs are best on the validation images.

    Each trial trains with the loss of the regime's second half, from ``start`` if it is given, and is judged by the measure of the regime
    (``REGIMES[config.regime].judge``). With ``config.sweep_network`` depth and width vary too, unless trials start from a
    network. The study is kept in ``sweep.sqlite``. Call again to resume it after a kill, or call from several
    processes at once to share the trials, each of which uses one device. A trial that was killed is repeated with the same hyperparameters.
    A trial whose loss is not finite counts as the worst.

    Parameters
    ----------
    config : CESSConfig
        Choices that are not swept. ``REGIMES[config.regime].swept`` and the learning rate are swept.
    folder : str or path
        Folder of the study, whose name is that of the regime.
    trials : int
        Number of trials in total, over all processes and calls.
    epochs : float
        Epochs of each trial; below 1, the share of an epoch.
    start : nets.CESSVAE, optional
        Network from which trials start, for regimes with two losses.
    data : LightningDataModule, optional
        As in :func:`train_cess_vae`.
    progress : callable, optional
        Called after each trial with the number of trials done, the total and the best value.

    Returns
    -------
    CESSConfig
        The config with ``learning_rate`` and the other swept fields changed.

    Raises
    ------
    ValueError
        If trials or epochs are not positive, the folder holds the regime's study of other choices, or no trial gave a finite value.
    """
    for name, value in (("trials", trials), ("epochs", epochs)):
        if not value > 0:
            raise ValueError(f"{name} must be above 0, got {value}")
    study = _study(config, Path(folder))
    _claim(study, config, epochs)
    module = data if data is not None else make_data(config)
    while (done := len(study.get_trials(deepcopy=False, states=DONE))) < trials:
        running = len(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)))
        if done + running >= trials:  # the last trials are running in other processes, or were killed
            optuna.storages.fail_stale_trials(study)
            time.sleep(1.0)
            continue
        study.optimize(lambda trial: _value(trial, config, epochs, start, module), n_trials=1, catch=())
        if progress is not None:
            progress(len(study.get_trials(deepcopy=False, states=DONE)), trials, _best(study))
    if not torch.isfinite(torch.tensor(_best(study))):
        raise ValueError(f"no trial of {config.regime} gave a finite value; try a smaller learning rate")
    return config.changed(**_fields(study.best_params))


def _study(config: CESSConfig, folder: Path) -> optuna.Study:
    """Return the regime's study of a folder; create it if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seconds in (0.2, 0.5, 1.0, 2.0):
        try:
            return _opened(config, folder)
        except SQLAlchemyError:  # if several processes start at once, all but one fail to create the tables
            time.sleep(seconds)
    return _opened(config, folder)


def _opened(config: CESSConfig, folder: Path) -> optuna.Study:
    """Open a study."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats, since optuna 2.9
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{folder / 'sweep.sqlite'}",
            engine_kwargs={"connect_args": {"timeout": 60}},
            heartbeat_interval=HEARTBEAT,
            grace_period=3 * HEARTBEAT,
            heartbeat_stale_trial_callback=lambda study, trial: study.enqueue_trial(trial.params),  # repeats a trial that was killed
        )
    return optuna.create_study(
        storage=storage, sampler=ByNumber(config.seed), study_name=config.regime, direction="minimize", load_if_exists=True
    )


def _claim(study: optuna.Study, config: CESSConfig, epochs: float) -> None:
    """Record the choices of a study in it; refuse a study of other choices."""
    found = {
        "learning_rate",
        "start_learning_rate",
        "epochs",
        "second_epochs",
        "restart_every",
        *REGIMES[config.regime].swept,
        *config.OF_THE_MACHINE,
    }
    found |= {"depth", "width"} if config.sweep_network else set()
    about = {name: value for name, value in asdict(without_others(config)).items() if name not in found} | {"trial_epochs": epochs}
    about = json.loads(json.dumps(about))
    held = study.user_attrs.get("about", about)
    if held != about:
        other = "; ".join(f"{name} {held.get(name)} there, {value} here" for name, value in about.items() if held.get(name) != value)
        raise ValueError(f"folder holds a sweep of {config.regime} with other choices ({other}); give another folder")
    study.set_user_attr("about", about)


class ByNumber(optuna.samplers.BaseSampler):
    """A tree-structured Parzen estimator whose choice depends on the seed, the number of the trial and the previous trials.

    So it is the same after a kill, and differs between processes.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def _for(self, trial: Any, name: str = "") -> optuna.samplers.TPESampler:
        seed = mixed(self.seed, trial.number, *name.encode()) % (1 << 32)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        """Return the space that is searched jointly."""
        return self._for(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        """Return values for the joint space."""
        return self._for(trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        """Return one value, for the first trials."""
        return self._for(trial, param_name).sample_independent(study, trial, param_name, param_distribution)


def _best(study: optuna.Study) -> float:
    """Return the smallest value so far."""
    return min((trial.value for trial in study.get_trials(deepcopy=False, states=DONE) if trial.value is not None), default=float("inf"))


def _fields(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a trial as fields of a config."""
    return {name: (value,) if name == "width" else value for name, value in found.items()}


def _value(trial: optuna.Trial, config: CESSConfig, epochs: float, start: CESSVAE | None, data: Any) -> float:
    """Run a short training and return the value of the judging measure."""
    names = ("learning_rate", *REGIMES[config.regime].swept)
    found: dict[str, Any] = {name: trial.suggest_float(name, *RANGES[name], log=True) for name in names}
    if config.sweep_network and start is None:
        found |= _fields({name: trial.suggest_categorical(name, choices) for name, choices in (("depth", DEPTHS), ("width", WIDTHS))})
    whole = max(round(epochs), 1)
    short = config.second_half.changed(epochs=whole, restart_every=whole, devices=1, **found)
    seed_everything(config.seed)
    task = make_task(short, REGIMES[config.regime].finish, start)
    with tempfile.TemporaryDirectory() as nothing:
        none: dict[str, Any] = dict(progress=False, logger=False, callbacks=[], enable_checkpointing=False)
        share: dict[str, Any] = {} if epochs >= 1 else {"limit_train_batches": float(epochs)}
        try:
            with quiet():
                trainer = make_trainer(short, Path(nothing), **none, **share)
                trainer.fit(task, datamodule=data)
        except NotFiniteError as error:
            raise optuna.TrialPruned(str(error)) from None
        if trainer.interrupted:
            raise KeyboardInterrupt
    return float(trainer.callback_metrics["validation_judge"])
