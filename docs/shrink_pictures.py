"""Make a picture that an example left fit for the gallery: fewer pixels and colours.

    python docs/shrink_pictures.py designs/designs.png [more.png ...] --as design

Writes docs/images/gallery/NAME.png; of several pictures, one below the other.
"""

import argparse
from pathlib import Path

from PIL import Image


def main() -> None:
    """Shrink and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--as", dest="name", required=True, help="name of the example")
    parser.add_argument("--rows", type=float, default=1.0, help="share of the height that is kept, from above")
    parser.add_argument("--width", type=int, default=640, help="pixels at most")
    parser.add_argument("--colours", type=int, default=16)
    options = parser.parse_args()
    found = [Image.open(path).convert("RGB") for path in options.pictures]
    wide = min(options.width, max(each.width for each in found))
    found = [each.resize((wide, round(each.height * wide / each.width)), Image.Resampling.LANCZOS) for each in found]
    found = [each.crop((0, 0, wide, round(options.rows * each.height))) for each in found]
    sheet = Image.new("RGB", (wide, sum(each.height for each in found)), "white")
    for i, each in enumerate(found):
        sheet.paste(each, (0, sum(other.height for other in found[:i])))
    path = Path(__file__).parent / "images/gallery" / f"{options.name}.png"
    path.parent.mkdir(exist_ok=True)
    sheet.quantize(options.colours, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
