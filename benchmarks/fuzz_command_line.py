"""Fuzz the command line: damaged files of every format, random options; neither a traceback nor a hang is allowed.

    python benchmarks/fuzz_command_line.py [--minutes 10] [--seed 0] [--keep fuzz-findings]

Each case makes up to three files (PNG, JPEG, BMP, GIF, PGM, JPEG 2000, TIFF of one or several images, .npy, HDF5, .npz, text with a
matrix, a MATLAB file), damages two in five (cut off, bits flipped, numbers in the header changed, parts lost, doubled or of another
file), gives some of them another ending, and runs a command on one of them, or on a folder or a pattern of several, in a worker, which
has 60 seconds. Prints how many cases ran, by command and exit status. A case is reported if it ends with another status than 0, 2, or 1
with images that were refused, prints nothing, crashes or takes longer; its files are kept, and the status is 1.
"""

import argparse
import contextlib
import io
import json
import queue
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np

CASES_A_WORKER = 300
PATIENCE = 60.0  # seconds per case
MOST_MEMORY = 6 * 2**30  # of a worker, so that a header that asks for more meets a MemoryError

FORMATS = ("png", "jpg", "bmp", "gif", "pgm", "jp2", "tif", "tif", "ome.tif", "npy", "h5", "dream3d", "npz", "csv", "txt", "mat")
ENDINGS = (".png", ".tif", ".h5", ".npz", ".csv", ".raw", ".nii", ".dm4", "", ".mat")  # of files that are called otherwise
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 10**5, 10**6)
NUMBERS = ("0", "1", "2", "3", "5", "9", "12", "64", "-1", "1e9", "nan", "x", "", "99999999999999999999", "1.5")
OPTIONS = {
    "--window": ("8", "4:12,2:14", ":8,:", "0:8", "2:,:9", "0:6,0:6,0:6", ":", "5:2,0:3", "-3", "8,8", "a:b", "", "99999", *NUMBERS),
    "--window-b": ("8", ":4,:", "0:8", "2:9,", "a:b", ""),
    "--threshold-b": ("100", "0.5", "nan", ",", ""),
    "--spacing-b": ("0.65um", "2um", "1.3um,1.3um", "um", ""),
    "--threshold": ("100", "0.5", "50,120", "120,50", "nan", "inf", "1e400", ",", "1,2,3,4,5,6,7,8,9", "", *NUMBERS),
    "--phases": ("2", "3", *NUMBERS),
    "--spacing": (
        "0.65um",
        "file",
        "1µm,2µm",
        "1nm,1nm,1nm",
        "0um",
        "-1um",
        "1",
        "um",
        "1 parsec",
        "1e-40m",
        "1e300m",
        "nanum",
        "1m,1pm",
        "",
    ),
    "--boundary": ("open", "periodic", "closed", ""),
    "--crop": ("5", "8", *NUMBERS),
    "--loss": ("cess", "msess", "clamp"),
    "--seed": ("1", "7", "18446744073709551616", *NUMBERS),
    "--starts": ("1", "2", "0", "-1", "x"),
    "--json": ("-", "out.json", "out.txt", ".", "nowhere/out.json", "a.png"),
    "--out": ("out.png", "µ$_{[bold].png", "out.jpg", "", ".", "nowhere/o.png", "a.png", "x" * 300 + ".png"),
    "--save": ("out.npz", "b.NPZ", "out.npy", ".", "a.npz"),
    "--jobs": ("1", "1", "0", "x"),
    "--by": ("cess", "error", "cumulative", "x"),
    "--page": ("out.html", "µ$_{[bold].htm", "out.png", "", ".", "nowhere/o.html", "x" * 300 + ".html"),
    "--title": ("a <b>", "", "µ$_{", "{{ 1 }}"),
    "--folder": ("results", ".", "", "files", "a.png", "nowhere/results", "x" * 300),
    "--labels": ("out.npy", "out.png", "out.tif", "out.txt"),
}
IMAGE = ("--window", "--threshold", "--phases", "--spacing", "--boundary", "--json", "--out")
TAKES = {
    "stats": (*IMAGE, "--crop", "--save", "--jobs"),
    "report": (*IMAGE[:-2], "--crop", "--page", "--title"),
    "compare": (*IMAGE, "--crop", "--window-b", "--threshold-b", "--spacing-b", "--by"),
    "reconstruct": (*IMAGE, "--crop", "--loss", "--seed", "--starts", "--labels"),
    "demo": ("--seed", "--starts", "--json", "--out", "--labels"),
}
SHAPES = ((16, 16), (40, 36), (13, 18), (13, 18), (12, 9, 3), (10, 11, 4), (5, 8, 9), (7, 7, 7), (1, 20), (2, 2), (1, 1), (3, 14, 12, 3))
INDICES = ("[0]", "[1]", "[-1]", "[99]", "[0,1]", "[]", "[x]", "[0:2]", "[0][0]")
NAMES = ("a", "b-c", "wei[rd]", "sp ace", "$x$", "ü", "[bold]", "d", "e", "f", "g", "n" * 200)


