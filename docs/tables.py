"""Tables of the pages that are written from benchmarks/results, between two comments that name them.

    python docs/tables.py [--check]

Writes the tables into the pages; with --check nothing is written, and a table that differs is named (status 1).
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks/results"
BETWEEN = re.compile(r"(<!-- table: (\w+) -->\n\n).*?(\n\n<!-- end of table -->)", re.DOTALL)
Row = tuple[str, str, str, str, str]  # what, theirs, here, comparable?, command


def of(name: str) -> dict[str, Any]:
    """Return the results of one file."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def figure(value: float) -> str:
    """Return a figure with three significant digits, small ones as powers of ten."""
    if value and abs(value) < 1e-3:
        power = math.floor(math.log10(abs(value)))
        return f"{value / 10**power:.2f}e{power}"
    return f"{value:.3g}"


def nearer(run: dict[str, Any], one: str, other: str, output: str = "soft") -> str:
    """Return the share of images on which one regime is nearer than another, with its 95 % interval; one of 1/2 or less is bold."""
    shares = run["pairwise"][output]["all lags"]
    if one not in shares or other not in shares:
        return "not trained"
    share, count = shares[one][other], run["images"]
    low, high = run["pairwise_interval"][output]["all lags"][one][other] if "pairwise_interval" in run else wilson(share, count)
    shown = f"{share:.3f} ({low:.3f} to {high:.3f})"
    return shown if low > 0.5 else f"**{shown}**"


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of so many images."""
    z2 = 1.959963984540054**2 / count
    middle, half = (share + z2 / 2) / (1 + z2), math.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return middle - half, middle + half


def medians(run: dict[str, Any], output: str) -> str:
    """Return the median excess CESS of all regimes and of what needs no training, least first."""
    rows = run["excess"][output]["all lags"]
    least = sorted((row["median"], name.replace("_", " ")) for name, row in rows.items())
    return ", ".join(f"{name} {figure(value)}" for value, name in least)


def regimes(run: dict[str, Any], sizes: str) -> list[Row]:
    """Return the rows of the regimes at one size."""
    edge, script = f"{run['size']} x {run['size']}", "evaluate_cess_vae.py"
    return [
        (f"Fig. 11, fine-tuned CESS nearer than MSE + CESS, {edge}", ".923", nearer(run, "cess_finetuned", "mse_cess"), sizes, script),
        (f"Fig. 11, fine-tuned CESS nearer than MSE, {edge}", "high", nearer(run, "cess_finetuned", "mse"), "no: not printed", script),
        (f"Fig. 9, median excess CESS, soft, {edge}", "CESS, drawn", medians(run, "soft"), "no: not printed", script),
        (f"the same, thresholded, {edge}", "not given", medians(run, "thresholded"), "no", script),
    ]


def properties() -> list[Row]:
    """Return the rows of section 4.3."""
    scores, designs = of("property_features")["contrast 10"]["scores"], of("designs")
    features = ("mse_cess", "thumbnails", "components of statistics")
    latents, pixels, statistics = (f"{scores[name]['mean']['nrmse']:.3f}" for name in features)
    theirs, ours, nearest = (figure(designs[name]["all"]) for name in ("network, the paper's way", "ours", "nearest labelled image"))
    return [
        (
            "4.3, error of properties over their standard deviation",
            "latents no better than pixels",
            f"latents {latents}, as many pixels {pixels}, components of 2-point statistics {statistics}",
            "in kind: no number is printed; 14 x 14 latents there, 4 x 4 here",
            "compare_property_features.py",
        ),
        (
            "4.3, error of designs for E_x over the standard deviation",
            "normalized RMSE .65",
            f"their way {theirs}, by descent through homogenisation {ours}, nearest labelled image {nearest}",
            "no: what .65 is normalised by is not said, and the network here keeps the volume fraction",
            "compare_designs.py",
        ),
    ]


def cess() -> str:
    """Return what Cai et al. print and what came out here."""
    small, circles = of("cess_vae_small"), of("reconstruct_circles")
    found = [f"{name} {sum(each['share'] for each in runs) / len(runs):.2f}" for name, runs in circles.items()]
    apart = [figure(small["lines_100_px_apart"][at]) for at in ("101", "200")]
    rows = [
        (
            "Figs 2, 3, five discs from noise, share of starts that find them",
            "MSESS none, CESS with clamp all that are shown",
            ", ".join(found),
            "yes, but they do not say when a disc counts as found",
            "reconstruct_circles.py",
        ),
        ("Fig. 8, excess of lines 100 px apart beside 101, 200", "equal", " and ".join(apart), "yes", "evaluate_cess_vae.py"),
        *regimes(of("cess_vae_medium"), "in kind: 10,000 generated images, 8 epochs, a narrower network; MICRO2D, 30 there"),
        *regimes(small, "no: another size, 12,000 generated images, 6 epochs"),
        *properties(),
    ]
    head = "| | theirs | here | comparable? | command |\n|---|---|---|---|---|\n"
    return head + "\n".join(f"| {' | '.join(row[:-1])} | `{row[-1]}` |" for row in rows)


def encode_many() -> str:
    """Return images per second of ``twopoint model encode``, its memory, and what a kill cost."""
    run = of("encode_many")
    about = run["machine"]
    clock, processor = run["images_per_second"], run["images_per_processor_second"]
    done = 32 * run["killed_after_blocks"]
    rows = [
        (
            f"images per second of the clock, {run['jobs']} processes, other work on the machine (load {about['load_before']:.1f})",
            f"{clock:.3g}",
        ),
        ("images per second of processor time", f"{processor:.3g}"),
        ("the same for two cores of their own; the bar is 60", f"{2 * processor:.3g}"),
        ("memory of all processes at a quarter and at the end, MB", f"{run['memory_at_a_quarter_MB']:.0f}, {run['memory_MB']:.0f}"),
        (f"rows lost by a kill after {done} of {run['images']} images, and a second call", str(run["rows_lost"])),
        ("largest difference of latents from the network called in Python", figure(run["largest_difference"])),
    ]
    head = f"| {run['images']} images of {run['size']} x {run['size']} | |\n|---|---|\n"
    return head + "\n".join(f"| {name} | {value} |" for name, value in rows)


TABLES: dict[str, Callable[[], str]] = {"cess": cess, "encode_many": encode_many}


def main() -> None:
    """Write the tables, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    status = 0
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        new = BETWEEN.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)
        if new != text and check:
            print(f"{page.name}: a table differs from benchmarks/results; `python docs/tables.py` writes it")
            status = 1
        elif new != text:
            page.write_text(new, encoding="utf-8")
    sys.exit(status)


if __name__ == "__main__":
    main()
