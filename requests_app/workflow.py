"""Every change of a request's state. Each step: ask the rule, move, note, tell."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from records.blinding_search.asking import search_case_file
from records.grants import revoke_all
from records.identity_workflow import recheck
from records.models import CaseFile
from records.proxies import on_behalf_of
from records.record_requests import end_all
from records.workflow import discard_files
from requests_app import rules
from requests_app.completeness.choosing import completeness_of, hold_to
from requests_app.deadlines import DEADLINES, due_at
from requests_app.gathering import keep_waiver
from requests_app.models import Message, OpinionRequest, StatusChange
from requests_app.signals import request_closed
from secondop.accounts.models import User
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.notifications.outbox import tell

Status = OpinionRequest.Status


def move(
    opinion_request: OpinionRequest, new: str, *, by: Any, verb: str, reason: str = ""
) -> None:
    """Move along the table and write everything a move means: history, ball, deadline, audit.

    For workflow modules only, on a row they hold locked. `by` is None when a deadline passed.
    """
    old = opinion_request.status
    opinion_request.move_to(new)
    now = timezone.now()
    opinion_request.ball_with = DEADLINES[new].ball_with
    opinion_request.due_at = due_at(
        new,
        urgent=opinion_request.urgency == OpinionRequest.Urgency.URGENT,
        clinic=opinion_request.clinic,
        start=now,
    )
    touch(opinion_request, by=by, also=["ball_with", "due_at"])
    StatusChange.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        old=old,
        new=new,
        ball_with=opinion_request.ball_with,
        by=by,
        reason=reason,
    )
    patient = opinion_request.case_file.patient
    acting_for = on_behalf_of(by, patient) if by else None
    note(verb, by=by, about=opinion_request, on_behalf_of=acting_for, old=str(old), new=str(new))
    CaseFile.objects.filter(pk=opinion_request.case_file_id).update(
        is_open_for_records=new in rules.OPEN_FOR_RECORDS
    )


def touch(opinion_request: OpinionRequest, *, by: Any, also: list[str] | None = None) -> None:
    """Count one more version, so that whoever acts on an older one is told who changed what."""
    opinion_request.version = F("version") + 1  # type: ignore[assignment]
    opinion_request.changed_by, opinion_request.changed_at = by, timezone.now()
    opinion_request.save(update_fields=["version", "changed_by", "changed_at", *(also or [])])
    opinion_request.refresh_from_db(fields=["version"])


def people_of_patient(opinion_request: OpinionRequest) -> list[User]:
    """The patient's account, if there is one, and everybody who acts for them today."""
    patient = opinion_request.case_file.patient
    people = [proxy.user for proxy in patient.proxies.live().select_related("user")]
    return [*people, patient.user] if patient.user else people


def coordinators_of(opinion_request: OpinionRequest) -> list[User]:
    """Whoever looks after the request, else every coordinator of the clinic."""
    if opinion_request.coordinator and opinion_request.coordinator.works_as(
        COORDINATOR, opinion_request.clinic_id
    ):
        return [opinion_request.coordinator]
    return list(User.objects.working_as(COORDINATOR, clinic_id=opinion_request.clinic_id))


@transition
def submit(opinion_request: OpinionRequest, *, truth_name: str, by: Any) -> None:
    """Hand the request to the clinic, under a signed statement of truth."""
    rules.may_submit(by, opinion_request).or_raise()
    first_time = opinion_request.submitted_at is None
    opinion_request.truth_name = truth_name.strip()
    opinion_request.truth_signed_at = timezone.now()
    opinion_request.submitted_at = opinion_request.submitted_at or timezone.now()
    opinion_request.save(update_fields=["truth_name", "truth_signed_at", "submitted_at"])
    move(opinion_request, Status.SUBMITTED, by=by, verb="request.submitted")
    hold_to(opinion_request)
    search_case_file(opinion_request.case_file)
    recheck(opinion_request.case_file)
    tell(
        coordinators_of(opinion_request),
        "new_request" if first_time else "patient_answered",
        about=opinion_request,
        path=staff_path(opinion_request),
    )
    tell(people_of_patient(opinion_request), "request_submitted", about=opinion_request)


@transition
def accept(opinion_request: OpinionRequest, *, urgent: bool = False, by: Any) -> None:
    """Triage: a second opinion makes sense here; gather the records."""
    rules.may_triage(by, opinion_request).or_raise()
    opinion_request.coordinator = by
    opinion_request.urgency = (
        OpinionRequest.Urgency.URGENT if urgent else OpinionRequest.Urgency.ROUTINE
    )
    opinion_request.save(update_fields=["coordinator", "urgency"])
    move(opinion_request, Status.COLLECTING, by=by, verb="request.accepted")
    tell(people_of_patient(opinion_request), "request_accepted", about=opinion_request)


@transition
def ask_patient(opinion_request: OpinionRequest, *, text: str, by: Any) -> None:
    """Ask the patient for something; the question is a message they can answer."""
    rules.may_ask_patient(by, opinion_request).or_raise()
    _say(opinion_request, text, by=by)
    move(opinion_request, Status.NEEDS_PATIENT, by=by, verb="request.patient_asked", reason=text)
    tell(people_of_patient(opinion_request), "patient_needed", about=opinion_request)


