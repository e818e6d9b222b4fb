"""Where a clinic says that the first doctor must take part: a country and what says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from records.models import FirstDoctorDuty
from secondop.accounts.models import Clinic
from secondop.accounts.roles import ADMINISTRATOR
from secondop.audit.trail import note
from secondop.lib.countries import country_names
from secondop.lib.verdicts import YES, Verdict, never


@dataclass(frozen=True)
class Line:
    row: FirstDoctorDuty
    country: str


def of(clinic: Clinic) -> list[Line]:
    rows = FirstDoctorDuty.objects.filter(clinic=clinic)
    names = country_names()
    lines = [Line(row, names.get(row.country, row.country)) for row in rows]
    return sorted(lines, key=lambda line: line.country)


def may_state(user: Any, clinic_id: Any) -> Verdict:
    if clinic_id not in user.clinics_as(ADMINISTRATOR):
        return never(_("Only administrators state this."))
    return YES


@transaction.atomic
def state(clinic: Clinic, *, country: str, source: str, by: Any) -> FirstDoctorDuty:
    """A country that is on the list already gets the new source."""
    may_state(by, clinic.pk).or_raise()
    row, _new = FirstDoctorDuty.objects.update_or_create(
        clinic=clinic, country=country, defaults={"source": source.strip(), "stated_by": by}
    )
    note("first_doctor.duty_stated", by=by, about=row, role=ADMINISTRATOR, country=country)
    return row


@transaction.atomic
def end(duty: FirstDoctorDuty, *, by: Any) -> None:
    may_state(by, duty.clinic_id).or_raise()
    note("first_doctor.duty_ended", by=by, about=duty, role=ADMINISTRATOR, country=duty.country)
    duty.delete()
