"""Every step of asking a record holder: name one, ask, send, wait, remind, end.

Each step: ask the rule, move, write the ledger, note, tell. What the record holder does at the
door is in `door.py`, the reminders of the calendar in `chasing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from records import arrivals, authorizations, first_doctor, holder_links
from records.holder_mails import queue_mail
from records.legal_clocks import basis_for, clock_of
from records.models import (
    CaseFile,
    HolderLetter,
    HolderLink,
    OriginalDiagnosis,
    RecordHolder,
    RecordRequest,
    RecordRequestEvent,
    RecordRequestItem,
)
from records.proxies import on_behalf_of
from records.record_request_rules import may_ask, may_change, may_name_holder, may_reach, may_send
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.jobs.ring import ring
from secondop.lib.transitions import lock, transition
from secondop.lib.verdicts import not_now

Status = RecordRequest.Status
Kind = RecordRequestEvent.Kind
SIGN_WITHIN = timedelta(days=7)
SEND_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Item:
    """One thing to ask for, before it is a row. `gap`: id of the checklist item it closes."""

    kind: str
    what: str
    form: str = "reports"
    from_on: date | None = None
    until_on: date | None = None
    gap: str = ""


# --- naming and asking -------------------------------------------------------------------------
def suggested_holder(case_file: CaseFile) -> dict[str, Any]:
    """Where the original diagnosis was made, as the patient told it: to begin a form with."""
    told = OriginalDiagnosis.objects.filter(case_file=case_file).first()
    named = bool(told and (told.hospital_name or told.doctor_name))
    known = case_file.record_holders.filter(is_first_doctor=True).exists()
    country = case_file.patient.country or case_file.clinic.country
    if told is None or not named or known:
        return {"country": country}
    return {
        "name": told.hospital_name or told.doctor_name,
        "contact_name": told.doctor_name if told.hospital_name else "",
        "kind": "hospital" if told.hospital_name else "practice",
        "country": country,
        "is_first_doctor": True,
    }


@transaction.atomic
def name_holder(case_file: CaseFile, *, by: Any, **fields: Any) -> RecordHolder:
    may_name_holder(by, case_file).or_raise()
    holder = RecordHolder(clinic_id=case_file.clinic_id, case_file=case_file, added_by=by, **fields)
    holder.is_first_doctor = first_doctor.is_first_doctors(holder)
    holder.save(force_insert=True)
    acting_for = on_behalf_of(by, case_file.patient)
    note("record_holder.added", by=by, about=holder, on_behalf_of=acting_for)
    return holder


@transaction.atomic
def ask(
    holder: RecordHolder, items: Iterable[Item], *, wants_context: bool = False, by: Any
) -> RecordRequest:
    """Draft an ask for these items and put its permission before the patient to sign.

    The completeness page calls this with the gaps it found; so does the form.
    """
    case_file = holder.case_file
    may_ask(by, case_file).or_raise()
    wanted = list(items)
    if not wanted:
        not_now(_("Say what you ask for.")).or_raise()
    record_request = RecordRequest.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        holder=holder,
        basis=basis_for(holder.country),
        created_by=by,
        due_at=timezone.now() + SIGN_WITHIN,
        wants_context=wants_context,
    )
    RecordRequestItem.objects.bulk_create(
        RecordRequestItem(
            clinic_id=case_file.clinic_id,
            case_file=case_file,
            record_request=record_request,
            position=number,
            **vars(item),
        )
        for number, item in enumerate(wanted, start=1)
    )
    arrivals.write(record_request, Kind.MOVED, new=str(Status.DRAFTED), by=by)
    note("record_request.drafted", by=by, about=record_request, role=COORDINATOR)
    authorizations.offer(record_request)
    return record_request


@transition
def send(record_request: RecordRequest, *, channel: str, by: Any) -> None:
    """Ask now: the link lives from here on, and the legal clock runs."""
    may_send(by, record_request).or_raise()
    holder = record_request.holder
    if channel == RecordRequest.Channel.EMAIL and not holder.email:
        not_now(_("There is no e-mail address of this record holder.")).or_raise()
    now = timezone.now()
    clock = clock_of(holder.country, record_request.basis)
    record_request.channel, record_request.sent_at = channel, now
    record_request.due_at = clock.term.after(now, record_request.clinic.time_zone)
    record_request.is_extended, record_request.promised_on = False, None
    record_request.save(
        update_fields=["channel", "sent_at", "due_at", "is_extended", "promised_on"]
    )
    arrivals.move(record_request, Status.SENT, by=by, day=record_request.due_at.date())
    holder_links.open_link(record_request)
    note("record_request.sent", by=by, about=record_request, role=COORDINATOR, channel=channel)
    write_letter(record_request, HolderLetter.Kind.AUTHORIZATION)
    write_letter(record_request, HolderLetter.Kind.ASK)
    if channel == RecordRequest.Channel.EMAIL:
        queue_mail(record_request, "asked", once=f"asked:{now.isoformat()}")


def write_letter(record_request: RecordRequest, kind: str) -> HolderLetter:
    """Queue the PDF of a letter, in the caller's transaction."""
    letter = HolderLetter.objects.create(
        clinic_id=record_request.clinic_id,
        case_file_id=record_request.case_file_id,
        record_request=record_request,
        kind=kind,
        written_on=timezone.localdate(),
    )
    ring(letter)
    return letter


