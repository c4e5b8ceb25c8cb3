"""Plain English: phrases that the project does not use, each with what to write instead, and the retired names of the core.

The phrases are short regular expressions over prose in which every run of blanks is one space: docstrings, comments, messages and help
texts of Python files, and the text of pages without their code.
"""

import ast
import io
import re
import shutil
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support import ROOT

pytestmark = pytest.mark.numpy_only

PLACES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "src/**/*.py", "examples/*.py", "benchmarks/*.py")


class Phrase(NamedTuple):
    """A pattern, a sentence in which it is found, and a plain sentence to write instead."""

    pattern: str
    planted: str
    instead: str


_COUNTED = "one|ints?|integers?|floats?|numbers?|values?|lags?|steps?|spacings?|ranges?|lengths?|points?|pixels|cells|slices?|weights?"
_EACH = "layer|pixel|phase|start|row|shell|line|file|case|call|plan|shape|class|step|point|sample|subject|command|lattice|name"
_KINDS = "arrays?|integers?|floats?|Generator|function|file|directory|image|volume|correlation|convolution|mask|indicator|tensor|failure"
_KINDS += "|options?|parts?|statistics|probabilities|phase|loss|vector|matrix"

PHRASES = (
    # Articles and numbers
    Phrase(rf"\b({_COUNTED}) an axis\b", "crop : int or one int an axis", "crop : int or one int per axis"),
    Phrase(rf"\b(one|numbers?|values?|weights?|seconds|program|calls) a ({_EACH})\b", "one weight a layer", "one weight per layer"),
    Phrase(rf"\b(?<![Tt]here )(is|are|was|were) no ({_KINDS})\b", "if x is no array", "if x is not an array"),
    Phrase(r"\bno (integer|Generator|callable|dask array|real array)s?\b", "a size or n no integer", "a size or n is not an integer"),
    Phrase(r"(?<![Tt]here )\b(is|are) none\b(?! of)", "refuse what is none", "raise if it is not a number"),
    Phrase(r"\bnone of the allowed\b", "that is none of the allowed words", "that is not one of the allowed words"),
    Phrase(r"\b(has|have) not (\d|one|two|three|a|an|the) ", "if shape has not 2 sizes", "if shape does not have 2 sizes"),
    Phrase(r"\bholds? (no|none)\b(?! (more|fewer|longer))", "but loss holds none", "but loss does not contain one"),
    Phrase(
        r"\bThe (most|least) (steps|iterations|points|pixels)\b",
        "The most steps of the exchange",
        "Maximum number of steps of the exchange",
    ),
    Phrase(r"\bthe least and the most\b", "the least and the most of them", "the minimum and the maximum"),
    Phrase(
        r"\bso (many|few) (\w+ )?(points|phases|rows|lags|numbers|steps|tile|whole|bytes)\b",
        "an array of so many numbers",
        "an array of this size",
    ),
    Phrase(r"\bfarther ones\b|\bnearer ones\b", "farther ones share nothing", "discs that are farther apart share nothing"),
    # Inversions and sentences without a subject in front
    Phrase(
        r"(^|(?<=[.!?] ))Of (?!course)\w+", "It is kept. Of a target only this is used", "It is kept. Only this part of a target is used"
    ),
    Phrase(
        r"\b(ints?|floats?|numbers?|bool|str|[Pp]ath|seed|array|Generator|optional) Of \w+",
        "seed : int Of the noise",
        "seed : int Seed of the noise",
    ),
    Phrase(r"\bAs of :", "As of :func:`circles`", "As for :func:`circles`"),
    Phrase(r"\b[Oo]nly (then|there|here|so) (is|are|does|do|can|has|have)\b", "Only then is it read", "It is read only then"),
    Phrase(r"\bbe it\b", "the best exchange, be it for the worse", "the best exchange, even if the error rises"),
    Phrase(r"(, |; |\. )[Ss]o (is|are|does|do|has|have) (the|a|its|every)\b", "and, so does the gradient", "and the gradient does, too"),
    Phrase(r"\bthan (is|are|does|do|has|have) (the|a|its)\b", "larger than is the image", "larger than the image"),
    Phrase(r"\bnor (is|are|does|do|has|have) (it|they|the|a|any)\b", "nor does it need one", "and it does not need one"),
    Phrase(r"\b([Ww]ere|[Hh]ad|[Ss]hould) (it|they|one)( not)? (be|been|fail|differ)\b", "should it fail", "if it fails"),
    Phrase(r"\b[Nn]ever (is|are|does|do|has|have) (the|a|it|they)\b", "Never is the mask used", "The mask is never used"),
    Phrase(r"\b[Nn]ot (so|until|before) (is|are|does|do)\b", "Not so is the other", "The other is not"),
    Phrase(
        r"\bwhat (he|she|it|they) (is|are) told\b|\bit is told\b",
        "which it is told the axes of without a batch",
        "n_axes counts the axes that are not batch",
    ),
    Phrase(r"\b(must|should) be told\b", "all that torch must be told", "all that is specific to torch"),
    Phrase(r"\bfor which there (is|are) none\b", "an array for which there is none", "an array without one"),
    # None, defaults and conditions
    Phrase(r"\bunless (given|said|set)\b( otherwise)?", "1 each unless given", "1 each by default"),
    Phrase(r"\bNone where\b", "the mask; None where all points are used", "the mask; None if all points are used"),
    Phrase(r"\bif none was (given|said)\b", "the default if none was given", "the default without one"),
    Phrase(r"\bwhere there (is|are) (one|any|none)\b", "its mask where there is one", "its mask, if it has one"),
    Phrase(r"\b[Ll]eft out (they are|it is)\b", "left out they are its defaults", "by default they are its defaults"),
    Phrase(r"\bthan said\b", "another number than said", "another number than given"),
    Phrase(r"\b(taken|used|mended|done|made) unasked\b", "which is not used unasked", "which is not used by default"),
    # Requested, target, result
    Phrase(r"(?<!-)\bwanted\b", "the volume fractions wanted", "the target volume fractions"),
    Phrase(r"\bwants\b", "torch wants positive strides", "torch needs positive strides"),
    Phrase(r"\bas \w+( and \w+)? want\b", "as PCA and regression want", "for PCA and regression"),
    Phrase(r"\bgoals?\b", "the goal of the search", "the target of the search"),
    Phrase(r"\bwhat (is|was) (found|to be found)\b", "what is found", "the result"),
    Phrase(r"\bwhat (is|was) (asked|asked for)\b", "what was asked for", "the request"),
    Phrase(r"\bwhat (lay|lies|stood) (at|there|before)\b", "what lay at the path", "what was at the path"),
    Phrase(r"\bas it was asked\b|\bas asked\b", "in the order as asked", "in the requested order"),
    # Masks, lags and phases
    Phrase(r"\bcounting (points?|pixels?)\b", "the mean over counting points", "the mean over points inside the mask"),
    Phrase(r"\b[Ww]hich (points|pixels) count\b", "which points count", "the points that are used"),
    Phrase(r"\b(points|pixels|pairs)( of points)? that( do not|)? count\b", "points that count", "points inside the mask"),
    Phrase(r"\b(no|few|one) pairs?( of (counting )?points)? spans?\b", "lags that no pair spans", "lags without a pair of points"),
    Phrase(r"\b(stands?|are|is) behind (a|each|every|the) lag\b", "how many pairs stand behind a lag", "the number of pairs at a lag"),
    Phrase(r"\bfar points\b", "far points differ", "distant points differ"),
    Phrase(r"\bknows? of each other\b", "points still know of each other", "points are still correlated"),
    Phrase(r"\btold apart\b|\btell(s|ing)? (\w+ ){1,3}apart\b", "the spectrum tells angles apart", "the spectrum distinguishes angles"),
    Phrase(r"\bleave(s)? phase \w+ out\b", "arrays that leave phase 0 out", "arrays without phase 0"),
    Phrase(r"\bphase \w+ being one minus\b", "phase 0 being one minus the rest", "phase 0 is one minus the rest"),
    Phrase(r"\bare one([,.;:)]| and its\b)", "f_hk and f_kh are one.", "f_hk and f_kh are equal."),
    Phrase(r"\b(are|all|is|was) alike\b", "calls that are alike", "calls with the same options"),
    Phrase(r"\bweighs? (nothing|as much)\b", "a lag weighs nothing", "a lag has weight 0"),
    Phrase(r"\b(one|two|a single) (hump|bump)s?\b|\bhumps?\b", "a histogram of one hump", "a histogram with one peak"),
    # Private metaphors and persons
    Phrase(r"\b(the|at the|this) door\b", "checked at the door", "checked in the public function"),
    Phrase(r"\bRefusals?\b", "Refusals of bad input", "Checks of input"),
    Phrase(r"\b[Rr]efuses? (what|others|another|all others)\b", "Refuse what is too large", "Raise if it is too large"),
    Phrase(r"\b(gradients?|derivatives?) (dies?|died|is dead|are dead)\b", "no gradient dies", "no gradient vanishes"),
    Phrase(r"\b(loses?|lost) (its|their|the|all) digits\b", "it would lose its digits", "it would lose precision"),
    Phrase(r"\btak(es?|en|ing) (\w+ ){1,3}away\b(?! from)", "smoothing takes the noise away", "smoothing removes the noise"),
    Phrase(r"\bleav(es?|ing) (the |its )?(\w+ )?alone\b", "it leaves the statistics alone", "it does not change the statistics"),
    Phrase(r"\bspeaks? of\b", "the page does not speak of it", "the page does not mention it"),
    Phrase(r"\bsays? (little|nothing|the same)\b", "the rest say the same", "the rest are redundant"),
    Phrase(r"\b(knows?|hears?) (nothing )?of\b", "a term that knows of the mask", "a term that uses the mask"),
    Phrase(r"\b(is|are) known of\b", "a gradient is known of losses only", "a gradient is available for losses only"),
    Phrase(r"\bnobody (has|asked|knows|reads)\b", "phases that nobody has", "more phases than any material"),
    Phrase(r"\b(a|for|to) person\b|\bas a person\b", "messages for a person", "messages for the user"),
    Phrase(r"\bfor ever\b", "it is kept for ever", "it is kept permanently"),
    Phrase(r"\bwithout a word\b", "it is skipped without a word", "it is skipped silently"),
    Phrase(r"\b(is|are) passed over\b", "a missing chunk is passed over", "a missing chunk is skipped"),
    Phrase(r"\bpass(es)? for\b", "labels may pass for gray values", "labels may be read as gray values"),
    Phrase(r"\b(the|a) way back\b", "the way back to an image", "the inverse transform to an image"),
    Phrase(r"\bturn(s|ed) back\b", "bits are turned back", "bits are inverted again"),
    Phrase(r"\bcomes? (flat|in again|back as)\b", "samples may come flat", "samples may be flat"),
    Phrase(r"\bone file a (subject|command|name)\b", "one file a subject", "one file per subject"),
    Phrase(r"\btogether with its like\b|\bthe likes? of\b", "the like of it", "similar ones"),
    Phrase(r"\bat no (loss|cost)\b", "split at no loss", "split without loss"),
    Phrase(r"\bas far as (a|the) \w+ tells\b", "as far as a shape tells", "as the shape suggests"),
    Phrase(r"\b(said|told|done|decided|noted) on the way\b", "a note said on the way", "a note on the conversion"),
    Phrase(r"\bwhole of it\b|\bthe whole of\b", "the whole of it or nothing", "completely or not at all"),
    Phrase(r"\bmore (bytes|memory) than there (is|are)\b", "more memory than there is", "more memory than is available"),
    Phrase(r"\b(stands?|stood) (in no|alone|there)\b", "a term that stands alone", "a term that is the only one"),
    Phrase(r"\bstands? (at|under|above|below|beside|before)\b", "the zero lag stands at index 0", "the zero lag is at index 0"),
    Phrase(r"\bwherever others are\b", "a line, wherever others are", "a line, independently of other lines"),
    Phrase(r"\bhangs? on (the|a|all|both|each|seed)\b", "it hangs on the seed", "it depends on the seed"),
    Phrase(r"\bcosts? nothing\b", "a baseline that costs nothing", "a trivial baseline"),
    Phrase(r"\bmeans? nothing\b", "a size that means nothing", "an invalid size"),
    Phrase(r"\bin the manner of\b", "an image in the manner of the paper", "an image like those of the paper"),
    Phrase(
        r"\b(go(es)?|going|went|gone) on (from|with|after|when|where|falling)\b",
        "training goes on from a file",
        "training resumes from a file",
    ),
    Phrase(r"\b(deals?|dealt) (\w+ ){0,2}out\b", "images are dealt out to workers", "images are distributed to workers"),
    Phrase(r"\b(is|are|was|were) at hand\b", "if no image is at hand", "if no image is available"),
    Phrase(r"\b(ha[ds]|gives?|having) its say\b", "the prior has its say", "the prior takes effect"),
    Phrase(r"\bsigns? of life\b", "a worker's signs of life", "a worker's heartbeat"),
    Phrase(r"\bcomes? round\b", "the grid comes round", "the grid is periodic"),
    Phrase(r"\bof which each weighs\b", "parts of which each weighs one", "parts with equal weights"),
    Phrase(r"\b(it|and) names which\b", "it names which", "the message names it"),
    Phrase(r"\bmend(s|ed)?\b", "the note mends it", "the note corrects it"),
    # Old words
    Phrase(r"\banew\b", "it is compiled anew", "it is compiled again"),
    Phrase(
        r"\b(upon|thereof|therein|wherein|whence|whilst|hitherto|henceforth|albeit|lest)\b",
        "computed upon request",
        "computed on request",
    ),
    Phrase(r"\b(ere|aught|naught|nought|nigh|oft|amidst|betwixt|whatsoever|howsoever)\b", "no value whatsoever", "no value"),
    Phrase(r"\b(save|but) for (the|a|its|their)\b", "equal but for the sign", "equal except for the sign"),
    Phrase(r"\bnothing but\b", "it holds nothing but zeros", "it holds only zeros"),
    Phrase(r"\b(all the|the) (more|less) so\b", "the more so for small images", "especially for small images"),
    Phrase(r"\bin the (user's|callers?) form\b", "statistics in the user's form", "statistics in the shape that the user sees"),
    Phrase(r"\bto be looked at\b", "statistics to be looked at", "statistics for a figure"),
    Phrase(r"\b[Tt]ake (a|the) (batch|image|value)s? in\b", "Take a batch in", "Add the values of a batch"),
    Phrase(r"\bmake it with \w+=", "make it with cache=", "create it with cache="),
    Phrase(r"\bof its making\b|\bin the making\b", "the order of its making", "the order of creation"),
    Phrase(r"\bwhat (else )?there is of\b", "what there is of the file", "the rest of the file"),
    # Found in release 0.2's reading of all pages
    Phrase(
        r"\b(images|row|rows|lags) (an|a) (image|axis|sample|batch)\b(?= (for|in|of|on)\b|\.|,|$)",
        "nats or images a batch.",
        "images per batch.",
    ),
    Phrase(r"\bwhich is said\b|\band that is said\b", "converted to RGB, and that is said", "converted to RGB, with a note"),
    Phrase(r"\b(rewards?|forgives?|punishe[sd]?) (gray|blur|noise)\b", "it rewards gray", "it favours gray"),
    Phrase(r"\bunless told otherwise\b", "periodic unless told otherwise", "periodic by default"),
    Phrase(r"\bof one's own\b", "a loop of one's own", "a loop of your own"),
)


