"""Sphinx configuration: builds without the network, `sphinx-build -W -b html docs docs/_build/html`."""

import re
import tomllib
from pathlib import Path

_project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _project["name"]
author = "the twopoint developers"
project_copyright = f"2026, {author}"
release = version = _project["version"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "jupyter_execute"]
templates_path: list[str] = []

# The guide runs at every build, and a cell that fails fails the build.
myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_render_markdown_format = "myst"  # CommonMark, the default, has no tables

autosummary_generate = False  # the tables of api.md point to entries on the same page
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
napoleon_numpy_docstring = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"twopoint {version}"

_LITERAL_OR_SHAPE = re.compile(r"(``.*?``|>>> .*)|(?<!\\)\*(?=space\b|lags\b|batch\b)")


def _keep_stars(app, what, name, obj, options, lines):
    """Let a docstring write the shape (..., *space) as it is read, where reStructuredText would begin emphasis."""
    lines[:] = [_LITERAL_OR_SHAPE.sub(lambda found: found[1] or r"\*", line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", _keep_stars, priority=400)  # before napoleon, at 500
