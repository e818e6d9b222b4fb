"""May this person do this now? Asked by buttons, workflow and APIs alike."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records import first_doctor
from records.models import AccessGrant, CaseFile
from requests_app.completeness.choosing import completeness_of
from requests_app.models import OpinionRequest
from requests_app.sections import what_is_missing
from secondop.accounts.roles import COORDINATOR
from secondop.lib.verdicts import YES, Verdict, never, not_now

Status = OpinionRequest.Status
PREPARED_IN = (Status.SUBMITTED, Status.NEEDS_PATIENT, Status.COLLECTING, Status.READY,
               Status.REFERRED, Status.IN_REVIEW)  # fmt: skip
OPEN_FOR_RECORDS = (Status.DRAFT, Status.SUBMITTED, Status.NEEDS_PATIENT, Status.COLLECTING)


def is_patient_of(user: Any, opinion_request: OpinionRequest) -> bool:
    """The patient, or somebody who acts for them today."""
    own = CaseFile.objects.visible_as("patient", user)
    return own.filter(pk=opinion_request.case_file_id).exists()


def _only_patient(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not is_patient_of(user, opinion_request):
        return never(_("Only the patient can do this."))
    return YES


def _only_coordinator(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not user.works_as(COORDINATOR, opinion_request.clinic_id):
        return never(_("Only a coordinator of this clinic can do this."))
    if is_patient_of(user, opinion_request):
        return never(_("Nobody works on their own request."))
    # SECURITY: a live sealed grant wins over every other reason to see the case (blinding.py).
    sealed = AccessGrant.objects.live().filter(to=user, sight=AccessGrant.Sight.SEALED)
    if sealed.filter(case_file=opinion_request.case_file_id).exists():
        return never(_("You review this case sealed, so a colleague must look after it."))
    return YES


def may_coordinate(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """See everything about a request and work on it, as far as its state allows."""
    return _only_coordinator(user, opinion_request)


def may_edit(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Change answers and records: while writing, or when the clinic asked for something."""
    if not (verdict := _only_patient(user, opinion_request)):
        return verdict
    if opinion_request.status not in (Status.DRAFT, Status.NEEDS_PATIENT):
        return not_now(
            _("Your request is with the clinic. Write us a message to change something.")
        )
    return YES


