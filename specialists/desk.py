"""What lies on a specialist's desk: offers, reviews, finished ones. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.grading import cleared_of
from records.models import Document
from records.models.case_file import BlindingClass
from requests_app.models import FollowUpQuestion, Message, OpinionRequest
from specialists.completeness import missing_before_seal
from specialists.models import Opinion, Referral
from specialists.reading import Offer, project_offer

Status = Referral.Status
PARTS = 4  # what the seal asks for
FINISHED_SHOWN = 25
EXPECTED_MINUTES = 40


@dataclass(frozen=True)
class Row:
    referral: Referral
    offer: Offer
    step: str | Promise
    parts_done: int
    has_news: bool


def _documents(*, only_clear: bool) -> Subquery:
    rows = Document.objects.available().filter(case_file=OuterRef("opinion_request__case_file"))
    if only_clear:
        rows = rows.filter(blinding_class=BlindingClass.CLEAR)
    counted = rows.order_by().values("case_file").annotate(n=Count("pk")).values("n")
    return Subquery(counted)


def _referrals(user: Any) -> QuerySet[Referral]:
    """SECURITY: in a sealed review the count is of clear documents, before and after the reveal."""
    unread = Message.objects.filter(
        thread=Message.Thread.SPECIALIST,
        specialist=user,
        opinion_request=OuterRef("opinion_request"),
        from_clinic=True,
        read_at=None,
    ).shown_to(user)
    counted = unread.order_by().values("opinion_request").annotate(n=Count("pk")).values("n")
    return (
        Referral.objects.visible_as("specialist", user)
        .select_related(
            "opinion", "panel", "clinic", "specialist", "opinion_request__case_file__patient"
        )
        .annotate(
            clear_count=Coalesce(_documents(only_clear=True), 0),
            all_count=Coalesce(_documents(only_clear=False), 0),
            unread_count=Coalesce(Subquery(counted), 0),
        )
    )


def row_of(referral: Any, *, with_grade: bool = False) -> Row:
    """`referral` comes from `offers`, `reviews`, `finished` or `one`.

    `with_grade`: two more queries, for the page about one offer.
    """
    is_open = referral.review_mode == OpinionRequest.ReviewMode.OPEN
    opinion: Opinion | None = getattr(referral, "opinion", None)
    return Row(
        referral=referral,
        offer=project_offer(
            referral,
            referral.all_count if is_open else referral.clear_count,
            grade=cleared_of(referral.opinion_request.case_file)
            if with_grade and not is_open
            else None,
        ),
        step=step_of(referral),
        parts_done=PARTS - len(missing_before_seal(opinion)) if opinion else 0,
        has_news=bool(referral.unread_count),
    )


def offers(user: Any) -> list[Row]:
    rows = _referrals(user).filter(status=Status.OFFERED).order_by("answer_by", "pk")
    return [row_of(referral) for referral in rows]


def reviews(user: Any) -> list[Row]:
    rows = _referrals(user).filter(status__in=(Status.TAKEN, Status.SEALED))
    return [row_of(referral) for referral in rows.order_by("review_by", "pk")]


def finished(user: Any) -> list[Row]:
    """The latest that ended, however they ended."""
    rows = _referrals(user).exclude(status__in=Referral.OPEN)
    latest = rows.order_by(F("review_by").desc(), "pk")[:FINISHED_SHOWN]
    return [row_of(referral) for referral in latest]


def one(user: Any) -> QuerySet[Referral]:
    """The rows behind `get_visible` for a page about one referral."""
    return _referrals(user)


def _follow_ups(user: Any) -> tuple[QuerySet[FollowUpQuestion], QuerySet[Referral]]:
    """Patients' questions about reports that carry an opinion this person signed."""
    signed = Referral.objects.visible_as("specialist", user).filter(status=Status.SIGNED)
    asked = FollowUpQuestion.objects.filter(
        report__opinion_request__in=signed.values("opinion_request")
    )
    return asked, signed


def open_follow_ups(user: Any) -> list[FollowUpQuestion]:
    asked, _signed = _follow_ups(user)
    return list(asked.filter(answered_at=None).order_by("due_at", "pk"))


def follow_up_of(user: Any, pk: UUID) -> tuple[FollowUpQuestion | None, Referral | None]:
    """One question with the person's own referral it is about; nothing when it is not theirs."""
    asked, signed = _follow_ups(user)
    question = asked.filter(pk=pk).select_related("report").first()
    if question is None:
        return None, None
    own = signed.filter(opinion_request=question.report.opinion_request_id)
    return question, own.order_by("-offered_at").first()


def step_of(referral: Referral) -> str | Promise:
    """Where a review stands, in the specialist's words."""
    opinion: Opinion | None = getattr(referral, "opinion", None)
    if referral.status == Status.OFFERED:
        return _("Waiting for your answer")
    if opinion is None or referral.status not in (Status.TAKEN, Status.SEALED):
        return referral.get_status_display()
    if opinion.revealed_at or opinion.seal_broken_at:
        return _("Compare and complete")
    if referral.status == Status.SEALED:
        return _("Sealed. Open the original diagnosis next")
    if referral.review_mode == OpinionRequest.ReviewMode.OPEN:
        return _("Read, write and complete")
    return _("Read and write")


def next_url(referral: Referral) -> str:
    """The page where the work goes on."""
    opinion: Opinion | None = getattr(referral, "opinion", None)
    name = "referral"
    if referral.status == Status.TAKEN:
        is_open = opinion and opinion.seal_broken_at
        name = "complete" if is_open else "case_file"
    elif referral.status == Status.SEALED:
        name = "complete" if opinion and opinion.revealed_at else "seal"
    return reverse(f"specialists:{name}", args=[referral.pk])
