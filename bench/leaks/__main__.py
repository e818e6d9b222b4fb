"""How much of a planted original diagnosis is found, by kind of place, and what is false alarm.

`make bench ARGS=leaks`, or `make bench ARGS="leaks 6 8 FOLDER"`: carriers for each kind of place,
for each that must be read from a picture, and a folder of clean files of your own.
`leaks second` and `leaks third` take other patients, wordings and sentences.
"""

# ruff: noqa: E501  (tables of carriers read best one a line)
from __future__ import annotations

import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def main(words: list[str] | None = None) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    from records.models import IcdCode

    call_command("migrate", verbosity=0)
    if not IcdCode.objects.exists():
        call_command("load_icd10cm")
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["second"]:
        return _second([int(word) for word in words[1:3]] or [6, 3])
    if words[:1] == ["third"]:
        return _third()
    each, each_ocr = (int(words[0]), int(words[1])) if len(words) > 1 else (4, 6)
    folder = Path(words[2]) if len(words) > 2 else DATA
    with transaction.atomic():
        finders = make_finders()
        transaction.set_rollback(True)
    true, false = leaks(finders, each, each_ocr)
    more_false = clean(finders, folder)
    print(f"\nprecision: {true} true hits, {false} false in carriers, {more_false} in clean files:"
          f" {true / max(1, true + false + more_false):.3f}")  # fmt: skip
    return 0


def _second(how_many: list[int]) -> int:
    from django.db import transaction

    from bench.leaks import second

    with transaction.atomic():
        finders = make_finders([case for case, _kinds in second.cases()])
        transaction.set_rollback(True)
    true, false = second.run(finders, *how_many)
    more_false = clean(finders, DATA)
    print(f"\nprecision: {true} true hits, {false} false in carriers, {more_false} in clean files:"
          f" {true / max(1, true + false + more_false):.3f}")  # fmt: skip
    return 0


def _third() -> int:
    from django.db import transaction

    from bench.leaks import third

    with transaction.atomic():
        finders = make_finders(third.cases())
        transaction.set_rollback(True)
    third.run(finders)
    return 0


def make_finders(cases: Any = None) -> dict[str, Any]:
    """One finder for each case, made from rows as for a real case file."""
    from bench.leaks.cases import CASES
    from records.blinding_search.terms import finder_for
    from records.models import CaseFile, OriginalDiagnosis, Patient
    from secondop.accounts.models import Clinic

    clinic = Clinic.objects.create(name="Bench")
    found = {}
    for case in cases or CASES:
        patient = Patient.objects.create(clinic=clinic, full_name=case.patient)
        case_file = CaseFile.objects.create(clinic=clinic, patient=patient)
        OriginalDiagnosis.objects.create(case_file=case_file, clinic=clinic, **case.told)
        found[case.name] = finder_for(case_file)
    return found


def leaks(finders: dict[str, Any], each: int, each_ocr: int) -> tuple[int, int]:
    from bench.leaks.corpus import OCR, corpus, hits_of, on_planted

    by_place: dict[str, Counter[str]] = defaultdict(Counter)
    by_wording: dict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    missed, started = [], time.monotonic()
    for carrier in corpus(each, each_ocr):
        found, _reading = hits_of(carrier, finders[carrier.case.name])
        right = [hit for hit in found if on_planted(hit, carrier.words)]
        family = "picture" if carrier.family in OCR else "text"
        for counter in (by_place[carrier.place], by_wording[f"{family} {carrier.wording}"]):
            counter["all"] += 1
            counter["found"] += bool(right)
        totals["true"] += len(right)
        totals["false"] += len(found) - len(right)
        totals[family] += 1
        totals[f"{family} found"] += bool(right)
        if not right:
            missed.append(f"{carrier.place}: {carrier.words!r} ({carrier.case.name})")
        for hit in found:
            if hit not in right:
                print(f"  false: {carrier.place}: {hit.text!r} as {hit.match.phrase.text!r}")
    took = time.monotonic() - started
    print(
        f"\n{totals['text'] + totals['picture']} carriers, {len(by_place)} kinds of place, {took:.0f} s"
    )
    for title, table in (("place", by_place), ("wording", by_wording)):
        print(f"\n| {title} | carriers | found | recall |\n|---|---:|---:|---:|")
        for name, counter in table.items():
            print(
                f"| {name} | {counter['all']} | {counter['found']} | {counter['found'] / counter['all']:.2f} |"
            )
    for family in ("text", "picture"):
        print(f"\nrecall in {family}: {totals[family + ' found']} of {totals[family]}"
              f" = {totals[family + ' found'] / max(1, totals[family]):.3f}")  # fmt: skip
    print("missed:", *missed, sep="\n  ")
    return totals["true"], totals["false"]


def clean(finders: dict[str, Any], folder: Path) -> int:
    """Files without the planted words, real and generated, against every case's phrases."""
    from bench.leaks.clean import clean_readings
    from records.blinding_search.passages import search

    count, characters, hits = 0, 0, 0
    for name, reading in clean_readings(folder):
        count += 1
        characters += sum(len(passage.text) for passage in reading.passages)
        for case, finder in finders.items():
            for hit in search(finder, reading.passages):
                hits += 1
                excerpt, _at = hit.excerpt()
                print(f"  clean: {name}: {case}: {hit.match.phrase.text!r} in {excerpt!r}"[:200])
    print(f"\n{count} clean files, {characters} characters, {len(finders)} cases each: {hits} hits")
    return hits


if __name__ == "__main__":
    raise SystemExit(main())
