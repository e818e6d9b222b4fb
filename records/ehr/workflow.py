"""Every change of an EHR and of a pull that a person makes, and who may."""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records import arrivals, first_doctor
from records.ehr import smart
from records.ehr.tidying import forget
from records.models import CaseFile, Ehr, EhrPull, RecordRequest
from records.proxies import on_behalf_of
from records.transfers.secrets import seal, unseal
from secondop.accounts.models import Clinic
from secondop.audit.trail import note
from secondop.jobs.ring import ring
from secondop.lib.verdicts import YES, Verdict, never, not_now

Status, Step = EhrPull.Status, EhrPull.Step
OPEN = (Status.QUEUED, Status.RUNNING, Status.FAILED)
AT_ONCE = 3
SESSION = "ehr_sign_in"  # state -> pull: only the browser that began may come back
REMEMBERED = 5


# --- rules -----------------------------------------------------------------------------------
def may_manage(user: Any, clinic_id: Any) -> Verdict:
    if clinic_id not in user.clinics_as("administrator"):
        return never(_("Only administrators set up other systems."))
    return YES


def acts_as(user: Any, case_file_id: Any) -> str:
    """ "patient", "coordinator" or "": a patient's own way goes before the clinic's."""
    for kind in ("patient", "coordinator"):
        if CaseFile.objects.visible_as(kind, user).filter(pk=case_file_id).exists():
            return kind
    return ""


def may_begin(user: Any, case_file: CaseFile, ehr: Ehr | None = None) -> Verdict:
    """The patient signs in at a hospital; the clinic uses the tokens that it was given."""
    kind = acts_as(user, case_file.pk)
    if not kind:
        return never(_("You cannot add records to this case file."))
    if not case_file.is_open_for_records:
        return not_now(
            _("A specialist is already looking at the records. Write us a message to add more.")
        )
    if ehr is not None and (ehr.way == Ehr.Way.SMART) != (kind == "patient"):
        return never(_("At this hospital the patient signs in, and nobody else."))
    if case_file.ehr_pulls.filter(status__in=OPEN).count() >= AT_ONCE:
        return not_now(_("Records are being copied right now. Wait until that is over."))
    return YES


def may_cancel(user: Any, pull: EhrPull) -> Verdict:
    if not acts_as(user, pull.case_file_id):
        return never(_("You cannot stop this."))
    if pull.status not in OPEN and not pull.awaits_answer:
        return not_now(_("This is over already."))
    return YES


def may_go_on(user: Any, pull: EhrPull) -> Verdict:
    """Sign in again, or try again: whoever could begin it."""
    if pull.is_complete or pull.status in (Status.QUEUED, Status.RUNNING):
        return not_now(_("This is under way, or over."))
    return may_begin(user, pull.case_file, pull.ehr)


# --- systems ---------------------------------------------------------------------------------
@transaction.atomic
def add(clinic: Clinic, told: dict[str, Any], *, by: Any) -> Ehr:
    """`told`: fields of Ehr, and token or client_secret, which are sealed."""
    may_manage(by, clinic.pk).or_raise()
    told = dict(told)
    secret = {key: told.pop(key, "") for key in ("token", "client_secret")}
    sealed = seal(json.dumps(secret)) if any(secret.values()) else ""
    ehr = Ehr.objects.create(clinic=clinic, added_by=by, secret=sealed, **told)
    note("ehr.added", by=by, about=ehr, way=ehr.way, is_inside=ehr.is_inside)
    return ehr


@transaction.atomic
def retire(ehr: Ehr, *, by: Any) -> None:
    may_manage(by, ehr.clinic_id).or_raise()
    if Ehr.objects.in_use().filter(pk=ehr.pk).update(retired_at=Now(), secret=""):
        note("ehr.retired", by=by, about=ehr)


# --- pulls -----------------------------------------------------------------------------------
@transaction.atomic
def begin(
    case_file: CaseFile, ehr: Ehr, *, by: Any, query: dict[str, str] | None = None,
    record_request: RecordRequest | None = None,
) -> EhrPull:  # fmt: skip
    """Look first: where to sign in, or who is known there. Nothing is copied by this."""
    may_begin(by, case_file, ehr).or_raise()
    if ehr.retired_at or ehr.clinic_id != case_file.clinic_id:
        never(_("This system is no longer in use here.")).or_raise()
    if record_request and not arrivals.is_open(record_request.pk):
        not_now(_("The patient's permission for this request does not stand.")).or_raise()
    if ehr.way == Ehr.Way.TOKEN:
        first_doctor.may_use_system(case_file, ehr.title, record_request).or_raise()
    pull = EhrPull.objects.create(
        clinic_id=case_file.clinic_id, case_file=case_file, ehr=ehr, by=by, query=query or {},
        record_request=record_request, sealed=_new_verifier(ehr),
    )  # fmt: skip
    _note("ehr.begun", pull, by, way=ehr.way)
    ring(pull)
    return pull


def _new_verifier(ehr: Ehr) -> str:
    return seal(json.dumps({"verifier": smart.new_verifier()})) if ehr.way == "smart" else ""


def _note(verb: str, pull: EhrPull, by: Any, **more: Any) -> None:
    acting_for = on_behalf_of(by, pull.case_file.patient)
    note(verb, by=by, about=pull, on_behalf_of=acting_for, **more)


