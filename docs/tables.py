"""Tables of the README and the pages that are written from benchmarks/results, and parts of the reference made from the application.

Each is between two comments that name it.

    python docs/tables.py [--check]

Writes the tables into the pages; with --check nothing is written, and a table that differs is named (status 1).
"""

import argparse
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from design_tables import DESIGN, SEVERAL, THEIRS
from manifold_tables import MANIFOLD
from reference import REFERENCE
from results import aims_table, figure, markdown, of
from statistics_tables import STATISTICS
from texture_tables import TEXTURE

DOCS = Path(__file__).parent
BETWEEN = re.compile(r"(<!-- table: (\w+) -->\n\n).*?(\n\n<!-- end of table -->)", re.DOTALL)
Row = tuple[str, str, str, str, str]  # what, theirs, here, comparable?, command


def nearer(run: dict[str, Any], one: str, other: str, output: str = "soft") -> str:
    """Return the share of images on which one regime is nearer than another, with its 95 % interval; one of 1/2 or less is bold."""
    shares = run["pairwise"][output]["all lags"]
    if one not in shares or other not in shares[one]:
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


def cess_aims() -> str:
    """Return what was aimed at for the published networks of 224 x 224, and what came out; misses are bold."""
    run, medium, ours = of("cess_vae_published"), of("cess_vae_medium"), "cess-vae-224-ours"
    soft = run["excess"]["soft"]["all lags"]
    networks = [name for name in soft if name.startswith("cess-vae-224")]
    rows = []
    for trivial in ("block means", "4-px blur"):
        least = soft[trivial]["median"]
        above = [f"{short(name)} {figure(soft[name]['median'])}" for name in networks if soft[name]["median"] >= least]
        rows.append((f"soft median excess of every network below that of {trivial}, {figure(least)}", ", ".join(above) or "all", not above))
    rates = of("cess_vae_rates")
    tuned = [(run, "cess-vae-224-cess", "cess-vae-224-mse", ""), (medium, "cess_finetuned", "mse_cess", "")]
    tuned += [(rates, f"rate_{rate}", "mse", f" (3 epochs at a learning rate of {rate})") for rate in ("0.0005", "0.001")]
    for found, one, other, how in tuned:
        share = found["pairwise"]["soft"]["all lags"][one][other]
        aim = f"fine-tuned CESS{how} nearer than {short(other)}, soft, on .90 of the images"
        rows.append((aim, nearer(found, one, other).strip("*"), share >= 0.9))
    for lags, least in (("all lags", 0.95), ("cumulative", 0.9)):
        shares = {short(name): run["pairwise"]["thresholded"][lags][ours][name] for name in networks if name != ours}
        told = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
        rows.append((f"ours nearer than each, thresholded, {lags}, on {least} of the images", told, min(shares.values()) >= least))
    return aims_table(rows + aims_of_ours(run, ours))


def short(name: str) -> str:
    """Return the name of a published network or of a regime without what all have in common."""
    return name.removeprefix("cess-vae-224-").replace("_", " + ").replace("mse", "MSE").replace("cess", "CESS")


def aims_of_ours(run: dict[str, Any], ours: str) -> list[tuple[str, str, bool]]:
    """Return the aims for our network alone: what, what came out, whether it holds."""
    median, error = run["excess"]["thresholded"]["all lags"][ours]["median"], run["fraction_error"]["thresholded"][ours]
    lengths, mse = run["interface_by_class"]["thresholded"][ours], "cess-vae-224-mse"
    shown, parts = run["sparse"]["shown"], {name: row["share"] for name, row in run["recognised"].items()}
    return [
        ("ours, thresholded, median at most .0005", figure(median), median <= 5e-4),
        ("ours, volume fraction at most .01 off", figure(error), error <= 0.01),
        (
            "ours, interface of each class .9 to 1.1 of the image's",
            ", ".join(f"{name} {length:.2f}" for name, length in lengths.items()),
            all(0.9 <= length <= 1.1 for length in lengths.values()),
        ),
        (
            f"ours shows the phase in each of the {run['sparse']['images']} images of a volume fraction below .05",
            f"{shown[ours]:.2f}, MSE {shown[mse]:.2f}",
            shown[ours] == 1,
        ),
        (
            "classes recognised in thresholded reconstructions over those in originals, at least .8",
            f"{parts[ours]:.2f}, MSE {parts[mse]:.2f}",
            parts[ours] >= 0.8,
        ),
    ]


