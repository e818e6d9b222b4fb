"""What runs in the guarded child only: inflating and decoding. Takes and returns JSON and paths.

SECURITY: see `records.guard`. Limits on memory, time and output stand before this is imported.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

MAX_INFLATED_BYTES = 256 * 1024**2
MAX_PIXELS = 100_000_000


def inflate(source: str, offset: int, length: int, target: str) -> dict[str, Any]:
    """Inflate a deflated data set (PS3.5 annex A.5) into `target`; refuse to write without end."""
    written, left = 0, length
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    with Path(source).open("rb") as packed, Path(target).open("wb") as plain:
        packed.seek(offset)
        while left > 0 and (block := packed.read(min(65536, left))):
            left -= len(block)
            while block:
                try:
                    out = machine.decompress(block, 1024**2)
                except zlib.error:
                    return {"problem": "truncated"}
                written += len(out)
                if written > MAX_INFLATED_BYTES:
                    return {"problem": "too_large"}
                plain.write(out)
                block = machine.unconsumed_tail
            if machine.eof:
                break
    return {} if machine.eof else {"problem": "truncated"}


def picture(order: dict[str, Any]) -> dict[str, Any]:
    """Make a JPEG of one frame. `order` tells where its bytes are and how to read them."""
    from records.dicom.pictures import make

    return make(order)


def blank(order: dict[str, Any]) -> dict[str, Any]:
    """Write the frames of an object anew with some places black."""
    from records.dicom.blanking import blank as blank_frames

    return blank_frames(order)
