"""Every text of a C-CDA document or a FHIR resource, section by section.

Runs in the guarded child only; see `records.guard`. No Django here. XML is read without document
types, hence without entities. What is not known is read too: an extension may say anything.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.parsers import expat

MAX_TEXT = 300_000  # of one section
MAX_FILES = 20
MAX_FILE_BYTES = 50 * 1024**2
MAX_DEPTH = 200
# Elements of a narrative that stand inside a word or line; all others begin a new one.
INLINE = {"content", "sub", "sup", "footnote", "footnoteRef", "linkHtml", "span", "b", "i", "em",
          "strong", "a", "u", "tt", "big", "small", "code"}  # fmt: skip
CELLS = {"td", "th", "given", "family", "prefix", "suffix", "streetAddressLine", "city", "state"}
# Attributes that are structure, not words.
STRUCTURE = {"root", "typeCode", "classCode", "moodCode", "type", "styleCode", "use",
             "schemaLocation", "nullFlavor", "codeSystem", "templateId", "contextControlCode",
             "determinerCode", "inversionInd", "operator", "language", "unit", "border", "width",
             "align", "xmlns"}  # fmt: skip
PACKED = {"data", "valueBase64Binary", "content"}  # elements of FHIR that hold base64


class Unsafe(Exception):
    """A document type or too deep a tree: screening refused such a file already."""


def read(path: str, media_type: str, folder: str) -> dict[str, Any]:
    """Returns: passages (place, where, text), files (file, name, place)."""
    content = Path(path).read_bytes()
    if media_type.endswith("json"):
        found = _Json().read(json.loads(content))
    elif media_type.endswith("xml"):
        found = _Xml(is_fhir="fhir" in media_type).read(content)
    else:
        found = _Found()
    return found.answer(Path(folder))


class _Found:
    """Texts by section, codes apart, and the files that were packed inside."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], list[str]] = {}
        self.files: list[bytes] = []

    def add(self, place: str, where: str, text: str) -> None:
        if text.strip():
            self.texts.setdefault((place, where[:200]), []).append(text)

    def file(self, encoded: str, at_least: int = 200) -> bool:
        """Take a packed file out. False when the text is none, or shorter than `at_least`."""
        bare = re.sub(r"\s+", "", encoded)
        if len(bare) < at_least or not re.fullmatch(r"[A-Za-z0-9+/=_-]+", bare):
            return False
        try:
            content = b64decode(bare.replace("-", "+").replace("_", "/"), validate=True)
        except ValueError:
            return False
        if len(self.files) < MAX_FILES and len(content) <= MAX_FILE_BYTES:
            self.files.append(content)
        return True

    def answer(self, folder: Path) -> dict[str, Any]:
        files = []
        for number, content in enumerate(self.files):
            name = f"inside-{number}"
            (folder / name).write_bytes(content)
            files.append({"file": name, "name": "", "place": "attachment"})
        passages = [
            {"place": place, "where": where, "text": _tidy("".join(texts))[:MAX_TEXT]}
            for (place, where), texts in self.texts.items()
        ]
        return {"passages": passages, "files": files}


def _tidy(text: str) -> str:
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n(?: ?\n)+ ?", "\n\n", text).strip()


# --- XML ---------------------------------------------------------------------------------------


