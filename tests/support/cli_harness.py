"""The command line in a test: typed as a person does, in an empty folder; and files for it to read."""

import numpy as np
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from twopoint.cli import commands

PNG = b"\x89PNG\r\n\x1a\n"


def typed(tmp_path, monkeypatch):
    """Return a function that runs words in an empty folder; whatever fails must say so in a sentence, without a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words):
        result = CliRunner().invoke(commands.app, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return call


def refused(result, message):
    """Assert that a command was refused, for the reason that is given."""
    said = " ".join(result.stderr.split())
    assert result.exit_code == 2, result.output
    assert message in said, said


def blobs(shape=(40, 36), phases=2, seed=0, scale=2.5):
    """Return labels (*shape) of a smooth random structure, whose phases have equal shares."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), scale, mode="wrap")
    return np.digitize(field, np.quantile(field, np.arange(1, phases) / phases)).astype(np.uint8)


def photograph(labels, seed=0, noise=6.0):
    """Return gray values 0..255 of labels as a camera sees them: blurred and noisy."""
    gray = 60 + 110 * gaussian_filter(labels / max(labels.max(), 1), 0.6)
    return np.clip(gray + np.random.default_rng(seed).normal(0, noise, labels.shape), 0, 255).astype(np.uint8)
