"""Names, kinds and version of the files in which a network is saved; without torch, for those that read them without it."""

import json
from pathlib import Path
from typing import Any

WEIGHTS, OPTIONS = "model.safetensors", "model.json"
VERSION = 1  # of the two files together; files of before it was written are of version 1 too

SARDESHMUKH = ("conv1_1", "pool_1", "pool_2", "pool_3", "pool_4")  # layers of VGG-19 for the style loss
LUBBERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


def options_text(network: str, options: dict[str, Any]) -> str:
    """Return the text of ``model.json``."""
    return json.dumps({"network": network, "version": VERSION, "options": options}, indent=2) + "\n"


def read_options(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the class of a saved network and the arguments of its constructor.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If ``model.json`` is not what ``save`` wrote, or is of another version.
    """
    for file in (WEIGHTS, OPTIONS):
        if not (folder / file).is_file():
            raise FileNotFoundError(f"folder must hold {WEIGHTS} and {OPTIONS}, there is no {folder / file}")
    path = folder / OPTIONS
    try:
        told = json.loads(path.read_text())
        name, options, version = str(told["network"]), dict(told.get("options", {})), told.get("version", VERSION)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not what save wrote: {error}") from None
    if version != VERSION:
        raise ValueError(f"{path} is of version {version!r} of a {name}'s files, this twopoint reads version {VERSION}")
    return name, options
