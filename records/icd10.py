"""Finding ICD-10-CM codes as people type: words in any order, codes, small mistakes.

Pages, forms and the loader use it. The whole classification is searched, in a few milliseconds.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Length

from records.models import IcdCode

RESULTS = 12
CANDIDATES = 120  # short titles first; the best of them are shown
MAX_WORDS = 8
MAX_WORDINGS = 4
CODE = re.compile(r"[a-z]\d[0-9a-z]{0,5}")

# What people say, and what the classification calls it. Several wordings: all are searched.
LAY_WORDS = {
    "cancer": ("malignant neoplasm", "carcinoma"),
    "tumor": ("tumor", "neoplasm"),
    "tumour": ("neoplasm", "tumor"),
    "brain tumor": ("neoplasm brain",),
    "brain tumour": ("neoplasm brain",),
    "glioblastoma": ("malignant neoplasm brain",),
    "skin cancer": ("malignant neoplasm skin", "melanoma skin"),
    "bowel cancer": ("malignant neoplasm colon", "malignant neoplasm rectum"),
    "colorectal": ("colon", "rectum"),
    "womb": ("uterus", "corpus uteri"),
    "heart attack": ("myocardial infarction",),
    "heart failure": ("heart failure",),
    "stroke": ("cerebral infarction", "stroke"),
    "high blood pressure": ("essential hypertension", "hypertension"),
    "hypertension": ("essential hypertension", "hypertension"),
    "broken": ("fracture",),
    "slipped disc": ("disc displacement",),
    "slipped disk": ("disc displacement",),
    "kidney stone": ("calculus kidney",),
    "kidney stones": ("calculus kidney",),
    "gallstones": ("calculus gallbladder",),
    "leukaemia": ("leukemia",),
    "anaemia": ("anemia",),
    "oesophagus": ("esophagus",),
    "shingles": ("zoster",),
    "piles": ("hemorrhoids",),
}
# Seldom what a person was told, unless they say so.
ASIDE = frozenset(
    ("secondary", "history", "family", "personal", "sequela", "screening", "situ", "encounter")
)


def plain(text: str) -> str:
    """Lower case, no accents, no punctuation, one space before each word."""
    parts = unicodedata.normalize("NFKD", text.lower())
    bare = "".join(c for c in parts if not unicodedata.combining(c))
    return "".join(f" {word}" for word in re.findall(r"[a-z0-9]+", bare.replace("'s", "s")))


def find_code(text: str) -> IcdCode | None:
    """The row of a code typed with or without its dot, in any case, with or without its title."""
    first = text.strip().split(maxsplit=1)
    bare = re.sub(r"[^A-Z0-9]", "", first[0].upper()) if first else ""
    return IcdCode.objects.filter(code=with_dot(bare)).first() if bare else None


def with_dot(bare: str) -> str:
    return f"{bare[:3]}.{bare[3:]}" if len(bare) > 3 else bare


def search(typed: str, limit: int = RESULTS) -> list[IcdCode]:
    """The best codes for what was typed; what looks like a code is found by its beginning."""
    query = plain(typed[:200]).strip()
    if not query:
        return []
    found = _by_code(query.replace(" ", ""), limit)
    if len(found) < limit and len(query) > 1:
        words = query.split()[:MAX_WORDS]
        matches = _by_wordings(words) or _by_wordings(_spelled_right(words))
        found += [code for code in matches if code not in found]
    return found[:limit]


def _by_code(bare: str, limit: int) -> list[IcdCode]:
    if not CODE.fullmatch(bare):
        return []
    starts = with_dot(bare.upper())
    return list(IcdCode.objects.filter(code__startswith=starts).order_by("code")[:limit])


def _by_wordings(words: list[str]) -> list[IcdCode]:
    best: dict[str, tuple[tuple[float, ...], IcdCode]] = {}
    for wording in _wordings(words):
        for code in _by_words(wording):
            rank = _rank(code, wording)
            if code.code not in best or rank < best[code.code][0]:
                best[code.code] = (rank, code)
    return [code for _rank_of, code in sorted(best.values(), key=lambda pair: pair[0])]


def _by_words(words: list[str]) -> list[IcdCode]:
    """Each word must begin a word of the code's text."""
    wanted = Q()
    for word in words:
        wanted &= Q(search_text__contains=f" {word}")
    return list(IcdCode.objects.filter(wanted).order_by(Length("title"), "code")[:CANDIDATES])


def _wordings(words: list[str]) -> list[list[str]]:
    """The same thing in the words of the classification, in at most MAX_WORDINGS ways."""
    choices: list[tuple[str, ...]] = []
    at = 0
    while at < len(words):
        for size in (3, 2, 1):
            phrase = " ".join(words[at : at + size])
            if phrase in LAY_WORDS or size == 1:
                choices.append(LAY_WORDS.get(phrase, (phrase,)))
                at += phrase.count(" ") + 1
                break
    ways = itertools.islice(itertools.product(*choices), MAX_WORDINGS if choices else 0)
    return [" ".join(way).split() for way in ways]


def _rank(code: IcdCode, words: list[str]) -> tuple[float, ...]:
    """Smaller is better: the title itself, its beginning, whole words, nothing aside, likeness,
    billable, short.
    """
    title = plain(code.title)
    title_words = title.split()
    said = "".join(f" {word}" for word in words)
    whole = sum(word in title_words for word in words)
    begun = sum(f" {word}" in title for word in words)
    aside = len(ASIDE.intersection(title_words).difference(words))
    return (
        title != said,
        -whole - begun + aside,
        not title.startswith(said),
        -round(begun / max(len(title_words), 1), 1),
        not code.is_billable,
        len(title),
    )


def _spelled_right(words: list[str]) -> list[str]:
    """Replace each word that no title knows by the word most like it. Empty when none is close."""
    right: list[str] = []
    with connection.cursor() as cursor:
        for word in words:
            cursor.execute(
                "SELECT word FROM records_icdword WHERE word LIKE %s ORDER BY uses DESC LIMIT 1",
                [f"{word}%"],
            )
            if cursor.fetchone() or word in LAY_WORDS or not word.isalpha():
                right.append(word)
                continue
            cursor.execute(
                "SELECT word FROM records_icdword"
                " WHERE word %% %s AND similarity(word, %s) > 0.35 AND left(word, 1) = %s"
                " ORDER BY similarity(word, %s) DESC, uses DESC LIMIT 1",
                [word, word, word[0], word],
            )
            if (best := cursor.fetchone()) is None:
                return []
            right.append(best[0])
    return right if right != words else []
