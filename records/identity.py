"""Does this record name the patient of the case file? Pure comparison, for every kind of record.

A stranger's record in a case file is the mistake that costs lives: about 1 in 1,000 discs holds
the wrong patient or two of them. What a record says is compared with what the patient told us; a
score and its reasons go to a person, who decides whenever the answer is not plain.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

Verdict = Literal["same", "unsure", "different", "unnamed"]

# Letters that do not fall apart into a base and an accent, with the spellings in use for them.
LETTERS = str.maketrans({
    "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",  # noqa: RUF001
})  # fmt: skip
TITLES = frozenset(
    ["dr", "prof", "mr", "mrs", "ms", "miss", "mx", "sr", "sra", "srta", "don", "dona", "herr",
     "frau", "mme", "mlle", "jr", "ii", "iii", "iv", "phd", "md"]
)  # fmt: skip
PARTICLES = frozenset(
    ["de", "del", "la", "las", "los", "y", "e", "da", "das", "do", "dos", "di", "du", "van", "von",
     "der", "den", "ter", "al", "el", "bin"]
)  # fmt: skip
NOBODY = re.compile(r"(?i)^(anonym\w*|unknown|no name|noname|test|patient|removed|de-?identified)$")
CLOSE = 0.9  # Jaro-Winkler; a slip of the pen in a name of six letters or more
ALIKE = 0.8  # of 1: one of the two things compared agrees
ENOUGH = 70  # of 100: the same person without asking
STRANGER = 30  # of 100: somebody else


@dataclass(frozen=True)
class Person:
    """What a record or a case file says of a person. Empty means that it does not say."""

    name: str = ""  # in any order, or as DICOM writes it: Family^Given^Middle^Prefix^Suffix
    born_on: date | None = None
    sex: str = ""  # HL7 administrative-gender, or DICOM's M, F, O
    identifiers: frozenset[str] = frozenset()  # numbers of hospitals; equal ones are told apart


@dataclass(frozen=True)
class Comparison:
    verdict: Verdict
    score: int  # 0 to 100
    reasons: list[str] = field(default_factory=list)  # keys of REASONS


REASONS: dict[str, str | Promise] = {
    "name_same": _("The name is the same"),
    "name_order": _("The same names stand in another order"),
    "name_part": _("One of the two names is shorter, the rest agrees"),
    "name_spelling": _("The names are spelled a little differently"),
    "name_family_differs": _("The first name agrees, the family name does not. A married name?"),
    "name_given_differs": _("The family name agrees, the first name does not. A relative?"),
    "name_differs": _("The names differ"),
    "name_unknown": _("The record gives no name"),
    "born_same": _("The date of birth is the same"),
    "born_swapped": _("Day and month of the date of birth are swapped"),
    "born_close": _("One figure of the date of birth differs"),
    "born_differs": _("The dates of birth differ"),
    "born_unknown": _("No date of birth to compare"),
    "sex_differs": _("The sex differs"),
    "identifier_same": _("A hospital's patient number is the same"),
}


def compare(record: Person, patient: Person) -> Comparison:
    """Say whether a record is about the patient.

    "same" needs a date of birth or a number that agrees, not a name alone: John Smiths are many.
    "unnamed" is a record that says nothing about whom it is of.
    """
    name, name_reason = _names(record.name, patient.name)
    born, born_reason = _births(record.born_on, patient.born_on)
    reasons = [name_reason, born_reason]
    known = record.identifiers & patient.identifiers
    if name_reason == "name_unknown" and born is None and not known:
        return Comparison("unnamed", 0, reasons)
    score = round(_weighed(name, born))
    if known:
        score, reasons = max(score, min(100, score + 30)), [*reasons, "identifier_same"]
    if _sex(record.sex) and _sex(patient.sex) and _sex(record.sex) != _sex(patient.sex):
        score, reasons = max(0, score - 25), [*reasons, "sex_differs"]
    return Comparison(_verdict(score, name, born, bool(known)), score, reasons)


def _weighed(name: float | None, born: float | None) -> float:
    """Of 100 points 50 are for the name and 50 for the birth date; what is not said counts half."""
    return 50 * (0.5 if name is None else name) + 50 * (0.5 if born is None else born)


def _verdict(score: int, name: float | None, born: float | None, has_number: bool) -> Verdict:
    name_agrees = name is not None and name >= ALIKE
    born_agrees = born is not None and born >= ALIKE
    if name_agrees and (born_agrees or (born is None and has_number)) and score >= ENOUGH:
        return "same"
    return "different" if score <= STRANGER else "unsure"


def _births(one: date | None, other: date | None) -> tuple[float | None, str]:
    if one is None or other is None:
        return None, "born_unknown"
    if one == other:
        return 1.0, "born_same"
    if (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return 0.8, "born_swapped"
    slips = DamerauLevenshtein.distance(f"{one:%Y%m%d}", f"{other:%Y%m%d}")
    return (0.5, "born_close") if slips == 1 else (0.0, "born_differs")


def _names(one: str, other: str) -> tuple[float | None, str]:
    mine, theirs = words_of(one), words_of(other)
    if not mine or not theirs:
        return None, "name_unknown"
    if mine == theirs:
        return 1.0, "name_same"
    if sorted(mine) == sorted(theirs):
        return 1.0, "name_order"
    fewer, more = sorted((mine, theirs), key=len)
    pairs = _paired(fewer, more)
    exact = [a for a, b in pairs if a == b]
    initials = [a for a, b in pairs if a != b and 1 in (len(a), len(b))]
    if len(pairs) == len(fewer) and len(exact) + len(initials) == len(fewer) and len(exact) > 0:
        whole = len(exact) > 1 or (len(fewer) > 1 and bool(initials))
        return (0.95 if whole else 0.6), "name_part"
    if len(pairs) == len(fewer) and len(fewer) > 1:
        return 0.85, "name_spelling"
    if pairs and any(a in (mine[0], mine[-1]) or b in (theirs[0], theirs[-1]) for a, b in pairs):
        return 0.5, _which_agrees(one, other, mine, theirs, pairs)
    return 0.0, "name_differs"


def _which_agrees(
    one: str, other: str, mine: list[str], theirs: list[str], pairs: list[tuple[str, str]]
) -> str:
    """The given name or the family's: DICOM says which is which, else the last word is a family."""
    agreeing = {word for pair in pairs for word in pair}
    families = {*_family(one, mine), *_family(other, theirs)}
    return "name_given_differs" if families & agreeing else "name_family_differs"


