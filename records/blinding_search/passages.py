"""A passage: text from one place of one item, with where its words stand. Pure."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field

from records.blinding_search.matching import Finder, Match

UNIT = 10_000  # boxes are kept as ten thousandths of the page's picture
EXCERPT = 40  # characters on either side of what was found
Box = list[float]


@dataclass(frozen=True)
class Passage:
    place: str  # a value of BlindingHit.Place
    text: str
    where: str = ""
    page: int | None = None
    has_lines: bool = False
    # [start, end, x0, y0, x1, y1, 1 if it is not to be seen, percent of certainty if read]
    words: list[list[int]] = field(default_factory=list)


@dataclass
class Reading:
    """All passages of one item, and what could not be read of it."""

    passages: list[Passage] = field(default_factory=list)
    poor_reason: str = ""  # a value of BlindingSearch.PoorReason; the gravest
    poor_pages: list[int] = field(default_factory=list)

    def poor(self, reason: str, page: int | None = None) -> None:
        graver = ("", "unread_parts", "low_confidence", "too_long", "damaged", "no_reader")
        self.poor_reason = max(self.poor_reason, reason, key=graver.index)
        if page and page not in self.poor_pages:
            self.poor_pages.append(page)

    def packed(self) -> bytes:
        return zlib.compress(json.dumps(asdict(self), separators=(",", ":")).encode(), 6)

    @classmethod
    def unpacked(cls, content: bytes) -> Reading:
        told = json.loads(zlib.decompress(content))
        told["passages"] = [Passage(**passage) for passage in told["passages"]]
        return cls(**told)


@dataclass(frozen=True)
class Found:
    """One match in one passage, ready to be written down as a hit."""

    passage: Passage
    match: Match
    boxes: list[Box]
    place: str
    confidence: float | None

    @property
    def text(self) -> str:
        return " ".join(self.passage.text[self.match.start : self.match.end].split())

    @property
    def line(self) -> int | None:
        if not self.passage.has_lines:
            return None
        return self.passage.text.count("\n", 0, self.match.start) + 1

    def excerpt(self) -> tuple[str, int]:
        """A piece of the text around the match, of whole words, and where the match begins."""
        text, match = self.passage.text, self.match
        start, end = max(0, match.start - EXCERPT), match.end + EXCERPT
        before, after = text[start : match.start], text[match.end : end]
        if start and text[start - 1].isalnum() and " " in before:
            before = "… " + before.partition(" ")[2]
        if text[end - 1 : end + 1].isalnum() and end < len(text) and " " in after:
            after = after.rpartition(" ")[0] + " …"
        blank = " " if before[-1:].isspace() and before.strip() else ""
        head = " ".join(before.split()) + blank
        gap = " " if after[:1].isspace() else ""
        return (head + self.text[:300] + gap + " ".join(after.split()))[:400], len(head)


def search(finder: Finder, passages: list[Passage]) -> list[Found]:
    """Every match in every passage; one that two readers saw at the same place counts once."""
    found: list[Found] = []
    for passage in passages:
        is_read = any(len(word) > 7 for word in passage.words[:1])
        matches = finder.find(passage.text, is_read=is_read, is_name=passage.place == "file_name")
        found += [_found(passage, match) for match in matches]
    return _without_twins(found)


def _found(passage: Passage, match: Match) -> Found:
    words = [word for word in passage.words if word[0] < match.end and match.start < word[1]]
    place = passage.place
    if place == "page_text" and words and all(word[6] for word in words):
        place = "hidden_text"
    sure = [word[7] for word in words if len(word) > 7]
    return Found(
        passage, match, _boxes(words), place, round(sum(sure) / len(sure), 1) if sure else None
    )


def _boxes(words: list[list[int]]) -> list[Box]:
    """One box for each line of the match."""
    lines: list[list[int]] = []
    for word in words:
        box = word[2:6]
        if not all(box[side + 2] > box[side] for side in (0, 1)):
            continue  # beside the page: nothing to be painted over
        if lines and _same_line(lines[-1], box):
            last = lines[-1]
            last[:] = [min(last[0], box[0]), min(last[1], box[1]),
                       max(last[2], box[2]), max(last[3], box[3])]  # fmt: skip
        else:
            lines.append(list(box))
    return [[round(value / UNIT, 4) for value in box] for box in lines]


def _same_line(one: list[int], other: list[int]) -> bool:
    middle = (other[1] + other[3]) / 2
    return one[1] <= middle <= one[3] and other[2] > one[0]


def _without_twins(found: list[Found]) -> list[Found]:
    """What the text layer says and the picture shows at the same place is one hit."""
    layer = [f for f in found if f.place == "page_text" and f.boxes]
    kept = []
    for one in found:
        twin = one.place == "ocr" and any(
            other.passage.page == one.passage.page
            and other.match.phrase.text == one.match.phrase.text
            and _meet(other.boxes, one.boxes)
            for other in layer
        )
        if not twin:
            kept.append(one)
    return kept


def _meet(some: list[Box], others: list[Box]) -> bool:
    return any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a in some for b in others
    )
