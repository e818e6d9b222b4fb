"""A body in parts is cut right, however its bytes come."""

from io import BytesIO

import pytest

from secondop.lib.multipart import Malformed, feed

CONTENTS = [b"", b"\r\n", b"--a-boundar", b"x" * 50 + b"\r\n--a-bound", bytes(70)]
HEAD = b"--a-boundary\r\nContent-Type: application/dicom\r\n\r\n"
WHOLE = b"".join(HEAD + content + b"\r\n" for content in CONTENTS) + b"--a-boundary--"


class Dripping(BytesIO):
    """Gives as many bytes at a time."""

    def __init__(self, raw, step):
        super().__init__(raw)
        self.step = step

    def read(self, size=-1):
        return super().read(self.step)


class Sink:
    def __init__(self):
        self.parts, self.finished = [], 0

    def begin(self, headers):
        self.parts.append([])

    def write(self, block):
        self.parts[-1].append(block)  # blocks may be kept: they do not change

    def finish(self):
        self.finished += 1


@pytest.mark.parametrize("step", range(1, len(WHOLE) + 1))
def test_boundaries_are_found_wherever_a_block_ends(step):
    sink = Sink()
    feed(Dripping(WHOLE, step), b"a-boundary", sink)
    assert [b"".join(part) for part in sink.parts] == CONTENTS


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_body_that_ends_early_is_malformed_and_its_last_part_unfinished(step):
    last = len(WHOLE) - len(b"\r\n--a-boundary--")
    for end in range(last):
        sink = Sink()
        with pytest.raises(Malformed):
            feed(Dripping(WHOLE[:end], step), b"a-boundary", sink)
        assert sink.finished < len(CONTENTS)
