"""Values of one element, from its bytes to the DICOM JSON model. Source: PS3.5 section 6.2, PS3.18
annex F.
"""

from __future__ import annotations

import math
from struct import Struct
from typing import Any

from records.dicom.charsets import Decoder
from records.dicom.values import Element

CODED = frozenset({"PN", "LO", "SH", "LT", "ST", "UC", "UT"})  # written in the file's character set
WHOLE = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a backslash
NUMBERS = {"US": ("H", 2), "SS": ("h", 2), "UL": ("L", 4), "SL": ("l", 4), "FL": ("f", 4),
           "FD": ("d", 8), "UV": ("Q", 8), "SV": ("q", 8)}  # fmt: skip


def numbers(vr: str, raw: bytes, order: str) -> Element:
    letter, size = NUMBERS[vr]
    count = len(raw) // size
    values: list[Any] = list(Struct(f"{order}{count}{letter}").unpack(raw[: count * size]))
    if vr[0] == "F":
        values = [value if math.isfinite(value) else None for value in values]
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def words(vr: str, raw: bytes, decode: Decoder) -> Element:
    text = decode(raw) if vr in CODED else raw.decode("latin_1")
    if vr in WHOLE:
        text = text.rstrip(" \0")
        return {"vr": vr, "Value": [text]} if text else {"vr": vr}
    text = text.rstrip("\0 ")
    if not text:
        return {"vr": vr}
    values: list[Any] = [word.strip(" \0") for word in text.split("\\")]
    if vr == "PN":
        values = [_person(value) for value in values]
    elif vr == "DS" or vr == "IS":
        values = [_decimal(value, vr) for value in values]
    else:
        values = [value or None for value in values] if len(values) > 1 else values
    return {"vr": vr, "Value": values} if values != [""] else {"vr": vr}


def _person(name: str) -> dict[str, str] | None:
    forms = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False))
    return forms or None


def _decimal(text: str, vr: str) -> Any:
    """A number; what is none stays text, which the JSON model allows for DS and IS."""
    if not text:
        return None
    try:
        value = float(text) if vr == "DS" else int(text)
    except ValueError:
        return text
    return value if vr == "IS" or math.isfinite(value) else text