def _family(name: str, words: list[str]) -> list[str]:
    for mark in ("^", ","):
        if mark in name:
            return words_of(name.partition(mark)[0])
    return words[-1:]


def _paired(fewer: list[str], more: list[str]) -> list[tuple[str, str]]:
    """Each word of the shorter name with the nearest of the longer that is still free."""
    free = list(more)
    pairs: list[tuple[str, str]] = []
    for near in (_is_equal, _is_spelled_alike, _is_initial_of):
        for word in [w for w in fewer if w not in {a for a, _b in pairs}]:
            match = next((other for other in free if near(word, other)), None)
            if match is not None:
                free.remove(match)
                pairs.append((word, match))
    return pairs


def _is_equal(one: str, other: str) -> bool:
    return one == other


def _is_spelled_alike(one: str, other: str) -> bool:
    if min(len(one), len(other)) < 4:
        return False
    slips = DamerauLevenshtein.distance(one, other)
    alike: bool = slips <= 1 or (slips == 2 and JaroWinkler.similarity(one, other) >= CLOSE)
    return alike


def _is_initial_of(one: str, other: str) -> bool:
    return 1 in (len(one), len(other)) and one[0] == other[0]


def words_of(name: str) -> list[str]:
    """Return the words of a name as they are compared: folded, without titles and particles.

    Of DICOM's three component groups (PS3.5 6.2.1) the first with Latin letters counts.
    """
    groups = name.split("=")
    chosen = next((group for group in groups if re.search(r"[A-Za-zÀ-ɏ]", group)), groups[0])
    if NOBODY.match(chosen.replace("^", " ").strip()):
        return []
    folded = _folded(chosen)
    words = re.findall(r"[^\W\d_]+", re.sub(r"['’]", "", folded))  # noqa: RUF001
    kept = [word for word in words if word not in TITLES and word not in PARTICLES]
    return kept or [word for word in words if word not in TITLES]


def _folded(text: str) -> str:
    """Lower case without accents: "Müller", "Mueller" and "Muller" become one word."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS))
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return re.sub(r"(?<=[aou])e(?=[^\Waeiouy_])", "", plain)


def _sex(said: str) -> str:
    return {"m": "male", "f": "female", "male": "male", "female": "female"}.get(said.casefold(), "")


def person_of_dicom(told: dict[str, Any]) -> Person:
    """From what `ImagingStudy.person` keeps: name, born (YYYYMMDD), id, sex."""
    return Person(
        name=str(told.get("name", "")),
        born_on=date_of(str(told.get("born", ""))),
        sex=str(told.get("sex", "")),
        identifiers=frozenset(filter(None, [str(told.get("id", "")).strip()])),
    )


def date_of(text: str) -> date | None:
    """A date as DICOM (YYYYMMDD), C-CDA or FHIR (YYYY-MM-DD) write it; None when it is not one."""
    figures = re.sub(r"\D", "", text)[:8]
    try:
        return date(int(figures[:4]), int(figures[4:6]), int(figures[6:8]))
    except ValueError:
        return None
