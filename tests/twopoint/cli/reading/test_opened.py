"""What every reader gives: orientation, and the check of headers."""

import numpy as np
import pytest

from twopoint.cli.reading.names import Source
from twopoint.cli.reading.opened import oriented, refuse_bombs
from twopoint.cli.terminal import InputError


@pytest.mark.parametrize("tag", range(1, 9))
def test_the_first_pixel_lies_where_the_tag_says(tag):
    values = np.arange(12).reshape(3, 4)
    shown = oriented(values, tag, (0, 1))
    # TIFF 6.0, tag 274: the edges of the image as it is shown at which the 0th row and the 0th column of the file lie
    row, column = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "lt", 6: "rt", 7: "rb", 8: "lb"}[tag]
    edges = {"t": shown[0], "b": shown[-1], "l": shown[:, 0], "r": shown[:, -1]}
    assert set(edges[row]) == set(values[0])
    assert set(edges[column]) == set(values[:, 0])
    np.testing.assert_array_equal(oriented(shown, tag, (0, 1), inverse=True), values)
    stack = np.stack([values, values + 50])
    np.testing.assert_array_equal(oriented(stack, tag, (1, 2)), np.stack([shown, shown + 50]))


def test_a_header_may_ask_for_as_much_as_a_codec_can_hold(tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(2000))
    source = Source(tmp_path / "a.png")
    refuse_bombs(source, 10**7)  # decoded quickly
    refuse_bombs(source, 8 * 1032 * 2000)  # deflate of bits
    with pytest.raises(InputError, match=r"2000 bytes cannot hold its 1.0e\+08 pixels; it is damaged"):
        refuse_bombs(source, 10**8)
