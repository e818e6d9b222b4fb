"""What an opinion still lacks, in sentences; asked by the seal, by the signature and by the page."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from specialists.models import Comparison, Opinion

Sentences = list[str | Promise]


def missing_before_seal(opinion: Opinion) -> Sentences:
    lacks: Sentences = []
    if not opinion.diagnosis.strip():
        lacks.append(_("Write your diagnosis, or that you cannot tell, in words."))
    if not opinion.certainty:
        lacks.append(_("Say how certain you are."))
    if not opinion.reasoning.strip():
        lacks.append(_("Write what your diagnosis rests on."))
    if not opinion.plan.strip():
        lacks.append(_("Write what you would do next."))
    return lacks


def missing_before_signing(opinion: Opinion) -> Sentences:
    """Everything, in the order of the page. Every question has exactly one answer at signing."""
    lacks = missing_before_seal(opinion)
    compared = set(
        opinion.comparisons.exclude(result="").exclude(why="").values_list("axis", flat=True)
    )
    if compared != set(Comparison.Axis.values):
        lacks.append(_("Compare each point with the original diagnosis and say why."))
    questions = set(opinion.referral.opinion_request.questions.values_list("pk", flat=True))
    answered = set(opinion.answers.exclude(text="").values_list("question", flat=True))
    if questions != answered:
        lacks.append(_("Answer every question. “It cannot be answered because …” is an answer."))
    options = list(opinion.options.all())
    if not any(option.is_first_doctors_plan and option.name for option in options):
        lacks.append(_("Keep the first doctor's plan among the options."))
    if any(not (option.name and option.benefits and option.harms) for option in options):
        lacks.append(_("Give every option a name, its benefits and its harms."))
    if not any(option.is_recommended for option in options):
        lacks.append(_("Mark the option you would choose."))
    if not opinion.plain_summary.strip():
        lacks.append(_("Write the summary in plain language."))
    if not opinion.limits.strip():
        lacks.append(_("Write what this opinion cannot tell, for example that you examined nobody."))
    return lacks