# Retired names of the core, each with its successor and the rooms of src/twopoint in which the name has no other meaning.
ARITHMETIC = ("arrays", "statistics", "losses")
RETIRED = {
    "goal": ("target", None),
    "goals": ("target", None),
    "carried": ("half_lags", None),
    "pose": ("prepare", None),
    "settle": ("prepare", None),
    "levels": ("means", (*ARITHMETIC, "reconstruction", "adapters")),  # the levels of a level cut are thresholds
    "closed": ("periodic_unmasked", None),
    "counting": ("point_mask", (*ARITHMETIC, "reconstruction", "adapters", "synthetic")),  # cli.terminal.counting shows progress
    "pulls": ("cotangents", (*ARITHMETIC, "adapters", "synthetic")),  # pulls is an option of reconstruct
    "_namespace": ("arrays.namespace", ()),  # as the name of a module only
    "_rules": ("losses.gradient", ()),
}


class Text(NamedTuple):
    """Prose in which every run of blanks is one space, and the line of each of its characters."""

    prose: str
    lines: list[int]


def collapse(text: str, first_line: int = 1) -> Text:
    """Return the words of a text, one space between them; lines count from the first line."""
    prose, lines = "", []
    for number, line in enumerate(text.split("\n"), first_line):
        for word in line.split():
            prose += word + " "
            lines += [number] * (len(word) + 1)
    return Text(prose, lines)


