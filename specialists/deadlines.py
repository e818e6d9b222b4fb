"""The watch over every deadline. Run each minute by beat; twice, late or two at once do no harm.

What expires, expires by the workflow. What is told, is told once per deadline (`once`). What a
person must do is one row per breach (`StaffTask` is unique). Everything is read by an index: an
open request costs the watch nothing until its time has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.urls import Resolver404, resolve
from django.utils import timezone

from records.erasing import erase_images, has_images
from requests_app import workflow as requests
from requests_app.deadlines import DEADLINES
from requests_app.models import FollowUpQuestion, OpinionRequest, Report, StaffTask
from requests_app.models.opinion_request import Ball
from requests_app.workflow import coordinators_of, people_of_patient, staff_path
from secondop.accounts.models import Clinic
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from secondop.notifications.outbox import tell
from specialists import workflow as referrals
from specialists.models import Referral

Status = OpinionRequest.Status
BATCH = 500  # of each kind and clinic in one run; the next run takes the next
DAY = timedelta(days=1)
# Days after which a patient who has the ball is reminded (domain/WORKFLOWS 4.3).
REMIND_AFTER_DAYS = {Status.NEEDS_PATIENT: (3, 7), Status.DRAFT: (3, 10)}
OURS = (Ball.COORDINATOR, Ball.SPECIALIST, Ball.QUALITY_REVIEWER, Ball.RECORD_HOLDER)
NOT_OPEN = ("draft", *OpinionRequest.ENDED)


def watch(now: datetime | None = None) -> None:
    """Look at everything once. `now` is for tests."""
    now = now or timezone.now()
    _each(_offers_past(now), referrals.expire_offer)
    _remind_specialists(now)
    _call_about_bounced(now)
    for clinic in Clinic.objects.all():
        _each(_in_state(clinic, Status.NEEDS_PATIENT, before=now), requests.expire)
        _remind_patients(clinic, now)
        _each(_in_state(clinic, Status.DRAFT, before=now), requests.discard)
        _erase_images_of_discarded(clinic, now)
        _call_about_unopened(clinic, now)
        _each(_read_and_over(clinic, now), requests.end_follow_up)
        _escalate(clinic, now)


def _each(rows: Iterable[Any], change: Callable[[Any], Any]) -> None:
    """Change each row for itself: what somebody else has just changed must not stop the rest."""
    for row in rows:
        try:
            change(row)
        except Refused:
            continue


def _in_state(
    clinic: Clinic, status: str, *, before: datetime, after: datetime | None = None
) -> models.QuerySet[OpinionRequest]:
    """Requests of one state whose deadline lies in (after, before]. Reads one index."""
    rows = OpinionRequest.objects.filter(clinic=clinic, status=status, due_at__lte=before)
    if after:
        rows = rows.filter(due_at__gt=after)
    return rows.order_by("due_at", "id")[:BATCH]


def _offers_past(now: datetime) -> models.QuerySet[Referral]:
    offered = Referral.objects.filter(status=Referral.Status.OFFERED, answer_by__lte=now)
    return offered.order_by("answer_by")[:BATCH]


def _remind_patients(clinic: Clinic, now: datetime) -> None:
    """One reminder for each of the days, within a day of it; a longer silence of ours skips it."""
    for status, days in REMIND_AFTER_DAYS.items():
        allowed = timedelta(days=DEADLINES[status].days)
        for day in days:
            before = now + allowed - timedelta(days=day)
            for it in _in_state(clinic, status, before=before, after=before - DAY):
                key = f"remind:{it.pk}:{it.due_at:%Y%m%d}:{day}"
                _tell_once(people_of_patient(it), "reminder_patient", about=it, once=key)


def _erase_images_of_discarded(clinic: Clinic, now: datetime) -> None:
    """Images of requests that were never sent; what a cut left over is found again for a week."""
    gone = OpinionRequest.objects.filter(
        has_images(), clinic=clinic, status=Status.WITHDRAWN, submitted_at=None,
        due_at__gt=now - 7 * DAY,
    )  # fmt: skip
    for it in gone.select_related("case_file")[:BATCH]:
        erase_images(it.case_file)


def _remind_specialists(now: datetime) -> None:
    """A day before a review is due, and when it is."""
    reading = Referral.objects.filter(status__in=[Referral.Status.TAKEN, Referral.Status.SEALED])
    for name, shift in (("before", DAY), ("due", timedelta(0))):
        due = reading.filter(review_by__lte=now + shift, review_by__gt=now + shift - DAY)
        for referral in due.select_related("specialist__user").order_by("review_by")[:BATCH]:
            key = f"review:{referral.pk}:{referral.review_by:%Y%m%d%H%M}:{name}"
            _tell_once([referral.specialist.user], "review_due", about=referral, once=key)


def _tell_once(people: list[Any], message: str, *, about: Any, once: str, path: str = "") -> None:
    """The unique key decides; asking first spares a bell each minute."""
    if people and not Notification.objects.filter(to__in=people, once=once).exists():
        tell(people, message, about=about, once=once, path=path)


def _escalate(clinic: Clinic, now: datetime) -> None:
    """A ball that lies with us past its time: one task and one message for each breach."""
    late = OpinionRequest.objects.filter(clinic=clinic, due_at__lte=now, ball_with__in=OURS)
    late = late.exclude(status__in=NOT_OPEN).filter(_no_task(StaffTask.Kind.OVERDUE))
    for it in late.order_by("due_at", "id")[:BATCH]:
        _open_task(it, StaffTask.Kind.OVERDUE, due_at=it.due_at, message="overdue")


def _call_about_unopened(clinic: Clinic, now: datetime) -> None:
    """Delivered, and nobody has looked: somebody rings (11 % of reports are never opened)."""
    due = OpinionRequest.objects.filter(clinic=clinic, status=Status.DELIVERED, due_at__lte=now)
    due = due.filter(_no_task(StaffTask.Kind.CALL_UNOPENED))
    newest = Report.objects.filter(opinion_request=OuterRef("pk")).order_by("-version")
    due = due.alias(read_at=models.Subquery(newest.values("opened_at")[:1])).filter(read_at=None)
    for it in due.order_by("due_at", "id")[:BATCH]:
        _open_task(it, StaffTask.Kind.CALL_UNOPENED, due_at=it.due_at, message="call_patient")


def _no_task(kind: str) -> Any:
    """No task was opened for this very deadline yet."""
    same = StaffTask.objects.filter(
        opinion_request=OuterRef("pk"), kind=kind, about_due_at=OuterRef("due_at")
    )
    return ~Exists(same)


def _open_task(it: OpinionRequest, kind: str, *, due_at: datetime, message: str) -> None:
    with transaction.atomic():
        _task, is_new = StaffTask.objects.get_or_create(
            opinion_request=it,
            kind=kind,
            about_due_at=due_at,
            defaults={"clinic_id": it.clinic_id},
        )
        if is_new:
            tell(coordinators_of(it), message, about=it, path=staff_path(it))


def _read_and_over(clinic: Clinic, now: datetime) -> models.QuerySet[OpinionRequest]:
    """Newest report acknowledged, the days for questions gone, no question open."""
    until = now - timedelta(days=clinic.follow_up_days)
    newest = Report.objects.filter(opinion_request=OuterRef("pk")).order_by("-version")
    asked = FollowUpQuestion.objects.filter(
        report__opinion_request=OuterRef("pk"), answered_at=None
    )
    rows = OpinionRequest.objects.filter(clinic=clinic, status=Status.DELIVERED, due_at__lte=now)
    rows = rows.alias(
        read_at=models.Subquery(newest.values("acknowledged_at")[:1]),
        delivered=models.Subquery(newest.values("delivered_at")[:1]),
    ).filter(~Exists(asked), read_at__isnull=False, delivered__lte=until)
    return rows.order_by("due_at", "id")[:BATCH]


def _call_about_bounced(now: datetime) -> None:
    """A patient's mail that could not be delivered becomes one open call."""
    lost = Notification.objects.filter(
        status=Notification.Status.DEAD,
        channel=Notification.Channel.EMAIL,
        finished_at__gt=now - DAY,
    )
    for notification in lost.select_related("to").order_by("finished_at")[:BATCH]:
        it = _request_of(notification)
        if it is None or notification.to not in people_of_patient(it):
            continue
        calls = it.staff_tasks.filter(kind=StaffTask.Kind.CALL_BOUNCED)
        if calls.filter(done_at=None).exists():
            continue
        _open_task(
            it,
            StaffTask.Kind.CALL_BOUNCED,
            due_at=notification.finished_at,
            message="call_patient",
        )


def _request_of(notification: Notification) -> OpinionRequest | None:
    """The request a message was about: by its reference, else by the page it led to."""
    if notification.reference:
        return OpinionRequest.objects.filter(reference=notification.reference).first()
    try:
        match = resolve(notification.path)
    except Resolver404:
        return None
    if match.view_name != "requests:report":
        return None
    return OpinionRequest.objects.filter(reports=match.kwargs["pk"]).first()
