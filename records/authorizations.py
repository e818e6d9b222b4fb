"""The patient's permission: its text, signing it in the browser, taking it back.

The text is made once, when it is offered, in the patient's language; what is signed is its hash.
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from records import arrivals
from records.first_doctor import needs_consent
from records.models import Authorization, CaseFile, HolderLink, Patient, RecordRequest
from records.proxies import acting_for, on_behalf_of
from secondop.audit.trail import note
from secondop.lib.transitions import lock
from secondop.lib.verdicts import YES, Refused, Verdict, never, not_now
from secondop.notifications.outbox import tell

VERSION = "2026-1"  # of the wording below; a change of the words is a new version
LASTS = timedelta(days=180)
Status = RecordRequest.Status
Basis = RecordRequest.Basis


def people_of(patient: Patient) -> list[Any]:
    """The patient's account, if there is one, and everybody who acts for them today."""
    people = [proxy.user for proxy in patient.proxies.live().select_related("user")]
    return [*people, patient.user] if patient.user else people


def language_of(patient: Patient) -> str:
    people = people_of(patient)
    return str(people[-1].language) if people else "en"


def item_lines(record_request: RecordRequest) -> list[str]:
    """What is asked for, a line each, in the language that is active."""
    return [item_in_words(item) for item in record_request.items.all()]


def item_in_words(item: Any) -> str:
    words = f"{item.get_kind_display()}: {item.what}"
    if item.kind in ("imaging", "pathology"):
        words += f" ({item.get_form_display()})"
    if item.from_on and item.until_on:
        return words + _(", from %(from)s to %(until)s") % {
            "from": _day(item.from_on), "until": _day(item.until_on),
        }  # fmt: skip
    if item.from_on:
        return words + _(", since %(from)s") % {"from": _day(item.from_on)}
    if item.until_on:
        return words + _(", until %(until)s") % {"until": _day(item.until_on)}
    return words


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def offer(record_request: RecordRequest) -> Authorization:
    """Write the text for a drafted ask and tell the patient that it waits. In a transaction."""
    patient = record_request.case_file.patient
    language = language_of(patient)
    with override(language):
        parts = _parts(record_request)
        text = _whole(record_request, parts)
    authorization = Authorization.objects.create(
        clinic_id=record_request.clinic_id,
        case_file_id=record_request.case_file_id,
        record_request=record_request,
        basis=record_request.basis,
        language=language,
        text_version=VERSION,
        text=text,
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        **parts,
    )
    path = reverse("holders:authorization", args=[authorization.pk])
    tell(people_of(patient), "authorization_needed", about=record_request, path=path)
    return authorization


def _parts(record_request: RecordRequest) -> dict[str, Any]:
    """The core elements, 45 CFR 164.508(c)(1)(i)-(v)."""
    holder, clinic = record_request.holder, record_request.clinic
    who = ", ".join(filter(None, [holder.name, holder.contact_name, _one_line(holder.address)]))
    whom = ", ".join(filter(None, [clinic.name, clinic.phone, clinic.email]))
    return {
        "who_discloses": who[:400],
        "to_whom": whom[:400],
        "what": "\n".join(item_lines(record_request))[:4000],
        # "At the request of the individual" is enough when the patient begins: (c)(1)(iv).
        "purpose": _("At my own request."),
        "expires_on": timezone.localdate() + LASTS,
    }


def _one_line(text: str) -> str:
    return ", ".join(line.strip() for line in text.splitlines() if line.strip())


def _whole(record_request: RecordRequest, parts: dict[str, Any]) -> str:
    is_access = record_request.basis == Basis.ACCESS
    sections = _access_letter(parts) if is_access else _authorization(parts)
    patient = record_request.case_file.patient
    title = _("I ask for a copy of my records") if is_access else _("I allow this: my records")
    about = _("About: %(name)s") % {"name": patient.full_name}
    if patient.born_on:
        about += ", " + _("born on %(day)s") % {"day": _day(patient.born_on)}
    lines = [title, about, _("Number: %(number)s") % {"number": record_request.reference}]
    return "\n\n".join([*lines, *(f"{head}\n{body}" for head, body in sections)])


def _authorization(parts: dict[str, Any]) -> list[tuple[str, str]]:
    until = _day(parts["expires_on"])
    return [
        (_("Who may give my records"), parts["who_discloses"]),
        (_("Who gets them"), parts["to_whom"]),
        (_("Which records"), parts["what"]),
        (_("Why"), parts["purpose"]),
        (
            _("Until when"),
            _("This permission ends on %(day)s, or sooner if I take it back.") % {"day": until},
        ),
        (
            _("I can take it back"),
            _(
                "I can take this back at any time: on the page where I signed it, or in writing"
                " to the clinic named above. What was sent before that stays sent."
            ),
        ),
        (
            _("It is my free choice"),
            _(
                "Nobody may make my treatment, its payment, or my insurance depend on whether I"
                " sign."
            ),
        ),
        (
            _("After the records are sent"),
            _(
                "Who gets the records may pass them on if the law lets them. The federal privacy"
                " rule (HIPAA) may then no longer protect them."
            ),
        ),
        (_("My copy"), _("I can read and print what I signed at any time.")),
    ]


