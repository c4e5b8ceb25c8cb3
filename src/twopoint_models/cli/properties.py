"""The commands that give properties: ``homogenise``, which solves, and ``predict``, by a trained network."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer

from twopoint.cli.options import Force, Phases, Threshold, Window
from twopoint.cli.terminal import InputError

from ..images import open_images
from .latents import absolute, arrays_of, by_size, loaded_in_process
from .many import NAMES, Arrays, How, Tiles, finish, joined, over_images, write_csv, write_summary
from .options import Conductivity, Files, Jobs, Out, Plane, Poisson, Run, Scheduler, Skip, Tile, Tolerance, Young
from .quantities import Quantities, quantities
from .runs import digest, load_run, model_errors, results_in

PROPERTIES = "properties.csv"
VOIGT = ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))  # of a plane: 1 xx, 2 yy, 3 xy with engineering shear


def homogenise(
    images: Files,
    young: Young = None,
    poisson: Poisson = None,
    conductivity: Conductivity = None,
    plane: Plane = "strain",
    tolerance: Tolerance = 1e-4,
    out: Out = Path("properties"),
    tile: Tile = None,
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    skip: Skip = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Force = False,
) -> None:
    """Compute effective properties of images by homogenisation, without a network: properties.csv and summary.json.

    Images are treated as periodic. x is the first axis, downwards. With --young and --poisson: E_x, E_y, G_xy, nu_xy, nu_yx, the
    stiffness, and the bounds of Voigt and Reuss of its diagonal. With --conductivity: k_x, k_y, k_xy, and the bounds of Wiener. Each option
    takes one value per phase, from dark to bright.
    """
    with model_errors(heavy=False):
        e, nu, k = _materials(young, poisson, conductivity)
        if plane not in ("strain", "stress"):
            raise InputError(f"--plane must be strain or stress, got {plane}")
        materials = {"young": young, "poisson": poisson, "conductivity": conductivity, "plane": plane}
        settings: dict[str, Any] = {"command": "model homogenise"} | materials
        settings |= {"tolerance": tolerance, "tile": tile, "threshold": threshold, "phases": phases, "window": window}
        n = len((e or k).values)  # type: ignore[union-attr]
        with results_in(out, settings, PROPERTIES, force=force) as folder:
            source = open_images(images, phases=phases or (n if n > 2 else None), threshold=threshold, window=window, results=out)
            work = partial(_homogenised, e and e.values, nu and nu.values, k and k.values, plane, tolerance)
            paths = over_images(folder, source, work, How(tile, skip, jobs, scheduler), f"homogenising {len(source)} images")
            columns = _columns(n, e is not None, k is not None)
            units = {name: _unit(name, e, k) for name in columns}
            head = [f"{name} [{units[name]}]" if units[name] else name for name in columns]
            write_csv(out / PROPERTIES, ["file", "row", "column", *head], _rows(paths, "values"))
            mean = dict(zip(columns, np.concatenate(list(joined(paths, "values"))).mean(axis=0).tolist(), strict=True))
            write_summary(folder, paths, {"mean": mean, "units": units})
            finish(folder)
        shown = [name for name in ("E_x", "E_y", "G_xy", "nu_xy", "k_x", "k_y") if name in mean]
        typer.echo("means: " + ", ".join(f"{name} {mean[name]:.4g} {units[name]}".rstrip() for name in shown))
        typer.echo(f"{out / PROPERTIES}")


def _materials(
    young: str | None, poisson: str | None, conductivity: str | None
) -> tuple[Quantities | None, Quantities | None, Quantities | None]:
    """Return the properties of the phases; raise an error if their numbers differ."""
    if (young is None) != (poisson is None) or (young is None and conductivity is None):
        raise InputError("give --young and --poisson together, or --conductivity, or all three: one number per phase")
    e, nu, k = (
        None if text is None else quantities(option, text, kind)
        for option, text, kind in (
            ("--young", young, "pressure"),
            ("--poisson", poisson, "number"),
            ("--conductivity", conductivity, "conductivity"),
        )
    )
    counts = {name: len(x.values) for name, x in (("--young", e), ("--poisson", nu), ("--conductivity", k)) if x is not None}
    if len(set(counts.values())) > 1 or min(counts.values()) < 2:
        raise InputError(f"materials must have one number per phase, two or more and equally many, got {counts}")
    return e, nu, k


def _columns(n: int, elastic: bool, conducting: bool) -> list[str]:
    """Return the names of the numbers of an image."""
    names = [f"volume_fraction_{h}" for h in range(n)]
    if elastic:
        names += ["E_x", "E_y", "G_xy", "nu_xy", "nu_yx", *(f"C_{i}{j}" for i, j in VOIGT)]
        names += [f"{bound}_C_{i}{i}" for bound in ("Reuss", "Voigt") for i in (1, 2, 3)]
    if conducting:
        names += ["k_x", "k_y", "k_xy", "Wiener_lower", "Wiener_upper"]
    return names


def _unit(name: str, e: Quantities | None, k: Quantities | None) -> str:
    """Return the unit of a column, "" if it has none."""
    if name.startswith(("volume_fraction", "nu_")):
        return ""
    found = k if name.startswith(("k_", "Wiener")) else e
    return found.unit if found is not None else ""


def _homogenised(e: Any, nu: Any, k: Any, plane: str, tolerance: float, tiles: list[Tiles]) -> Arrays:
    """Return the numbers of tiles, a row each."""
    n = len(e or k)
    for each in tiles:
        if each.phases > n or int(each.values.max()) >= n:
            raise InputError(f"{each.name} has {each.phases} phases, the materials are of {n}; --phases {n} cuts gray values into {n}")
    rows = np.empty((len(tiles), len(_columns(n, e is not None, k is not None))))
    for indices, stack in by_size([each.values for each in tiles]):
        m = (stack[:, None] == np.arange(n)[:, None, None]).astype(np.float64)
        rows[indices] = numbers_of(m, e, nu, k, plane, tolerance)
    return {"values": rows}


def numbers_of(m: np.ndarray, e: Any, nu: Any, k: Any, plane: str, tolerance: float) -> np.ndarray:
    """Return volume fractions, constants, tensors and bounds of memberships (n, N, H, W), (n, columns)."""
    from ..homogenisation import conductivity, conductivity_bounds, elastic_stiffness, engineering_constants, voigt_reuss

    found = [m.mean((2, 3))]
    if e is not None:
        c = elastic_stiffness(m, e, nu, plane=plane, tolerance=tolerance)
        constants = engineering_constants(c)
        found.append(np.stack([getattr(constants, name) for name in ("E_x", "E_y", "G_xy", "nu_xy", "nu_yx")], axis=1))
        found.append(np.stack([c[:, i - 1, j - 1] for i, j in VOIGT], axis=1))
        found += [np.diagonal(bound, axis1=1, axis2=2) for bound in voigt_reuss(m, e, nu, plane=plane)]
    if k is not None:
        c = conductivity(m, k, tolerance=tolerance)
        wiener = [conductivity_bounds(row / row.sum(), k)[0] for row in found[0]]
        found += [np.stack([c[:, 0, 0], c[:, 1, 1], c[:, 0, 1]], axis=1), np.array([[each.lower, each.upper] for each in wiener])]
    return np.concatenate(found, axis=1)


def _rows(paths: Sequence[Path], name: str) -> Iterator[Sequence[object]]:
    """Yield the rows of a table."""
    for names, values in zip(joined(paths, NAMES), joined(paths, name), strict=True):
        for row, numbers in zip(names.tolist(), values.tolist(), strict=True):
            yield [*row, *numbers]


def predict(
    run: Run,
    images: Files,
    out: Out = Path("properties"),
    threshold: Threshold = None,
    phases: Phases = None,
    window: Window = None,
    skip: Skip = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Force = False,
) -> None:
    """Predict properties of images in milliseconds by a network of 'twopoint model train predictor': properties.csv.

    Images are cut into tiles of the predictor's size. Each property has an interval, from the errors on tiles that were kept out of
    the training. It holds for images of the same kind. summary.json has the share of these tiles for which it holds.
    """
    with model_errors():
        predictor = load_run(run, ("PropertyMLP",))
        if not hasattr(predictor, "encoder"):
            raise InputError(f"{run} is a predictor without the network that encodes images; 'twopoint model train predictor' keeps both")
        settings = {"command": "model predict", "network": digest(run), "threshold": threshold, "phases": phases, "window": window}
        with results_in(out, settings, PROPERTIES, force=force) as folder:
            source = open_images(images, phases=phases, threshold=threshold, window=window, results=out)
            how = How(predictor.size, skip, jobs, scheduler)
            paths = over_images(folder, source, partial(_predicted, absolute(run)), how, f"predicting {len(source)} images")
            write_csv(out / PROPERTIES, ["file", "row", "column", *predicted_columns(predictor)], _rows(paths, "values"))
            told = {"network": run, "materials": predictor.about["materials"], "units": predictor.units, "level": predictor.level}
            values = np.concatenate(list(joined(paths, "values")))
            means = dict(zip(predictor.properties, values[:, ::3].mean(axis=0).tolist(), strict=True))
            write_summary(folder, paths, told | {"rows": len(values), "mean": means})
            finish(folder)
        typer.echo("means: " + ", ".join(f"{name} {value:.4g} {predictor.units[name]}".rstrip() for name, value in means.items()))
        typer.echo(f"{len(values)} rows: {out / PROPERTIES}")


def _predicted(run: str, tiles: list[Tiles]) -> Arrays:
    """Return mean, low and high of each property of tiles."""
    predictor = loaded_in_process(run)
    return {"values": predicted_numbers(predictor, np.stack(arrays_of(predictor.encoder, tiles)))}


def predicted_columns(predictor: Any) -> list[str]:
    """Return the heads of the columns of :func:`predicted_numbers`: each property with its interval and unit."""
    return [f"{name}{end}{predictor.unit_text(name)}" for name in predictor.properties for end in ("", " low", " high")]


def predicted_numbers(predictor: Any, images: np.ndarray) -> np.ndarray:
    """Return mean, low and high of each property of images (n, H, H), (n, 3 p)."""
    found = predictor.predict(images)
    return np.stack([found.mean, found.low, found.high], axis=2).reshape(len(images), -1)
