"""The shipped list of giveaway words, `records/giveaways.toml`, read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from records.blinding_search.words import folded, stem, words_of

LIST = Path(__file__).parents[1] / "giveaways.toml"
SPANISH_EVERYDAY = 4000  # of the 20,000 commonest words: "fractura" is the 11,833rd


def key_of(text: str) -> str:
    """The same for what is found alike: "Tamoxifeno" and "tamoxifen"."""
    return " ".join(word.stem for word in words_of(text))


@dataclass(frozen=True)
class Term:
    text: str
    kind: str  # a value of GiveawayTerm.Kind
    language: str  # en, es, or "" for any

    @property
    def key(self) -> str:
        return key_of(self.text)


@dataclass(frozen=True)
class Concept:
    key: str
    title: str
    icd10: tuple[str, ...]
    terms: tuple[Term, ...]
    patterns: tuple[str, ...] = ()
    means: tuple[str, ...] = ()  # typed, they stand for the concept; they are not searched for

    def has_code(self, code: str) -> bool:
        return bool(code) and code.startswith(self.icd10)


@lru_cache(maxsize=1)
def concepts() -> dict[str, Concept]:
    """Every shipped concept by its key."""
    return {key: _concept(key, table) for key, table in _table()["concepts"].items()}


def _concept(key: str, table: dict) -> Concept:  # type: ignore[type-arg]
    """A concept with its own words first, then those of the tables it shares."""
    tables = [table, *(_table()["shared"][name] for name in table.get("shares", ()))]
    terms = [term for one in tables for term in _terms(one)]
    return Concept(
        key,
        table["title"],
        tuple(table["icd10"]),
        tuple({term.text: term for term in terms}.values()),
        tuple(pattern for one in tables for pattern in one.get("patterns", ())),
        tuple(table.get("means", ())),
    )


def _terms(table: dict) -> Iterator[Term]:  # type: ignore[type-arg]
    yield from (Term(t, "synonym", lang) for lang in ("en", "es") for t in table["names"][lang])
    yield from (Term(text, "abbreviation", "") for text in table["short"])
    yield from (Term(text, "drug", "") for text in table["drugs"])
    yield from (Term(text, "regimen", "") for text in table["plans"])


@lru_cache(maxsize=1)
def _table() -> dict:  # type: ignore[type-arg]
    return tomllib.loads(LIST.read_text(encoding="utf-8"))


def everyday() -> dict[str, list[str]]:
    """Set phrases in which an ordinary word means something else."""
    phrases: dict[str, list[str]] = _table()["everyday"]
    return phrases


@lru_cache(maxsize=1)
def medical_words() -> frozenset[str]:
    """Stems of words of medicine, and of hospitals, that say nothing by themselves."""
    return frozenset(map(stem, _table()["plain"]["words"]))


@lru_cache(maxsize=1)
def _general_words() -> frozenset[str]:
    return frozenset(map(stem, _table()["general"]["words"]))


def is_general(word: str) -> bool:
    """Whether a word tells something beside another one only: "failure" of what?"""
    return stem(word) in _general_words()


@lru_cache(maxsize=1)
def elsewhere() -> dict[str, tuple[re.Pattern[str] | None, re.Pattern[str] | None]]:
    """Abbreviations that mean something else after, or before, certain words."""
    return {
        short: (
            re.compile(f"(?:{rule['after']})$") if "after" in rule else None,
            re.compile(rule["before"]) if "before" in rule else None,
        )
        for short, rule in _table()["elsewhere"].items()
    }


@lru_cache(maxsize=2)
def _everyday_words(language: str) -> frozenset[str]:
    found = files("textstat").joinpath("resources", language, "easy_words.txt")
    words = found.read_text(encoding="utf-8").split()
    return frozenset(words if language == "en" else words[:SPANISH_EVERYDAY])


def is_everyday(word: str, language: str) -> bool:
    """Whether it is among the commonest words of English ("en") or Spanish ("es")."""
    return word in _everyday_words(language)


@lru_cache(maxsize=1)
def _plain_words() -> frozenset[str]:
    medical = _table()["plain"]["words"]
    return frozenset(map(stem, [*_everyday_words("en"), *_everyday_words("es"), *medical]))


def is_ordinary(word: str) -> bool:
    """Whether it is itself a word of everyday or of medicine: "Brown", and not "Castellane"."""
    word = folded(word)
    is_common = any(is_everyday(word, language) for language in ("en", "es"))
    return is_common or stem(word) in medical_words()


def is_plain(word: str) -> bool:
    """Whether a word is so ordinary, or so general in medicine, that finding it says nothing."""
    word = folded(word)
    endings = ("", "ed", "d", "ing", "ly", "er", "mente", "ado", "ada")
    roots = {word.removesuffix(end) for end in endings} | {
        word.removesuffix(end) + "e" for end in ("ed", "ing")
    }
    return any(stem(root) in _plain_words() for root in roots if len(root) > 1)
