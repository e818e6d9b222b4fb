"""The letter that tells the first doctor: asked for after delivery, made by a worker, sent by hand.

SECURITY: the patient's choice is read again each time: when a letter is asked for, when it is
made, when it is opened and when somebody says that it went out. "Not told" ends each of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from records.authorizations import language_of
from records.first_doctor import Choice, choice_of
from records.models import CaseFile, FirstDoctorLetter, OriginalDiagnosis
from records.paper import pdf_of
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.jobs.models import TemporaryFailure
from secondop.jobs.ring import ring
from secondop.lib.storage import new_key
from secondop.lib.verdicts import YES, Verdict, never, not_now

TELLING = frozenset({Choice.TOLD_AFTER, Choice.TAKES_PART})
OPEN = ("queued", "running", "failed")


@dataclass(frozen=True)
class Addressee:
    name: str
    contact_name: str
    address: str
    fax: str
    language: str


def addressee_of(case_file: CaseFile) -> Addressee | None:
    """The first doctor's place as the clinic keeps it, else as the patient told it."""
    holders = case_file.record_holders.filter(is_first_doctor=True)
    if holder := holders.order_by("-created_at").first():
        return Addressee(
            holder.name, holder.contact_name, holder.address, holder.fax, holder.language
        )
    told = OriginalDiagnosis.objects.filter(case_file=case_file).first()
    if told is None or not (told.doctor_name or told.hospital_name):
        return None
    name = told.hospital_name or told.doctor_name
    contact = told.doctor_name if told.hospital_name else ""
    return Addressee(name, contact, "", "", language_of(case_file.patient))


# --- rules -----------------------------------------------------------------------------------
def may_tell(case_file: CaseFile) -> Verdict:
    """Whether the first doctor may be told at all. Asked anew at every step."""
    if choice_of(case_file) not in TELLING:
        return not_now(_("The patient does not want the first doctor to be told."))
    return YES


def may_open(letter: FirstDoctorLetter) -> Verdict:
    if not (verdict := may_tell(letter.case_file)):
        return verdict
    return YES if letter.key else not_now(_("The letter is not made yet."))


def may_say_sent(user: Any, letter: FirstDoctorLetter) -> Verdict:
    if not (verdict := _only_clinic(user, letter.case_file)):
        return verdict
    if letter.sent_at:
        return not_now(_("It was sent already."))
    return may_open(letter)


def may_write_again(user: Any, case_file: CaseFile) -> Verdict:
    """Only after the first one: that comes by itself once the report is delivered."""
    if not (verdict := _only_clinic(user, case_file)):
        return verdict
    newest = newest_of(case_file)
    if newest is None:
        return not_now(_("The letter is written once the report is delivered."))
    if newest.status in OPEN:
        return not_now(_("The letter is being written. Try again in a minute."))
    return may_tell(case_file)


def _only_clinic(user: Any, case_file: CaseFile) -> Verdict:
    if not CaseFile.objects.visible_as("coordinator", user).filter(pk=case_file.pk).exists():
        return never(_("Only the clinic does this."))
    return YES


# --- steps -----------------------------------------------------------------------------------
def _locked(case_file: CaseFile) -> CaseFile:
    """What the patient decides waits for us, or we for them (`first_doctor.choose`)."""
    return CaseFile.objects.select_for_update().get(pk=case_file.pk)


def newest_of(case_file: CaseFile) -> FirstDoctorLetter | None:
    letter: FirstDoctorLetter | None = case_file.first_doctor_letters.order_by("-number").first()
    return letter


def shown(case_file: CaseFile) -> dict[str, Any]:
    """The newest letter and what may be done with it, for the pages of patient and clinic."""
    newest = newest_of(case_file)
    if newest is None:
        return {}
    newest.case_file = case_file
    return {
        "row": newest,
        "is_being_made": newest.status in OPEN,
        "is_stuck": newest.status == "dead",
        "may_tell": may_tell(case_file),
        "may_open": may_open(newest),
        "to": addressee_of(case_file),
    }


