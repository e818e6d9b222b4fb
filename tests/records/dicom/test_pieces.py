"""Pieces in one file: their places, their hashes, and a disc that gets full."""

from __future__ import annotations

import hashlib
import resource
import zlib
from pathlib import Path

import pytest

from records.dicom.pieces import NO_PREAMBLE, PieceFile, sent_crc32

SMALL, NAMED = b"x" * 1000, b"GIF89a".ljust(128) + b"DICM" + b"y" * 500


@pytest.fixture(params=[False, True], ids=["at once", "in a thread"])
def file(request, tmp_path: Path):
    path = tmp_path / "pieces"
    path.touch()
    file = PieceFile(path, in_thread=request.param)
    yield file
    file.close()


def test_pieces_stand_back_to_back_with_their_hashes(file):
    whole = file.append(SMALL)
    file.begin()
    file.write(NAMED[:200])
    file.write(memoryview(NAMED)[200:])
    in_blocks = file.end()
    again, empty = file.append(NAMED), file.append(b"")
    file.settle()
    assert file.path.read_bytes() == SMALL + NAMED + NAMED
    starts = [piece.start for piece in (whole, in_blocks, again, empty)]
    assert starts == [0, 1000, 1632, 2264]
    assert whole.sha256 == hashlib.sha256(SMALL).hexdigest()
    assert in_blocks.sha256 == again.sha256 == hashlib.sha256(NAMED).hexdigest()
    assert whole.crc32 == zlib.crc32(SMALL)
    assert in_blocks.crc32 == again.crc32 == zlib.crc32(NO_PREAMBLE + NAMED[128:])
    assert empty.sha256 == hashlib.sha256().hexdigest()


@pytest.mark.parametrize("in_blocks", [False, True])
def test_a_disc_that_gets_full_in_the_middle_of_a_piece_is_told(file, in_blocks):
    """The system takes the part that still fits, and complains of the rest alone."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            if in_blocks:
                file.begin()
                file.write(SMALL)
            else:
                file.append(SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_thread_finds_the_same_hashes(tmp_path):
    dressed = b"MZ" + bytes(126) + b"DICM" + bytes(range(256)) * 9000
    contents = [b"", b"short", bytes(128) + b"DICM", dressed, bytes(3_000_000)]
    told = []
    for in_thread in (False, True):
        path = tmp_path / str(in_thread)
        path.touch()
        file = PieceFile(path, in_thread=in_thread)
        pieces = []
        for content in contents:
            pieces.append(file.append(content))
            file.append(b"dropped")
            file.drop()
            file.begin()  # the same again, as it comes in blocks
            for at in range(0, len(content), 700_000):
                file.write(memoryview(content)[at : at + 700_000])
            pieces.append(file.end())
        file.settle()
        told.append([(p.start, p.length, p.sha256, p.crc32) for p in pieces])
        assert path.read_bytes() == b"".join(content * 2 for content in contents)
        start, length = pieces[6].start, pieces[6].length
        assert pieces[6].crc32 == sent_crc32(file.fileno(), start, length)
        file.close()
    assert told[0] == told[1]