# --- while it is open --------------------------------------------------------------------------
def _must_wait(by: Any, record_request: RecordRequest) -> None:
    may_change(by, record_request).or_raise()
    if not record_request.is_waiting:
        not_now(_("This is not open at the moment.")).or_raise()


@transition
def extend(record_request: RecordRequest, *, reason: str, by: Any) -> None:
    """The record holder said in writing that it needs the one extension the law gives."""
    _must_wait(by, record_request)
    prolong(record_request, text=reason, by=by)


def prolong(record_request: RecordRequest, **ledger: Any) -> None:
    """Move the term by the extension, once. On a row that is held locked."""
    clock = clock_of(record_request.holder.country, record_request.basis)
    if clock.extension is None:
        not_now(_("The law there names no extension. Write down the day they named.")).or_raise()
    elif record_request.is_extended:
        not_now(_("The term was extended once already. The law gives no second time.")).or_raise()
    else:
        zone = record_request.clinic.time_zone
        record_request.due_at = clock.extension.after(record_request.due_at, zone)
        record_request.is_extended = True
        record_request.save(update_fields=["due_at", "is_extended"])
        day = record_request.due_at.date()
        arrivals.write(record_request, Kind.EXTENDED, day=day, **ledger)
        note("record_request.extended", by=ledger.get("by"), about=record_request)


@transition
def promise(record_request: RecordRequest, *, day: date, text: str = "", by: Any) -> None:
    """They named a day on the telephone. The legal term stays what it is."""
    _must_wait(by, record_request)
    promised(record_request, day=day, text=text, by=by)


def promised(record_request: RecordRequest, *, day: date, **ledger: Any) -> None:
    record_request.promised_on = day
    record_request.save(update_fields=["promised_on"])
    if record_request.status == Status.PROMISED:
        arrivals.write(record_request, Kind.PROMISED, day=day, **ledger)
    else:
        arrivals.move(record_request, Status.PROMISED, day=day, **ledger)


@transition
def write_down(record_request: RecordRequest, *, text: str, by: Any) -> None:
    """A line of the clinic's own in the ledger: a call, a letter that came."""
    may_change(by, record_request).or_raise()
    arrivals.write(record_request, Kind.NOTED, text=text, by=by)


