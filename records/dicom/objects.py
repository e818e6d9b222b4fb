"""One received object: whether it can be kept, and what the database needs to know of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache

from records.dicom import frames, wiping
from records.dicom.reader import Header, Unreadable
from records.dicom.repeats import text_of
from records.dicom.values import DICOMDIR, Attributes, is_uid, number, text

STUDY_TAGS = ("00080020", "00080030", "00080050", "00080090", "00080201", "00081030", "00100010",
              "00100020", "00100030", "00100040", "00101010", "0020000D", "00200010")  # fmt: skip
SERIES_TAGS = ("00080021", "00080031", "00080060", "00080070", "0008103E", "00180010", "00180015",
               "00180050", "0020000E", "00200011", "00200060", "00400244", "00400245",
               "00400275")  # fmt: skip
INSTANCE_TAGS = ("00080008", "00080016", "00080018", "00080023", "00080033", "00200013", "00280002",
                 "00280004", "00280008", "00280010", "00280011", "00280100")  # fmt: skip
NAMES = ("0020000D", "0020000E", "00080018")  # of the study, the series and the object itself
SEARCHED = (*INSTANCE_TAGS, "00083002")
STORAGE = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.(1\.1|34|43|44|45|38|39)\.")
STANDARD = "1.2.840.10008."

# Classes made of pixels alone, which a sealed reader may get. Everything else speaks: reports,
# segmentations with labels, presentation states, encapsulated documents.
_CT_MR_PT = {"1.2.840.10008.5.1.4.1.1." + end for end in
             ("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "20", "128", "130")}  # fmt: skip
_OTHER_PICTURES = {"1.2.840.10008.5.1.4.1.1." + end for end in
                   ("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "3.1", "6.1", "6.2", "7",
                    "7.1", "7.2", "7.3", "7.4", "12.1", "12.1.1", "12.2", "12.2.1", "13.1.1",
                    "13.1.2", "13.1.3", "13.1.4", "13.1.5", "77.1.1", "77.1.2", "77.1.3", "77.1.4",
                    "77.1.5.1", "77.1.5.4", "77.1.6")}  # fmt: skip
PICTURES = _CT_MR_PT | _OTHER_PICTURES


@dataclass
class Received:
    """An object that can be kept. Offsets of frames count from where the bytes they index begin."""

    study_uid: str
    series_uid: str
    instance_uid: str
    class_uid: str
    transfer_syntax: str
    modality: str
    instance_number: int
    line: str  # the whole header as JSON text
    study: Attributes
    series: Attributes
    search: str
    is_picture: bool
    may_show_text: bool
    dataset_offset: int  # from the beginning of the object, or of what was made of it
    frames: frames.Frames
    person: dict[str, str] = field(default_factory=dict)
    names_missing: bool = False  # its UIDs, or some, were made here from its content


def receive(header: Header, *, transfer_syntax: str = "") -> Received:
    """Check and describe an object. Raises Unreadable with the code of what is wrong with it."""
    a = header.attributes
    class_uid = text(a, "00080016") or text(header.meta, "00020002")
    if class_uid == DICOMDIR:
        raise Unreadable("media_directory")
    uids = [text(a, tag) for tag in NAMES]
    names_missing = not all(uids)
    if names_missing:
        uids = _named(header, uids)
    if not all(map(is_uid, uids)) or not (is_uid(class_uid) or not class_uid):
        raise Unreadable("bad_uid")
    if class_uid.startswith(STANDARD) and not STORAGE.match(class_uid + "."):
        raise Unreadable("not_storable")
    syntax = transfer_syntax or header.transfer_syntax
    a["00083002"] = {"vr": "UI", "Value": [syntax]}
    told = header.texts or {tag: text_of(tag, element) for tag, element in a.items()}
    for tag in ("00083002", *(NAMES if names_missing else ())):
        told[tag] = text_of(tag, a[tag])
    return Received(
        study_uid=uids[0],
        series_uid=uids[1],
        instance_uid=uids[2],
        class_uid=class_uid,
        transfer_syntax=syntax,
        modality=text(a, "00080060")[:16],
        instance_number=max(-(2**31), min(number(a, "00200013"), 2**31)),
        line="{" + ",".join(told.values()) + "}",
        study={tag: a[tag] for tag in STUDY_TAGS if tag in a},
        series={tag: a[tag] for tag in SERIES_TAGS if tag in a},
        search="{" + ",".join([told[tag] for tag in SEARCHED if tag in told]) + "}",
        # A stream carries sound and titles that nobody sees who looks at a picture; of a form that
        # is not known nobody can say where words stand.
        is_picture=class_uid in PICTURES and wiping.is_known(syntax) and not _shows_a_label(a),
        may_show_text=_may_show_text(a, class_uid),
        dataset_offset=header.dataset_at - header.start,
        frames=_from_start(frames.find(header), header.start),
        person=_person(text(a, "00100010"), text(a, "00100030"), text(a, "00100020")),
        names_missing=names_missing,
    )


def _named(header: Header, uids: list[str]) -> list[str]:
    """UIDs for an object that lacks some, made from its content: the same bytes, the same UIDs.

    The header that is told carries them; the bytes that are kept stay as they came. Each such
    object is a study of its own: nothing says what it belongs to.
    """
    if not header.attributes:
        raise Unreadable("truncated")
    content = hashlib.sha256(header.buffer[header.start : header.end]).digest()
    uids[2] = uids[2] or text(header.meta, "00020003")
    for place, tag in enumerate(NAMES):
        if not uids[place]:
            digest = hashlib.sha256(tag.encode() + content).digest()
            uids[place] = f"2.25.{int.from_bytes(digest[:16], 'big')}"
        header.attributes[tag] = {"vr": "UI", "Value": [uids[place]]}
    return uids


def _from_start(found: frames.Frames, start: int) -> frames.Frames:
    if not found.copies:
        found.offsets = [offset - start for offset in found.offsets]
    return found


def _may_show_text(a: Attributes, class_uid: str) -> bool:
    """False only for what a scanner took itself and says is free of letters."""
    kind = [str(value) for value in a.get("00080008", {}).get("Value", [])][:2]
    overlays = any(tag[0] == "6" and tag[1] == "0" for tag in a if tag > "6")
    burned_in = text(a, "00280301").upper() not in ("", "NO")
    return class_uid not in _CT_MR_PT or kind != ["ORIGINAL", "PRIMARY"] or overlays or burned_in


def _shows_a_label(a: Attributes) -> bool:
    """A photograph of a glass slide with what is written on it: a name, a number, a diagnosis.

    It stands in one series with the tissue. Source: PS3.3 C.8.12.4.1.1, C.8.12.8.
    """
    kind = [str(value) for value in a.get("00080008", {}).get("Value", [])][2:3]
    return kind in (["LABEL"], ["OVERVIEW"]) or text(a, "00480010").upper() == "YES"


@lru_cache(maxsize=1)
def _person(name: str, born: str, number_: str) -> dict[str, str]:
    words = re.findall(r"\w+", name.casefold())
    return {"name": " ".join(sorted(words)), "born": born, "id": number_}


def is_somebody_else(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two sets of images name different people. A number of its own each hospital has."""
    if one.get("born") and other.get("born"):
        return one["born"] != other["born"]
    if one.get("id") and one.get("id") == other.get("id"):
        return False
    mine, others = (set(side.get("name", "").split()) for side in (one, other))
    return bool(mine and others) and not mine & others