def remember(session: Any, pull: EhrPull) -> None:
    """SECURITY: the state is known to this browser's session alone, and good for one return."""
    states = {s: pk for s, pk in session.get(SESSION, {}).items() if pk != str(pull.pk)}
    kept = dict(list(states.items())[-REMEMBERED + 1 :])
    session[SESSION] = kept | {secrets.token_urlsafe(32): str(pull.pk)}


def sign_in_link(session: Any, pull: EhrPull) -> str:
    """Where the patient goes; "" when another browser began it or it waits for something else."""
    known = session.get(SESSION, {}).items()
    state = next((s for s, pk in known if pk == str(pull.pk)), "")
    if not state or not pull.awaits_answer or not pull.told.get("authorize"):
        return ""
    verifier = json.loads(unseal(pull.sealed)).get("verifier", "") if pull.sealed else ""
    if not verifier:
        return ""
    return smart.sign_in_address(pull.ehr, pull.told, state=state, verifier=verifier)


def returned(session: Any, state: str) -> str:
    """The pull that this state belongs to, once; "" for a state of somebody else."""
    states = dict(session.get(SESSION, {}))
    pk = str(states.pop(state, "")) if state else ""
    if pk:
        session[SESSION] = states
    return pk


@transaction.atomic
def signed_in(pull: EhrPull, *, code: str, issuer: str = "", by: Any) -> None:
    """The patient came back with a code. A worker exchanges it: nothing is asked from here."""
    pull = _locked(pull)
    may_begin(by, pull.case_file, pull.ehr).or_raise()
    if not pull.awaits_answer or not pull.sealed or by.pk != pull.by_id:
        not_now(_("This sign-in is over. Please start again.")).or_raise()
    expected = pull.told.get("issuer", "")
    if issuer and expected and issuer != expected:  # RFC 9207: another server's answer
        not_now(_("This sign-in is over. Please start again.")).or_raise()
    told = json.loads(unseal(pull.sealed)) | {"code": code}
    EhrPull.objects.filter(pk=pull.pk).update(sealed=seal(json.dumps(told)), step=Step.COPY)
    _note("ehr.signed_in", pull, by)
    _queue(pull)


@transaction.atomic
def declined(pull: EhrPull, *, error: str, by: Any) -> None:
    """The hospital sent the patient back without a code."""
    pull = _locked(pull)
    if not pull.awaits_answer or by.pk != pull.by_id:
        return
    said_no = error == "access_denied"
    _end(pull, "ehr_declined" if said_no else "ehr_sign_in_failed")
    if said_no:
        _note("ehr.declined", pull, by)


@transaction.atomic
def choose(pull: EhrPull, number: str, *, by: Any) -> None:
    """Copy the records of this one of the people who were found."""
    pull = _locked(pull)
    may_begin(by, pull.case_file, pull.ehr).or_raise()
    if not pull.awaits_answer:
        not_now(_("Wait until the search is over.")).or_raise()
    if number not in {one["id"] for one in pull.told.get("people", [])}:
        not_now(_("Choose one of the people who were found.")).or_raise()
    EhrPull.objects.filter(pk=pull.pk).update(patient_there=number, step=Step.COPY)
    _note("ehr.chosen", pull, by)
    _queue(pull)


@transaction.atomic
def cancel(pull: EhrPull, *, by: Any) -> None:
    """A waiting one is over at once, a running one before its next question."""
    pull = _locked(pull)
    may_cancel(by, pull).or_raise()
    EhrPull.objects.filter(pk=pull.pk).update(cancelled_at=Now())
    if pull.status != Status.RUNNING:
        _end(pull, "ehr_cancelled")
    _note("ehr.cancelled", pull, by)


@transaction.atomic
def go_on(pull: EhrPull, *, by: Any) -> EhrPull:
    """Try again, or look once more where to sign in. What is here of it is not asked for again."""
    pull = _locked(pull)
    may_go_on(by, pull).or_raise()
    if pull.record_request_id and not arrivals.is_open(pull.record_request_id):
        not_now(_("The patient's permission for this request does not stand.")).or_raise()
    has_token = bool(pull.sealed) and "access" in json.loads(unseal(pull.sealed))
    is_smart = pull.ehr.way == Ehr.Way.SMART
    if is_smart and not has_token:
        EhrPull.objects.filter(pk=pull.pk).update(
            step=Step.LOOK, by=by, sealed=_new_verifier(pull.ehr), told={}
        )
    elif not is_smart and not pull.patient_there:
        not_now(_("Please start a new search.")).or_raise()
    note("job.retried", by=by, about=pull, attempts=pull.attempts)
    _queue(pull)
    pull.refresh_from_db()
    return pull


def _locked(pull: EhrPull) -> EhrPull:
    rows = EhrPull.objects.select_for_update(of=("self",))
    row: EhrPull = rows.select_related("ehr", "case_file__patient").get(pk=pull.pk)
    return row


def _queue(pull: EhrPull) -> None:
    EhrPull.objects.filter(pk=pull.pk).update(
        status=Status.QUEUED, run_after=Now(), finished_at=None, leased_until=None,
        cancelled_at=None, last_error="",
    )  # fmt: skip
    ring(pull)


def _end(pull: EhrPull, why: str) -> None:
    EhrPull.objects.filter(pk=pull.pk).update(
        status=Status.DEAD, last_error=why, finished_at=Now(), leased_until=None
    )
    pull.refresh_from_db()
    forget(pull, pages=True)