@transition
def return_with_advice(opinion_request: OpinionRequest, *, advice: str, by: Any) -> None:
    """Something else comes first; the advice says what."""
    rules.may_return(by, opinion_request).or_raise()
    _say(opinion_request, advice, by=by)
    move(opinion_request, Status.RETURNED, by=by, verb="request.returned", reason=advice)
    tell(people_of_patient(opinion_request), "request_returned", about=opinion_request)


@transition
def mark_ready(opinion_request: OpinionRequest, *, waiver: str = "", by: Any) -> None:
    """The records are enough. `waiver` is why the clinic goes on without what is missing: it is
    kept for each missing item, and the patient reads it.
    """
    rules.may_mark_ready(by, opinion_request, waiver=waiver).or_raise()
    for finding in completeness_of(opinion_request).gaps:
        keep_waiver(opinion_request, finding.name, waiver, by=by)
    move(opinion_request, Status.READY, by=by, verb="request.ready", reason=waiver)


@transition
def withdraw(opinion_request: OpinionRequest, *, by: Any) -> None:
    """The patient stops; open referrals are recalled and readers shut out in the same breath."""
    rules.may_withdraw(by, opinion_request).or_raise()
    if opinion_request.status == Status.DRAFT:
        _discard(opinion_request, by=by)
        return
    move(opinion_request, Status.WITHDRAWN, by=by, verb="request.withdrawn")
    end_all(opinion_request.case_file, by=by)
    request_closed.send(OpinionRequest, opinion_request=opinion_request, by=by)
    revoke_all(opinion_request.case_file, by=by)
    tell(people_of_patient(opinion_request), "request_withdrawn", about=opinion_request)


@transition
def discard(opinion_request: OpinionRequest, *, by: Any = None) -> None:
    """Throw away what was never sent, files included. Without `by`: its 60 days have passed."""
    is_draft = opinion_request.status == Status.DRAFT
    if by is None and not (is_draft and opinion_request.due_at <= timezone.now()):
        return
    if by is not None:
        rules.may_discard(by, opinion_request).or_raise()
    _discard(opinion_request, by=by)


def _discard(opinion_request: OpinionRequest, *, by: Any) -> None:
    move(opinion_request, Status.WITHDRAWN, by=by, verb="request.discarded")
    discard_files(opinion_request.case_file, by=by)
    message = "request_withdrawn" if by else "draft_discarded"
    tell(people_of_patient(opinion_request), message, about=opinion_request)


@transition
def expire(opinion_request: OpinionRequest) -> None:
    """The patient did not act in time. Asked by the deadline sweep only."""
    if opinion_request.status != Status.NEEDS_PATIENT or opinion_request.due_at > timezone.now():
        return
    move(opinion_request, Status.EXPIRED, by=None, verb="request.expired")
    tell(people_of_patient(opinion_request), "request_expired", about=opinion_request)


@transition
def reopen(opinion_request: OpinionRequest, *, reason: str, by: Any) -> None:
    """Start again: a closed request with new information, any other at triage."""
    rules.may_reopen(by, opinion_request).or_raise()
    closed = opinion_request.status == Status.CLOSED
    new = Status.COLLECTING if closed else Status.SUBMITTED
    move(opinion_request, new, by=by, verb="request.reopened", reason=reason)
    tell(
        coordinators_of(opinion_request),
        "patient_answered",
        about=opinion_request,
        path=staff_path(opinion_request),
    )


@transition
def close(opinion_request: OpinionRequest, *, by: Any) -> None:
    rules.may_close(by, opinion_request).or_raise()
    move(opinion_request, Status.CLOSED, by=by, verb="request.closed")
    request_closed.send(OpinionRequest, opinion_request=opinion_request, by=by)
    revoke_all(opinion_request.case_file, by=by)
    tell(people_of_patient(opinion_request), "request_closed", about=opinion_request)


@transition
def end_follow_up(opinion_request: OpinionRequest) -> None:
    """The report was read and the time for questions is over. Asked by the deadline sweep only."""
    if opinion_request.status != Status.DELIVERED:
        return
    if opinion_request.reports.filter(follow_up_questions__isnull=False,
                                      follow_up_questions__answered_at=None).exists():  # fmt: skip
        return
    move(opinion_request, Status.CLOSED, by=None, verb="request.closed")
    request_closed.send(OpinionRequest, opinion_request=opinion_request, by=None)
    revoke_all(opinion_request.case_file, by=None)
    tell(people_of_patient(opinion_request), "request_closed", about=opinion_request)


def staff_path(opinion_request: OpinionRequest) -> str:
    return reverse("requests:triage", args=[opinion_request.pk])


def _say(opinion_request: OpinionRequest, text: str, *, by: Any) -> None:
    Message.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        thread=Message.Thread.PATIENT,
        author=by,
        from_clinic=True,
        text=text,
    )
