"""What an electronic record says to people, as sections of blocks. Runs only in the guarded child.

No Django here. A section is a dict: depth (1-4), title or code (a word of `rendering.CODES`), by,
on, who (it tells who somebody is), continued, blocks. A block is a list, its kind first:
["p", inline] · ["pre", text] · ["l", is_ordered, [[block, ...], ...]] · ["say", code, text] ·
["t", caption, rows of heads, rows of cells], a cell is [[block, ...], columns, rows, is_head]
· ["rows", codes of columns, rows of texts]. Inline is a list of texts and [mark, inline].
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PART_CHARACTERS = 60_000
MAX_CHARACTERS = 1_500_000  # of one record; who wants more downloads the original
MAX_PARTS = 200
Block = list[Any]
Section = dict[str, Any]


def read(path: str, media_type: str, folder: str) -> dict[str, Any]:
    """Write the parts into `folder`, a JSON file each. Returns: head, parts (how many), is_cut."""
    content = Path(path).read_bytes()
    if media_type == "application/cda+xml":
        from records.readable import foreign_cda

        head, sections = foreign_cda.read(content)
    else:
        from records.readable import foreign_fhir

        if media_type.endswith("xml"):
            from records.facts.foreign_xml import fhir_as_json

            told: Any = fhir_as_json(content)
        else:
            told = json.loads(content)
        head, sections = foreign_fhir.read(told)
    parts, is_cut = parted(sections)
    for number, part in enumerate(parts, 1):
        written = json.dumps(clean(part), separators=(",", ":"))
        (Path(folder) / f"{number}.json").write_text(written, encoding="utf-8")
    return {"head": clean(head), "parts": len(parts), "is_cut": is_cut}


def parted(sections: list[Section]) -> tuple[list[list[Section]], bool]:
    """Sections in parts of a size that a page can show; True when the end was left out."""
    parts: list[list[Section]] = [[]]
    room, left = PART_CHARACTERS, MAX_CHARACTERS
    for section in sections:
        pieces = [piece for block in section["blocks"] for piece in _pieces(block)]
        begun: Section | None = None
        wanted: list[Block | None] = [*pieces] if pieces else [None]
        for piece in wanted:
            size = length(piece)
            if left < size or len(parts) > MAX_PARTS:
                return [part for part in parts if part], True
            if room < size and parts[-1]:
                parts.append([])
                room, begun = PART_CHARACTERS, None
            if begun is None:
                is_more = piece is not None and piece is not pieces[0]
                begun = section | {"blocks": []} | ({"continued": True} if is_more else {})
                parts[-1].append(begun)
            if piece is not None:
                begun["blocks"].append(piece)
            room, left = room - size, left - size
    return [part for part in parts if part], False


def _pieces(block: Block) -> list[Block]:
    """A long table or list as several, each with its heading."""
    if length(block) <= PART_CHARACTERS or block[0] not in ("t", "rows", "l"):
        return [block]
    *kept, rows = block
    made: list[Block] = []
    begun: list[Any] = []
    size = 0
    for row in rows:
        if begun and size + length(row) > PART_CHARACTERS:
            made.append([*kept, begun])
            begun, size = [], 0
        begun.append(row)
        size += length(row)
    return [*made, [*kept, begun]]


def length(thing: Any) -> int:
    """Characters of text in anything that is stored, and a little for each piece."""
    if isinstance(thing, str):
        return len(thing) + 2
    if isinstance(thing, list):
        return 2 + sum(map(length, thing))
    if isinstance(thing, dict):
        return 2 + sum(map(length, thing.values()))
    return 2


def clean(thing: Any) -> Any:
    """PostgreSQL takes no zero byte, and nobody reads control characters or lone surrogates."""
    if isinstance(thing, str):
        text = thing.encode("utf-8", "replace").decode("utf-8")
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", " ", text)
    if isinstance(thing, list):
        return [clean(one) for one in thing]
    if isinstance(thing, dict):
        return {key: clean(value) for key, value in thing.items()}
    return thing


def line(*words: Any) -> str:
    """Words with single blanks between."""
    return " ".join(" ".join(str(word) for word in words if word).split())
