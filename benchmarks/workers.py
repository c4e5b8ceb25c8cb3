"""Processes that stay alive and take turns: one line of a command there, one line of JSON back."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


class WorkerError(RuntimeError):
    """A worker's process ended, or cannot do what it was asked for."""


class Worker:
    """A process that says when it is ready, and then answers one command at a time until the command to quit."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (close() closes it)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process = subprocess.Popen(command, text=True, env=environment, cwd=cwd, **pipes)

    def answer(self) -> dict[str, Any]:
        """Return the next answer; the first one says that the process is ready."""
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise WorkerError(f"the worker's process ended: {self.errors.read()[-2000:].strip()}")
        return json.loads(line)

    def ask(self, command: str) -> dict[str, Any]:
        """Give a command, and return the answer."""
        with suppress(BrokenPipeError):  # then there is no answer either
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        """End the process, and wait for it."""
        if self.process.poll() is None:
            self.process.communicate("quit\n", timeout=60)
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()
