"""After the reveal: compare, answer, options, summary; revise what was sealed; sign."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from requests_app.models import FollowUpQuestion, OpinionRequest
from requests_app.workflow import people_of_patient
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import not_now
from secondop.notifications.outbox import tell
from specialists import rules
from specialists.models import (
    Answer,
    Comparison,
    Opinion,
    OpinionRevision,
    Referral,
    TreatmentOption,
)
from specialists.workflow.checking import hand_to_quality_check

RequestStatus = OpinionRequest.Status
Status = Referral.Status
Rows = dict[Any, dict[str, Any]]

WHOLE_TEXTS = ("plain_summary", "limits", "conflicts")
ANSWER_FIELDS = ("text", "cannot_be_answered")
COMPARISON_FIELDS = ("result", "why")
OPTION_FIELDS = ("name", "what_it_involves", "benefits", "harms", "evidence", "fits_priorities")
MOST_OPTIONS = 6  # more than that nobody compares


def lay_out_comparison(opinion: Opinion) -> None:
    """An empty row for each axis and question, and the first doctor's plan as the first option."""
    opinion_request = opinion.referral.opinion_request
    told = getattr(opinion_request.case_file, "original_diagnosis", None)
    common: dict[str, Any] = {"clinic_id": opinion.clinic_id, "opinion": opinion}
    for axis in Comparison.Axis.values:
        Comparison.objects.get_or_create(axis=axis, **common)
    for question in opinion_request.questions.all():
        Answer.objects.get_or_create(question=question, **common)
    TreatmentOption.objects.get_or_create(
        is_first_doctors_plan=True,
        **common,
        defaults={"position": 1, "name": (told.treatment if told else "")[:200]},
    )
    if not opinion.limits:
        opinion.limits = "\n".join(_usual_limits())
        opinion.save(update_fields=["limits"])


def _usual_limits() -> list[str]:
    """True of every opinion given here; a suggestion that the specialist changes or adds to."""
    return [
        _("This opinion rests on records alone. I did not examine the patient."),
        _("Records that I have not seen could change it."),
    ]


def save_opinion(opinion: Opinion, version: int, fields: dict[str, Any]) -> None:
    """Write fields of a locked opinion. Raises: Refused (409) when another window saved first."""
    if opinion.version != version:
        not_now(
            _("This opinion was changed in another window. Copy your text, then load it again.")
        ).or_raise()
    for name, value in fields.items():
        setattr(opinion, name, value)
    opinion.version += 1
    opinion.save(update_fields=[*fields, "version", "saved_at"])


@transition
def save_completion(
    referral: Referral,
    /,
    *,
    version: int,
    by: Any,
    comparisons: Rows | None = None,
    answers: Rows | None = None,
    options: Rows | None = None,
    recommended: UUID | None = None,
    **texts: str,
) -> None:
    """Save what follows the reveal. Rows are named by axis, question and option; any may lack."""
    rules.may_complete(by, referral).or_raise()
    opinion = referral.opinion
    save_opinion(opinion, version, {k: texts[k] for k in WHOLE_TEXTS if k in texts})
    for axis, fields in (comparisons or {}).items():
        _save_row(opinion.comparisons.filter(axis=axis), fields, COMPARISON_FIELDS)
    for question, fields in (answers or {}).items():
        _save_row(opinion.answers.filter(question=question), fields, ANSWER_FIELDS)
    for option, fields in (options or {}).items():
        _save_row(opinion.options.filter(pk=option), fields, OPTION_FIELDS)
    if recommended:
        opinion.options.filter(is_recommended=True).update(is_recommended=False)
        opinion.options.filter(pk=recommended).update(is_recommended=True)


def _save_row(row: Any, fields: dict[str, Any], allowed: tuple[str, ...]) -> None:
    if kept := {name: fields[name] for name in allowed if name in fields}:
        row.update(**kept)


@transition
def add_option(referral: Referral, *, by: Any) -> None:
    """One more empty column beside the first doctor's plan."""
    rules.may_complete(by, referral).or_raise()
    opinion = referral.opinion
    positions = list(opinion.options.values_list("position", flat=True))
    if len(positions) >= MOST_OPTIONS:
        not_now(_("Six options are the most that can be compared side by side.")).or_raise()
    opinion.options.create(clinic_id=opinion.clinic_id, position=max(positions, default=0) + 1)


@transition
def remove_option(referral: Referral, *, option: UUID, by: Any) -> None:
    """Take an option away. The first doctor's plan always stays."""
    rules.may_complete(by, referral).or_raise()
    row = referral.opinion.options.filter(pk=option).first()
    if row and row.is_first_doctors_plan:
        not_now(_("The first doctor's plan stays, so that the patient can compare.")).or_raise()
    if row:
        row.delete()


@transition
def revise(referral: Referral, *, field: str, after: str, reason: str, by: Any) -> None:
    """Change one sealed field; before, after and the reason are kept and printed."""
    rules.may_revise(by, referral).or_raise()
    opinion = referral.opinion
    if field not in Opinion.SEALED_FIELDS:
        raise ValueError(field)
    if not reason.strip():
        not_now(_("Say why you change a sealed field.")).or_raise()
    before = getattr(opinion, field)
    if before == after:
        not_now(_("Nothing was changed in this field.")).or_raise()
    OpinionRevision.objects.create(
        clinic_id=opinion.clinic_id,
        opinion=opinion,
        field=field,
        before=before,
        after=after,
        reason=reason,
        by=by,
    )
    save_opinion(opinion, opinion.version, {field: after})
    note("opinion.revised", by=by, about=opinion, field=field)


@transition
def sign(referral: Referral, *, by: Any) -> None:
    """The whole opinion is the specialist's word; a second clinician checks it next."""
    rules.may_sign(by, referral).or_raise()
    opinion_request = referral.opinion_request
    referral.move_to(Status.SIGNED)
    referral.opinion.signed_at = referral.status_since
    referral.opinion.save(update_fields=["signed_at"])
    note("opinion.signed", by=by, about=referral.opinion)
    if opinion_request.status == RequestStatus.IN_REVIEW and not (
        opinion_request.referrals.open().exists()
    ):
        hand_to_quality_check(opinion_request, by=by)


@transition
def answer_follow_up(referral: Referral, *, question: FollowUpQuestion, text: str, by: Any) -> None:
    """Answer a patient's question about the delivered report; the patient is told."""
    fresh = FollowUpQuestion.objects.select_for_update().get(pk=question.pk)
    rules.may_answer_follow_up(by, referral, fresh).or_raise()
    fresh.answer, fresh.answered_at, fresh.answered_by = text, timezone.now(), by
    fresh.save(update_fields=["answer", "answered_at", "answered_by"])
    note("follow_up.answered", by=by, about=fresh)
    opinion_request = referral.opinion_request
    tell(people_of_patient(opinion_request), "follow_up_answered", about=fresh.report)