def may_add_records(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Patient or coordinator, until a specialist has been asked."""
    if not _only_patient(user, opinion_request) and not _only_coordinator(user, opinion_request):
        return never(_("You cannot add records to this request."))
    if opinion_request.status not in OPEN_FOR_RECORDS:
        return not_now(
            _("A specialist is already looking at the records. Write us a message to add more.")
        )
    return YES


def may_submit(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := _only_patient(user, opinion_request)):
        return verdict
    if opinion_request.status not in (Status.DRAFT, Status.NEEDS_PATIENT):
        return not_now(_("You have already sent this request. We have it."))
    missing = what_is_missing(opinion_request)
    if missing:
        return not_now(missing[0].sentence)
    return YES


def may_triage(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := _only_coordinator(user, opinion_request)):
        return verdict
    if opinion_request.status != Status.SUBMITTED:
        return not_now(_("This request is not waiting for triage."))
    return YES


def may_ask_patient(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := _only_coordinator(user, opinion_request)):
        return verdict
    if opinion_request.status not in (Status.SUBMITTED, Status.COLLECTING):
        return not_now(_("You can ask the patient during triage and while gathering records."))
    return YES


def may_return(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := _only_coordinator(user, opinion_request)):
        return verdict
    if opinion_request.status not in (Status.SUBMITTED, Status.COLLECTING):
        return not_now(_("Only a request in triage or in collection can be returned."))
    return YES


def may_prepare(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Decide what a sealed reader sees: until the review is over.

    While somebody reviews, what was opened stays opened (`deciding.may_undo`), but more can be
    shown and anything can be withheld from then on.
    """
    if not (verdict := _only_coordinator(user, opinion_request)):
        return verdict
    if opinion_request.status not in PREPARED_IN:
        return not_now(_("The review is over. What the specialist saw is part of the report."))
    return YES


def may_mark_ready(user: Any, opinion_request: OpinionRequest, *, waiver: str = "") -> Verdict:
    if not (verdict := _only_coordinator(user, opinion_request)):
        return verdict
    if opinion_request.status != Status.COLLECTING:
        return not_now(_("Accept the request before you mark its records complete."))
    documents = opinion_request.case_file.documents
    if documents.filter(status="screening").exists():
        return not_now(_("Some files are still being checked. Try again in a minute."))
    readable = documents.available()
    if opinion_request.review_mode == OpinionRequest.ReviewMode.SEALED:
        readable = readable.filter(blinding_class="clear")
    if not readable.exists() and not waiver:
        return not_now(_("No record is cleared for the specialist yet. Clear one, or say why not."))
    gaps = [] if waiver else completeness_of(opinion_request).gaps
    if gaps:
        names = "; ".join(finding.title for finding in gaps)
        sentence = _("Still missing: %(names)s. Get them, or say why you go on without them.")
        return not_now(sentence % {"names": names})
    return first_doctor.may_go_on(opinion_request.case_file)


def may_waive(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Decide what this request does not need, and which checklists it is held to."""
    if not (verdict := _only_coordinator(user, opinion_request)):
        return verdict
    if opinion_request.status not in (Status.SUBMITTED, Status.NEEDS_PATIENT, Status.COLLECTING):
        return not_now(_("The records of this request were called complete."))
    return YES


def may_ask_specialist(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Choose a specialist; whether a certain one may be asked is a rule of `specialists`."""
    if not (verdict := _only_coordinator(user, opinion_request)):
        return verdict
    if opinion_request.status not in (Status.READY, Status.REFERRED):
        return not_now(_("Mark the records complete before you ask a specialist."))
    return YES


def may_withdraw(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := _only_patient(user, opinion_request)):
        return verdict
    if opinion_request.status in OpinionRequest.ENDED:
        return not_now(_("This request has already ended."))
    if opinion_request.status == Status.DELIVERED:
        return not_now(_("Your report is ready, so there is nothing left to stop."))
    return YES


def may_discard(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Throw a request away before it was sent."""
    if not (verdict := _only_patient(user, opinion_request)):
        return verdict
    if opinion_request.status != Status.DRAFT:
        return not_now(_("You have already sent this request. We have it."))
    return YES


def may_reopen(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not _only_patient(user, opinion_request) and not _only_coordinator(user, opinion_request):
        return never(_("You cannot open this request again."))
    if opinion_request.status not in OpinionRequest.ENDED:
        return not_now(_("This request is still open."))
    if opinion_request.submitted_at is None:
        return not_now(_("This request was never sent. Its files are deleted. Begin a new one."))
    return YES


def may_close(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not _only_patient(user, opinion_request) and not _only_coordinator(user, opinion_request):
        return never(_("You cannot close this request."))
    if opinion_request.status != Status.DELIVERED:
        return not_now(_("A request closes after its report was delivered."))
    return YES


def may_write_message(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not _only_patient(user, opinion_request) and not _only_coordinator(user, opinion_request):
        return never(_("You cannot write on this request."))
    if opinion_request.status == Status.DRAFT:
        return not_now(_("Send your request first. Then you can write to the clinic."))
    return YES


def may_ask_follow_up(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := _only_patient(user, opinion_request)):
        return verdict
    report = opinion_request.reports.filter(delivered_at__isnull=False).order_by("-version").first()
    if opinion_request.status != Status.DELIVERED or report is None or not report.delivered_at:
        return not_now(_("You can ask about your report once you have it."))
    days = opinion_request.clinic.follow_up_days
    if (timezone.now() - report.delivered_at).days >= days:
        return not_now(
            _("The time for questions about this report is over. Write us a message instead.")
        )
    return YES
