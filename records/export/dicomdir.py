"""DICOMDIR, the directory by which programs for discs find images. From rows; no file is opened.

Source: DICOM PS3.3 annex F and PS3.10 section 8. Each record points to the next of its level and to
its first below by its place in the file, so every length is known before a place is written. Text
is UTF-8 (ISO_IR 192) and as long as its kind may be.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import pack
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from records.dicom.values import EXPLICIT_LE, text
from records.dicom.writer import IMPLEMENTATION
from records.export.contents import Image, Study
from records.models import ImagingSeries

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
OTHER_RECORDS = {  # PS3.3 table F.4-1: what is no IMAGE, by the beginning of its SOP class
    "1.2.840.10008.5.1.4.1.1.88.59": "KEY OBJECT DOC",
    "1.2.840.10008.5.1.4.1.1.88.": "SR DOCUMENT",
    "1.2.840.10008.5.1.4.1.1.104.1": "ENCAP DOC",
    "1.2.840.10008.5.1.4.1.1.11.": "PRESENTATION",
    "1.2.840.10008.5.1.4.1.1.9.": "WAVEFORM",
    "1.2.840.10008.5.1.4.1.1.481.2": "RT DOSE",
    "1.2.840.10008.5.1.4.1.1.481.3": "RT STRUCTURE SET",
    "1.2.840.10008.5.1.4.1.1.481.5": "RT PLAN",
    "1.2.840.10008.5.1.4.1.1.66.1": "REGISTRATION",
    "1.2.840.10008.5.1.4.1.1.67": "VALUE MAP",
}
LONGEST = {"PN": 64, "LO": 64, "SH": 16, "CS": 16, "DA": 8, "TM": 14, "IS": 12, "UI": 64}
SEQUENCE_HEAD = 12
ITEM_HEAD = 8


@dataclass
class Record:
    told: bytes  # its elements behind the links
    below: list[Record] = field(default_factory=list)
    at: int = 0

    @property
    def size_bytes(self) -> int:
        return ITEM_HEAD + len(_links(0, 0)) + len(self.told)


def directory(studies: list[Study]) -> bytes:
    """The whole file. A patient is told once for each name that the images carry."""
    patients = _patients(studies)
    order = list(_flat(patients))
    meta = b"".join([
        pack("<HH2s2xL", 2, 1, b"OB", 2) + b"\0\1",
        _element(2, 0x0002, "UI", MEDIA_STORAGE_DIRECTORY),
        _element(2, 0x0003, "UI", _own_uid(studies)),
        _element(2, 0x0010, "UI", EXPLICIT_LE),
        _element(2, 0x0012, "UI", IMPLEMENTATION),
    ])  # fmt: skip
    begin = bytes(128) + b"DICM" + pack("<HH2sHL", 2, 0, b"UL", 4, len(meta)) + meta
    at = len(begin) + len(_root(0, 0)) + SEQUENCE_HEAD
    for record in order:
        record.at = at
        at += record.size_bytes
    following = dict(_followers(patients))
    items = b"".join(_item(one, following.get(id(one), 0)) for one in order)
    sequence = pack("<HH2s2xL", 4, 0x1220, b"SQ", len(items))
    return begin + _root(patients[0].at, patients[-1].at) + sequence + items


def _root(first_at: int, last_at: int) -> bytes:
    return (
        _element(4, 0x1130, "CS", "CASEFILE")
        + pack("<HH2sHL", 4, 0x1200, b"UL", 4, first_at)
        + pack("<HH2sHL", 4, 0x1202, b"UL", 4, last_at)
        + pack("<HH2sHH", 4, 0x1212, b"US", 2, 0)
    )


def _links(following: int, below: int) -> bytes:
    return (
        pack("<HH2sHL", 4, 0x1400, b"UL", 4, following)
        + pack("<HH2sHH", 4, 0x1410, b"US", 2, 0xFFFF)
        + pack("<HH2sHL", 4, 0x1420, b"UL", 4, below)
    )


def _item(record: Record, following: int) -> bytes:
    content = _links(following, record.below[0].at if record.below else 0) + record.told
    return pack("<HHL", 0xFFFE, 0xE000, len(content)) + content


def _element(group: int, number: int, vr: str, value: str) -> bytes:
    raw = value.encode()
    return (
        pack("<HH2sH", group, number, vr.encode(), len(raw) + len(raw) % 2)
        + raw
        + ((b"\0" if vr == "UI" else b" ") * (len(raw) % 2))
    )


def _followers(level: list[Record]) -> Iterable[tuple[int, int]]:
    """Where the next record of the same level stands, for each that has one."""
    yield from ((id(one), later.at) for one, later in itertools.pairwise(level))
    for one in level:
        yield from _followers(one.below)


def _flat(records: list[Record]) -> Iterable[Record]:
    for record in records:
        yield record
        yield from _flat(record.below)


# --- the four levels -----------------------------------------------------------------------------
def _patients(studies: list[Study]) -> list[Record]:
    found: dict[tuple[str, str], Record] = {}
    for study in studies:
        search = study.study.search
        name, number = text(search, "00100010"), text(search, "00100020") or "1"
        if (name, number) not in found:
            told = _told(search, "PATIENT", (0x0010, 0x0010, "PN"))
            found[name, number] = Record(told + _short(0x0010, 0x0020, "LO", number))
        found[name, number].below.append(_study(study))
    return list(found.values())


def _study(study: Study) -> Record:
    told = _told(
        study.study.search, "STUDY", (0x0008, 0x0020, "DA"), (0x0008, 0x0030, "TM"),
        (0x0008, 0x0050, "SH"), (0x0008, 0x1030, "LO"),
    )  # fmt: skip
    told += _element(0x0020, 0x000D, "UI", study.study.StudyInstanceUID)
    number = text(study.study.search, "00200010") or "1"
    below = [_series(series, images) for series, images in study.series]
    return Record(told + _short(0x0020, 0x0010, "SH", number), below)


def _series(series: ImagingSeries, images: list[Image]) -> Record:
    told = _told({}, "SERIES") + _short(0x0008, 0x0060, "CS", series.modality or "OT")
    told += _short(0x0008, 0x103E, "LO", text(series.search, "0008103E"))
    told += _element(0x0020, 0x000E, "UI", series.SeriesInstanceUID)
    told += _short(0x0020, 0x0011, "IS", text(series.search, "00200011") or "0")
    return Record(told, [_image(image) for image in images])


def _image(image: Image) -> Record:
    one = image.instance
    kinds = (name for uid, name in OTHER_RECORDS.items() if one.SOPClassUID.startswith(uid))
    return Record(
        _element(4, 0x1430, "CS", next(kinds, "IMAGE"))
        + _element(4, 0x1500, "CS", image.path.replace("/", "\\"))
        + _element(4, 0x1510, "UI", one.SOPClassUID)
        + _element(4, 0x1511, "UI", one.SOPInstanceUID)
        + _element(4, 0x1512, "UI", one.TransferSyntaxUID)
        + _short(0x0020, 0x0013, "IS", str(one.InstanceNumber))
    )


def _told(search: Any, kind: str, *wanted: tuple[int, int, str]) -> bytes:
    """The type of record, how its text is written, and some attributes as the images say them."""
    head = _element(4, 0x1430, "CS", kind) + _element(8, 0x0005, "CS", "ISO_IR 192")
    return head + b"".join(
        _short(group, number, vr, text(search, f"{group:04X}{number:04X}"))
        for group, number, vr in wanted
    )


def _short(group: int, number: int, vr: str, value: str) -> bytes:
    """No longer than the kind of value may be; nothing that would begin a second value."""
    return _element(group, number, vr, value.replace("\\", " ").strip()[: LONGEST[vr]])


def _own_uid(studies: list[Study]) -> str:
    """The same for the same objects. Source: PS3.5 annex B.2 (UUID derived UIDs)."""
    names = (i.instance.SOPInstanceUID for s in studies for _one, of in s.series for i in of)
    return f"2.25.{uuid5(NAMESPACE_OID, ' '.join(names)).int}"