def values(random: Random) -> np.ndarray:
    """Return an image, a stack or a colour image: labels, gray values, floats, or degenerate."""
    rng = np.random.default_rng(random.getrandbits(32))
    shape = random.choice(SHAPES)
    kind = random.choice(["labels", "few", "gray", "float", "bool", "one", "int", "nan"])
    if kind in ("labels", "few", "one", "bool"):
        most = {"labels": 3, "few": 20, "one": 1, "bool": 2}[kind]
        x = rng.integers(0, most, shape).astype(random.choice([np.uint8, np.uint16, np.int32, np.int64]))
        return x.astype(bool) if kind == "bool" else x
    if kind == "gray":
        return rng.integers(0, 256, shape).astype(np.uint8)
    if kind == "int":
        return rng.integers(-(2**31), 2**31, shape).astype(random.choice([np.int32, np.uint16, np.int16, np.uint64]))
    x = (rng.standard_normal(shape) * 10.0 ** random.randint(-30, 30)).astype(random.choice([np.float16, np.float32, np.float64]))
    if kind == "nan":
        x.flat[random.randrange(x.size)] = random.choice([np.nan, np.inf, -np.inf])
    return x


def write(path: Path, random: Random) -> None:
    """Write a valid file."""
    x, ending = values(random), path.suffix[1:]
    x = x.astype(np.float32) if path.name.endswith(".ome.tif") and x.dtype.kind + str(x.dtype.itemsize) in ("f2", "i8", "u8") else x
    x = (
        np.nan_to_num(x.astype(float), posinf=0, neginf=0).astype(random.choice([x.dtype, np.int8, np.uint32]))
        if random.random() < 0.1
        else x
    )
    if ending == "npy":
        if random.random() < 0.1:
            x = x.astype(random.choice(["U3", complex, ">f8", "M8[s]"]))
        np.save(path, x)
    elif ending in ("h5", "dream3d", "mat"):
        write_hdf5(path, x, random)
    elif ending == "npz":
        np.savez(path, **{"image": x, "more": x} if random.random() < 0.3 else {"image": x}) if random.random() < 0.5 else write_statistics(
            path, random
        )
    elif ending in ("csv", "txt"):
        mark = random.choice([",", ";", "\t", " "])
        np.savetxt(path, x.reshape(len(x), -1), delimiter=mark, fmt=random.choice(["%d", "%.3g", "%s"]) if x.dtype.kind != "f" else "%.3g")
    elif ending == "tif" and random.random() < 0.5:
        write_several(path, x, random)
    elif ending == "tif":
        write_tiff(path, x, random)
    else:
        write_picture(path, x, random)


def write_hdf5(path: Path, x: np.ndarray, random: Random) -> None:
    """Write one or two datasets."""
    import h5py

    with h5py.File(path, "w") as file:
        for name in random.sample(["images", "group/images", "other"], random.randint(1, 2)):
            file.create_dataset(name, data=x, compression=random.choice([None, "gzip"]), chunks=random.choice([None, True]))
        file["text"] = "no image"


