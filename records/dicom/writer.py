"""Write the projected header as a DICOM file: fresh preamble and meta, explicit VR.

The pixel data follow as stored, so that nothing is decoded or held in memory.
"""

from __future__ import annotations

from base64 import b64decode
from struct import pack
from typing import Any

from records.dicom.elements import NUMBERS
from records.dicom.reader import LONG
from records.dicom.values import EXPLICIT_BE, EXPLICIT_LE, NATIVE, Attributes, Element

IMPLEMENTATION = "2.25.223474827436150712964281637225470123456"


def syntax_written(transfer_syntax: str) -> str:
    """Native little endian pixels are the same in every syntax; the header is explicit VR."""
    if transfer_syntax == EXPLICIT_BE or transfer_syntax not in NATIVE:
        return transfer_syntax
    return EXPLICIT_LE


def head(attributes: Attributes, transfer_syntax: str) -> bytes:
    """Everything up to the pixel data. `attributes` without those, in the JSON model."""
    syntax = syntax_written(transfer_syntax)
    order = ">" if syntax == EXPLICIT_BE else "<"
    meta: Attributes = {
        "00020001": {"vr": "OB", "InlineBinary": "AAE="},
        "00020002": attributes["00080016"],
        "00020003": attributes["00080018"],
        "00020010": {"vr": "UI", "Value": [syntax]},
        "00020012": {"vr": "UI", "Value": [IMPLEMENTATION]},
    }
    written = _elements(meta, "<")
    length = _element("00020000", {"vr": "UL", "Value": [len(written)]}, "<")
    body = {tag: e for tag, e in attributes.items() if tag < "7FE00000" and tag != "00083002"}
    return bytes(128) + b"DICM" + length + written + _elements(body, order)


def pixel_head(vr: str, length: int, transfer_syntax: str) -> bytes:
    """The head of (7FE0,0010); `length` 0xFFFFFFFF when the data are encapsulated."""
    order = ">" if transfer_syntax == EXPLICIT_BE else "<"
    return pack(order + "HH2s2xL", 0x7FE0, 0x0010, vr.encode(), length)


def _elements(attributes: Attributes, order: str) -> bytes:
    return b"".join(_element(tag, attributes[tag], order) for tag in sorted(attributes))


def _element(tag: str, element: Element, order: str) -> bytes:
    vr = element["vr"]
    value = _value(vr, element, order)
    head = pack(order + "HH2s", int(tag[:4], 16), int(tag[4:], 16), vr.encode())
    if vr.encode() in LONG:
        return head + pack(order + "2xL", len(value)) + value
    return head + pack(order + "H", len(value)) + value


def _value(vr: str, element: Element, order: str) -> bytes:
    values = element.get("Value", [])
    if "InlineBinary" in element:
        return b64decode(element["InlineBinary"])
    if vr == "SQ":
        return b"".join(_item(item, order) for item in values)
    if vr in NUMBERS:
        letter = NUMBERS[vr][0]
        return pack(f"{order}{len(values)}{letter}", *(value or 0 for value in values))
    if vr == "AT":
        halves = [int(v[i : i + 4], 16) for v in values for i in (0, 4)]
        return pack(f"{order}{len(halves)}H", *halves)
    text = "\\".join(_text(value) for value in values).encode("ascii", "replace")
    return text + (b"\0" if vr == "UI" else b" ") * (len(text) % 2)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("Alphabetic", ""))
    if isinstance(value, float):
        return f"{value:.16g}" if len(f"{value:.16g}") <= 16 else f"{value:.9e}"[:16]
    return "" if value is None else str(value)


def _item(item: Attributes, order: str) -> bytes:
    content = _elements(item, order)
    return pack(order + "HHL", 0xFFFE, 0xE000, len(content)) + content
