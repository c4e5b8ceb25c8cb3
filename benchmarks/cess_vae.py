"""The CESS VAE's network: parameters, what a latent pixel sees, seconds of encode and decode, and what of a training step the loss takes.

    python -m benchmarks.cess_vae [--size 224] [--batch 64] [--threads 2] [--device cpu] [--output benchmarks/results/cess_vae.json]

Prints a line for each network, zero and circular padding in turn, and writes all to the output with the machine's description. A step is
encode, decode, loss, backward and RAdam, 8 images; its loss is CESS of all lags, the target's statistics computed again.
"""

import argparse
import json
import time
from pathlib import Path

import torch

import twopoint as tp
from twopoint_models.cess_vae import CESSVAE

from . import machine

NETWORKS = {"64, 1": (64, 1), "64, 2": (64, 2), "64, 3": (64, 3), "16 32 48 64 96, 1": ((16, 32, 48, 64, 96), 1)}


def seconds(work, rounds: int, device: str) -> float:
    """Return the least time of some rounds after one that warms up."""
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times[1:])


def step(model: CESSVAE, images: torch.Tensor, device: str) -> dict[str, float]:
    """Return the seconds of a training step and of its loss alone, forward and backward."""
    optimizer = torch.optim.RAdam(model.parameters())

    def whole() -> None:
        optimizer.zero_grad()
        tp.cess(model(images), images, implied_phase=True).backward()
        optimizer.step()

    decoded = model(images).detach().requires_grad_()
    loss = seconds(lambda: tp.cess(decoded, images, implied_phase=True).backward(), 3, device)
    return {"step": seconds(whole, 2, device), "loss": loss}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/cess_vae.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    about = machine.describe() | {"command": "python -m benchmarks.cess_vae", "device": options.device, "threads": options.threads}
    found = {"machine": about, "size": options.size, "batch": options.batch, "networks": {}}
    images = (torch.rand(options.batch, 1, options.size, options.size) < 0.3).float().to(options.device)
    images = images.contiguous(memory_format=torch.channels_last)
    for name, (width, depth) in NETWORKS.items():
        row = found["networks"][name] = {}
        for padding in ("zeros", "circular"):
            model = CESSVAE(width=width, depth=depth, padding=padding).to(options.device, memory_format=torch.channels_last)
            row |= {"parameters": sum(each.numel() for each in model.parameters()), "receptive_field": model.receptive_field}
            with torch.inference_mode():
                row[f"encode_decode_{padding}"] = seconds(lambda net=model: net(images), options.rounds, options.device)
            timed = step(model, images[:8], options.device)
            row |= timed if padding == "zeros" else {"step_circular": timed["step"]}
        print(f"{name:18} {', '.join(f'{key} {value:.4g}' for key, value in row.items())}; loss {row['loss'] / row['step']:.1%} of a step")
    options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