def write_several(path: Path, x: np.ndarray, random: Random) -> None:
    """Write a TIFF with channels and times, tags of orientation and microscopes, inks, or more than one image."""
    import tifffile

    with_axes = {"axes": "".join(random.sample("TZC", max(x.ndim - 2, 0))) + "YX"} if x.ndim <= 5 else {}
    sizes = {"PhysicalSizeX": random.choice([0.65, 0, 1e30]), "PhysicalSizeXUnit": random.choice(["nm", "µm", "pixel"]), "PhysicalSizeY": 1}
    text = random.choice(["[Scan]\nPixelWidth=1e-9\nPixelHeight=x\n", "0\n1\nAP_PIXEL_SIZE\nPixel Size = 5 nm\n", "x"]).encode()
    extra = [(274, 3, 1, random.randint(0, 9), True), (random.choice([34680, 34682, 34118]), 2, len(text), text, True)]
    kind = random.choice(["axes", "several", "tags", "inks", "samples"])
    if kind == "axes" and x.ndim > 2:
        tifffile.imwrite(path, x, photometric="minisblack", metadata=with_axes | (sizes if path.name.endswith(".ome.tif") else {}))
    elif kind == "several":
        with tifffile.TiffWriter(path, bigtiff=random.random() < 0.2) as file:
            for part in (x, x[..., : max(x.shape[-1] // 2, 1)], x)[: random.randint(1, 3)]:
                file.write(
                    np.ascontiguousarray(part),
                    photometric="minisblack",
                    metadata=random.choice([None, {}]),
                    subfiletype=random.choice([0, 0, 1]),
                )
    elif kind in ("inks", "samples") and x.ndim == 3 and x.dtype != bool:
        photometric = "separated" if kind == "inks" and x.shape[-1] >= 4 else "minisblack"
        tifffile.imwrite(path, x, photometric=photometric, planarconfig="contig", extratags=extra)
    else:
        tifffile.imwrite(path, x, photometric="minisblack", extratags=extra, metadata=None)


def write_statistics(path: Path, random: Random) -> None:
    """Write a file as ``stats --save`` does."""
    from twopoint.cli.measures import crop_sizes, measure
    from twopoint.cli.reading.spacing import Spacing
    from twopoint.cli.saved_statistics import save_statistics

    boundary = random.choice(["open", "periodic"])
    labels = np.random.default_rng(random.getrandbits(32)).integers(0, 2, (10, 12))
    labels[0, :2] = 0, 1
    crop = crop_sizes(random.choice([None, 5]), labels.shape, boundary)
    save_statistics(path, measure(labels, 2, boundary=boundary, spacing=Spacing(), crop=crop), source="fuzz")


def write_tiff(path: Path, x: np.ndarray, random: Random) -> None:
    """Write a TIFF by tifffile, or a compressed one by Pillow."""
    import tifffile
    from PIL import Image

    if x.ndim == 2 and random.random() < 0.3:
        how = random.choice(["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"])
        image = Image.fromarray(np.nan_to_num(x.astype(np.float64), posinf=0, neginf=0).clip(0, 255).astype(np.uint8))
        (image.convert("1") if how == "group4" else image).save(path, compression=how)
        return
    options = random.choice([{}, {"compression": "zlib"}, {"rowsperstrip": 2}, {"tile": (16, 16)}, {"bigtiff": True}, {"byteorder": ">"}])
    photometric = "rgb" if x.shape[-1] in (3, 4) and x.ndim > 2 else "minisblack"
    tifffile.imwrite(path, x, photometric=photometric, **options)


def write_picture(path: Path, x: np.ndarray, random: Random) -> None:
    """Write a picture by Pillow, in one of its modes."""
    from PIL import Image

    x = np.nan_to_num(x.astype(np.float64), posinf=0, neginf=0)
    x = x[0] if x.ndim == 4 or (x.ndim == 3 and x.shape[-1] not in (3, 4)) else x
    low, high = x.min(), x.max()
    x = x if high < 256 and low >= 0 else (x / 2 - low / 2) / max(high / 2 - low / 2, 1e-300) * 255
    image = Image.fromarray(x.astype(np.uint8))
    mode = random.choice(["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "keep", "keep"])
    if path.suffix == ".png" and mode == "I;16":
        image = Image.fromarray((256 * (x[..., 0] if x.ndim == 3 else x)).astype(np.uint16))
    elif mode not in ("keep", "I;16"):
        image = image.convert(mode)
    if path.suffix == ".pgm":
        image = image.convert(random.choice(["L", "1", "RGB"]))
    if path.suffix == ".gif" and random.random() < 0.5:
        image.convert("P").save(path, save_all=True, append_images=[image.convert("P").rotate(90)])
        return
    image.convert("RGB" if path.suffix in (".jpg", ".bmp", ".jp2") else image.mode).save(path)


def damage(data: bytes, other: bytes, random: Random) -> bytes:
    """Return a file's bytes, damaged."""
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 5])):
        how, at = random.choice(["cut", "flip", "number", "lose", "double", "mix", "header"]), random.randrange(max(len(changed), 1))
        if how == "cut":
            changed = changed[:at]
        elif how == "flip":
            for _ in range(random.choice([1, 3, 20])):
                if changed:
                    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        elif how in ("number", "header"):
            start = random.randrange(min(len(changed), 256) if how == "header" else len(changed)) if changed else 0
            width = random.choice([1, 2, 4, 8])
            number = random.choice(EXTREMES) % 256**width
            changed[start : start + width] = number.to_bytes(width, random.choice(["little", "big"]))
        elif how == "lose":
            del changed[at : at + random.choice([1, 16, 200])]
        elif how == "double":
            changed[at:at] = changed[at : at + random.choice([1, 16, 200])]
        else:
            changed[at:] = other[random.randrange(max(len(other), 1)) :]
    return bytes(changed)


def make_file(folder: Path, random: Random) -> Path:
    """Write a file and, two times in five, damage it."""
    path = folder / f"{random.choice(NAMES)}.{random.choice(FORMATS)}"
    write(path, random)
    if random.random() < 0.4:
        second = folder / f"other.{random.choice(FORMATS)}"
        write(second, random)
        path.write_bytes(damage(path.read_bytes(), second.read_bytes(), random))
        second.unlink()
    if random.random() < 0.1:
        path = path.rename(path.with_name(path.name.partition(".")[0] + random.choice(ENDINGS)))
    return path


def single(command: str, folder: Path, random: Random) -> list[str]:
    """Make the files of a command on one or two, and return their names, with a dataset or an index now and then."""
    words, path = [], folder
    for _ in range({"compare": 2, "demo": 0}.get(command, 1)):
        path = path if path.is_file() and random.random() < 0.3 else make_file(folder, random)
        name = path.name
        if path.suffix in (".h5", ".dream3d", ".mat") and random.random() < 0.7:
            name += ":" + random.choice(["images", "group/images", "group", "", "text", "nothing"])
        if path.suffix in (".tif", ".npz", ".csv") and random.random() < 0.2:
            name += ":" + random.choice(["0", "1", "2", "image", "-1"])
        words.append(name + (random.choice(INDICES) if random.random() < 0.05 else ""))
    return words


def several(folder: Path, random: Random) -> list[str]:
    """Make several files in a folder, and return a folder, a pattern, their names, or some of each."""
    place = folder / "files"
    place.mkdir(exist_ok=True)
    for _ in range(random.choice([0, 1, 2, 3, 4])):
        make_file(place, random)
        if random.random() < 0.5:  # a file of the same kind, so that some can be compared
            np.save(place / f"{random.choice(NAMES[:4])}.npy", np.random.default_rng(random.getrandbits(32)).integers(0, 2, (16, 18)))
    names = [f"files/{path.name}" for path in sorted(place.iterdir())]
    words = random.choice([["files"], ["files/*"], ["files/*.npy"], ["**/*"], names, ["files", "files/a.npy"], [*names, "missing.png"]])
    return words or ["files"]


def make_words(folder: Path, random: Random) -> list[str]:
    """Return a command line, and make its files."""
    command = random.choice([*["stats"] * 4, *["compare"] * 3, *["reconstruct"] * 2, "report", "report", "demo"])
    many = command in ("stats", "compare", "report") and random.random() < 0.35
    words = [command, *(several(folder, random) if many else single(command, folder, random))]
    if command == "demo":
        words += ["--size", random.choice(["16", "17", "20"]), "--starts", "1"]
    if many:
        words += ["--jobs", "1"]  # starting processes would take most of the time
    for option in random.sample(TAKES[command], random.choice([0, 0, 0, 1, 1, 2, 4])):
        kind = "--folder" if many and option == "--out" else option
        words += [option.replace("--page", "--out"), random.choice(OPTIONS[kind][:2] if random.random() < 0.6 else OPTIONS[kind])]
    if command == "stats" and random.random() < 0.15:
        words += ["--mask", make_file(folder, random).name]
    return words + ["--force"] * (random.random() < 0.5)


def run_case(words: list[str]) -> tuple[int, str]:
    """Run a command in this process; return its status, and what is wrong with how it ended."""
    from twopoint.cli.commands import app

    out, err = io.StringIO(), io.StringIO()
    status, wrong = 0, ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning that the user would see is a finding
        try:
            app(words, standalone_mode=True)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001  the user would see a traceback
            status, wrong = -1, traceback.format_exc()
    if not wrong and (status not in (0, 1, 2) or (status == 1 and "were refused" not in err.getvalue())):
        wrong = f"status {status}: {err.getvalue()}"
    if not wrong and "internal error" in err.getvalue():  # one of many images met a defect
        wrong = err.getvalue()
    if not wrong and status == 2 and not err.getvalue().strip():
        wrong = "refused silently"
    if not wrong and "Traceback" in out.getvalue() + err.getvalue():
        wrong = err.getvalue()
    return status, wrong


def one_case(seed: int, folder: Path) -> tuple[list[str], int, str]:
    """Make a case from its seed and run it, inside a folder."""
    random = Random(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        words = make_words(folder, random)
    with contextlib.chdir(folder):
        return words, *run_case(words)


def work(first: int, folder: Path) -> None:
    """Run cases one after the other; say before each which, and after each how it ended."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    for seed in range(first, first + CASES_A_WORKER):
        place = folder / str(seed)
        place.mkdir()
        print(json.dumps({"begins": seed}), flush=True)
        words, status, wrong = one_case(seed, place)
        print(json.dumps({"words": words, "status": status, "wrong": wrong}), flush=True)
        if not wrong:
            shutil.rmtree(place)


class Worker:
    """A process that runs cases, and what it says, line by line with patience."""

    def __init__(self, first: int, folder: Path) -> None:
        command = [sys.executable, __file__, "--worker", str(first), "--keep", str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def next(self) -> dict | None:
        """Return what it says next; None when it has ended. queue.Empty means that it hangs."""
        line = self.lines.get(timeout=PATIENCE)
        return None if line is None else json.loads(line)

    def end(self, *, kill: bool) -> tuple[int, str]:
        """Return the status and the last words of a process that has ended, or is to end."""
        if kill:
            self.process.kill()
        self.listener.join()
        said = self.process.stderr.read()
        code = self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, said


def watch(first: int, folder: Path, until: float, counts: Counter[str]) -> list[str]:
    """Run one worker until it ends or time is up; return the findings."""
    worker, current, found = Worker(first, folder), first, []
    while True:
        try:
            said = worker.next()
        except queue.Empty:
            worker.end(kill=True)
            counts["hangs"] += 1
            return [*found, f"case {current} took more than {PATIENCE:g} s"]
        if said is None:
            code, words = worker.end(kill=False)
            if code:
                counts["deaths"] += 1
                found.append(f"case {current} ended the process with {code}: {words[-1500:]}")
            return found
        if "begins" in said:
            current = said["begins"]
            if time.monotonic() > until:
                worker.end(kill=True)
                shutil.rmtree(folder / str(current), ignore_errors=True)
                return found
            continue
        counts["cases"] += 1
        counts[f"{said['words'][0]}: status {said['status']}"] += 1
        if said["wrong"]:
            counts["tracebacks or wrong ends"] += 1
            found.append(f"case {current}: twopoint {' '.join(said['words'])}\n{said['wrong']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="where files of findings stay")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker is not None:
        work(given.worker, given.keep)
        return
    given.keep.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=given.keep)).resolve()
    counts: Counter[str] = Counter()
    found: list[str] = []
    until, first = time.monotonic() + 60 * given.minutes, given.seed * 10**6
    while time.monotonic() < until:
        new = watch(first, folder, until, counts)
        for finding in new:
            print(finding, flush=True)
        found += new
        first += CASES_A_WORKER
    for name, count in sorted(counts.items()):
        print(f"{count:7} {name}")
    place = f", in {folder}" if found else ""
    print(f"{given.minutes:g} minutes, seed {given.seed}: {counts['cases']} cases, {len(found)} findings{place}")
    if not found:
        shutil.rmtree(folder)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
