"""Networks by name: those that come with the package, or a folder of the user's."""

import hashlib
import json
import os
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ..nets.names import OPTIONS, WEIGHTS, read_options
from ..training.choices import FILE

HERE = Path(__file__).parent
HASHES, CARD = "hashes.json", "card.md"
PREDICTOR = "predictor.json"  # in the folder of a predictor of images
CLASSES = {  # the package of each class of networks
    "CESSVAE": "cess_vae",
    "PropertyMLP": "design",
    "ResNetVAE": "statistics_vae",
    "TextureVAE": "texture_vae",
}


def names() -> list[str]:
    """Return the names of the networks that come with the package.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> from twopoint_models.pretrained import names
    >>> "cess-vae-224-mse" in names()
    True
    """
    return sorted(name for name in _hashes() if "/" not in name)


def card(name: str) -> str:
    """Return the model card of a network: data, training, figures beside trivial ones, licence.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    ValueError
        If there is no network of this name.

    Examples
    --------
    >>> from twopoint_models.pretrained import card, names
    >>> all(card(name).startswith("# ") for name in names())
    True
    """
    if name not in (known := names()):
        raise ValueError(f"name must be one of {', '.join(known)}, got {name!r}")
    return (HERE / name / CARD).read_text(encoding="utf-8")


def load(name: str | os.PathLike[str], *, library: str = "torch", vgg: str = "") -> Any:
    """Return a trained network, ready for images.

    A VAE has ``encode``, from images to the mean and log-variance of latents; ``decode``; ``reconstruct``, both one after the other; and
    ``sample``, images of latents drawn from the prior. They take numpy arrays (..., H, W) without gradients, and tensors (B, 1, H, W) with
    them, and without gradients also what :func:`twopoint_models.open_images` takes or returns: files, folders, MICRO2D's files, datasets of
    torch. A CESS VAE takes phases of any size divisible by 16, and others with ``pad=True``, which continues them periodically. Texture
    VAEs and statistics VAEs take gray values of one size, ``network.size``. A predictor has ``predict``.

    Parameters
    ----------
    name : str or path
        One of :func:`names`, or a folder with ``model.safetensors`` and ``model.json``, such as a run's. A name comes before a folder.
    library : "torch" or "jax"
        Library of the network. jax has those of :class:`twopoint_models.cess_vae.CESSVAE` without noise in the decoder, for arrays alone.
    vgg : str
        For a texture VAE: file of VGG-19's weights, or "random". By default the file in the cache, which is fetched once (80 MB) when the
        first image is encoded.

    Returns
    -------
    network
        Of the class that ``model.json`` names, on the CPU in evaluation mode. The weights are float32; they were kept in half precision.

    Raises
    ------
    FileNotFoundError
        If a folder lacks a file.
    ValueError
        If there is neither a network nor a folder of this name, the library is another or has no network of this class, or a file is
        truncated, of another version, or has another hash than that of the package.

    Examples
    --------
    >>> import twopoint_models
    >>> twopoint_models.load("cess-vae-224-mse", library="numpy")
    Traceback (most recent call last):
    ValueError: library must be 'torch' or 'jax', got 'numpy'
    """
    if library not in ("torch", "jax"):
        raise ValueError(f"library must be 'torch' or 'jax', got {library!r}")
    folder = folder_of(name)
    kind = kind_of(name)
    for part, held in _hashes().items():  # a predictor has two files of weights
        if part.partition("/")[0] == str(name) and hashlib.sha256((HERE / part / WEIGHTS).read_bytes()).hexdigest() != held:
            raise ValueError(
                f"the weights of {name} are not those that the package was built with: {HERE / part / WEIGHTS} has another sha256"
            )
    place = CLASSES.get(kind)
    if place is None or (library == "jax" and kind != "CESSVAE"):
        raise ValueError(f"{folder / OPTIONS} is of a {kind}, which {library} has not; known are {', '.join(CLASSES)}")
    package = import_module(f"..{place}" + (".on_jax" if library == "jax" else ""), __package__)
    if kind == "PropertyMLP" and (folder / PREDICTOR).is_file():
        return package.ImagePredictor.load(folder)
    network = getattr(package, kind).load(folder)
    return network.seeing(partial(_encoding_vgg, folder, vgg)) if kind == "TextureVAE" else network


def _encoding_vgg(folder: Path, vgg: str) -> Any:
    """Return the network whose features a texture VAE encodes, with the pooling of its training."""
    from ..weights import vgg19

    told = json.loads((folder / FILE).read_text()) if (folder / FILE).is_file() else {}
    return vgg19(vgg or ("random" if told.get("vgg") == "random" else None), layers=("pool_5",), pooling=told.get("pooling", "max"))


def kind_of(name: str | os.PathLike[str]) -> str:
    """Return the class of a network, which its file names, without loading it; raises as :func:`load`."""
    return read_options(folder_of(name))[0]


def _hashes() -> dict[str, str]:
    """Return the hash of each file of weights, by its folder: a network's name, or a part's, such as "properties-224/encoder"."""
    found: dict[str, str] = json.loads((HERE / HASHES).read_text())
    return found


def folder_of(name: str | os.PathLike[str]) -> Path:
    """Return the folder of a network."""
    if str(name) in names():
        return HERE / str(name)
    if not Path(name).is_dir():
        raise ValueError(f"name must be a folder or one of {', '.join(names())}, got {str(name)!r}")
    return Path(name)
