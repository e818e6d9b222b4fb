"""SpecificCharacterSet: from the bytes of a DICOM text to the text. Source: PS3.3 C.12.1.1.2."""

from __future__ import annotations

import re
from collections.abc import Callable

DEFAULT = "latin_1"  # what files without a character set hold in practice
_SINGLE = {
    "": DEFAULT,
    "ISO_IR 6": DEFAULT,
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "tis_620",
    "ISO_IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
_ESCAPES = {
    b"(B": DEFAULT, b"-A": "latin_1", b"-B": "iso8859_2", b"-C": "iso8859_3", b"-D": "iso8859_4",
    b"-L": "iso8859_5", b"-G": "iso8859_6", b"-F": "iso8859_7", b"-H": "iso8859_8",
    b"-M": "iso8859_9", b"-T": "tis_620", b")I": "shift_jis", b"(J": "shift_jis",
    b"$B": "iso2022_jp", b"$(D": "iso2022_jp_2", b"$)C": "euc_kr", b"$)A": "gb2312",
}  # fmt: skip
_SPLIT = re.compile(rb"\x1b(\(B|\(J|\)I|-[A-HLMT]|\$B|\$\(D|\$\)[AC])")

Decoder = Callable[[bytes], str]


def decoder(terms: list[str | None]) -> Decoder:
    """The function that decodes text under these defined terms; unknown terms read as Latin-1."""
    names = [term or "" for term in terms]
    clean = [
        term.strip().replace("ISO 2022 IR", "ISO_IR").replace("ISO-IR", "ISO_IR") for term in names
    ]
    codec = _SINGLE.get(clean[0] if clean else "", DEFAULT)
    if len(names) > 1 or any(name.startswith("ISO 2022") for name in names):
        return lambda raw: _iso2022(raw, codec)
    return lambda raw: raw.decode(codec, "replace")


def _iso2022(raw: bytes, first: str) -> str:
    if b"\x1b" not in raw:
        return raw.decode(first, "replace")
    parts = _SPLIT.split(raw)
    words = [parts[0].decode(first, "replace")]
    for escape, part in zip(parts[1::2], parts[2::2], strict=True):
        codec = _ESCAPES[escape]
        kept = b"\x1b" + escape + part if codec.startswith("iso2022") else part
        words.append(kept.decode(codec, "replace"))
    return "".join(words)
