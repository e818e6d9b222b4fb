"""The second corpus: other patients, wordings, places. `make bench ARGS="leaks second"`.

`second.toml` was written without looking at the first corpus or at the shipped lists. Found means
that a hit lies on the planted words themselves; a number after `second` asks for so many carriers
of each kind of place (6), another one for so many of those that must be read from a picture (3).
"""

from __future__ import annotations

import io
import random
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf

from bench.leaks import second_pdfs, second_records
from bench.leaks.cases import Case
from bench.leaks.corpus import Carrier, read_bytes, run_here
from bench.leaks.pdfs import neutral, picture_object
from bench.leaks.scans import page_picture
from records.blinding_search.passages import Found, Passage, Reading, search
from records.blinding_search.words import decoded, folded

TABLE = tomllib.loads(Path(__file__).with_name("second.toml").read_text("utf-8"))
KINDS = ("typed", "coded", "names", "short", "drugs", "plans", "stages", "people")
# Not on any list, and rightly so: they mean something else in most records, or are a finding.
LEFT_OUT = frozenset([
    "PIN", "ketoconazole", "Decipher", "AIS", "PCI", "AS", "Oswestry",
    "thoracic surgery for resection", "neurosurgical resection",
    "straight leg raise positive at 30",
])  # fmt: skip
SENTENCES = (
    "{}", "Seen in clinic today. Known {} since last spring, no new complaints.",
    "Conclusion: {}.", "Antecedente de {}, por lo demás bien.",
)  # fmt: skip
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "PDF": ("application/pdf", second_pdfs.PDFS),
    "C-CDA": ("application/cda+xml", second_records.CDAS),
    "FHIR": ("application/fhir+json", second_records.FHIRS),
    "text": ("text/plain", second_records.TEXTS),
    "DICOM": ("application/dicom", second_records.DICOM),
    "picture notes": ("image/", second_records.NOTES),
}


def cases() -> list[tuple[Case, dict[str, list[str]]]]:
    return [
        (Case(row["name"], row["told"], row["patient"], [], []), {k: row[k] for k in KINDS})
        for row in TABLE["case"]
    ]


def wordings(finders: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """(case, kind, wording, found): each in each sentence, read as words."""
    for case, kinds in cases():
        for kind, texts in kinds.items():
            for text in texts:
                for sentence in SENTENCES:
                    said = sentence.format(text)
                    start = sentence.index("{}")
                    hits = search(finders[case.name], [Passage("words", said)])
                    yield (
                        case.name,
                        kind,
                        text,
                        any(
                            hit.match.start < start + len(text) and start < hit.match.end
                            for hit in hits
                        ),
                    )


def carriers(each: int, each_ocr: int) -> Iterator[Carrier]:
    pool = [
        (case, kind, text) for case, kinds in cases() for kind, texts in kinds.items()
        for text in texts if text not in LEFT_OUT and text.isprintable()
    ]  # fmt: skip
    random.Random(11).shuffle(pool)
    # Marks that cannot stand in every place (an arrow in Latin-1) have their own test.
    pool = [one for one in pool if _is_western(one[2])]
    at = 0
    for family, (media_type, makes) in FAMILIES.items():
        for place, make in makes.items():
            for _ in range(each):
                at += 1
                case, kind, text = pool[at % len(pool)]
                yield Carrier(
                    family, place, kind, case, text, at, _reads(make, text, at, media_type)
                )
    for place, make in (second_pdfs.PICTURES | SCANS).items():
        for _ in range(each_ocr):
            at += 1
            case, kind, text = pool[at % len(pool)]
            yield Carrier("scan", place, kind, case, text, at, _reads(make, text, at, ""))


def _is_western(text: str) -> bool:
    return text.encode("cp1252", "ignore").decode("cp1252") == text


def _reads(make: Any, text: str, seed: int, media_type: str) -> Any:
    return lambda: _read(make(text, seed), media_type)


def _read(content: bytes, media_type: str) -> Reading:
    return read_bytes(content, media_type, run_here)


def _scan(words: str, seed: int, **how: Any) -> bytes:
    lines = [*neutral(seed, 5), f"Conclusion: {words}.", *neutral(seed + 1, 4)]
    picture = page_picture(lines, seed=seed, **how)
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842)).obj
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=picture_object(pdf, picture)))
    page.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /P Do Q")
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


SCANS: dict[str, Any] = {
    "scan 200 dpi": lambda w, s: _scan(w, s),
    "scan 300 dpi, skewed": lambda w, s: _scan(w, s, dpi=300, skew=1.2),
    "scan noisy": lambda w, s: _scan(w, s, noise=90),
    "scan faint": lambda w, s: _scan(w, s, ink=120),
    "scan on its side": lambda w, s: _scan(w, s, turn=90),
}


def on_words(found: Found, words: str) -> bool:
    """Whether what was found lies inside the planted words, or they inside it."""
    one, other = _letters(found.text), _letters(words)
    pieces = [_letters(piece) for piece in words.split()]
    near = found.place in ("ocr", "attachment") or found.passage.words[:1]
    return bool(one) and (
        one in other or other in one or any(p and (p in one or one in p) for p in pieces)
        or (bool(near) and _alike(one, other))
    )  # fmt: skip


def _letters(text: str) -> str:
    return "".join(letter for letter in folded(decoded(text)) if letter.isalnum())


def _alike(one: str, other: str) -> bool:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio() > 0.6


def run(finders: dict[str, Any], each: int, each_ocr: int) -> tuple[int, int]:
    """Print both tables. Returns: hits on planted words, and beside them."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    missing: dict[tuple[str, str, str], int] = Counter()
    for case, kind, text, is_found in wordings(finders):
        kinds[kind].update(all=1, found=is_found)
        missing[case, kind, text] += not is_found
    _table("wording", kinds)
    print("missed:", *(key for key, count in missing.items() if count), sep="\n  ")
    places: dict[str, Counter[str]] = defaultdict(Counter)
    families: dict[str, Counter[str]] = defaultdict(Counter)
    true = false = 0
    started = time.monotonic()
    for carrier in carriers(each, each_ocr):
        found = search(finders[carrier.case.name], carrier.read().passages)
        right = [hit for hit in found if on_words(hit, carrier.words)]
        true, false = true + len(right), false + len(found) - len(right)
        for counter in (places[carrier.place], families[carrier.family]):
            counter.update(all=1, found=bool(right))
        if not right:
            print(f"  missed: {carrier.place}: {carrier.words!r} ({carrier.case.name})")
        for hit in found:
            if hit not in right:
                print(f"  beside: {carrier.place}: {hit.text!r} as {hit.match.phrase.text!r}")
    _table("family", families)
    _table("place", {k: c for k, c in places.items() if c["found"] < c["all"]})
    print(f"\n{len(places)} kinds of place, {time.monotonic() - started:.0f} s")
    return true, false


def _table(title: str, table: dict[str, Counter[str]]) -> None:
    print(f"\n| {title} | tried | found | recall |\n|---|---:|---:|---:|")
    for name, counter in table.items():
        share = counter["found"] / counter["all"]
        print(f"| {name} | {counter['all']} | {counter['found']} | {share:.3f} |")
