"""Measurements in a structured report (TID 1500): read into plain values, and written anew.

SECURITY: what a viewer sends is foreign. A new tree is made of the attributes listed here, each
with the form its VR demands; nothing else of what came is kept. No Django here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from records.dicom.values import Attributes, Element, first, is_uid, number, text

MAX_NODES, MAX_DEPTH, MAX_TEXT, MAX_NUMBERS = 20_000, 16, 1000, 20_000
REPORTS = {"1.2.840.10008.5.1.4.1.1.88." + end for end in ("11", "22", "33", "34")}
CONTENT, CONCEPT, CODED, MEASURED = "0040A730", "0040A043", "0040A168", "0040A300"
REFERENCED, INSTANCE_UID, FRAME_OF_REFERENCE = "00081199", "00081155", "30060024"
SEQUENCES = {CONTENT, CONCEPT, CODED, MEASURED, REFERENCED, "004008EA", "0040A504"}
PLAIN = {
    "00080100": "SH", "00080102": "SH", "00080103": "SH", "00080104": "LO", "00080105": "CS",
    "00081150": "UI", INSTANCE_UID: "UI", "00081160": "IS", "0040A010": "CS", "0040A040": "CS",
    "0040A050": "CS", "0040A123": "PN", "0040A124": "UI", "0040A160": "UT", "0040A161": "FD",
    "0040A30A": "DS", "0040DB00": "CS", "00700022": "FL", "00700023": "CS",
    FRAME_OF_REFERENCE: "UI",
}  # fmt: skip
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")
OBSERVER, OBSERVER_TYPE = "121008", "121005"
GROUP, FINDING, FINDING_SITE = "125007", "121071", "363698007"


class NotMeasurements(Exception):
    """What came is no report that can be kept."""


@dataclass
class Measured:
    instance_uid: str
    series_uid: str
    study_uid: str
    class_uid: str
    title: str
    series_number: int
    content: Attributes  # the root: concept, template and content sequence
    references: list[str] = field(default_factory=list)  # instances measured on, as they came
    frames_of_reference: list[str] = field(default_factory=list)


def read(attributes: Attributes) -> Measured:
    """Raises NotMeasurements for another class, for UIDs that are none, for what is too large."""
    tags = ("00080018", "0020000E", "0020000D", "00080016")
    instance_uid, series_uid, study_uid, class_uid = (text(attributes, tag) for tag in tags)
    if class_uid not in REPORTS or not all(map(is_uid, (instance_uid, series_uid, study_uid))):
        raise NotMeasurements
    walk = _Walk()
    content = walk.item(attributes, 0)
    if not content.get(CONTENT, {}).get("Value"):
        raise NotMeasurements
    return Measured(
        instance_uid,
        series_uid,
        study_uid,
        class_uid,
        title=_words(first(attributes, "0008103E"))[:64],
        series_number=max(1, min(number(attributes, "00200011", 3000), 2**31 - 1)),
        content={tag: content[tag] for tag in content if tag in ROOT},
        references=list(dict.fromkeys(walk.references)),
        frames_of_reference=list(dict.fromkeys(walk.frames_of_reference)),
    )


ROOT = {CONTENT, CONCEPT, "0040A040", "0040A050", "0040A504"}


class _Walk:
    """Copies what is allowed, and collects what is referred to."""

    def __init__(self) -> None:
        self.references: list[str] = []
        self.frames_of_reference: list[str] = []
        self._left = MAX_NODES

    def item(self, attributes: Attributes, depth: int) -> Attributes:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise NotMeasurements
        kept: Attributes = {}
        for tag, element in attributes.items():
            if tag in SEQUENCES and element["vr"] == "SQ":
                items = [self.item(one, depth + 1) for one in element.get("Value", [])]
                kept[tag] = {"vr": "SQ", "Value": [one for one in items if one]}
            elif tag in PLAIN and (values := self._values(tag, element)):
                kept[tag] = {"vr": PLAIN[tag], "Value": values}
        return kept

    def _values(self, tag: str, element: Element) -> list[Any]:
        vr, values = PLAIN[tag], element.get("Value", [])
        if vr in ("FL", "FD", "DS", "IS"):
            good = [v for v in values if isinstance(v, int | float) and math.isfinite(v)]
            self._left -= len(good) // 100
            return good if len(good) == len(values) <= MAX_NUMBERS else []
        if vr == "UI":
            found = [value for value in values[:1] if is_uid(value)]
            if tag == INSTANCE_UID:
                self.references += found
            if tag == FRAME_OF_REFERENCE:
                self.frames_of_reference += found
            return found
        if vr == "CS":
            return [v for v in values[:1] if isinstance(v, str) and _CODE_STRING.fullmatch(v)]
        if vr == "PN":
            return []  # who observed is told by us
        found = [_words(value) for value in values[:1]]
        return [value for value in found if value]


def _words(value: Any) -> str:
    """Text without control characters, of a bounded length."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(value or ""))[:MAX_TEXT].strip()