def properties() -> list[Row]:
    """Return the rows of section 4.3."""
    scores, designs = of("property_features_224")["scores"], of("designs")["groups"]["E_x"]
    features = ("cess-vae-224-cess", "thumbnails", "components of statistics")
    latents, pixels, statistics = (f"{scores[name]['mean']['over_deviation']:.3f}" for name in features)
    theirs, ours, nearest = (figure(designs[name]["all"]) for name in (THEIRS, "ours", "nearest labelled image"))
    return [
        (
            "4.3, error of properties over their standard deviation",
            "latents no better than pixels",
            f"latents {latents}, as many pixels {pixels}, components of 2-point statistics {statistics}",
            "in kind: no number is printed",
            "compare_property_features.py",
        ),
        (
            "4.3, error of designs for E_x over the standard deviation",
            "normalized RMSE .65",
            f"their way {theirs}, by descent through homogenisation {ours}, nearest labelled image {nearest}",
            "no: what .65 is normalised by is not said",
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


def judged(found: dict[str, Any], what: str) -> str:
    """Return the figure of the first bar of that name."""
    return f"{next(bar['figure'] for bar in found['bars'] if bar['what'] == what):.2g} x"


def headlines() -> str:
    """Return the six figures of the README, each with what it stands beside."""
    cess_of_64 = next(case for case in of("speed")["cases"] if case["name"] == "cess")
    circles = {name: sum(each["share"] for each in runs) / len(runs) for name, runs in of("reconstruct_circles").items()}
    small, porespy = of("cess_vae_small")["excess"]["thresholded"]["all lags"], of("descriptors")["porespy"]
    designs = of("designs")["groups"][SEVERAL]
    ours, theirs = (figure(small[name]["median"]) for name in ("sharp", "crop_finetuned"))
    rows = [
        (
            "CESS and gradient, 64 images of 224 x 224, torch",
            f"{judged(cess_of_64, 'literal torch / twopoint')} faster than",
            "the formula in torch",
        ),
        (
            "lineal path of images of 300 x 300",
            f"{judged(porespy['lineal path'], 'PoreSpy / twopoint')} faster than",
            "PoreSpy, equal results",
        ),
        (
            "stiffness of 224 x 224, float64",
            f"{judged(of('homogenisation')['speed'], 'scikit-fem / numpy float64')} faster than",
            "scikit-fem, direct",
        ),
        ("five discs found from their statistics", f"{circles['CESS + clamp']:.2f} of starts", f"MSESS {circles['MSESS']:.2f}"),
        ("CESS VAE, thresholded, median excess CESS", f"ours {ours}", f"the paper's best {theirs}"),
        (
            "design for three stiffnesses at once, error over spread",
            figure(designs["ours"]["all"]),
            f"nearest of 500 labelled images {figure(designs['nearest labelled image']['all'])}",
        ),
    ]
    return "| what | here | beside |\n|---|---|---|\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def encode_many() -> str:
    """Return images per second of ``twopoint model encode``, its memory, and what a kill cost."""
    run = of("encode_many")
    about = run["machine"]
    clock, processor = run["images_per_second"], run["images_per_processor_second"]
    done = 32 * run["killed_after_blocks"]
    rows = [
        (
            f"images per second of the clock, {run['jobs']} processes (load of the machine before {about['load_before']:.1f}); aim 60",
            f"{clock:.3g}",
        ),
        ("images per second of processor time", f"{processor:.3g}"),
        ("memory of all processes at a quarter and at the end, MB", f"{run['memory_at_a_quarter_MB']:.0f}, {run['memory_MB']:.0f}"),
        (f"rows lost by a kill after {done} of {run['images']} images, and a second call", str(run["rows_lost"])),
        ("largest difference of latents from the network called in Python", figure(run["largest_difference"])),
    ]
    head = f"| {run['images']} images of {run['size']} x {run['size']} | |\n|---|---|\n"
    return head + "\n".join(f"| {name} | {value} |" for name, value in rows)


def divergence(name: str) -> str:
    """Return what each weight of the divergence makes latents carry, and what that costs, in a sweep."""
    rows = []
    for weight, row in of(name)["weights"].items():
        excess = [f"{figure(row[key]['median'])} ({' to '.join(map(figure, row[key]['interval']))})" for key in ("soft", "thresholded")]
        far = [f"{max(row['distances'][prior].values()):.3g}" for prior in ("fitted", "normal")]
        numbers = [figure(row[key]) for key in ("nats_of_a_latent", "deviation", "squared_error")]
        rows.append([f"{float(weight):g}", *numbers, *excess, *far])
    heads = ["weight", "nats of a latent number", "posterior deviation", "squared error", "median excess, soft", "thresholded"]
    heads += ["largest distance of samples, fitted prior", "normal prior"]
    return markdown([heads, *rows])


def peer_values() -> str:
    """Return how far the numbers of other tools are from those of twopoint."""
    found, rows = of("peer_values"), []
    calls = {
        "two_point_stats": ("PyMKS", "`two_point_stats`, three pairs, periodic, float32 there"),
        "shells": ("PoreSpy", "`two_point_correlation` in shells one pixel wide"),
        "lineal path": ("PoreSpy", "`lineal_path_distribution`, summed, both axes"),
    }
    for tool in ("pymks", "porespy"):
        for job, difference in found[tool]["largest_difference"].items():
            name, call = calls[job]
            rows.append(f"| {name} {found[tool]['versions'][tool]} | {call} | {difference:.0e} |")
    return "| tool | call, image of 24 x 24 | largest difference from twopoint |\n|---|---|---|\n" + "\n".join(rows)


def ablation() -> str:
    """Return what ours and other regimes reach at 112 x 112 without each of their parts."""
    run = of("cess_vae_ablation")
    heads = ["", "soft excess", "thresholded", "thresholded, cumulative", "volume fraction off", "interface", "nearer than `whole`"]
    rows, sharp = [heads], run["excess"]["thresholded"]
    for name in run["excess"]["soft"]["all lags"]:
        cells = [interval(each[name]) for each in (run["excess"]["soft"]["all lags"], sharp["all lags"], sharp["cumulative"])]
        measured = [figure(run[key]["thresholded"][name]) for key in ("fraction_error", "interface_ratio")]
        rows.append([name, *cells, *measured, "" if name == "whole" else nearer(run, name, "whole", "thresholded").strip("*")])
    return markdown(rows)


def interval(found: dict[str, Any]) -> str:
    """Return a median with its interval."""
    return f"{figure(found['median'])} ({' to '.join(map(figure, found['interval']))})"


def folds() -> str:
    """Return what fine-tuning on real images changes, by class, on images that were in no training."""
    rows = [["", "generated images only", "fine-tuned on real ones", "share of images on which that is nearer"]]
    for name, pair in of("cess_vae_folds")["classes"].items():
        rows.append([name, *(f"{figure(x['value'])} ({' to '.join(map(figure, x['interval']))})" for x in pair.values())])
    return markdown(rows)


def samples() -> str:
    """Return how far samples and reconstructions of networks of 224 x 224 are from real images; distances above 1.5 are bold."""
    found = of("samples_224")["distances"]
    heads = ["", *next(iter(found.values()))]
    lines = [[name, *(f"{value:.2f}" if value <= 1.5 else f"**{value:.2f}**" for value in row.values())] for name, row in found.items()]
    return markdown([heads, *lines])


TABLES: dict[str, Callable[[], str]] = {
    "cess": cess,
    "ablation": ablation,
    "cess_aims": cess_aims,
    "divergence": lambda: divergence("divergence"),
    "divergence_224": lambda: divergence("divergence_224"),
    "encode_many": encode_many,
    "folds": folds,
    "headlines": headlines,
    "peer_values": peer_values,
    "samples": samples,
    **DESIGN,
    **MANIFOLD,
    **REFERENCE,
    **STATISTICS,
    **TEXTURE,
}


def main() -> None:
    """Write the tables, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    status = 0
    for page in [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        new = BETWEEN.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)
        if new != text and check:
            print(f"{page.name}: a table differs from benchmarks/results or from the application; `python docs/tables.py` writes it")
            status = 1
        elif new != text:
            page.write_text(new, encoding="utf-8")
    sys.exit(status)


if __name__ == "__main__":
    main()
