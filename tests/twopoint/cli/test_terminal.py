"""Progress is shown on a terminal only."""

import io

from twopoint.cli import terminal


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bars_are_shown_on_a_terminal_alone(monkeypatch):
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        with terminal.working("reading a [bold]{name}.png"):
            pass
        with terminal.counting("reconstructing") as report:
            report(1, 4, 0.5)
        assert ("reading a [bold]{name}.png" in stream.getvalue()) == shown
        assert ("5.00e-01" in stream.getvalue()) == shown
