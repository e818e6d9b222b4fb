"""multipart/related, for the edges here: see `secondop.lib.multipart`."""

from secondop.lib.multipart import (
    BLOCK_BYTES,
    MAX_HEADER_BYTES,
    Malformed,
    Readable,
    Sink,
    boundary_of,
    end,
    feed,
    new_boundary,
    part_head,
    parts,
)

__all__ = [
    "BLOCK_BYTES",
    "MAX_HEADER_BYTES",
    "Malformed",
    "Readable",
    "Sink",
    "boundary_of",
    "end",
    "feed",
    "new_boundary",
    "part_head",
    "parts",
]
