"""Train the texture VAE on patches of micrographs: twelve generated castings, or your own.

    python examples/train_texture_vae.py [--out textures] [--latents 64 ...] [--images FILE ...] [--vgg FILE] [--small] [--seed 0] ...

`--help` lists every choice. Each micrograph's left three quarters are trained on, the next eighth validates, the last eighth is kept for
`examples/evaluate_texture_vae.py --runs DIR`. DIR/latents-64 gets the network (`TextureVAE.load`), its config, logs, pictures of each epoch
and checkpoints, for each number of latents; a second call resumes a run that was killed. DIR/micrographs gets the micrographs and, of
generated ones, what they were made by. `--small` is the form for two cores. Prints, and writes to DIR/summary.json, how long it took.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from twopoint.cli.reading.image import read
from twopoint.cli.terminal import counting
from twopoint_models.checks import NotFiniteError
from twopoint_models.data import keep_castings, keep_images, read_micrographs
from twopoint_models.data.modules import PatchesModule
from twopoint_models.texture_vae import TextureConfig, train_texture_vae
from twopoint_models.texture_vae.config import PRESETS


def train(options: argparse.Namespace) -> dict:
    """Keep the micrographs, train, and return how long each network took."""
    summary = {}
    folder = options.out / "micrographs"
    if options.images:
        keep_images(folder, options.images, lambda path: read(path).values)
    else:
        with counting("castings", "") as progress:
            keep_castings(folder, options.castings, seed=options.seed, progress=progress)
    parts = read_micrographs(folder).windows(options.size, options.stride)
    for latents in options.latents:
        config, began = TextureConfig.from_arguments(vars(options), latents=latents), time.perf_counter()
        data = PatchesModule(parts, white=255, batch_size=config.batch_size, workers=config.workers, seed=config.seed)
        train_texture_vae(config, options.out / f"latents-{latents}", data)
        summary[str(latents)] = {"seconds": time.perf_counter() - began, "patches": len(parts["train"])}
        print(f"{latents} latents: {options.out / f'latents-{latents}'}, {summary[str(latents)]['seconds']:.0f} s")
    return summary


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("textures"))
    parser.add_argument("--images", nargs="+", help="your own micrographs")
    parser.add_argument("--castings", type=int, nargs=2, default=(1536, 2048), help="height and width of the generated ones")
    parser.add_argument("--stride", type=int, default=80 if "--small" in sys.argv else 50, help="pixels from patch to patch")
    parser.add_argument("--small", action="store_true", help="the form for two cores")
    parser.add_argument("--latents", type=int, nargs="+", default=[64], help="numbers that describe a patch; a network for each")
    TextureConfig.add_arguments(parser, omit=["latents"], **PRESETS["small" if "--small" in sys.argv else "paper"])
    options = parser.parse_args()
    try:
        summary = train(options)
    except (OSError, TypeError, ValueError, NotFiniteError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