def prose_of_python(source: str) -> Iterator[Text]:
    """Yield the strings of a source, including docstrings, and its comments; lines of comments that follow each other are one text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield collapse(node.value, node.lineno)
    blocks: list[tuple[int, list[str]]] = []  # first line, lines
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, alone = token.start[0], token.line.lstrip().startswith("#")
        if alone and blocks and line == blocks[-1][0] + len(blocks[-1][1]):
            blocks[-1][1].append(token.string[1:])
        else:
            blocks.append((line, [token.string[1:]]))
    for line, comments in blocks:
        yield collapse("\n".join(comments), line)


def prose_of_page(page: str) -> Text:
    """Return the text of a page, with blanks in place of fenced blocks and of the contents of inline code."""
    page = re.sub(r"^(```+|~~~+).*?^\1", lambda block: "\n" * block[0].count("\n"), page, flags=re.MULTILINE | re.DOTALL)
    return collapse(re.sub(r"`[^`\n]+`", "`...`", page))


def phrases_in(text: Text) -> Iterator[tuple[int, Phrase, str]]:
    """Yield the line of each phrase in a text, the phrase, and the words that match."""
    for phrase in PHRASES:
        for match in re.finditer(phrase.pattern, text.prose):
            yield text.lines[match.start()], phrase, match[0].strip()


def names_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of everything that a source names: variables, arguments, attributes, functions and classes."""
    for node in ast.walk(tree):
        for field in ("id", "arg", "attr", "name", "asname"):
            if isinstance(name := getattr(node, field, None), str):
                yield getattr(node, "lineno", 0), name
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"from {part}") for part in (node.module or "").split("."))


