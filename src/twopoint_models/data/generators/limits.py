"""Limits of the parameters of classes."""

from typing import Any

from . import checks as check
from .arrangement import LENGTHS

ABOVE = {*LENGTHS, "half_length", "half_width", "spacing", "grain", "period", "area"}
SHARES = {"share", "merge", "split"}
SMALL = {"irregularity": 1.5, "unequal": 0.5}  # beyond these, nuclei or channels would change their order
PIXEL = 0.25  # least period; in the smallest images cuboids are finer than pixels
SIGNED = {"angle", "angle_2", "direction"}


def checked(key: str, value: Any) -> Any:
    """Return the value of a parameter; refuse an invalid one."""
    if key == "volume_fraction":
        return check.fraction(key, value, 1)
    if key == "radii":
        radii = tuple(check.above(key, each) for each in (check.several(key, value) if hasattr(value, "__len__") else (value,)))
        if not radii:
            raise ValueError("radii must be one at least")
        return radii
    if key in ABOVE:
        return check.above(key, value)
    if key in SHARES:
        return check.within(key, value, 1)
    if key in SMALL:
        return check.within(key, value, SMALL[key])
    number = check.real(key, value)
    if number < 0 and key not in SIGNED:
        raise ValueError(f"{key} must be 0 at least, got {value!r}")
    return number


def fit(used: dict[str, Any], shape: tuple[int, int]) -> None:
    """Refuse inclusions larger than the image, which would overlap themselves, and rows finer than pixels."""
    side = min(shape)
    most = {"radii": side / 2, "half_length": side / 2, "half_width": side / 2, "area": side**2 / 4, "spacing": side, "period": side / 4}
    for key, limit in {key: most[key] for key in most if key in used}.items():
        largest = max(used[key]) if key == "radii" else used[key]
        if largest > limit:
            raise ValueError(f"{key} must be at most {limit:g} pixels in an image of {shape[0]} x {shape[1]}, got {largest:g}")
    if "period" in used and not max(2 * used["channel"], PIXEL) <= used["period"]:
        raise ValueError(
            f"period must be at least two channels, and {PIXEL:g} pixels, got {used['period']:g} and channel {used['channel']:g}"
        )