@transition
def remind(record_request: RecordRequest, *, by: Any) -> None:
    """Write to them once more now, besides the steps of the calendar."""
    _must_wait(by, record_request)
    may_reach(record_request).or_raise()
    arrivals.write(record_request, Kind.NOTED, by=by, new="reminded")
    write_letter(record_request, HolderLetter.Kind.REMINDER)
    if record_request.channel == RecordRequest.Channel.EMAIL:
        queue_mail(record_request, "reminder", once=f"by hand:{timezone.now().isoformat()}")


@transition
def escalate(record_request: RecordRequest, *, kind: str, by: Any) -> None:
    """Have the letter written that names the term and the office, or the complaint itself."""
    may_change(by, record_request).or_raise()
    if record_request.sent_at is None:
        not_now(_("Nothing was asked yet.")).or_raise()
    if not record_request.is_waiting and record_request.status != Status.REFUSED:
        not_now(_("There is nothing to press for.")).or_raise()
    may_reach(record_request).or_raise()
    write_letter(record_request, kind)
    arrivals.write(record_request, Kind.NOTED, by=by, new=kind)
    note("record_request.escalated", by=by, about=record_request, role=COORDINATOR, letter=kind)


# --- how it ends -------------------------------------------------------------------------------
ENDINGS = (Status.PARTLY_RECEIVED, Status.RECEIVED, Status.REFUSED, Status.NOT_HELD)


@transition
def resolve(record_request: RecordRequest, *, outcome: str, text: str = "", by: Any) -> None:
    """What came of it, as the clinic sees it: a part, all, a refusal, or "we do not have it"."""
    may_change(by, record_request).or_raise()
    if outcome not in ENDINGS:
        not_now(_("Choose what came of it.")).or_raise()
    if outcome == Status.REFUSED and not text.strip():
        not_now(_("Write down the reason they gave.")).or_raise()
    arrivals.move(record_request, outcome, by=by, text=text)
    note("record_request.resolved", by=by, about=record_request, role=COORDINATOR, outcome=outcome)


@transition
def stop(record_request: RecordRequest, *, text: str = "", by: Any) -> None:
    """The clinic no longer needs it. The door shuts; the signature ends with it."""
    may_change(by, record_request).or_raise()
    now = timezone.now()
    HolderLink.objects.filter(record_request=record_request, revoked_at=None).update(revoked_at=now)
    arrivals.move(record_request, Status.STOPPED, by=by, text=text)
    unsigned = record_request.authorizations.filter(signed_at=None, revoked_at=None)
    unsigned.update(revoked_at=now, revoked_by=by)
    note("record_request.stopped", by=by, about=record_request, role=COORDINATOR)


def end_all(case_file: CaseFile, *, by: Any) -> int:
    """The patient stopped the request: nothing is asked of anybody any more. Returns how many.

    In the caller's transaction. The links are not revoked: they open nothing any more, since the
    ask is stopped, and the shut door says that it is no longer needed.
    """
    acting_for = on_behalf_of(by, case_file.patient)
    ended = 0
    for row in RecordRequest.objects.filter(case_file=case_file).order_by("pk"):
        record_request = lock(row)
        if record_request.has_ended:
            continue
        arrivals.move(record_request, Status.STOPPED, by=by)
        record_request.authorizations.filter(signed_at=None, revoked_at=None).update(
            revoked_at=timezone.now(), revoked_by=by
        )
        note("record_request.stopped", by=by, about=record_request, on_behalf_of=acting_for)
        ended += 1
    return ended


@transition
def renew_link(record_request: RecordRequest, *, by: Any) -> None:
    """The old link stops working at once (it went to the wrong desk); a new letter has the new."""
    _must_wait(by, record_request)
    may_reach(record_request).or_raise()
    holder_links.open_link(record_request)
    write_letter(record_request, HolderLetter.Kind.ASK)
    note("holder_link.renewed", by=by, about=record_request, role=COORDINATOR)
    if record_request.channel == RecordRequest.Channel.EMAIL:
        queue_mail(record_request, "asked", once=f"asked:{timezone.now().isoformat()}")
