"""Abbreviations as people type them: "she has ms" is an illness, "120 ms" is a time."""

from __future__ import annotations

import pytest

from bench.leaks import third
from records.blinding_search import shipped
from records.blinding_search.matching import Finder, Phrase

LISTED = [
    Phrase(text, "abbreviation", is_short=True)
    for text in ("MS", "RA", "AF", "HF", "CA", "DM", "MI", "PD", "IDC", "PCa", "AC-T", "HFrEF",
                 "RRMS", "ACT", "NSCLC", "MR", "MD")
]  # fmt: skip
FINDER = Finder(LISTED, shipped.everyday())


def found(text: str) -> list[str]:
    return [text[m.start : m.end] for m in FINDER.find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "she has ms", "my ms is worse", "Could the ms explain my eye?", "?ms vs migraine",
        "ms since 2019", "ms patients", "living with ms, very tired", "tiene ms", "(ms)",
        "plaques in ms", "diagnosis of ms", "due to ms.", "She has Ms", "m.s. was found",
        "In 2010 ms was found", "hx of ms relapse", "MS", "not ms", "optic neuritis/ms",
        "my ra flares", "dx: ra", "RA", "no ra", "hx of af", "af ablation", "on meds for af",
        "admitted with hf", "hf clinic", "had an mi", "prior mi in 2019", "acute mi", "s/p mi",
        "type 2 dm", "dm since 2001", "ca of the breast", "known ca", "idc", "Idc", "idcs",
        "rrms for years", "nsclc", "hfref", "ac-t x4", "pd since 2015", "severe mr",
    ],
)  # fmt: skip
def test_it_is_found_as_people_type_it(text):
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "120 ms", "120ms", "TE 5 ms", "5-ms", "latency in ms", "Time (ms)", "QTc, ms: 410",
        "ms", "hundreds of ms", "0.4 ms/cm", "1.2 mS", "Ms Smith", "Ms. Smith", "ms. Smith",
        "ms smith phoned twice", "Jane Doe, ms", "MS. Carver was seen", "info@ms.org",
        "www.ms.org", "ms.dat", "mi madre y mi doctor", "Mi hermano", "3 mi long", "12 dm of snow",
        "96 % on RA", "spo2 ra 97", "HF radio", "CA 125 was normal", "Ca 19-9", "ca 125",
        "San Jose, CA", "Detroit, MI 48201", "PD-L1 50 %", "pd-l1", "an act of kindness", "act",
        "the pca pump", "MS-DRG 470", "mr jones attended", "Mr. Jones", "john doe, md phd",
        "items, rapid, after, half",
    ],
)  # fmt: skip
def test_what_means_something_else_is_left_alone(text):
    assert not found(text)


@pytest.mark.django_db
def test_sentences_of_the_third_set_are_found_and_clean_ones_are_left_alone():
    """Without the titles of ICD-10: how much of it is found must not sink unseen."""
    from bench.leaks.__main__ import make_finders

    finders = make_finders(third.cases())
    marked = [
        any(h.match.start < end and start < h.match.end for h in third.hits(finders[name], text))
        for name, _is_shipped, _kind, text, marks in third.planted() for start, end in marks
    ]  # fmt: skip
    false = [
        (name, hit.text) for text in third.clean_texts() for name, finder in finders.items()
        for hit in third.hits(finder, text)
    ]  # fmt: skip
    assert sum(marked) >= 0.88 * len(marked)
    assert len(false) <= 7, false