class _Xml:
    """C-CDA by section title; FHIR by resource; anything else by its top elements."""

    def __init__(self, *, is_fhir: bool) -> None:
        self.found = _Found()
        self.is_fhir = is_fhir
        self.path: list[str] = []
        self.sections: list[tuple[int, str]] = []  # depth and title
        self.buffer: list[str] = []
        self.title: list[str] | None = None
        self.packed: list[str] = []  # "B64" and the pieces of a packed file

    def read(self, content: bytes) -> _Found:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = lambda text: self.found.add("hidden_text", "comment", text + "\n")
        parser.ProcessingInstructionHandler = lambda target, data: self.found.add(
            "hidden_text", "instruction", data + "\n"
        )
        parser.StartDoctypeDeclHandler = self._refuse
        parser.Parse(content, True)
        return self.found

    def _refuse(self, *_: Any) -> None:
        raise Unsafe

    @property
    def where(self) -> str:
        if self.sections:
            return self.sections[-1][1]
        return self.path[1] if len(self.path) > 1 else "document"

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        self.path.append(name)
        if len(self.path) > MAX_DEPTH:
            raise Unsafe
        if name == "section" or (self.is_fhir and name[:1].isupper()):
            self.sections.append((len(self.path), name))
        if name == "title" and self.sections:
            self.title = []
        self.packed = ["B64"] if attributes.get("representation") == "B64" else []
        self._break(name)
        self._attributes(name, attributes)

    def _break(self, name: str) -> None:
        """A blank between cells, a new line between everything else but parts of a word."""
        if name not in INLINE and (texts := self.found.texts.get(("section", self.where))):
            texts.append(" " if name in CELLS else "\n")

    def _attributes(self, name: str, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            key = key.rpartition(" ")[2]
            if key in STRUCTURE or len(value) < 2 or not any(map(str.isalpha, value)):
                continue
            at_least = 4 if name in PACKED else 200
            if self.is_fhir and key == "value" and self.found.file(value, at_least):
                continue
            if key == "ID":  # may stand in the middle of a word
                self.found.add("hidden_text", self.where, value + "\n")
                continue
            is_code = key == "code" or (self.is_fhir and name in ("code", "system"))
            said = attributes.get("displayName", "")
            if is_code:
                self.found.add("code", self.where, f"{value} {said}".strip() + "\n\n")
            elif key != "value" or not re.fullmatch(r"[\d.:+-]+", value):
                self._say(value + "\n")

    def _say(self, text: str) -> None:
        self.found.add("section", self.where, text)

    def _text(self, text: str) -> None:
        if self.title is not None:
            self.title.append(text)
        if self.packed:  # a reader may give a long text in pieces
            self.packed.append(text)
            return
        if text.strip():
            self._say(text)
        elif ("section", self.where) in self.found.texts:
            self.found.texts[("section", self.where)].append(" ")

    def _end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if self.packed:
            text, self.packed = "".join(self.packed[1:]), []
            if not self.found.file(text, 4):
                self._say(text)
        if name == "title" and self.title is not None:
            depth, _old = self.sections[-1]
            said = " ".join("".join(self.title).split())
            self._move(said)
            self.sections[-1] = (depth, said or "section")
            self.title = None
        if self.sections and self.sections[-1][0] == len(self.path):
            self.sections.pop()
        self._break(name)
        self.path.pop()

    def _move(self, title: str) -> None:
        """What was read of a section before its title was known goes under the title."""
        old = self.where
        for place in ("section", "code"):
            if (place, old) in self.found.texts and title:
                texts = self.found.texts.pop((place, old))
                self.found.texts.setdefault((place, title[:200]), []).extend(texts)


# --- JSON --------------------------------------------------------------------------------------


class _Json:
    """FHIR in JSON: one passage a resource, codes apart, narratives without their tags."""

    def __init__(self) -> None:
        self.found = _Found()

    def read(self, content: Any) -> _Found:
        self._resource(content, "document", 0)
        return self.found

    def _resource(self, thing: Any, where: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Unsafe
        if isinstance(thing, dict):
            where = str(thing.get("resourceType") or thing.get("title") or where)[:200]
            for key, value in thing.items():
                self._value(key, value, where, depth, thing)
            self.found.add("section", where, "\n\n")
        elif isinstance(thing, list):
            for value in thing:
                self._resource(value, where, depth + 1)
        elif isinstance(thing, str):
            self._words("", thing, where)

    def _value(self, key: str, value: Any, where: str, depth: int, around: dict[str, Any]) -> None:
        if isinstance(value, str):
            if key == "code":
                said = around.get("display", "")
                self.found.add("code", where, f"{value} {said}".strip() + "\n\n")
            else:
                self._words(key, value, where)
        else:
            if key in ("given", "family") and isinstance(value, list):
                value = [" ".join(map(str, value))]
            self._resource(value, where, depth + 1)

    def _words(self, key: str, value: str, where: str) -> None:
        if key in PACKED and self.found.file(value, 4):
            return
        if key == "div" or "</" in value:
            value = plain_of(value)
        elif not key and self.found.file(value):
            return
        if any(map(str.isalpha, value)):
            # The parts of a person's name are one line; everything else has its own.
            self.found.add("section", where, value + (" " if key in ("family", "given") else "\n"))


LOOKS = {"xmlns", "style", "lang", "xml:lang", "dir", "align", "valign", "width", "height"}


def plain_of(text: str) -> str:
    """The words of a web page or narrative: shown, in attributes, in remarks."""
    return "".join(_Plain().read(text))


class _Plain(HTMLParser):
    """Words of a narrative: cells and lines apart, nothing else of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.said: list[str] = []  # in attributes: told at the end, or they would cut words apart

    def read(self, text: str) -> Iterator[str]:
        self.feed(text)
        self.close()
        yield from self.parts
        yield "".join(f"\n{value}\n" for value in self.said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in INLINE:
            self.parts.append(" " if tag in CELLS else "\n")
        self.said += [value for key, value in attrs if value and key not in LOOKS]

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_comment(self, data: str) -> None:
        self.parts.append(f"\n{data}\n")


def sheets(path: str) -> list[str]:
    """Plain text in the sheets that `records.foreign_pages` draws."""
    from records.foreign_pages import text_sheets

    return text_sheets(Path(path).read_bytes())
