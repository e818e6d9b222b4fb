"""The corpus: which carriers there are, how each is read, and what counts as found.

Found means: one hit at least lies on the planted words. Every other hit in a carrier, and every hit
in a clean file, is a false alarm.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.leaks import pdfs, records
from bench.leaks.cases import CASES, Case
from records.blinding_search import images, passages, reading
from records.blinding_search.matching import Finder
from records.blinding_search.passages import Found, Passage, Reading
from records.blinding_search.words import folded
from records.dicom.reader import Header
from records.guard import run_guarded

Make = Callable[[str, int], bytes]
FAMILIES: dict[str, tuple[str, dict[str, Make]]] = {
    "pdf": ("application/pdf", pdfs.IN_STREAM | pdfs.ELSEWHERE),
    "scan": ("application/pdf", pdfs.SCANS),
    "photo": ("image/", records.PHOTOS),
    "cda": ("application/cda+xml", records.CDAS),
    "fhir": ("application/fhir+json", records.FHIRS),
    "text": ("text/plain", records.TEXTS),
    "dicom": ("application/dicom", records.DICOM),
}
OCR = {"scan", "photo"}
NAMES = ("file name", "words", "neutral title")


@dataclass
class Carrier:
    family: str
    place: str  # kind of place
    wording: str  # kind of wording
    case: Case
    words: str
    seed: int
    read: Callable[[], Reading] = field(repr=False, default=Reading)


def corpus(each: int = 4, each_ocr: int = 6) -> Iterator[Carrier]:
    """`each` carriers for every kind of place, over all cases and wordings in turn.

    Our own text files are read without the child's start; pictures in the child, with its limits.
    """
    pool = [(case, kind, text) for case in CASES for kind, text in case.wordings]
    random.Random(4).shuffle(pool)
    at = 0
    for family, (media_type, makes) in FAMILIES.items():
        run = run_guarded if family in OCR else run_here
        for place, make in makes.items():
            for _ in range(each_ocr if family in OCR else each):
                case, kind, text = pool[at % len(pool)]
                at += 1
                yield _carrier(family, place, kind, case, text, at, make, media_type, run)
    for place in NAMES:
        for _ in range(each * 2):
            case, kind, text = pool[at % len(pool)]
            at += 1
            yield _of_words(place, kind, case, text, at)


def _carrier(
    family: str, place: str, kind: str, case: Case, text: str, seed: int, make: Make,
    media_type: str, run: Any,
) -> Carrier:  # fmt: skip
    def read() -> Reading:
        return read_bytes(make(text, seed), media_type, run)

    return Carrier(family, place, kind, case, text, seed, read)


def _of_words(place: str, kind: str, case: Case, text: str, seed: int) -> Carrier:
    name = text.replace(" ", random.Random(seed).choice(["_", "-", " "])) + ".pdf"
    made = {
        "file name": Passage("file_name", name),
        "words": Passage("words", f"I was told that it is {text}. Is that right?", has_lines=True),
        "neutral title": Passage("neutral", f"Report, {text}"),
    }[place]
    return Carrier("words", place, kind, case, text, seed, lambda: Reading([made]))


def run_here(function: str, *args: Any, limits: Any = None) -> Any:
    """What the guarded child would do, without its walls: for files of our own making only."""
    module, _colon, name = function.rpartition(":")
    return getattr(import_module(module or "records.foreign"), name)(*args)


def read_bytes(content: bytes, media_type: str, run: Any = run_guarded) -> Reading:
    """Read a carrier as the worker does: files by the guarded child, headers from the header."""
    if media_type == "application/dicom":
        return read_object(content, run)
    with TemporaryDirectory(prefix="carrier-") as folder:
        path = Path(folder) / "carrier"
        path.write_bytes(content)
        return reading.read_unknown(path, run=run)


def read_object(content: bytes, run: Any = run_guarded) -> Reading:
    """One image object, by the same functions as a stored series."""
    header = Header(content, 0, len(content))
    texts, found = images.HeaderTexts(), Reading(images.meta_texts(content[:4096]))
    line = json.loads(json.dumps(header.attributes))
    texts.take(line)
    for path, _vr, where in images.long_values(line):
        start, length = header.bulk[path]
        raw = content[start : start + length]
        if path == "00420011":
            with TemporaryDirectory(prefix="carrier-") as folder:
                file = Path(folder) / "document"
                file.write_bytes(images.without_padding(raw))
                found.passages += reading.read_unknown(file, run=run).passages
        else:
            found.passages += [Passage("header", t, where=where) for t in images.printable(raw)]
    found.passages = texts.passages + found.passages
    return found


def hits_of(carrier: Carrier, finder: Finder) -> tuple[list[Found], Reading]:
    read = carrier.read()
    return passages.search(finder, read.passages), read


def on_planted(found: Found, words: str) -> bool:
    """Whether a hit lies on the planted words: they share letters, slips of reading forgiven."""
    one, other = _letters(found.text), _letters(words)
    if one in other or other in one:
        return True
    parts = [_letters(part) for part in words.replace("-", " ").split() if len(part) > 3]
    return any(part and (part in one or one in part) for part in parts) or _like(one, other)


def _letters(text: str) -> str:
    return "".join(letter for letter in folded(text) if letter.isalnum())


def _like(one: str, other: str) -> bool:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio() > 0.7
