"""The commands of ``twopoint model``, under their names."""

from collections.abc import Callable

import typer

from . import designs, latents, listing, properties, reconstructions, textures, training
from .options import Several

app = typer.Typer(no_args_is_help=True, help="Models: latents, reconstructions, properties and designs of your own images.")
COMMANDS: dict[str, Callable[..., None]] = {
    "list": listing.list_models,
    "encode": latents.encode,
    "decode": latents.decode,
    "sample": latents.sample,
    "interpolate": latents.interpolate,
    "reconstruct": reconstructions.reconstruct,
    "evaluate": reconstructions.evaluate,
    "homogenise": properties.homogenise,
    "predict": properties.predict,
    "design": designs.design,
    "embed": textures.embed,
    "synthesise": textures.synthesise,
}
app.add_typer(training.app, name="train")
for _name, _command in COMMANDS.items():
    app.command(_name, cls=Several)(_command)
