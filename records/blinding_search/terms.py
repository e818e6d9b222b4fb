"""What to search one case file for: made from what was typed, its code, and the lists.

SECURITY: the phrases state the original diagnosis. They live in the worker's memory for the time
of one search and are written nowhere but into the hits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from records.blinding_search import shipped
from records.blinding_search.abbreviations import TITLES
from records.blinding_search.matching import SMALL, Finder, Phrase
from records.blinding_search.shipped import Concept, Term, is_general, is_plain, key_of
from records.blinding_search.words import folded, stem, words_of
from records.models import BlindingHit, CaseFile, GiveawayTerm, IcdCode, OriginalDiagnosis

Why = BlindingHit.Why
SPLIT = re.compile(
    r"[,;:()\[\]\n]|\.\s|\s(?:with|and|or|followed by|con|y|seguido de|plus)\s|\s[/+]\s"
)
# Parts of a code's title that narrow it down without saying more.
NARROW = frozenset([
    "unspecified", "specified", "other", "site", "sites", "right", "left", "female", "male", "part",
    "parts", "overlapping", "region", "of", "the", "without", "with", "and", "not", "elsewhere",
    "classified", "nos", "nec", "encounter", "initial",
])  # fmt: skip
# Initials that stand for something else in nearly every record.
NO_INITIALS = frozenset([
    "MRI", "PET", "ECG", "EKG", "EEG", "EMG", "CSF", "ICU", "CBC", "BMI", "ICD", "PSA", "TSH",
    "USA", "DOC", "PDF", "UTC", "COPD", "LCR", "UCI", "RMN", "TAC", "DOB", "MRN", "CHF", "SIM",
])  # fmt: skip
EXAMS = frozenset(["CT", "MR", "MRI", "US", "PET", "ECG", "EKG", "EEG", "EMG", "XR", "TC", "RM"])
PARTICLES = frozenset(["van", "von", "der", "den", "ten", "dos", "das", "los", "las", "bin", "the"])
# What says that there is no diagnosis yet, in the words of a form filled in by somebody.
NOTHING = frozenset([
    "ask", "asked", "aun", "did", "do", "don", "i", "idea", "it", "know", "known", "me", "na", "n",
    "no", "none", "not", "nothing", "pending", "sure", "t", "tell", "told", "unclear", "unknown",
    "unsure", "was", "what", "yet", "desconocida", "desconocido", "dijeron", "nada", "ninguna",
    "ninguno", "pendiente", "que", "sabe", "se", "todavia", "yo",
])  # fmt: skip
# Several diagnoses in one field, and not one with what narrows it down ("torn meniscus, left").
SEVERAL = re.compile(r"[;\n]|(?:^|\s)\(?\d{1,2}[.)]\s|\s[/+]\s|\s(?:and|and/or|y|y/o|plus)\s", re.I)
STAGE = re.compile(r"[IVX]{1,4}[ABC]?\d?")  # "IIIA" alone is a class of many things
LONGEST = 8  # words of a phrase; a whole sentence is never found word for word
SHORT = re.compile(r"[A-Z][A-Za-z]?[A-Z0-9]{1,6}(?:-[A-Z0-9]{1,6})?")


def finder_for(case_file: CaseFile) -> Finder:
    return Finder(phrases_for(case_file), shipped.everyday())


def phrases_for(case_file: CaseFile) -> list[Phrase]:
    """Everything that would give this case file's first opinion away, or whose it is."""
    told = OriginalDiagnosis.objects.filter(case_file=case_file).first()
    found = [*_names(case_file.patient.full_name, Why.PATIENT)]
    if told:
        lists = concepts_of(case_file.clinic_id)
        meant = meant_by(told, lists)
        found += _typed(told.diagnosis, Why.DIAGNOSIS, lists)
        found += _typed(told.treatment, Why.TREATMENT, lists)
        found += _of_code(told.icd10_code)
        found += [phrase for concept in meant for phrase in _listed(concept)]
        found += _names(told.doctor_name, Why.DOCTOR)
        found += _names(told.hospital_name, Why.HOSPITAL)
    return _once(found)


def _once(phrases: Iterable[Phrase]) -> list[Phrase]:
    """The first reason for each wording: what was typed comes before what is listed."""
    kept: dict[tuple[str, bool], Phrase] = {}
    for phrase in phrases:
        key = phrase.text if phrase.is_short else folded(phrase.text)
        kept.setdefault((phrase.pattern or key, phrase.is_short), phrase)
    return list(kept.values())


# --- the lists -----------------------------------------------------------------------------