@transaction.atomic
def write_after_delivery(case_file: CaseFile, *, delivered_on: date) -> FirstDoctorLetter | None:
    """Queue the letter if it is wanted, once. The requests app asks for it after delivery.

    A letter that was given up because the patient had changed their mind, or because nobody
    knew to whom it goes, is queued anew when that is different.
    """
    case_file = _locked(case_file)
    newest = newest_of(case_file)
    if newest and (newest.key or newest.status != "done"):
        return None
    if not may_tell(case_file) or addressee_of(case_file) is None:
        return None
    return _queue(case_file, delivered_on=delivered_on)


@transaction.atomic
def write_again(case_file: CaseFile, *, by: Any) -> FirstDoctorLetter:
    """The name or the address was wrong: a new letter, the old one is no longer shown."""
    case_file = _locked(case_file)
    may_write_again(by, case_file).or_raise()
    note("first_doctor.letter_again", by=by, about=case_file, role=COORDINATOR)
    before = case_file.first_doctor_letters.latest("number")
    return _queue(case_file, delivered_on=before.delivered_on)


def _queue(case_file: CaseFile, *, delivered_on: date) -> FirstDoctorLetter:
    last = case_file.first_doctor_letters.aggregate(last=Max("number"))["last"] or 0
    zone = ZoneInfo(case_file.clinic.time_zone)
    letter = FirstDoctorLetter.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        number=last + 1,
        delivered_on=delivered_on,
        written_on=timezone.localdate(timezone=zone),
    )
    ring(letter)
    return letter


@transaction.atomic
def say_sent(letter: FirstDoctorLetter, *, by: Any) -> None:
    """A person has posted, faxed or handed it over."""
    _locked(letter.case_file)
    may_say_sent(by, letter).or_raise()
    FirstDoctorLetter.objects.filter(pk=letter.pk).update(sent_at=Now(), sent_by=by)
    note("first_doctor.letter_sent", by=by, about=letter, role=COORDINATOR)


# --- making it, in a worker ------------------------------------------------------------------
def write(letter: FirstDoctorLetter) -> None:
    """Make and store the PDF, if the patient still wants it. The claim is the caller's."""
    case_file = CaseFile.objects.select_related("clinic", "patient").get(pk=letter.case_file_id)
    if letter.key or not may_tell(case_file) or addressee_of(case_file) is None:
        return
    try:
        pdf = pdf_of(html_of(letter))
    except OSError as exc:  # Pango is not installed (yet)
        raise TemporaryFailure("no PDF library") from exc
    key = default_storage.save(new_key("letters"), ContentFile(pdf))
    kept = False
    try:
        with letter.closing():
            _locked(case_file)  # the patient's next word waits until this one is written
            if may_tell(case_file):
                digest = hashlib.sha256(pdf).hexdigest()
                FirstDoctorLetter.objects.filter(pk=letter.pk).update(
                    key=key, sha256=digest, size_bytes=len(pdf)
                )
                note("first_doctor.letter_made", by=None, about=letter)
                kept = True
    finally:
        if not kept:
            default_storage.delete(key)


def html_of(letter: FirstDoctorLetter) -> str:
    """One page in the language of the place. It tells that there is a report, not what it says."""
    case_file = CaseFile.objects.select_related("clinic", "patient").get(pk=letter.case_file_id)
    to = addressee_of(case_file)
    zone = ZoneInfo(case_file.clinic.time_zone)
    with override(to.language if to else "en"), timezone.override(zone):
        context = {
            "letter": letter,
            "holder": to,
            "clinic": case_file.clinic,
            "patient": case_file.patient,
            "takes_part": choice_of(case_file) == Choice.TAKES_PART,
        }
        return render_to_string("records/letters/first_doctor.html", context)
