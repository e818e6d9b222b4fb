"""Read the words in a picture with tesseract. Runs in the guarded child only; see `records.guard`.

Tesseract is a program of its own: it inherits the child's limits and gets one thread. Its table
output tells each word's place and how sure it is. No Django here.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

DPI = 200
LANGUAGES = "eng+spa"
PATIENCE_SECONDS = 60
SURE = 60  # percent: below, tesseract itself would not bet on a word
UNIT = 10_000  # boxes are whole numbers of ten thousandths of the picture
PAGE, SPARSE = "3", "11"  # tesseract's ways to look: columns and lines, or words here and there
TURNS = (90, 270, 180)  # degrees to the left, in the order in which pages lie wrong


class NoReader(Exception):
    """Tesseract is not installed."""


def is_there() -> bool:
    return shutil.which("tesseract") is not None


def read(picture: Any, known: list[list[int]] | None = None) -> dict[str, Any]:
    """Text of a picture with the place and certainty of each word.

    A page that makes no sense upright is tried on its sides; strokes that the words found (and
    `known`, boxes of a text layer) do not explain are looked at from the other sides too.

    Returns: text, words ([start, end, x0, y0, x1, y1, 0, percent]), is_poor (too few words are
    sure), has_more (strokes are left that are no words: a drawing, handwriting, a slanting
    stamp). Raises NoReader.
    """
    if not is_there():
        raise NoReader
    best = _look(picture, 0)
    for turn in TURNS:
        if not best["is_poor"] or not best["had_ink"]:
            break
        turned = _look(picture, turn)
        if turned["surely"] > best["surely"] + 5:
            best = turned
    has_more = _look_beside(picture, best, known or [])
    return {name: best[name] for name in ("text", "words", "is_poor")} | {"has_more": has_more}


def _look_beside(picture: Any, best: dict[str, Any], known: list[list[int]]) -> bool:
    """Add words that stand otherwise than the rest; tell whether strokes are left after that.

    Every side is tried: letters on their head are now and then read as other letters, and surely.
    """
    explained = known + _explained(best)
    if strokes(picture, explained, no_blocks=True) <= BESIDE:
        return False
    left, corner = _left_over(picture, explained)
    for turn in (one for one in (0, *TURNS) if one != best["turn"]):
        look = _look(left, turn, SPARSE)
        for line in _lines_of(look):
            if _is_sure(look, line, 3):  # letters at least, or noise would become words
                explained += _append(best, look, line, corner, left.size, picture.size)
    return strokes(picture, explained, no_blocks=True) > UNEXPLAINED


def _left_over(picture: Any, explained: list[list[int]]) -> tuple[Any, tuple[int, int]]:
    """The picture without what is explained, cut to what is left, and where that begins."""
    from PIL import ImageChops, ImageDraw

    grey: Any = picture.convert("L").copy()
    paper = _paper(grey)
    draw = ImageDraw.Draw(grey)
    for x0, y0, x1, y1 in explained:
        edges = (x0 * grey.width / UNIT - 3, y0 * grey.height / UNIT - 3,
                 x1 * grey.width / UNIT + 3, y1 * grey.height / UNIT + 3)  # fmt: skip
        draw.rectangle(edges, fill=paper)
    ink = ImageChops.difference(grey, grey.point(lambda _value: paper))
    box = ink.point(lambda value: 255 if value > 48 else 0).getbbox() or (0, 0, *grey.size)
    left, top = max(0, box[0] - 30), max(0, box[1] - 30)
    return grey.crop((left, top, box[2] + 30, box[3] + 30)), (left, top)


def _paper(grey: Any) -> int:
    """The commonest shade."""
    counts: list[int] = grey.histogram()
    return counts.index(max(counts))


Line = list[list[int]]


def _lines_of(look: dict[str, Any]) -> list[Line]:
    lines: list[Line] = []
    for word in look["words"]:
        is_new = not lines or "\n" in look["text"][lines[-1][-1][1] : word[0]]
        lines.append([word]) if is_new else lines[-1].append(word)
    return lines


def _is_sure(look: dict[str, Any], line: Line, at_least: int) -> bool:
    """Whether most of a line's letters stand in words that were surely read."""
    letters = [(word, sum(map(str.isalnum, look["text"][word[0] : word[1]]))) for word in line]
    sure = sum(n for word, n in letters if word[7] >= SURE)
    return sure >= at_least and sure >= 0.6 * sum(n for _word, n in letters)


