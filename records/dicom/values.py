"""What DICOM values may look like, and how ours are called. No Django models here."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
NATIVE = {IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE}
DICOMDIR = "1.2.840.10008.1.3.10"
STORED = re.compile(r"1\.2\.840\.10008\.(5\.1\.4|1\.3\.10)")
VIDEO = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.10[0-9](\.1)?$")

_UID = re.compile(r"[0-9A-Za-z]+([.-][0-9A-Za-z]+)+")

# Media type of one frame, by transfer syntax. Source: PS3.18 table 8.7.3-2 and -5.
FRAME_TYPES = {
    RLE: "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.92": "image/jpx",
    "1.2.840.10008.1.2.4.93": "image/jpx",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}

Element = dict[str, Any]
Attributes = dict[str, Element]  # the DICOM JSON model: "0020000D" -> {"vr": "UI", "Value": [...]}


def is_uid(text: object) -> bool:
    """At most 64 letters and digits in parts. A path or 400 digits is no UID.

    The standard wants digits and dots; some de-identification writes UUIDs, and people send that.
    """
    return isinstance(text, str) and len(text) <= 64 and _UID.fullmatch(text) is not None


def alias_uid(key: bytes, uid: str) -> str:
    """The UID by which a sealed reader knows `uid`: its own for each case file.

    Source: PS3.5 annex B.2 (UUID derived UIDs); the number comes from HMAC-SHA-256.
    """
    digest = hmac.digest(key, uid.encode(), hashlib.sha256)
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def frame_type(transfer_syntax: str) -> str:
    if transfer_syntax in NATIVE:
        return "application/octet-stream"
    if VIDEO.match(transfer_syntax):
        return "video/mp4"
    return FRAME_TYPES.get(transfer_syntax, "application/octet-stream")


def first(attributes: Attributes, tag: str, default: Any = "") -> Any:
    """The first value under `tag`, or `default` when absent or empty."""
    values = attributes.get(tag, {}).get("Value") or [None]
    return default if values[0] is None else values[0]


def text(attributes: Attributes, tag: str) -> str:
    """The first value as text; of a person's name its first written form."""
    value = first(attributes, tag)
    if isinstance(value, dict):
        value = next((form for form in value.values() if form), "")
    return str(value)


def number(attributes: Attributes, tag: str, default: int = 0) -> int:
    """The first value as a whole number; `default` for anything that is none, such as "1A"."""
    try:
        return int(first(attributes, tag, default))
    except (TypeError, ValueError, OverflowError):
        return default
