"""Networks in files: weights as safetensors, options as JSON. No file is unpickled, so a malicious file cannot run code."""

import os
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .names import OPTIONS, WEIGHTS, options_text, read_options


class Network(nn.Module):
    """Base class of networks that are saved in a folder; ``config`` holds the arguments of the constructor as JSON values."""

    config: dict[str, Any]

    def save(self, folder: str | os.PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Write ``model.safetensors`` and ``model.json``, the options, into a folder, which is created if needed.

        By default weights keep their dtype. :meth:`load` returns float32 for any; float16 takes half the place.
        """
        folder, name = Path(folder), type(self).__name__
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {key: tensor.detach().to("cpu", dtype).contiguous() for key, tensor in self.state_dict().items()}
        save_file(tensors, folder / f"{WEIGHTS}.part", metadata={"network": name})
        (folder / f"{OPTIONS}.part").write_text(options_text(name, self.config))
        for file in (OPTIONS, WEIGHTS):  # weights come last: they mark a finished run
            (folder / f"{file}.part").replace(folder / file)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Return the network that :meth:`save` wrote.

        Parameters
        ----------
        folder : str or path
            Folder of ``model.safetensors`` and ``model.json``.

        Returns
        -------
        Network
            A network of this class on the CPU, in evaluation mode.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a file is truncated, of another network or version, or does not match the options in ``model.json``.
        """
        folder = Path(folder)
        name, options = read_options(folder)
        if name != cls.__name__:
            raise ValueError(f"{folder / OPTIONS} is of a {name}, not of a {cls.__name__}")
        try:
            network = cls(**options)
        except TypeError as error:
            raise ValueError(f"{folder / OPTIONS} holds other options than a {name} takes: {error}") from None
        load_weights(network, read_tensors(folder / WEIGHTS), str(folder / WEIGHTS))
        return network.eval()


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, or of a file of torch that holds only tensors (``weights_only``)."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise ValueError(f"{path} is cut short, or no file of weights: {error}") from None
    except Exception as error:  # noqa: BLE001 - pickle.UnpicklingError and other errors that torch raises for a file that it refuses
        raise ValueError(f"{path} is not a file of tensors alone, which is all that is read: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(each, Tensor) for each in found.values()):
        raise ValueError(f"{path} must hold a state dict, tensors by name, got {type(found).__name__}")
    return found


def load_weights(network: nn.Module, tensors: dict[str, Tensor], source: str) -> None:
    """Load tensors into a network; refuse those of another network and name the first that does not fit."""
    expected = network.state_dict()
    for name, tensor in expected.items():
        if name not in tensors:
            raise ValueError(f"{source} is of another network: it has no {name}")
        if tensors[name].shape != tensor.shape:
            raise ValueError(f"{source} is of another network: {name} is {tuple(tensors[name].shape)}, expected {tuple(tensor.shape)}")
    if extra := sorted(tensors.keys() - expected.keys()):
        raise ValueError(f"{source} is of another network: it has {extra[0]}, which this one has not")
    network.load_state_dict(tensors)
