"""The DICOM data dictionary (PS3.6): the VR and keyword of each tag.

`dictionary.txt` beside this file is pydicom's table, one line for each attribute; a test compares
them. pydicom itself is not imported: with its arrays it takes 60 MB of every web process.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("dictionary.txt")


@cache
def _tables() -> tuple[dict[int, str], dict[str, int], dict[int, str]]:
    vrs: dict[int, str] = {}
    tags: dict[str, int] = {}
    repeating: dict[int, str] = {}  # group 0x50xx and 0x60xx, by (group & 0xff00, element)
    for line in SOURCE.read_text(encoding="ascii").splitlines():
        tag, vr, keyword = line.split(" ")
        if "x" not in tag:
            vrs[int(tag, 16)] = vr
            tags[keyword] = int(tag, 16)
        elif tag[2:4] == "xx":
            repeating[int(tag.replace("xx", "00"), 16)] = vr
    return vrs, tags, repeating


def vr_of(tag: int) -> str:
    """The VR of a standard tag, such as "LO" or "US/SS"; "" when it is not in the dictionary."""
    vrs, _tags, repeating = _tables()
    if found := vrs.get(tag):
        return found
    if tag >> 24 in (0x50, 0x60) and not tag & 0x00010000:
        return repeating.get(tag & 0xFF00FFFF, "")
    return ""


def tag_of(keyword: str) -> int | None:
    return _tables()[1].get(keyword)


@cache
def _keywords() -> dict[int, str]:
    return {tag: keyword for keyword, tag in _tables()[1].items()}


def keyword_of(tag: int) -> str:
    """The keyword of a standard tag, such as "StudyDescription"; "" for any other."""
    return _keywords().get(tag, "")
