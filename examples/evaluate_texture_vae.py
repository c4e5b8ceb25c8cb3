"""Evaluate texture VAEs: Table 1 and Figures 4 to 6 of their paper, from the folder of `train_texture_vae.py`.

    python examples/evaluate_texture_vae.py --runs textures [others ...] [--out evaluation] [--vgg FILE] [--vgg16 FILE --dists FILE] ...

Takes 20 patches of each micrograph, from the part that no network was trained on. Computes Table 1 by latents beside trivial descriptors
(DISTS needs the weights of VGG-16 and its own), half original and half reconstruction, random samples, correlations of latents with the
castings' parameters, traversals of those that correlate most. Writes table.md, pictures and summary.json; prints the table.
"""

import argparse
import json
from pathlib import Path

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.data import read_micrographs
from twopoint_models.evaluation.similarity import DISTS
from twopoint_models.texture_vae import TextureConfig, TextureVAE, code, encodings, figures_of_texture_vae, summarise_similarities
from twopoint_models.texture_vae.figures import summarise_latents
from twopoint_models.texture_vae.tables import table_of_similarities
from twopoint_models.texture_vae.train import make_vgg


def evaluate(options: argparse.Namespace) -> None:
    """Measure, draw and write."""
    configs = {path.parent: TextureConfig.read(path.parent) for run in options.runs for path in run.glob("latents-*/model.json")}
    if missing := [run for run in options.runs if run not in {folder.parent for folder in configs}]:
        raise FileNotFoundError(f"--runs must hold what train_texture_vae.py left, there is no {missing[0]}/latents-*/model.json")
    dists = DISTS.load(options.vgg16, options.dists) if options.vgg16 else None
    made, summary, features = {}, {}, {}
    size, each = next(iter(configs.values())).size, 4 if options.small else 20
    patches, names, made_by = read_micrographs(options.runs[0] / "micrographs").patches("test", size, each)
    for folder, config in sorted(configs.items(), key=lambda run: run[1].latents):
        key = options.vgg or config.vgg, config.pooling
        with counting("patches", "") as progress:
            if key not in features:
                features[key] = encodings(make_vgg(config.changed(vgg=key[0])), patches, progress=progress)
        model = TextureVAE.load(folder)
        coded = code(model, features[key])
        name = folder.name if len(options.runs) == 1 else f"{folder.parent.name}, {folder.name}"
        made[name.replace("latents-", "") + " latents"] = coded.reconstructions[::2]
        summary[name] = summarise_latents(coded, made_by)
        (options.out / name).mkdir(parents=True, exist_ok=True)
        for told, figure in figures_of_texture_vae(model, coded, patches, names, made_by, seed=options.seed):
            save(figure, options.out / name / f"{told}.png")
    with counting("similarities", "") as progress:
        half = patches[::2], made, names[::2], dists
        summary["similarities"] = summarise_similarities(*half, progress=progress)
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (options.out / "table.md").write_text(table_of_similarities(summary["similarities"]) + "\n")
    print(table_of_similarities(summary["similarities"]))


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, nargs="+", default=[Path("textures")], help="the first one's micrographs are taken")
    parser.add_argument("--out", type=Path, default=Path("evaluation"))
    parser.add_argument("--vgg", default="", help="file of VGG-19's weights; by default that of the training, or fetched once")
    parser.add_argument("--vgg16", help="file of torchvision's VGG-16, for DISTS")
    parser.add_argument("--dists", help="file of DISTS' own weights")
    parser.add_argument("--small", action="store_true", help="4 patches of each micrograph")
    parser.add_argument("--seed", type=int, default=0, help="of random samples")
    options = parser.parse_args()
    try:
        evaluate(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
