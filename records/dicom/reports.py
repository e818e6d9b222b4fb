"""What a structured report says, as the sections of blocks that `records.readable` writes pages of.

Read from the header that was taken apart at receipt (`reader.py` limits its depth and size): no
foreign bytes here, and no Django. Source: PS3.3 C.17.3 (content items), PS3.16 (templates).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from records.dicom.measured import CODED, CONCEPT, CONTENT, INSTANCE_UID, MEASURED, REFERENCED
from records.dicom.values import Attributes, first, text

# Structured reports, key object selections and dose reports, procedure logs: PS3.4 annex B.5.
REPORTS = "1.2.840.10008.5.1.4.1.1.88."
MAX_DEPTH = 4  # of headings
MODIFIERS = 2  # words about a value that stand behind it
PROSE = 80  # characters from which a text is a paragraph, not a line of a list
VALUE_TYPE, RELATION, CONTINUITY = "0040A040", "0040A010", "0040A050"
UNITS, QUALIFIER, TARGET = "004008EA", "0040A301", "0040DB73"
TEXT_OF = {"TEXT": "0040A160", "DATE": "0040A121", "TIME": "0040A122", "DATETIME": "0040A120",
           "PNAME": "0040A123"}  # fmt: skip
REFERENCES = {"IMAGE", "COMPOSITE", "WAVEFORM"}
PLACES = {"SCOORD", "SCOORD3D", "TCOORD"}
Block = list[Any]
Section = dict[str, Any]
Words = Callable[[str, str], str]  # of a code and what it is about, in the reader's language


class _Report:
    """One report. `say` writes our own words, `where` names an instance that is pointed at."""

    def __init__(self, root: Attributes, say: Words) -> None:
        self.root, self.say = root, say

    def sections(self, item: Attributes, depth: int, title: str) -> Iterator[Section]:
        """The container's own items, and each container within it, in the order of the file."""
        run: list[Attributes] = []
        is_begun = False
        for child in _children(item):
            if text(child, VALUE_TYPE) != "CONTAINER":
                run.append(child)
                continue
            if run or not is_begun:
                yield self._section(item, run, depth, title, is_more=is_begun)
            run, is_begun = [], True
            name = _name(child)
            yield from self.sections(child, depth + 1 if name or depth == 1 else depth, name)
        if run or not is_begun:
            yield self._section(item, run, depth, title, is_more=is_begun)

    def _section(
        self, item: Attributes, run: list[Attributes], depth: int, title: str, *, is_more: bool
    ) -> Section:
        is_flowing = text(item, CONTINUITY) == "CONTINUOUS"
        blocks = self._flowing(run) if is_flowing else self._listed(run)
        told: Section = {"depth": min(depth, MAX_DEPTH), "title": title[:200], "blocks": blocks}
        return told | ({} if title else {"code": "section"}) | ({"continued": 1} if is_more else {})

    def _flowing(self, run: list[Attributes]) -> list[Block]:
        """Items that make sentences together. What stands below them follows as a list."""
        inline: list[Any] = []
        below: list[Block] = []
        for item in run:
            if value := self.value(item):
                lines = value.splitlines() or [value]
                for at, line in enumerate(lines):
                    inline += [["br"], line] if at else [(" " if inline else "") + line]
            below += [block for block in (self._below(item),) if block]
        return ([["p", inline]] if inline else []) + below

    def _listed(self, run: list[Attributes]) -> list[Block]:
        """A list; prose of several lines, or of a length, stands as paragraphs between."""
        blocks: list[Block] = []
        for item, told in self._joined(run):
            if not told:
                continue
            words = self.value(item) if text(item, VALUE_TYPE) == "TEXT" else ""
            if len(words) > PROSE or "\n" in words:
                blocks += told
            elif blocks and blocks[-1][0] == "l":
                blocks[-1][2].append(told)
            else:
                blocks.append(["l", False, [told]])
        return blocks

    def _joined(self, run: list[Attributes]) -> Iterator[tuple[Attributes, list[Block]]]:
        """Each item and what it says; the same said again and again of objects stands once."""
        for told, same in groupby(((self._told(item), item) for item in run), lambda one: one[0]):
            items = [item for _told, item in same]
            if len(items) > 1 and text(items[0], VALUE_TYPE) in REFERENCES:
                yield items[0], [["p", [*told[0][1], f" ({len(items)})"]], *told[1:]]
            else:
                yield from ((item, told) for item in items)

    def _told(self, item: Attributes) -> list[Block]:
        """Name and value of one item, and a list of what stands below it."""
        name, value, below = _name(item), self.value(item), self._below(item)
        if not value and not below:
            return []
        inline: list[Any] = [["b", [f"{name}: " if value else name]]] if name else []
        for at, line in enumerate(value.splitlines()):
            inline += [["br"], line] if at else [line]
        inline = inline or [self.say("unnamed", "")]
        if value and (more := self._modifiers(item)):
            return [["p", [*inline, f" ({more})"]]]
        return [["p", inline], *([below] if below else [])]

    def _modifiers(self, item: Attributes) -> str:
        """A coded word or two that belong to the value: "Derivation: Mean". Else ""."""
        children = _children(item)
        is_short = len(children) <= MODIFIERS and all(
            text(child, VALUE_TYPE) == "CODE"
            and text(child, RELATION) in ("HAS CONCEPT MOD", "HAS PROPERTIES")
            and not _children(child)
            for child in children
        )
        told = ((_name(child), self.value(child)) for child in children if is_short)
        return ", ".join(": ".join(filter(None, one)) for one in told)

    def _below(self, item: Attributes) -> Block:
        """What an item rests on or what is said more of it; a container among it keeps its name."""
        rows = [told for child in _children(item) if (told := self._row_below(child))]
        return ["l", False, rows] if rows else []

    def _row_below(self, child: Attributes) -> list[Block]:
        told = self._told(child)
        if told and text(child, RELATION) in ("INFERRED FROM", "SELECTED FROM"):
            told[0][1].insert(0, ["i", [self.say("from", "") + " "]])
        return told

    def value(self, item: Attributes) -> str:
        """The value of an item in words; "" for what says nothing to people, such as a UID."""
        kind = text(item, VALUE_TYPE)
        if kind in TEXT_OF:
            element = item.get(TEXT_OF[kind], {})
            if "BulkDataURI" in element:
                return self.say("long", "")
            value = text(item, TEXT_OF[kind]).replace("\r\n", "\n").replace("\r", "\n").strip()
            if kind == "PNAME":
                return person(value)
            return value if kind == "TEXT" else self.say(kind.lower(), value)
        if kind == "CODE":
            return _meaning(item, CODED)
        if kind == "NUM":
            return self._number(item)
        if kind in REFERENCES:
            referenced = item.get(REFERENCED, {}).get("Value") or [{}]
            return self.say("object", text(referenced[0], INSTANCE_UID))
        if kind in PLACES:
            return self.say("place", text(item, "00700023"))
        if not kind and TARGET in item:
            return self._pointed(item)
        return ""

    def _number(self, item: Attributes) -> str:
        measured = (item.get(MEASURED, {}).get("Value") or [{}])[0]
        value = first(measured, "0040A30A", "")
        if value == "":
            return _meaning(item, QUALIFIER) or self.say("no_value", "")
        unit = (measured.get(UNITS, {}).get("Value") or [{}])[0]
        code = text(unit, "00080100")
        if code == "1" or text(unit, "00080104") == "no units":
            code = ""
        if code.startswith("{") or not (text(unit, "00080102") == "UCUM" or code.isalpha()):
            code = text(unit, "00080104") or code
        return f"{self.say('number', str(value))} {code}".strip()

    def _pointed(self, item: Attributes) -> str:
        """An item named by its place in the tree: 1 is the root. Source: PS3.3 C.17.3.2.5."""
        found = self.root
        for place in item[TARGET].get("Value", [])[1:]:
            children = _children(found)
            if not isinstance(place, int) or not 0 < place <= len(children):
                return ""
            found = children[place - 1]
        value = "" if text(found, VALUE_TYPE) == "" else self.value(found)
        return self.say("see", ": ".join(filter(None, (_name(found), value))))


