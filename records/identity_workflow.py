"""Every change of an identity check: compared again, answered by the patient, decided by staff.

Order of locks: the patient, then documents and studies.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from records import identity_checks as checks
from records import imaging_desk_workflow
from records.blinding_search.asking import search_item
from records.facts.asking import read_facts
from records.identity_checks import PROBLEM
from records.models import CaseFile, Document, IdentityCheck, ImagingStudy, Patient
from records.proxies import on_behalf_of
from secondop.accounts.models import User
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.transitions import lock
from secondop.lib.verdicts import YES, Verdict, never, not_now
from secondop.notifications.outbox import tell

Decision = IdentityCheck.Decision


def may_decide(user: Any, check: IdentityCheck) -> Verdict:
    """Only the clinic's coordinators, and only once."""
    own = CaseFile.objects.visible_as("coordinator", user).filter(pk=check.case_file_id)
    if not own.exists():
        return never(_("Only the clinic's coordinators decide this."))
    if CaseFile.objects.visible_as("patient", user).filter(pk=check.case_file_id).exists():
        return never(_("Nobody works on their own request."))
    if check.decision or not check.is_holding:
        return not_now(_("This was decided already."))
    return YES


def may_answer(user: Any, check: IdentityCheck) -> Verdict:
    """The patient's side, while it is open. What they say decides nothing by itself."""
    own = CaseFile.objects.visible_as("patient", user).filter(pk=check.case_file_id)
    if not own.exists():
        return never(_("Only the patient can answer this."))
    if check.decision or not check.is_holding:
        return not_now(_("This was decided already."))
    return YES


def recheck_patient(patient: Patient) -> None:
    """The patient's name, sex or date of birth changed: compare everything again."""
    for case_file in CaseFile.objects.filter(patient=patient).order_by("pk"):
        recheck(case_file)


@transaction.atomic
def recheck(case_file: CaseFile) -> None:
    """Compare every record with the patient as the patient is now. What people decided stays.

    What matches now and waited only for this is let in; what does not any more is held.
    """
    checks.lock_patient(case_file)
    for study in ImagingStudy.objects.filter(case_file=case_file, identity_check=None):
        checks.of_study(study)
    rows = IdentityCheck.objects.filter(case_file=case_file)
    for row in rows.select_related("document", "study").order_by("pk"):
        found = checks.examine(case_file, row.told, row.source)
        if row.decision:
            found = checks.Found(found.verdict, found.score, found.reasons, row.is_holding)
        about: dict[str, Any] = {"document": row.document, "study": row.study}
        checks.write(case_file, row.told, row.source, found, **about)
        if not row.decision:
            _follow(row, is_holding=found.is_holding)


def _follow(row: IdentityCheck, *, is_holding: bool) -> None:
    thing = row.document or row.study
    if thing is None:
        return
    thing = lock(thing)
    if is_holding and thing.status == "available":
        hold(thing)
    elif not is_holding and thing.status == "held" and thing.problem == PROBLEM:
        _let_in(thing, verb="identity.released", by=None)


def hold(thing: Document | ImagingStudy) -> None:
    """Keep a record from every reader until a person has looked. On a row held locked."""
    thing.problem = PROBLEM
    thing.save(update_fields=["problem"])
    thing.move_to("held")
    note("identity.held", by=None, about=thing)


def _let_in(thing: Document | ImagingStudy, *, verb: str, by: Any) -> None:
    thing.problem = ""
    thing.save(update_fields=["problem"])
    thing.move_to("available")
    note(verb, by=by, about=thing)
    if isinstance(thing, Document):
        search_item("document", thing.pk, thing.case_file)
        read_facts(thing)


@transaction.atomic
def answer(check: IdentityCheck, said: str, *, by: Any) -> None:
    """The patient says whether the record is about them; the clinic is told and decides."""
    check = IdentityCheck.objects.select_for_update(of=("self",)).get(pk=check.pk)
    may_answer(by, check).or_raise()
    check.answer, check.answered_by = IdentityCheck.Answer(said), by
    check.answered_at = Now()  # type: ignore[assignment]
    check.save(update_fields=["answer", "answered_by", "answered_at"])
    acting_for = on_behalf_of(by, check.case_file.patient)
    note("identity.answered", by=by, about=check, on_behalf_of=acting_for, said=said)
    people = User.objects.working_as(COORDINATOR, clinic_id=check.clinic_id)
    tell(list(people), "patient_answered", about=check, path=page_of(check.case_file_id))


@transaction.atomic
def decide(check: IdentityCheck, *, belongs: bool, reason: str, by: Any) -> None:
    """A coordinator says whose record it is: it is let in, or it leaves the case file."""
    checks.lock_patient(check.case_file)
    check = IdentityCheck.objects.select_for_update(of=("self",)).get(pk=check.pk)
    may_decide(by, check).or_raise()
    check.decision = Decision.BELONGS if belongs else Decision.NOT_OURS
    check.decided_by, check.decided_at = by, Now()  # type: ignore[assignment]
    check.reason = reason
    # PRIVACY: whom a stranger's record names is not ours to keep.
    check.told = check.told if belongs else []
    check.save(update_fields=["decision", "decided_by", "decided_at", "reason", "told"])
    note("identity.decided", by=by, about=check, decision=str(check.decision))
    _carry_out(check, belongs=belongs, reason=reason, by=by)
    if belongs:
        recheck(check.case_file)  # others of the same name and birth date


def _carry_out(check: IdentityCheck, *, belongs: bool, reason: str, by: Any) -> None:
    if (thing := check.document or check.study) is None:
        return
    thing = lock(thing)
    if belongs and thing.status == "held":
        is_document = isinstance(thing, Document)
        _let_in(thing, verb="document.released" if is_document else "imaging.released", by=by)
    elif not belongs and isinstance(thing, ImagingStudy):
        imaging_desk_workflow.remove(thing, by=by, reason=reason)
    elif not belongs and thing.status != "removed":
        thing.move_to("removed")
        note("document.removed", by=by, about=thing)


def page_of(case_file_id: Any) -> str:
    return reverse("records:right_patient", args=[case_file_id])