def _explained(look: dict[str, Any]) -> list[list[int]]:
    """Boxes of words that were surely read, and of bullets and dashes in the same line.

    A word that is higher than wide stands on its side: it is looked at again from there.
    """
    boxes = []
    for line in _lines_of(look):
        if _is_sure(look, line, 1):
            tall = 1.3 * sorted(word[5] - word[3] for word in line)[len(line) // 2]
            boxes += [
                word[2:6] for word in line
                if (word[7] >= SURE or word[5] - word[3] <= tall) and not _on_its_side(look, word)
            ]  # fmt: skip
    return boxes


def _on_its_side(look: dict[str, Any], word: list[int]) -> bool:
    wide, high = look["size"]
    return word[1] - word[0] > 2 and (word[5] - word[3]) * high > (word[4] - word[2]) * wide


def _append(
    best: dict[str, Any], look: dict[str, Any], line: Line, at: tuple[int, int],
    part: tuple[int, int], whole: tuple[int, int],
) -> list[list[int]]:  # fmt: skip
    """Add a line that was read in a part of the picture. Returns: its boxes in the whole one."""
    text, boxes = look["text"], []
    best["text"] += "\n\n" if best["text"] else ""
    for number, word in enumerate(line):
        best["text"] += " " if number else ""
        start, said = len(best["text"]), text[word[0] : word[1]]
        best["text"] += said
        box = [
            round((at[side % 2] + word[2 + side] / UNIT * part[side % 2]) / whole[side % 2] * UNIT)
            for side in range(4)
        ]
        best["words"].append([start, start + len(said), *box, 0, word[7]])
        boxes.append(box)
    return boxes


def _look(picture: Any, turn: int, layout: str = PAGE) -> dict[str, Any]:
    turned = picture.rotate(turn, expand=True) if turn else picture
    rows = _table(turned, layout)
    text, words = "", []
    before: tuple[str, ...] | None = None
    for row in rows:
        line = (row["block_num"], row["par_num"], row["line_num"])
        if before is not None:
            text += " " if line == before else "\n" if line[:2] == before[:2] else "\n\n"
        before = line
        box = _box(row, turned.width, turned.height, turn)
        words.append([len(text), len(text) + len(row["text"]), *box, 0, round(float(row["conf"]))])
        text += row["text"]
    spoken = [word for word in words if sum(map(str.isalnum, text[word[0] : word[1]])) > 1]
    sure = [word for word in spoken if word[7] >= SURE]
    had_ink = len(words) > 0 or _has_ink(picture)
    is_poor = len(sure) < 0.6 * len(spoken) if len(spoken) > 2 else had_ink
    return {"text": text, "words": words, "is_poor": is_poor, "had_ink": had_ink,
            "turn": turn, "size": picture.size,
            "surely": sum(word[1] - word[0] for word in sure)}  # fmt: skip


def _table(picture: Any, layout: str) -> list[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="ocr-") as folder:
        file = Path(folder) / "page.png"
        picture.save(file, compress_level=1)
        order = ["tesseract", str(file), "stdout", "-l", LANGUAGES, "--dpi", str(DPI),
                 "--psm", layout, "tsv"]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603
                order, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1",
                     "TMPDIR": folder},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return []
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    found = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return [row for row in found if row.get("level") == "5" and (row.get("text") or "").strip()]


def _box(row: dict[str, str], width: int, height: int, turn: int) -> list[int]:
    x, y = int(row["left"]) / width, int(row["top"]) / height
    x1, y1 = x + int(row["width"]) / width, y + int(row["height"]) / height
    if turn == 90:  # what was turned to the left is turned back
        x, y, x1, y1 = 1 - y1, x, 1 - y, x1
    elif turn == 270:
        x, y, x1, y1 = y, 1 - x1, y1, 1 - x
    elif turn == 180:
        x, y, x1, y1 = 1 - x1, 1 - y1, 1 - x, 1 - y
    return [round(max(0.0, min(1.0, value)) * UNIT) for value in (x, y, x1, y1)]


