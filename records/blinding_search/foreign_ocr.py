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


class NoReader(Exception):
    """Tesseract is not installed."""


def is_there() -> bool:
    return shutil.which("tesseract") is not None


def read(picture: Any) -> dict[str, Any]:
    """Text of a picture with the place and certainty of each word.

    Returns: text, words ([start, end, x0, y0, x1, y1, 0, percent]), is_poor. A page that makes no
    sense upright is tried on its sides. Raises NoReader.
    """
    if not is_there():
        raise NoReader
    best = _look(picture, 0)
    for turn in (90, 270, 180):
        if not best["is_poor"] or not best["had_ink"]:
            break
        turned = _look(picture, turn)
        if turned["surely"] > best["surely"] + 5:
            best = turned
    return {name: best[name] for name in ("text", "words", "is_poor")}


def _look(picture: Any, turn: int) -> dict[str, Any]:
    turned = picture.rotate(turn, expand=True) if turn else picture
    rows = _table(turned)
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
            "surely": sum(word[1] - word[0] for word in sure)}  # fmt: skip


def _table(picture: Any) -> list[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="ocr-") as folder:
        file = Path(folder) / "page.png"
        picture.save(file, compress_level=1)
        order = ["tesseract", str(file), "stdout", "-l", LANGUAGES, "--dpi", str(DPI), "tsv"]
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


def strokes(picture: Any, known: list[list[int]] | None = None) -> int:
    """How many short strokes a picture has outside the boxes that are known already."""
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
    tall = np.lib.stride_tricks.sliding_window_view(np.pad(ink, ((LONG, 0), (0, 0))), LONG + 1, 0)
    columns: Any = tall.all(axis=-1)
    for shift in range(min(LONG + 1, height)):  # every pixel of a long vertical run
        ink[: height - shift] &= ~columns[shift:]
    starts: Any = ink & ~np.pad(ink, ((0, 0), (1, 0)))[:, :-1]
    ends_soon: Any = np.zeros_like(ink)
    for shift in range(1, LONG):
        ends_soon |= ~np.pad(ink, ((0, 0), (0, shift)))[:, shift:]
    return int((starts & ends_soon).sum())


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
        return {"text": "", "words": [], "is_poor": False}
    if max(picture.size) < 1600:
        factor = min(3.0, 2000 / max(picture.size))
        size = (round(picture.width * factor), round(picture.height * factor))
        picture = picture.convert("L").resize(size)
    try:
        return read(picture)
    except NoReader:
        return {"text": "", "words": [], "is_poor": True, "no_reader": True}
