"""What an opinion still lacks, in sentences; asked by the seal, the signature and the pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from specialists.models import Comparison, Opinion, TreatmentOption

Sentences = list[str | Promise]


@dataclass(frozen=True)
class Lack:
    """One sentence, and the part of the page where it is put right."""

    part: str  # id of the section on the page
    sentence: str | Promise


def lacks_before_seal(opinion: Opinion) -> list[Lack]:
    lacks = []
    if not opinion.diagnosis.strip():
        lacks.append(
            Lack("diagnosis", _("Write your diagnosis, or that you cannot tell, in words."))
        )
    if not opinion.certainty:
        lacks.append(Lack("certainty", _("Say how certain you are.")))
    if not opinion.reasoning.strip():
        lacks.append(Lack("reasoning", _("Write what your diagnosis rests on.")))
    if not opinion.plan.strip():
        lacks.append(Lack("plan", _("Write what you would do next.")))
    return lacks


def lacks_after_reveal(opinion: Opinion) -> list[Lack]:
    """What follows the reveal, in the order of the page."""
    lacks = []
    compared = opinion.comparisons.exclude(result="").exclude(why="")
    if set(compared.values_list("axis", flat=True)) != set(Comparison.Axis.values):
        sentence = _("Compare each point with the original diagnosis and say why.")
        lacks.append(Lack("compare", sentence))
    questions = set(opinion.referral.opinion_request.questions.values_list("pk", flat=True))
    answered = set(opinion.answers.exclude(text="").values_list("question", flat=True))
    if questions != answered:
        sentence = _("Answer every question. “It cannot be answered because …” is an answer.")
        lacks.append(Lack("answers", sentence))
    lacks += [Lack("options", sentence) for sentence in _lacks_of(list(opinion.options.all()))]
    if not opinion.plain_summary.strip():
        lacks.append(Lack("summary", _("Write the summary in plain language.")))
    if not opinion.limits.strip():
        sentence = _("Write what this opinion cannot tell, for example that you examined nobody.")
        lacks.append(Lack("limits", sentence))
    return lacks


def _lacks_of(options: list[TreatmentOption]) -> Sentences:
    lacks: Sentences = []
    if not any(option.is_first_doctors_plan and option.name for option in options):
        lacks.append(_("Keep the first doctor's plan among the options."))
    if any(not (option.name and option.benefits and option.harms) for option in options):
        lacks.append(_("Give every option a name, its benefits and its harms."))
    if not any(option.is_recommended for option in options):
        lacks.append(_("Mark the option you would choose."))
    return lacks


def lacks_before_signing(opinion: Opinion) -> list[Lack]:
    """Everything. Every question has exactly one answer at signing."""
    return lacks_before_seal(opinion) + lacks_after_reveal(opinion)


def missing_before_seal(opinion: Opinion) -> Sentences:
    return [lack.sentence for lack in lacks_before_seal(opinion)]


def missing_before_signing(opinion: Opinion) -> Sentences:
    return [lack.sentence for lack in lacks_before_signing(opinion)]