def _has_ink(picture: Any) -> bool:
    return strokes(picture) > STROKES


# --- is there anything to read? ----------------------------------------------------------------
STROKES = 80  # short dark runs; a word of six letters has about a hundred
LOOK_WIDTH = 800
LONG = 25  # pixels: longer runs are rules and frames, not letters
BESIDE = 30  # strokes that no word explains: three letters that stand on their side
UNEXPLAINED = 300  # strokes that no word explains: about three words of handwriting
THICK = 7  # pixels either way: no pen and no letter of a text is so thick, but a covered place is


def strokes(
    picture: Any, known: list[list[int]] | None = None, *, no_blocks: bool = False
) -> int:  # fmt: skip
    """How many short strokes a picture has outside the boxes that are known already.

    `no_blocks`: solid areas are no strokes: bars, and places that were covered.
    """
    import numpy as np

    small: Any = picture.convert("L")
    small.thumbnail((LOOK_WIDTH, LOOK_WIDTH * 3))
    grey: Any = np.asarray(small, dtype="i2")
    ink: Any = abs(grey - int(np.median(grey))) > 48
    height, width = ink.shape
    for x0, y0, x1, y1 in known or ():
        left, right = x0 * width // UNIT - 2, x1 * width // UNIT + 3
        top, bottom = y0 * height // UNIT - 2, y1 * height // UNIT + 3
        ink[max(0, top) : bottom, max(0, left) : right] = False
    if no_blocks:
        ink &= ~_solid(ink)
    tall = np.lib.stride_tricks.sliding_window_view(np.pad(ink, ((LONG, 0), (0, 0))), LONG + 1, 0)
    columns: Any = tall.all(axis=-1)
    for shift in range(min(LONG + 1, height)):  # every pixel of a long vertical run
        ink[: height - shift] &= ~columns[shift:]
    starts: Any = ink & ~np.pad(ink, ((0, 0), (1, 0)))[:, :-1]
    ends_soon: Any = np.zeros_like(ink)
    for shift in range(1, LONG):
        ends_soon |= ~np.pad(ink, ((0, 0), (0, shift)))[:, shift:]
    return int((starts & ends_soon).sum())


def _solid(ink: Any) -> Any:
    """Pixels of areas that are THICK and filled, with a seam of one pixel."""
    import numpy as np

    height, width = ink.shape
    core: Any = np.ones((max(0, height - THICK + 1), max(0, width - THICK + 1)), dtype=bool)
    for y in range(THICK):
        for x in range(THICK):
            core &= ink[y : y + core.shape[0], x : x + core.shape[1]]
    solid: Any = np.zeros_like(ink)
    for y in range(THICK):
        for x in range(THICK):
            solid[y : y + core.shape[0], x : x + core.shape[1]] |= core
    seam = solid.copy()
    seam[1:] |= solid[:-1]
    seam[:-1] |= solid[1:]
    seam[:, 1:] |= solid[:, :-1]
    seam[:, :-1] |= solid[:, 1:]
    return seam


# --- photos and scans --------------------------------------------------------------------------


def pictures(path: str, first: int, count: int) -> list[dict[str, Any]]:
    """Read pages `first` .. of an image file, upright as the reader's page shows them."""
    from records.foreign_pages import image_pages

    found = []
    for number, (picture, _text) in enumerate(image_pages(Path(path), first, count), first):
        found.append({"page": number, **_try(picture)})
    return found


def _try(picture: Any) -> dict[str, Any]:
    """Small pictures are enlarged: tesseract wants letters about thirty pixels high."""
    if strokes(picture) <= STROKES:
        return {"text": "", "words": [], "is_poor": False, "has_more": False}
    if max(picture.size) < 1600:
        factor = min(3.0, 2000 / max(picture.size))
        size = (round(picture.width * factor), round(picture.height * factor))
        picture = picture.convert("L").resize(size)
    try:
        return read(picture)
    except NoReader:
        return {"text": "", "words": [], "is_poor": True, "has_more": True, "no_reader": True}
