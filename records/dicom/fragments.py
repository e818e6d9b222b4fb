"""The items of encapsulated pixel data. Source: PS3.5 annex A.4."""

from __future__ import annotations

from mmap import mmap
from struct import Struct

Buffer = bytes | mmap
UNDEFINED = 0xFFFFFFFF


class Unreadable(Exception):
    """The object cannot be used; `code` is one of `records.dicom.problems`."""

    def __init__(self, code: str, at: int = 0) -> None:
        super().__init__(code)
        self.code, self.at = code, at  # `at`: where a deflated data set begins


_FRAGMENT = Struct("<HHL")


def fragments(buffer: Buffer, position: int, end: int) -> tuple[list[tuple[int, int]], int]:
    """Offsets and lengths of the items of encapsulated pixel data (the first is the offset table).

    Raises Unreadable when an item claims more than there is, or the end is missing.
    """
    found: list[tuple[int, int]] = []
    while position + 8 <= end:
        group, element, length = _FRAGMENT.unpack_from(buffer, position)
        position += 8
        if group != 0xFFFE or element not in (0xE000, 0xE0DD):
            raise Unreadable("truncated")
        if element == 0xE0DD:
            return found, position
        if length > end - position:
            raise Unreadable("truncated")
        found.append((position, length))
        position += length
    if not found:
        raise Unreadable("truncated")
    return found, end  # some writers leave out the last delimiter
