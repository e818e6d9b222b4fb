"""How hard a text is to read, offline. Advice for the writer, never a gate."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ENOUGH_WORDS = 20  # below this, every formula is noise
TARGET_GRADE = 8
EASY_SPANISH = 60  # Fernandez-Huerta: 60-70 is "normal", the level of school years 8 and 9


@dataclass(frozen=True)
class Readability:
    is_known: bool
    is_plain: bool = False
    measure: str = ""  # as printed: "8" (a school grade) or "72" (a score)
    sentence: str | Promise = ""


def readability_of(text: str, language: str = "en") -> Readability:
    """Measure a text in English (school grade) or Spanish (ease from 0 to 100).

    English is the mean of the Automated Readability Index and Coleman-Liau: both count letters,
    so they need no dictionary of syllables from the network. Spanish is Fernandez-Huerta.
    """
    text = " ".join(text.split())
    if len(text.split()) < ENOUGH_WORDS:
        return Readability(
            is_known=False, sentence=_("Write a little more to see how plain it reads.")
        )
    if language.startswith("es"):
        return _spanish(text)
    return _english(text)


def _english(text: str) -> Readability:
    import textstat  # with its arrays 30 MB: taken by a process that measures, not by each

    textstat.set_lang("en")
    mean = (textstat.automated_readability_index(text) + textstat.coleman_liau_index(text)) / 2
    grade = max(1, round(mean))
    if grade <= TARGET_GRADE:
        sentence = _("School grade %(grade)d. Most adults can read this.") % {"grade": grade}
    else:
        sentence = _(
            "School grade %(grade)d. Aim for 8 or lower: shorter sentences, everyday words."
        ) % {"grade": grade}
    return Readability(True, grade <= TARGET_GRADE, str(grade), sentence)


def _spanish(text: str) -> Readability:
    import textstat

    textstat.set_lang("es")
    ease = max(0, min(100, round(textstat.fernandez_huerta(text))))
    if ease >= EASY_SPANISH:
        sentence = _("Ease %(ease)d of 100. Most adults can read this.") % {"ease": ease}
    else:
        sentence = _(
            "Ease %(ease)d of 100. Aim for 60 or more: shorter sentences, everyday words."
        ) % {"ease": ease}
    return Readability(True, ease >= EASY_SPANISH, str(ease), sentence)
