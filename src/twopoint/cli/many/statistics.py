"""``stats`` on many images: each is measured in a process, its numbers and its picture are written, and all are summarised."""

from dataclasses import asdict, dataclass
from typing import Any

from ..analysis import Analysis, AnalysisOptions, analyse
from ..reading.collect import Input
from ..showing import outputs
from ..terminal import collecting, say
from .folder import RunFolder, stamp
from .pool import work_on_all
from .rows import Record, by_kind, csv_text, light, spread

STATS_FORMAT = "twopoint stats 1"
SUMMARY_FORMAT = "twopoint summary 1"
CSV, JSON = "summary.csv", "summary.json"


@dataclass(frozen=True)
class _Task:
    """One image, how it is measured, and where its results go."""

    image: Input
    options: AnalysisOptions
    folder: RunFolder
    pictures: bool


@dataclass(frozen=True)
class Summary:
    """The numbers of many images, and those that were refused.

    Attributes
    ----------
    records : list of dict
        The numbers of each image without its curves, in the order of the inputs.
    refused : list of dict
        Source and reason of each image without numbers.
    """

    records: list[Record]
    refused: list[Record]

    def content(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return all for a .json file."""
        groups = [spread(group) for group in by_kind(self.records)]
        return {"settings": settings, "images": self.records, "groups": groups, "refused": self.refused}


def settings_of(command: str, options: AnalysisOptions) -> dict[str, Any]:
    """Return the command and all options on which numbers depend, for a folder of results."""
    values = asdict(options)
    reading = values.pop("reading")
    reading.pop("of_b")
    values["descriptors"] = ",".join(options.descriptors) or None
    mask = {} if options.mask is None else {"mask_file": stamp(options.mask)}
    return {"command": command} | reading | values | mask


def measure_many(
    images: list[Input], options: AnalysisOptions, folder: RunFolder, *, pictures: bool, jobs: int | None, force: bool
) -> Summary:
    """Measure images that an earlier call has not measured, write the results of each, and the summary of all.

    Parameters
    ----------
    images : list of Input
        The images.
    options : AnalysisOptions
        How each is measured.
    folder : RunFolder
        Where the results go; it is open.
    pictures : bool
        Whether each image gets a picture.
    jobs : int or None
        Number of processes.
    force : bool
        Whether images are measured again that were measured before.
    """
    found: dict[int, Record] = {}
    for at, image in enumerate(images):
        known = None if force else folder.finished(image, pictures=pictures)
        if known is not None:
            found[at] = light(known)
    left = [at for at in range(len(images)) if at not in found]
    if found:
        say(f"note: {len(found)} of {len(images)} images were measured by an earlier call; --force measures them again")
    if left:
        for old in (CSV, JSON):  # of an earlier call: it would not be the summary of these images
            (folder.path / old).unlink(missing_ok=True)
    refused: dict[int, Record] = {}
    tasks = [_Task(images[at], options, folder, pictures) for at in left]
    try:
        for i, outcome in work_on_all(_measure, tasks, jobs, f"measuring {len(tasks)} images"):
            at = left[i]
            if outcome.result is not None:
                found[at] = outcome.result
            else:
                refused[at] = {"source": images[at].text, "reason": outcome.reason}
    except KeyboardInterrupt:
        say(f"{len(found)} of {len(images)} images are measured; the same command resumes")
        raise
    summary = Summary([found[at] for at in sorted(found)], [refused[at] for at in sorted(refused)])
    _write_summary(summary, folder)
    return summary


def _measure(task: _Task) -> Record:
    """Measure one image and write its results; return its numbers without the curves."""
    folder, name = task.folder, task.image.name
    with collecting() as notes:
        analysis = analyse(task.image.text, task.options)
    picture = folder.picture(name) if task.pictures else None
    if picture is not None:
        with collecting():
            outputs.write_whole(picture, analysis.draw)
    record = analysis.summary() | {
        "name": name,
        "notes": notes_of(notes, analysis),
        "file": stamp(task.image.text),
        "picture": None if picture is None else picture.name,
    }
    folder.write(folder.record(name), outputs.json_text(STATS_FORMAT, record))
    return light(record)


def notes_of(notes: list[str], analysis: Analysis) -> list[str]:
    """Return notes on one image without its name at their beginning, and without the segmentation, which has a place of its own."""
    own = [note.removeprefix(f"{analysis.loaded.name}: ") for note in notes]
    return [note for note in own if note != analysis.loaded.segmentation.method]


def _write_summary(summary: Summary, folder: RunFolder) -> None:
    """Write the summary as a table for a spreadsheet and as numbers by name."""
    folder.write(folder.path / CSV, csv_text(summary.records, summary.refused))
    folder.write(folder.path / JSON, outputs.json_text(SUMMARY_FORMAT, summary.content(folder.settings)))
