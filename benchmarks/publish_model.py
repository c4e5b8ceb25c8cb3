"""Put a trained CESS VAE into the package, in half precision, with its hash and a model card.

    python -m benchmarks.publish_model RUN NAME [--figures benchmarks/results/cess_vae_medium.json] [--folder DIR]

RUN is a folder that ``examples/train_cess_vae.py`` wrote, such as runs/mse. --figures is the summary of ``examples/evaluate_cess_vae.py``,
whose row of the run's name the card shows beside the rows without training. Refuses files above 1.2 MB, and a card without figures.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from twopoint_models.cess_vae import CESSVAE, REGIMES, CESSConfig
from twopoint_models.cess_vae.evaluation.tables import overview
from twopoint_models.cess_vae.train import PRIOR_IMAGES
from twopoint_models.data import MICRO2D

MOST = 1_200_000  # bytes
OTHERS = ("block means", "4-px blur", "nearest training image")
CARD = """# {name}

The CESS VAE of Cai et al. (section 3.3, Fig. 5) for two phases, trained by the regime `{regime}`: {about}.

```python
import twopoint_models

model = twopoint_models.load("{name}")
reconstruction = model.reconstruct(image)  # (H, W) of 0 and 1 -> (H, W), H and W divisible by 16
```

- **Trained on** {images} generated images of {size} x {size} pixels, of MICRO2D's ten classes (`examples/make_dataset.py`), periodic.
- **Steps**: {steps} of {batch} images, seed {seed}, RAdam, learning rate {rate:g}.
- **Precision**: {precision} (fast is bfloat16 if the processor has it).
- **Size**: {parameters} parameters, kept in half precision.
- **Latent image**: a sixteenth of the edge, so 14 x 14 numbers of 224 x 224 pixels.
- **Prior**: {prior}.
- **Licence**: MIT, as the package; the training images are the package's own.
- **Limits**: other kinds of images than these ten classes, other scales and images that are not periodic were not tested.

Figures of the {tested} real images of MICRO2D in `TWOPOINT_DATA`, none of which was trained on: medians of the excess CESS in nats, mean
error of the volume fraction, median ratio of interface lengths, with the 95 % interval by bootstrap over the images. The rows below the
first need no training: means over blocks of 16 pixels, a blur of 4 pixels, the nearest training image.

{table}"""


def only(summary: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return a summary with some of its rows, under other names."""

    def rows(of: dict[str, Any]) -> dict[str, Any]:
        return {new: of[old] for old, new in names.items() if old in of}

    excess = {output: {key: rows(of) for key, of in by.items()} for output, by in summary["excess"].items()}
    kept = ("fraction_error", "fraction_error_interval", "interface_ratio", "interface_ratio_interval")
    return {"excess": excess} | {key: {output: rows(of) for output, of in summary[key].items()} for key in kept}


def steps_of(run: Path, config: CESSConfig) -> int:
    """Return the steps of all halves, as their checkpoints count them."""
    files = [folder / "checkpoints/last.ckpt" for folder in (run, run.parent / "start" / REGIMES[config.regime].start)]
    return sum(int(torch.load(file, weights_only=False, map_location="cpu")["global_step"]) for file in files if file.is_file())


def prior_of(network: CESSVAE, images: int) -> str:
    """Return what a network's samples are drawn from, given the number of its training images."""
    if network.prior is None:
        return "standard normal"
    return (
        f"a mixture of {len(network.prior.weight)} Gaussians, fitted to latent images of {min(PRIOR_IMAGES, images)} of the training images"
    )


def card_of(run: Path, name: str, figures: dict[str, Any]) -> str:
    """Return the model card of a run."""
    half, network = CESSConfig.read(run), CESSVAE.load(run)
    if run.name not in (there := figures["fraction_error"]["soft"]):
        raise ValueError(f"--figures must have the row {run.name}, it has {', '.join(there)}")
    dealt = MICRO2D(half.data, half.classes or None, half.size, split="train", fractions=half.fractions, together=half.together)
    return CARD.format(
        name=name,
        regime=half.regime,
        about=REGIMES[half.regime].about,
        images=len(dealt),
        tested=figures["images"],
        size=half.size,
        steps=steps_of(run, half),
        batch=half.batch_size,
        seed=half.seed,
        rate=half.learning_rate,
        precision=half.precision,
        prior=prior_of(network, len(dealt)),
        parameters=sum(each.numel() for each in network.parameters()),
        table=overview(only(figures, {run.name: name} | {row: row for row in OTHERS})),
    )


def keep_hashes(folder: Path, *parts: str) -> None:
    """Write the hashes of weights into hashes.json, by the folder of each."""
    hashes = json.loads((folder / "hashes.json").read_text())
    hashes |= {part: hashlib.sha256((folder / part / "model.safetensors").read_bytes()).hexdigest() for part in parts}
    (folder / "hashes.json").write_text(json.dumps(dict(sorted(hashes.items())), indent=2) + "\n")


def publish(run: Path, name: str, figures: dict[str, Any], folder: Path) -> int:
    """Write weights, options, card and hash; return the size of the weights."""
    card, network = card_of(run, name, figures), CESSVAE.load(run)
    if (size := 2 * sum(each.numel() for each in network.state_dict().values())) > MOST:
        raise ValueError(f"the weights of {name} have {size} bytes, more than {MOST}")
    network.save(folder / name, dtype=torch.float16)
    weights = folder / name / "model.safetensors"
    (folder / name / "card.md").write_text(card)
    keep_hashes(folder, name)
    return weights.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--figures", type=Path, default=Path(__file__).parent / "results/cess_vae_medium.json")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "src/twopoint_models/pretrained")
    options = parser.parse_args()
    size = publish(options.run, options.name, json.loads(options.figures.read_text()), options.folder)
    print(f"{options.folder / options.name}: {size} bytes")


if __name__ == "__main__":
    main()
