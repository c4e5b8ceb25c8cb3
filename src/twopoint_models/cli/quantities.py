"""Numbers with units, as they are typed: 10GPa, 100 W/mK."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from twopoint.cli.terminal import InputError

_PRESSURES = {"Pa": 1.0, "kPa": 1e3, "MPa": 1e6, "GPa": 1e9, "TPa": 1e12}
_CONDUCTIVITIES = {"W/mK": 1.0, "mW/mK": 1e-3, "kW/mK": 1e3, "W/(mK)": 1.0, "W/(m*K)": 1.0, "S/m": 1.0}
UNITS = {"pressure": _PRESSURES, "conductivity": _CONDUCTIVITIES, "number": dict[str, float]()}
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\s\d.]\S*)?\s*")
OF_PROPERTY = dict.fromkeys(("E_x", "E_y", "G_xy"), "pressure") | dict.fromkeys(("k_x", "k_y"), "conductivity")


@dataclass(frozen=True)
class Quantities:
    """Numbers in one unit, "" without one."""

    values: tuple[float, ...]
    unit: str


class TargetValue(NamedTuple):
    """A target property: a number, or least and largest."""

    name: str
    value: float | tuple[float, float]


def quantities(option: str, text: str, kind: str) -> Quantities:
    """Return the numbers of an option, all in the unit of the first.

    Raises
    ------
    InputError
        If a number cannot be read, a unit is not one of this kind, or some numbers have a unit and others not.

    Examples
    --------
    >>> from twopoint_models.cli.quantities import quantities
    >>> quantities("--young", "10GPa,1000MPa", "pressure")
    Quantities(values=(10.0, 1.0), unit='GPa')
    """
    parts = [_parse(option, part, kind) for part in text.split(",") if part.strip()]
    units = [unit for _, unit in parts]
    if not parts or len({unit == "" for unit in units}) > 1:
        raise InputError(f"{option} must be numbers that all have a unit, or none of them, got {text!r}")
    factors = UNITS[kind]
    if (units[0] == "S/m" and set(units) != {"S/m"}) or ("S/m" in units[1:] and units[0] != "S/m"):
        raise InputError(f"{option} must be electrical or thermal conductivities, not both, got {text!r}")
    scale = [factors[unit] / factors[units[0]] if unit else 1.0 for unit in units]
    return Quantities(tuple(float(f"{value * factor:.12g}") for (value, _), factor in zip(parts, scale, strict=True)), units[0])


def _parse(option: str, text: str, kind: str) -> tuple[float, str]:
    """Return a number and its unit."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise InputError(f"{option} must be numbers, such as {'0.3' if kind == 'number' else '10' + next(iter(UNITS[kind]))}, got {text!r}")
    unit = match[2] or ""
    if unit and unit not in UNITS[kind]:
        known = f"one of {', '.join(UNITS[kind])}" if UNITS[kind] else "none"
        raise InputError(f"{option} takes {'a ' + kind if UNITS[kind] else 'numbers'}, whose unit is {known}; got {text.strip()!r}")
    return float(match[1]), unit


def targets_in(texts: str, units: dict[str, str]) -> list[TargetValue]:
    """Return target properties of ``E_x=4.2GPa`` or ``E_x=4GPa:5GPa``, in the units of the materials by kind.

    Raises
    ------
    InputError
        If a target is not NAME=VALUE, or its unit does not fit.
    """
    found = []
    for text in texts.split(","):
        name, equal, value = text.partition("=")
        if not equal or not name or not value:
            raise InputError(f"--target must be NAME=VALUE, or NAME=LEAST:LARGEST, such as E_x=4.2GPa, got {text!r}")
        if name not in (known := (*OF_PROPERTY, "nu_xy", "nu_yx")):
            raise InputError(f"--target must be of {', '.join(known)}, got {name}")
        kind = OF_PROPERTY.get(name, "number")
        ends = [_in_unit(name, end, kind, units.get(kind, "")) for end in value.split(":")]
        if len(ends) > 2:
            raise InputError(f"--target {name} must be one number, or least and largest, got {value!r}")
        found.append(TargetValue(name, ends[0] if len(ends) == 1 else (ends[0], ends[1])))
    return found


def _in_unit(name: str, text: str, kind: str, unit: str) -> float:
    """Return a number in the unit of the materials; refuse a unit where these have none."""
    got = quantities(f"--target {name}", text, kind)
    if got.unit and not unit:
        raise InputError(f"--target {name} has the unit {got.unit}, but the materials have none; give units to both or to neither")
    factor = UNITS[kind][got.unit] / UNITS[kind][unit] if got.unit else 1.0
    return float(f"{got.values[0] * factor:.12g}")
