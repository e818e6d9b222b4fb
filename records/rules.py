"""May this person add, describe or remove records now? Asked by buttons, workflow and APIs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from records.models import CaseFile, Document
from secondop.lib.verdicts import YES, Verdict, never, not_now

Status = Document.Status


def _fills(user: Any, case_file: CaseFile) -> bool:
    """The patient, whoever acts for them today, or a coordinator of the clinic."""
    return CaseFile.objects.visible_as("filler", user).filter(pk=case_file.pk).exists()


def may_add_records(user: Any, case_file: CaseFile) -> Verdict:
    if not _fills(user, case_file):
        return never(_("You cannot add records to this case file."))
    return are_records_open(case_file)


def are_records_open(case_file: CaseFile) -> Verdict:
    """Whether this is a time to add records, for who is known to fill the case file."""
    if not case_file.is_open_for_records:
        return not_now(
            _("A specialist is already looking at the records. Write us a message to add more.")
        )
    return YES


def may_describe(user: Any, document: Document) -> Verdict:
    """Say what a document is."""
    if not (verdict := may_add_records(user, document.case_file)):
        return verdict
    if document.status in (Status.REJECTED, Status.REMOVED):
        return not_now(_("This file is not used, so it needs no description."))
    return YES


def may_remove(user: Any, document: Document) -> Verdict:
    """Whoever fills the case file, while it is being filled; a set-aside file stays for staff."""
    if not (verdict := may_add_records(user, document.case_file)):
        return verdict
    if document.status == Status.REMOVED:
        return not_now(_("This file was already removed."))
    if document.copies.exists():
        return not_now(_("The clinic has made a copy of this file for the review. Ask us first."))
    return YES
