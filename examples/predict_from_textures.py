"""Properties of samples from their patches: Tables 2 and 3 and Fig. 7 of the texture VAE's paper, from what `train_texture_vae.py` left.

    python examples/predict_from_textures.py --runs textures [--latents 64] [--properties FILE] [--vgg FILE] [--out predictions] [--small]

Samples are the castings of lowest and highest rate of cooling, or all where none is a casting. Each patch is given its
sample's modulus E and conductivity k, homogenised, or what FILE says: JSON, {"sample": {"UTS, MPa": 310.0}}. They are predicted from
latents and from VGG-19 features on a random fifth of the patches, as in the paper, which leaks, on parts that no network was trained
on, and for each sample by a fit to the others. Writes summary.json and histograms of the last, prints a table.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.data import Micrographs, read_micrographs
from twopoint_models.texture_vae import TextureConfig, TextureVAE, code, encodings, figures_of_properties, make_vgg
from twopoint_models.texture_vae.properties import micrograph_properties
from twopoint_models.texture_vae.tables import summarise_properties, table_of_properties


def chosen(found: Micrographs, given: dict, every: bool) -> Micrographs:
    """Return the samples: those with properties, or castings of the smallest and the largest radius, or every one."""
    radii = {name: made_by["radius"] for name, made_by in zip(found.names, found.made_by, strict=True) if "radius" in made_by}
    extremes = [name for name, radius in radii.items() if radius in (min(radii.values()), max(radii.values()))]
    return found.only(list(given) or (not every and extremes) or found.names)


def predict_all(options: argparse.Namespace) -> None:
    """Label, describe, predict, draw and write."""
    config, model = (kind(options.runs / f"latents-{options.latents}") for kind in (TextureConfig.read, TextureVAE.load))
    given = json.loads(options.properties.read_text()) if options.properties else {}
    samples, of = chosen(read_micrographs(options.runs / "micrographs"), given, options.all), {}
    with counting("homogenised", "") as progress:
        for i, name in enumerate(samples.names):
            of[name] = given[name] if given else micrograph_properties(samples.images[i])
            progress(i + 1, len(samples.names))
    patches, names, parts = [], [], []
    for part, each in (("train", 6), ("test", 3)) if options.small else (("train", 60), ("test", 20)):
        found, these, _ = samples.patches(part, config.size, each)
        patches.append(found), names.extend(these), parts.extend([part] * len(these))
    with counting("patches", "") as progress:
        vgg, done = make_vgg(config.changed(vgg=options.vgg or config.vgg)), progress
        maps = encodings(vgg, np.concatenate(patches), progress=done)
    features = {"latents": code(model, maps).mean, "VGG-19": maps.reshape(len(maps), -1)}
    properties = {quantity: np.array([of[name][quantity] for name in names]) for quantity in of[names[0]]}
    told = summarise_properties(features, properties, names, parts, seed=options.seed)
    (options.out / "summary.json").write_text(json.dumps({"samples": of, "predicted": told}, indent=2) + "\n")
    print(table_of_properties(told))
    for name, figure in figures_of_properties(features, properties, names):
        save(figure, options.out / f"{name}.png")


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("textures"))
    parser.add_argument("--out", type=Path, default=Path("predictions"))
    parser.add_argument("--latents", type=int, default=64, help="whose network describes patches")
    parser.add_argument("--properties", type=Path, help="JSON of measured properties by sample, in place of homogenised ones")
    parser.add_argument("--all", action="store_true", help="all castings, not only those of lowest and highest rate of cooling")
    parser.add_argument("--vgg", default="", help="file of VGG-19's weights; by default that of the training, or fetched once")
    parser.add_argument("--small", action="store_true", help="9 patches of each sample")
    parser.add_argument("--seed", type=int, default=0, help="of the random fifth")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        predict_all(options)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