def concepts_of(clinic_id: Any) -> list[Concept]:
    """The shipped concepts as one clinic uses them: with its words, without those it took out."""
    own: dict[str, list[GiveawayTerm]] = {}
    for row in GiveawayTerm.objects.filter(clinic_id=clinic_id).order_by("term"):
        own.setdefault(row.concept, []).append(row)
    ready = dict(shipped.concepts())
    for key, rows in own.items():
        base = ready.get(key) or Concept(key, key.replace("_", " ").capitalize(), (), ())
        off = {key_of(row.term) for row in rows if not row.is_active}
        added = [Term(row.term, row.kind, row.language) for row in rows if row.is_active]
        prefixes = {prefix for row in rows if row.is_active for prefix in row.icd10_prefixes}
        ready[key] = Concept(
            key,
            base.title,
            tuple(sorted({*base.icd10, *prefixes})),
            tuple(term for term in base.terms if term.key not in off) + tuple(added),
            base.patterns,
            base.means,
        )
    return list(ready.values())


def meant_by(told: OriginalDiagnosis, lists: list[Concept]) -> list[Concept]:
    """The concepts that the code or the words of the original diagnosis stand for."""
    naming = _naming(lists)
    words = f"{told.diagnosis}\n\n{told.treatment}"
    # What names a concept is found in what was typed whatever its case: patients type "ms".
    said = {match.phrase.because for match in Finder(naming).find(words)}
    said |= {match.phrase.because for match in Finder(naming).find(_shouted(told.diagnosis))}
    return [c for c in lists if c.key in said or c.has_code(told.icd10_code)]


def _shouted(text: str) -> str:
    """In capitals but for everyday words, which are no abbreviations: "mi corazón"."""
    if not text.strip().isalpha():
        return re.sub(
            r"[^\W_]+", lambda m: m[0] if m[0].islower() and is_plain(m[0]) else m[0].upper(), text
        )
    return text.upper()


def _naming(lists: list[Concept]) -> list[Phrase]:
    """Names, abbreviations and drugs that stand for one concept alone. `because` is its key."""
    owners: dict[str, set[str]] = {}
    for concept in lists:
        for term in concept.terms:
            owners.setdefault(term.key, set()).add(concept.key)
    meant = [
        Phrase(text, "", concept.key, is_typed=True) for concept in lists for text in concept.means
    ]
    return meant + [
        Phrase(term.text, "", concept.key, is_typed=True, is_short=_is_short(term))
        for concept in lists
        for term in concept.terms
        if term.kind != "regimen" and owners[term.key] == {concept.key}
    ]


def _is_short(term: Term) -> bool:
    """Written in capitals alone it is an abbreviation, whatever list it stands in."""
    if term.kind == "abbreviation":
        return True
    return bool(re.fullmatch(r"[A-Z0-9/-]{2,6}", term.text))


def _listed(concept: Concept) -> Iterator[Phrase]:
    for term in concept.terms:
        why = Why(term.kind)
        yield Phrase(term.text, why, concept.title, is_short=_is_short(term))
    for pattern in concept.patterns:
        whole = rf"(?<![^\W_])(?:{pattern})(?![^\W_])"
        yield Phrase(concept.title, Why.ABBREVIATION, concept.title, pattern=whole)


# --- what was typed ------------------------------------------------------------------------


def _typed(text: str, why: str, lists: list[Concept]) -> Iterator[Phrase]:
    """The whole, its parts, its telling words, its abbreviations."""
    several = (
        [" ".join(part.split()) for part in SEVERAL.split(text)] if why == Why.DIAGNOSIS else []
    )
    text = " ".join(text.split())
    if _says_no_diagnosis(text):
        return
    shorts = {term.text.upper() for c in lists for term in c.terms if _is_short(term)}
    if _is_abbreviation(text, shorts):
        yield Phrase(text.upper(), why, is_short=True)
        return
    heads = [re.split(r"[,(:]", part)[0].strip() for part in several]  # before what narrows it
    parts = [text, *several, *heads, *(part.strip() for part in SPLIT.split(text))]
    wholes = {text, *filter(_is_whole, [*several, *heads])}
    for part in parts:
        words = [word for word in words_of(part) if stem(word.raw)]
        telling = [
            word for word in words
            if not is_plain(word.raw) and not (len(words) == 1 and is_general(word.raw))
        ]  # fmt: skip
        is_short = len(words) == 1 and SHORT.fullmatch(part)
        if not words or is_short or len(words) > LONGEST or len(part) < 3:
            continue
        if telling or part in wholes:
            yield Phrase(part, why, is_typed=True)
    yield from _words_alone(text, why, shorts)


def _says_no_diagnosis(text: str) -> bool:
    """ "Not known yet", "n/a", "the"; not "ES" or "LA", which capitals make abbreviations."""
    words = {folded(word.raw) for word in words_of(text)}
    is_short = text.isupper() and len(words) == 1 and not words & NOTHING
    return not words - NOTHING - SMALL and not is_short


def _is_whole(part: str) -> bool:
    """Whether one of several diagnoses says something of its own: "heart failure", not "left"."""
    return len({word.stem for word in words_of(part)} - SMALL - NARROW - NOTHING) > 1


