"""May this person name, ask, send to or press a record holder now? Buttons, steps and mails ask."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from records import first_doctor
from records.models import Authorization, CaseFile, RecordRequest
from secondop.lib.verdicts import YES, Verdict, never, not_now

Status = RecordRequest.Status


def may_name_holder(user: Any, case_file: CaseFile) -> Verdict:
    if not CaseFile.objects.visible_as("filler", user).filter(pk=case_file.pk).exists():
        return never(gettext_lazy("You cannot add this here."))
    return YES


def may_ask(user: Any, case_file: CaseFile) -> Verdict:
    if not CaseFile.objects.visible_as("coordinator", user).filter(pk=case_file.pk).exists():
        return never(gettext_lazy("Only the clinic asks for records."))
    if not case_file.is_open_for_records:
        return not_now(gettext_lazy("No records are gathered for this request now."))
    return YES


def may_change(user: Any, record_request: RecordRequest) -> Verdict:
    rows = RecordRequest.objects.visible_as("coordinator", user).filter(pk=record_request.pk)
    return YES if rows.exists() else never(gettext_lazy("Only the clinic does this."))


def may_send(user: Any, record_request: RecordRequest) -> Verdict:
    """SECURITY: a live signature for this very ask; the first doctor's place only by consent."""
    if not (verdict := may_change(user, record_request)):
        return verdict
    if not record_request.case_file.is_open_for_records:
        return not_now(gettext_lazy("No records are gathered for this request now."))
    if record_request.status not in (Status.AUTHORIZED, Status.REFUSED, Status.NOT_HELD):
        return not_now(
            gettext_lazy("The patient has not signed this yet.")
            if record_request.status == Status.DRAFTED
            else gettext_lazy("This was sent already.")
        )
    return may_reach(record_request)


def may_reach(record_request: RecordRequest) -> Verdict:
    """Whether anything at all may go to this holder now. Asked again by every mail that leaves."""
    signed = Authorization.objects.live().filter(record_request=record_request).first()
    if signed is None:
        return not_now(gettext_lazy("There is no permission that holds today."))
    if first_doctor.needs_consent(record_request.holder) and not signed.tells_first_doctor:
        return not_now(
            gettext_lazy(
                "This is the first doctor's place, and the patient does not want it to know."
                " Ask the patient first."
            )
        )
    return YES
