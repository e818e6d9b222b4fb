"""The shared images, where they are, and small objects made by hand."""

import csv
import struct
from pathlib import Path

import pytest

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.exists(), reason="the shared records are not on this machine"
)


def dicom_files():
    if not DATA.exists():
        return []
    rows = csv.DictReader((DATA / "MANIFEST.csv").read_text().splitlines())
    return [row["path"] for row in rows if row["path"].startswith("dicom/")]


def a_file(body: bytes, syntax: bytes = b"1.2.840.10008.1.2.1\0") -> bytes:
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
    return bytes(128) + b"DICM" + meta + body


def an_element(group, element, vr, value):
    return struct.pack("<HH2sH", group, element, vr, len(value)) + value
