"""The folder of results of a run over many images: what it holds, and what a second call need not do again."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import __version__
from ..reading.collect import RUN_FILE, Input, path_of
from ..reading.names import parse_source
from ..showing import outputs
from ..terminal import InputError, OutputError

RUN_FORMAT = "twopoint run 1"
_FILES = (".png", ".json", ".csv", ".html", ".htm", ".pdf", ".svg", ".jpg", ".tif", ".tiff")  # endings that no folder has


@dataclass(frozen=True)
class RunFolder:
    """A folder of results.

    Attributes
    ----------
    path : Path
        The folder.
    settings : dict
        The command and the options on which its numbers depend.
    """

    path: Path
    settings: dict[str, Any]

    def open(self, *, force: bool) -> None:
        """Create the folder, or take one of an earlier call.

        Parameters
        ----------
        force : bool
            Whether an earlier call with other options may be replaced.

        Raises
        ------
        InputError
            If it is not a folder, holds other files, or results of other options.
        """
        if "\0" in str(self.path):
            raise InputError("an output's name must not hold a null character")
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file; --out takes a folder for several images")
        if self.path.suffix.lower() in _FILES and not self.path.exists():
            raise InputError(f"--out takes a folder for several images, got {self.path}, the name of a file")
        marker = self.path / RUN_FILE
        if marker.exists() and not force:
            self._refuse_other_settings(_read_json(marker))
        elif not marker.exists() and self.path.is_dir() and any(self.path.iterdir()) and not force:
            raise InputError(f"{self.path} holds other files; name a new folder by --out, or add --force to write into this one")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be created: {error.strerror or error}") from error
        for left in self.path.glob(".*.part"):  # of a run that was killed
            left.unlink(missing_ok=True)
        text = outputs.json_text(RUN_FORMAT, {"settings": self.settings})
        outputs.write_whole(marker, lambda part: _write(part, text))

    def _refuse_other_settings(self, found: Any) -> None:
        """Raise an error for results of another version or of other options."""
        known = found if isinstance(found, dict) else {}
        if known.get("format") != RUN_FORMAT or not isinstance(known.get("settings"), dict):
            raise InputError(f"{self.path / RUN_FILE} is damaged; --force measures again, or --out names another folder")
        if known.get("twopoint") != __version__:
            raise InputError(f"{self.path} holds results of twopoint {known.get('twopoint')}; --force measures again")
        was, now = known["settings"], json.loads(json.dumps(self.settings))
        other = [name for name in {**was, **now} if was.get(name) != now.get(name)]
        if other:
            listed = ", ".join(f"{name} {was.get(name)}, now {now.get(name)}" for name in sorted(other))
            raise InputError(
                f"{self.path} holds results of other options ({listed}); name another folder by --out, or --force replaces them"
            )

    def record(self, name: str) -> Path:
        """The file for the numbers of one image."""
        return self.path / f"{name}.json"

    def picture(self, name: str) -> Path:
        """The picture of one image."""
        return self.path / f"{name}-stats.png"

    def finished(self, image: Input, *, pictures: bool) -> dict[str, Any] | None:
        """Return the numbers of an image that an earlier call has measured completely; None if it or its file has changed."""
        record = self.record(image.name)
        if not record.is_file() or (pictures and not self.picture(image.name).is_file()):
            return None
        known = _read_json(record)
        if not isinstance(known, dict) or known.get("file") != stamp(image.text) or known.get("source") != str(parse_source(image.text)):
            return None
        return known if not pictures or known.get("picture") == self.picture(image.name).name else None

    def write(self, path: Path, text: str) -> None:
        """Write a text completely or not at all."""
        outputs.write_whole(path, lambda part: _write(part, text))


def stamp(text: str) -> dict[str, int] | None:
    """Return the size and the time of an image's file, by which a change is noticed; None if it cannot be read."""
    path = path_of(text)
    if path is None or not path.exists():
        return None
    found = path.stat()
    return {"bytes": found.st_size, "modified": found.st_mtime_ns}


def _write(path: Path, text: str) -> None:
    """Write a text."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def _read_json(path: Path) -> Any:
    """Return the content of a .json file; None if it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