def retired_in(tree: ast.Module, room: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line of each retired name in a source of one room, the name, and its successor."""
    for line, name in names_in(tree):
        bare = name.removeprefix("from ")
        successor, rooms = RETIRED.get(bare, ("", ()))
        if successor and (rooms is None or room in rooms or (name != bare and not rooms)):
            yield line, bare, successor


def files() -> list[Path]:
    """The files that are checked."""
    return [path for place in PLACES for path in sorted(ROOT.glob(place))]


def findings(path: Path) -> list[str]:
    """Return a line for each phrase and each retired name in a file, with what to write instead."""
    text, name = path.read_text(), path.relative_to(ROOT).as_posix()
    texts = prose_of_python(text) if path.suffix == ".py" else [prose_of_page(text)]
    found = [(line, f'"{words}": write as in "{phrase.instead}"') for t in texts for line, phrase, words in phrases_in(t)]
    if name.startswith("src/twopoint/"):
        room = path.relative_to(ROOT / "src/twopoint").parts[0]
        found += [(line, f"{old} is a retired name: {new}") for line, old, new in retired_in(ast.parse(text), room)]
        found += [(1, f"{path.stem} is a retired name: {RETIRED[path.stem][0]}")] if path.stem in RETIRED else []
    return [f"{name}:{line}: {message}" for line, message in sorted(found)]


def test_files_are_found():
    names = {path.relative_to(ROOT).as_posix() for path in files()}
    assert {"README.md", "CONTRIBUTING.md", "docs/theory.md", "src/twopoint/losses/spatial.py", "benchmarks/run.py"} <= names
    assert "src/twopoint_models/weights.py" in names


def test_prose_is_plain():
    found = [line for path in files() for line in findings(path)]
    assert not found, f"{len(found)} phrases to replace:\n" + "\n".join(found)


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.planted)
def test_planted_phrase_is_found(phrase):
    def patterns(text):
        return [found.pattern for _, found, _ in phrases_in(text)]

    assert phrase.pattern in patterns(collapse(phrase.planted)), "the phrase does not find its own example"
    broken = phrase.planted.replace(" ", "\n    ")
    for source in (f'"""{broken}."""', f'f(\n    "{phrase.planted}",\n)', "# " + phrase.planted.replace(" ", "\n# ")):
        assert phrase.pattern in [pattern for text in prose_of_python(source) for pattern in patterns(text)]
    assert phrase.pattern in patterns(prose_of_page(f"# Title\n\n{broken}.\n"))
    assert patterns(collapse(phrase.instead)) == [], "what to write instead is not plain"


def test_phrases_are_listed_once():
    assert len({phrase.pattern for phrase in PHRASES}) == len(PHRASES)
    assert 60 <= len(PHRASES) <= 120


def pairs_of_style() -> list[tuple[str, str, str]]:
    """Return the pairs of the style page, each with its commit."""
    return re.findall(r"^\| `([^`]+)` \| (.+) \| (\w{7}) \|$", (ROOT / "docs/style.md").read_text(), re.MULTILINE)


def test_the_style_page_has_pairs_of_the_check():
    pairs = pairs_of_style()
    assert len(pairs) == 20
    for before, after, _ in pairs:
        assert list(phrases_in(collapse(before))), f"the check does not find {before!r}"
        assert not list(phrases_in(collapse(after))), f"the check finds {after!r}"


def test_pairs_of_the_style_page_are_from_the_history():
    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)

    pairs = pairs_of_style()
    if shutil.which("git") is None or any(git("cat-file", "-e", commit).returncode for _, _, commit in pairs):
        pytest.skip("the history is not there")
    for before, after, commit in pairs:
        lines = git("show", "--format=", "-U0", commit).stdout.splitlines()
        for sign, words in (("-", before), ("+", after)):
            text = " ".join(" ".join(line[1:].strip(" #") for line in lines if line.startswith(sign)).split())
            assert words in text, (commit, sign, words)


def test_code_of_pages_is_left_alone():
    page = "# Title\n\n```python\nx = 1  # compiled anew\n```\n\nRun `compiled anew` now.\nIt is\ncompiled anew.\n"
    assert [line for line, _, _ in phrases_in(prose_of_page(page))] == [9]


def test_findings_give_the_line_and_the_words():
    function = 'def f():\n    """Return x.\n\n    It is compiled\n    anew.\n    """\n\n\n'
    comments = "# A comment on far\n# points, and more\nx = 1  # far\ny = 1  # points\n"
    found = [(line, words) for text in prose_of_python(function + comments) for line, _, words in phrases_in(text)]
    assert found == [(5, "anew"), (9, "far points")]


@pytest.mark.parametrize("name", [name for name, (_, rooms) in RETIRED.items() if rooms != ()])
@pytest.mark.parametrize("source", ["{} = 1", "f({}=1)", "def {}(): pass", "class {}: pass", "x.{}", "def f({}): pass", "import y as {}"])
def test_planted_name_is_found(name, source):
    assert [old for _, old, _ in retired_in(ast.parse(source.format(name)), "losses")] == [name]


@pytest.mark.parametrize("source", ["from ._rules import x", "from twopoint._namespace import x", "from .._namespace.y import x"])
def test_planted_module_is_found(source):
    assert len(list(retired_in(ast.parse(source), "losses"))) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("synthetic", "levels = 1"),
        ("cli", "with counting('work'): pass"),
        ("reconstruction", "reconstruct(target, pulls=())"),
        ("backend.py", "from .arrays.namespace import namespace as _namespace"),
        ("losses", "disclosed = target = 1"),
    ],
)
def test_other_meanings_are_kept(room, source):
    assert list(retired_in(ast.parse(source), room)) == []
