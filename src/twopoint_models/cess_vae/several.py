"""Several regimes at a time: sweeps and runs in processes of their own, and before them the first halves that they share."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import torch

from ..checks import positive
from ..processes import spread
from .config import CESSConfig, first_half
from .regimes import REGIMES
from .sweep import sweep_regime
from .train import begin, train_cess_vae

Data: TypeAlias = Callable[[CESSConfig], Any] | None
ORDER = ("style", "mse_cess", "sharp", "crop_finetuned", "cess_finetuned", "mse", "cess_clamp")  # longest first, the control last


def train_regimes(
    configs: Mapping[str, CESSConfig],
    folder: str | os.PathLike[str],
    *,
    data: Data = None,
    processes: int = 1,
    progress: Callable[[int, int, float], None] | None = None,
) -> None:
    """Train regimes, each in the folder of its name; what is done is not done again.

    Parameters
    ----------
    configs : dict of str to CESSConfig
        By regime.
    folder : str or path
        Gets a folder for each, and ``start/<loss>``, the first halves.
    data : callable, optional
        Makes a LightningDataModule of a config; of a module's top level where there are several processes.
    processes : int
        Regimes at a time, each on one core; with 1 one after the other on all, with bars.
    progress : callable, optional
        Called with regimes done, regimes wanted and 0, where there are several processes.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError, NotFiniteError
        As :func:`train_cess_vae`; if processes are not 1 or more.
    """
    if processes > 1:
        for config in _shared(configs).values():
            begin(config, folder, data and data(config))
    _over(partial(_train, processes == 1), configs, folder, data, processes, progress)


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
    """Sweep regimes, as many trials for each, and return configs with what was found.

    A regime that goes on from another loss takes the learning rate that was best for that one in its first half, which is trained before,
    and its trials begin there.

    Parameters
    ----------
    configs : dict of str to CESSConfig
        By regime.
    folder : str or path
        Gets ``sweep.sqlite``, and ``start/<loss>``, the first halves.
    trials : int
        Of each regime.
    epochs : float
        Of each trial; below 1, a share of one.
    data, processes
        As for :func:`train_regimes`.
    progress : callable, optional
        As there; with one process, of the trials of each regime as :func:`sweep_regime` calls it.

    Returns
    -------
    dict of str to CESSConfig
        By regime.

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
    """Do work for each regime, the longest first where there are several processes."""
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
    """Return one config for each loss from which another goes on."""
    return {
        REGIMES[name].start: each for name, each in configs.items() if REGIMES[name].start != REGIMES[name].finish and each.start_epochs
    }


def _train(bars: bool, folder: Any, data: Data, config: CESSConfig) -> None:
    """Train one regime."""
    train_cess_vae(config, Path(folder) / config.regime, data and data(config), progress=bars)


def _sweep(trials: int, epochs: float, progress: Any, folder: Any, data: Data, config: CESSConfig) -> CESSConfig:
    """Sweep one regime, from its first half where it has one of another loss."""
    start = None
    if _shared({config.regime: config}):
        config, start = _begun(trials, epochs, config, folder, data)
    return sweep_regime(config, folder, trials=trials, epochs=epochs, start=start, data=data and data(config), progress=progress)


def _begun(trials: int, epochs: float, config: CESSConfig, folder: Any, data: Data) -> tuple[CESSConfig, Any]:
    """Return a config with the swept rate of its first half, and that half."""
    rate = sweep_regime(first_half(config), folder, trials=trials, epochs=epochs, data=data and data(config)).learning_rate
    config = config.changed(start_learning_rate=rate)
    return config, begin(config, folder, data and data(config))


def _one_thread() -> None:
    """Set up a process that has one core."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # a network that fades is ten times slower without
