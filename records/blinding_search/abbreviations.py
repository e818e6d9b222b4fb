"""Whether letters that look like an abbreviation are meant as one. Used by `matching` alone.

In capitals nearly always: not as a unit ("TE 5 MS"), a form of address ("MS. Smith") or a degree
("Jane Doe, M.S."). In small letters, as people type ("she has ms"), the same with more care.
"""

from __future__ import annotations

import re

from records.blinding_search.shipped import elsewhere, is_everyday, is_plain
from records.blinding_search.words import Word, as_plain_letters, folded

UNIT = re.compile(r"(?:\d|\d[ \u00a0]|\d ?[-/x])\Z")  # a line of its own is no quantity
UNITS = frozenset(["MS", "CM", "MM", "ML", "MG", "MR", "AS", "PA", "DM", "MI", "HR", "MV", "CC"])
ADDRESS = re.compile(r"\. ?[A-Z][a-z]+")
BEGINS = re.compile(r"(?:^|[\n\r]|[.!?] )\s*$")
GOES_ON = re.compile(r"(?:^|[^\w.])[a-z]+ $")  # "history of MS, PT": a degree follows a name
YEAR = re.compile(
    r"(?:\b(?:in|since|from|of|by|en|desde|de|año|year)\s|[/.-])(?:19|20)\d\d\s$", re.I
)
NO_QUANTITY = re.compile(rf"{YEAR.pattern}|\b(?:type|tipo) [12]\s$", re.I)
DEGREE = re.compile(r"\.?, ?(?:RN|RD|PA|PA-C|NP|PT|OT|CCC|CCC-SLP|CGC|MPH|PhD|MD|LPC)\b")
TITLES = frozenset(
    ["dr", "dra", "prof", "mr", "mrs", "ms", "md", "doctor", "doctora", "sr", "sra", "don", "dona"]
)
# In small letters: what says that a thing was measured, and the abbreviation is its unit.
MEASURED = re.compile(
    r"\b(?:latenc|time|durat|interval|delay|measur|unit|value|valor|te\b|tr\b|express|given|qtc?\b"
    r"|qrs|pr\b|echo|repetit|width|tiempo|intervalo|hundreds|tens|few|several|length|distan)"
    r"[^.\n]{0,24}$",
    re.I,
)
AFTER_A_SIGN = re.compile(r"(?:\b(?:in|en|of|de|few)\s|[(\[,=/:]\s?)$")
NAME_BEFORE = re.compile(r"[A-Z][\w'-]+, $")  # "Jane Doe, ms"
NAME_AFTER = re.compile(r"\.?\s+[A-Z][a-z'-]+|\.?\s+[A-Z]\.")
WORD_AFTER = re.compile(r"\s+([^\W\d_]{3,})")
# Somebody has it, or may have it: then what follows is no family name.
HAVING = re.compile(
    r"\?\s?$|\b(?:has|have|had|having|got|my|your|her|his|diagnosed with|history of|possible"
    r"|probable|likely|suspected|known|active|early|due to|dx|hx|h/o|tiene|tengo|tenía"
    r"|padece|mi|su|la)\s$",
    re.I,
)
# English that leads to a diagnosis, where the letters are an everyday word of Spanish ("mi").
LEADS = re.compile(
    r"\b(?:an|had|has|have|having|acute|prior|previous|old|recent|of|after|suspected|possible"
    r"|probable|known|dx|hx|h/o|s/p|second|first|silent|inferior|anterior)\s$",
    re.I,
)
OF_ILLNESS = re.compile(
    r"(?:relaps|plaque|lesion|flare|attack|nurs|clinic|specialist|diagnos|symptom|medic|drug|hug"
    r"|brain|patient|treat|therap|ablat|exacerb|fatigue)",
    re.I,
)


def is_abbreviation(text: str, part: list[Word]) -> bool:
    """No unit of measure ("TE 5 MS"), no form of address, no academic degree."""
    start, end = part[0].start, part[-1].end
    before = text[max(0, start - 24) : start]
    if _means_another(text, start, end):
        return False
    if text[start:end] in UNITS and UNIT.search(before) and not YEAR.search(before):
        return False
    if folded(text[start:end]).replace(".", "").replace(" ", "") not in TITLES:
        return True
    if before.endswith(", ") and "." in text[start:end]:
        return False  # "Jane Doe, M.S."
    if ADDRESS.match(text, end) and BEGINS.search(before):
        return False  # "MS. Smith was seen", but not "she has MS. Lesions are"
    return not (DEGREE.match(text, end) and not GOES_ON.search(before))


def _means_another(text: str, start: int, end: int) -> bool:
    """What the list knows to stand around it where it means something else: "96 % on RA"."""
    rule = elsewhere().get(as_plain_letters(text[start:end]).upper())
    if rule is None:
        return False
    before, after = rule
    return bool(
        (before and before.search(text[max(0, start - 40) : start]))
        or (after and after.match(text, end))
    )


def small_key(listed: str) -> str:
    """How an abbreviation is typed in small letters; "" when it must stand as it is listed.

    "PCa" is not "pca", the pump; "HFrEF" is long enough to be nothing else.
    """
    return listed.lower() if listed.isupper() or len(listed) > 4 else ""


def is_meant_small(text: str, part: list[Word]) -> bool:
    """Whether "ms", "Ms", "m.s." or "nsclc" is the abbreviation, as people type it."""
    start, end = part[0].start, part[-1].end
    written = "".join(piece.raw for piece in part)
    if not (written.islower() or written.istitle()):
        return False  # "mS" is a unit, "aS" nothing
    small, before = written.lower(), text[max(0, start - 40) : start]
    around = text[max(0, start - 1) : start] + text[end : end + 1]
    if any(sign in around for sign in "@_=&#\\") or re.match(r"\.\w", text[end : end + 2]):
        return False  # an address, a path, a name of a file
    if _means_another(text, start, end) or _is_unit(text, small, start, end, before):
        return False
    if small in TITLES:
        return _is_no_title(text, end, before)
    if len(part) > 1:
        return True  # "ac-t"
    if is_everyday(small, "en"):
        return False  # "an act of kindness"
    return not is_everyday(small, "es") or bool(LEADS.search(before))


def _is_unit(text: str, small: str, start: int, end: int, before: str) -> bool:
    if len(small) == 2 and UNIT.search(before) and not NO_QUANTITY.search(before):
        return True
    if small.upper() not in UNITS:
        return False
    if text.strip() == text[start:end] or re.match(r"/|\d", text[end : end + 1]):
        return True  # a field that holds the unit alone; "ms/cm"
    sign = AFTER_A_SIGN.search(before)
    return bool(sign and MEASURED.search(before[: sign.start()]))


def _is_no_title(text: str, end: int, before: str) -> bool:
    if NAME_AFTER.match(text, end) or NAME_BEFORE.search(before):
        return False
    follows = WORD_AFTER.match(text, end)
    is_a_name = follows and not is_plain(follows[1]) and not OF_ILLNESS.match(follows[1])
    return not is_a_name or bool(HAVING.search(before))
