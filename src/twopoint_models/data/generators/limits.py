"""What a parameter of a class may be."""

from typing import Any

from . import checks as check
from .arrangement import LENGTHS

ABOVE = {*LENGTHS, "half_length", "half_width", "spacing", "grain", "period", "area"}
SHARES = {"share", "merge", "split"}
SMALL = {"irregularity": 1.5, "unequal": 0.5}  # beyond which nuclei, or channels, come out of order
PIXEL = 0.25  # least period: the smallest images have cuboids that no pixel shows
SIGNED = {"angle", "angle_2", "direction"}


def checked(key: str, value: Any) -> Any:
    """Return a parameter's value; refuse what means nothing."""
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
    """Refuse inclusions that are larger than the image, for they would meet themselves, and rows finer than pixels."""
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
