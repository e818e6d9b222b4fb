"""Read a stored file into passages. Every foreign byte is parsed in the guarded child.

Reading is bounded: a page has its own limit, a document another; what was not read is said, and
the item counts as poorly read, which the blinding desk shows as "withhold".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from records.blinding_search.passages import Passage, Reading
from records.blinding_search.registry import Alive
from records.guard import Limits, Refusal, run_guarded

VERSION = "3"  # of the readers: what an older one kept is read again
HERE = "records.blinding_search."
PAGES_AT_ONCE = 4
PICTURES_AT_ONCE = 2
MAX_PAGES = 3000
SECONDS_FOR_PICTURES = 45 * 60  # of one document; about 900 scanned pages
MAX_DEPTH = 3  # a file in a file in a file
QUICK = Limits(cpu_seconds=30, wall_seconds=90)
SLOW = Limits(cpu_seconds=60, wall_seconds=400)


Run = Callable[..., Any]  # how the child is asked; the corpus of trusted files does without one


def _nobody(_done: int, _total: int) -> None:
    return


@dataclass
class _Desk:
    """One document being read, with everything packed inside it."""

    tell: Alive
    run: Run
    reading: Reading = field(default_factory=Reading)
    until: float = 0.0
    depth: int = 0


def read_file(
    path: Path, media_type: str, page_count: int | None, *, tell: Alive = _nobody,
    run: Run = run_guarded,
) -> Reading:  # fmt: skip
    """All passages of a file. Never raises for what the bytes may do."""
    desk = _Desk(tell, run, until=time.monotonic() + SECONDS_FOR_PICTURES)
    _read(desk, path, media_type, page_count or 0)
    _drop_what_is_shown(desk.reading)
    return desk.reading


def read_unknown(path: Path, *, run: Run = run_guarded) -> Reading:
    """All passages of a file of which nothing is known: a document inside an image object."""
    kind = run("examine", str(path), limits=QUICK)
    if isinstance(kind, Refusal) or kind.get("problem"):
        reading = Reading()
        reading.poor("damaged")
        return reading
    return read_file(path, kind["media_type"], kind["pages"], run=run)


def _read(desk: _Desk, path: Path, media_type: str, pages: int) -> None:
    if media_type == "application/pdf":
        _pdf(desk, path, pages)
    elif media_type.startswith("image/"):
        _pictures(desk, path, pages or 1)
        _rough(desk, path, "notes")
    elif media_type == "text/plain":
        _sheets(desk, path)
    elif media_type.endswith(("xml", "json")):
        _record(desk, path, media_type)
    else:  # nobody looks into what is packed in an attachment
        desk.reading.poor("damaged")


def _rough(desk: _Desk, path: Path, function: str) -> None:
    found = desk.run(f"{HERE}foreign_rough:{function}", str(path), limits=QUICK)
    if isinstance(found, Refusal):
        desk.reading.poor("damaged")
        return
    _take(desk, found, path.parent)


# --- PDF ---------------------------------------------------------------------------------------


def _pdf(desk: _Desk, path: Path, pages: int, *, may_ocr: bool = True) -> None:
    """Every page's text, and its picture's for as long as time is left; then what is beside."""
    total = min(pages, MAX_PAGES)
    for first in range(1, total + 1, PAGES_AT_ONCE):
        _pdf_pages(desk, path, first, min(PAGES_AT_ONCE, total - first + 1), may_ocr=may_ocr)
        desk.tell(min(first + PAGES_AT_ONCE - 1, total), total)
    for page in range(total + 1, pages + 1):
        desk.reading.poor("too_long", page)
    _beside(desk, path)


def _pdf_pages(desk: _Desk, path: Path, first: int, count: int, *, may_ocr: bool) -> None:
    in_time = time.monotonic() < desk.until
    arguments = (str(path), first, count, may_ocr and in_time)
    found = desk.run(f"{HERE}foreign_pdf:pages", *arguments, limits=SLOW)
    if isinstance(found, Refusal):
        if count == 1:
            desk.reading.poor("damaged", first)
            return
        for number in range(first, first + count):
            _pdf_pages(desk, path, number, 1, may_ocr=may_ocr)
        return
    for page in found:
        _page(desk, page)
        if may_ocr and not in_time and not page["text"].strip():
            desk.reading.poor("too_long", page["page"])


def _page(desk: _Desk, page: dict[str, Any]) -> None:
    number, ocr = page["page"], page["ocr"]
    if page["is_cut"]:
        desk.reading.poor("too_long", number)
    if page["text"].strip():
        desk.reading.passages.append(
            Passage("page_text", page["text"], page=number, has_lines=True, words=page["words"])
        )
    if ocr:
        _read_words(desk, ocr, number, has_layer=len(page["text"]) > 200)


def _read_words(
    desk: _Desk, ocr: dict[str, Any], number: int | None, *, has_layer: bool = False
) -> None:
    if ocr["text"].strip():
        desk.reading.passages.append(
            Passage("ocr", ocr["text"], page=number, has_lines=True, words=ocr["words"])
        )
    if ocr.get("no_reader"):
        desk.reading.poor("no_reader", number)
    elif ocr["is_poor"] and not (has_layer and not ocr["text"].strip()):
        desk.reading.poor("low_confidence", number)
    elif ocr["has_more"]:
        desk.reading.poor("unread_parts", number)


def _beside(desk: _Desk, path: Path) -> None:
    with TemporaryDirectory(prefix="beside-") as folder:
        found = desk.run(f"{HERE}foreign_pdf_beside:beside", str(path), folder, limits=SLOW)
        if isinstance(found, Refusal):
            desk.reading.poor("damaged")
            return
        _take(desk, found, Path(folder))


def _take(desk: _Desk, found: dict[str, Any], folder: Path) -> None:
    desk.reading.passages += [Passage(**passage, has_lines=False) for passage in found["passages"]]
    if found.get("is_damaged"):
        desk.reading.poor("damaged")
    for file in found["files"]:
        _inside(desk, folder / Path(file["file"]).name, file["place"])


def _inside(desk: _Desk, path: Path, place: str) -> None:
    """A file inside the file: read the same way, and said to be inside."""
    kind = desk.run("examine", str(path), limits=QUICK)
    problem = "refused" if isinstance(kind, Refusal) else kind.get("problem")
    if problem and place == "earlier_revision":
        return
    inner = _Desk(desk.tell, desk.run, until=desk.until, depth=desk.depth + 1)
    if inner.depth > MAX_DEPTH:
        desk.reading.poor("too_long")
        return
    if problem in ("office", "web_page", "unknown"):
        _rough(inner, path, "texts")
    elif problem:
        inner.reading.poor("damaged")
    elif place == "earlier_revision":
        _pdf(inner, path, kind["pages"], may_ocr=False)
    else:
        _read(inner, path, kind["media_type"], kind["pages"])
    for passage in inner.reading.passages:
        where = " ".join(filter(None, [passage.where, str(passage.page or "")]))
        desk.reading.passages.append(
            replace(passage, place=place, where=where, page=None, words=[], has_lines=False)
        )
    if inner.reading.poor_reason and place == "attachment":
        desk.reading.poor(inner.reading.poor_reason)


def _drop_what_is_shown(reading: Reading) -> None:
    """Lines of hidden places that the pages show as well would be the same hit twice."""
    shown = _squeezed("\n".join(p.text for p in reading.passages if p.place == "page_text"))
    if not shown:
        return
    kept = []
    for passage in reading.passages:
        if passage.place in ("hidden_text", "earlier_revision"):
            lines = [line for line in passage.text.split("\n") if _squeezed(line) not in shown]
            passage = replace(passage, text="\n".join(lines))
        if passage.text.strip():
            kept.append(passage)
    reading.passages = kept


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


# --- the rest ----------------------------------------------------------------------------------


def _pictures(desk: _Desk, path: Path, pages: int) -> None:
    for first in range(1, pages + 1, PICTURES_AT_ONCE):
        if time.monotonic() > desk.until:
            for page in range(first, pages + 1):
                desk.reading.poor("too_long", page)
            return
        count = min(PICTURES_AT_ONCE, pages - first + 1)
        found = desk.run(f"{HERE}foreign_ocr:pictures", str(path), first, count, limits=SLOW)
        if isinstance(found, Refusal):
            for page in range(first, first + count):
                desk.reading.poor("damaged", page)
            continue
        for page in found:
            _read_words(desk, page, page["page"])
        desk.tell(first + count - 1, pages)


def _sheets(desk: _Desk, path: Path) -> None:
    found = desk.run(f"{HERE}foreign_records:sheets", str(path), limits=QUICK)
    if isinstance(found, Refusal):
        desk.reading.poor("damaged")
        return
    desk.reading.passages += [
        Passage("page_text", text, page=number, has_lines=True)
        for number, text in enumerate(found, 1)
        if text.strip()
    ]


def _record(desk: _Desk, path: Path, media_type: str) -> None:
    with TemporaryDirectory(prefix="record-") as folder:
        found = desk.run(f"{HERE}foreign_records:read", str(path), media_type, folder, limits=SLOW)
        if isinstance(found, Refusal):
            desk.reading.poor("damaged")
            return
        _take(desk, found, Path(folder))
