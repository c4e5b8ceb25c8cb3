"""Properties of whole samples from the mean and covariance of their patches' latents, in the folder of `train_texture_vae.py`.

    python examples/predict_samples.py --runs textures [--latents 64] [--tile 128] [--quantity cast-iron] [--vgg FILE] [--out samples]

A sample is a micrograph, or with `--tile N` each N x N pixels of it. Its properties come by homogenisation: modulus E and conductivity k of
cast iron, or the conductivity of an image of phases at contrast 100. They are predicted from the samples of the other micrographs, by
latents, by VGG-19 features treated alike, by volume fractions alone and by the mean. Writes summary.json and table.md, prints the table.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from twopoint.cli.terminal import counting
from twopoint_models.data import SlidingWindows, read_micrographs
from twopoint_models.texture_vae import TextureConfig, TextureVAE, code, encodings, make_vgg, micrograph_properties, predict_samples
from twopoint_models.texture_vae.properties import phases_conductivity
from twopoint_models.texture_vae.samples import map_components, phase_shares, sample_descriptions, sample_patches, table_of_samples

QUANTITIES = {"cast-iron": micrograph_properties, "conductivity": lambda gray: {"k": phases_conductivity(gray)}}


def predict_all(options: argparse.Namespace) -> None:
    """Label, describe, predict and write."""
    config, model = (kind(options.runs / f"latents-{options.latents}") for kind in (TextureConfig.read, TextureVAE.load))
    held, samples = read_micrographs(options.runs / "micrographs"), {}
    for name, image in zip(held.names, held.images, strict=True):
        parts = SlidingWindows([image], options.tile or image.shape)
        samples |= {f"{name}, {part['row']} {part['column']}": (name, part["image"]) for part in parts}
    labels, patches, names = {}, [], []
    with counting("homogenised", "") as progress:
        for name, (_, gray) in samples.items():
            labels[name] = QUANTITIES[options.quantity](gray)
            patches.append(sample_patches(gray, config.size, options.stride or config.size))
            names.extend([name] * len(patches[-1]))
            progress(len(labels), len(samples))
    with counting("patches", "") as progress:
        vgg = make_vgg(config.changed(vgg=options.vgg or config.vgg))
        maps = encodings(vgg, np.concatenate(patches), progress=progress)
    by = {"latents": code(model, maps).mean, "VGG-19": map_components(maps, options.latents)}
    rows = sample_descriptions(by, names, np.array([phase_shares(gray) for _, gray in samples.values()]))
    properties = {quantity: np.array([found[quantity] for found in labels.values()]) for quantity in next(iter(labels.values()))}
    told = predict_samples(rows, properties, [name for name, _ in samples.values()])
    (options.out / "summary.json").write_text(json.dumps({"patches": len(names), "samples": labels, "predicted": told}, indent=2) + "\n")
    (options.out / "table.md").write_text(table_of_samples(told))
    print(table_of_samples(told))


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("textures"))
    parser.add_argument("--out", type=Path, default=Path("samples"))
    parser.add_argument("--latents", type=int, default=64, help="whose network describes patches")
    parser.add_argument("--quantity", choices=QUANTITIES, default="cast-iron", help="properties to predict")
    parser.add_argument("--tile", type=int, default=0, help="pixels of a sample along each axis; by default the micrograph")
    parser.add_argument("--stride", type=int, default=0, help="pixels from patch to patch; by default the size of a patch")
    parser.add_argument("--vgg", default="", help="file of VGG-19's weights; by default that of the training, or fetched once")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        predict_all(options)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