def _access_letter(parts: dict[str, Any]) -> list[tuple[str, str]]:
    until = _day(parts["expires_on"])
    return [
        (_("To"), parts["who_discloses"]),
        (
            _("What I ask for"),
            _(
                "I ask for a copy of these records about me, under the law that gives me a right"
                " to it. In the European Union and the United Kingdom this is Article 15 of the"
                " General Data Protection Regulation (GDPR); the first copy is free."
            ),
        ),
        (_("Which records"), parts["what"]),
        (_("In which form"), _("In electronic form. Images as DICOM files, not as printouts.")),
        (
            _("Where to send them"),
            _("Please send the copy straight to: %(whom)s. I let them receive it for me.")
            % {"whom": parts["to_whom"]},
        ),
        (_("Why"), parts["purpose"]),
        (
            _("Until when"),
            _("This letter holds until %(day)s, or until I take it back.") % {"day": until},
        ),
        (
            _("I can take it back"),
            _(
                "I can take this back at any time: on the page where I signed it, or in writing"
                " to the clinic named above. What was sent before that stays sent."
            ),
        ),
    ]


# --- signing and taking back ------------------------------------------------------------------
def may_sign(user: Any, authorization: Authorization) -> Verdict:
    if not _is_patients_side(user, authorization):
        return never(gettext_lazy("Only the patient can sign this."))
    if authorization.revoked_at:
        return not_now(gettext_lazy("You took this back. The clinic can ask you again."))
    if authorization.signed_at:
        return not_now(gettext_lazy("This is signed already."))
    if authorization.expires_on < timezone.localdate():
        return not_now(gettext_lazy("This text is too old to sign. The clinic can send it again."))
    return YES


def may_take_back(user: Any, authorization: Authorization) -> Verdict:
    if not _is_patients_side(user, authorization):
        return never(gettext_lazy("Only the patient can take this back."))
    if authorization.revoked_at:
        return not_now(gettext_lazy("You took this back already."))
    return YES


def _is_patients_side(user: Any, authorization: Authorization) -> bool:
    rows = CaseFile.objects.visible_as("patient", user)
    return rows.filter(pk=authorization.case_file_id).exists()


def is_name_of(typed: str, name: str) -> bool:
    """Whether the typed signature is that name: case, accents and spaces do not matter."""
    return _plain(typed) == _plain(name)


def _plain(name: str) -> list[str]:
    text = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in text if not unicodedata.combining(c)).split()


def signer_name(user: Any, patient: Patient) -> str:
    """The name that must be typed: the patient's own, or of who acts for them."""
    return str(user.display_name) if acting_for(user, patient) else patient.full_name


@transaction.atomic
def sign(
    authorization: Authorization, *, name: str, tells_first_doctor: bool, from_ip: str, by: Any
) -> Authorization:
    """SECURITY: what is signed is the stored text; it is hashed again, under lock."""
    record_request = lock(authorization.record_request)
    rows = Authorization.objects.select_for_update(of=("self",))
    fresh: Authorization = rows.get(pk=authorization.pk)
    may_sign(by, fresh).or_raise()
    if hashlib.sha256(fresh.text.encode()).hexdigest() != fresh.text_sha256:
        not_now(_("This text was changed. Please ask the clinic.")).or_raise()
    if needs_consent(record_request.holder) and not tells_first_doctor:
        raise Refused(_("Please say whether your first doctor's place may be asked."), 409)
    patient = record_request.case_file.patient
    proxy = acting_for(by, patient)
    fresh.signed_name, fresh.signed_by = name.strip(), by
    fresh.signed_at, fresh.signed_from = timezone.now(), from_ip or None
    fresh.authority = str(proxy.authority) if proxy else ""
    fresh.tells_first_doctor = tells_first_doctor
    fresh.save()
    arrivals.move(record_request, Status.AUTHORIZED, by=by)
    note(
        "authorization.signed", by=by, about=fresh, role="patient",
        on_behalf_of=on_behalf_of(by, patient), text_sha256=fresh.text_sha256,
    )  # fmt: skip
    arrivals.tell_clinic(record_request, "authorization_signed")
    return fresh


@transaction.atomic
def take_back(authorization: Authorization, *, by: Any) -> None:
    """From this commit on nothing more comes through the door and nothing more is sent."""
    record_request = lock(authorization.record_request)
    fresh = Authorization.objects.select_for_update(of=("self",)).get(pk=authorization.pk)
    may_take_back(by, fresh).or_raise()
    fresh.revoked_at, fresh.revoked_by = timezone.now(), by
    fresh.save(update_fields=["revoked_at", "revoked_by"])
    HolderLink.objects.filter(record_request=record_request, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if not record_request.has_ended:
        arrivals.move(record_request, Status.STOPPED, by=by)
    patient = record_request.case_file.patient
    acting = on_behalf_of(by, patient)
    note("authorization.revoked", by=by, about=fresh, role="patient", on_behalf_of=acting)
    arrivals.tell_clinic(record_request, "authorization_revoked")
