"""What a run is: plain values in a frozen dataclass, to and from JSON and the command line."""

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .regimes import REGIMES

FILE = "training.json"


def _option(default: Any, text: str, **more: Any) -> Any:
    """Return a field with its line of help."""
    return field(default=default, metadata={"help": text, **more})


@dataclass(frozen=True)
class Config:
    """Every choice of a run, of the data, the network, the loss and the training.

    Values are plain, so that the file ``training.json`` beside a result says how it came about. Fields and their meaning stand in
    ``Config.help()``; the command line of ``examples/train_cess_vae.py`` is made of them.

    Raises
    ------
    TypeError, ValueError
        If a value means nothing.

    Examples
    --------
    >>> from twopoint_models.training import Config
    >>> Config(data="generated.h5", regime="cess_finetuned", epochs=30).finish_epochs
    15
    """

    data: str = _option("", "file in MICRO2D's layout")
    regime: str = _option(
        "sharp", "way of training: " + "; ".join(f"{name} ({regime.about})" for name, regime in REGIMES.items()), choices=tuple(REGIMES)
    )
    size: int = _option(224, "images are resized to so many pixels, divisible by 16")
    classes: tuple[str, ...] = _option((), "classes to take, by default all", nargs="*")
    fractions: tuple[float, ...] = _option((0.8, 0.1, 0.1), "shares of train, validation and test in each class", nargs=3)
    together: bool = _option(False, "images of all classes at one index come into one part")
    width: tuple[int, ...] = _option((64,), "channels at all resolutions, or at each of five", nargs="+")
    depth: int = _option(1, "skip-connected convolutions at each resolution")
    latent_channels: int = _option(1, "channels of the latent image")
    phases: int = _option(2, "phases of the images")
    padding: str = _option("zeros", "beyond the edges: zeros, or circular for periodic images", choices=("zeros", "circular"))
    epochs: int = _option(30, "passes over the training images, both halves of a regime together")
    batch_size: int = _option(32, "images of a step, on each device")
    learning_rate: float = _option(1e-3, "of RAdam, at the start of each cosine")
    start_learning_rate: float = _option(0.0, "of a regime's first half; 0 is that of the second")
    restart_every: int = _option(10, "epochs of one cosine of the learning rate")
    kl_weight: float = _option(1e-6, "weight of the Kullback-Leibler divergence, in nats an image")
    alpha: float = _option(1.0, "weight of the MSE beside CESS, eq. (10)")
    clamp_weight: float = _option(0.01, "weight of the clamp, a pixel, eq. (9)")
    sigma: float = _option(0.05, "variance of the clamp's Gaussians, eq. (9)")
    sharpness: float = _option(4.0, "factor on the shifted logits in the sharp regime")
    short_weight: float = _option(0.1, "weight of the centre crops beside all lags in the sharp regime")
    gradient_clip: float = _option(0.1, "largest norm of a step's gradient; 0 is no limit")
    vgg: str = _option("", "file of VGG-19's weights for the style loss; 'random' for random filters; by default fetched once")
    style_layers: tuple[str, ...] = _option(("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"), "layers of the style loss", nargs="+")
    seed: int = _option(0, "of weights, order and latent noise")
    precision: str = _option("32-true", "of Lightning: 32-true, bf16-mixed, 16-mixed")
    accelerator: str = _option("auto", "of Lightning: auto, cpu, gpu")
    devices: int = _option(1, "GPUs, or processes on the CPU, that share each step")
    workers: int = _option(0, "processes that read images, for each device")

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each, getattr(self, each.name))
        if self.size % 16:
            raise ValueError(f"size must be divisible by 16, got {self.size}")
        if self.regime == "sharp" and self.phases > 2:
            raise ValueError(f"regime 'sharp' is for two phases, got phases {self.phases}")
        if len(self.width) not in (1, 5):
            raise ValueError(f"width must be one number of channels, or five, one a resolution, got {self.width}")

    @property
    def start_epochs(self) -> int:
        """Epochs of the first half."""
        return self.epochs - self.finish_epochs

    @property
    def finish_epochs(self) -> int:
        """Epochs of the second half."""
        return self.epochs // 2

    @classmethod
    def help(cls) -> dict[str, str]:
        """Return each field's line of help."""
        return {each.name: each.metadata["help"] for each in fields(cls)}

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser, **defaults: Any) -> None:
        """Give a parser an option for each field: ``--learning-rate`` for learning_rate.

        Parameters
        ----------
        parser : argparse.ArgumentParser
            Changed in place.
        **defaults
            In place of the fields' own.
        """
        for each in fields(cls):
            more = {key: value for key, value in each.metadata.items() if key != "help"}
            default = defaults.get(each.name, each.default)
            text = f"{each.metadata['help']} (default: {' '.join(map(str, default)) if isinstance(default, tuple) else default})"
            if isinstance(each.default, bool):
                more["action"] = argparse.BooleanOptionalAction
            else:
                more["type"] = type(each.default[0]) if each.default and isinstance(each.default, tuple) else _scalar(each)
            parser.add_argument(f"--{each.name.replace('_', '-')}", default=default, help=text.replace("%", "%%"), **more)

    @classmethod
    def from_arguments(cls, options: Mapping[str, Any], **changes: Any) -> "Config":
        """Return the config of parsed options, ``vars(parser.parse_args())``; others among them are passed over."""
        names = {each.name for each in fields(cls)}
        found = {name: _tupled(value) for name, value in options.items() if name in names}
        return cls(**(found | changes))

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write ``training.json`` into a folder."""
        (Path(folder) / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> "Config":
        """Return what ``training.json`` of a folder holds.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If it is not what :meth:`write` wrote.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            raise FileNotFoundError(f"folder must hold {FILE}, there is no {path}")
        try:
            found: dict[str, Any] = json.loads(path.read_text())
            return cls(**{name: _tupled(value) for name, value in found.items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not what a run wrote: {error}") from None

    def changed(self, **changes: Any) -> "Config":
        """Return another config in which some fields differ."""
        return replace(self, **changes)


POSITIVE = ("size", "depth", "latent_channels", "epochs", "batch_size", "restart_every", "devices", "learning_rate", "sigma", "sharpness")


def _tupled(value: Any) -> Any:
    """Return a tuple for a list."""
    return tuple(value) if isinstance(value, list) else value


def _scalar(each: "Field[Any]") -> type:
    """Return the type of a field's values; that of an entry for a tuple."""
    return str if each.default in ((), MISSING) else type(each.default)


def _check(each: "Field[Any]", value: Any) -> None:
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
    if name in POSITIVE and not value:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    if isinstance(like, tuple):
        kind = type(like[0]) if like else str
        if not all(isinstance(entry, (int, float) if kind is float else kind) for entry in value):
            raise TypeError(f"{name} must hold {kind.__name__}, got {value!r}")
