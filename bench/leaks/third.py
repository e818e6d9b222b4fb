"""The third set: whole sentences as people write them. `make bench ARGS="leaks third"`.

`third.toml`: five conditions that have a shipped list and three that had none when it was written,
each in letters, reports, Spanish, abbreviations, brands, stages, slips, digits read as letters,
words broken at a line's end, plurals. Found means that a hit lies on the marked words.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.leaks.cases import Case
from records.blinding_search.passages import Found, Passage, search

TABLE = tomllib.loads(Path(__file__).with_name("third.toml").read_text("utf-8"))
MARKED = re.compile("«(.+?)»", re.DOTALL)


def cases() -> list[Case]:
    return [Case(row["name"], row["told"], "Nobody Named", [], []) for row in TABLE["case"]]


def clean_texts() -> list[str]:
    texts: list[str] = TABLE["clean"]["texts"]
    return texts


def planted() -> Iterator[tuple[str, bool, str, str, list[tuple[int, int]]]]:
    """(case, whether a list is shipped for it, kind, sentence, where its marked words stand)."""
    for row in TABLE["case"]:
        for kind, sentences in {**row["texts"], "later": TABLE["later"][row["name"]]}.items():
            for sentence in sentences:
                text, marks, at = "", [], 0
                for mark in MARKED.finditer(sentence):
                    text += sentence[at : mark.start()]
                    marks.append((len(text), len(text) + len(mark[1])))
                    text, at = text + mark[1], mark.end()
                yield row["name"], row["is_shipped"], kind, text + sentence[at:], marks


def hits(finder: Any, text: str) -> list[Found]:
    return search(finder, [Passage("words", text, has_lines=True)])


def run(finders: dict[str, Any]) -> None:
    """Print recall by kind and by case, what was missed, and what is false in clean sentences."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    true, beside = 0, []
    for name, is_shipped, kind, text, marks in planted():
        found = hits(finders[name], text)
        for start, end in marks:
            is_found = any(h.match.start < end and start < h.match.end for h in found)
            group = "with a list" if is_shipped else "without a list"
            tables = (names[f"later, {group}"], names["later"])
            for counter in (
                kinds[kind],
                *(tables if kind == "later" else (names[name], names[group], names["all"])),
            ):
                counter.update(all=1, found=is_found)
            if not is_found:
                print(f"  missed: {name}: {kind}: {text[start:end]!r}")
        for hit in found:
            is_true = any(hit.match.start < end and start < hit.match.end for start, end in marks)
            true += is_true
            if not is_true:
                beside.append(f"{name}: {hit.text!r} as {hit.match.phrase.text!r} in {text!r}")
    false = [
        f"{name}: {hit.text!r} as {hit.match.phrase.text!r} in {text!r}"
        for text in clean_texts() for name, finder in finders.items() for hit in hits(finder, text)
    ]  # fmt: skip
    print("beside the marked words:", *beside, sep="\n  ")
    print("in clean sentences:", *false, sep="\n  ")
    for title, table in (("kind", kinds), ("case", names)):
        print(f"\n| {title} | tried | found | recall |\n|---|---:|---:|---:|")
        for name, counter in table.items():
            share = counter["found"] / counter["all"]
            print(f"| {name} | {counter['all']} | {counter['found']} | {share:.3f} |")
    share = true / (true + len(beside) + len(false))
    print(f"\nprecision: {true} true hits, {len(beside)} beside, {len(false)} in"
          f" {len(clean_texts())} clean sentences x {len(finders)} cases: {share:.3f}")  # fmt: skip
