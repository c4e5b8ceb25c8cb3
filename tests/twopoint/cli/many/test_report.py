"""``report``: one page that needs nothing else, with a text for every drawing, in a browser as in the source."""

import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from support import cli_harness
from support.cli_harness import blobs, photograph, refused

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture
def run(tmp_path, monkeypatch):
    return cli_harness.typed(tmp_path, monkeypatch)


class Page(HTMLParser):
    """The elements of a page: every start tag with its attributes, and the text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def photo(path, seed=0, shape=(60, 50), **options):
    Image.fromarray(photograph(blobs(shape, seed=seed, scale=3.0), **options)).save(path)


def held(page):
    """Assert that a page is self-contained, and that each of its drawings has a text and names of its own."""
    drawings = page.all("svg")
    assert drawings
    assert all(drawing["role"] == "img" and len(drawing["aria-label"]) > 20 for drawing in drawings)
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "data", "srcset"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,")), attributes[name][:80]
    assert not re.search(r"url\((?!#)|@import", page.source)
    assert "default-src 'none'" in page.all("meta")[3]["content"]
    named = [attributes["id"] for _, attributes in page.tags if attributes.get("id", "").startswith(("image-", "overview", "refused"))]
    assert len(named) == len(set(named))
    links = [attributes["href"] for attributes in page.all("a")]
    assert {link[1:] for link in links} <= set(named)


def test_the_page_of_one_image(run, tmp_path):
    photo(tmp_path / "photo.png", noise=30.0)
    result = run("report", "photo.png", "--spacing", "0.5um", "--crop", "41")
    assert result.exit_code == 0, result.output
    page = Page(tmp_path / "report.html")
    held(page)
    assert len(page.all("svg")) == 6  # image, histogram, segmentation, map, curves, directions
    labels = " ".join(drawing["aria-label"] for drawing in page.all("svg"))
    for words in (
        "Histogram of the gray values",
        "Segmentation of photo.png into 2 phases",
        "Map of the autocorrelation",
        "along directions",
    ):
        assert words in labels
    assert "correlation length, µm" in page.text
    assert "% of the pixels differ from all their neighbours" in page.text  # a doubt
    assert "twopoint report photo.png --spacing 0.5um --crop 41 --out report.html" in page.text
    assert "Made by twopoint 0." in page.text
    assert not page.all("script")
    assert (tmp_path / "report.html").stat().st_size < 3e6


def test_the_page_of_several_images(run, tmp_path):
    for seed in range(3):
        photo(tmp_path / f"photo{seed}.png", seed)
    np.save(tmp_path / "three.npy", blobs(phases=3))
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    result = run("report", "*.png", "three.npy", "--out", "r.html", "--title", "Alloy <1>", "--jobs", "1")
    assert result.exit_code == 1
    assert "refused: bad.png cannot be read" in result.stderr
    page = Page(tmp_path / "r.html")
    held(page)
    assert "Alloy <1>" in page.text
    assert "<1>" not in page.source
    assert "kept apart" in page.text
    assert "3 images of 2 phases" in page.text
    assert "bad.png" in page.text
    assert "standard deviation" in page.text
    labels = [drawing["aria-label"] for drawing in page.all("svg")]
    assert any(label.startswith("volume fraction, mean ± standard deviation among 3 images: phase 1 0.5") for label in labels)
    assert sum("segmentation and autocovariance" in label for label in labels) == 3
    values = [float(cell["data-value"]) for cell in page.all("td") if re.fullmatch(r"0\.\d+", cell.get("data-value", ""))]
    assert len(values) >= 6


def test_a_volume_and_names_that_a_page_would_read(run, tmp_path):
    np.save(tmp_path / "v.npy", blobs((12, 13, 14)))
    photo(tmp_path / "<script>alert(1)<&$x$.png")
    assert run("report", "v.npy", "<script>alert(1)<&$x$.png", "--jobs", "1").exit_code == 0
    page = Page(tmp_path / "report.html")
    held(page)
    assert len(page.all("script")) == 1  # the one that sorts
    assert "<script>alert(1)<&$x$.png" in page.text


def test_bad_input(run, tmp_path):
    photo(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    refused(run("report", "empty"), "empty has no image")
    refused(run("report", "missing.png"), "there is no image to report on: missing.png cannot be read")
    refused(run("report", "a.png", "--out", "a.pdf"), "a.pdf must end in .html or .htm")
    refused(run("report", "a.png", "--out", "nowhere/a.html"), "nowhere is not a directory")
    (tmp_path / "report.html").write_text("mine")
    refused(run("report", "a.png"), "report.html exists; --force overwrites it")
    refused(run("report", "a.png", "--mask", "nothing.png", "--force"), "nothing.png cannot be read")
    assert (tmp_path / "report.html").read_text() == "mine"


@pytest.fixture(scope="module")
def browser():
    """Return a headless Chromium, that of playwright or one of the system."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        system = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        path = own if shutil.which(own) else system
        if path is None:
            pytest.skip("no Chromium: playwright install chromium, or one of the system")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [400, pytest.param(1400, marks=pytest.mark.long)])
@pytest.mark.parametrize("script", [True, pytest.param(False, marks=pytest.mark.long)])
def test_in_a_browser(run, tmp_path, browser, width, script):
    for seed in range(3):
        photo(tmp_path / f"photo{seed}.png", seed)
    assert run("report", "*.png", "--jobs", "1").exit_code == 0
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script)
        page = context.new_page()
        errors, requests = [], []
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        assert errors == []
        assert requests == [(tmp_path / "report.html").as_uri()]
        assert "3 images" in page.inner_text("h1")
        boxes = [box for svg in page.query_selector_all("figure svg") if (box := svg.bounding_box())]
        assert len(boxes) == 3 + 3 + 3 * 6
        assert all(box["width"] > 100 and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
        if script:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            heading = page.locator("table.sortable th button", has_text="correlation length")
            for turn in (1, -1):
                heading.click()
                cells = page.locator("table.sortable tbody tr td:nth-child(5)").evaluate_all(
                    "cells => cells.map(cell => cell.dataset.value)"
                )
                values = [float(value) for value in cells]
                assert values == sorted(values)[::turn]
        context.close()