def _words_alone(text: str, why: str, shorts: set[str]) -> Iterator[Phrase]:
    shouted = text.isupper()
    for word in words_of(text):
        raw = word.raw
        is_listed = raw.upper() in shorts and not (raw.islower() and is_plain(raw))
        if (SHORT.fullmatch(raw) and not shouted) or is_listed:
            # "Heart attack (MI)": in brackets it is one, though "mi" is a word of Spanish.
            says_nothing = is_plain(raw) and f"({raw})" not in text
            if is_listed or not (says_nothing or raw in EXAMS or STAGE.fullmatch(raw)):
                yield Phrase(raw if raw in shorts else raw.upper(), why, is_short=True)
        elif len(raw) >= 4 and raw.isalpha() and not is_plain(raw) and not is_general(raw):
            yield Phrase(raw, why, is_typed=True)


def _is_abbreviation(text: str, shorts: set[str]) -> bool:
    """ "MS", "ms", "ra", "GBM"; not "cold" or "flu"."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{1,5}", text):
        return False
    is_listed = text.upper() in shorts and not is_plain(text)
    unsayable = not re.search(r"[aeiou]", text.lower()) and len(text) <= 4
    unsayable = unsayable or len(text) == 2
    return is_listed or unsayable or text.upper() in shorts or bool(SHORT.fullmatch(text))


# --- the code ------------------------------------------------------------------------------


def _of_code(code: str) -> Iterator[Phrase]:
    """The code with or without its dot, its neighbours of one category, titles and inclusions."""
    if not re.fullmatch(r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?", code):
        return
    category = code[:3]
    low = category[0].lower() + category[1:]
    pattern = (
        rf"(?<![^\W_])(?:{category}(?:[. ]?[0-9A-Z]{{1,4}})?|{low}(?:\.?\d[0-9a-z]{{0,3}})?)"
        r"(?![^\W_])"
    )
    yield Phrase(code, Why.CODE, code, pattern=pattern)
    above = [code[:size] for size in range(3, len(code) + 1) if code[size - 1] != "."]
    for row in IcdCode.objects.filter(code__in=above).order_by("-code"):
        for wording in (row.title, *row.inclusion_terms.splitlines()):
            for shorter in _shorter(wording):
                yield Phrase(shorter, Why.CODE_TITLE, f"{row.code} {row.title}"[:300])


def _shorter(title: str) -> Iterator[str]:
    """A title without what narrows it down; nothing when only general words are left."""
    bare = re.sub(r"\[.*?\]|\(.*?\)", " ", title)
    for part in dict.fromkeys([bare, bare.partition(",")[0]]):
        words = [word.raw for word in words_of(part) if folded(word.raw) not in NARROW]
        telling = [word for word in words if not is_plain(word)]
        if telling and (len(words) > 1 or len(words[0]) > 3):
            yield " ".join(words)


# --- names ---------------------------------------------------------------------------------


def _names(text: str, why: str) -> Iterator[Phrase]:
    """A name whole, each of its words that is one, its initials, and what addresses make of it."""
    named = [word.raw for word in words_of(text) if folded(word.raw) not in TITLES]
    words = [word for word in named if folded(word) not in NARROW and not word.isdigit()]
    if len(words) > 1:
        yield Phrase(" ".join(words), why)
    for one, other in pairwise(words):  # two family names, or a given and a family name
        if not (_says_nothing(one) and _says_nothing(other) and why == Why.HOSPITAL):
            yield Phrase(f"{one} {other}", why, is_name=is_plain(one) and is_plain(other))
    for word in words:
        if (
            len(word) < 3
            or folded(word) in PARTICLES
            or (why == Why.HOSPITAL and (len(word) < 4 or is_plain(word)))
        ):
            continue
        yield Phrase(word, why, is_name=is_plain(word))
        if len(word) > 4 and why != Why.HOSPITAL and not is_plain(word):
            yield Phrase(word, why, pattern=_as_login(word))
    initials = "".join(word[0] for word in named if folded(word) not in SMALL and word[0].isupper())
    if why == Why.HOSPITAL and 3 <= len(initials) <= 6 and initials not in NO_INITIALS:
        yield Phrase(initials, why, text, is_short=True)


def _says_nothing(word: str) -> bool:
    """Whether a word of a hospital's name is one that many hospitals have: "General"."""
    return folded(word) in SMALL or stem(word) in shipped.medical_words()


def _as_login(word: str) -> str:
    """A family name with an initial or two glued to it, as addresses have it: "tquimby"."""
    bare = re.escape(folded(word))
    return rf"(?<![^\W_])(?i:[a-z]{{1,2}}{bare}|{bare}[a-z])(?:\d{{1,4}})?(?![^\W_])"
