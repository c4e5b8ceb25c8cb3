"""Several regimes: sweeps and runs in separate processes, after the first halves that they share."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import torch

from ..checks import positive
from ..processes import spread
from .config import CESSConfig, first_half
from .network import CESSVAE
from .regimes import REGIMES
from .sweep import sweep_regime
from .train import begin, train_cess_vae

Data: TypeAlias = Callable[[CESSConfig], Any] | None
# The longest first, the control last.
ORDER = (
    "style_from_scratch",
    "style",
    "adversarial",
    "mse_cess",
    "sharp",
    "cumulative_finetuned",
    "crop_finetuned",
    "cess_finetuned",
    "mse",
    "cess_clamp",
)


def train_regimes(
    configs: Mapping[str, CESSConfig],
    folder: str | os.PathLike[str],
    *,
    data: Data = None,
    network: CESSVAE | None = None,
    processes: int = 1,
    progress: Callable[[int, int, float], None] | None = None,
) -> None:
    """Train regimes, each in the folder of its name. Finished runs are not repeated.

    Parameters
    ----------
    configs : dict of str to CESSConfig
        Configs by regime.
    folder : str or path
        Folder for one folder for each regime, and for ``start/<loss>``, the first halves.
    data : callable, optional
        Returns a LightningDataModule for a config. With several processes it must be a function of a module.
    network : CESSVAE, optional
        Trained network that all regimes begin with in place of their first halves, as for :func:`train_cess_vae`.
    processes : int
        Number of regimes to train at a time, each on one core. With 1 they run one after the other on all cores, with bars.
    progress : callable, optional
        With several processes, called with the number of regimes done, the total and 0.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError, NotFiniteError
        As :func:`train_cess_vae`; if processes are not 1 or more.
    """
    if processes > 1 and network is None:
        for config in _shared(configs).values():
            begin(config, folder, data and data(config))
    _over(partial(_train, processes == 1, network), configs, folder, data, processes, progress)


def sweep_regimes(
    configs: Mapping[str, CESSConfig],
    folder: str | os.PathLike[str],
    trials: int,
    epochs: float,
    *,
    data: Data = None,
    processes: int = 1,
    progress: Callable[[int, int, float], None] | None = None,
) -> dict[str, CESSConfig]:
    """Sweep regimes with equally many trials and return configs with the best hyperparameters.

    A regime with two losses takes, for its first half, the learning rate that was best for the first loss. That half is trained first, and
    the trials of the regime start from it.

    Parameters
    ----------
    configs : dict of str to CESSConfig
        Configs by regime.
    folder : str or path
        Folder for ``sweep.sqlite``, and for ``start/<loss>``, the first halves.
    trials : int
        Trials of each regime.
    epochs : float
        Epochs of each trial; below 1, the share of an epoch.
    data, processes
        As for :func:`train_regimes`.
    progress : callable, optional
        As for :func:`train_regimes`; with one process, as :func:`sweep_regime` calls it.

    Returns
    -------
    dict of str to CESSConfig
        Configs by regime.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError, NotFiniteError
        As :func:`sweep_regime` and :func:`train_cess_vae`; if processes are not 1 or more.
    """
    work = partial(_sweep, trials, epochs, progress if processes == 1 else None)
    if processes > 1:
        for config in _shared(configs).values():
            _begun(trials, epochs, config, folder, data)
    return _over(work, configs, folder, data, processes, progress)


def _over(work: Any, configs: Mapping[str, CESSConfig], folder: Any, data: Data, processes: int, progress: Any) -> dict[str, Any]:
    """Do work for each regime; with several processes the longest starts first."""
    if positive("processes", processes) == 1:
        return {name: work(folder, data, config) for name, config in configs.items()}
    order, found = sorted(configs, key=ORDER.index), {}
    results = spread(partial(work, folder, data), [configs[name] for name in order], processes, _one_thread, ahead=len(order))
    for name, result in zip(order, results, strict=True):
        found[name] = result
        if progress is not None:
            progress(len(found), len(order), 0.0)
    return {name: found[name] for name in configs}


def _shared(configs: Mapping[str, CESSConfig]) -> dict[str, CESSConfig]:
    """Return one config for each first loss that a regime with two losses starts from."""
    return {
        REGIMES[name].start: each for name, each in configs.items() if REGIMES[name].start != REGIMES[name].finish and each.start_epochs
    }


def _train(bars: bool, network: CESSVAE | None, folder: Any, data: Data, config: CESSConfig) -> None:
    """Train one regime."""
    train_cess_vae(config, Path(folder) / config.regime, data and data(config), network=network, progress=bars)


def _sweep(trials: int, epochs: float, progress: Any, folder: Any, data: Data, config: CESSConfig) -> CESSConfig:
    """Sweep one regime, starting from its first half if that has another loss."""
    start = None
    if _shared({config.regime: config}):
        config, start = _begun(trials, epochs, config, folder, data)
    return sweep_regime(config, folder, trials=trials, epochs=epochs, start=start, data=data and data(config), progress=progress)


def _begun(trials: int, epochs: float, config: CESSConfig, folder: Any, data: Data) -> tuple[CESSConfig, Any]:
    """Return a config with the best rate of its first half, and the network of that half."""
    first = sweep_regime(first_half(config), folder, trials=trials, epochs=epochs, data=data and data(config))
    config = config.changed(start_learning_rate=first.learning_rate, depth=first.depth, width=first.width)
    return config, begin(config, folder, data and data(config))


def _one_thread() -> None:
    """Set up a worker process that uses one core."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # without it a network of very small values is ten times slower
