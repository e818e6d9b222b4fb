"""What one object's header repeats of the header before it. Used by `records.dicom.reader`.

The slices of a series differ in a dozen of their hundred elements. An element whose bytes are
those the object before had at the same turn, read under the same character set, is not read
again. SECURITY: the comparison is of all its bytes, so that a file can gain nothing by looking
like another; `tests/records/dicom/test_reader.py` compares each header with one read alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from json import JSONEncoder
from json.encoder import encode_basestring_ascii
from operator import is_
from typing import Any

from records.dicom.values import Element

MAX_ELEMENT_BYTES = 16 * 1024
MAX_REPEATED = 2_000
PIXELS = frozenset({"7FE00008", "7FE00009", "7FE00010"})  # other ones each time

_any_to_json: Callable[[Any], str] = JSONEncoder(separators=(",", ":")).encode
_SIMPLE: dict[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii,
    int: int.__repr__,
    float: float.__repr__,
    type(None): lambda _none: "null",
}


def text_of(name: str, element: Element) -> str:
    """One member of the JSON object of a header. PostgreSQL keeps no NUL."""
    if len(element) == 2 and "Value" in element:
        values = element["Value"]
        try:
            each = [_SIMPLE[type(value)](value) for value in values]
        except KeyError:
            pass
        else:
            text = f'"{name}":{{"vr":"{element["vr"]}","Value":[{",".join(each)}]}}'
            return text.replace("\\u0000", "")
    return f'"{name}":{_any_to_json(element)}'.replace("\\u0000", "")


@dataclass(slots=True)
class Repeat:
    """One element as it was read before. Without `state` it stands for its place alone."""

    name: str
    raw: bytes
    size: int
    state: tuple[str, bool] | None  # character set and sign under which it was read
    after: tuple[str, Callable[[bytes], str], bool]
    element: Element
    text: str
    count: int  # elements in it, those of its sequences too
    bulk: list[tuple[str, int, int]]  # path, offset from its beginning, length

    def is_place_of(self, name: str) -> bool:
        return self.state is None and self.name == name


@dataclass(slots=True)
class Run:
    """Elements in a row that were the same in all objects so far: compared at once."""

    raw: bytes
    state: tuple[str, bool]
    members: list[Repeat]
    elements: dict[str, Element]
    texts: dict[str, str]
    count: int
    bulk: list[tuple[str, int, int]]


@dataclass(slots=True)
class Repeats:
    """The elements of the object before, and texts of all before, within one batch."""

    known: dict[tuple[str, str, bytes], Element] = field(default_factory=dict)
    syntax: str = ""
    elements: list[Repeat] = field(default_factory=list)
    runs: dict[int, Run] = field(default_factory=dict)  # by the turn of their first element
    changing: set[str] = field(default_factory=lambda: set(PIXELS))  # no use to compare these

    def of(self, syntax: str) -> list[Repeat]:
        if syntax != self.syntax:
            self.elements, self.runs = [], {}
        return self.elements

    def replace(self, syntax: str, elements: list[Repeat]) -> None:
        """Remember the object just read."""
        before = self.elements if syntax == self.syntax and self.runs else []
        if len(elements) == len(before) and all(map(is_, elements, before)):
            return
        names = [one.name for one in elements]
        if syntax != self.syntax or names != [one.name for one in self.elements]:
            self.changing = set(PIXELS)
            self.runs = {}
        else:
            pairs = zip(elements, self.elements, strict=True)
            changed = {one.name for one, old in pairs if one is not old} - self.changing
            if changed or not self.runs:
                self.changing |= changed
                self.runs = _runs(elements, self.changing)
        self.syntax, self.elements = syntax, elements


def _runs(elements: list[Repeat], changing: set[str]) -> dict[int, Run]:
    runs: dict[int, Run] = {}
    run: Run | None = None
    for turn, one in enumerate(elements):
        is_steady = one.state == (one.after[0], one.after[2]) and one.name not in changing
        if one.state is None or not is_steady:
            run = None
            continue
        if run is None or run.state != one.state:
            run = runs[turn] = Run(b"", one.state, [], {}, {}, 0, [])
        run.bulk += [(path, len(run.raw) + offset, size) for path, offset, size in one.bulk]
        run.raw += one.raw
        run.members.append(one)
        run.elements[one.name], run.texts[one.name] = one.element, one.text
        run.count += one.count
    return runs


def next_turn(before: list[Repeat], at: int, name: str) -> int:
    """Where to go on comparing when the new object had `name` at this turn instead."""
    while at < len(before) and before[at].name < name:
        at += 1
    return at + 1 if at < len(before) and before[at].name == name else at