def sections(attributes: Attributes, say: Words) -> list[Section]:
    """The report as sections; the first carries its title."""
    return list(_Report(attributes, say).sections(attributes, 1, title_of(attributes)))


def is_report(class_uid: str) -> bool:
    return class_uid.startswith(REPORTS)


def title_of(attributes: Attributes) -> str:
    return _name(attributes) or text(attributes, "0008103E")


def instances_named(attributes: Attributes) -> set[str]:
    """SOPInstanceUIDs of everything that items of the report point at."""
    found: set[str] = set()
    waiting = [attributes]
    while waiting:
        item = waiting.pop()
        found |= {text(one, INSTANCE_UID) for one in item.get(REFERENCED, {}).get("Value", [])}
        waiting += _children(item)
    return found - {""}


def verified_by(attributes: Attributes) -> list[str]:
    """Who answers for the report, with organization. Source: PS3.3 C.17.2."""
    told = []
    for item in attributes.get("0040A073", {}).get("Value", []):
        name = person(text(item, "0040A075"))
        told.append(", ".join(filter(None, (name, text(item, "0040A027")))))
    return [name for name in told if name]


def person(name: str) -> str:
    """A PN value in the order in which people say it. Source: PS3.5 section 6.2.1.1."""
    family, given, middle, prefix, suffix = [*name.split("^"), "", "", "", ""][:5]
    return " ".join(" ".join((prefix, given, middle, family, suffix)).split())


def _children(item: Attributes) -> list[Attributes]:
    values: list[Attributes] = item.get(CONTENT, {}).get("Value", [])
    return values


def _name(item: Attributes) -> str:
    return _meaning(item, CONCEPT)


def _meaning(item: Attributes, sequence: str) -> str:
    codes = item.get(sequence, {}).get("Value") or [{}]
    return text(codes[0], "00080104") or text(codes[0], "00080100")
