"""Read the header of one DICOM object straight into the DICOM JSON model, in one pass.

A seventh of the time of a general library (see docs/imaging.md), and equal to pydicom on every
file of the test corpus. SECURITY: foreign bytes. Nothing is inflated or decoded here; each length
is compared with what is left, nesting and number of elements are limited, so that neither time nor
memory can grow beyond the size of the file. Whatever is odd is `Unreadable`, with its code.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from itertools import islice
from struct import Struct

from records.dicom import charsets, elements
from records.dicom.dictionary import vr_of
from records.dicom.fragments import UNDEFINED as UNDEFINED
from records.dicom.fragments import Buffer as Buffer
from records.dicom.fragments import Unreadable as Unreadable
from records.dicom.fragments import fragments as fragments
from records.dicom.repeats import (
    MAX_ELEMENT_BYTES,
    MAX_REPEATED,
    Repeat,
    Repeats,
    next_turn,
    text_of,
)
from records.dicom.values import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Attributes,
    Element,
)

MAX_DEPTH = 40
MAX_ELEMENTS = 200_000  # some 120 MB while they are read
MAX_IN_A_SET = 20_000  # beside each other; real ones have a few hundred
MAX_KNOWN = 5_000
INLINE_BYTES = 64  # longer binary values are fetched on request
INLINE_TEXT_BYTES = 100_000
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
LONG = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
SHORT = frozenset({b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO",
                   b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL",
                   b"US"})  # fmt: skip
BULK = "@/"  # stands for the address of the instance; see `metadata.py`


class Header:
    """Everything of one object but its pixels. `start` and `end` bound it within `buffer`."""

    def __init__(
        self,
        buffer: Buffer,
        start: int,
        end: int,
        transfer_syntax: str = "",
        repeats: Repeats | None = None,
    ) -> None:
        """With `repeats`, what the object before had is not read again, and `texts` is filled."""
        self.buffer, self.start, self.end = buffer, start, end
        self.meta: Attributes = {}
        self.bulk: dict[str, tuple[int, int]] = {}  # path -> offset and length of the value
        self.pixels: tuple[int, int, int] | None = None  # tag, offset, length (or UNDEFINED)
        self.pixels_short = False
        self._count = 0
        self.texts: dict[str, str] = {}  # of each element its JSON
        self._known = {} if repeats is None else repeats.known
        self._set_charset([])
        self._is_signed = False
        try:
            position = start
            if not transfer_syntax:
                transfer_syntax, position = self._read_start()
            self.transfer_syntax = transfer_syntax
            self.dataset_at = position
            if transfer_syntax == DEFLATED_LE:
                raise Unreadable("deflated", position)
            self._explicit = transfer_syntax != IMPLICIT_LE
            self._set_order("<" if transfer_syntax != EXPLICIT_BE else ">")
            if repeats is None:
                self.attributes, _end = self._elements(position, end, 0, "")
            else:
                self.attributes = self._repeated(repeats, position, end)
        except (struct.error, IndexError, RecursionError):
            raise Unreadable("truncated") from None

    def _set_charset(self, terms: list[str | None]) -> None:
        self._charset = "\\".join(term or "" for term in terms)
        self._decode = charsets.decoder(terms)

    def _set_order(self, order: str) -> None:
        self._order = order
        self._tag, self._short, self._long = (
            Struct(order + "HH"),
            Struct(order + "H"),
            Struct(order + "L"),
        )

    # --- the beginning -------------------------------------------------------------------------
    def _read_start(self) -> tuple[str, int]:
        """The transfer syntax and where the data set begins."""
        self._explicit = True
        self._set_order("<")
        buffer, start = self.buffer, self.start
        has_preamble = buffer[start + 128 : start + 132] == b"DICM"
        position = start + 132 if has_preamble else start
        if self.end - position < 8:
            raise Unreadable("not_dicom")
        group, element = self._tag.unpack_from(buffer, position)
        if group == 0x0002:
            position = self._read_meta(position)
            found = self.meta.get("00020010", {}).get("Value", [""])[0]
            if not found:
                raise Unreadable("no_transfer_syntax")
            if not str(found).startswith("1.2.840.10008.1.2"):  # a number under a wrong VR
                raise Unreadable("unknown_transfer_syntax")
            return found, position
        if group != 0x0008 or element > 0x0018:
            raise Unreadable("not_dicom")
        vr = buffer[position + 4 : position + 6]
        return (EXPLICIT_LE if vr in SHORT or vr in LONG else IMPLICIT_LE), position

    def _read_meta(self, position: int) -> int:
        while (
            position + 8 <= self.end and self._tag.unpack_from(self.buffer, position)[0] == 0x0002
        ):
            tag, vr, length, position = self._head(position)
            if length > self.end - position:
                raise Unreadable("truncated")
            if tag & 0xFFFF:
                self.meta[f"{tag:08X}"] = self._value(tag, vr, position, length, "")
            position += length
        return position

    # --- elements ------------------------------------------------------------------------------
    def _head(self, position: int) -> tuple[int, str, int, int]:
        """Tag, VR, length of the value and where it begins."""
        group, element = self._tag.unpack_from(self.buffer, position)
        tag = group << 16 | element
        if group == 0xFFFE:
            return tag, "", self._long.unpack_from(self.buffer, position + 4)[0], position + 8
        if self._explicit:
            vr = self.buffer[position + 4 : position + 6]
            if vr in SHORT:
                return (
                    tag,
                    vr.decode(),
                    self._short.unpack_from(self.buffer, position + 6)[0],
                    position + 8,
                )
            if vr in LONG:
                return (
                    tag,
                    vr.decode(),
                    self._long.unpack_from(self.buffer, position + 8)[0],
                    position + 12,
                )
            if vr == b"\0\0" or not vr.isalpha() or not vr.isupper():  # an implicit one among them
                return (
                    tag,
                    self._known_vr(tag),
                    self._long.unpack_from(self.buffer, position + 4)[0],
                    position + 8,
                )
            return tag, "UN", self._long.unpack_from(self.buffer, position + 8)[0], position + 12
        return (
            tag,
            self._known_vr(tag),
            self._long.unpack_from(self.buffer, position + 4)[0],
            position + 8,
        )

    def _known_vr(self, tag: int) -> str:
        if tag & 0x00010000:  # private: its creators are text
            return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
        vr = "UL" if not tag & 0xFFFF else vr_of(tag) or "UN"
        if vr == "US/SS":
            return "SS" if self._is_signed else "US"
        return "OW" if "/" in vr else vr

    def _elements(self, position: int, end: int, depth: int, path: str) -> tuple[Attributes, int]:
        """Read to `end` or the end of the item; return the attributes and where it stopped."""
        if depth > MAX_DEPTH:
            raise Unreadable("too_deep")
        found: Attributes = {}
        name: str | None = ""
        while name is not None and position + 8 <= end:
            name, position = self._element(found, position, end, depth, path)
        return found, position

    def _element(  # noqa: C901  # whatever one element may be
        self, found: Attributes, position: int, end: int, depth: int, path: str
    ) -> tuple[str | None, int]:
        """Read one element into `found`. Returns its name, "" for one that says nothing, None at
        the end; and where the next begins.
        """
        tag, vr, length, position = self._head(position)
        self._count += 1
        if tag == ITEM_END:
            return None, position
        if self._count > MAX_ELEMENTS or len(found) > MAX_IN_A_SET:
            raise Unreadable("too_many_elements")
        if tag == 0xFFFCFFFC or tag == 0:  # padding after the end
            return None, end
        name = f"{tag:08X}"
        if vr == "UN" and (known := self._known_vr(tag)) != "UN" and length != UNDEFINED:
            vr = known
        if tag in PIXELS and not (depth and length != UNDEFINED):
            found[name], position = self._pixels(tag, vr, length, position, end, depth)
            return name, position
        if vr == "SQ" or length == UNDEFINED:
            items, position = self._sequence(vr, length, position, end, depth + 1, f"{path}{name}.")
            found[name] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
            return name, position
        if length > end - position:
            raise Unreadable("truncated")
        if not tag & 0xFFFF:  # group lengths say nothing
            return "", position + length
        found[name] = self._value(tag, vr, position, length, path)
        if tag == 0x00080005:
            self._set_charset(found[name].get("Value", []))
        elif tag == 0x00280103:
            self._is_signed = found[name].get("Value") == [1]
        return name, position + length

    # --- what the object before had, too -------------------------------------------------------
    def _repeated(self, repeats: Repeats, position: int, end: int) -> Attributes:
        """All elements, and the JSON of each in `texts`."""
        found: Attributes = {}
        buffer, texts, now = self.buffer, self.texts, list[Repeat]()
        before, runs, at = repeats.of(self.transfer_syntax), repeats.runs, 0
        state = self._charset, self._is_signed
        while position + 8 <= end:
            run = runs.get(at)
            if run and run.state == state:
                stop = position + len(run.raw)
                if stop <= end and buffer[position:stop] == run.raw:
                    found.update(run.elements)
                    texts.update(run.texts)
                    self._repeat(run.count, run.bulk, position)
                    now += run.members
                    position, at = stop, at + len(run.members)
                    continue
            if at < len(before) and (one := before[at]).state == state:
                stop = position + one.size
                if stop <= end and buffer[position:stop] == one.raw:
                    found[one.name], texts[one.name] = one.element, one.text
                    self._repeat(one.count, one.bulk, position)
                    self._charset, self._decode, self._is_signed = one.after
                    state = self._charset, self._is_signed
                    now.append(one)
                    position, at = stop, at + 1
                    continue
            was, known = state, len(found)
            mark = position, self._count, len(self.bulk)
            name, position = self._element(found, position, end, 0, "")
            if name is None:
                break
            if not name:
                continue
            texts[name] = text_of(name, found[name])
            state = self._charset, self._is_signed
            if at < len(before) and before[at].is_place_of(name):
                now.append(before[at])
                at += 1
                continue
            if len(now) >= MAX_REPEATED:
                continue
            # Of what came twice the second alone counts.
            is_kept = name not in repeats.changing and len(found) > known
            is_kept = is_kept and position - mark[0] <= MAX_ELEMENT_BYTES
            now.append(self._as_repeat(name, found[name], mark, position, was if is_kept else None))
            at = next_turn(before, at, name)
        repeats.replace(self.transfer_syntax, now)
        return found

    def _as_repeat(
        self, name: str, element: Element, mark: tuple[int, int, int], position: int,
        state: tuple[str, bool] | None,
    ) -> Repeat:  # fmt: skip
        begun, count, bulk = mark
        return Repeat(
            name=name,
            raw=self.buffer[begun:position] if state else b"",
            size=position - begun,
            state=state,
            after=(self._charset, self._decode, self._is_signed),
            element=element,
            text=self.texts[name],
            count=self._count - count,
            bulk=[(path, place - begun, size) for path, (place, size)
                  in islice(reversed(self.bulk.items()), len(self.bulk) - bulk)],
        )  # fmt: skip

    def _repeat(self, count: int, bulk: list[tuple[str, int, int]], position: int) -> None:
        self._count += count
        if self._count > MAX_ELEMENTS:
            raise Unreadable("too_many_elements")
        for path, offset, size in bulk:
            self.bulk[path] = (position + offset, size)

    def _sequence(
        self, vr: str, length: int, position: int, end: int, depth: int, path: str
    ) -> tuple[list[Attributes], int]:
        if vr not in ("SQ", "UN"):
            raise Unreadable("truncated")
        if length != UNDEFINED:
            if length > end - position:
                raise Unreadable("truncated")
            end = position + length
        explicit, order = self._explicit, self._order
        charset, decode = self._charset, self._decode
        if vr == "UN":  # PS3.5 section 6.2.2: always implicit little endian
            self._explicit = False
            self._set_order("<")
        items: list[Attributes] = []
        while position + 8 <= end:
            tag, _vr, size, position = self._head(position)
            if tag == SEQUENCE_END and length == UNDEFINED:
                break
            if tag != ITEM or (size != UNDEFINED and size > end - position):
                raise Unreadable("truncated")
            stop = end if size == UNDEFINED else position + size
            item, position = self._elements(position, stop, depth, f"{path}{len(items)}.")
            position = position if size == UNDEFINED else stop
            items.append(item)
            self._charset, self._decode = charset, decode
        else:
            if length == UNDEFINED:
                raise Unreadable("truncated")
        if vr == "UN":
            self._explicit = explicit
            self._set_order(order)
        return items, position

    def _pixels(
        self, tag: int, vr: str, length: int, position: int, end: int, depth: int
    ) -> tuple[Element, int]:
        element: Element = {"vr": vr if vr in ("OB", "OW", "OF", "OD") else "OW"}
        if depth == 0:
            self.pixels = (tag, position, length)
        if length == UNDEFINED:
            _fragments, stop = fragments(self.buffer, position, end)
        else:
            stop = position + length
            if stop > end:
                self.pixels_short, stop = True, end
        if depth == 0:
            if stop > position:
                element["BulkDataURI"] = f"{BULK}bulkdata/{tag:08X}"
            self.bulk[f"{tag:08X}"] = (position, stop - position)
        return element, stop

    # --- values --------------------------------------------------------------------------------
    def _value(self, tag: int, vr: str, position: int, length: int, path: str) -> Element:
        if not length:
            return {"vr": vr}
        if vr in elements.NUMBERS:
            return elements.numbers(vr, self.buffer[position : position + length], self._order)
        if vr == "AT":
            raw = self.buffer[position : position + length - length % 4]
            pairs = Struct(f"{self._order}{len(raw) // 2}H").unpack(raw)
            return {
                "vr": vr,
                "Value": [f"{g:04X}{e:04X}" for g, e in zip(pairs[::2], pairs[1::2], strict=True)],
            }
        if vr[0] == "O" or vr == "UN":
            self.bulk[f"{path}{tag:08X}"] = (position, length)
            if length > INLINE_BYTES:
                return {"vr": vr, "BulkDataURI": f"{BULK}bulkdata/{path}{tag:08X}"}
            return {
                "vr": vr,
                "InlineBinary": b64encode(self.buffer[position : position + length]).decode(),
            }
        if length > INLINE_TEXT_BYTES:
            self.bulk[f"{path}{tag:08X}"] = (position, length)
            return {"vr": vr, "BulkDataURI": f"{BULK}bulkdata/{path}{tag:08X}"}
        raw = self.buffer[position : position + length]
        if length > INLINE_BYTES:
            return elements.words(vr, raw, self._decode)
        key = (vr, self._charset, raw)
        element = self._known.get(key)
        if element is None:
            element = elements.words(vr, raw, self._decode)
            if len(self._known) < MAX_KNOWN:
                self._known[key] = element
        return element