def renamed(attributes: Attributes, names: dict[str, str]) -> Attributes:
    """The tree with instances and frames of reference called as `names` has it."""
    made: Attributes = {}
    for tag, element in attributes.items():
        values = element.get("Value", [])
        if element["vr"] == "SQ":
            values = [renamed(item, names) for item in values]
        elif tag in (INSTANCE_UID, FRAME_OF_REFERENCE):
            values = [names[value] for value in values if value in names]
        made[tag] = {"vr": element["vr"], "Value": values} if values else {"vr": element["vr"]}
    return made


def observed_by(content: Attributes, name: str) -> Attributes:
    """The tree with `name` as its only person observer. Source: PS3.16 TID 1002 and 1003."""
    items = [
        item
        for item in content.get(CONTENT, {}).get("Value", [])
        if concept(item) not in (OBSERVER, OBSERVER_TYPE)
    ]
    observer = {
        "0040A010": {"vr": "CS", "Value": ["HAS OBS CONTEXT"]},
        "0040A040": {"vr": "CS", "Value": ["PNAME"]},
        CONCEPT: {"vr": "SQ", "Value": [code(OBSERVER, "DCM", "Person Observer Name")]},
        "0040A123": {"vr": "PN", "Value": [{"Alphabetic": name[:64]}]},
    }
    at = next((n for n, item in enumerate(items) if text(item, "0040A040") == "CONTAINER"), 0)
    items.insert(at, observer)
    return content | {CONTENT: {"vr": "SQ", "Value": items}}


def code(value: str, scheme: str, meaning: str) -> Attributes:
    return {
        "00080100": {"vr": "SH", "Value": [value]},
        "00080102": {"vr": "SH", "Value": [scheme]},
        "00080104": {"vr": "LO", "Value": [meaning]},
    }


def concept(item: Attributes, sequence: str = CONCEPT, tag: str = "00080100") -> str:
    codes = item.get(sequence, {}).get("Value", [])
    return text(codes[0], tag) if codes else ""


def items_of(content: Attributes) -> list[dict[str, Any]]:
    """What a page lists: for each group its label, its numbers with units, and its instance."""
    found = []
    for item in content.get(CONTENT, {}).get("Value", []):
        if concept(item) == GROUP:
            found.append(_group(item))
        else:
            found += items_of(item)
    return found


def _group(group: Attributes) -> dict[str, Any]:
    label, values, references = "", [], _Walk()
    for item in group.get(CONTENT, {}).get("Value", []):
        references.item(item, 0)
        if text(item, "0040A040") == "NUM" and (measured := item.get(MEASURED, {}).get("Value")):
            unit = concept(measured[0], "004008EA")
            name = concept(item, tag="00080104")
            values.append([name, first(measured[0], "0040A30A", None), unit])
        elif concept(item) in (FINDING, FINDING_SITE):
            label = label or concept(item, CODED, "00080104")
    return {"label": label, "values": values, "instance": (references.references or [""])[0]}
