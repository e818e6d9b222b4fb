"""Beginning a draft: the patient's row, the case file and the request, in one transaction."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone

from records.models import CaseFile, Patient, Proxy, SafetyFacts
from requests_app.deadlines import due_at
from requests_app.models import OpinionRequest
from secondop.accounts.models import Clinic, User
from secondop.audit.trail import note


@transaction.atomic
def begin_for_self(user: User, clinic: Clinic) -> OpinionRequest:
    """Open a draft, or return the one that the person has at this clinic already."""
    _one_at_a_time(user)
    patient, _created = Patient.objects.get_or_create(
        clinic=clinic, user=user, defaults={"full_name": user.full_name, "phone": user.phone}
    )
    return _draft(patient) or _begin(patient, by=user)


@transaction.atomic
def begin_for_other(
    user: User, clinic: Clinic, *, name: str, authority: str, until: date
) -> OpinionRequest:
    """Open a draft for somebody the person acts for, with the authority on record."""
    _one_at_a_time(user)
    known = Patient.objects.of(user).filter(clinic=clinic, user=None, full_name=name).first()
    patient = known or Patient.objects.create(clinic=clinic, full_name=name)
    if known is None:
        proxy = Proxy.objects.create(
            clinic=clinic, patient=patient, user=user, authority=authority, until=until,
            recorded_by=user,
        )  # fmt: skip
        note("proxy.recorded", by=user, about=proxy, authority=authority)
    return _draft(patient) or _begin(patient, by=user)


def _one_at_a_time(user: User) -> None:
    """A double click waits here and then finds the draft of the first one."""
    User.objects.select_for_update().get(pk=user.pk)


def _draft(patient: Patient) -> OpinionRequest | None:
    drafts = OpinionRequest.objects.filter(case_file__patient=patient, status="draft")
    return drafts.order_by("-created_at").first()


def _begin(patient: Patient, *, by: User) -> OpinionRequest:
    now = timezone.now()
    case_file = CaseFile.objects.create(clinic=patient.clinic, patient=patient)
    SafetyFacts.objects.create(case_file=case_file, clinic=patient.clinic)
    opinion_request = OpinionRequest.objects.create(
        clinic=patient.clinic,
        case_file=case_file,
        started_by=by,
        due_at=due_at("draft", urgent=False, clinic=patient.clinic, start=now),
        limits_accepted_at=now,
    )
    note("request.begun", by=by, about=opinion_request)
    return opinion_request
