"""Choices of a run as plain values in a frozen dataclass, to and from JSON and the command line."""

import argparse
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

FILE = "training.json"


def option(default: Any, text: str, **more: Any) -> Any:
    """Return a field with its line of help."""
    return field(default=default, metadata={"help": text, **more})


@dataclass(frozen=True)
class Choices:
    """Base class of the configs of all networks. Each field is created by :func:`option` and holds a plain value of its default's type."""

    POSITIVE: ClassVar[tuple[str, ...]] = ()  # must be above 0
    OF_THE_MACHINE: ClassVar[tuple[str, ...]] = ()  # may differ when a run is resumed
    OPTIONAL_FILES: ClassVar[tuple[str, ...]] = ()  # of these, those whose presence makes a run a different one

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each, getattr(self, each.name), self.POSITIVE)

    @classmethod
    def help(cls) -> dict[str, str]:
        """Return each field's line of help."""
        return {each.name: each.metadata["help"] for each in fields(cls)}

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser, omit: Collection[str] = (), **defaults: Any) -> None:
        """Add an option to a parser for each field: ``--learning-rate`` for learning_rate.

        Parameters
        ----------
        parser : argparse.ArgumentParser
            Changed in place.
        omit : collection of str
            Fields that get no option.
        **defaults
            Defaults that replace those of the fields.
        """
        for each in (each for each in fields(cls) if each.name not in omit):
            more = {key: value for key, value in each.metadata.items() if key != "help"}
            default = defaults.get(each.name, each.default)
            text = f"{each.metadata['help']} (default: {' '.join(map(str, default)) if isinstance(default, tuple) else default})"
            if isinstance(each.default, bool):
                more["action"] = argparse.BooleanOptionalAction
            else:
                more["type"] = type(each.default[0]) if each.default and isinstance(each.default, tuple) else _scalar(each)
            parser.add_argument(f"--{each.name.replace('_', '-')}", default=default, help=text.replace("%", "%%"), **more)

    @classmethod
    def from_arguments(cls, options: Mapping[str, Any], **changes: Any) -> Self:
        """Return the config of parsed options, ``vars(parser.parse_args())``; other options are ignored."""
        names = {each.name for each in fields(cls)}
        found = {name: _tupled(value) for name, value in options.items() if name in names}
        return cls(**(found | changes))

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write ``training.json`` into a folder."""
        part = Path(folder) / f"{FILE}.part"
        part.write_text(json.dumps(asdict(self), indent=2) + "\n")
        part.replace(Path(folder) / FILE)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Self:
        """Return the config in ``training.json`` of a folder.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If :meth:`write` did not write it.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            raise FileNotFoundError(f"folder must hold {FILE}, there is no {path}")
        try:
            found: dict[str, Any] = json.loads(path.read_text())
            return cls(**{name: _tupled(value) for name, value in found.items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not what a run wrote: {error}") from None

    def claim(self, folder: str | os.PathLike[str]) -> None:
        """Write the config into a folder, which is created if needed. Raises ValueError if it holds another run."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        if not (Path(folder) / FILE).is_file():
            return self.write(folder)
        held = self.read(folder)
        for name in self.help():
            ours, theirs = getattr(self, name), getattr(held, name)
            if not self._alike(name, ours, theirs):
                raise ValueError(f"folder {folder} holds a run with {name} {theirs!r}, not {ours!r}; give another folder")

    def _alike(self, name: str, ours: Any, theirs: Any) -> bool:
        """Tell whether a run with one value can be resumed with the other. A file may move, but must not appear or disappear."""
        if name not in self.OF_THE_MACHINE:
            return bool(ours == theirs)
        if name in self.OPTIONAL_FILES:
            return bool(ours) == bool(theirs)
        return (ours == "random") == (theirs == "random")

    def changed(self, **changes: Any) -> Self:
        """Return a copy of the config with some fields changed."""
        return replace(self, **changes)


def _tupled(value: Any) -> Any:
    """Return a tuple for a list."""
    return tuple(value) if isinstance(value, list) else value


def _scalar(each: "Field[Any]") -> type:
    """Return the type of a field's values, or of the entries of a tuple."""
    return str if each.default in ((), MISSING) else type(each.default)


def _check(each: "Field[Any]", value: Any, positive: tuple[str, ...]) -> None:
    """Refuse a value that a field cannot hold."""
    name = each.name
    like: Any = each.default
    kind: Any = (int, float) if isinstance(like, float) else type(like)
    if not isinstance(value, kind) or (isinstance(value, bool) and not isinstance(like, bool)):
        raise TypeError(f"{name} must be {type(like).__name__}, got {value!r}")
    if (choices := each.metadata.get("choices")) and value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    if isinstance(value, (int, float)) and not value >= 0:
        raise ValueError(f"{name} must not be negative, got {value!r}")
    if name in positive and not value:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    if isinstance(like, tuple):
        kind = type(like[0]) if like else str
        if not all(isinstance(entry, (int, float) if kind is float else kind) for entry in value):
            raise TypeError(f"{name} must hold {kind.__name__}, got {value!r}")


@dataclass(frozen=True)
class Training(Choices):
    """Epochs, optimiser and order of a training."""

    epochs: int = option(30, "passes over the training images")
    batch_size: int = option(32, "images per step on each device")
    learning_rate: float = option(1e-3, "learning rate of RAdam at the start of each cosine")
    restart_every: int = option(10, "epochs of one cosine of the learning rate")
    kl_weight: float = option(1e-6, "weight of the Kullback-Leibler divergence, in nats per image")
    kl_warm_up: int = option(0, "epochs until kl_weight has its full value; it grows in equal steps from epoch to epoch")
    gradient_clip: float = option(0.1, "largest norm of a step's gradient; 0 is no limit")
    seed: int = option(0, "seed of weights, order and latent noise")

    POSITIVE: ClassVar[tuple[str, ...]] = ("epochs", "batch_size", "learning_rate", "restart_every")


@dataclass(frozen=True)
class Options(Training):
    """Choices that all runs by Lightning share: the optimiser, the order, and the machine."""

    vgg: str = option(
        "", "file of VGG-19's weights for the style loss, or 'random' for random filters; by default the file is fetched once"
    )
    precision: str = option(
        "32-true", "Lightning's precision: 32-true, bf16-mixed or 16-mixed; or fast: bfloat16 if the machine supports it"
    )
    accelerator: str = option("auto", "Lightning's accelerator: auto, cpu or gpu")
    devices: int = option(1, "GPUs, or processes on the CPU, that share each step")
    workers: int = option(0, "processes that read images, for each device")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Training.POSITIVE, "devices")
    OF_THE_MACHINE: ClassVar[tuple[str, ...]] = ("accelerator", "devices", "workers", "data", "vgg", "encoder", "start")
    OPTIONAL_FILES: ClassVar[tuple[str, ...]] = ("encoder", "start")
