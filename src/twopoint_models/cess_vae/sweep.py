"""A Bayesian search of a regime's hyperparameters, by short runs, in one study that several processes may share."""

import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
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
from .train import make_data, make_task

HEARTBEAT = 5  # seconds between signs of life of a trial; three missed ones, and it counts as killed
STARTUP = 5  # trials at random before the estimator
RANGES: dict[str, tuple[float, float]] = {  # all on a logarithmic scale
    "learning_rate": (3e-4, 5e-3),  # short trials like large ones, at which long runs fail
    "alpha": (1e-3, 10.0),
    "clamp_weight": (1e-4, 1.0),
    "sigma": (0.01, 0.25),
    "sharpness": (1.0, 16.0),
}
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
    """Return the config with the hyperparameters under which short runs of its regime do best on the validation images.

    Each trial trains with the loss of the regime's second half, from ``start`` where it is given, and is judged by the regime's own measure
    (``REGIMES[config.regime].judge``). The study stands in ``sweep.sqlite``: call again to go on after a kill, or call from several
    processes at once to share the trials, each of which has one device. A trial that was killed is made again with the same
    hyperparameters; one whose loss is no finite number counts, as the worst.

    Parameters
    ----------
    config : CESSConfig
        What is not swept. ``REGIMES[config.regime].swept`` and the learning rate are.
    folder : str or path
        Of the study; the regime names it.
    trials : int
        Number of trials that end, those of all processes and calls together.
    epochs : float
        Of each trial; below 1, a share of one.
    start : nets.CESSVAE, optional
        Where trials begin, for regimes that go on from another loss.
    data : LightningDataModule, optional
        As in :func:`train_cess_vae`.
    progress : callable, optional
        Called with trials done, trials wanted and the best value after each.

    Returns
    -------
    CESSConfig
        With ``learning_rate`` and what else was swept changed; ``epochs`` is as it was.

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
        if done + running >= trials:  # others are at the last ones, or were killed at them
            optuna.storages.fail_stale_trials(study)
            time.sleep(1.0)
            continue
        study.optimize(lambda trial: _value(trial, config, epochs, start, module), n_trials=1, catch=())
        if progress is not None:
            progress(len(study.get_trials(deepcopy=False, states=DONE)), trials, _best(study))
    if not torch.isfinite(torch.tensor(_best(study))):
        raise ValueError(f"no trial of {config.regime} gave a finite value; try a smaller learning rate")
    return config.changed(**study.best_params)


def _study(config: CESSConfig, folder: Path) -> optuna.Study:
    """Return the regime's study of a folder, made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for seconds in (0.2, 0.5, 1.0, 2.0):
        try:
            return _opened(config, folder)
        except SQLAlchemyError:  # several processes that begin at once make the same tables, and all but one fail
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
            heartbeat_stale_trial_callback=lambda study, trial: study.enqueue_trial(trial.params),  # one that was killed is made again
        )
    return optuna.create_study(
        storage=storage, sampler=ByNumber(config.seed), study_name=config.regime, direction="minimize", load_if_exists=True
    )


def _claim(study: optuna.Study, config: CESSConfig, epochs: float) -> None:
    """Write into a study what its trials are trials of; refuse one of something else."""
    found = {"learning_rate", "start_learning_rate", "epochs", "restart_every", *REGIMES[config.regime].swept, *config.OF_THE_MACHINE}
    about = {name: value for name, value in asdict(without_others(config)).items() if name not in found} | {"trial_epochs": epochs}
    about = json.loads(json.dumps(about))
    held = study.user_attrs.get("about", about)
    if held != about:
        other = "; ".join(f"{name} {held.get(name)} there, {value} here" for name, value in about.items() if held.get(name) != value)
        raise ValueError(f"folder holds a sweep of {config.regime} with other choices ({other}); give another folder")
    study.set_user_attr("about", about)


class ByNumber(optuna.samplers.BaseSampler):
    """A tree-structured Parzen estimator whose choice hangs on seed, number of the trial, and trials before.

    So it is the same after a kill, and another in each process.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def _for(self, trial: Any, name: str = "") -> optuna.samplers.TPESampler:
        seed = mixed(self.seed, trial.number, *name.encode()) % (1 << 32)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        """Return what is searched together."""
        return self._for(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        """Return values for all of it."""
        return self._for(trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        """Return one value: those of the first trials."""
        return self._for(trial, param_name).sample_independent(study, trial, param_name, param_distribution)


def _best(study: optuna.Study) -> float:
    """Return the smallest value so far."""
    return min((trial.value for trial in study.get_trials(deepcopy=False, states=DONE) if trial.value is not None), default=float("inf"))


def _value(trial: optuna.Trial, config: CESSConfig, epochs: float, start: CESSVAE | None, data: Any) -> float:
    """Train a little, and return the judge's value."""
    names = ("learning_rate", *REGIMES[config.regime].swept)
    found = {name: trial.suggest_float(name, *RANGES[name], log=True) for name in names}
    whole = max(round(epochs), 1)
    short = config.changed(epochs=whole, restart_every=whole, devices=1, **found)
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
